"""Sockets that keep what passes on them, in the way of tests/frames/tap.py, for suites whose timing bears no tap: where
FRAMES_KEPT names a folder; else they are plain ones."""
import atexit
import itertools
import os
import socket
import struct
import time

HEAD = struct.Struct("!IcI")
OPENED, SAID, HEARD, SERVER_ENDED, GONE = b"o", b"c", b"s", b"e", b"g"
numbers = itertools.count(1)
file = None


def begin(folder):
    name = os.path.join(folder, f"{os.getpid()}-{time.time_ns()}")
    kept = open(name + ".part", "wb")
    atexit.register(lambda: (kept.close(), os.rename(name + ".part", name + ".tap")))
    return kept


def keep(number, what, data=b""):
    file.write(HEAD.pack(number, what, len(data)) + data)


class Kept(socket.socket):
    """A connected socket, taken over from a plain one."""

    def __init__(self, plain, number):
        timeout = plain.gettimeout()
        super().__init__(fileno=plain.detach())
        self.settimeout(timeout)
        self.number = number
        keep(number, OPENED)

    def send(self, data):
        sent = super().send(data)
        keep(self.number, SAID, bytes(data[:sent]))
        return sent

    def sendall(self, data):
        # What goes out before an error is not known; it is wrong only to have kept less than was answered.
        keep(self.number, SAID, bytes(data))
        super().sendall(data)

    def recv(self, size):
        try:
            data = super().recv(size)
        except ConnectionError:
            keep(self.number, SERVER_ENDED)
            raise
        keep(self.number, HEARD if data else SERVER_ENDED, data)
        return data

    def close(self):
        if self.fileno() >= 0:
            keep(self.number, GONE)
        super().close()


def connection(port, timeout):
    """A connection to a server on this machine."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=timeout)
    return Kept(plain, next(numbers)) if file else plain


if os.environ.get("FRAMES_KEPT"):
    file = begin(os.environ["FRAMES_KEPT"])
