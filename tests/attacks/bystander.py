"""Those who chat while others attack: forty users of the rooms door who talk, and one of the chat door who listens, in one
room. They stay within the contracts' limits. Each message says when it was sent, and the listener, a process of its own,
is told no typing: so what it measures is the server and not these scripts.

  bystander.py talk|listen PORT ROOM      says `ready`, ends when its input does, and says then, as JSON, what it saw
"""
import json
import os
import select
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import wire  # noqa: E402

USERS = 40
EVERY_S = 2.2 / USERS  # 27 messages a minute of each.
LAST_WORDS_S = 5
MARK = "bystander "


def talk(port, room):
    users = [wire.Client(port, wire.rooms(f"bystander{n}", room)) for n in range(USERS)]
    users[0].ask({"text": "opening", "client_id": "opening"})
    sent, acked = 0, set()
    at = time.monotonic()
    for sending in rounds(users, lambda: at, lambda: len(acked) < sent):
        for client in sending or ():
            acked |= {told["client_id"] for told in texts(client, b'{"type":"ack"')}
        if sending is None and time.monotonic() >= at:
            at += EVERY_S
            users[sent % USERS].say({"text": f"{MARK}{sent} {time.monotonic()}", "client_id": str(sent)})
            sent += 1
    return {"sent": sent, "acked": len(acked), "cut": sum(client.ended for client in users)}


def listen(port, room):
    listener = wire.Client(port, wire.chat("listener"))
    listener.ask({"type": "join_room", "data": {"room_id": room}})
    heard, quiet = [], time.monotonic()
    for ready in rounds([listener], lambda: time.monotonic() + 1, lambda: time.monotonic() < quiet + 1):
        for client in ready or ():
            for told in texts(client, b'{"id"'):
                if told["content"].startswith(MARK):
                    quiet = time.monotonic()
                    _, n, then = told["content"].split(" ")
                    heard.append((int(n), float(then), quiet - float(then), told["seq"]))
    return {"heard": heard, "cut": int(listener.ended)}


def rounds(clients, until, owed):
    """Gives those who have something to read, and None when `until` has come, as long as the input lasts; and then as
    long as something is owed."""
    sockets, deadline = {client.socket: client for client in clients}, None
    while deadline is None or (owed() and time.monotonic() < deadline):
        listening = [*sockets] + ([sys.stdin] if deadline is None else [])
        readable, _, _ = select.select(listening, [], [], max(0, until() - time.monotonic()) if deadline is None else 0.2)
        if sys.stdin in readable:
            deadline = time.monotonic() + LAST_WORDS_S
        yield [sockets[which] for which in readable if which is not sys.stdin]
        for ended in [which for which, client in sockets.items() if client.ended]:
            del sockets[ended]
        if deadline is None:
            yield None


def texts(client, kind):
    return [json.loads(payload) for opcode, payload in client.take() if opcode == wire.TEXT and payload.startswith(kind)]


if __name__ == "__main__":
    what, (port, room) = {"talk": talk, "listen": listen}[sys.argv[1]], sys.argv[2:]
    print("ready", flush=True)
    print(json.dumps(what(int(port), room)))
