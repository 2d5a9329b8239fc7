"""T15 and T14: those on the socketio door who begin something and leave it, and what becomes of them in time; and those who
talk there meanwhile."""
import time

import engine
import wire
from engine import UNKNOWN, Http, Polling, Socket, event
from server import Server

ABANDONED = 2000
AGAIN_MAX = 4 << 20
SLACK_S = 2
HEALTH_MAX_S = 0.1


class Waits:
    """Begun before everything else, judged behind it. With `long`, pings that nobody answers are waited for, too."""

    def __init__(self, port, long):
        self.port, self.long, self.begun = port, long, time.monotonic()
        self.silent = Socket(port)
        self.nobody = Socket(port)
        self.nobody.connect()
        self.half = Socket(port)
        self.half.become("half")
        self.half.tell('451-["x",{"_placeholder":true,"num":0}]')
        self.probed = Polling(port)
        self.probed.connect(event("authenticate", {"userId": "probed"}))
        self.probe = self.probed.upgrade()
        self.probe.tell("2probe")
        self.dead = wire.Client(port, f"{engine.PATH}?{engine.SOCKET}")
        self.dead.pour(engine.framed("40") + engine.framed(event("authenticate", {"userId": "dead"})), 1,
                       lambda frames: len(frames) == 3)
        self.left = Server()  # Of its own, so that only they cost anything there.
        self.abandoned = self.abandon()

    def abandon(self):
        http = Http(self.left.port)
        sessions = [Polling(self.port, http) for _ in range(ABANDONED)]
        http.end()
        return sessions

    def judge(self, report):
        for what, threat, client, seconds, said, closed in [
            ("a probe that is never finished", "T15", self.probe, 10, ["3probe"], 1000),
            ("a socket that never connects", "T15", self.silent, 10, None, 1000),
            ("a socket that never authenticates", "T15", self.nobody, 30, ["41"], 1000),
            ("half a packet", "T15", self.half, 30, [], 1002),
            *([("a socket that answers no ping", "T14", self.dead, 45, ["2"], 1000)] if self.long else []),
        ]:
            frames, _ = client.pour(b"", max(0.1, self.begun + seconds + SLACK_S - time.monotonic()))
            seen = engine.texts(frames)
            report.check(threat, f"socketio: {what} is closed with {closed} within {seconds} s",
                         client.closed == closed and said in (None, seen), (client.closed, client.reason, seen))
            if client is self.probe:
                self.probed.http = Http(self.port)  # The one that it had was idle for too long.
                report.check("T15", "socketio: the session whose probe was not finished lives", self.probed.lives())
            client.end()
        http = Http(self.left.port)
        seen = {http.ask(engine.request("GET", session.target)) for session in self.abandoned}
        report.check("T15", f"socketio: {ABANDONED} sessions that nobody polled are gone", seen == {UNKNOWN}, seen)
        with self.left as server:
            before = server.memory("VmRSS")
            again = self.abandon()
            grown = server.memory("VmRSS") - before
        report.check("T15", f"socketio: their memory serves {ABANDONED} others", grown <= AGAIN_MAX and all(
            session.sid for session in again), grown)


class Company:
    """Somebody talks on the socketio door and is heard there, on a socket and by polls, and on the rooms door."""

    def __init__(self, port, room):
        self.room, self.said = room, 0
        self.talker, self.socket = Socket(port), Socket(port)
        self.talker.become("company-talker")
        self.polling = Polling(port)
        self.socket.become("company-socket", room)
        self.polling.connect(event("authenticate", {"userId": "company-poller"}), event("join_room", {"roomId": room}))
        self.rooms = wire.Client(port, wire.rooms("company-rooms", room))
        self.rooms.pour(b"", 0.1)

    def judge(self, server, report, what):
        """After an attack the server is up, health answers at once, and nothing that is said is lost."""
        self.polling.http = Http(self.polling.port)
        words = [f"company {self.said + n}" for n in range(3)]
        self.said += 3
        asked = [event("send_message", {"room_id": self.room, "content": word}, ack=str(n)) for n, word in enumerate(words)]

        def heard(texts):
            return [word for text in texts for word in [text.partition('"company ')[2].partition('"')[0]] if word]
        wanted = [word[8:] for word in words]
        self.talker.ask_for(asked, lambda seen: sum(text.startswith("43") for text in seen) == 3)
        polled = self.polling.packets(lambda seen: len(heard(seen)) >= 3)
        socket = self.socket.ask_for([], lambda seen: len(heard(seen)) >= 3)
        rooms, _ = self.rooms.pour(b"", 5, lambda frames: len(heard(engine.texts(frames))) >= 3)
        seen = heard(socket), heard(polled), heard(engine.texts(rooms))
        report.check("T15", f"after {what} all that is said is heard, in order", seen == (wanted,) * 3, (seen, wanted))
        health = server.health_s()
        report.check("T15", f"after {what} health answers within 100 ms", health < HEALTH_MAX_S, health)
