"""Requests as raw bytes, and whole answers: status, headers and body."""
import json
import socket
import time

from engine import request
from wire import head_of

HOST = "chat.example"


class Answer:
    def __init__(self, status, headers=(), body=b""):
        self.status, self.headers, self.body = status, list(headers), body

    @property
    def text(self):
        return self.body.decode(errors="replace")

    def header(self, name):
        return next((value for given, value in self.headers if given == name), None)

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.text[:300]}"


class Line:
    """A connection that is kept alive, and made anew when it has ended."""

    def __init__(self, port, address="127.0.0.1"):
        self.place, self.socket, self.buffer = (address, port), None, b""

    def ask(self, method, target, headers=(), body=None, host=HOST, seconds=10):
        if isinstance(body, (dict, list)):
            body, headers = json.dumps(body), [*headers, "Content-Type: application/json"]
        return self.say(request(method, target, body, headers, host), seconds, method == "HEAD")

    def say(self, raw, seconds=10, head_only=False):
        """Says raw bytes; gives the answer, of status 0 when there is none."""
        for again in (self.socket is not None, False):
            self.open(seconds)
            try:
                self.socket.sendall(raw)
                return self.answer(seconds, head_only)
            except OSError:
                self.end()
                if not again:
                    return Answer(0)

    def open(self, seconds):
        if self.socket is None:
            self.socket, self.buffer = socket.create_connection(self.place, timeout=seconds), b""
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def answer(self, seconds, head_only):
        deadline = time.monotonic() + seconds
        while b"\r\n\r\n" not in self.buffer:
            self.more(deadline)
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        answer = Answer(int(first.split(" ", 2)[1]), headers)
        if answer.status == 101:
            return answer
        if answer.header("transfer-encoding"):
            raise SystemExit(f"an answer in chunks, which nothing here reads: {head!r}")
        length = 0 if head_only or answer.status == 304 else int(answer.header("content-length") or 0)
        while len(self.buffer) < length:
            self.more(deadline)
        answer.body, self.buffer = self.buffer[:length], self.buffer[length:]
        if answer.header("connection") == "close":
            self.end()
        return answer

    def more(self, deadline):
        self.socket.settimeout(max(0.001, deadline - time.monotonic()))
        more = self.socket.recv(1 << 18)
        if not more:
            raise ConnectionError("the connection has ended")
        self.buffer += more

    def end(self):
        if self.socket is not None:
            self.socket.close()
        self.socket, self.buffer = None, b""


def upgrade(port, target, headers=(), host=HOST):
    """Asks for a socket and lets go of it; the answer to that."""
    line = Line(port)
    answer = line.say(head_of(target, host, headers))
    line.end()
    return answer
