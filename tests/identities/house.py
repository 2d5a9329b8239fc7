"""A server with a private room, a guild's, a group's and a conversation of two, in each of which something is said that is
nobody else's; those who live there, and people who would like to."""
import json
import time
from urllib.parse import quote

import forged
import keys
from engine import Socket, event
from http1 import HOST, Line
from server import Server
from tokens import add_key
from wire import TEXT, Client

JWT_SECRET = "a key for tests, of more than 32 bytes"
HUSH = "hush-7f3a"
GUILD, TEAM, CONVERSATION, THEIRS = "hushguild", "team-hushed", "conv-hushed", "g-hushed"
SETTINGS = {"JWT_SECRET": JWT_SECRET, "OPEN_ROOMS": "false", "CHAT_PRIVATE_ROOMS": "invite",
            "CHAT_MAX_MESSAGES_PER_MIN": "0", "MAX_MESSAGES_PER_MIN": "0", "CHAT_MAX_ROOMS_PER_USER": "0",
            # Nobody here answers pings.
            "CHAT_READ_TIMEOUT": "15m", "CHAT_PONG_WAIT": "15m", "CHAT_PING_PERIOD": "10m"}


class User:
    """Somebody with a token, or with a key in its place."""

    def __init__(self, port, number, name, key=None, more=()):
        make = forged.Maker(keys.Secret(JWT_SECRET))
        self.port, self.id, self.name, self.key, self.more = port, str(number), name, key, list(more)
        self.token = make.token(claims=make.claims(sub=self.id, username=name))
        self.shown = [f"x-api-key: {key}"] if key else [f"Authorization: Bearer {self.token}"]
        self.line = Line(port)

    def ask(self, method, path, body=None, headers=(), host=HOST):
        return self.line.ask(method, path, [*self.shown, *self.more, *headers], body, host)

    def open(self, path, headers=()):
        """A socket; None when it is refused."""
        try:
            return Client(self.port, path, [*self.shown, *self.more, *headers])
        except ConnectionError:
            return None

    def rooms(self, room, query=""):
        return self.open(f"/ws/rooms/{quote(room, safe='')}{query}")

    def chat(self):
        return self.open("/ws/chat")

    def direct(self):
        return self.open(f"/ws/{self.id}")

    def gateway(self):
        return self.open(f"/production?userId={self.id}")

    def io(self, *packets):
        """A Socket.IO client that has said who it is, and these packets behind that."""
        client = Socket(self.port)
        client.connect(event("authenticate", {"userId": self.id, "token": self.token}))
        if packets:
            client.tell(*packets)
        return client


def heard(client, seconds=0.0):
    """All texts that have come, and come within so many seconds."""
    frames, _ = client.pour(b"", seconds)
    return [data.decode() for opcode, data in frames if opcode == TEXT]


def until(client, wanted, seconds=5):
    """What comes until a text has this in it; the texts."""
    frames, _ = client.pour(b"", seconds, lambda frames: any(wanted in data.decode(errors="replace") for _, data in frames))
    return [data.decode() for opcode, data in frames if opcode == TEXT]


def path_of(room):
    return quote(room, safe="")


def is_presence(text):
    """Who comes and goes is everybody's to know (RULES 19)."""
    return text.startswith(('{"type":"presence"', '{"type":"user_status"', '{"type":"online_users"'))


class House:
    def __init__(self, settings=()):
        self.server = Server({**SETTINGS, **dict(settings)})
        port = self.port = self.server.port
        self.alice, self.bob = User(port, 101, "alice"), User(port, 102, "bob")
        self.frank, self.dave = User(port, 104, "frank"), User(port, 105, "dave")
        # An outsider who says to be alice wherever that can be said.
        claims = ["X-User-ID: 101", "X-Username: alice", "X-Real-IP: 127.0.0.1", "X-Forwarded-User: 101",
                  "Cookie2: userId=101"]
        self.carol = User(port, 103, "carol", more=claims)
        self.staff, _ = add_key(self.server, "--service", "staff", "--scopes", "guilds,stats,broadcast")
        self.back_end = User(port, 0, "staff", key=self.staff)
        self.furnish()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.__exit__()

    def furnish(self):
        alice = self.alice
        for one in (self.bob, self.frank, self.dave, self.carol):
            one.gateway().end()  # So that the server has met them.
        chat, gate = alice.chat(), alice.gateway()
        self.ears = {"chat": chat, "gateway": gate}
        chat.say({"type": "create_room", "data": {"name": HUSH, "type": "private", "max_users": 50}})
        self.private = json.loads(until(chat, "room_created")[-1])["data"]["id"]
        chat.say({"type": "create_room", "data": {"name": "hall", "type": "public", "max_users": 50}})
        self.hall = json.loads(until(chat, '"hall"')[-1])["data"]["id"]
        chat.say({"type": "join_room", "data": {"room_id": self.private}})
        until(chat, '"join"')
        gate.say({"action": "groupMembersAdded", "conversationId": self.private, "newMemberIds": ["104", "105"]})
        until(gate, "groupMembersAdded")
        gate.say({"action": "groupCreated", "conversationId": TEAM, "groupName": HUSH,
                  "participantIds": ["101", "102", "104", "105"], "createdBy": "101"})
        until(gate, "groupCreated")
        for number, body in (("101", {"role": "owner"}), ("104", {}), ("105", {})):
            assert self.back_end.ask("PUT", f"/guilds/{GUILD}/members/{number}", body).status == 200
        dave = self.dave.gateway()
        for room in (self.private, TEAM):
            dave.say({"action": "groupMemberLeft", "conversationId": room, "userId": "105"})
            until(gate, "groupMemberLeft")
        dave.end()
        assert self.back_end.ask("DELETE", f"/guilds/{GUILD}/members/105").status == 200
        self.rooms = {"private": self.private, "guild": f"GUILD#{GUILD}", "pair": "dm-101-102", "group": TEAM}
        gate.say({"action": "sendMessage", "messageId": THEIRS, "conversationId": CONVERSATION, "senderId": "101",
                  "recipientId": "102", "content": f"{HUSH} first"})
        until(gate, '"sent"')
        self.messages = {}
        for name, room in self.rooms.items():
            client = self.ears[f"rooms {name}"] = alice.rooms(room)
            self.messages[name] = client.ask({"text": f"{HUSH} {name}", "client_id": name})["id"]
        self.conversation = alice.ask("GET", "/api/messaging/conversations/").json()[0]["id"]
        self.ears["direct"], self.ears["bob"] = alice.direct(), self.bob.direct()
        self.ears["socketio"] = alice.io(*(event("join_room", {"roomId": room}) for room in self.rooms.values()))
        self.hush()

    def hush(self, seconds=0.4):
        """Until nothing more is on its way; what alice and bob have heard meanwhile, by where."""
        time.sleep(seconds)
        texts = {where: heard(client) for where, client in self.ears.items()}
        return {where: [text for text in some if not is_presence(text)] for where, some in texts.items()}

    def kept(self):
        """What alice can see of each room: its messages, how many are unread, what became of hers; and all rosters."""
        seen = {}
        for name, room in self.rooms.items():
            for path in (f"/messages/room/{path_of(room)}?limit=200", f"/messages/unread/{path_of(room)}"):
                seen[path] = self.alice.ask("GET", path).json()
        for number in range(101, 106):
            seen[number] = self.back_end.ask("GET", f"/guilds/{GUILD}/members/{number}").text
            seen["user", number] = self.alice.ask("GET", f"/api/messaging/users/{number}").text
        seen["conversations"] = self.alice.ask("GET", "/api/messaging/conversations/").text
        return seen
