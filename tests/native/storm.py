"""Scenes of lines.py in which connections break, answers get lost, the server dies, forgets, or ends one's token."""
import base64
import hashlib
import hmac
import json
import random
import time
import uuid

from players import BACK_S, check
from stage import all_ok, has, my_room, once

SECRET = "a key for tests, of more than 32 bytes"


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
    check("away, and says so", has(status, ok=True, connected=False), status)
    check("two sends wait, at least", status.get("outbox", 0) >= 2, status)
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
    bob.hears_messages("what he missed directly", direct.get("room"),
                       [answer.get("message_id") for answer in (direct, sent[4])])


def cuts(scene):
    alice, bob, carol = players = scene.players("alice", "bob", "carol")
    room = scene.room(alice, bob, carol)
    asked, texts, deleted = [], [], []

    def say(player, text):
        texts.append(text)
        asked.append((player, player.say("send", room=room, text=text)))
    for turn in range(8):
        first = [one.took("a message", "send", room=room, text=f"{one.name} {turn}").get("message_id")
                 for one in players]
        deleted.append(first[2])
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
    check.until("he is back in the end", bob.lives, lambda: bob.do("status"), bob.patience(BACK_S))
    all_ok("what was asked between cuts", asked)
    status = bob.do("status")
    check("he resumed each time", status.get("resumes", 0) >= 4 and status.get("refused") == [], status)
    truth = scene.all_see(room, players, "after eight cuts")
    once("sent between cuts", truth, texts)
    for one in players:
        one.hears_messages(f"{one.name}'s messages", room, [message["message_id"] for message in truth], deleted)


def lost(scene):
    """An answer is lost, or the question: who asks can't know which."""
    alice, bob = scene.players("alice", "bob", through="bob")
    room = scene.room(alice, bob)
    server = scene.truth()
    for way in ("dumb", "deaf"):
        ids = [bob.took("a message", "send", room=room, text=f"{way} {at}").get("message_id") for at in range(4)]
        for do, more in (("send", {"room": room, "text": f"sent while {way}"}),
                         ("send", {"to": alice.name, "text": way}),
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
                  answer.get("ok") is True, answer)
            check(f"{do}: and says its place", answer.get("offset", 0) > 0, answer)
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
        asked = [(bob, bob.say("edit", message_id=ids[0], text=f"edited {turn}")),
                 (bob, bob.say("delete", message_id=ids[1])),
                 (bob, bob.say("react", message_id=ids[2], emoji="👍", on=True))]
        time.sleep(random.choice((0, 0.0005, 0.001, 0.002, 0.004)))
        bob.took("he is cut", "cut")
        all_ok("an edit, a deletion and a reaction, cut off", asked)
        bob.comes_back("he comes back", lived)
    truth = scene.all_see(room, (alice, bob), "after cuts in the middle")
    seen = [(one["text"], one["edited"], list(one["reactions"])) for one in truth]
    check("all was done", seen == [row for turn in range(12) for row in (
        (f"edited {turn}", True, []), (f"{turn}.2", False, ["👍"]))], seen)
    carol, = scene.players("carol")
    carol.took("somebody joins", "join", room=room)
    for _ in range(3):
        lived = carol.lived()
        number = carol.say("load", room=room)
        carol.took("and is cut while loading", "cut")
        check("the load gets its line", "nothing" not in carol.answer(number, BACK_S), carol.answer(number))
        carol.comes_back("she comes back", lived)
    carol.took("and loads", "load", room=room)
    carol.sees("all of it", room, truth)


def killed(scene):
    alice, bob = players = scene.players("alice", "bob")
    room = scene.room(alice, bob)
    texts, deleted = [], []

    def send_all(which):
        return [(one, one.say("send", room=room, text=text)) for one, text in zip(players * len(which), which)]
    for turn in range(3):
        ids = [alice.took("a message", "send", room=room, text=f"{turn}.{at}").get("message_id") for at in range(3)]
        deleted.append(ids[0])
        lived = [one.lived() for one in players]
        more = [[f"{when} {turn}.{at}" for at in range(20)] for when in ("before", "while")]
        texts += more[0] + more[1]
        asked = send_all(more[0])
        asked += [(alice, alice.say("delete", message_id=ids[0]))]
        scene.server.kill()
        asked += send_all(more[1])
        asked += [(alice, alice.say("edit", message_id=ids[1], text=f"edited {turn}")),
                  (bob, bob.say("react", message_id=ids[2], emoji="👍", on=True)),
                  (bob, bob.say("typing", room=room, on=True)), (bob, bob.say("members", room=room))]
        time.sleep(0.5 + turn / 2)
        check("nobody is connected to a dead server", not any(one.do("status").get("connected") for one in players))
        scene.server.start()
        coming = [f"coming {turn}.{at}" for at in range(100)]
        texts += coming
        for at in range(0, len(coming), 2):
            asked += send_all(coming[at:at + 2])    # Also at the very moment of coming back.
            time.sleep(0.04)
        for one, before in zip(players, lived):
            one.comes_back("back after a crash", before)
        all_ok("asked around a crash", asked)
    truth = scene.all_see(room, players, "after crashes")
    once("sent around crashes", truth, texts)
    for one in players:
        one.hears_messages(f"{one.name}'s messages", room, [message["message_id"] for message in truth], deleted)
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
    lives_s = {"alice": 3600, "bob": 26, "erin": 20}  # Longer than any start takes.
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
    check("once, and only that one", [len(one.heard("ended")) for one in (alice, bob, erin)] == [0, 1, 0])
    missed = alice.took("something is said meanwhile", "send", room=room, text="missed").get("message_id")
    asked = [(bob, bob.say("send", room=room, text="waits")),
             (bob, bob.say("react", message_id=missed, emoji="👍", on=True))]
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
