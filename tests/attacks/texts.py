"""T16: JSON that is meant to break its reader. The dialect's own error comes, to the letter, and the socket lives; chat
says 1007 to what is no JSON at all."""
import json

import wire
from wire import Client, frame

DEPTH = 100_000
ROOMS_ERROR = {"type": "error", "message": "Failed to process message"}
CHAT_ERROR = {"type": "error", "data": {"message": "invalid message"}}

# No JSON at all, for anybody.
BROKEN = [
    ("100,000 arrays that don't end", b"[" * DEPTH),
    ("100,000 objects that don't end", b'{"a":' * DEPTH),
    ("a NUL within a text", b'{"type":"x","text":"a\0b"}'),
    ("a NUL behind the object", b'{"type":"x"}\0'),
    ("NaN", b'{"type":NaN}'),
    ("a comma too many", b'{"type":"x",}'),
    ("a comment", b'{"type":"x"/**/}'),
    ("two objects", b'{"type":"x"}{"type":"x"}'),
    ("single quotes", b"{'type':'x'}"),
    ("a byte order mark", b'\xef\xbb\xbf{"type":"x"}'),
    ("nothing", b""),
    ("blanks", b"   "),
    ("half an escape", b'{"type":"\\u00'),
]


def unfit(good):
    """JSON, and not what is wanted. `good` is a send of that dialect, whose message is "said"."""
    return [
        ("100,000 arrays", b'{"a":' + b"[" * DEPTH + b"]" * DEPTH + b"," + good[1:]),
        ("100,000 objects", b'{"a":' * DEPTH + b"1" + b"}" * DEPTH),
        ("33 arrays in an object", b'{"a":' + b"[" * 32 + b"]" * 32 + b"," + good[1:]),
        ("its message twice", good.replace(b'"said"', b'"said",' + key_of(good) + b':"said"')),
        ("a number for its message", good.replace(b'"said"', b"1e999999")),
        ("100,000 digits for its message", good.replace(b'"said"', b"9" * DEPTH)),
        ("a huge number for its client id", good.replace(b'"id"', b"1" * 400)),
        ("a lone high surrogate", good.replace(b"said", b"\\ud800")),
        ("a lone low surrogate", good.replace(b"said", b"\\udc00x")),
        ("surrogates the wrong way round", good.replace(b"said", b"\\udc00\\ud800")),
        ("everything in its prototype", b'{"__proto__":' + good + b"}"),
        ("an array of its fields", b'["send_message",{}]'),
        ("a text", b'"said"'),
        ("null", b"null"),
        ("a number", b"1e999999"),
    ]


def key_of(good):
    return b'"text"' if good.startswith(b'{"text"') else b'"content"'


# What a reader has to take although it looks odd: (said, heard).
ODD = [
    ("a NUL, escaped", b"a\\u0000b", "a\0b"),
    ("a pair of surrogates", b"\\ud83d\\ude00", "\U0001F600"),
    ("a name of JavaScript's", b"__proto__", "__proto__"),
    ("a right-to-left override", "a\u202eb".encode(), "a\u202eb"),
]
EXTRA = [b'"__proto__":{"admin":true}', b'"constructor":{"prototype":{"admin":true}}', b'"n":1e999999',
         b'"n":' + b"9" * 50_000, b'"deep":' + b"[" * 30 + b"]" * 30]


def sockets(server, report):
    room = "texts"
    reader = Client(server.port, wire.rooms("reader", room))
    send = b'{"text":"said","client_id":"id"}'
    attacker = Client(server.port, wire.rooms("texter", room))
    for what, data in BROKEN + unfit(send):
        seen = attacker.ask(data)
        report.check("T16", f"rooms: {what}: the error to the letter", is_error(seen, ROOMS_ERROR), seen)
    for what, data in (("binary", frame(b'{"text":"x"}', wire.BINARY)),):
        frames, _ = attacker.pour(data, 5, wire.any_text)
        report.check("T16", f"rooms: {what}: the error to the letter",
                     [json.loads(payload) for _, payload in frames] == [ROOMS_ERROR], frames)
    report.check("T16", "rooms: the socket lives", attacker.lives(), attacker.closed)
    taken(report, "rooms", attacker, reader, lambda n, text, extra: (
        b'{"text":"' + text + b'","client_id":"r%d"' % n + extra + b"}", "text"))

    # A room of its own: the first attacker's leaving would be told in the other one, whenever it comes.
    reader = Client(server.port, wire.rooms("reader", "talks"))
    # It is there with its first message, and chat enters no other.
    reader.ask({"text": "opening", "client_id": "opening"})
    attacker = Client(server.port, wire.chat("chatter"))
    attacker.ask({"type": "join_room", "data": {"room_id": "talks"}})
    data = b'{"type":"send_message","data":{"type":"text","content":"said","room_id":"talks","client_id":"id"}}'
    for what, text in unfit(data):
        seen = attacker.ask(text)
        report.check("T16", f"chat: {what}: the error to the letter", is_error(seen, CHAT_ERROR), seen)
    report.check("T16", "chat: the socket lives", attacker.lives(), attacker.closed)
    taken(report, "chat", attacker, reader, lambda n, text, extra: (
        b'{"type":"send_message","data":{"type":"text","content":"' + text + b'","room_id":"talks","client_id":"c%d"' % n
        + extra + b"}" + extra + b"}", "text"))
    attacker.end()
    for n, (what, text) in enumerate(BROKEN):
        attacker = Client(server.port, wire.chat("chatter"))
        frames, _ = attacker.pour(frame(text), 5)
        told = [json.loads(payload) for opcode, payload in frames if opcode == wire.TEXT]
        report.check("T16", f"chat: {what}: the error, then close 1007",
                     told == [CHAT_ERROR] and attacker.closed == 1007, f"{told}, close {attacker.closed}")
        attacker.end()


def is_error(seen, error):
    """To the letter; a client id that could be read may be named in it."""
    named = {"client_id": "id"}
    return seen in (error, {**error, **named}, {**error, "data": {**error.get("data", {}), **named}})


def taken(report, door, attacker, reader, made):
    reader.take()
    cases = [(what, text, heard, b"") for what, text, heard in ODD]
    cases += [(extra[:20].decode() + "… beside it", b"plain%d" % n, f"plain{n}", b"," + extra)
              for n, extra in enumerate(EXTRA)]
    for n, (what, text, heard, extra) in enumerate(cases):
        data, key = made(n, text, extra)
        attacker.pour(frame(data), 0.001)
        frames, _ = reader.pour(b"", 5, wire.any_text)
        seen = [json.loads(payload)[key] for opcode, payload in frames if opcode == wire.TEXT]
        report.check("T16", f"{door}: {what} is taken, and told as it was said", seen == [heard],
                     f"{seen}, {attacker.take()}")


def rest(server, report):
    target = "POST /rooms/texts/broadcast HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer texter\r\n"
    bodies = [
        ("40,000 arrays", b'{"text":"x","a":' + b"[" * 40_000 + b"]" * 40_000 + b"}", {422}),
        ("90,000 arrays that don't end", b"[" * 90_000, {422}),
        ("200,000 bytes", b'{"text":"' + b"x" * 200_000 + b'"}', {413}),
        ("its text twice", b'{"text":"x","text":"y"}', {422}),
        ("a lone surrogate", b'{"text":"\\ud800"}', {422}),
        ("a huge number", b'{"text":1e999999}', {422}),
        ("everything in its prototype", b'{"__proto__":{"text":"x"}}', {422}),
        ("a NUL", b'{"text":"a\0b"}', {422}),
        ("bad UTF-8", b'{"text":"\xff"}', {400}),
    ]
    for what, body, statuses in bodies:
        head = f"{target}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        status, text, _ = wire.answer_to(server.port, head + body)
        report.check("T16", f"REST: {what} is refused with {statuses}", status in statuses, f"{status} {text[-200:]}")


def run(server, report):
    sockets(server, report)
    rest(server, report)
