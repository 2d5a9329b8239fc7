"""Clients of the socketio door as an attacker needs them: packets as they are on the wire, requests as raw bytes."""
import base64
import json
import select
import socket
import struct
import time

import kept
import wire
from wire import BINARY, TEXT, frame

PATH = "/socket.io/"
SEPARATOR = "\x1e"
POLL = "EIO=4&transport=polling"
SOCKET = "EIO=4&transport=websocket"
UNKNOWN = (400, '{"code":1,"message":"Session ID unknown"}')
MOVED = (400, '{"code":3,"message":"Bad request"}')


def event(name, *arguments, ack=""):
    return f"42{ack}" + json.dumps([name, *arguments], separators=(",", ":"))


def framed(packet):
    return frame(packet, BINARY) if isinstance(packet, bytes) else frame(packet.encode())


def payload(packets):
    """Packets as one body."""
    return SEPARATOR.join("b" + base64.b64encode(packet).decode() if isinstance(packet, bytes) else packet
                          for packet in packets)


def request(method, target, body=None, headers=(), host="localhost"):
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *headers]
    if body is not None:
        body = body if isinstance(body, bytes) else body.encode()
        lines.append(f"Content-Length: {len(body)}")
        if not any(line.lower().startswith("content-type") for line in headers):
            lines.append("Content-Type: text/plain;charset=UTF-8")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


class Http:
    """A connection that is kept alive."""

    def __init__(self, port):
        self.socket = kept.connection(port, 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def ask(self, raw, seconds=5):
        self.say(raw)
        return self.answer(seconds)

    def say(self, raw):
        try:
            self.socket.sendall(raw)
        except OSError:
            pass  # What was said before it was cut off is still there to be read.

    def answer(self, seconds=5):
        """The status and body of the next answer; status 0 when none came."""
        deadline = time.monotonic() + seconds
        try:
            while b"\r\n\r\n" not in self.buffer:
                self.more(deadline)
            head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").lower().split("\r\n")
            length = next((int(line[15:]) for line in lines if line.startswith("content-length:")), 0)
            while len(self.buffer) < length:
                self.more(deadline)
        except OSError:
            return 0, ""
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return int(head.split(b" ", 2)[1]), body.decode(errors="replace")

    def more(self, deadline):
        self.socket.settimeout(max(0.001, deadline - time.monotonic()))
        more = self.socket.recv(1 << 18)
        if not more:
            raise ConnectionError("the connection has ended")
        self.buffer += more

    def reset(self):
        """Ends it by RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def end(self):
        self.socket.close()


class Polling:
    """A session that is polled, over one connection; a request beside another needs one of its own."""

    def __init__(self, port, http=None, version=4):
        self.port, self.http = port, http or Http(port)
        self.query = f"EIO={version}&transport=polling"
        self.status, text = self.http.ask(request("GET", f"{PATH}?{self.query}"))
        self.sid = json.loads(text[text.index("{"):])["sid"] if self.status == 200 else ""
        self.target = f"{PATH}?{self.query}&sid={self.sid}"

    def get(self, seconds=5):
        return self.http.ask(request("GET", self.target), seconds)

    def post(self, *packets, headers=()):
        return self.post_raw(payload(packets), headers)

    def post_raw(self, body, headers=()):
        return self.http.ask(request("POST", self.target, body, headers))

    def packets(self, done, seconds=5):
        """Polls until `done(packets so far)`; a refused poll ends it."""
        packets, deadline = [], time.monotonic() + seconds
        while not done(packets) and time.monotonic() < deadline:
            status, text = self.get(max(0.1, deadline - time.monotonic()))
            if status != 200:
                break
            got = text.split(SEPARATOR)
            if "2" in got:
                self.post("3")
            packets += [packet for packet in got if packet != "2"]
        return packets

    def connect(self, *more):
        self.post("40", *more)
        return self.packets(lambda packets: len(packets) > len(more))

    def lives(self):
        """Whether what it says is answered: a namespace that nobody has is refused, and it goes on."""
        said = self.post("40/nobody,") == (200, "ok")
        return said and any(NOBODY in packet for packet in self.packets(lambda packets: any(
            NOBODY in packet for packet in packets)))

    def upgrade(self):
        """A socket that is to take its place."""
        return Socket(self.port, f"{PATH}?{SOCKET}&sid={self.sid}")

    def end(self):
        self.http.end()


NOBODY = '44/nobody,{"message":"Invalid namespace"}'


class Socket(wire.Client):
    """A session on a WebSocket. It answers pings of Engine.IO when it takes what has come."""

    def __init__(self, port, target=f"{PATH}?{SOCKET}", headers=()):
        super().__init__(port, target, headers)

    def take(self):
        frames = super().take()
        if (TEXT, b"2") in frames:
            self.tell("3")
        return [frame for frame in frames if frame != (TEXT, b"2")]

    def tell(self, *packets):
        try:
            self.socket.sendall(b"".join(map(framed, packets)))
        except OSError:
            pass

    def ask_for(self, packets, done, seconds=5):
        """Says these, and gives the texts that come until `done(texts so far)`."""
        frames, _ = self.pour(b"".join(map(framed, packets)), seconds,
                              lambda frames: done(texts(frames)))
        return texts(frames)

    def greeted(self):
        return self.ask_for([], lambda packets: packets)

    def connect(self, *more):
        """Connects to the main namespace; gives what came behind the handshake."""
        self.greeted()
        return self.ask_for(["40", *more], lambda packets: len(packets) > len(more))

    def become(self, user, room=None):
        join = [event("join_room", {"roomId": room})] if room else []
        return self.connect(event("authenticate", {"userId": user}), *join)

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def texts(frames):
    return [data.decode() for opcode, data in frames if opcode == TEXT]


def readable(sockets, seconds):
    return select.select(sockets, [], [], seconds)[0]
