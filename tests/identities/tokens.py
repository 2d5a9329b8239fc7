"""T1 to T3, and T2 with public keys: whatever is forged, at every door of servers that check with every kind of key; and what
is good lets in, so that these checks can fail."""
import os
import re
import subprocess
import time

import doors
import forged
import issuer
from http1 import Line, upgrade
from keys import Ec, Ed, Rsa, Secret
from server import Server, binary

SECRET = "a key for tests, of more than 32 bytes"
KINDS_MIN = 100
EVERY_NTH = 10
CLAIMED = {"JWT_AUDIENCE": forged.AUDIENCE, "JWT_ISSUER": forged.ISSUER}
# What is counted elsewhere is not to come between a knock and its answer here.
SETTINGS = {"CHAT_MAX_MESSAGES_PER_MIN": "0", "MAX_MESSAGES_PER_MIN": "0", "LOG_LEVEL": "debug"}


def switchboard(server, *command):
    """The operator's command line, for this server's store."""
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": server.data + "/data"}
    done = subprocess.run([binary(), *command], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def add_key(server, *holder):
    """A key and the id by which it is revoked."""
    key = switchboard(server, "key", "add", *holder).split("\n")[0]
    return key, key.split("_")[1]


def run(report):
    trap = issuer.Trap()
    keys = [Rsa("r"), Ec("e"), Ed("d")]
    page = issuer.Issuer(*keys)
    secret = Secret(SECRET)
    worlds = [("JWT_SECRET", {"JWT_SECRET": SECRET}, [secret])]
    worlds += [(f"JWT_PUBLIC_KEY ({key.algorithm})", {"JWT_PUBLIC_KEY": key.pem()}, [key]) for key in keys]
    worlds += [("JWT_JWKS_URL", {"JWT_JWKS_URL": page.url}, keys),
               ("JWT_JWKS_URL and JWT_SECRET", {"JWT_JWKS_URL": page.url, "JWT_SECRET": SECRET}, [*keys, secret])]
    kinds = set()
    for name, settings, known in worlds:
        with Server({**settings, **CLAIMED, **SETTINGS}) as server:
            kinds |= judge(server, report, name, known, [secret, *keys], trap)
    report.check("T2", "a listener of the forger's would have noticed somebody", trap.counts())
    report.equal("T2", "nobody has connected to where tokens lead", trap.count, 0)
    report.check("T1", f"there are {KINDS_MIN} kinds of forged tokens and more", len(kinds) >= KINDS_MIN, len(kinds))
    return len(kinds)


def judge(server, report, name, known, everybody, trap):
    """Knocks at every door of one server."""
    all_doors = doors.all_doors(server.port)
    key, key_id = add_key(server, "--user", forged.USER)
    wait_for_keys(all_doors[0], forged.good(known[0])["plain"])
    goods = {f"{what}, {one.algorithm}": text for one in known for what, text in
             {**forged.good(one), **forged.leading(one, trap.url)}.items()}
    accepted = 0
    for door in all_doors:
        for what, text in [("a user's key", key)] if door.key else goods.items():
            is_in = report.equal("T1", f"{name}: {door.name}: a good token {what}", door.knock(text), doors.IN)
            accepted += is_in and stores(door)
        if door.nothing is not None:
            report.equal("T1", f"{name}: {door.name}: nothing shown", door.knock(None), door.nothing)
    rows = [row for one in known for row in forged.forged(one, trap.url)]
    rows += [forged.Forged(f"a token of another server's, {one.algorithm}", forged.good(one)["plain"])
             for one in everybody if one not in known]
    odd = odd_keys(key)
    for door in all_doors:
        # Where a key is wanted, a token is none, whatever else is wrong with it.
        for row in rows[::EVERY_NTH] if door.key else rows:
            expected = door.over if row.over else door.refusal
            report.equal(row.threat, f"{name}: {door.name}: {row.what}", door.knock(row.text), expected)
        # A good token is no key, and a key is no token.
        misplaced = {**odd, **goods} if door.key else {**odd, "a user's key as a token": key}
        for what, text in misplaced.items():
            report.equal("T1", f"{name}: {door.name}: {what}", door.knock(text), door.refusal)
    switchboard(server, "key", "revoke", key_id)
    for door in all_doors:
        report.equal("T1", f"{name}: {door.name}: a key that was revoked", door.knock(key), door.refusal)
    misdirected(server, report, name, known[0])
    nothing_left(server, report, name, known[0], accepted, [row.text for row in rows] + [key, *odd.values()])
    # The moment at which a time is named makes no kind of its own.
    return {re.sub(r"\d{6,}(\.\d+)?", "N", row.what) for row in rows}


def wait_for_keys(door, text):
    """Published keys are fetched when the server has started."""
    deadline = time.monotonic() + 5
    while door.knock(text) != doors.IN and time.monotonic() < deadline:
        time.sleep(0.05)


def stores(door):
    """Whether whoever is let in there says something in the room."""
    return "a broadcast" in door.name or door.name.startswith("socketio REST, a message")


def odd_keys(key):
    last = "0" if key[-1] != "0" else "1"
    return {"a key with another last digit": key[:-1] + last, "a key in capitals": key.upper(), "half a key": key[:40],
            "a key and more": key + "0" * 200, "the beginning of keys": "sbk_"}


def misdirected(server, report, name, key):
    """Good tokens, and keys, at what is somebody else's."""
    make = forged.Maker(key)
    other = make.token(claims=make.claims(sub="102", username="bob"))
    for path in (f"/ws/{forged.USER}", f"/api/messaging/ws/{forged.USER}"):
        answer = upgrade(server.port, f"{path}?token={other}")
        report.equal("T1", f"{name}: {path} with another's token", (answer.status, answer.body), (403, b""))
    answer = upgrade(server.port, f"/production?userId={forged.USER}&token={other}")
    report.equal("T1", f"{name}: gateway with another's token", (answer.status, answer.text),
                 (401, '{"message":"Unauthorized"}'))
    report.equal("T1", f"{name}: socketio with another's token", doors.authenticate(server.port, other), doors.DENIED)
    service, _ = add_key(server, "--service", "backend", "--scopes", "guilds,stats,broadcast,connections")
    for door in doors.all_doors(server.port):
        if door.key and "REST" not in door.name:
            report.equal("T1", f"{name}: {door.name}: a back end's key opens no socket", door.knock(service), door.refusal)


def nothing_left(server, report, name, key, accepted, texts):
    """Nothing of it is stored, the server is up, and no token stands in its log."""
    headers = [f"Authorization: Bearer {forged.good(key)['plain']}"]
    history = Line(server.port).ask("GET", f"/messages/room/{doors.ROOM}", headers).json()
    report.equal("T1", f"{name}: kept is what good tokens said", history["pagination"]["total"], accepted)
    report.check("T1", f"{name}: the server is up", server.is_up(), server.trouble())
    server.noise.seek(0)
    log = server.noise.read().decode(errors="replace")
    told = [text for text in texts if len(text) > 24 and text[-24:] in log]
    report.check("T21", f"{name}: no token and no key stands in the log", log and not told, told[:1])
