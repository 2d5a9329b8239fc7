#!/usr/bin/env python3
"""Judges a client of the native tongue that is told by lines what to do and says by lines what happens: several such
processes play against the real binary, whose connections are cut, whose answers get lost, which is killed, and which
forgets all. What is right, the protocol's page and the client's task say; where they leave something open, nothing is
asked. What the server has in the end is asked of the server itself.

  tests/native/lines.py [--language NAME] [--only SCENE] -- COMMAND…     gets URL and token appended
  tests/native/lines.py --self-test     whether the judge notices what spoken.py does wrong on purpose

SWITCHBOARD_BINARY says which binary.
"""
import argparse
import base64
import hashlib
import hmac
import json
import os
import random
import subprocess
import sys
import time
import traceback
import uuid

from players import BACK_S, HERE, Player, Truth, check
from server import Server

UNLIMITED = {"MAX_MESSAGES_PER_MIN": "0", "CHAT_MAX_ROOMS_PER_USER": "0"}
SECRET = "a key for tests, of more than 32 bytes"
ODD_TEXT = "Grüße \"\\ \t\n\u2028 مرحبا 👩‍👩‍👧 漢字 </script>"
BYTES_MAX = 65536


class Scene:
    """A server of its own and who plays there. Names are new each time."""

    def __init__(self, command, settings=()):
        self.command, self.run, self.all = command, uuid.uuid4().hex[:5], []
        self.server = Server({**UNLIMITED, **dict(settings)})

    def players(self, *names, through="", tokens=None):
        made = [Player(self.command, self.server.port, f"{name}-{self.run}", (tokens or {}).get(name), name == through)
                for name in names]
        self.all += made
        for player in made:
            player.comes_back(f"{player.name} connects", 0)
        return made

    def truth(self, name=None):
        return Truth(self.server.port, name or f"truth-{self.run}")

    def room(self, maker, *others, kind="public"):
        room = maker.took("a room is made", "create_room", title=f"Room {self.run}", kind=kind).get("room")
        for other in others:
            other.took("and joined", "join", room=room)
            other.hears("is a room of who joined", "got", room=room)
        for one in (maker, *others):
            one.took("its history is loaded", "load", room=room)
        return room

    def all_see(self, room, players, what, name=None):
        """Everybody's view is the server's, and so is what somebody new loads."""
        truth = self.truth(name).view(room)
        for player in players:
            player.sees(f"{what}: {player.name} sees what the server has", room, truth)
        if name is None:
            fresh, = self.players(f"fresh{len(self.all)}")
            fresh.took("somebody new joins", "join", room=room)
            answer = fresh.took("and loads", "load", room=room)
            check(f"{what}: all is loaded", answer.get("total") == answer.get("loaded") == len(truth), answer)
            fresh.sees(f"{what}: somebody new sees what the server has", room, truth)
        return truth


def all_ok(what, asked):
    answers = [(player, player.answer(number, BACK_S)) for player, number in asked]
    bad = [(player.name, answer) for player, answer in answers if answer.get("ok") is not True]
    check(f"{what}: all {len(asked)} are done", not bad, bad[:3])
    return [answer for _, answer in answers]


def once(what, truth, texts):
    stored = [message["text"] for message in truth]
    wrong = [(text[:40], stored.count(text)) for text in texts if stored.count(text) != 1]
    check(f"{what}: each is stored once", not wrong, wrong[:5])


def has(row, **wanted):
    return all((row or {}).get(key) == value for key, value in wanted.items())


def by_id(rows):
    return {row.get("id"): row for row in rows or []}


def my_room(player, room):
    return by_id(player.do("rooms").get("rooms")).get(room, {})


def member(player, room, who):
    return by_id(player.do("members", room=room).get("members")).get(who.name, {})


# ---- the scenes

def rooms(scene):
    alice, bob, carol = scene.players("alice", "bob", "carol")
    hall = alice.took("a public room is made", "create_room", title="Hall ö", kind="public", max_users=2).get("room")
    den = alice.took("a private room is made", "create_room", title="Den", kind="private").get("room")
    for room in (hall, den):
        alice.hears("the maker has it", "got", room=room)
    check("rooms: as it was made", has(my_room(alice, hall), kind="public", title="Hall ö", role="owner", max_users=2,
                                       unread=0, mentions=0, muted=False), my_room(alice, hall))
    check("rooms: the private one", has(my_room(alice, den), kind="private", title="Den", role="owner"))
    public = by_id(bob.took("public rooms are listed", "public_rooms").get("rooms"))
    listed = next(row for row in scene.truth().ask("public_rooms")["rooms"] if row["id"] == hall)
    check("the public one is", public.get(hall) == {key: listed[key] for key in ("id", "title", "present")}, public)
    check("the private one is not", den not in public, public)
    bob.refused("a room that is not", "room_not_found", "join", room=str(uuid.uuid4()))
    bob.took("bob joins", "join", room=hall)
    bob.hears("and has it", "got", room=hall)
    alice.hears("others hear that he is here", "here", room=hall, user=bob.name, here=True)
    carol.refused("there is no third seat", "room_full", "join", room=hall)
    carol.refused("nor anything to leave", "not_present", "leave", room=hall)
    seats = by_id(alice.took("members are listed", "members", room=hall).get("members"))
    check("with roles", {id: row.get("role") for id, row in seats.items()} == {alice.name: "owner", bob.name: "member"},
          seats)
    check("and how they are", has(seats.get(bob.name), status="active", muted=False, online=True, read=0), seats)
    bob.took("bob leaves", "leave", room=hall)
    bob.hears("and has it no more", "gone", room=hall)
    check("nor knows it", has(bob.do("view", room=hall), ok=True, known=False), bob.do("view", room=hall))
    bob.took("bob comes back", "join", room=hall)
    bob.hears("and has it again", "got", times=2, room=hall)
    told = [said["event"] for said in bob.events if said.get("room") == hall and said["event"] in ("got", "gone")]
    check("each was told once", told == ["got", "gone", "got"], told)
    alice.refused("a room keeps its owner", "last_owner", "role", room=hall, user=alice.name, role="member")
    carol.refused("what is private is not read", "forbidden", "load", room=den)
    carol.refused("nor written to", "forbidden", "send", room=den, text="hm")
    carol.took("the id is the invitation", "join", room=den)
    alice.took("the owner leaves", "leave", room=den)
    check.until("the next one owns it", lambda: my_room(carol, den).get("role") == "owner", lambda: my_room(carol, den))
    for what, wrong in (("a long title", {"title": "x" * 101}), ("one seat", {"max_users": 1}), ("guild", {"kind": "guild"})):
        alice.refused(f"{what} is refused", "invalid", "create_room", **{"title": "x", "kind": "public", **wrong})
    online = alice.took("who is online", "online").get("users", [])
    check("those who are, sorted", online == sorted(online) and {alice.name, bob.name, carol.name} <= set(online), online)
    user = alice.took("a user by name", "user", name=bob.name)
    check("the right one", user.get("id") == bob.name and type(user.get("number")) is int, user)
    alice.refused("a user who is not", "user_not_found", "user", name=f"nobody-{scene.run}")


def words(scene):
    alice, bob, carol = players = scene.players("alice", "bob", "carol")
    room = scene.room(alice, bob, carol)
    first = alice.took("a message", "send", room=room, text="first")
    check("its place is said", first.get("room") == room and first.get("offset", 0) > 0 and first.get("message_id"), first)
    more = [sender.took("and more", "send", room=room, text=text) for sender, text in (
        (bob, ODD_TEXT), (carol, "by carol"), (alice, "not for long"), (bob, "not for long, either"))]
    reply = bob.took("a reply", "send", room=room, text="second", reply_to=first.get("message_id"))
    ids = [answer.get("message_id") for answer in (first, *more, reply)]
    edit = alice.took("an edit", "edit", message_id=ids[0], text="first, better")
    check("its place is after the message", edit.get("offset", 0) > reply.get("offset", 0), edit)
    alice.took("a deletion", "delete", message_id=ids[3])
    carol.refused("a member deletes but her own", "not_allowed", "delete", message_id=ids[4])
    alice.took("an owner deletes others'", "delete", message_id=ids[4])
    for who, emoji in ((bob, "👍"), (alice, "👍"), (bob, "👍"), (carol, "👩‍👩‍👧"), (carol, "❤️")):
        who.took(f"a reaction {emoji}", "react", message_id=ids[0], emoji=emoji, on=True)
    carol.took("taken back", "react", message_id=ids[0], emoji="❤️", on=False)
    numbers = {one.name: one.do("user", name=one.name).get("number") for one in players}
    truth = scene.all_see(room, players, "after edits, deletions and reactions")
    check("that is: texts", [(one["text"], one["edited"]) for one in truth] == [
        ("first, better", True), (ODD_TEXT, False), ("by carol", False), ("second", False)], truth)
    check("that is: reactions", truth[0]["reactions"] == {
        "👍": sorted((numbers[alice.name], numbers[bob.name])), "👩‍👩‍👧": [numbers[carol.name]]}, truth[0])
    check("that is: the reply", truth[3]["reply_to"] == ids[0] and truth[0]["reply_to"] is None, truth[3])
    for one in players:
        one.hears_messages(f"{one.name}'s messages", room, ids)
        shapes = one.do("view", room=room).get("messages") or [{}]
        keys = {"offset", "message_id", "by", "text", "edited", "reactions", "seen"}
        check("a view's messages have what the task names", [set(shape) for shape in shapes[::3]] == [
            keys, keys | {"reply_to"}] and shapes[1]["reactions"] == {} and shapes[1]["edited"] is False, shapes)
    heard = carol.heard("message", message_id=ids[1])
    check("an event as the task has it", heard == [{"event": "message", "room": room, "message_id": ids[1], "by": bob.name,
                                                    "text": ODD_TEXT, "offset": more[0].get("offset")}], heard)
    for text in ("x" * BYTES_MAX, "é" * (BYTES_MAX // 2)):
        alice.took("64 KiB are taken", "send", room=room, text=text)
    for text in ("", "x" * (BYTES_MAX + 1), "é" * (BYTES_MAX // 2) + "x"):
        alice.refused(f"{len(text.encode())} bytes are not", "invalid_content", "send", room=room, text=text)
    check("what was refused is not kept to be sent", alice.do("status").get("outbox") == 0, alice.do("status"))
    nobody = str(uuid.uuid4())
    for do, more in (("edit", {"text": "x"}), ("delete", {}), ("react", {"emoji": "x", "on": True})):
        bob.refused(f"{do} of no message", "message_not_found", do, message_id=nobody, **more)
        bob.refused(f"{do} of a deleted one", "message_not_found", do, message_id=ids[4], **more)
    bob.refused("an edit of another's", "not_allowed", "edit", message_id=ids[0], text="x")
    bob.refused("an edit to nothing", "invalid_content", "edit", message_id=ids[1], text="")
    bob.refused("a reaction of 65 bytes", "invalid", "react", message_id=ids[0], emoji="x" * 65, on=True)
    bob.refused("a message to no room", "room_not_found", "send", room=nobody, text="x")
    scene.all_see(room, players, "and after refusals")


def conversations(scene):
    alice, bob = scene.players("alice", "bob")
    ack = alice.took("a message to somebody", "send", to=bob.name, text="just you")
    room = ack.get("room")
    for one in (alice, bob):
        one.hears("each has the conversation", "got", room=room)
        one.hears_messages(f"{one.name}'s messages", room, [ack.get("message_id")])
    check("the answer is in it, too", bob.took("an answer", "send", to=alice.name, text="me, too").get("room") == room)
    for one, other in ((alice, bob), (bob, alice)):
        row = my_room(one, room)
        check("rooms: with whom", has(row, kind="direct", role=None, max_users=None) and row["with"] == other.name, row)
        one.took("its history", "load", room=room)
    scene.all_see(room, (alice, bob), "a conversation", alice.name)
    alice.hears("its delivery is told", "receipt", room=room, user=bob.name, kind="delivered")
    asked = [alice.took("to somebody unknown", "send", to=f"zoe-{scene.run}", text=f"early {at}") for at in range(2)]
    late = asked[0].get("room")
    zoe, = scene.players("zoe")
    check("who comes later finds it", has(my_room(zoe, late), unread=2, **{"with": alice.name}), zoe.do("rooms"))
    check("all of it", has(zoe.took("it is loaded", "load", room=late), total=2, loaded=2))
    zoe.took("and answered", "send", to=alice.name, text="at last")
    alice.hears("which is heard", "message", room=late, by=zoe.name, text="at last")
    alice.took("it is loaded", "load", room=late)
    scene.all_see(late, (alice, zoe), "a late conversation", zoe.name)


def signs(scene):
    alice, bob = scene.players("alice", "bob")
    room = scene.room(alice, bob)
    acks = [alice.took("a message", "send", room=room, text=text) for text in ("one", f"two @{bob.name}", "three")]
    places = [ack.get("offset") for ack in acks]
    check.until("they are unread, and one mentions", lambda: has(my_room(bob, room), unread=3, mentions=1),
                lambda: my_room(bob, room))
    bob.took("the second is read", "mark", room=room, offset=places[1])
    alice.hears("it is told", "receipt", room=room, user=bob.name, kind="read", offset=places[1])
    check("one is left", has(my_room(bob, room), unread=1, mentions=0), my_room(bob, room))

    def seen(player):
        return [bob.name in message.get("seen", ()) for message in player.do("view", room=room).get("messages", [])]
    check.until("a view has what was seen", lambda: seen(alice) == [True, True, False], lambda: seen(alice))
    bob.took("a lower mark", "mark", room=room, offset=places[0])
    check("marks never fall", has(member(alice, room, bob), read=places[1]), member(alice, room, bob))
    carol, = scene.players("carol")
    alice.hears("who comes is told", "presence", user=carol.name, online=True)
    for do in ("join", "load", "members"):
        carol.took("she looks around", do, room=room)
    check.until("who asked was told, too", lambda: seen(carol) == [True, True, False], lambda: seen(carol))
    bob.took("all is read", "mark", room=room, offset=places[2])
    check.until("all is seen", lambda: seen(alice) == seen(carol) == [True] * 3, lambda: (seen(alice), seen(carol)))
    check("nothing is left", has(my_room(bob, room), unread=0, mentions=0), my_room(bob, room))
    for on in (True, False):
        alice.took("typing", "typing", room=room, on=on)
        bob.hears("is heard", "typing", room=room, user=alice.name, on=on)
    carol.took("away", "away", away=True)
    alice.hears("is heard", "presence", user=carol.name, online=False)
    carol.took("back", "away", away=False)
    alice.hears("is heard, too", "presence", times=2, user=carol.name, online=True)
    carol.took("away again", "away", away=True)
    alice.hears("is heard again", "presence", times=2, user=carol.name, online=False)
    lived = carol.lived()
    carol.took("she is cut", "cut")
    carol.comes_back("and comes back", lived)
    check.until("still away, and says so again", lambda: has(alice.heard("presence", user=carol.name)[-1], online=False),
                lambda: alice.heard("presence", user=carol.name))
    other, = scene.players("bob")
    ack = other.took("from another connection of his", "send", room=room, text="from my other hand")
    bob.hears("the first one hears it", "message", message_id=ack.get("message_id"), by=bob.name)
    other.took("a room made there", "create_room", title="Mine", kind="public")
    bob.hears("is a room here, too", "got", times=2)


def moderation(scene):
    alice, bob, carol = players = scene.players("alice", "bob", "carol")
    room = scene.room(alice, bob, carol)
    bob.refused("a member does not kick", "not_allowed", "kick", room=room, user=carol.name)
    alice.took("bob becomes a moderator", "role", room=room, user=bob.name, role="moderator")
    check.until("he is", lambda: my_room(bob, room).get("role") == "moderator")
    bob.refused("who does not mute an owner", "not_allowed", "mute", room=room, user=alice.name)
    bob.refused("nor gives roles", "not_allowed", "role", room=room, user=carol.name, role="owner")
    alice.refused("who is no member has no role", "member_not_found", "kick", room=room, user=f"nobody-{scene.run}")
    alice.refused("nobody is not invited", "user_not_found", "invite", room=room, user=f"nobody-{scene.run}")
    hers = carol.took("a message", "send", room=room, text="mine").get("message_id")
    bob.took("carol is muted", "mute", room=room, user=carol.name)
    check.until("she knows", lambda: my_room(carol, room).get("muted") is True)
    check("so do others", member(alice, room, carol).get("muted") is True)
    carol.refused("she can't send", "not_allowed", "send", room=room, text="mmh")
    carol.refused("nor edit", "not_allowed", "edit", message_id=hers, text="mmh")
    carol.refused("nor react", "not_allowed", "react", message_id=hers, emoji="👍", on=True)
    alice.took("carol is unmuted", "unmute", room=room, user=carol.name)
    hers = [hers, carol.took("she speaks", "send", room=room, text="ah").get("message_id")]
    bob.took("carol is kicked", "kick", room=room, user=carol.name)
    carol.hears("she is told", "gone", room=room)
    check("and knows the room no more", has(carol.do("view", room=room), known=False) and not my_room(carol, room))
    carol.refused("she can't send", "forbidden", "send", room=room, text="hm")
    carol.refused("nor come back", "forbidden", "join", room=room)
    alice.took("something is said without her", "send", room=room, text="without her")
    alice.took("carol is invited", "invite", room=room, user=carol.name)
    carol.took("and joins", "join", room=room)
    carol.hears("she has the room", "got", times=2, room=room)
    alice.took("carol is banned", "ban", room=room, user=carol.name)
    carol.hears("she is told", "gone", times=2, room=room)
    check("members: blocked", member(alice, room, carol).get("status") == "blocked", member(alice, room, carol))
    carol.refused("she can't come back", "forbidden", "join", room=room)
    alice.refused("nor be invited", "not_allowed", "invite", room=room, user=carol.name)
    alice.took("carol is unbanned", "unban", room=room, user=carol.name)
    carol.took("and joins", "join", room=room)
    carol.hears("she has the room again", "got", times=3, room=room)
    told = [said["event"] for said in carol.events if said.get("room") == room and said["event"] in ("got", "gone")]
    check("each was told once", told == ["got", "gone"] * 2 + ["got"], told)
    check("nobody else was told", not alice.heard("gone") and not bob.heard("gone"))
    carol.took("she loads", "load", room=room)
    scene.all_see(room, players, "after all that")
    carol.hears_messages("carol's messages", room, hers)


def load(scene):
    alice, bob = scene.players("alice", "bob")
    room = scene.room(alice, bob)
    texts = [f"message {at}" for at in range(450)]
    acks = all_ok("450 messages", [(alice, alice.say("send", room=room, text=text)) for text in texts])
    check("each has a place of its own", len({ack.get("offset") for ack in acks}) == len(texts))
    once("450 messages", scene.all_see(room, (alice, bob), "450 messages"), texts)
    ids = [ack.get("message_id") for ack in sorted(acks, key=lambda ack: ack.get("offset", 0))]
    bob.hears_messages("450 events", room, ids)
    late = scene.players("carol", "dave", "erin")
    changes = []
    for at, player in enumerate(late):
        player.took("somebody joins", "join", room=room)
        loading = player.say("load", room=room)
        for place in range(at, 450, 15):
            what = (("edit", {"text": f"edited {place}"}), ("delete", {}), ("react", {"emoji": "👀", "on": True}))[place % 3]
            changes.append((alice, alice.say(what[0], message_id=ids[place], **what[1])))
        check("it is loaded while it changes", player.answer(loading).get("ok") is True)
    all_ok("changes while somebody loads", changes)
    scene.all_see(room, (alice, bob, *late), "after changes while somebody loads")


def heavy(scene):
    """A page of 200 would have more than 8 MiB here, so it has fewer messages, and is not the last for that."""
    alice, bob = scene.players("alice", "bob")
    room = scene.room(alice)
    all_ok("140 of 64 KiB", [(alice, alice.say("send", room=room, text=f"{at:03}" + "x" * (BYTES_MAX - 3)))
                             for at in range(140)])
    bob.took("somebody joins", "join", room=room)
    answer = bob.took("and loads", "load", room=room)
    check("all of it is loaded", has(answer, total=140, loaded=140), answer)
    bob.sees("as the server has it", room, scene.truth().view(room))


def away(scene):
    alice, bob, carol = scene.players("alice", "bob", "carol", through="bob")
    room, other = scene.room(alice, bob, carol), scene.room(alice, bob, kind="private")
    old = [alice.took("before", "send", room=room, text=f"old {at}").get("message_id") for at in range(5)]
    own = [bob.took("his own", "send", room=room, text=f"own {at}").get("message_id") for at in range(3)]
    lived = bob.lived()
    bob.between.away()
    new = [alice.took("missed", "send", room=room, text=f"new {at}").get("message_id") for at in range(6)]
    new.append(carol.took("a reply", "send", room=room, text="re", reply_to=old[0]).get("message_id"))
    direct = carol.took("missed, directly", "send", to=bob.name, text="psst")
    for do, id, more in (("edit", old[0], {"text": "old, better"}), ("edit", new[0], {"text": "new, better"}),
                         ("delete", old[1], {}), ("delete", new[1], {}), ("react", old[2], {"emoji": "👀", "on": True}),
                         ("react", new[2], {"emoji": "👀", "on": True}), ("react", new[2], {"emoji": "👀", "on": False})):
        alice.took("changed", do, message_id=id, **more)
    alice.took("put out while away", "kick", room=other, user=bob.name)
    alice.took("and a role", "role", room=room, user=bob.name, role="moderator")
    asked = [bob.say("send", room=room, text="while away"), bob.say("edit", message_id=own[0], text="own, better"),
             bob.say("delete", message_id=own[1]), bob.say("react", message_id=own[2], emoji="👍", on=True),
             bob.say("send", to=carol.name, text="while away"), bob.say("rooms")]
    status = bob.do("status")
    check("away, and says so", has(status, ok=True, connected=False, outbox=2), status)
    check("what was told is still there", [one["text"] for one in bob.view(room)][:1] == ["old 0"], bob.view(room))
    bob.between.back()
    bob.comes_back("he comes back", lived)
    sent = all_ok("what he was told to do", [(bob, number) for number in asked])
    bob.hears("the room is his no more", "gone", room=other)
    bob.hears("the conversation is", "got", room=direct.get("room"))
    check("he resumed", has(bob.do("status"), resumes=1, refused=[]) and not bob.heard("lost"), bob.do("status"))
    check("nor knows the other room", has(bob.do("view", room=other), known=False))
    check("his role is known", my_room(bob, room).get("role") == "moderator", my_room(bob, room))
    once("what was sent while away", scene.all_see(room, (alice, bob, carol), "after being away"), ["while away"])
    bob.took("a load", "load", room=direct.get("room"))
    scene.all_see(direct.get("room"), (bob,), "a conversation begun while away", carol.name)
    must = [*old, *own, new[0], *new[2:], sent[0].get("message_id")]
    bob.hears_messages("what he missed", room, must, [new[1]])
    bob.hears_messages("what he missed directly", direct.get("room"), [direct.get("message_id"), sent[4].get("message_id")])


def cuts(scene):
    alice, bob, carol = players = scene.players("alice", "bob", "carol")
    room = scene.room(alice, bob, carol)
    asked, texts = [], []

    def say(player, text):
        texts.append(text)
        asked.append((player, player.say("send", room=room, text=text)))
    for turn in range(8):
        first = [one.took("a message", "send", room=room, text=f"{one.name} {turn}").get("message_id") for one in players]
        for at in range(5):
            say(alice, f"alice {turn}.{at}")
            say(bob, f"bob {turn}.{at}")
        asked += [(carol, carol.say("react", message_id=first[0], emoji="👀", on=True)),
                  (alice, alice.say("edit", message_id=first[0], text=f"edited {turn}"))]
        lived = bob.lived()
        bob.took("he is cut", "cut")
        asked += [(carol, carol.say("delete", message_id=first[2])), (bob, bob.say("mark", room=room, offset=1)),
                  (bob, bob.say("edit", message_id=first[1], text=f"edited by bob {turn}"))]
        for at in range(5, 8):
            say(carol, f"carol {turn}.{at}")
            say(bob, f"bob {turn}.{at}")
        if turn % 2:  # Otherwise the next cut meets the connection as it is, or is not.
            bob.comes_back("he comes back", lived)
    check.until("he is back in the end", bob.lives, lambda: bob.do("status"), BACK_S)
    all_ok("what was asked between cuts", asked)
    status = bob.do("status")
    check("he resumed each time", status.get("resumes", 0) >= 4 and status.get("refused") == [], status)
    truth = scene.all_see(room, players, "after eight cuts")
    once("sent between cuts", truth, texts)
    for one in players:
        gone = {said.get("message_id") for said in alice.heard("message")} - {message["message_id"] for message in truth}
        one.hears_messages(f"{one.name}'s messages", room, [message["message_id"] for message in truth], gone)


def lost(scene):
    """An answer is lost, or the question: who asks can't know which."""
    alice, bob = scene.players("alice", "bob", through="bob")
    room = scene.room(alice, bob)
    server = scene.truth()
    for way in ("dumb", "deaf"):
        ids = [bob.took("a message", "send", room=room, text=f"{way} {at}").get("message_id") for at in range(4)]
        for do, more in (("send", {"room": room, "text": f"sent while {way}"}), ("send", {"to": alice.name, "text": way}),
                         ("edit", {"message_id": ids[0], "text": "edited"}), ("delete", {"message_id": ids[1]}),
                         ("react", {"message_id": ids[2], "emoji": "👀", "on": True}),
                         ("react", {"message_id": ids[2], "emoji": "👀", "on": False})):
            lived, before = bob.lived(), len(alice.events) if do == "send" else server.view(room)
            setattr(bob.between, way, True)
            number = bob.say(do, **more)
            end = time.monotonic() + (5 if way == "deaf" else 0.3)
            while time.monotonic() < end and before == (len(alice.events) if do == "send" else server.view(room)):
                time.sleep(0.03)
            bob.between.away()
            bob.between.back()
            answer = bob.answer(number, BACK_S)
            check(f"{do}, while the server is {'not heard' if way == 'deaf' else 'not reached'}: is done",
                  answer.get("ok") is True and type(answer.get("offset")) is int, answer)
            bob.comes_back("he comes back", lived)
        first, second = (bob.do("delete", message_id=ids[1]) for _ in range(2))
        check("a deletion of what is gone is refused", has(first, code="message_not_found") and
              has(second, code="message_not_found"), (first, second))
    truth = scene.all_see(room, (alice, bob), "after losses")
    once("sent while not heard", truth, ["sent while deaf", "sent while dumb"])
    direct = scene.truth(bob.name)
    once("sent so to somebody", direct.view(next(row["id"] for row in direct.ask("rooms")["rooms"] if "with" in row)),
         ["deaf", "dumb"])


def middle(scene):
    """Cuts at any moment of an edit, a deletion and a reaction."""
    alice, bob = scene.players("alice", "bob")
    room = scene.room(alice, bob)
    for turn in range(12):
        ids = [bob.took("a message", "send", room=room, text=f"{turn}.{at}").get("message_id") for at in range(3)]
        lived = bob.lived()
        asked = [(bob, bob.say("edit", message_id=ids[0], text=f"edited {turn}")), (bob, bob.say("delete", message_id=ids[1])),
                 (bob, bob.say("react", message_id=ids[2], emoji="👍", on=True))]
        time.sleep(random.choice((0, 0.0005, 0.001, 0.002, 0.004)))
        bob.took("he is cut", "cut")
        all_ok("an edit, a deletion and a reaction, cut off", asked)
        bob.comes_back("he comes back", lived)
    truth = scene.all_see(room, (alice, bob), "after cuts in the middle")
    seen = [(one["text"], one["edited"], list(one["reactions"])) for one in truth]
    check("all was done", seen == [row for turn in range(12) for row in (
        (f"edited {turn}", True, []), (f"{turn}.2", False, ["👍"]))], seen)


def killed(scene):
    alice, bob = players = scene.players("alice", "bob")
    room = scene.room(alice, bob)
    texts = []
    for turn in range(3):
        ids = [alice.took("a message", "send", room=room, text=f"{turn}.{at}").get("message_id") for at in range(3)]
        lived = [one.lived() for one in players]
        more = [[f"{when} {turn}.{at}" for at in range(20)] for when in ("before", "while")]
        texts += more[0] + more[1]
        asked = [(one, one.say("send", room=room, text=text)) for text in more[0] for one in (players[len(text) % 2],)]
        asked += [(alice, alice.say("delete", message_id=ids[0]))]
        scene.server.kill()
        asked += [(one, one.say("send", room=room, text=text)) for text in more[1] for one in (players[len(text) % 2],)]
        asked += [(alice, alice.say("edit", message_id=ids[1], text=f"edited {turn}")),
                  (bob, bob.say("react", message_id=ids[2], emoji="👍", on=True)),
                  (bob, bob.say("typing", room=room, on=True)), (bob, bob.say("members", room=room))]
        time.sleep(0.5 + turn / 2)
        check("nobody is connected to a dead server", not any(one.do("status").get("connected") for one in players))
        scene.server.start()
        for one, before in zip(players, lived):
            one.comes_back("back after a crash", before)
        all_ok("asked around a crash", asked)
    truth = scene.all_see(room, players, "after crashes")
    once("sent around crashes", truth, texts)
    for one in players:
        gone = {said.get("message_id") for said in one.heard("message")} - {message["message_id"] for message in truth}
        one.hears_messages(f"{one.name}'s messages", room, [message["message_id"] for message in truth], gone)
        check("all could be resumed", has(one.do("status"), refused=[]) and not one.heard("lost"), one.do("status"))


def fresh(scene):
    alice, bob = players = scene.players("alice", "bob")
    room = scene.room(alice, bob)
    alice.took("a message", "send", room=room, text="forgotten")
    lived = [one.lived() for one in players]
    scene.server.kill(forget=True)
    sends = [(alice, alice.say("send", to=bob.name, text=f"kept {at}")) for at in range(5)]
    stale = alice.say("send", room=room, text="to nowhere")
    time.sleep(0.5)
    scene.server.start()
    for one, before in zip(players, lived):
        one.comes_back("back at a server that forgot all", before)
        one.hears("is told so", "lost")
        status = one.do("status")
        check("with the reason", status.get("refused") in (["other_log"], ["ahead"]), status)
        check("and knows the old room no more", has(one.do("view", room=room), known=False), one.do("view", room=room))
    acks = all_ok("what waited", sends)
    check("a send to what is no more is refused, or taken", type(alice.answer(stale).get("ok")) is bool)
    for one in players:
        one.took("the conversation", "load", room=acks[0].get("room"))
    once("what waited", scene.all_see(acks[0].get("room"), players, "at the new server", alice.name),
         [f"kept {at}" for at in range(5)])
    again = scene.room(alice, bob)
    ack = alice.took("it goes on", "send", room=again, text="new")
    bob.hears("as ever", "message", room=again, message_id=ack.get("message_id"), text="new")
    scene.all_see(again, players, "in a new room")


def token(name, seconds=3600):
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")
    claims = {"sub": name, "iat": int(time.time()), "exp": int(time.time() + seconds), "jti": uuid.uuid4().hex}
    text = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
    return (text + b"." + part(hmac.new(SECRET.encode(), text, hashlib.sha256).digest())).decode()


def tokens(scene):
    names = {name: f"{name}-{scene.run}" for name in ("alice", "bob", "erin")}
    lives_s = {"alice": 3600, "bob": 20, "erin": 15}  # Longer than any start takes.
    alice, bob, erin = scene.players(*names, tokens={name: token(names[name], lives_s[name]) for name in names})
    renewed = erin.took("a new token in time", "auth", token=token(erin.name))
    check("is hers", renewed.get("id") == erin.name, renewed)
    for what, wrong in (("another's token", token(bob.name)), ("no token at all", "nonsense")):
        alice.refused(f"{what} is refused", "denied", "auth", token=wrong)
    lived = alice.lived()
    alice.took("who tried it is cut", "cut")
    alice.comes_back("and comes back by the one that was good", lived)
    check("as who she is", alice.do("status").get("user") == alice.name, alice.do("status"))
    room = scene.room(alice, bob, erin)
    check.until("a token ends", lambda: bob.heard("ended", code=4401), lambda: bob.events[-3:], BACK_S)
    check("once, and only that one", len(bob.heard("ended")) == 1 and not erin.heard("ended") and not alice.heard("ended"))
    missed = alice.took("something is said meanwhile", "send", room=room, text="missed").get("message_id")
    asked = [(bob, bob.say("send", room=room, text="waits")), (bob, bob.say("react", message_id=missed, emoji="👍", on=True))]
    check("without a token one is not connected", bob.do("status").get("connected") is False, bob.do("status"))
    lived = bob.lived()
    back = bob.answer(bob.say("auth", token=token(bob.name)), BACK_S)
    check("a new one is taken", has(back, ok=True, id=bob.name), back)
    bob.comes_back("and brings back", lived)
    sent = all_ok("what waited", asked)
    bob.hears_messages("bob's messages", room, [missed, sent[0].get("message_id")])
    lived = erin.lived()
    erin.took("whose first token has ended is cut", "cut")
    erin.comes_back("and comes back by the second", lived)
    erin.took("as if nothing had been", "send", room=room, text="still here")
    truth = scene.all_see(room, (alice, bob, erin), "after tokens", token(alice.name))
    once("what waited for a token", truth, ["waits", "missed", "still here"])


SCENES = {scene.__name__: scene for scene in (
    rooms, words, conversations, signs, moderation, load, heavy, away, cuts, lost, middle, killed, fresh, tokens)}


def play(name, command):
    check.scene = name
    scene = Scene(command, {"JWT_SECRET": SECRET} if name == "tokens" else {})
    try:
        SCENES[name](scene)
    except Exception:
        check("goes on to its end", False, traceback.format_exc()[-600:])
    for player in scene.all:
        player.close()
    check("the server is up in the end", scene.server.is_up(), scene.server.trouble())
    scene.server.__exit__()


def self_test():
    from spoken import WRONG
    spoken = [sys.executable, os.path.join(HERE, "spoken.py")]
    for wrong, (scene, what) in WRONG.items():
        done = subprocess.run([sys.executable, __file__, "--only", scene, "--", *spoken, "--wrong", wrong],
                              stdout=subprocess.PIPE, text=True)
        lines = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
        check(f"noticed: {what}", done.returncode == 1 and lines, done.stdout[-300:])
        print(f"{wrong}: {len(lines)} failed, first {lines[0][:130] if lines else None}", flush=True)
    print(f"The judge: {check.held} of {len(WRONG)} wrongs noticed")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--language")
    parser.add_argument("--only", action="append", choices=SCENES)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("command", nargs="*")
    options = parser.parse_args()
    if options.self_test:
        self_test()
    elif options.command:
        begun = time.monotonic()
        for name in options.only or SCENES:
            play(name, options.command)
        print(f"in {time.monotonic() - begun:.0f} s", file=sys.stderr)
        print(f"Native client in {options.language or options.command[0]}: "
              f"{check.held} checks held, {len(check.failed)} failed")
    else:
        parser.error("which client?")
    sys.exit(1 if check.failed else 0)


if __name__ == "__main__":
    main()
