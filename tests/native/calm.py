"""Scenes of lines.py in which no connection breaks, but for one: rooms, words, people, and loading a lot."""
import uuid

from players import check
from stage import BYTES_MAX, all_ok, has, member, my_room, by_id, once

ODD_TEXT = "Grüße \"\\ \t\n\u2028 مرحبا 👩‍👩‍👧 漢字 </script>"


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
    check("the public one is", has(public.get(hall), title=listed["title"], present=listed["present"]), public)
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
    # Of a private one. The maker of a public one may step down, which the page has not.
    alice.refused("a room keeps its owner", "last_owner", "role", room=den, user=alice.name, role="member")
    alice.refused("who is no member has no role", "member_not_found", "role", room=den, user=bob.name, role="owner")
    carol.refused("what is private is not read", "forbidden", "load", room=den)
    carol.refused("nor written to", "forbidden", "send", room=den, text="hm")
    carol.took("the id is the invitation", "join", room=den)
    alice.took("the owner leaves", "leave", room=den)
    check.until("the next one owns it", lambda: my_room(carol, den).get("role") == "owner", lambda: my_room(carol, den))
    for what, wrong in (("a long title", {"title": "x" * 101}), ("one seat", {"max_users": 1}),
                        ("a guild", {"kind": "guild"})):
        alice.refused(f"{what} is refused", "invalid", "create_room", **{"title": "x", "kind": "public", **wrong})
    online = alice.took("who is online", "online").get("users", [])
    check("those who are", {alice.name, bob.name, carol.name} <= set(online), online)
    check("sorted", online == sorted(online), online)
    user = alice.took("a user by name", "user", name=bob.name)
    check("the right one", user.get("id") == bob.name and type(user.get("number")) is int, user)
    alice.refused("a user who is not", "user_not_found", "user", name=f"nobody-{scene.run}")


def words(scene):
    alice, bob, carol = players = scene.players("alice", "bob", "carol")
    room = scene.room(alice, bob, carol)
    first = alice.took("a message", "send", room=room, text="first")
    check("its place is said", has(first, room=room) and first.get("offset", 0) > 0 and first.get("message_id"), first)
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
    check("an event as the task has it", heard == [{
        "event": "message", "room": room, "message_id": ids[1], "by": bob.name, "text": ODD_TEXT,
        "offset": more[0].get("offset")}], heard)
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
        check("rooms: with whom", has(row, kind="direct", role=None, max_users=None, **{"with": other.name}), row)
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
    def told():
        return [said.get("online") for said in alice.heard("presence", user=carol.name)]
    check.until("still away, and says so again", lambda: told()[-1:] == [False], told)
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
    without = alice.took("something is said without her", "send", room=room, text="without her").get("message_id")
    alice.took("carol is invited", "invite", room=room, user=carol.name)
    carol.hears("she has the room", "got", times=2, room=room)
    carol.took("and joins", "join", room=room)
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
    # What was said just before one belonged may come, too.
    carol.hears_messages("carol's messages", room, hers, [without])


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
            do, more = (("edit", {"text": f"edited {place}"}), ("delete", {}),
                        ("react", {"emoji": "👀", "on": True}))[at % 3 if place % 2 else (at + 1) % 3]
            changes.append((alice, alice.say(do, message_id=ids[place], **more)))
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
