"""WebSockets as an attacker needs them: frames are made by hand, so that they may be wrong, and read as they come."""
import json
import os
import select
import socket
import struct
import time

import kept

TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 1, 2, 8, 9, 10, 0
NO_MASK = b"\0\0\0\0"


def frame(payload=b"", opcode=TEXT, fin=True, reserved=0, masked=True, mask=NO_MASK):
    """A client's frame. With the mask of zeros its payload can be read in a trace, too."""
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    bit = 0x80 if masked else 0
    if len(payload) < 126:
        head = struct.pack("!BB", first, bit | len(payload))
    elif len(payload) < 65536:
        head = struct.pack("!BBH", first, bit | 126, len(payload))
    else:
        head = struct.pack("!BBQ", first, bit | 127, len(payload))
    if not masked:
        return head + payload
    if mask != NO_MASK:
        payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return head + mask + payload


def announced(length, opcode=TEXT):
    """The head of a frame that promises so many bytes."""
    return struct.pack("!BBQ", 0x80 | opcode, 0xFF, length) + NO_MASK


def head_of(target, host="localhost", headers=(), upgrade=True):
    lines = [f"GET {target} HTTP/1.1", f"Host: {host}"]
    if upgrade:
        lines += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    return "\r\n".join([*lines, *headers, "", ""]).encode()


def rooms(user, room):
    return f"/ws/rooms/{room}?token={user}"


def chat(user):
    return f"/ws/chat?token={user}"


def take_frames(buffer):
    """The server's frames in a buffer: (opcode, payload) each, and the rest."""
    frames, at = [], 0
    while len(buffer) - at >= 2:
        length, head = buffer[at + 1] & 0x7F, 2
        if length == 126:
            head = 4
        elif length == 127:
            head = 10
        if len(buffer) - at < head:
            break
        if head > 2:
            length = int.from_bytes(buffer[at + 2:at + head], "big")
        if len(buffer) - at < head + length:
            break
        frames.append((buffer[at] & 0x0F, bytes(buffer[at + head:at + head + length])))
        at += head + length
    return frames, buffer[at:]


class Client:
    """One socket, upgraded. `closed` is the close frame's code, `ended` that the connection is no more."""

    def __init__(self, port, target, headers=()):
        self.socket = kept.connection(port, 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(head_of(target, headers=headers))
        self.buffer, self.closed, self.reason, self.ended = bytearray(), None, "", False
        while b"\r\n\r\n" not in self.buffer:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError(f"refused: {bytes(self.buffer)!r}")
            self.buffer += more
        head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            raise ConnectionError(f"refused: {head!r}")
        self.buffer = bytearray(rest)
        self.socket.setblocking(False)

    def take(self):
        """What has come, without waiting."""
        try:
            while more := self.socket.recv(1 << 20):
                self.buffer += more
            self.ended = True
        except BlockingIOError:
            pass
        except OSError:
            self.ended = True
        frames, self.buffer = take_frames(self.buffer)
        for opcode, payload in frames:
            if opcode == CLOSE:
                self.closed = int.from_bytes(payload[:2], "big") if payload else 1005
                self.reason = payload[2:].decode(errors="replace")
        return frames

    def pour(self, data, seconds, until=None):
        """Sends all of it while reading, until the server closes, `until(frames so far)` holds, or time is up. Gives the
        frames that came and the seconds until then."""
        begun, frames, left = time.monotonic(), self.take(), memoryview(data)
        while self.closed is None and not self.ended and not (until and until(frames)):
            wait = begun + seconds - time.monotonic()
            if wait <= 0:
                break
            readable, writable, _ = select.select([self.socket], [self.socket] if left else [], [], wait)
            if writable:
                try:
                    left = left[self.socket.send(left[:1 << 18]):]
                except BlockingIOError:
                    pass
                except OSError:
                    left = left[:0]  # It has gone; what it said before is still there to be read.
            if readable:
                frames += self.take()
        return frames, time.monotonic() - begun

    def say(self, message):
        """Sends a short message and reads nothing."""
        data = frame(json.dumps(message).encode())
        if self.socket.send(data) != len(data):
            raise ConnectionError("the socket takes no more")

    def ask(self, message, seconds=5):
        """Sends a message and gives the first text that comes, as JSON."""
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        texts = [payload for opcode, payload in self.pour(frame(data), seconds, any_text)[0] if opcode == TEXT]
        return json.loads(texts[0]) if texts else None

    def lives(self):
        """Whether it answers a ping and was not closed."""
        token = os.urandom(8)
        echo = (PONG, token)
        frames, _ = self.pour(frame(token, PING), 5, lambda frames: echo in frames)
        return echo in frames and self.closed is None and not self.ended

    def end(self):
        self.socket.close()


def any_text(frames):
    return any(opcode == TEXT for opcode, _ in frames)


def answer_to(port, request, seconds=5):
    """Raw bytes to a new connection; the status of the answer, its whole text, and the seconds until it was there or the
    connection ended. Status 0: none."""
    begun = time.monotonic()
    with kept.connection(port, seconds) as connection:
        text = b""
        try:
            connection.sendall(request)
            while b"\r\n\r\n" not in text:
                more = connection.recv(65536)
                if not more:
                    break
                text += more
        except OSError:
            pass
        took = time.monotonic() - begun
    status = int(text.split(b" ", 2)[1]) if text.startswith(b"HTTP/1.1 ") else 0
    return status, text.decode(errors="replace"), took
