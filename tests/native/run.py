#!/usr/bin/env python3
"""The native tongue as its page has it: the client of examples/native.py, which was written from that page alone, in
the hands of several users, against the real binary. Among others: what a cut client sees after resuming is what an
uncut one sees; three of the four refusals to resume; a lost ack; who is kicked, banned or muted. Where the page is
silent, or says otherwise, the check has what the server does, and says so.

  tests/native/run.py     SWITCHBOARD_BINARY says which binary
"""
import asyncio
import collections
import json
import os
import sys
import time
import traceback
import uuid

import websockets

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "..", "examples")]
from native import Client, Refused  # noqa: E402
from server import Server  # noqa: E402

URL = ""
RUN = uuid.uuid4().hex[:6]
PATIENCE_S = 15
held, failed = 0, []


def check(what, true, seen=""):
    global held
    if true:
        held += 1
    else:
        failed.append(what)
        print(f"FAILED: {what} {seen}", flush=True)


async def until(what, condition, seconds=PATIENCE_S):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        await asyncio.sleep(0.02)
    check(what, condition(), "(waited)")


async def refused(what, work, *codes):
    try:
        answer = await work
    except Refused as refusal:
        check(what, refusal.code in codes, f"refused with {refusal}")
    else:
        check(what, False, f"was taken: {answer}")


class Watcher(Client):
    """A client that remembers what it heard, and can lose acks."""

    def __init__(self, name, **more):
        super().__init__(URL, f"{name}-{RUN}", self.remember, **more)
        self.name, self.all, self.deaf = f"{name}-{RUN}", [], False

    def remember(self, client, type, data):
        self.all.append((type, data))

    def heard_of(self, type, **wanted):
        return [data for kind, data in self.all
                if kind == type and all(data.get(key) == value for key, value in wanted.items())]

    def _take(self, frame):
        if not (self.deaf and frame["type"] == "ack"):
            super()._take(frame)

    async def away(self):
        self.may_connect.clear()
        self.cut()
        await asyncio.sleep(0.2)

    async def back(self):
        self.may_connect.set()
        await asyncio.wait_for(self.ready.wait(), 60)

    def view(self, *rooms):
        """What decides: for each room, the messages as they are now."""
        def plain(message):
            return {key: message.get(key) for key in (
                "message_id", "seq", "at", "kind", "content", "reply_to", "edited_at", "reactions")} | {
                    "by": message["by"]["id"]}
        return {id: {offset: plain(m) for offset, m in sorted(self.rooms[id]["messages"].items())}
                for id in rooms if id in self.rooms}

    def message(self, room, message_id):
        return next((m for m in self.rooms[room]["messages"].values() if m["message_id"] == message_id), None)


def difference(one, other):
    for room in one.keys() | other.keys():
        a, b = one.get(room, {}), other.get(room, {})
        for offset in sorted(a.keys() | b.keys()):
            if a.get(offset) != b.get(offset):
                return f"{room} at {offset}: {a.get(offset)} / {b.get(offset)}"
    return "none"


async def alike(what, one, other, *rooms):
    await until(what, lambda: one.view(*rooms) == other.view(*rooms) and one.view(*rooms))
    if one.view(*rooms) != other.view(*rooms):
        print("   ", difference(one.view(*rooms), other.view(*rooms)))


async def raw(*frames):
    """Say these on a fresh socket; what comes back within a while, and the close code."""
    heard = []
    async with websockets.connect(f"{URL}?token=raw-{RUN}", ping_interval=None) as ws:
        for frame in frames:
            await ws.send(frame if isinstance(frame, str) else json.dumps(frame))
        try:
            while True:
                heard.append(json.loads(await asyncio.wait_for(ws.recv(), 3)))
        except asyncio.TimeoutError:
            return heard, None
        except websockets.exceptions.ConnectionClosed:
            return heard, ws.close_code


async def greeting(alice):
    hello = alice.hello
    check("hello says who one is", hello["user"]["id"] == alice.name and hello["user"]["name"] == alice.name, hello)
    check("hello says the limits", hello["limits"]["content_bytes"] == 65536 and hello["limits"]["history"] == 200)
    check("live came, with a cursor", bool(alice.heard_of("live")[0]["cursor"]))
    check("a ping is answered with a cursor", "cursor" in await alice.ask("ping"))
    heard, code = await raw({"type": "hello", "id": "1", "data": {"version": 1}}, "{broken")
    check("broken JSON: an error `invalid`", any(
        f["type"] == "error" and f["data"]["code"] == "invalid" for f in heard), heard)
    check("broken JSON: closed with 1007", code == 1007, code)
    heard, code = await raw({"type": "hello", "data": {"version": 1}}, {"type": "ping"})
    check("without an id one is answered without one",
          any(f["type"] == "pong" and "id" not in f for f in heard), heard)
    heard, code = await raw({"type": "rooms", "id": "1"})
    # The page: `invalid`. There is no `code` yet, since another tongue answers until somebody has said hello.
    check("anything before hello is an error", bool(heard) and heard[0]["type"] == "error", (heard, code))
    await refused("an unknown type is `invalid`", alice.ask("dance"), "invalid")
    try:
        async with websockets.connect(URL):
            check("no token is refused", False)
    except websockets.exceptions.InvalidHandshake:
        check("no token is refused", True)


async def rooms_and_words(alice, bob, carol):
    lobby = await alice.create_room(f"Lobby {RUN}")
    await until("the maker hears of it",
                lambda: alice.heard_of("member", room_id=lobby, user_id=alice.name, role="owner"))
    check("the maker owns it", alice.rooms[lobby]["role"] == "owner", alice.rooms[lobby])
    public = (await bob.ask("public_rooms"))["rooms"]
    check("others find it", any(r["id"] == lobby and r["title"] == f"Lobby {RUN}" for r in public))
    first = await alice.send("first", room_id=lobby)
    check("an ack says where", first["room_id"] == lobby and first["offset"] > 0 and not first["repeat"], first)
    came = await bob.join(lobby, history=10)
    check("joining gives the newest", [m["content"] for m in came] == ["first"], came)
    await until("others hear of a new member", lambda: alice.heard_of("member", room_id=lobby, user_id=bob.name))
    await until("others hear who is here", lambda: any(
        d["user"]["id"] == bob.name and d["here"] for d in alice.heard_of("here", room_id=lobby)))
    await carol.join(lobby, history=10)
    check("room knows the role", (await bob.ask("room", room_id=lobby))["room"]["role"] == "member")

    ack = await alice.send(f"Hello @{bob.name}", room_id=lobby, reply_to=first["message_id"])
    await until("it comes to the others", lambda: bob.message(lobby, ack["message_id"]))
    got = bob.message(lobby, ack["message_id"])
    check("as it was said", (got["content"], got["by"]["id"], got["offset"], got["seq"], got["reply_to"]) == (
        f"Hello @{bob.name}", alice.name, ack["offset"], ack["seq"], first["message_id"]), got)
    check("without the client_id", "client_id" not in got)
    await until("one's own comes with its client_id", lambda: (alice.message(lobby, ack["message_id"]) or {}).get(
        "client_id") == ack["client_id"])
    mine = next(r for r in (await bob.ask("rooms"))["rooms"] if r["id"] == lobby)
    check("it is unread, and mentions", mine["mentions"] == 1 and mine["unread"] >= 1, mine)
    check("it is the last", mine["last"]["message_id"] == ack["message_id"])

    again = await alice.send(f"Hello @{bob.name}", client_id=ack["client_id"], room_id=lobby,
                             reply_to=first["message_id"])
    check("the same again is a repeat", again["repeat"] and again["offset"] == ack["offset"], again)
    await refused("the same id with other content", alice.send("other", client_id=ack["client_id"], room_id=lobby),
                  "client_id_reused")
    await refused("nothing said", alice.send("", room_id=lobby), "invalid_content")
    await refused("too much said", alice.send("x" * 65537, room_id=lobby), "invalid_content")

    changed = await alice.edit(ack["message_id"], "Hello, Bob")
    check("an edit is answered", changed["offset"] > ack["offset"] and changed["room_id"] == lobby, changed)
    await until("others see the edit", lambda: bob.message(lobby, ack["message_id"])["content"] == "Hello, Bob")
    await refused("another's edit", bob.edit(ack["message_id"], "Hello, me"), "not_allowed")
    await bob.react(ack["message_id"], "👍")
    await bob.react(ack["message_id"], "👍")
    await alice.react(ack["message_id"], "👍")
    await carol.react(ack["message_id"], "🎉")
    numbers = [bob.user["number"], alice.user["number"]]
    await until("reactions add up", lambda: carol.message(lobby, ack["message_id"]).get("reactions") == [
        {"emoji": "👍", "count": 2, "users": numbers},
        {"emoji": "🎉", "count": 1, "users": [carol.user["number"]]}])
    await carol.react(ack["message_id"], "🎉", on=False)
    await until("and go", lambda: len(bob.message(lobby, ack["message_id"]).get("reactions", [])) == 1)
    gone = await bob.send("not for long", room_id=lobby)
    await refused("another's message deleted by a member", carol.delete(gone["message_id"]), "not_allowed")
    await alice.delete(gone["message_id"])
    await until("an owner deletes", lambda: carol.heard_of("deleted", of=gone["offset"]))
    check("it is gone", carol.message(lobby, gone["message_id"]) is None)
    # The page: "Done twice it is as if done once."
    await refused("what is deleted is not found", alice.delete(gone["message_id"]), "message_not_found")
    await refused("no such message", alice.edit(str(uuid.uuid4()), "x"), "message_not_found")
    await alike("everybody sees the same", alice, bob, lobby)
    await alike("the third, too", alice, carol, lobby)

    await alice.typing(lobby)
    await until("typing is seen", lambda: any(d["user"]["id"] == alice.name for d in bob.heard_of("typing", on=True)))
    await alice.typing(lobby, on=False)
    await until("and its end", lambda: bob.heard_of("typing", on=False))
    await bob.mark_read(lobby, ack["offset"])
    await until("a receipt comes", lambda: any(
        d["user"]["id"] == bob.name and d.get("offset") == ack["offset"]
        for d in alice.heard_of("receipt", room_id=lobby, kind="read")))
    await bob.mark_read(lobby, first["offset"])
    members = await alice.members(lobby)
    check("members are listed", {n: m["role"] for n, m in members.items()} == {
        alice.name: "owner", bob.name: "member", carol.name: "member"}, members)
    check("a mark never falls", members[bob.name]["read"]["offset"] == ack["offset"], members[bob.name])
    check("read, so nothing unread", (await bob.ask("room", room_id=lobby))["room"]["unread"] == 0)
    last = (await alice.history(lobby, limit=1))["messages"][0]
    check("history knows that it was read", last["read"] and last["delivered"], last)
    return lobby


async def looking_back(alice, bob, lobby):
    acks = [await alice.send(f"line {i}", room_id=lobby) for i in range(25)]
    middle = acks[12]["offset"]
    before = await bob.history(lobby, before=middle, limit=5)
    check("before: the newest below", [m["content"] for m in before["messages"]] == [
        f"line {i}" for i in range(7, 12)], before)
    after = await bob.history(lobby, after=middle, limit=5)
    check("after: the oldest above", [m["content"] for m in after["messages"]] == [
        f"line {i}" for i in range(13, 18)], after)
    newest = await bob.history(lobby, limit=3)
    check("neither: the newest", [m["content"] for m in newest["messages"]] == ["line 22", "line 23", "line 24"])
    check("total is how many there are", newest["total"] == 27, newest["total"])
    seen, at = [], 0
    while page := (await bob.history(lobby, after=at, limit=4))["messages"]:
        seen += [m["offset"] for m in page]
        at = seen[-1]
    back, at = [], {}
    while page := (await bob.history(lobby, limit=4, **at))["messages"]:
        back = [m["offset"] for m in page] + back
        at = {"before": back[0]}
    check("forwards and backwards give the same", seen == back and len(seen) == 27, (seen, back))
    await refused("a limit beyond 200", bob.ask("history", room_id=lobby, limit=201), "invalid")


async def direct_and_private(alice, bob, carol):
    ack = await alice.send("just you", to=bob.name)
    dm = ack["room_id"]
    await until("a direct message comes", lambda: dm in bob.rooms and bob.message(dm, ack["message_id"]))
    answer = await bob.send("me, too", to=alice.name)
    check("one conversation for the two", answer["room_id"] == dm)
    await until("known as direct", lambda: bob.rooms[dm].get("kind") == "direct")
    check("with whom", bob.rooms[dm]["with"]["id"] == alice.name, bob.rooms[dm])
    # The page has `forbidden` for "not this room, not for you", whether it exists or not.
    await refused("a third does not read it", carol.ask("history", room_id=dm), "room_not_found")
    check("and did not hear it", not carol.heard_of("message", room_id=dm))
    check("user by name", (await alice.ask("user", name=bob.name))["user"]["id"] == bob.name)
    await refused("no such user", alice.ask("user", name=f"nobody-{RUN}"), "user_not_found")

    den = await alice.create_room(f"Den {RUN}", "private", max_users=2)
    check("a private room is not public", not any(r["id"] == den for r in (await bob.ask("public_rooms"))["rooms"]))
    await refused("an outsider does not read", bob.ask("history", room_id=den), "forbidden")
    await refused("nor enters where nothing is", bob.join(str(uuid.uuid4())), "room_not_found")
    await bob.join(den)
    await refused("no third seat", carol.join(den), "room_full")
    await refused("the last owner stays one", alice.moderate("role", den, alice.name, role="member"), "last_owner")
    await alice.leave(den)
    await until("who left has it no more", lambda: den not in alice.rooms)
    await until("the member owns it now", lambda: bob.rooms[den].get("role") == "owner")
    return dm


async def people(alice, bob, carol):
    check("online", {alice.name, bob.name, carol.name} <= await alice.online())
    await carol.presence(False)
    await until("away is told", lambda: any(d["user"]["id"] == carol.name for d in alice.heard_of(
        "presence", online=False)))
    await carol.presence(True)
    await until("and back", lambda: any(d["user"]["id"] == carol.name for d in alice.heard_of(
        "presence", online=True)))


async def moderation(alice, bob, carol, lobby):
    await refused("a member does not kick", bob.moderate("kick", lobby, carol.name), "not_allowed")
    await alice.moderate("role", lobby, bob.name, role="moderator")
    await until("a role is told", lambda: bob.rooms[lobby].get("role") == "moderator")
    await refused("a moderator does not mute an owner", bob.moderate("mute", lobby, alice.name), "not_allowed")
    hers = await carol.send("mine", room_id=lobby)
    await bob.moderate("mute", lobby, carol.name)
    await until("the muted is told", lambda: carol.rooms[lobby].get("muted") is True)
    await refused("who is muted can't send", carol.send("mmh", room_id=lobby), "not_allowed")
    await refused("nor edit", carol.edit(hers["message_id"], "mmh"), "not_allowed")
    await refused("nor react", carol.react(hers["message_id"], "👍"), "not_allowed")
    await carol.history(lobby, limit=1)
    await carol.leave(lobby)
    await until("she left", lambda: lobby not in carol.rooms)
    await carol.join(lobby)
    await refused("coming back does not lift it", carol.send("mmh", room_id=lobby), "not_allowed")
    await alice.moderate("unmute", lobby, carol.name)
    await carol.send("ah", room_id=lobby)

    await bob.moderate("kick", lobby, carol.name)
    await until("the kicked is told", lambda: carol.heard_of("removed", room_id=lobby, user_id=carol.name, barred=True))
    check("and has the room no more", lobby not in carol.rooms)
    await refused("the kicked can't send", carol.send("hm", room_id=lobby), "forbidden")
    await refused("nor come back", carol.join(lobby), "forbidden")
    await alice.send("without her", room_id=lobby)
    await alice.moderate("invite", lobby, carol.name)
    await carol.join(lobby)
    await until("until invited", lambda: lobby in carol.rooms)

    await alice.moderate("ban", lobby, carol.name)
    await until("the banned is told", lambda: lobby not in carol.rooms)
    check("how she was told", carol.heard_of("member", room_id=lobby, user_id=carol.name, status="blocked"),
          carol.all[-3:])
    check("blocked in members", (await alice.members(lobby))[carol.name]["status"] == "blocked")
    await refused("the banned can't come back", carol.join(lobby), "forbidden")
    # The page: "an invitation does not lift it", not that it is refused.
    await refused("nor be invited", alice.moderate("invite", lobby, carol.name), "not_allowed")
    await refused("an invitation does not lift a ban", carol.join(lobby), "forbidden")
    await alice.moderate("unban", lobby, carol.name)
    await carol.join(lobby, history=200)
    await until("unbanned, she is back", lambda: lobby in carol.rooms)
    await alike("and sees the same", alice, carol, lobby)


async def a_lot_passes(alice, bob, lobby):
    def said(start):
        messages = alice.rooms[lobby]["messages"].values()
        return next(m["message_id"] for m in messages if m["content"].startswith(start))

    old, gone = said("line 3"), said("line 1")
    acks = [await alice.send(f"missed {i}", room_id=lobby) for i in range(8)]
    await alice.edit(old, f"line 3, said better {acks[0]['offset']}")
    await alice.edit(acks[0]["message_id"], "missed 0, edited")
    await alice.delete(acks[1]["message_id"])
    for message_id in (old, acks[2]["message_id"], acks[3]["message_id"]):
        await alice.react(message_id, "👀")
    await alice.react(acks[3]["message_id"], "👀", on=False)
    await alice.delete(gone)
    await alice.send("missed, too", to=bob.name)


async def resuming(alice, bob, lobby, dm):
    extra = await alice.create_room(f"Extra {RUN}")
    await bob.join(extra)
    await bob.away()
    heard = len(bob.all)
    await a_lot_passes(alice, bob, lobby)
    await alice.send("in the extra room", room_id=extra)
    await bob.back()
    check("resumed", bob.hello.get("resumed") is True, bob.hello)
    names = [t for t, d in bob.all[heard:]]
    check("what was missed comes before live", {"message", "edited", "deleted", "reaction"} <= set(
        names[:names.index("live")]), names)
    await alike("the cut one sees what the uncut one sees", bob, alice, lobby, dm, extra)

    await bob.away()
    await alice.moderate("kick", extra, bob.name)
    await bob.back()
    await until("kicked while away: the room is gone", lambda: extra not in bob.rooms)

    log, _, place = bob.cursor.partition(".")
    other = ("1" if log[0] != "1" else "2") + log[1:]
    for reason, cursor in (("malformed", "nonsense"), ("ahead", f"{log}.{int(place) + 10**9}"),
                           ("other_log", f"{other}.{place}")):
        await bob.away()
        await a_lot_passes(alice, bob, lobby)
        bob.cursor = cursor
        await bob.back()
        check(f"refused as {reason}", (bob.hello.get("resumed"), bob.hello.get("reason")) == (False, reason), bob.hello)
        await alike(f"{reason}: loaded anew, all is there", bob, alice, lobby, dm)

    seen = [d["offset"] for t, d in alice.all if "cursor" in d and "offset" in d]
    check("offsets ascend", seen == sorted(set(seen)))
    gaps, places = [], collections.Counter()
    for t, d in alice.all:
        if d.get("room_id") in (lobby, dm) and "seq" in d:
            if d["room_id"] in places and d["seq"] != places[d["room_id"]] + 1:
                gaps.append((t, d["seq"], places[d["room_id"]]))
            places[d["room_id"]] = d["seq"]
    check("seq has no gaps", not gaps, gaps)


async def a_lost_ack(alice, bob, lobby):
    bob.deaf = True
    saying = asyncio.create_task(bob.send("once, please", room_id=lobby))
    await until("it arrived, though nobody told the sender",
                lambda: any(m["content"] == "once, please" for m in alice.rooms[lobby]["messages"].values()))
    await bob.away()
    bob.deaf = False
    await bob.back()
    ack = await asyncio.wait_for(saying, 30)
    check("the repeat is known as one", ack["repeat"] is True, ack)
    check("stored once", sum(m["content"] == "once, please" for m in (
        await alice.history(lobby, limit=200))["messages"]) == 1)
    check("the outbox is empty", not bob.outbox)

    cuts = 12
    async def chatter():
        for i in range(cuts * 20):
            await alice.send(f"chatter {i}", **({"room_id": lobby} if i % 2 else {"to": bob.name}))
    chattering = asyncio.create_task(chatter())
    for i in range(cuts):
        await bob.send(f"between {i}", room_id=lobby)
        bob.cut()
        await asyncio.wait_for(bob.ready.wait(), 60)
    await chattering
    check("twelve times cut at its ack: always resumed", bob.hello["resumed"] is True)


async def tokens(alice, bob, lobby):
    await refused("another's token", bob.renew(alice.token), "denied")
    await bob.renew(bob.token)
    await bob.send("still here", room_id=lobby)
    second = await Watcher("bob").start()
    check("a second connection of the same user", second.user == bob.user)
    ack = await second.send("from the other hand", room_id=lobby)
    await until("the first one hears it, with the client_id", lambda: (bob.message(lobby, ack["message_id"]) or {}).get(
        "client_id") == ack["client_id"])
    await second.stop()


async def everything(idle, alice, bob, carol):
    await greeting(alice)
    lobby = await rooms_and_words(alice, bob, carol)
    await looking_back(alice, bob, lobby)
    dm = await direct_and_private(alice, bob, carol)
    await people(alice, bob, carol)
    await moderation(alice, bob, carol, lobby)
    await resuming(alice, bob, lobby, dm)
    await a_lost_ack(alice, bob, lobby)
    await alike("and the views are the same", bob, alice, lobby, dm)
    await tokens(alice, bob, lobby)
    await until("a heartbeat came", lambda: idle.heartbeats, 40)


async def main():
    global URL
    begun = time.monotonic()
    with Server({"MAX_MESSAGES_PER_MIN": "0"}) as server:
        URL = f"ws://127.0.0.1:{server.port}/ws/chat"
        clients = [await Watcher(name).start() for name in ("idle", "alice", "bob", "carol")]
        try:
            await everything(*clients)
        except Exception:
            check("the checks go on to the end", False, traceback.format_exc())
        for client in clients:
            await client.stop()
    print(f"Native: {held} checks held, {len(failed)} failed, in {time.monotonic() - begun:.0f} s")
    sys.exit(1 if failed else 0)


os.environ["no_proxy"] = "127.0.0.1"
asyncio.run(main())
