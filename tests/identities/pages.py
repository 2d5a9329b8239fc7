"""T20 as far as the server goes: what is stored is stored as it was said, JSON says that it is JSON and nothing guesses
otherwise, pages run nothing, and no answer repeats what was asked as anything but data."""
import json
import re
from urllib.parse import quote

from engine import PATH, POLL
from forged import USER
from house import path_of, until
from http1 import Line, upgrade
from server import Server

SCRIPTS = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "javascript:alert(1)", "[x](javascript:alert(1))",
    "<svg/onload=alert(1)>", "&lt;b&gt;&amp;", "</script><script>alert(1)//", "\u2028alert(1)\u2029", "{{constructor}}",
    "data:text/html;base64,PHNjcmlwdD4=", "' onmouseover='alert(1)", "%3Cscript%3E", "\u202egpj.exe", "a\tb\nc",
]
TEXT_TYPES = {"text/plain; charset=utf-8", "text/plain; charset=UTF-8"}


def run(report, house):
    raw(report, house)
    answers(report, house)
    with Server() as server:
        development(report, server)


def raw(report, house):
    """Said at one door and read at all others, to the letter."""
    room = house.rooms["pair"]
    for number, text in enumerate(SCRIPTS):
        answer = house.bob.ask("POST", "/messages", {"room_id": room, "content": text, "client_id": f"x{number}"})
        report.equal("T20", f"{text!r} is answered as it was said", answer.json()["data"]["content"], text)
    told = house.hush()
    for where, word in (("rooms pair", "text"), ("gateway", "content"), ("direct", "content"), ("socketio", "content")):
        said = [content(json.loads(one[2:] if where == "socketio" else one), word) for one in told[where]]
        report.equal("T20", f"{where} is told all of it as it was said", [one for one in said if one in SCRIPTS], SCRIPTS)
    kept = house.alice.ask("GET", f"/messages/room/{path_of(room)}?limit=200").json()["data"]
    report.equal("T20", "the history has it as it was said", [one["content"] for one in kept if one["content"] in SCRIPTS],
                 SCRIPTS)
    kept = house.alice.ask("GET", f"/api/messaging/messages/{house.conversation}").json()
    report.equal("T20", "direct's history has it, too", [one["content"] for one in kept if one["content"] in SCRIPTS], SCRIPTS)
    chat = house.alice.chat()
    for text in SCRIPTS[:-2]:
        chat.say({"type": "create_room", "data": {"name": text, "type": "public"}})
        made = json.loads(until(chat, "room_created")[-1])
        report.equal("T20", f"a room of the name {text!r}", made["data"]["name"], text)
    chat.end()


def content(frame, word):
    for part in (frame, frame[1] if isinstance(frame, list) else {}, *(
            value for value in (frame.values() if isinstance(frame, dict) else ()) if isinstance(value, dict))):
        if isinstance(part, dict) and word in part:
            return part[word]
    return None


def answers(report, house):
    """What is reflected, at each door: names, paths and bodies that are scripts, and whoever asks without a credential."""
    script = SCRIPTS[1]
    name = quote(script, safe="")
    line = Line(house.port)
    asks = [("GET", path, None) for path in (
        "/", "/health", "/ready", "/metrics", f"/{name}", f"/rooms/{name}/connections", f"/users/{name}/connections",
        f"/messages/room/{name}", f"/messages/unread/{name}", f"/messages/direct/{name}", f"/guilds/{name}/members/{name}",
        f"/api/messaging/messages/{name}", f"/api/messaging/users/{name}", f"/api/messaging/users/username/{name}",
        "/api/messaging/conversations/?limit=" + name, f"/messages/room/{house.hall}?limit={name}", "/api/messaging/",
        f"{PATH}?{POLL}&sid={name}", f"{PATH}?EIO={name}&transport={name}", f"/production/@connections/{name}")]
    asks += [("POST", path, body) for path in (
        f"/rooms/{house.hall}/broadcast", "/messages", "/api/messaging/messages/", "/presence/users", "/presence/heartbeat")
        for body in (script, json.dumps({"text": [script], "content": [script], "receiver_id": script, "userIds": script,
                                         "room_id": [script]}))]
    asks += [("PUT", "/messages/read", json.dumps({"messageIds": [script]})), ("DELETE", f"/messages/{name}", None),
             ("PUT", f"/guilds/{name}/members/1", json.dumps({"role": script})), ("PATCH", "/messages", None),
             ("TRACE", f"/{name}", None), ("OPTIONS", f"/{name}", None)]
    for method, path, body in asks:
        for who, shown in (("alice", house.alice.shown), ("nobody", [])):
            answer = line.ask(method, path, [*shown, "Accept: text/html, */*", f"Referer: https://e.example/{name}"], body)
            judge(report, f"{who}: {method} {path[:60]}", answer, script)
    for path in (f"/ws/rooms/{name}?token={name}", f"/ws/chat?token={name}", f"/ws/{USER}?token={name}",
                 f"/production?userId={name}", f"/production?token={name}", "/ws/rooms/%ff?token=x"):
        judge(report, f"a refused socket at {path[:40]}", upgrade(house.port, path), script)
        judge(report, f"no socket at {path[:40]}", line.ask("GET", path), script)
        judge(report, f"a bad handshake at {path[:40]}", line.ask("GET", path, ["Upgrade: websocket"]), script)


def judge(report, what, answer, script):
    """An answer that no browser runs: not a page, or one that may run nothing."""
    report.check("T20", f"{what}: is answered, and by no failure", 200 <= answer.status < 500, answer)
    report.equal("T20", f"{what}: nosniff", answer.header("x-content-type-options"), "nosniff")
    kind = answer.header("content-type") or ""
    if not answer.body:
        return
    if kind.startswith("text/html"):
        policy = answer.header("content-security-policy") or ""
        directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
        report.check("T20", f"{what}: a page has a policy", directives.get("default-src") in ("'none'", "'self'") and
                     "unsafe" not in policy and "frame-ancestors" in directives and
                     directives.get("script-src", "'self'") in ("'none'", "'self'"), policy)
        # Scripts are files of ours, and nothing stands in the page that would run or be repeated.
        inline = re.sub(r'<script [^>]*src="/assets/[\w.-]+\.js"[^>]*></script>', "", answer.text)
        report.check("T20", f"{what}: a page repeats nothing and runs nothing of its own", "<script" not in inline and
                     not re.search(r"\son\w+\s*=", answer.text) and script not in answer.text, answer)
    elif kind.startswith(("application/json", "application/openmetrics-text")):
        if kind.startswith("application/json"):
            report.check("T20", f"{what}: is JSON, as it says", is_json(answer.text), answer)
    else:
        report.check("T20", f"{what}: is plain text, and repeats nothing", kind in TEXT_TYPES and script not in answer.text,
                     (kind, answer))


def is_json(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def development(report, server):
    """Polling, and JSONP, which is a script by its nature: what is said in it is a text within."""
    line = Line(server.port)
    page = line.ask("GET", "/", ["Accept: text/html"], host="localhost")
    report.check("T20", "the page at / is one", page.status == 200 and page.text.startswith("<!doctype html"), page)
    judge(report, "the page at /", page, SCRIPTS[0])
    polled = line.ask("GET", f"{PATH}?{POLL}", host="localhost")
    report.check("T20", "polling is plain text", polled.header("content-type") in TEXT_TYPES and
                 polled.header("x-content-type-options") == "nosniff", polled.headers)
    script = line.ask("GET", f"{PATH}?EIO=3&transport=polling&j=0", ["Origin: http://localhost"], host="localhost")
    kind = script.header("content-type")
    report.check("T20", "JSONP is a script, and says so", kind.startswith("text/javascript") and
                 script.header("x-content-type-options") == "nosniff", script.headers)
    for number in ("alert(1)", "0];alert(1)//", "<script>", "%0aalert(1)"):
        answer = line.ask("GET", f"{PATH}?EIO=3&transport=polling&j={quote(number, safe='%')}",
                          ["Origin: http://localhost"], host="localhost")
        report.check("T20", f"JSONP for {number!r} runs nothing of it", "alert" not in answer.text and "<" not in answer.text,
                     answer)
