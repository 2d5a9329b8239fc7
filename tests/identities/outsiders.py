"""T6 over real sockets and requests: each way to name a room that is somebody else's, in URL, body, query and header, at each
door. Whoever has no business there is refused as if it were missing; nobody hears of it, nothing is stored, and nothing is
told to them. The calls themselves are all tried without a socket by `cargo test outsider`; here is what lies between a
client and those: routing, decoding, several spellings of one name, headers that say to be somebody else."""
import json
import time
from urllib.parse import quote

from engine import event
from house import CONVERSATION, GUILD, HUSH, THEIRS, heard, path_of, until
from http1 import upgrade

MISSING = {"private": "0199a1b2-0000-4000-8000-00000000dead", "guild": "GUILD#nosuchguild", "pair": "dm-901-902",
           "group": "team-nowhere"}
MISSING_MESSAGE, MISSING_CONVERSATION = "0199a1b2-0000-7000-8000-00000000dead", 999999
FORGED = "forged-9c1e"
QUIET_S, BEHIND_S = 0.25, 0.04
REFUSALS = (400, 401, 403, 404, 405, 409, 422)


def run(report, house):
    everybody = {"an outsider": house.carol, "one who was a member": house.dave, "nobody": Nobody(house.carol)}
    for role, user in everybody.items():
        before = house.kept()
        house.hush(0)
        for name, room in house.rooms.items():
            if name == "pair" and role == "one who was a member":
                continue  # Nobody has ever left that.
            target = Target(name, room, house.messages[name], house.conversation, GUILD)
            missing = Target(name, MISSING[name], MISSING_MESSAGE, MISSING_CONVERSATION, "nosuchguild")
            requests(report, house, role, user, target, missing)
            spellings(report, house, role, user, target)
            if role != "nobody":
                sockets(report, house, role, user, target, missing)
            said = {where: texts for where, texts in house.hush(QUIET_S).items() if texts}
            report.equal("T6", f"{role}, {name}: nobody who is there hears anything", said, {})
        report.equal("T6", f"{role}: all is as it was", differences(before, house.kept()), [])
        if role != "nobody":
            report.equal("T6", f"{role}: what is said later is not told", later(house, user), [])
    fails_for_members(report, house)


class Nobody:
    """Shows nothing but claims."""

    def __init__(self, user):
        self.id, self.line, self.more = user.id, user.line, user.more

    def ask(self, method, path, body=None, headers=()):
        return self.line.ask(method, path, [*self.more, *headers], body)


class Target:
    """What a room is called, what is in it, and how an answer reads without these names."""

    def __init__(self, kind, room, message, conversation, guild):
        self.kind, self.room, self.message, self.conversation, self.guild = kind, room, message, conversation, guild

    def blank(self, text):
        for name in (self.room, path_of(self.room), self.message, self.guild):
            text = text.replace(name, "<name>")
        return text


def differences(before, after):
    return [(what, before[what], after[what]) for what in before if before[what] != after[what]]


def calls(house, user, t):
    """(what, method, path, body, headers) of whatever names a target."""
    room, hall = path_of(t.room), path_of(house.hall)
    yield "history by URL", "GET", f"/messages/room/{room}", None, []
    yield "a page of it", "GET", f"/messages/room/{room}?limit=1&offset=0", None, []
    yield "unread by URL", "GET", f"/messages/unread/{room}", None, []
    yield "who is there", "GET", f"/rooms/{room}/connections", None, []
    yield "a broadcast", "POST", f"/rooms/{room}/broadcast", {"text": FORGED, "sender_id": "101"}, []
    yield "a message by body", "POST", "/messages", {"room_id": t.room, "content": FORGED, "sender_id": "101"}, []
    both = {"room_id": t.room, "receiver_id": user.id, "content": FORGED}
    yield "a message by body, to oneself as well", "POST", "/messages", both, []
    yield "a message by body, in the name of another", "POST", "/messages?userId=101&sender_id=101", {
        "room_id": t.room, "content": FORGED, "userId": "101"}, ["X-Original-User: 101"]
    yield "delivered", "PUT", "/messages/delivered", {"messageIds": [t.message]}, []
    yield "read", "PUT", "/messages/read", {"messageIds": [t.message]}, []
    yield "read in the room", "PUT", "/messages/read", {"messageIds": [t.message], "roomId": t.room}, []
    yield "deletion", "DELETE", f"/messages/{t.message}", None, []
    yield "deletion by method override", "POST", f"/messages/{t.message}", {}, ["X-HTTP-Method-Override: DELETE"]
    if t.kind == "guild":
        for number in ("101", "104", user.id):
            yield f"the roster's {number}", "GET", f"/guilds/{t.guild}/members/{number}", None, []
        yield "a seat for oneself", "PUT", f"/guilds/{t.guild}/members/{user.id}", {"role": "owner"}, []
        yield "a seat taken away", "DELETE", f"/guilds/{t.guild}/members/101", None, []
        yield "a ban", "PUT", f"/guilds/{t.guild}/members/104", {"is_blocked": True}, []
    if t.kind == "pair":
        yield "direct history by URL", "GET", f"/api/messaging/messages/{t.conversation}", None, []
        yield "a page of it, direct", "GET", f"/api/messaging/messages/{t.conversation}/?limit=1", None, []
        yield "direct history by URL, as another", "GET", f"/api/messaging/messages/{t.conversation}?user_id=101", None, []
    # The room that everybody may be in by URL or body, and the target beside it, by query, body or header.
    yield "another room by query", "GET", f"/messages/room/{hall}?roomId={room}&room_id={room}&room={room}", None, []
    headers = [f"X-Room-Id: {t.room}", f"Room-Id: {t.room}", f"X-Original-URL: /messages/room/{room}",
               f"X-Rewrite-URL: /messages/room/{room}"]
    yield "another room by header", "GET", f"/messages/room/{hall}", None, headers
    yield "unread of another room by header and query", "GET", f"/messages/unread/{hall}?roomId={room}", None, headers


def requests(report, house, role, user, target, missing):
    for (what, method, path, body, headers), (_, method2, path2, body2, headers2) in zip(
            calls(house, user, target), calls(house, user, missing)):
        answer, nothing = user.ask(method, path, body, headers), user.ask(method2, path2, body2, headers2)
        name = f"{role}, {target.kind}: {what}"
        report.check("T6", f"{name}: nothing is told", HUSH not in answer.text, answer)
        lawful = "another room" in what or method == "PUT" and what in ("delivered", "read")
        refused = 200 <= answer.status < 300 if lawful and role != "nobody" else answer.status in REFUSALS
        report.check("T6", f"{name}: it is refused, or of no effect", refused, answer)
        seen, expected = (answer.status, target.blank(answer.text)), (nothing.status, missing.blank(nothing.text))
        report.equal("T6", f"{name}: as if it were missing", timeless(seen), timeless(expected))


def timeless(seen):
    """Without the moment at which it was said."""
    status, text = seen
    at = text.find('"timestamp":"')
    return status, text[:at] + text[at + 38:] if at >= 0 else text


def spellings(report, house, role, user, t):
    """Other ways to write a room's name in a path."""
    room = t.room
    every = "".join(f"%{byte:02x}" for byte in room.encode())
    names = {"percent-encoded throughout": every, "in capitals": quote(room.upper(), safe=""),
             "in small letters": quote(room.lower(), safe=""), "encoded twice": quote(quote(room, safe=""), safe=""),
             "with a blank behind": path_of(room) + "%20", "with a NUL behind": path_of(room) + "%00",
             "with a parameter": path_of(room) + ";x=1", "with a slash before": "%2f" + path_of(room),
             "behind another": f"{path_of(house.hall)}%2f..%2f{path_of(room)}", "full width":
             quote(room.replace("-", "\uff0d").replace("#", "\uff03"), safe=""),
             "with a joiner": path_of(room) + "%E2%80%8D", "overlong": path_of(room).replace("-", "%C0%AD")}
    paths = {f"{way} {what}": form.format(name) for what, name in names.items() for way, form in (
        ("history", "/messages/room/{}"), ("unread", "/messages/unread/{}"), ("connections", "/rooms/{}/connections"))}
    paths |= {"history behind dots": f"/messages/room/x/../{path_of(room)}", "history under a double slash":
              f"//messages/room/{path_of(room)}", "history with a slash behind": f"/messages/room/{path_of(room)}/",
              "history by a raw name": f"/messages/room/{room.replace('#', '%23')}?limit=1#x"}
    for what, path in paths.items():
        answer = user.ask("GET", path)
        # What nobody has may be counted: nothing is unread there.
        harmless = answer.status in REFUSALS or ("unread" in what and answer.text.endswith('"data":{"count":0}}'))
        report.check("T6", f"{role}, {t.kind}: {what}", harmless and HUSH not in answer.text, (path, answer))
    for what, name in names.items():
        if role != "nobody":
            client = user.open(f"/ws/rooms/{name}?since=0")
            texts = heard(client, 0.02) if client else []
            report.check("T6", f"{role}, {t.kind}: a socket {what}", HUSH not in "".join(texts), texts)


def frames(t, user):
    """What is said on sockets: (door, what, frames)."""
    def gate(what, action, **more):
        return "gateway", what, [{"action": action, "conversationId": t.room, **more}]

    def io(what, name, body, ack=""):
        return "socketio", what, [event(name, body, ack=ack)]
    join = {"type": "join_room", "data": {"room_id": t.room}}
    send = {"type": "send_message", "data": {"type": "text", "content": FORGED, "room_id": t.room, "user_id": 101}}
    yield "chat", "joining", [join]
    yield "chat", "sending", [send]
    yield "chat", "joining, sending and leaving", [join, send, {"type": "leave_room", "data": {"room_id": t.room}}]
    yield "chat", "listing", [{"type": "list_rooms", "data": {"room_id": t.room, "user_id": 101}}]
    yield io("joining", "join_room", {"roomId": t.room})
    yield io("joining by another key", "join_room", {"roomId": t.room, "userId": "101"})
    yield io("sending", "send_message", {"room_id": t.room, "content": FORGED, "sender_id": "101"}, "1")
    yield io("marking", "mark_read", {"messageIds": [t.message], "roomId": t.room})
    yield io("deleting", "delete_message", {"messageId": t.message, "roomId": t.room}, "1")
    yield io("typing", "typing", {"roomId": t.room, "userId": "101"})
    yield io("who types", "get_typing_users", {"roomId": t.room}, "1")
    yield io("leaving", "leave_room", {"roomId": t.room})
    own = {"senderId": user.id, "isGroupChat": True}
    yield gate("sending", "sendMessage", messageId="f1", content=FORGED, **own)
    yield gate("sending as another", "sendMessage", messageId="f2", content=FORGED, senderId="101", isGroupChat=True)
    yield gate("editing", "editMessage", messageId=t.message, newContent=FORGED, **own)
    yield gate("deleting", "deleteMessage", messageId=t.message, **own)
    yield gate("marking", "markRead", messageIds=[t.message], readerId=user.id, isGroupChat=True)
    yield gate("typing", "typing", isTyping=True, **own)
    yield gate("renaming", "groupUpdate", groupName=FORGED, updatedBy=user.id)
    yield gate("moving in", "groupMembersAdded", newMemberIds=[user.id], addedBy=user.id)
    yield gate("moving in as another", "groupMembersAdded", newMemberIds=[user.id], addedBy="101")
    yield gate("putting another out", "groupMemberLeft", userId="101")
    if t.kind == "pair":
        theirs = {"conversationId": CONVERSATION, "messageId": THEIRS, "senderId": user.id}
        yield "gateway", "editing theirs", [{"action": "editMessage", "newContent": FORGED, "recipientIds": ["102"], **theirs}]
        yield "gateway", "deleting theirs", [{"action": "deleteMessage", "recipientId": "102", **theirs}]
        yield "gateway", "marking theirs", [{"action": "markRead", "readerId": user.id, "messageIds": [THEIRS], "reads": [
            {"messageId": THEIRS, "senderId": "101"}], "conversationId": CONVERSATION}]
        yield "gateway", "typing to them", [{"action": "typing", "isTyping": True, **theirs}]


def sockets(report, house, role, user, target, missing):
    for query in ("", "?since=0", "?since=1", "?token=" + house.carol.token, "?roomId=hall&userId=101"):
        name = f"{role}, {target.kind}: a rooms socket {query[:12]}"
        answers = [socket_answer(user, t.room, query) for t in (target, missing)]
        report.equal("T6", f"{name}: refused as if it were missing", answers[0], answers[1])
        report.check("T6", f"{name}: is refused", answers[0][0] == 403, answers[0])
    if target.kind == "pair":
        for path in ("/ws/101", "/api/messaging/ws/101", "/production?userId=101", f"/ws/101?user_id={user.id}"):
            report.check("T6", f"{role}: {path} is another's", user.open(path) is None)
    listening(report, house, role, user, target)
    for (door, what, said), (_, _, said2) in zip(frames(target, user), frames(missing, user)):
        got, nothing = talk(user, door, said, said2)
        name = f"{role}, {target.kind}: {door}, {what}"
        report.check("T6", f"{name}: nothing is told", HUSH not in "".join(got), got)
        got, nothing = sorted(map(unnamed, map(target.blank, got))), sorted(map(unnamed, map(missing.blank, nothing)))
        report.equal("T6", f"{name}: as if it were missing", got, nothing)


def socket_answer(user, room, query):
    answer = upgrade(user.port, f"/ws/rooms/{path_of(room)}{query}", [*user.shown, *user.more])
    return answer.status, answer.text


def listening(report, house, role, user, t):
    """In a room that is everybody's, naming the target in whatever is said and shown."""
    client = user.open(f"/ws/rooms/{path_of(house.hall)}?roomId={path_of(t.room)}", [f"X-Room-Id: {t.room}"])
    said = {"text": "in the hall", "roomId": t.room, "room_id": t.room, "senderId": "101", "client_id": f"{t.kind}{role}"}
    told = client.ask(said)
    report.check("T6", f"{role}, {t.kind}: a frame that names it stays in its own room", told["type"] == "ack", told)
    client.say({"type": "typing_started", "data": {"roomId": t.room, "userId": "101"}})
    client.end()


def talk(user, door, *tries):
    """All that is answered to each try, up to a fence and a moment behind it, in no order: what needs a look into the store
    is answered when that was had."""
    clients = [{"chat": user.chat, "gateway": user.gateway, "socketio": user.io}[door]() for _ in tries]
    answers = []
    for client, said in zip(clients, tries):
        if door == "socketio":
            client.tell(*said, event("get_typing_users", {"roomId": "nowhere"}, ack=99))
        else:
            # What has no meaning is answered, too.
            for one in [*said, {"type": "no-such-type", "action": "no-such-action"}]:
                client.say(one)
    for client in clients:
        answers.append(until(client, {"chat": "invalid message", "gateway": "Forbidden", "socketio": "4399"}[door]))
    time.sleep(BEHIND_S)
    for client, got in zip(clients, answers):
        got += heard(client)
        client.end()
    return answers


def unnamed(text):
    """Without the names of connections and requests, which are never the same."""
    try:
        said = json.loads(text)
    except ValueError:
        return text
    if not isinstance(said, dict):
        return text
    return json.dumps({key: value for key, value in said.items() if key not in ("connectionId", "requestId")})


def later(house, user):
    """Those who live there speak on, and this one, with a client at every door, hears nothing of it."""
    clients = {"gateway": user.gateway(), "direct": user.direct(), "chat": user.chat(), "hall": user.rooms(house.hall),
               "socketio": user.io(*(event("join_room", {"roomId": room}) for room in house.rooms.values()))}
    clients["chat"].say({"type": "join_room", "data": {"room_id": house.private}})
    time.sleep(QUIET_S)
    for name in house.rooms:
        house.ears[f"rooms {name}"].say({"text": f"{HUSH} again"})
        house.ears[f"rooms {name}"].say({"type": "typing_started", "data": {"text": HUSH}})
    time.sleep(QUIET_S)
    told = [(where, text) for where, client in clients.items() for text in heard(client) if HUSH in text]
    for client in clients.values():
        client.end()
    house.hush(0)
    return told


def fails_for_members(report, house):
    """These checks can fail: a member gets all of that."""
    t = Target("guild", house.rooms["guild"], house.messages["guild"], house.conversation, GUILD)
    report.check("T6", "a member reads", HUSH in house.frank.ask("GET", f"/messages/room/{path_of(t.room)}").text)
    report.check("T6", "a member hears what is said later", later(house, house.frank))
    report.check("T6", "a member's messages are heard", talk(house.frank, "gateway", [
        {"action": "sendMessage", "messageId": "m1", "conversationId": t.room, "senderId": "104", "content": "mine",
         "isGroupChat": True}]))
    said = {where for where, texts in house.hush().items() if "mine" in "".join(texts)}
    report.check("T6", "by all who are there", {"rooms guild", "socketio", "gateway"} <= said, said)
    report.check("T6", "and kept", "mine" in str(house.kept()))
