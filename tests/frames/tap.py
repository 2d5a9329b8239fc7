#!/usr/bin/env python3
"""A server with a tap before it: everything that goes over its connections is kept, byte by byte, for run.js to read.

  tap.py FOLDER BINARY [argument…]

Becomes BINARY, by exec, so that whoever started it has the server's own process in hand; its ports are others, and on
those that it was asked to listen on (PORT, LISTEN) stands the tap, which ends with the server. What passes goes to a
file in FOLDER, `.part` while it grows and `.tap` when the server has ended: records of a connection's number (u32),
what it is (one letter) and its length (u32), and the bytes.
"""
import asyncio
import json
import logging
import os
import random
import resource
import signal
import socket
import struct
import sys
import time

HEAD = struct.Struct("!IcI")
SETTINGS, OPENED, SAID, HEARD, SERVER_ENDED, CLIENT_ENDED, GONE = b"m", b"o", b"c", b"s", b"e", b"x", b"g"
BIND_S = 10
# What the documents depend on; and whether there is a back end, of whose words no document can speak.
TOLD = ("API_PREFIX", "CHAT_WEBSOCKET_PATH", "GATEWAY_STAGE", "GATEWAY_INTEGRATION_ROUTES")


def free_port(host):
    # Below those that connections going out are given, one of which could take it before the server does.
    while True:
        with socket.socket() as probe:
            try:
                probe.bind((host, random.randrange(20000, 32000)))
                return probe.getsockname()[1]
            except OSError:
                continue


def places(environment):
    """The addresses that the server was asked to listen on: (host, port) each, and the setting they stand in."""
    host = environment.get("HOST", "127.0.0.1")
    if not environment.get("LISTEN"):
        return [(host, int(environment.get("PORT", "8000")))]
    parts = [part.strip().rpartition(":") for part in environment["LISTEN"].split(",")]
    return [(before or host, int(port)) for before, _, port in parts]


class Tap:
    """One server's connections, and the file of what passes on them."""

    def __init__(self, file, inside):
        self.file, self.inside, self.connections = file, inside, 0
        self.tasks = set()  # Nobody else holds them for as long as they wait.

    def keep(self, connection, what, data=b""):
        self.file.write(HEAD.pack(connection, what, len(data)) + data)

    async def serve(self, place, near_in, near_out):
        self.tasks.add(asyncio.current_task())
        self.connections += 1
        connection, peer = self.connections, near_out.get_extra_info("peername")
        try:
            if peer is None:
                raise ConnectionError("it has gone already")
            # From the address that the client came from: the server counts by it.
            far_in, far_out = await asyncio.open_connection(*self.inside[place], local_addr=(peer[0], 0))
            for writer in (near_out, far_out):
                writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:  # No server either, it may be.
            near_out.transport.abort()
            return self.tasks.discard(asyncio.current_task())
        self.keep(connection, OPENED)
        both = (near_out, far_out)
        await asyncio.gather(self.pump(connection, near_in, far_out, SAID, CLIENT_ENDED, both),
                             self.pump(connection, far_in, near_out, HEARD, SERVER_ENDED, both))
        for writer in both:
            writer.close()
        self.keep(connection, GONE)
        self.tasks.discard(asyncio.current_task())

    async def pump(self, connection, source, sink, what, end, both):
        try:
            while data := await source.read(1 << 16):
                self.keep(connection, what, data)
                sink.write(data)
                await sink.drain()
            self.keep(connection, end)
            sink.write_eof()
        except OSError:
            # Reset on one side is reset on the other.
            for writer in both:
                writer.transport.abort()


async def listen(tap, place):
    # The tap of the server that was here before may still be about to go.
    deadline = time.monotonic() + BIND_S
    while True:
        try:
            return await asyncio.start_server(lambda *streams: tap.serve(place, *streams), *place, backlog=4096)
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.01)


async def watch(folder, inside, alive):
    name = os.path.join(folder, f"{os.getpid()}-{time.time_ns()}")
    with open(name + ".part", "wb") as file:
        tap = Tap(file, inside)
        tap.keep(0, SETTINGS, json.dumps({name: os.environ[name] for name in TOLD if name in os.environ}).encode())
        doors = [await listen(tap, place) for place in inside]
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(alive, ended.set)
        await ended.wait()
        for door in doors:
            door.close()
        # What the server said last is in the sockets still.
        await asyncio.sleep(0.05)
    os.rename(name + ".part", name + ".tap")
    os._exit(0)  # Its connections end with it, as they do with a server.


def apart(folder, inside, alive):
    """The tap's own process: of nobody's group, with nobody's streams, so that nobody waits for it."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    nothing, trouble = os.open(os.devnull, os.O_RDWR), os.open(os.path.join(folder, "trouble"), os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    for stream, file in ((0, nothing), (1, nothing), (2, trouble)):
        os.dup2(file, stream)
    # What is written to who has gone is no trouble.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(watch(folder, inside, alive))


def main(folder, binary, *arguments):
    environment = dict(os.environ)
    # With arguments it is no server: `switchboard token …` and the like.
    if not arguments:
        inside = {place: (place[0], free_port(place[0])) for place in places(environment)}
        environment["LISTEN"] = ",".join(f"{host}:{port}" for host, port in inside.values())
        environment.pop("PORT", None)
        alive, server = os.pipe()
        if os.fork() == 0:
            os.close(server)
            apart(folder, inside, alive)
        os.close(alive)
        # Never written to: it closes when the server ends, however it ends.
        os.set_inheritable(server, True)
    os.execve(binary, [binary, *arguments], environment)


main(*sys.argv[1:])
