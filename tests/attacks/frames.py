"""T11 and T12: frames that break the protocol, that promise more than is allowed, or that come in crumbs."""
import json
import time

import wire
from wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Client, announced, frame

FRAGMENTS = 300_000
FRAGMENTS_MAX = 1024
MESSAGE_BYTES_MAX = 1 << 20  # The default of MESSAGE_BYTES_MAX.
WITHIN_S = 1.0


def doors(name):
    return [("rooms", wire.rooms(name, "attacked")), ("chat", wire.chat(name))]


# What is sent, and the only code that is right for it.
WRONG = [
    ("a 64-bit length of 4 EiB", announced(1 << 62), 1009),
    ("a 64-bit length one below its top bit", announced((1 << 63) - 1), 1009),
    ("a 64-bit length with its top bit set", announced(1 << 63), 1002),
    ("a 64-bit length of all ones", announced((1 << 64) - 1), 1002),
    ("64 MiB announced", announced(64 << 20), 1009),
    ("64 MiB announced, binary", announced(64 << 20, BINARY), 1009),
    ("one byte over the limit announced", announced(MESSAGE_BYTES_MAX + 1), 1009),
    ("64 MiB sent", announced(64 << 20) + bytes(64 << 20), 1009),
    ("over the limit in two fragments",
     frame(b"x" * MESSAGE_BYTES_MAX, fin=False) + frame(b"x", CONTINUATION), 1009),
    ("an unmasked text", frame(b'{"text":"x"}', masked=False), 1002),
    ("an unmasked ping", frame(b"", PING, masked=False), 1002),
    *((f"RSV bits {bits:03b}", frame(b"{}", reserved=bits), 1002) for bits in range(1, 8)),
    *((f"opcode {opcode:#x}", frame(b"", opcode), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
    ("bad UTF-8", frame(b"\xff\xfe"), 1007),
    ("UTF-8 of a surrogate", frame(b"\xed\xa0\x80"), 1007),
    ("overlong UTF-8", frame(b"\xc0\xaf"), 1007),
    ("UTF-8 beyond U+10FFFF", frame(b"\xf4\x90\x80\x80"), 1007),
    ("UTF-8 cut short", frame(b"\xe2\x82"), 1007),
    ("bad UTF-8 in a message that has not ended", frame(b"\xce\xba\xe1\xbd\xb9\xff", fin=False), 1007),
    ("a ping of 126 bytes", frame(bytes(126), PING), 1002),
    ("a pong of 65,536 bytes", frame(bytes(65536), PONG), 1002),
    ("a close of 126 bytes", frame(b"\x03\xe8" + b"x" * 124, CLOSE), 1002),
    ("a ping in fragments", frame(b"a", PING, fin=False) + frame(b"b", CONTINUATION), 1002),
    ("a close in fragments", frame(b"\x03\xe8", CLOSE, fin=False), 1002),
    ("nothing to continue", frame(b"x", CONTINUATION), 1002),
    ("a message within a message", frame(b"x", fin=False) + frame(b"y"), 1002),
    ("half a close code", frame(b"\x03", CLOSE), 1002),
    ("a close code of 1005", frame((1005).to_bytes(2, "big"), CLOSE), 1002),
    ("a close code of 999", frame((999).to_bytes(2, "big"), CLOSE), 1002),
    ("a close reason of bad UTF-8", frame(b"\x03\xe8\xff", CLOSE), 1007),
]


def broken(server, report):
    for door, target in doors("mallory"):
        for what, data, code in WRONG:
            client = Client(server.port, target)
            _, took = client.pour(data, 5)
            seen = f"close {client.closed} after {took:.2f} s"
            report.check("T11", f"{door}: {what} is closed with {code} within {WITHIN_S:.0f} s",
                         client.closed == code and took < WITHIN_S, seen)
            client.end()


def promises(server, report):
    """Two hundred messages of a megabyte are announced, and a byte of each is sent."""
    before, clients = server.memory("VmRSS"), []
    for n in range(100):
        for _, target in doors(f"promiser{n}"):
            client = Client(server.port, target)
            client.pour(announced(MESSAGE_BYTES_MAX) + b"{", 0.001)
            clients.append(client)
    time.sleep(0.3)
    grown = server.memory("VmRSS") - before
    report.check("T11", "200 MiB promised and 200 bytes sent cost at most 4 MiB", grown <= 4 << 20, f"{grown} bytes")
    for client in clients[:2]:
        frames, _ = client.pour(b"x" * (MESSAGE_BYTES_MAX - 1), 5, wire.any_text)
        report.check("T11", "a message that is as long as was announced, and allowed, is heard", wire.any_text(frames),
                     f"close {client.closed}, {frames}")
    for client in clients:
        client.end()


def crumbs(server, report):
    for door, target in doors("crumbler"):
        for what, crumb in (("one-byte", b"x"), ("empty", b"")):
            client = Client(server.port, target)
            flood = frame(crumb, fin=False) + frame(crumb, CONTINUATION, fin=False) * FRAGMENTS
            _, took = client.pour(flood, 10)
            report.check("T12", f"{door}: {FRAGMENTS} {what} fragments are closed with 1008 or 1009",
                         client.closed in (1008, 1009) and took < 5, f"close {client.closed} after {took:.2f} s")
            client.end()
        for fragments, heard in ((FRAGMENTS_MAX, True), (FRAGMENTS_MAX + 1, False)):
            client = Client(server.port, target)
            text = json.dumps({"type": "nonsense", "client_id": 1}).encode()
            parts = [text] + [b" "] * (fragments - 1)
            data = b"".join(frame(part, CONTINUATION if at else TEXT, fin=at == fragments - 1)
                            for at, part in enumerate(parts))
            frames, _ = client.pour(data, 5, wire.any_text)
            right = wire.any_text(frames) and client.closed is None if heard else client.closed == 1008
            report.check("T12", f"{door}: {fragments} fragments are {'heard' if heard else 'closed'}", right,
                         f"close {client.closed}, {frames}")
            client.end()


def run(server, report):
    broken(server, report)
    promises(server, report)
    crumbs(server, report)
