"""T7: who is put out of a room, blocked, given a lower role, or loses a key, keeps the sockets. Within a second nothing more
is told to them, taken from them or read by them, at any door, nor when they come back by a cursor."""
import json
import time

from engine import Socket, event
from house import GUILD, HUSH, User, heard, is_presence, path_of, until
from tokens import add_key, switchboard

WITHIN_S = 1
AFTER = "after-3b1d"
NUMBERS = iter(range(200, 300))


def run(report, house):
    for what in ("expelled", "blocked", "inactive"):
        guild(report, house, what)
    for kind in ("group", "private"):
        left(report, house, kind)
    lower_role(report, house)
    revoked(report, house)


class Member:
    """Somebody in a room, with a socket at every door that has a word for it."""

    def __init__(self, house, room):
        self.house, self.room = house, room
        self.user = User(house.port, next(NUMBERS), "member")
        self.user.gateway().end()

    def enter(self, report, what):
        user, room = self.user, self.room
        # First on chat, for whoever is there already by another door comes in there without a notice.
        self.chat = user.chat()
        self.chat.say({"type": "join_room", "data": {"room_id": room}})
        until(self.chat, '"join"')
        self.rooms, self.gateway = user.rooms(room), user.gateway()
        self.io = Socket(user.port)
        said = self.io.connect(event("authenticate", {"userId": user.id, "token": user.token}),
                               event("join_room", {"roomId": room}))
        said += until(self.io, "room_joined", 1) if "room_joined" not in "".join(said) else []
        self.pid = next(json.loads(text[2:])["pid"] for text in said if text.startswith("40{"))
        self.sockets = {"rooms": self.rooms, "chat": self.chat, "socketio": self.io, "gateway": self.gateway}
        self.tell(f"{HUSH} before")
        for name, client in self.sockets.items():
            texts = until(client, f"{HUSH} before")
            report.check("T7", f"{what}: {name} heard what was said before", any(HUSH in text for text in texts), texts)
            if name == "rooms":
                self.cursor = json.loads(texts[-1])["cursor"]
            if name == "socketio":
                self.offset = json.loads(texts[-1][2:])[-1]
        answer = user.ask("GET", f"/messages/room/{path_of(room)}")
        report.check("T7", f"{what}: history was there before", HUSH in answer.text, answer)

    def tell(self, text):
        self.house.alice.ask("POST", "/messages", {"room_id": self.room, "content": text})

    def is_out(self, report, what, begun):
        """All that has to have stopped within a second from then."""
        user, room = self.user, self.room
        time.sleep(max(0.0, begun + WITHIN_S / 2 - time.monotonic()))
        for client in self.sockets.values():
            heard(client)
        report.check("T7", f"{what}: the sockets are looked at within a second", time.monotonic() - begun < WITHIN_S)
        self.tell(f"{HUSH} {AFTER}")
        self.speak()
        time.sleep(0.3)
        for name, client in self.sockets.items():
            texts = [text for text in heard(client) if not is_presence(text)]
            report.check("T7", f"{what}: {name} is told nothing more", AFTER not in "".join(texts), texts)
        report.equal("T7", f"{what}: the rooms socket is closed", self.rooms.closed, 1008)
        for name in ("chat", "socketio", "gateway"):
            report.check("T7", f"{what}: the {name} socket itself stays", self.sockets[name].lives() if name != "socketio"
                         else self.alive(), self.sockets[name].closed)
        kept = self.house.alice.ask("GET", f"/messages/room/{path_of(room)}").text
        report.check("T7", f"{what}: and is not heard", AFTER in kept and "said-" not in kept, kept[-400:])
        self.reads_nothing(report, what)

    def alive(self):
        ack = event("get_typing_users", {"roomId": "x"}, ack=71)
        return any(text.startswith("4371") for text in self.io.ask_for([ack], lambda all: any("4371" in one for one in all)))

    def speak(self):
        room, own = self.room, self.user.id
        if self.rooms.closed is None:
            self.rooms.say({"text": "said-by-rooms"})
        self.chat.say({"type": "send_message", "data": {"type": "text", "content": "said-by-chat", "room_id": room}})
        self.io.tell(event("send_message", {"room_id": room, "content": "said-by-socketio"}))
        self.gateway.say({"action": "sendMessage", "messageId": "s1", "conversationId": room, "senderId": own,
                          "content": "said-by-gateway", "isGroupChat": True})

    def reads_nothing(self, report, what):
        user, room = self.user, self.room
        path = path_of(room)
        for method, target, body in [
            ("GET", f"/messages/room/{path}", None), ("GET", f"/messages/unread/{path}", None),
            ("GET", f"/rooms/{path}/connections", None), ("POST", f"/rooms/{path}/broadcast", {"text": "said-by-broadcast"}),
            ("POST", "/messages", {"room_id": room, "content": "said-by-rest"}),
            ("PUT", "/messages/read", {"messageIds": [], "roomId": room}),
        ]:
            answer = user.ask(method, target, body)
            report.check("T7", f"{what}: {method} {target.split('/')[1:3]} is refused",
                         answer.status in (400, 403) and HUSH not in answer.text, answer)
        for query in ("", "?since=0", f"?since={self.cursor}"):
            report.check("T7", f"{what}: no rooms socket {query[:7]}", user.rooms(room, query) is None)
        back = Socket(user.port)
        back.greeted()
        texts = back.ask_for(["40" + json.dumps({"pid": self.pid, "offset": self.offset})], lambda texts: texts)
        texts += heard(back, 0.2)
        report.check("T7", f"{what}: no coming back by an offset", AFTER not in "".join(texts) and
                     self.pid not in texts[0], texts)
        chat, gate = user.chat(), user.gateway()
        chat.say({"type": "join_room", "data": {"room_id": room}})
        texts = heard(chat, 0.2) + heard(gate, 0.1)
        report.check("T7", f"{what}: no joining again, and nothing was kept for them",
                     "room not found" in "".join(texts) and AFTER not in "".join(texts), texts)
        for client in (*self.sockets.values(), back, chat, gate):
            client.end()


def guild(report, house, how):
    room = f"GUILD#{GUILD}"
    member = Member(house, room)
    seat = f"/guilds/{GUILD}/members/{member.user.id}"
    house.back_end.ask("PUT", seat, {})
    what = f"{how} in a guild"
    member.enter(report, what)
    begun = time.monotonic()
    if how == "expelled":
        answer = house.alice.ask("DELETE", seat)
    else:
        answer = house.alice.ask("PUT", seat, {"status": how})
    report.equal("T7", f"{what}: it is done", answer.status, 200)
    member.is_out(report, what, begun)


def left(report, house, kind):
    """No door has a word for putting somebody out of a group or a private room: who goes does so themselves, by another
    client than those that are in."""
    room, what = house.rooms[kind], f"left a {kind} room"
    member = Member(house, room)
    gate = house.ears["gateway"]
    gate.say({"action": "groupMembersAdded", "conversationId": room, "newMemberIds": [member.user.id]})
    until(gate, "groupMembersAdded")
    member.enter(report, what)
    another = member.user.gateway()
    begun = time.monotonic()
    another.say({"action": "groupMemberLeft", "conversationId": room, "userId": member.user.id})
    member.is_out(report, what, begun)
    another.end()


def lower_role(report, house):
    """A moderator no more: what only staff may do is refused at once, on a socket that was opened before, too."""
    member = Member(house, f"GUILD#{GUILD}")
    seat, other = (f"/guilds/{GUILD}/members/{number}" for number in (member.user.id, next(NUMBERS)))
    house.back_end.ask("PUT", seat, {"role": "moderator"})
    gate, chat = member.user.gateway(), member.user.chat()
    chat.say({"type": "join_room", "data": {"room_id": member.room}})
    until(chat, '"join"')
    notice = {"type": "send_message", "data": {"type": "system", "content": f"{HUSH} notice", "room_id": member.room}}
    chat.say(notice)
    report.check("T7", "a moderator says what is the system's", '"system"' in "".join(until(chat, '"system"')))
    report.equal("T7", "a moderator takes in others", member.user.ask("PUT", other, {}).status, 200)
    house.alice.ask("PUT", seat, {"role": "member"})
    chat.say(notice)
    texts = heard(chat, 0.3)
    report.check("T7", "a plain member's word is not the system's", '"system"' not in "".join(texts) and
                 "unauthorized" in "".join(texts), texts)
    for method, body in (("PUT", {}), ("PUT", {"role": "owner"}), ("DELETE", None)):
        answer = member.user.ask(method, other, body)
        report.equal("T7", f"a plain member's {method} on a roster", answer.status, 403)
    answer = member.user.ask("PUT", seat, {"role": "moderator"})
    report.equal("T7", "a plain member's own rise", answer.status, 403)
    for client in (gate, chat):
        client.end()


def revoked(report, house):
    """A user's key that ends, while its sockets are open at every door that takes one."""
    number = next(NUMBERS)
    key, key_id = add_key(house.server, "--user", str(number))
    other, other_id = add_key(house.server, "--user", str(number))
    user, same = User(house.port, number, "keyed", key=key), User(house.port, number, "keyed", key=other)

    def opened(who):
        return {"rooms": who.rooms(house.hall), "direct": who.direct(), "chat": who.chat(), "gateway": who.gateway()}
    sockets, others = opened(user), opened(same)
    token = User(house.port, number, "keyed").chat()
    report.equal("T7", "a key: REST before", user.ask("GET", "/api/messaging/conversations/").status, 200)
    report.check("T7", "a key: sockets before", all(client and client.lives() for client in sockets.values()), sockets)
    switchboard(house.server, "key", "revoke", key_id)
    begun = time.monotonic()
    for name, client in sockets.items():
        client.pour(b"", max(0.0, begun + WITHIN_S - time.monotonic()), lambda _: client.closed is not None)
        report.equal("T7", f"a key that was revoked: {name} is closed within a second", client.closed, 4401)
    for path in ("/api/messaging/conversations/", f"/messages/room/{house.hall}", f"/rooms/{house.hall}/connections"):
        answer = user.ask("GET", path)
        report.check("T7", f"a key that was revoked: GET {path.split('/')[1]}", answer.status in (401, 403), answer)
    report.check("T7", "a key that was revoked opens nothing", not any(opened(user).values()))
    for name, client in others.items():
        report.check("T7", f"another key of the same user: {name} goes on", client.lives(), client.closed)
    report.check("T7", "a token of the same user goes on", token.lives())
    switchboard(house.server, "key", "revoke", other_id)
    begun = time.monotonic()
    for name, client in others.items():
        client.pour(b"", max(0.0, begun + WITHIN_S - time.monotonic()), lambda _: client.closed is not None)
        report.equal("T7", f"and ends with its own: {name}", client.closed, 4401)
    report.check("T7", "a token outlives all keys", token.lives())
    token.end()
