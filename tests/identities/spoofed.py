"""T8: who a frame or a body says that it is from, when, of which kind, and under whose id. The server's values win; an id that
another has used is another message, and what is somebody else's is not changed by it."""
import json
import time
from datetime import datetime

from engine import event
from house import HUSH, heard, path_of, until

LIE, ID = "Mallory", "0199a1b2-0000-7000-8000-00000000beef"
PAST, FUTURE = "2001-01-01T00:00:00.000Z", "2099-01-01T00:00:00.000Z"
# All that a frame may say of itself, in all spellings: bob says to be alice, long ago.
LIES = {"id": ID, "message_id": ID, "messageId": ID, "sender_id": "101", "senderId": "101", "user_id": 101, "userId": "101",
        "user_uuid": "101", "user_email": "alice@example.com", "user": {"id": 101, "username": "alice"}, "sender": "101",
        "senderName": LIE, "sender_name": LIE, "sender_display_name": LIE, "username": LIE, "from": "101",
        "timestamp": PAST, "created_at": PAST, "createdAt": PAST, "updated_at": PAST, "seq": 1, "cursor": "0.1",
        "is_read": True, "is_delivered": True, "status": "read", "exp": 1}
HEADERS = ["X-User-ID: 101", "X-Username: alice", "X-Forwarded-User: alice", "From: alice@example.com"]


def run(report, house):
    seen = Seen(report, house)
    for name, say in (("rooms", by_rooms), ("chat", by_chat), ("socketio", by_socketio), ("socketio REST", by_rest),
                      ("rooms REST", by_broadcast)):
        seen.judge(name, say(house))
    by_direct(report, house)
    by_gateway(report, house)
    system(report, house)
    others_ids(report, house)


class Seen:
    """What all doors and the history show of a message that bob has said in the pair's room."""

    def __init__(self, report, house):
        self.report, self.house = report, house

    def judge(self, door, content):
        house, report = self.house, self.report
        now = time.time()
        texts = house.hush(0.3)
        told = {where: [text for text in some if content in text] for where, some in texts.items()}
        for where in ("rooms pair", "direct", "gateway", "socketio"):
            said = "".join(told[where])
            report.check("T8", f"{door}: {where} is told once", len(told[where]) == 1, told[where])
            sender = said and any(mark in said for mark in (
                '"sender_id":"102"', '"sender_id":102', '"senderId":"102"'))
            report.check("T8", f"{door}: {where} is told of the true sender", sender and '"101"' not in said.replace(
                '"receiver_id":"101"', "").replace("dm-101-102", ""), said)
            report.check("T8", f"{door}: {where} is told nothing that was made up", not made_up(said), said)
        history = house.alice.ask("GET", f"/messages/room/{path_of(house.rooms['pair'])}?limit=200").json()["data"]
        kept = [one for one in history if one["content"] == content]
        report.equal("T8", f"{door}: kept once, as bob's", [one["sender_id"] for one in kept], ["102"])
        report.check("T8", f"{door}: kept as of now", all(abs(at(one["created_at"]) - now) < 30 for one in kept), kept)
        report.check("T8", f"{door}: nothing made up is kept", kept and not made_up(json.dumps(kept[0])), kept)


def made_up(text):
    return [lie for lie in (ID, LIE, "2001-", "2099-", "alice@example.com") if lie in text]


def at(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def by_rooms(house):
    client = house.bob.rooms(house.rooms["pair"])
    client.ask({**LIES, "type": "message", "text": "lies by rooms", "client_id": "l1"})
    client.end()
    return "lies by rooms"


def by_chat(house):
    client = house.bob.chat()
    client.say({"type": "join_room", "data": {"room_id": house.rooms["pair"]}})
    client.say({"type": "send_message", **LIES, "data": {
        **LIES, "type": "text", "content": "lies by chat", "room_id": house.rooms["pair"]}})
    until(client, "lies by chat")
    client.end()
    return "lies by chat"


def by_socketio(house):
    client = house.bob.io(event("send_message", {**LIES, "room_id": house.rooms["pair"], "content": "lies by socketio"},
                                ack=1))
    until(client, "431")
    client.end()
    return "lies by socketio"


def by_rest(house):
    body = {**LIES, "room_id": house.rooms["pair"], "content": "lies by rest"}
    house.bob.ask("POST", "/messages?sender_id=101", body, HEADERS)
    return "lies by rest"


def by_broadcast(house):
    body = {**LIES, "text": "lies by broadcast"}
    house.bob.ask("POST", f"/rooms/{path_of(house.rooms['pair'])}/broadcast?user_id=101", body, HEADERS)
    return "lies by broadcast"


def by_direct(report, house):
    """The contract's own words for a sender and a conversation."""
    for number, more in enumerate(({}, {"conversation_id": 999999}, {"sender_id": 101}, LIES)):
        body = {"receiver_id": 101, "content": f"lies by direct {number}", **more}
        answer = house.bob.ask("POST", "/api/messaging/messages/?sender_id=101", body, HEADERS)
        said = answer.json() if answer.status == 201 else {}
        report.check("T8", f"direct: {list(more)[:1]}: the sender, the conversation and the time are the server's",
                     said.get("sender_id") == 102 and said.get("conversation_id") == house.conversation
                     and not made_up(answer.text) and said.get("status") == "sent", answer)
    told = [text for text in house.hush()["direct"] if "lies by direct" in text]
    report.check("T8", "direct: four are told, as bob's", len(told) == 4 and all('"sender_id":102' in text for text in told)
                 and not made_up("".join(told)), told)


def by_gateway(report, house):
    bob = house.bob.gateway()
    sender = {"action": "sendMessage", "conversationId": "conv-lies", "recipientId": "101", "content": "lies by gateway"}
    bob.say({**sender, "messageId": "lie-1", "senderId": "101"})
    report.check("T8", "gateway: a frame that speaks as another is refused", "Forbidden" in "".join(until(bob, "Forbidden")))
    for action, more in (("markRead", {"readerId": "101", "messageIds": ["g-hushed"]}),
                         ("readAck", {"readerId": "101", "messageIds": ["g-hushed"]}),
                         ("editMessage", {"senderId": "101", "messageId": "g-hushed", "newContent": "x"}),
                         ("deleteMessage", {"senderId": "101", "messageId": "g-hushed"}),
                         ("typing", {"senderId": "101", "recipientId": "101", "isTyping": True}),
                         ("presenceUpdate", {"userId": "101", "isOnline": False}),
                         ("groupUpdate", {"updatedBy": "101", "groupName": LIE}),
                         ("groupMemberLeft", {"userId": "101"})):
        bob.say({"action": action, "conversationId": "conv-hushed", "recipientIds": ["101"], **more})
        texts = until(bob, "Forbidden", 1)
        report.check("T8", f"gateway: {action} as another is refused", "Forbidden" in "".join(texts), texts)
    told = {where: [text for text in some if "lies by" in text or LIE in text] for where, some in house.hush().items()}
    report.check("T8", "gateway: and nobody hears of it", not any(told.values()), told)
    for number, (stamp, wrong) in enumerate(((FUTURE, "2099-"), ("yesterday", "yesterday"), ("9999999999999", "99999"),
                                             ("2099-01-01", "2099-"))):
        bob.say({**sender, "messageId": f"lie-t{number}", "senderId": "102", "senderName": LIE, "timestamp": stamp,
                 "status": "read", "seq": 1})
        until(bob, '"sent"')
        texts = [text for text in house.hush()["gateway"] if f"lie-t{number}" in text and '"message"' in text]
        report.check("T8", f"gateway: a time of {stamp} and a made-up name are not told", len(texts) == 1 and
                     wrong not in texts[0] and LIE not in texts[0] and '"senderName":"bob"' in texts[0], texts)
    bob.say({**sender, "messageId": "lie-r", "senderId": "102", "replyToMessageId": "g-hushed", "replyToContent": LIE,
             "replyToSenderName": LIE, "conversationId": "conv-hushed"})
    until(bob, '"sent"')
    texts = [text for text in house.hush()["gateway"] if "lie-r" in text]
    report.check("T8", "gateway: what is replied to is told as it is", len(texts) == 1 and LIE not in texts[0] and
                 f"{HUSH} first" in texts[0], texts)
    bob.end()


def system(report, house):
    """A message of the system's is not for everybody to say."""
    chat = house.frank.chat()
    for name in ("private", "guild", "group"):
        chat.say({"type": "join_room", "data": {"room_id": house.rooms[name]}})
        chat.say({"type": "send_message", "data": {"type": "system", "content": f"{LIE} says", "room_id": house.rooms[name]}})
        texts = until(chat, "unauthorized", 2)
        report.check("T8", f"chat: a member's system message in the {name} room", "unauthorized" in "".join(texts), texts)
    chat.end()
    guild = house.rooms["guild"]
    answer = house.frank.ask("POST", "/messages", {"room_id": guild, "content": "as a system", "message_type": "system"})
    report.equal("T8", "socketio: a system message is taken", answer.status, 201)
    texts = house.hush()
    for where in ("rooms guild", "gateway"):
        said = "".join(text for text in texts[where] if "as a system" in text)
        report.check("T8", f"socketio: {where} is told a member's text", said and '"type":"system"' not in said, said)
    watcher = house.alice.chat()
    watcher.say({"type": "join_room", "data": {"room_id": guild}})
    until(watcher, '"join"', 1)
    house.frank.ask("POST", "/messages", {"room_id": guild, "content": "as a system, again", "message_type": "system"})
    texts = until(watcher, "again")
    report.check("T8", "socketio: chat is told a member's text", '"type":"text"' in "".join(texts), texts)
    report.check("T8", "nobody hears what was refused", LIE not in json.dumps(house.hush()))
    watcher.end()


def said(client, text, client_id):
    """What the sender is answered; what others say meanwhile is passed over."""
    client.say({"text": text, "client_id": client_id})
    frames, _ = client.pour(b"", 5, lambda frames: any(is_answer(data) for _, data in frames))
    return next(json.loads(data) for _, data in frames if is_answer(data))


def is_answer(data):
    return data.startswith((b'{"type":"ack"', b'{"type":"error"'))


def others_ids(report, house):
    """The ids under which others have said something: another message, and theirs stays as it was."""
    room = house.rooms["guild"]
    before = house.kept()[f"/messages/room/{path_of(room)}?limit=200"]["data"]
    mine, theirs = house.frank.rooms(room), house.ears["rooms guild"]
    first = said(theirs, "alice's own", "same")
    second = said(mine, "frank's own", "same")
    report.check("T8", "rooms: another's client_id is another message", first["type"] == second["type"] == "ack" and
                 first["id"] != second["id"] and first["seq"] < second["seq"], (first, second))
    again = said(theirs, "alice's own", "same")
    report.equal("T8", "rooms: a repeat is the same", again["id"], first["id"])
    other = said(theirs, "alice's other", "same")
    report.check("T8", "rooms: with other content it is refused", other["type"] == "error" and "already used" in str(other), other)
    mine.end()
    for who, status in ((house.frank, 201), (house.alice, 201)):
        answer = who.ask("POST", "/messages", {"room_id": room, "content": f"{who.name} by rest", "client_id": "rest-same"})
        report.equal("T8", f"socketio REST: {who.name}'s under one client_id", answer.status, status)
    answer = house.frank.ask("POST", "/messages", {"room_id": room, "content": "changed", "client_id": "rest-same"})
    report.equal("T8", "socketio REST: one's own client_id with other content", answer.status, 409)
    gate = house.frank.gateway()
    frame = {"action": "sendMessage", "messageId": "one-id", "conversationId": room, "isGroupChat": True}
    house.ears["gateway"].say({**frame, "senderId": "101", "content": "alice by gateway"})
    until(house.ears["gateway"], '"sent"')
    gate.say({**frame, "senderId": "104", "content": "frank by gateway"})
    texts = until(gate, '"sent"', 2)
    report.check("T8", "gateway: another's messageId is another message", '"sent"' in "".join(texts), texts)
    for what, wish in [
        ("editing", {"action": "editMessage", "messageId": house.messages["guild"], "newContent": LIE}),
        ("deleting", {"action": "deleteMessage", "messageId": house.messages["guild"]}),
    ]:
        gate.say({"conversationId": room, "senderId": "104", "isGroupChat": True, **wish})
        texts = until(gate, "Forbidden", 2)
        report.check("T8", f"gateway: a member's {what} of another's message", "Forbidden" in "".join(texts), texts)
    gate.end()
    answer = house.frank.ask("DELETE", f"/messages/{house.messages['guild']}")
    report.equal("T8", "socketio REST: a member's deleting of another's message", answer.status, 403)
    heard(house.ears["socketio"], 0.2)
    after = house.kept()[f"/messages/room/{path_of(room)}?limit=200"]["data"]
    stays = [one for one in after if one["id"] in {old["id"] for old in before}]
    what = ("id", "sender_id", "content", "created_at", "message_type")
    report.equal("T8", "what others have said stays as it was", [[one[key] for key in what] for one in stays],
                 [[one[key] for key in what] for one in before])
    kept = [one["content"] for one in after]
    report.equal("T8", "each is kept once", [kept.count(text) for text in (
        "alice's own", "frank's own", "alice by rest", "frank by rest", "alice by gateway", "frank by gateway", "changed")],
                 [1, 1, 1, 1, 1, 1, 0])
