"""Shows that the checks can fail: a server that lets everybody in and minds nothing, and answers that were doctored."""
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import doors
import existence
import forged
import issuer
import outsiders
import pages
import rotation
import spoofed
from http1 import Answer
from keys import Ec, Ed, Rsa, Secret
from report import Report
from tokens import SECRET


class Open(BaseHTTPRequestHandler):
    """Everybody gets in everywhere."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.headers.get("Upgrade"):
            self.send_response(101)
            self.end_headers()
            self.close_connection = True
            return
        body = b'{"all":"yours"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.wfile.write(body)

    do_POST = do_PUT = do_DELETE = do_GET

    def log_message(self, *_):
        pass


def run():
    report = Report(quiet=True)
    careless = ThreadingHTTPServer(("127.0.0.1", 0), Open)
    threading.Thread(target=careless.serve_forever, daemon=True).start()
    key = Secret(SECRET)
    rows = forged.forged(key, "http://127.0.0.1:9")[::20]
    for door in doors.all_doors(careless.server_address[1]):
        if door.name.startswith("socketio, "):
            continue  # Nobody speaks Engine.IO there.
        for row in rows:
            report.equal("T1", f"{door.name}: {row.what}", door.knock(row.text), door.refusal)
        report.equal("T1", f"{door.name}: nothing", door.knock(None), door.nothing)
    careless.shutdown()
    doctored(report)
    assert not report.passed, f"held although nothing is right: {report.counts()}"
    genuine(key)
    print(f"Identities self-test: {len(report.failures)} checks fail against a server that minds nothing")


def doctored(report):
    """Each judge of answers, shown what it has to refuse."""
    good = [("x-content-type-options", "nosniff"), ("content-type", "application/json")]
    policy = [*good[:1], ("content-type", "text/html"), ("content-security-policy", "default-src 'self' 'unsafe-inline'")]
    failing = Report(quiet=True)
    for what, answer in [
        ("a failure", Answer(500, good)), ("no nosniff", Answer(200, good[1:], b"{}")),
        ("JSON that is none", Answer(200, good, b"<script>")), ("a page with any policy", Answer(200, policy, b"<p>")),
        ("a page without one", Answer(404, policy[:2], b"<p>")),
        ("a script of unknown kind", Answer(404, good[:1], b"<script>")),
        ("plain text that repeats", Answer(404, [*good[:1], ("content-type", "text/plain; charset=utf-8")], b"<script>")),
    ]:
        failures = len(failing.failures)
        pages.judge(failing, what, answer, "<script>")
        report.check("T20", what, len(failing.failures) == failures)
    for what, forbidden, missing, ask in [
        ("another status", "a", "b", lambda name: Answer(403 if name == "a" else 404)),
        ("another body", "a", "b", lambda name: Answer(403, [], b"x" if name == "a" else b"y")),
        ("another header", "a", "b", lambda name: Answer(403, [("x-cache", "hit")] if name == "a" else [])),
    ]:
        failures = len(failing.failures)
        existence.compare(failing, what, (lambda: forbidden, lambda: missing, ask), 3)
        report.check("T9", what, len(failing.failures) == failures)
    late = existence.compare(failing, "time", (lambda: "a", lambda: "b", lambda name: time.sleep(
        0.004 if name == "a" else 0) or Answer(403)), 9)
    report.check("T9", "a gap of 4 ms", sorted(late)[len(late) // 2] < existence.GAP_MS)
    page = type("Page", (), {"fetched": [0, 30, 40]})
    rotation.spared(report, page, "ten seconds after the last time")
    page.fetched = [0]
    rotation.spared(report, page, "never again")
    report.check("T6", "a difference", not outsiders.differences({"a": 1}, {"a": 2}))
    report.check("T8", "a lie", not spoofed.made_up(f'{{"senderName":"{spoofed.LIE}"}}'))
    trap = issuer.Trap()
    report.check("T2", "a trap that counts nobody", not trap.counts())


def genuine(key):
    """No good token is among the forged."""
    for one in (key, Rsa("r"), Ec("e"), Ed("d")):
        made = {**forged.good(one), **forged.leading(one, "http://127.0.0.1:9")}
        bad = [row.text for row in forged.forged(one, "http://127.0.0.1:9")]
        assert not set(made.values()) & set(bad), "a good token among the forged"
