"""T15 and T5 on the socketio door: requests that no client makes, names of sessions that are guessed, sockets that are to
take over and don't, polls that are broken off or never come."""
import base64
import random
import time

import engine
import wire
from engine import MOVED, NOBODY, PATH, POLL, SOCKET, UNKNOWN, Http, Polling, Socket, event, request
from heads import PAGE, SECRET, token
from server import Server

GUESSES = 1000
BROKEN_OFF = 500
PASSING = 20_000
HELD_MIN, HELD_MAX = 16 << 10, 128 << 10
KINDS = [(400, f'{{"code":{code},"message":"{text}"}}') for code, text in enumerate(
    ("Transport unknown", "Session ID unknown", "Bad handshake method", "Bad request"))]
TRANSPORT, _, METHOD, REQUEST = KINDS
VERSION = (400, '{"code":5,"message":"Unsupported protocol version"}')


def odd(server, report):
    """Whatever is asked, it is answered, and the process lives (CVE-2022-21676, CVE-2023-31125)."""
    http = Http(server.port)
    cases = [
        *((f"transport={name}", f"EIO=4&transport={name}", TRANSPORT) for name in (
            "constructor", "__proto__", "toString", "hasOwnProperty", "polling%00", "POLLING", "", "%ff", "%", "%zz")),
        ("no transport", "EIO=4", TRANSPORT),
        ("an array of transports", "EIO=4&transport[]=polling", TRANSPORT),
        ("an object of transports", "EIO=4&transport[__proto__]=polling", TRANSPORT),
        ("two transports, the last unknown", f"{POLL}&transport=constructor", TRANSPORT),
        ("an array of versions", "EIO[]=4&transport=polling", VERSION),
        ("an object of versions", "EIO[__proto__]=4&transport=polling", VERSION),
        *((f"EIO={name}", f"EIO={name}&transport=polling", VERSION) for name in (
            "", "2", "5", "04", "4.0", "constructor", "__proto__", "-1", "%ff", "9" * 1000)),
        ("two versions, the last unknown", f"{POLL}&EIO=5", VERSION),
        ("no query", "", TRANSPORT),
        ("ampersands", "&" * 1000, TRANSPORT),
        ("a socket without an upgrade", SOCKET, REQUEST),
        *((f"sid={name[:20]}", f"{POLL}&sid={name}", UNKNOWN) for name in (
            "x", "constructor", "__proto__", "A" * 31, "A" * 33, "A" * 5000, "%00" * 32, "..%2f" * 8, "-", "=")),
    ]
    for what, query, expected in cases:
        seen = http.ask(request("GET", f"{PATH}?{query}"))
        report.check("T15", f"socketio: {what}: {expected}", seen == expected, seen)
    for what, query in (("an empty sid", f"{POLL}&sid="), ("two transports, the last known", f"transport=x&{POLL}")):
        seen = http.ask(request("GET", f"{PATH}?{query}"))
        report.check("T15", f"socketio: {what}: a session", seen[0] == 200 and seen[1].startswith('0{"sid":'), seen)
    session = Polling(server.port, http)
    for method in ("PUT", "DELETE", "PATCH", "POST"):
        seen = http.ask(request(method, f"{PATH}?{POLL}", ""))
        report.check("T15", f"socketio: {method} without a session: {METHOD}", seen == METHOD, seen)
    for method in ("PUT", "DELETE", "PATCH"):
        seen = http.ask(request(method, session.target, "4"))
        report.check("T15", f"socketio: {method} of a session: {METHOD}", seen == METHOD, seen)
    seen = http.ask(request("OPTIONS", session.target))
    report.check("T15", "socketio: OPTIONS of a session: 200, and nothing", seen == (200, ""), seen)
    report.check("T15", "socketio: the session lives after all that", session.connect() and session.lives())
    for what, query, words in [
        *((f"transport={name}", f"EIO=4&transport={name}", TRANSPORT) for name in ("constructor", "__proto__", "%zz", "")),
        ("no transport", "EIO=4", TRANSPORT),
        ("an array of versions", "EIO[]=4&transport=websocket", VERSION),
        ("polling", POLL, REQUEST),
        ("an unknown sid", f"{SOCKET}&sid=constructor", UNKNOWN),
    ]:
        seen = Http(server.port).ask(wire.head_of(f"{PATH}?{query}"))
        words = words[1].split('"')[5]
        report.check("T15", f"socketio: an upgrade with {what}: {words}", seen == (400, words), seen)
    http.end()


def bodies(server, report):
    for what, body, headers, status, stays in [
        ("over the limit", "4" + "x" * 1_000_000, [], 413, True),
        ("of three million packets", "3\x1e" * 3_000_000, [], 413, True),
        ("at the limit", "3" + "x" * 999_999, [], 200, True),
        ("called binary", "3", ["Content-Type: application/octet-stream"], 400, False),
        ("called an image", "3", ["Content-Type: image/png"], 200, True),
        ("called a form", "3", ["Content-Type: application/x-www-form-urlencoded"], 200, True),
        ("of bad UTF-8", b"4\xff\xfe", [], 400, False),
        ("of nothing", "", [], 400, False),
        ("with a separator too many", "3\x1e", [], 400, False),
    ]:
        session = Polling(server.port)
        session.connect()
        seen = session.post_raw(body, headers)
        report.check("T15", f"socketio: a body {what}: {status}", seen == (status, "ok" if status == 200 else ""), seen)
        session.http = Http(server.port)
        after = session.lives() if stays else session.get() == UNKNOWN
        report.check("T15", f"socketio: behind a body {what} the session {'stays' if stays else 'is gone'}", after)
        session.end()
    for what, body in (("a length of seven nines", "9999999:4x"), ("eight digits", "00000002:4x"), ("-1", "-1:4x"),
                       ("no length", "4x"), ("half a character", "2:4\U0001F600"), ("300,000 lengths of 0", "0:" * 300_000)):
        session = Polling(server.port, version=3)
        seen = session.post_raw(body), session.get()
        report.check("T15", f"socketio: version 3, {what}: 400, and the session is gone", seen == ((400, ""), UNKNOWN), seen)
        session.end()
    for what, body in (("a length without an end", b"\0" + b"\1" * 500_000), ("a digit of 10", b"\0\x0a\xff4"),
                       ("more than is there", b"\1\x09\x09\xff\4x"), ("a form of 2", b"\2\1\xff4")):
        session = Polling(server.port, version=3)
        seen = session.post_raw(body, ["Content-Type: application/octet-stream"]), session.get()
        report.check("T15", f"socketio: version 3, binary, {what}: 400, and the session is gone",
                     seen == ((400, ""), UNKNOWN), seen)
        session.end()


def guesses(server, report):
    """Names of sessions that are wrong are refused alike, however near they come."""
    session, other, http = Polling(server.port), Polling(server.port), Http(server.port)
    session.connect()
    name = base64.urlsafe_b64decode(session.sid)
    flipped = [bytes(byte ^ (1 << bit % 8) if at == bit // 8 else byte for at, byte in enumerate(name))
               for bit in range(192)]
    mixed = [name[:8] + base64.urlsafe_b64decode(other.sid)[8:], name[:8] + bytes(16), name[:8] + b"\xff" * 16]
    chance = random.Random(15)
    for what, names in [(f"{GUESSES} random names", [chance.randbytes(24) for _ in range(GUESSES)]),
                        ("a name with one bit off", flipped), ("another's secret", mixed)]:
        sids = [base64.urlsafe_b64encode(one).decode() for one in names]
        asked = [(method, f"{PATH}?{POLL}&sid={sid}") for sid in sids for method in ("GET", "POST")]
        headers = ["Authorization: Bearer mallory"]
        seen = {http.ask(request(method, target, "41" if method == "POST" else None, headers))
                for method, target in asked}
        report.check("T15", f"socketio: {what}: all refused alike", seen == {UNKNOWN}, list(seen)[:3])
        seen = {Http(server.port).ask(wire.head_of(f"{PATH}?{SOCKET}&sid={sid}")) for sid in sids[:200]}
        report.check("T15", f"socketio: {what}, for a socket: all refused alike",
                     seen == {(400, "Session ID unknown")}, list(seen)[:3])
    report.check("T15", "socketio: the session whose name was guessed lives", session.lives() and len(name) == 24)
    for client in (session, other, http):
        client.end()


def upgrades(server, report):
    session = Polling(server.port)
    session.connect()
    first, second = session.upgrade(), session.upgrade()
    second.pour(b"", 5)
    report.check("T15", "socketio: a second socket for one session is closed with 1000", second.closed == 1000,
                 second.closed)
    for what, data in (("a message", "40"), ("a binary frame", b"\1"), ("another probe", "2prob")):
        first.end()
        time.sleep(0.05)
        first = session.upgrade()
        first.pour(engine.framed(data), 5)
        report.check("T15", f"socketio: {what} for a probe is closed with 1002", first.closed == 1002, first.closed)
    report.check("T15", "socketio: the session lives after bad probes", session.lives())
    first.end()
    time.sleep(0.05)
    first = session.upgrade()
    seen = first.ask_for(["2probe"], lambda seen: seen)
    begun = time.monotonic()
    polled, posted = session.get(), session.post("3")
    report.check("T15", "socketio: a poll and a post during the upgrade are answered", (seen, polled, posted) == (
        ["3probe"], (200, "6"), (200, "ok")) and time.monotonic() < begun + 1, (seen, polled, posted))
    first.ask_for(["5", "40/nobody,"], lambda seen: NOBODY in seen)
    seen = session.get(), session.post("40"), first.lives()
    report.check("T15", "socketio: after the upgrade requests are refused, and the socket lives",
                 seen == (MOVED, MOVED, True), seen)
    third = session.upgrade()
    third.pour(b"", 5)
    report.check("T15", "socketio: a socket for a session that has one is closed with 1000", third.closed == 1000,
                 third.closed)
    for client in (first, second, third, session):
        client.end()
    session = Polling(server.port)
    session.connect()
    first = session.upgrade()
    seen = first.ask_for(["5", "40/nobody,"], lambda seen: NOBODY in seen)
    report.check("T15", "socketio: a `5` without a probe takes over", seen == [NOBODY] and session.get() == MOVED, seen)
    first.end()
    killed(server, report)


def killed(server, report):
    """A socket that is reset in the midst of the upgrade (CVE-2022-41940) leaves its session as it was."""
    session = Polling(server.port)
    session.connect()
    for what, say in [
        ("behind its answer", []), ("behind its probe", ["2probe"]), ("behind a bad probe", ["x"]),
    ]:
        for _ in range(50):
            socket = session.upgrade()
            socket.tell(*say)
            socket.reset()
        half = Http(server.port)
        half.say(wire.head_of(f"{PATH}?{SOCKET}&sid={session.sid}")[:-2])
        half.reset()
        report.check("T15", f"socketio: sockets reset {what} leave the session as it was", session.lives())
    for _ in range(50):
        session = Polling(server.port)
        socket = session.upgrade()
        socket.tell("2probe", "5")
        socket.reset()
        session.end()
    report.check("T15", "socketio: after sockets reset behind their `5` the server is up", server.is_up(),
                 server.trouble())


def overlapping(server, report):
    session, other = Polling(server.port), Http(server.port)
    session.connect()
    session.http.say(request("GET", session.target))
    time.sleep(0.05)
    second = other.ask(request("GET", session.target))
    seen = session.http.answer(), second, session.get()
    report.check("T15", "socketio: of two polls the first ends, the second is refused, and the session is gone",
                 seen == ((200, "1"), (400, ""), UNKNOWN), seen)
    session = Polling(server.port)
    session.connect()
    whole = request("POST", session.target, "40/nobody,")
    other.say(whole[:-3])
    seen = session.post("40/nobody,")
    other.say(whole[-3:])
    seen = seen, other.answer()
    report.check("T15", "socketio: a post beside another's unfinished body is heard, and so is that", seen == (
        (200, "ok"), (200, "ok")) and session.lives(), seen)
    opener, sessions = Http(server.port), []
    for _ in range(BROKEN_OFF):
        session = Polling(server.port, opener)
        poll = Http(server.port)
        poll.say(request("GET", session.target))
        sessions.append((session, poll))
    time.sleep(0.1)
    for _, poll in sessions:
        poll.reset()
    time.sleep(0.2)
    seen = {session.get() for session, _ in sessions}
    report.check("T15", f"socketio: of {BROKEN_OFF} polls broken off no session is left", seen == {UNKNOWN}, seen)
    opener.end()


def pages(report):
    """T5: pages of others, on requests and sockets alike."""
    with Server({"JWT_SECRET": SECRET, "CORS_ORIGINS": PAGE}) as server:
        session = Polling(server.port)
        for origin in ("https://evil.example", "null", PAGE + ".evil.com", "http://app.example", PAGE + ":444", ""):
            headers = [f"Origin: {origin}"]
            for what, raw in (("a poll", request("GET", session.target, headers=headers)),
                              ("a post", request("POST", session.target, "40", headers)),
                              ("a handshake", request("GET", f"{PATH}?{POLL}", headers=headers)),
                              ("a socket", wire.head_of(f"{PATH}?{SOCKET}", headers=headers)),
                              ("an upgrade", wire.head_of(f"{PATH}?{SOCKET}&sid={session.sid}", headers=headers))):
                seen = Http(server.port).ask(raw)
                report.check("T5", f"socketio: {what} from Origin {origin}: 403", seen[0] == 403, seen)
        seen = session.http.ask(request("POST", session.target, "40", [f"Origin: {PAGE}"]))
        report.check("T5", "socketio: the listed Origin is heard", seen == (200, "ok") and session.lives(), seen)
        client = Socket(server.port, headers=[f"Origin: {PAGE}"])
        client.connect()
        seen = client.ask_for([event("authenticate", {"userId": "alice"})], lambda seen: len(seen) > 1)
        report.check("T5", "socketio: a name for a token is put out", seen == [
            event("authenticated", {"success": False, "error": "Authentication failed"}), "41"], seen)
        client = Socket(server.port)
        seen = client.connect(event("authenticate", {"token": token("alice")}))
        report.check("T5", "socketio: a good token is taken", seen[-1:] == [
            event("authenticated", {"success": True, "userId": "alice"})], seen)


def stalled(report):
    """A receiver that polls once and not again holds an outbox of 64 KiB and the item that it may exceed by; when it polls
    again it is told all of it, in order. The count of the server's buffers decides: its memory moves by megabytes with the
    log's tail, whoever listens."""
    with Server({"MAX_MESSAGES_PER_MIN": "0"}) as server:
        receiver, senders = Polling(server.port), []
        receiver.connect(event("authenticate", {"userId": "stalled"}), event("join_room", {"roomId": "passing"}))
        for n in range(8):
            senders.append(Socket(server.port))
            senders[-1].become(f"sender{n}")
        sent = 0
        while sent < PASSING:
            for client in senders:
                some = [event("send_message", {"room_id": "passing", "content": f"n{sent + n}"}, ack=str(n))
                        for n in range(250)]
                seen = client.ask_for(some, lambda seen: len(seen) == len(some), 10)
                sent += sum('"success":true' in one for one in seen)
        held = server.held_bytes()
        report.check("T15", f"socketio: beside a poll that never comes {PASSING} messages hold an outbox and no more",
                     sent == PASSING and HELD_MIN <= held <= HELD_MAX, (sent, held))
        told = receiver.packets(lambda told: len(told) >= PASSING, 10)
        heard = [one.split('"content":"n')[1].split('"')[0] for one in told if one.startswith('42["new_message"')]
        report.check("T15", "socketio: whoever polls again is told all of it, in order",
                     heard == [str(n) for n in range(PASSING)], (len(heard), heard[:3]))


def run(server, report, company):
    for what, attack in [("odd requests", odd), ("bodies", bodies), ("guesses", guesses), ("upgrades", upgrades),
                         ("polls", overlapping)]:
        attack(server, report)
        company.judge(server, report, what)
    pages(report)
    stalled(report)
