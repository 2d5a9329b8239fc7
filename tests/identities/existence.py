"""T9: what may not be seen answers as what is not there: the same status, headers and body, and in the same time. Each
pair is asked in turn, forbidden and missing alternating, so that whatever else the machine does falls on both; of the gaps
between the two of a pair the median counts."""
import base64
import json
import secrets
import statistics
import time
import uuid

import engine
from engine import Polling, Socket, event
from house import GUILD, path_of, until
from http1 import Line, upgrade

PAIRS, MORE_PAIRS, GAP_MS = 200, 800, 2.0
SAMPLES, BITS_MIN = 192, 122
# One time in a million or so a fair bit is beyond this in so many samples.
BIASED = 0.2
UNCOMPARED = ("date",)


def run(report, house):
    figures = {}
    for name, case in cases(house).items():
        gaps = compare(report, name, case, PAIRS)
        # A machine at work may be far off in a few hundred; the more pairs, the nearer, and the bound stays.
        if abs(statistics.median(gaps)) >= GAP_MS:
            gaps += compare(report, name, case, MORE_PAIRS)
        gap = abs(statistics.median(gaps))
        report.check("T9", f"{name}: the median gap over {len(gaps)} pairs is under {GAP_MS} ms", gap < GAP_MS, gap)
        figures[name] = gap
    randomness(report, house)
    can_fail(report, house)
    return figures


def compare(report, name, case, pairs):
    """How much longer the forbidden took, pair by pair, in milliseconds; and whether it was answered alike."""
    forbidden, missing, ask = case
    gaps = []
    for number in range(pairs):
        names = {"forbidden": forbidden(), "missing": missing()}
        answers, took = {}, {}
        for which in list(names) if number % 2 else list(names)[::-1]:
            begun = time.perf_counter()
            answers[which] = ask(names[which])
            took[which] = (time.perf_counter() - begun) * 1e3
        gaps.append(took["forbidden"] - took["missing"])
        if number < 2 or number == pairs - 1:
            seen = [comparable(answers[which], names[which]) for which in ("forbidden", "missing")]
            report.equal("T9", f"{name}: forbidden as missing", *seen)
    return gaps


def rest(user, method, path, body=None):
    """Asks for what `{}` stands for, in a path or a body."""
    def ask(name):
        text = json.dumps(body).replace("{}", name) if body is not None else None
        return user.ask(method, path.replace("{}", path_of(name)), text, ["Content-Type: application/json"] * bool(text))
    return ask


def cases(house):
    """(a forbidden name, a missing one, how it is asked)."""
    carol, nobody = house.carol, Line(house.port)
    private = (lambda: house.private, lambda: str(uuid.uuid4()))
    guild = (lambda: f"GUILD#{GUILD}", lambda: f"GUILD#{secrets.token_hex(5)[:len(GUILD)]}")
    pair = (lambda: "dm-101-102", lambda: f"dm-{secrets.randbelow(900) + 1000}-{secrets.randbelow(900) + 2000}")
    message = (lambda: house.messages["private"], lambda: house.messages["private"][:-12] + secrets.token_hex(6))
    # What nobody has met: every integer above those in use.
    user = (lambda: "101", lambda: str(600000 + secrets.randbelow(300000)))
    found = {}
    for what, names in (("a private room", private), ("a guild", guild), ("another pair", pair)):
        found |= {f"{what}: {how}": (*names, ask) for how, ask in {
            "history": rest(carol, "GET", "/messages/room/{}"), "unread": rest(carol, "GET", "/messages/unread/{}"),
            "connections": rest(carol, "GET", "/rooms/{}/connections"),
            "a broadcast": rest(carol, "POST", "/rooms/{}/broadcast", {"text": "x"}),
            "a message": rest(carol, "POST", "/messages", {"room_id": "{}", "content": "x"}),
            "reading": rest(carol, "PUT", "/messages/read", {"messageIds": [house.messages["private"]], "roomId": "{}"}),
            "a rooms socket": lambda name: upgrade(carol.port, f"/ws/rooms/{path_of(name)}?since=1", carol.shown),
        }.items()}
        found |= {f"{what}: {how}": (*names, ask) for how, ask in sockets(carol).items()}
    found |= {
        "a message: deletion": (*message, rest(carol, "DELETE", "/messages/{}")),
        "a message: delivered": (*message, rest(carol, "PUT", "/messages/delivered", {"messageIds": ["{}"]})),
        "a message: read": (*message, rest(carol, "PUT", "/messages/read", {"messageIds": ["{}"]})),
        "a conversation: history": (lambda: str(house.conversation), lambda: str(house.conversation + 1000),
                                    rest(carol, "GET", "/api/messaging/messages/{}")),
        "a roster: a member": (lambda: GUILD, lambda: secrets.token_hex(5)[:len(GUILD)],
                               rest(carol, "GET", "/guilds/{}/members/101")),
        "a roster: taking in": (lambda: GUILD, lambda: secrets.token_hex(5)[:len(GUILD)],
                                rest(carol, "PUT", "/guilds/{}/members/103", {"role": "member"})),
        "a user: connections": (*user, rest(carol, "GET", "/users/{}/connections")),
        "a user: a direct socket": (*user, lambda name: upgrade(carol.port, f"/ws/{name}", carol.shown)),
        "a user: a gateway socket": (*user, lambda name: upgrade(carol.port, f"/production?userId={name}", carol.shown)),
        "a user, to nobody: a look-up": (*user, lambda name: nobody.ask("GET", f"/api/messaging/users/{name}")),
        "a user, to nobody: history": (*user, lambda name: nobody.ask("GET", f"/messages/direct/{name}")),
        "a private room, to nobody: history": (*private, lambda name: nobody.ask("GET", f"/messages/room/{name}")),
        "a private room, to nobody: a socket": (*private, lambda name: upgrade(carol.port, f"/ws/rooms/{name}")),
    }
    return found


def sockets(user):
    """Asked on sockets that stay open."""
    chat, io, gate = user.chat(), user.io(), user.gateway()

    def ask_chat(name):
        return chat.ask({"type": "join_room", "data": {"room_id": name}})

    def ask_io(name):
        return io.ask_for([event("join_room", {"roomId": name})], lambda packets: packets)

    def send_io(name):
        return io.ask_for([event("send_message", {"room_id": name, "content": "x"}, ack=5)], lambda packets: packets)

    def ask_gate(name):
        said = gate.ask({"action": "sendMessage", "messageId": "m", "conversationId": name, "senderId": user.id,
                         "content": "x", "isGroupChat": True})
        return {key: value for key, value in said.items() if key not in ("connectionId", "requestId")}
    return {"joining on chat": ask_chat, "joining on socketio": ask_io, "a message on socketio": send_io,
            "a message on gateway": ask_gate}


def comparable(answer, name):
    """Without the name that was asked for, and what depends on it or on the moment."""
    if not hasattr(answer, "headers"):
        return json.dumps(answer).replace(name, "<name>")
    named = name in answer.text or path_of(name) in answer.text
    skipped = (*UNCOMPARED, "content-length", "etag") if named else UNCOMPARED
    headers = [header for header in answer.headers if header[0] not in skipped]
    return answer.status, headers, answer.text.replace(name, "<name>").replace(path_of(name), "<name>")


def randomness(report, house):
    """Ids that are as good as a key: 122 bits or more of each are anybody's guess."""
    chat = house.bob.chat()
    rooms, sids, pids = [], [], []
    for number in range(SAMPLES):
        chat.say({"type": "create_room", "data": {"name": f"r{number}", "type": "private"}})
        rooms.append(json.loads(until(chat, "room_created")[-1])["data"]["id"])
        session = Polling(house.port)
        sids.append(session.sid)
        session.post("41")
        session.end()
        client = Socket(house.port)
        pids.append(json.loads(next(text for text in client.connect() if text.startswith("40{"))[2:])["pid"])
        client.end()
    chat.end()
    for what, ids, decode in (
            ("private rooms", rooms, lambda one: uuid.UUID(one).bytes), ("Socket.IO's recovery", pids, bytes.fromhex),
            ("Engine.IO's sessions", sids, lambda one: base64.urlsafe_b64decode(one + "=" * (-len(one) % 4)))):
        values = [int.from_bytes(decode(one), "big") for one in ids]
        fair = sum(BIASED < sum(value >> bit & 1 for value in values) / SAMPLES < 1 - BIASED
                   for bit in range(max(values).bit_length()))
        report.check("T9", f"ids of {what} have {BITS_MIN} random bits", fair >= BITS_MIN and len(set(ids)) == SAMPLES,
                     (fair, ids[:3]))
    versions = {uuid.UUID(one).version for one in rooms}
    report.equal("T9", "private rooms' ids are of version 4", versions, {4})
    for ids in (sids[0][:-1] + ("A" if sids[0][-1] != "A" else "B"), "A" * len(sids[0]), str(uuid.uuid4())):
        answer = Line(house.port).ask("GET", f"{engine.PATH}?{engine.POLL}&sid={ids}")
        report.equal("T9", "a session that was guessed is unknown", (answer.status, answer.text), engine.UNKNOWN)


def can_fail(report, house):
    """A member's room and a missing one are told apart."""
    ask = rest(house.frank, "GET", "/messages/room/{}")
    seen = [comparable(ask(name), name) for name in (house.private, str(uuid.uuid4()))]
    report.check("T9", "what one may see isn't as if it were missing", seen[0] != seen[1], seen)
