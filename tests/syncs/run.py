#!/usr/bin/env python3
"""How often the server syncs, and whether it ever says yes before it has: from what strace sees of the real binary while a
thousand connections send, each with one message under way. And that a shard writes to a connection once a turn at most.

  tests/syncs/run.py [--senders 1000] [--rounds 20] [--keep]     SWITCHBOARD_BINARY says which binary
  tests/syncs/run.py --self-test                                      shows that doctored traces are refused
"""
import argparse
import os
import resource
import select
import shutil
import socket
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import kept  # noqa: E402
import wire  # noqa: E402
from selftest import self_test  # noqa: E402
from server import Server  # noqa: E402
from trace import SYNCS, TRACED, Trace  # noqa: E402

PATIENCE_S = 60
ACK_MAX_S = 5.0  # Many times what a loaded machine needs; a shard that sleeps on its mail takes longer.
NO_LIMITS = {"CHAT_MAX_MESSAGES_PER_MIN": "0", "MAX_MESSAGES_PER_MIN": "0"}


class Sender:
    """One connection, with one message under way. A room is for two, so that others are written to as well."""

    def __init__(self, port, number, rounds):
        self.number, self.left, self.round, self.buffer = number, rounds, 0, bytearray()
        self.socket = kept.connection(port, PATIENCE_S)
        self.socket.sendall(wire.head_of(wire.rooms(f"sender{number}", f"pair{number // 2}")))
        self.socket.setblocking(False)
        self.open, self.spoke, self.waited = False, 0.0, 0.0

    def speak(self):
        client_id = f"sync-{self.number}-{self.round}-"
        text = b'{"text":"%s","client_id":"%s"}' % (b"x" * 100, client_id.encode())
        self.round, self.left, self.spoke = self.round + 1, self.left - 1, time.monotonic()
        self.socket.send(wire.frame(text))

    def hear(self):
        """Reads what is there; says whether an acknowledgement came, or the upgrade."""
        more = self.socket.recv(65536)
        if not more:
            raise SystemExit(f"the server hung up on sender {self.number}")
        self.buffer += more
        if not self.open:
            if b"\r\n\r\n" not in self.buffer:
                return False
            head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 101 "):
                raise SystemExit(f"refused: {head.decode()}")
            self.open, self.buffer = True, bytearray(rest)
            return True
        frames, self.buffer = wire.take_frames(self.buffer)
        acked = any(payload.startswith(b'{"type":"ack"') for _, payload in frames)
        if acked:
            self.waited = max(self.waited, time.monotonic() - self.spoke)
        return acked


def load(port, senders, rounds):
    """Everybody sends, and sends again when it is acknowledged; the number of acknowledgements and the seconds."""
    poll, everybody = select.epoll(), {}
    for number in range(senders):
        sender = Sender(port, number, rounds)
        everybody[sender.socket.fileno()] = sender
        poll.register(sender.socket, select.EPOLLIN)
    deadline, opened = time.monotonic() + PATIENCE_S, 0
    while opened < senders:
        opened += sum(everybody[fd].hear() for fd, _ in poll.poll(1))
        if time.monotonic() > deadline:
            raise SystemExit(f"{opened} of {senders} are connected after {PATIENCE_S} s")
    begun, acks = time.monotonic(), 0
    for sender in everybody.values():
        sender.speak()
    while acks < senders * rounds and time.monotonic() < begun + PATIENCE_S:
        for fd, _ in poll.poll(1):
            if everybody[fd].hear():
                acks += 1
                if everybody[fd].left:
                    everybody[fd].speak()
    took = time.monotonic() - begun
    for sender in everybody.values():
        sender.socket.close()
    longest = max(sender.waited for sender in everybody.values())
    if acks < senders * rounds or longest > ACK_MAX_S:
        sys.exit(f"{acks} acknowledgements came for {senders * rounds} messages, the slowest after {longest:.1f} s")
    return acks, took


def strace(calls, path):
    """Only the calls that are named cost anything."""
    return ["strace", "-f", "--seccomp-bpf", "-y", "-ttt", "-s", "1048576", "-o", path, "-e", "trace=" + calls]


def counted(scratch, options):
    """Nothing but syncs is looked at, so that the rest runs at its own pace: how many there are while clients send."""
    path = os.path.join(scratch, "syncs")
    with Server(NO_LIMITS, under=strace(",".join(SYNCS), path)) as server:
        acks, took = load(server.port, options.senders, options.rounds)
        until, since = time.time(), time.time() - took
    with open(path) as lines:
        times = [float(line.split()[1]) for line in lines if any(f" {call}(" in line for call in SYNCS)]
    syncs = sum(since <= at <= until for at in times)
    print(f"  at its own pace: {acks} acknowledgements in {took:.1f} s, {syncs} syncs")
    if not 0 < syncs * 10 <= acks:
        sys.exit(f"{syncs} syncs for {acks} acknowledgements are none, or over a tenth")
    return syncs, acks


def traced(scratch, shards, options):
    """The trace of a server of so many shards under load, and how many acknowledgements its clients got."""
    path = os.path.join(scratch, f"{shards}-shards")
    with Server({**NO_LIMITS, "SHARDS": str(shards)}, under=strace(TRACED, path)) as server:
        acks, took = load(server.port, options.senders, options.rounds)
    with open(path, encoding="ascii", errors="replace") as lines:
        seen = Trace().read(line.rstrip("\n") for line in lines)
    print(f"  {shards} shard{'s' * (shards > 1)}: {acks} acknowledgements in {took:.1f} s under strace, {seen.syncs} syncs, "
          f"{seen.turns_of_shards()} turns that wrote")
    return seen, acks


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--senders", type=int, default=1000)
    arguments.add_argument("--rounds", type=int, default=20)
    arguments.add_argument("--keep", action="store_true", help="leaves the traces, and says where")
    arguments.add_argument("--self-test", action="store_true")
    options = arguments.parse_args()
    if options.self_test:
        return self_test()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    scratch = tempfile.mkdtemp(prefix="switchboard-syncs-")
    try:
        run(scratch, options)
    finally:
        if options.keep:
            print(f"  the traces are in {scratch}")
        else:
            shutil.rmtree(scratch, ignore_errors=True)


def run(scratch, options):
    syncs, acks = counted(scratch, options)
    turns = ordered = 0
    for shards in (1, 2):
        seen, came = traced(scratch, shards, options)
        wrong = seen.judge(came, shards)
        if wrong:
            sys.exit("\n".join([f"with {shards} shards:", *wrong]))
        turns, ordered = turns + seen.turns_of_shards(), ordered + came
    print(f"Syncs: {syncs} fsyncs for {acks} acknowledgements (1 per {acks / syncs:.0f}); every one of {ordered} acks after "
          f"the sync that covers it; at most one write per connection in each of {turns} turns (1 shard and 2)")


if __name__ == "__main__":
    main()
