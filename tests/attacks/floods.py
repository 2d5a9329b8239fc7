"""T14: floods of what is allowed once. Refusals first where the contract has a word for it, and then the close. They are
aimed at the room that the bystanders talk in."""
import json

import wire
from wire import PING, PONG, TEXT, Client, frame

ROUNDS = 3
FRAMES = 20_000  # At 200 a second and 4,000 at once, one socket's allowance ends in the first second.


def message(data):
    return frame(json.dumps(data).encode())


def talk(room, n):
    return message({"type": "send_message", "data": {"type": "text", "content": "x", "room_id": room}})


def errors(frames):
    """The words of the errors that came."""
    told = [json.loads(payload) for opcode, payload in frames if opcode == TEXT]
    return [error.get("message") or error["data"]["message"] for error in told if error.get("type") == "error"]


def run(server, report, room):
    join = message({"type": "join_room", "data": {"room_id": room}})
    leave = message({"type": "leave_room", "data": {}})
    typing = message({"type": "typing_started", "data": {"userId": "mallory"}})
    rooms, chat = wire.rooms("flooder-{}", room), wire.chat("flooder-{}")
    floods = [
        ("rooms: pings", rooms, b"", frame(b"p" * 100, PING), None),
        ("chat: pings", chat, b"", frame(b"p" * 100, PING), None),
        ("rooms: pongs", rooms, b"", frame(b"", PONG), None),
        ("chat: pongs", chat, b"", frame(b"", PONG), None),
        ("rooms: tiny messages", rooms, b"", message({"text": "x"}), "Rate limit exceeded. Please slow down."),
        ("chat: tiny messages", chat, join, talk(room, 0), "rate limit exceeded"),
        ("rooms: typing", rooms, b"", typing, None),
        ("chat: coming and going", chat, b"", join + leave, None),
        ("rooms: heartbeats", rooms, b"", message({"type": "heartbeat"}), None),
        ("rooms: not JSON", rooms, b"", frame(b"x"), "Failed to process message"),
        ("chat: unknown types", chat, b"", message({"type": "x"}), "invalid message"),
        ("chat: lists of rooms", chat, b"", message({"type": "list_rooms", "data": {}}), None),
    ]
    for n, (what, target, first, each, refusal) in enumerate(floods * ROUNDS):
        client = Client(server.port, target.format(n))
        if first:
            client.pour(first, 5, wire.any_text)
        frames, took = client.pour(each * FRAMES, 20)
        report.check("T14", f"{what}: {FRAMES} in a row are closed with 1008", client.closed == 1008,
                     f"close {client.closed} {client.reason!r} after {took:.1f} s, {len(frames)} frames came")
        if refusal:
            words = errors(frames)
            report.check("T14", f"{what}: {refusal!r} comes before the close", words.count(refusal) > 100,
                         f"{len(words)} errors, {set(words)}")
        client.end()
    moderate(server, report, room)


def moderate(server, report, room):
    """Whoever only talks too much is refused and stays; after the refusals the socket works."""
    client = Client(server.port, wire.rooms("talker", room))
    frames, _ = client.pour(message({"text": "x"}) * 40, 3, lambda frames: len(errors(frames)) == 10)
    report.check("T14", "rooms: the 31st to the 40th message of a minute are refused",
                 errors(frames) == ["Rate limit exceeded. Please slow down."] * 10, errors(frames))
    report.check("T14", "rooms: whoever was refused stays", client.lives())
    client.end()
