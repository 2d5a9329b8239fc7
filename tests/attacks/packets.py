"""T15, T16 and T14 on the socketio door: packets that no client says, on a socket and in posts. A bad one closes: 1002 on a
socket; where it was posted the session is unknown from then on. What only means nothing is answered or passed over, and
the session stays."""
import engine
from engine import NOBODY, UNKNOWN, Polling, Socket, event

DEPTH = 100_000
FLOOD = 20_000
PLACE = '{"_placeholder":true,"num":0}'
CLOSED = "not a packet"
TURN = "out of turn"
ATTACHMENT = "not an attachment"


def placed(place):
    return [f'451-["x",{place}]', b"\1"]


# What is said behind CONNECT, and the only reason for which that is closed.
BAD = [
    ("an attachment, and no packet", ["451-"], CLOSED),
    ("5,999,999 attachments", ['455999999-["x"]'], CLOSED),
    ("attachments in 100,000 digits", [f'45{"9" * DEPTH}-["x"]'], CLOSED),
    ("eleven attachments", [f'4511-["x",{PLACE}]'], CLOSED),
    ("-1 attachments", ['45-1-["x"]'], CLOSED),
    ("+1 attachments", ['45+1-["x"]'], CLOSED),
    ("01 attachments", ['4501-["x"]'], CLOSED),
    ("no number of attachments", ['45-["x"]'], CLOSED),
    ("an acknowledgement with eleven attachments", ['4611-1["x"]'], CLOSED),
    ("the same header twice", [f'451-["x",{PLACE}]', f'451-["x",{PLACE}]'], CLOSED),
    ("a header between two attachments", [f'452-["x",{PLACE}]', b"\1", f'451-["x",{PLACE}]'], CLOSED),
    ("an event while attachments are awaited", [f'451-["x",{PLACE}]', '42["typing",{}]'], CLOSED),
    ("DISCONNECT while attachments are awaited", [f'451-["x",{PLACE}]', "41"], CLOSED),
    ("an attachment that nobody awaits", [b"\1"], ATTACHMENT),
    ("an attachment too many", [f'451-["x",{PLACE}]', b"\1", b"\2"], ATTACHMENT),
    *((f"a placeholder with the number {number[:20]}", placed('{"_placeholder":true,"num":%s}' % number), CLOSED)
      for number in ("1", "-1", "0.0", "1e0", '"0"', '"length"', '"__proto__"', "null", "true", "{}", "[0]",
                     "18446744073709551616", "1e999999", "9" * 400)),
    ("a placeholder without a number", placed('{"_placeholder":true}'), CLOSED),
    ("a placeholder with two numbers", placed('{"_placeholder":true,"num":0,"num":0}'), CLOSED),
    ("a placeholder twice", placed('{"_placeholder":false,"_placeholder":true,"num":9}'), CLOSED),
    ("a placeholder within, out of range", placed('[{"a":[{"_placeholder":true,"num":7}]}]'), CLOSED),
    *((f"an event called {name}", [f'42["{name}"]'], CLOSED)
      for name in ("connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
                   "conn\\u0065ct")),
    *((f"an event called {name}", [f"42[{name}]"], CLOSED) for name in ("null", "true", "{}", '["x"]', '"\\ud800"')),
    ("an event without a name", ["42[]"], CLOSED),
    ("an object for an event", ["42{}"], CLOSED),
    ("CONNECT twice", ["40"], TURN),
    ("CONNECT_ERROR", ['44{"message":"x"}'], TURN),
    ("an event in a namespace of nobody's", ['42/admin,["x"]'], TURN),
    ("DISCONNECT from a namespace of nobody's", ["41/admin,"], TURN),
    ("CONNECT with a number", ["401"], CLOSED),
    ("CONNECT with an array", ["40[]"], CLOSED),
    ("DISCONNECT with a payload", ["41{}"], CLOSED),
    ("a namespace of 256 bytes", ["40/" + "n" * 255], CLOSED),
    ("a namespace of 999,000 bytes", ["40/" + "n" * 998_997], CLOSED),
    ("a namespace with a NUL", ["40/\0,"], CLOSED),
    *((f"an acknowledgement asked for by {number[:20]}", [f'42{number}["x"]'], CLOSED)
      for number in ("9007199254740992", "18446744073709551616", "9" * DEPTH, "00", "-1", "1e3", "0x1")),
    ("an acknowledgement of 2^53", ["439007199254740992[]"], CLOSED),
    ("an acknowledgement without a number", ["43[]"], CLOSED),
    ("an acknowledgement with an object", ["431{}"], CLOSED),
    ("100,000 arrays", ['42["x",' + "[" * DEPTH + "]" * DEPTH + "]"], CLOSED),
    ("100,000 arrays that don't end", ['42["x",' + "[" * DEPTH], CLOSED),
    ("100,000 objects", ['42["x",' + '{"a":' * DEPTH + "1" + "}" * DEPTH + "]"], CLOSED),
    ("100,000 arrays on connecting", ['40{"token":' + "[" * DEPTH + "]" * DEPTH + "}"], CLOSED),
    ("a NUL within a text", ['42["x","a\0b"]'], CLOSED),
    ("NaN", ['42["x",NaN]'], CLOSED),
    ("a comma too many", ['42["x",]'], CLOSED),
    ("two arrays", ['42["x"]["x"]'], CLOSED),
    ("a packet of type 7", ["47"], CLOSED),
    ("an empty message", ["4"], CLOSED),
    ("an open packet's opposite", ["2"], "the server pings"),
    ("a packet of no type", ["x"], None),
    ("an empty packet", [""], None),
    ("broken base64", ["b!"], None),
]

# What is said behind CONNECT, and what is answered before the fence: all of them stay.
HARMLESS = [
    *((f"an event called {name}", [f'42["{name}",{{}}]'], [])
      for name in ("error", "constructor", "__proto__", "toString", "hasOwnProperty", "close", "message", "")),
    ("an event called by a number", ["42[7]"], []),
    ("an acknowledgement that nobody asked for", ["439007199254740991[]"], []),
    ("no attachments in a packet of attachments", ['450-["x"]'], []),
    ("something that is nearly a placeholder", placed('{"_placeholder":1,"num":-1}'), []),
    ("ten attachments", ['4510-["x",{"_placeholder":true,"num":9}]', *[b"\1"] * 10], []),
    ("a namespace called __proto__", ["40/__proto__,"], ['44/__proto__,{"message":"Invalid namespace"}']),
    ("a namespace of 255 bytes", ["40/" + "n" * 254], ["44/" + "n" * 254 + ',{"message":"Invalid namespace"}']),
    ("prototypes", ['42["x",{"__proto__":{"a":1},"constructor":{"prototype":{}}}]'], []),
    ("31 arrays in an event", ['42["x",' + "[" * 31 + "]" * 31 + "]"], []),
    ("open, upgrade and noop", ["0", "5", "6"], []),
    ("a pong that nobody asked for", ["3"], []),
]

EVENTS = ("authenticate", "join_room", "leave_room", "send_message", "mark_read", "delete_message", "typing",
          "get_typing_users")
KEYS = {"authenticate": "userId", "send_message": "content", "mark_read": "messageIds", "delete_message": "messageId"}


def error(words):
    return event("error", {"message": words})


def unfit(name):
    """Payloads that are JSON, and not what this event takes."""
    key = KEYS.get(name, "roomId")
    return [
        ("a key twice", '{"%s":"a","%s":"a"}' % (key, key)),
        ("a lone high surrogate", '{"%s":"\\ud800"}' % key),
        ("surrogates the wrong way round", '{"%s":"\\udc00\\ud800"}' % key),
        ("a huge number", '{"%s":1e999999}' % key),
        ("an array", "[]"),
        ("a text", '"x"'),
        ("null", "null"),
        ("an object for a text", '{"%s":{"__proto__":"x"}}' % key),
    ]


def socket_cases(server, report):
    for what, packets, why in BAD:
        client = Socket(server.port)
        client.connect()
        client.pour(b"".join(map(engine.framed, packets)), 5)
        right = client.closed == 1002 and client.reason == (why or CLOSED)
        report.check("T15", f"socketio: {what} is closed with 1002", right, f"close {client.closed} {client.reason!r}")
        client.end()
    client = Socket(server.port)
    client.connect()
    for what, packets, answers in HARMLESS:
        seen = client.ask_for([*packets, "40/nobody,"], lambda seen: NOBODY in seen)
        report.check("T15", f"socketio: {what} harms nobody", seen == [*answers, NOBODY], f"{seen}, {client.closed}")
    client.end()
    client = Socket(server.port)
    client.connect()
    client.pour(b"".join(map(engine.framed, [f'452-["x",{PLACE}]', bytes(600_000), bytes(600_000)])), 5)
    report.check("T15", "socketio: attachments of 1.2 MB are closed", (client.closed, client.reason) ==
                 (1002, ATTACHMENT), f"{client.closed} {client.reason!r}")
    client.end()
    client = Socket(server.port)
    client.greeted()
    client.pour(engine.framed('42["x"]'), 5)
    report.check("T15", "socketio: an event before CONNECT is closed", (client.closed, client.reason) == (1002, TURN),
                 f"{client.closed} {client.reason!r}")
    client.end()


def posted_cases(server, report):
    http = engine.Http(server.port)
    for what, packets, why in BAD:
        session = Polling(server.port, http)
        session.post("40")
        seen = session.post(*packets), session.get()
        # A body is read to its end before anything of it is heard; what it says is judged when its turn comes.
        expected = (400, "") if why is None else (200, "ok")
        report.check("T15", f"socketio, posted: {what}: {expected[0]}, and the session is gone",
                     seen == (expected, UNKNOWN), seen)
    session = Polling(server.port, http)
    session.connect()
    for what, packets, answers in HARMLESS:
        session.post(*packets, "40/nobody,")
        seen = session.packets(lambda seen: NOBODY in seen)
        report.check("T15", f"socketio, posted: {what} harms nobody", seen == [*answers, NOBODY], seen)
    http.end()


def events(server, report):
    """Every event before anybody has said who they are, and then with payloads that are meant to break its reader."""
    client, n = Socket(server.port), 0
    client.connect()
    for name, answers in [
        ("join_room", [error("Not authenticated")]), ("leave_room", [error("Not authenticated")]),
        ("send_message", [error("Not authenticated")]), ("mark_read", [error("Invalid parameters")]),
        ("delete_message", [error("Invalid parameters")]), ("typing", []), ("nonsense", []),
    ]:
        said = event(name, {"roomId": "texts", "room_id": "texts", "content": "x"})
        seen = client.ask_for([said, "40/nobody,"], lambda seen: NOBODY in seen)
        report.check("T15", f"socketio: {name} before authenticate: {answers}", seen == [*answers, NOBODY], seen)
    seen = client.ask_for([event("get_typing_users", {"roomId": "texts"}, ack="7")], lambda seen: seen)
    report.check("T15", "socketio: get_typing_users before authenticate is refused",
                 seen == ['437[{"success":false,"error":"Not authenticated"}]'], seen)
    client.end()
    client = Socket(server.port)
    client.become("odd")
    for name in EVENTS:
        answers = [] if name in ("typing", "get_typing_users") else [error("Invalid parameters")]
        for what, text in unfit(name):
            seen = client.ask_for([f'42["{name}",{text}]', "40/nobody,"], lambda seen: NOBODY in seen)
            report.check("T16", f"socketio: {name} with {what}: the error to the letter", seen == [*answers, NOBODY],
                         f"{seen}, close {client.closed}")
    for what, text, heard in (("a NUL, escaped", "a\\u0000b", "a\\u0000b"), ("__proto__", "__proto__", "__proto__"),
                              ("a pair of surrogates", "\\ud83d\\ude00", "\U0001F600")):
        n += 1
        said = '42%d["send_message",{"room_id":"texts","content":"%s","__proto__":{"content":"y"}}]' % (n, text)
        seen = client.ask_for([said], lambda seen: any(one.startswith(f"43{n}[") for one in seen))
        report.check("T16", f"socketio: {what} is taken, and told as it was said",
                     any(f'"content":"{heard}"' in one and '"success":true' in one for one in seen), seen)
    client.end()


def floods(server, report, room):
    """20,000 of each in a row: refused in words where there are some, and then closed with 1008."""
    join, leave = event("join_room", {"roomId": room}), event("leave_room", {"roomId": room})
    for what, user, packets, word in [
        ("namespaces", None, lambda n: [f"40/n{n},"], '44/n%d,{"message":"Invalid namespace"}'),
        ("pongs", None, lambda n: ["3"], None),
        ("coming and going", "comer", lambda n: [join, leave], None),
        ("typing", "typist", lambda n: [event("typing", {"roomId": room})], None),
        ("tiny messages", "talker", lambda n: [event("send_message", {"room_id": "flood", "content": "x"})],
         error("Failed to send message")),
        ("events that mean nothing", "nobody", lambda n: ['42["x"]'], None),
    ]:
        client = Socket(server.port)
        client.become(user, room) if user else client.connect()
        frames, took = client.pour(b"".join(engine.framed(one) for n in range(FLOOD) for one in packets(n)), 20)
        report.check("T14" if user or what == "pongs" else "T15", f"socketio: {FLOOD} {what} are closed with 1008",
                     client.closed == 1008, f"close {client.closed} {client.reason!r} after {took:.1f} s")
        if word:
            seen = [text for text in engine.texts(frames) if not text.startswith('42["new_message"')]
            expected = [word % n if "%d" in word else word for n in range(len(seen))]
            report.check("T15" if "%d" in word else "T14", f"socketio: {what} are refused before that",
                         len(seen) > 100 and seen == expected, (len(seen), seen[:2]))
        client.end()
    for what, packets, answer in [
        ("4,096 namespaces", [f"40/n{n}," for n in range(4096)], (200, "ok")),
        ("4,096 pongs", ["3"] * 4096, (200, "ok")),
        ("4,097 packets", ["3"] * 4097, (400, "")),
        ("500,000 packets", ["3"] * 500_000, (400, "")),
        ("1,000,000 empty packets", [""] * 1_000_000, (400, "")),
    ]:
        session = Polling(server.port)
        session.connect()
        session.http.say(engine.request("POST", session.target, engine.payload(packets)))
        # A post is heard as fast as its answers are fetched; and what was told before the close may be, too.
        other, last = engine.Http(server.port), (200, "")
        while last[0] == 200:
            last = other.ask(engine.request("GET", session.target))
        seen = session.http.answer()
        report.check("T15", f"socketio, posted: {what}: {answer[0]}, and the session is gone",
                     (seen, last) == (answer, UNKNOWN), (seen, last))
        session.end()
        other.end()


def run(server, report, room, company):
    for what, attack in [("packets", socket_cases), ("posted packets", posted_cases), ("events", events)]:
        attack(server, report)
        company.judge(server, report, what)
    floods(server, report, room)
    company.judge(server, report, "floods of packets")
