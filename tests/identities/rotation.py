"""T4 and the end of T3: keys that an issuer publishes and withdraws while the server runs, sources of keys that are slow,
wrong, or away, and tokens that end while their sockets live. All at once, for most of it is waiting."""
import threading
import time
import traceback

import doors
import forged
import issuer
from http1 import upgrade
from issuer import Issuer
from keys import Ec, Ed, Rsa
from server import Server

EVERY_S, WITHDRAWN_S, PATIENCE_S = 30, 60, 5
# What the issuer is asked next begins when the answer before was there, so it is never earlier than this.
EVERY_AT_LEAST_S = EVERY_S - 0.5
FLOOD_EVERY_S = 0.02
SLOWEST_KNOCK_S = 1
SETTINGS = {"SHARDS": "1", "CHAT_MAX_MESSAGES_PER_MIN": "0", "MAX_MESSAGES_PER_MIN": "0"}


class Tellers:
    """Stories that are told side by side; what goes wrong in one is a check that does not hold."""

    def __init__(self, report, stories):
        self.report = report
        self.threads = [threading.Thread(target=self.tell, args=story, daemon=True) for story in stories]
        for thread in self.threads:
            thread.start()

    def tell(self, name, story, *arguments):
        try:
            story(self.report, *arguments)
        except BaseException:  # SystemExit too: a thread would swallow it.
            self.report.check("T4", name, False, traceback.format_exc())

    def end(self):
        for thread in self.threads:
            thread.join()


def start(report):
    old, new = Rsa("old"), Ec("new")
    trap = issuer.Trap()
    troubles = {
        "slow": issuer.slow(new), "500": issuer.status(500, new), "404 with keys": issuer.status(404, new),
        "a page": issuer.rubbish(b"<html>"), "half a set": issuer.rubbish(issuer.key_set(new)[:-2]),
        "no set": issuer.rubbish(b'{"keys":{}}'), "huge": issuer.huge(new), "nothing": issuer.rubbish(b""),
        "a redirect": issuer.redirect(trap.url), "down": None,
    }
    stories = [("rotation", rotation), ("a flood of unknown kids", flood), ("away at first", away_at_first),
               *((f"a source that is {name}", trouble, name, say, old, new, trap) for name, say in troubles.items())]
    return Tellers(report, stories)


class World:
    """A server whose keys are an issuer's, and knocks there."""

    def __init__(self, *keys):
        self.page = Issuer(*keys)
        self.server = Server({"JWT_JWKS_URL": self.page.url, **SETTINGS})
        self.doors = [door for door in doors.all_doors(self.server.port) if not door.key]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.__exit__()

    def token(self, key, **more):
        make = forged.Maker(key)
        return make.token(make.header(**more))

    def all_say(self, report, what, key, is_in):
        """Each door, to a token of this key."""
        text = self.token(key)
        for door in self.doors:
            report.equal("T4", f"{what}: {door.name}", door.knock(text), doors.IN if is_in else door.refusal)

    def until(self, key, is_in, seconds):
        """How long it takes until the first door, and a socket's after connecting, agree about a key's tokens."""
        text, begun = self.token(key), time.monotonic()
        ask = self.doors[0]
        while (ask.knock(text) == doors.IN) != is_in and time.monotonic() < begun + seconds:
            time.sleep(0.1)
        return time.monotonic() - begun


def rotation(report):
    """A key is published beside another, which is then withdrawn."""
    old, new, later = Rsa("old"), Ed("new"), Ec("later")
    with World(old) as world:
        world.until(old, True, PATIENCE_S)
        world.all_say(report, "the key that is published", old, True)
        world.all_say(report, "one that will be", new, False)
        world.page.say = issuer.publish(old, new)
        took = world.until(new, True, WITHDRAWN_S)
        report.check("T4", "a new key is good within a minute", took < WITHDRAWN_S, took)
        world.all_say(report, "a key that was published live", new, True)
        world.all_say(report, "the key beside it", old, True)
        # Another key under the withdrawn one's very name.
        later.kid = "old"
        world.page.say = issuer.publish(new, later)
        took = world.until(old, False, WITHDRAWN_S)
        report.check("T4", "a withdrawn key is refused within a minute", took < WITHDRAWN_S, took)
        world.all_say(report, "a key that was withdrawn", old, False)
        world.all_say(report, "the key under its name", later, True)
        world.all_say(report, "the key that stayed", new, True)
        spared(report, world.page, "while keys change")


def flood(report):
    """Tokens of keys that nobody knows, as fast as they come, for two rounds of fetching."""
    known = Ec("k")
    with World(known) as world:
        world.until(known, True, PATIENCE_S)
        stranger, begun, slowest, count = Ec("x"), time.monotonic(), 0, 0
        make = forged.Maker(stranger)
        wrong = []
        while time.monotonic() < begun + 2 * EVERY_S + 3:
            door = world.doors[count % len(world.doors)]
            text = make.token(make.header(kid=f"unknown-{count}"))
            since = time.monotonic()
            said = door.knock(text)
            slowest, count = max(slowest, time.monotonic() - since), count + 1
            if said != door.refusal:
                wrong.append((door.name, said))
            time.sleep(FLOOD_EVERY_S)
        report.check("T4", f"{count} tokens of unknown keys are refused", count > 500 and not wrong, wrong[:3])
        report.check("T4", "and none waits for anything", slowest < SLOWEST_KNOCK_S, slowest)
        report.equal("T4", "keys are fetched three times in a minute, whoever floods", len(world.page.fetched), 3)
        spared(report, world.page, "under a flood")
        world.all_say(report, "a good key behind a flood", known, True)


def trouble(report, name, say, old, new, trap):
    """The source has said one key. Then it is in trouble, and then it says another."""
    with World(old) as world:
        page = world.page
        world.until(old, True, PATIENCE_S)
        since, before = time.monotonic(), world.server.memory("VmRSS")
        page.say = say
        if say is None:
            page.down()
        # Through the fetch that goes wrong, and what it may wait for.
        text, slowest, failed = world.token(old), 0, []
        while time.monotonic() < since + EVERY_S + PATIENCE_S + 2:
            begun = time.monotonic()
            if world.doors[0].knock(text) != doors.IN:
                failed.append(round(begun - since, 1))
            slowest = max(slowest, time.monotonic() - begun)
            time.sleep(0.2)
        what = f"a source that is {name}"
        report.check("T4", f"{what} was asked again", say is None or len(page.fetched) >= 2, page.fetched)
        report.equal("T4", f"{what}: the key that it said last is good all the while", failed, [])
        report.check("T4", f"{what}: nobody waits for it", slowest < SLOWEST_KNOCK_S, slowest)
        world.all_say(report, f"{what}: the key that it said last", old, True)
        world.all_say(report, f"{what}: another key", new, False)
        grown = world.server.memory("VmHWM") - before
        report.check("T4", f"{what}: it is not read to its end", grown < issuer.HUGE_BYTES / 2, grown)
        page.say = issuer.publish(new)
        if say is None:
            page.up()
        took = world.until(new, True, WITHDRAWN_S)
        report.check("T4", f"{what}: when it is well its word counts within a minute", took < WITHDRAWN_S, took)
        world.all_say(report, f"{what}, and well again: the key that it says", new, True)
        world.all_say(report, f"{what}, and well again: the one that it said before", old, False)
        spared(report, page, what)
        report.equal("T4", f"{what}: nobody goes where it leads", trap.count, 0)


def away_at_first(report):
    """No key was ever seen: nobody is let in, and nobody is told that a token is bad, or how it would be good."""
    key, stranger = Ec("k"), Ec("k")
    page = Issuer(key)
    page.down()
    with Server({"JWT_JWKS_URL": page.url, **SETTINGS}) as server:
        all_doors = [door for door in doors.all_doors(server.port) if not door.key]
        good, bad = (forged.Maker(one).token() for one in (key, stranger))
        for door in all_doors:
            said, same = door.knock(good), door.knock(bad)
            status = said[0] if isinstance(said, tuple) else said
            expected = door.refusal if door.name.startswith("socketio, ") else 503
            report.check("T4", f"without any key: {door.name}", status == expected and said == same, (said, same))
        refused = upgrade(server.port, f"/ws/chat?token={good}")
        report.check("T4", "without any key: when to come back", refused.header("retry-after"), refused.headers)
        report.equal("T4", "without any key, a token of HS256 with nothing as its secret", all_doors[0].knock(
            forged.Maker(forged.Secret("")).token()), all_doors[0].refusal)
        report.check("T4", "without any key the server is up", server.is_up(), server.trouble())
        page.up()
        begun = time.monotonic()
        while all_doors[0].knock(good) != doors.IN and time.monotonic() < begun + WITHDRAWN_S:
            time.sleep(0.1)
        for door in all_doors:
            report.equal("T4", f"the keys are there at last: {door.name}", door.knock(good), doors.IN)
            report.equal("T4", f"the keys are there at last, a forged one: {door.name}", door.knock(bad), door.refusal)


def spared(report, page, what):
    """The issuer was asked once in thirty seconds at most."""
    gaps = [round(later - one, 2) for one, later in zip(page.fetched, page.fetched[1:])]
    report.check("T4", f"{what}: the issuer is asked once in 30 s at most", gaps and min(gaps) >= EVERY_AT_LEAST_S, gaps)
