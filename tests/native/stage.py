"""What a scene of lines.py has: a server of its own, who plays there, and what one asks of them again and again."""
import time
import uuid

from players import BACK_S, Player, Truth, check
from server import Server

UNLIMITED = {"MAX_MESSAGES_PER_MIN": "0", "CHAT_MAX_ROOMS_PER_USER": "0"}
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
        end = time.monotonic() + BACK_S
        for player in made:
            if not player.comes_back(f"{player.name} connects", 0, max(1, end - time.monotonic())):
                player.missed += 4      # Who never came is asked all the same, but not waited for.
        return made

    def end(self):
        for player in self.all:
            player.close()
        check("the server is up in the end", self.server.is_up(), self.server.trouble())

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
