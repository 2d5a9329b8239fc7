"""T5, T10 and T24: what comes before a socket is one. Heads that are slow, many or ambiguous; pages of others; requests
that came through somebody."""
import base64
import hashlib
import hmac
import json
import socket
import threading
import time

import wire
from server import Server
from wire import answer_to, head_of

HEAD_S, BODY_S, SLACK_S = 10, 30, 3
DRIPS = 100
TARGETS = (wire.rooms("alice", "heads"), wire.chat("alice"))


class Slow:
    """Connections whose heads don't end, dripping in the background; and one body that doesn't."""

    def __init__(self, port, body):
        self.cut, self.body, self.left = [], None, []
        self.port, self.with_body = port, body
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        drips = []
        for n in range(DRIPS):
            connection = socket.create_connection(("127.0.0.1", self.port))
            connection.setblocking(False)
            # A third says nothing at all, a third asks for a socket, a third for a page.
            text = (b"", head_of(TARGETS[n % 2]), head_of("/health", upgrade=False))[n % 3][:-2] * (n % 3 > 0)
            drips.append([connection, time.monotonic(), text, 0])
        body = None
        if self.with_body:
            body = socket.create_connection(("127.0.0.1", self.port))
            body.setblocking(False)
            body.send(b"POST /rooms/heads/broadcast HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alice\r\n"
                      b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
        begun = time.monotonic()
        while (drips or body) and time.monotonic() < begun + (BODY_S if body else HEAD_S) + SLACK_S:
            for drip in list(drips):
                connection, since, text, at = drip
                if is_cut(connection, text[at:at + 1]):
                    self.cut.append(time.monotonic() - since)
                    drips.remove(drip)
                drip[3] = at + 1 if at + 1 < len(text) else at
                if drip[3] == at:
                    drip[2] = text[:at] + b"x" * 1000 if text else b""
            if body and is_cut(body, b" "):
                self.body, body = time.monotonic() - begun, None
            time.sleep(0.1)
        self.left = drips

    def judge(self, report):
        self.thread.join()
        report.check("T10", f"{DRIPS} heads that don't end are cut within {HEAD_S} s", not self.left and
                     all(HEAD_S - 1 < seconds < HEAD_S + SLACK_S for seconds in self.cut),
                     f"{len(self.left)} left, cut after {sorted(self.cut)[:1]} to {sorted(self.cut)[-1:]} s")
        if self.with_body:
            report.check("T10", f"a body that doesn't end is cut within {BODY_S} s",
                         self.body is not None and BODY_S - 1 < self.body < BODY_S + SLACK_S, self.body)


def is_cut(connection, more):
    try:
        connection.send(more)
        return connection.recv(4096) == b"" or is_cut(connection, b"")
    except BlockingIOError:
        return False
    except OSError:
        return True


def development(server, report):
    """Sockets and REST alike: (what, host, headers, status)."""
    cases = [
        ("a foreign Host", "evil.example", [], 403),
        ("a Host that begins like ours", "localhost.evil.example", [], 403),
        ("a Host that ends like ours", "evil-localhost", [], 403),
        ("the machine's address from elsewhere", "192.168.1.2:8000", [], 403),
        *((f"{name} set by a client", "localhost", [f"{name}: for=1.2.3.4"], 403)
          for name in ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")),
        ("a foreign Origin", "localhost", ["Origin: https://evil.example"], 403),
        ("Origin null", "localhost", ["Origin: null"], 403),
        ("an Origin that begins like ours", "localhost", ["Origin: http://localhost.evil.example"], 403),
        ("a cookie without an Origin", "localhost", ["Cookie: a=b"], 403),
        ("an Origin of this machine", "localhost", ["Origin: http://localhost:3000"], 101),
    ]
    for target in TARGETS:
        for what, host, headers, status in cases:
            seen, text, _ = answer_to(server.port, head_of(target, host, headers))
            report.check("T24" if "set by" in what or "Host" in what or "address" in what else "T5",
                         f"development mode, {target}: {what}: {status}", seen == status, text)
    for what, host, headers, status in cases[:12]:
        seen, text, _ = answer_to(server.port, head_of("/rooms/heads/connections", host, headers, upgrade=False))
        report.check("T24" if "Origin" not in what else "T5", f"development mode, REST: {what}: {status}",
                     seen == status, text)


def ambiguous(server, report, targets=(*((target, True) for target in TARGETS), ("/health", False))):
    """Heads that two readers may take for something else, at each target: (path, whether a socket is asked for)."""
    for target, upgrade in targets:
        cases = [
            ("1,000 headers", head_of(target, headers=[f"X-{n}: 1" for n in range(1000)], upgrade=upgrade), 431),
            ("100 headers", head_of(target, headers=[f"X-{n}: 1" for n in range(100)], upgrade=upgrade), 431),
            ("a header of 64 KiB", head_of(target, headers=["X: " + "x" * 65536], upgrade=upgrade), 431),
            ("two Hosts", head_of(target, headers=["Host: localhost"], upgrade=upgrade), 400),
            ("no Host", head_of(target, upgrade=upgrade).replace(b"Host: localhost\r\n", b""), 400),
            ("absolute form", head_of("http://localhost" + target, upgrade=upgrade), 400),
            ("Content-Length and Transfer-Encoding", head_of(
                target, headers=["Content-Length: 5", "Transfer-Encoding: chunked"], upgrade=upgrade), 400),
            ("two Content-Lengths", head_of(target, headers=["Content-Length: 0", "Content-Length: 5"],
                                            upgrade=upgrade), 400),
            ("a folded header", head_of(target, headers=["X-A: 1", " Host: evil"], upgrade=upgrade), 400),
            ("a blank before the colon", head_of(target, headers=["Host : evil"], upgrade=upgrade), 400),
        ]
        for what, request, status in cases:
            seen, text, _ = answer_to(server.port, request)
            report.check("T10" if status == 431 else "T24", f"{target}: {what}: {status}", seen == status, text)


def behind(server, report):
    """The same on a connection that has been answered before."""
    ask = head_of("/health", upgrade=False)
    for what, second, statuses in [
        ("two Hosts", head_of("/health", headers=["Host: localhost"], upgrade=False), (400,)),
        ("absolute form", head_of("http://localhost/health", upgrade=False), (400,)),
        # RFC 9112, 6.3: whoever takes this at all goes by the chunks and ends the connection behind its answer.
        ("Content-Length and Transfer-Encoding", head_of(
            "/health", headers=["Content-Length: 5", "Transfer-Encoding: chunked"], upgrade=False) + b"0\r\n\r\n",
         (200, 400)),
    ]:
        first, seen, third = conversation(server.port, [ask, second, ask])
        report.check("T24", f"a connection's second request: {what}: {statuses}, and behind 200 no third",
                     first == 200 and seen in statuses and (seen == 400 or third is None), (first, seen, third))


def conversation(port, requests):
    """Requests on one connection, each sent when the one before was answered; their statuses, None where none came."""
    statuses = []
    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        for request in requests:
            answer = b""
            try:
                connection.sendall(request)
                answer = connection.recv(65536)
            except OSError:
                pass
            statuses.append(int(answer.split(b" ", 2)[1]) if answer else None)
    return statuses


SECRET = "a key for tests, of more than 32 bytes"
PAGE = "https://app.example"


def token(user):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")
    signed = part({"alg": "HS256", "typ": "JWT"}) + b"." + part({"sub": user, "exp": int(time.time()) + 600})
    mac = hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()
    return (signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


def keyed(report):
    """A key and a list of pages: those, to the letter, and nobody else's."""
    with Server({"JWT_SECRET": SECRET, "CORS_ORIGINS": PAGE}) as server:
        good = token("alice")
        cases = [(f"Origin {origin}", [f"Origin: {origin}"], 403) for origin in (
            "https://evil.example", "null", PAGE + ".evil.com", "https://evilapp.example", "https://sub.app.example",
            "http://app.example", PAGE + ":444", "https://app.example@evil.com", "http://localhost:3000", "")]
        cases += [
            ("two Origins, one of them listed", [f"Origin: {PAGE}", "Origin: https://evil.example"], 403),
            ("a cookie without an Origin", ["Cookie: session=1"], 403),
            ("the listed Origin", [f"Origin: {PAGE}"], 101),
            ("no Origin", [], 101),
        ]
        doors = ((f"/ws/rooms/heads?token={good}", 403), (f"/ws/chat?token={good}", 401))
        for target, denied in doors:
            door = target.split("?")[0]
            for what, headers, status in cases:
                seen, text, _ = answer_to(server.port, head_of(target, "chat.example", headers))
                report.check("T5", f"{door}: {what}: {status}", seen == status, text)
            for what, bare in (("no token", door), ("a name for a token", door + "?token=alice")):
                seen, text, _ = answer_to(server.port, head_of(bare, "chat.example", ["X-User-ID: alice"]))
                report.check("T24", f"{door}: {what}, and X-User-ID: {denied}", seen == denied, text)
        for what, headers, status in cases:
            if "cookie" in what:
                continue  # A page that can't be told from a program asks for nothing that a cookie would open.
            request = head_of("/rooms/heads/connections", "chat.example",
                              [*headers, f"Authorization: Bearer {good}"], upgrade=False)
            seen, text, _ = answer_to(server.port, request)
            report.check("T5", f"REST: {what}: {status}", seen == (200 if status == 101 else status), text)
        report.check("T5", "the server with a key is up", server.is_up(), server.trouble())


def run(server, report):
    development(server, report)
    ambiguous(server, report)
    behind(server, report)
    keyed(report)
