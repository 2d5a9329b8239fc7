#!/usr/bin/env python3
"""python-socketio, unmodified, against the real binary: polling, WebSocket and the upgrade from one to the other.

  tests/socketio/client.py       SWITCHBOARD_BINARY says which binary; python-socketio[client] has to be importable
"""
import os
import sys
import threading

import socketio

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from server import Server  # noqa: E402

WAYS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": ["polling", "websocket"]}
EACH = 20
PATIENCE_S = 20


class Client:
    """A client that has said who it is and has joined; it remembers what it was told."""

    def __init__(self, url, way, user, room):
        self.io = socketio.Client(reconnection=False)
        self.messages, self.answers, self.changed = [], {}, threading.Condition()
        self.io.on("new_message", lambda message, *offset: self.note(self.messages.append, message))
        for event in ["authenticated", "room_joined", "room_left", "marked_read", "error"]:
            self.io.on(event, lambda data, event=event: self.note(self.answers.__setitem__, event, data))
        self.io.connect(url, transports=WAYS[way])
        self.room = room
        assert self.call("authenticate", {"userId": user}, "authenticated") == {"success": True, "userId": user}
        self.joined = self.call("join_room", {"roomId": room}, "room_joined")
        assert self.joined["success"] is True and self.joined["roomId"] == room, self.joined

    def note(self, do, *what):
        with self.changed:
            do(*what)
            self.changed.notify_all()

    def until(self, what, holds):
        with self.changed:
            assert self.changed.wait_for(holds, PATIENCE_S), f"waited in vain: {what}"

    def call(self, event, data, answer):
        self.answers.pop(answer, None)
        self.io.emit(event, data)
        self.until(answer, lambda: answer in self.answers)
        return self.answers[answer]

    def say(self, text):
        ack = self.io.call("send_message", {"room_id": self.room, "content": text}, timeout=PATIENCE_S)
        assert ack["success"] is True, ack
        return ack["message"]

    def texts(self):
        return [message["content"] for message in self.messages]


def converse(url, way):
    room = f"python-{way}"
    alice, bob = (Client(url, way, f"{name}-{way}", room) for name in ["pia", "quentin"])
    for number in range(EACH):
        alice.say(f"a{number}")
        bob.say(f"b{number}")
    expected = [f"{who}{number}" for number in range(EACH) for who in "ab"]
    for client in [alice, bob]:
        client.until("all messages", lambda client=client: len(client.messages) == len(expected))
        assert client.texts() == expected, client.texts()
        assert "error" not in client.answers, client.answers
    late = Client(url, way, f"rosa-{way}", room)
    assert [message["content"] for message in late.joined["messages"]] == expected
    for client in [alice, bob, late]:
        client.io.disconnect()


def main():
    with Server({"MAX_MESSAGES_PER_MIN": "0"}) as server:
        for way in WAYS:
            converse(f"http://127.0.0.1:{server.port}", way)
    print(f"Python: python-socketio over polling, WebSocket and upgrade, {2 * EACH} messages each, one order")


main()
