"""The clients that lines.py has play: one process each, told by lines and heard by lines; what the server itself says
of a room, to compare with; and the checks, counted. Nothing in here knows a scene."""
import collections
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from between import Between  # noqa: E402
from wire import TEXT, Client, frame  # noqa: E402

PATIENCE_S = float(os.environ.get("LINES_PATIENCE_S", 15))
BACK_S = PATIENCE_S + 25    # Coming back may wait up to 30 s, as the page has it.
# Who has left us without a line so often is waited for so long at most; else a mute client would take hours.
PATIENCE_LEFT_S = ((20, 0.05), (4, 1))
VAIN_MAX = 6                # So many waits of a scene are given their time, whatever they are for.


class Checks:
    def __init__(self):
        self.held, self.failed = 0, []
        self.begin("")

    def begin(self, scene):
        self.scene, self.vain = scene, 0

    def __call__(self, what, holds, seen=""):
        if holds:
            self.held += 1
        else:
            self.failed.append(what)
            print(f"FAILED: {self.scene}: {what}: {str(seen)[:600]}", flush=True)
        return bool(holds)

    def until(self, what, condition, seen=lambda: "", seconds=PATIENCE_S):
        if self.vain >= VAIN_MAX:
            seconds = min(seconds, 3)
        end = time.monotonic() + seconds
        while not (holds := condition()) and time.monotonic() < end:
            time.sleep(0.05)
        self.vain += not holds
        return self(what, holds, "" if holds else f"waited for in vain; {seen()}")


check = Checks()


class Player:
    """A client under test. `between` is what it connects through, where a test wants to break its connection."""

    def __init__(self, command, port, name, token=None, through=False):
        self.name, self.between = name, Between(port) if through else None
        self.number, self.missed, self.dead = 0, 0, False
        self.answers, self.events, self.noise = collections.defaultdict(list), [], []
        self.asked, self.changed = {}, threading.Condition()
        self.stderr, self.to_say = tempfile.TemporaryFile(), queue.Queue()
        url = f"ws://localhost:{self.between.port if through else port}/ws/chat"
        self.process = subprocess.Popen([*command, url, token or name], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.stderr, env={**os.environ, "LC_ALL": "C.UTF-8"})
        for work in (self._listen, self._speak):
            threading.Thread(target=work, daemon=True).start()

    def _speak(self):
        """By a thread of its own: a client that does not read must not stop the others."""
        try:
            while line := self.to_say.get():
                self.process.stdin.write(line)
                self.process.stdin.flush()
            self.process.stdin.close()
        except OSError:
            pass

    def _listen(self):
        for line in self.process.stdout:
            try:
                said = json.loads(line)
                kind = next((key for key, type in (("n", (int, float)), ("event", str))
                             if isinstance(said.get(key), type)), None)
            except (ValueError, AttributeError):
                said, kind = line, None
            with self.changed:
                if kind == "n":
                    self.answers[said["n"]].append(said)
                elif kind == "event":
                    self.events.append(said)
                else:
                    self.noise.append(said)
                self.changed.notify_all()
        with self.changed:
            self.dead = True
            self.changed.notify_all()

    def say(self, do, **more):
        """Gives a command and does not wait."""
        self.number += 1
        self.asked[self.number] = {"do": do, **more}
        self.to_say.put(json.dumps({"n": self.number, "do": do, **more}).encode() + b"\n")
        return self.number

    def patience(self, seconds):
        if self.dead:
            return 0
        return next((min(left, seconds) for missed, left in PATIENCE_LEFT_S if self.missed >= missed), seconds)

    def answer(self, number, seconds=PATIENCE_S):
        with self.changed:
            self.changed.wait_for(lambda: self.answers[number] or self.dead, self.patience(seconds))
            if not self.answers[number]:
                self.missed += 1
                return {"nothing": "no line came", "to": str(self.asked[number])[:100], **self.trouble()}
            return self.answers[number][0]

    def do(self, do, **more):
        return self.answer(self.say(do, **more))

    def trouble(self):
        if not self.dead:
            return {}
        self.stderr.seek(0)
        return {"dead": self.process.poll(), "stderr": self.stderr.read()[-400:].decode(errors="replace")}

    def heard(self, event, **wanted):
        with self.changed:
            return [said for said in self.events if said["event"] == event
                    and all(said.get(key) == value for key, value in wanted.items())]

    # ---- what one waits for

    def hears(self, what, event, times=1, **wanted):
        return check.until(what, lambda: len(self.heard(event, **wanted)) >= times,
                           lambda: f"{self.name} heard {self.events[-3:]} {self.trouble()}", self.patience(PATIENCE_S))

    def took(self, what, do, **more):
        """The command is done; gives the answer."""
        answer = self.do(do, **more)
        check(what, answer.get("ok") is True, answer)
        return answer

    def refused(self, what, code, do, **more):
        answer = self.do(do, **more)
        codes = (code,) if isinstance(code, str) else code
        check(what, answer.get("ok") is False and answer.get("code") in codes, answer)

    def lives(self):
        """Connected, caught up, with nothing left to send. How many `live` there were is for `comes_back`."""
        status = self.do("status")
        return status.get("connected") is True and status.get("outbox") == 0

    def comes_back(self, what, lives_before, seconds=BACK_S):
        is_back = check.until(what, lambda: len(self.heard("live")) > lives_before and self.lives(),
                              lambda: f"{self.do('status')} {self.trouble()}", self.patience(seconds))
        self.missed += not is_back
        return is_back

    def lived(self):
        return len(self.heard("live"))

    # ---- what it believes

    def view(self, room):
        answer = self.do("view", room=room)
        return [plain(message) for message in answer.get("messages") or []] if answer.get("ok") else answer

    def sees(self, what, room, truth):
        """Its view is, or becomes, what the server has."""
        check.until(what, lambda: self.view(room) == truth,
                    lambda: f"{self.name} differs from the server: {difference(self.view(room), truth)}",
                    self.patience(PATIENCE_S))

    def hears_messages(self, what, room, must, may=()):
        """`must` came as events, each once and in this order; of others only `may`."""
        def ids():
            return [said.get("message_id") for said in self.heard("message", room=room)]
        complete = check.until(f"{what}: none is missing", lambda: set(must) <= set(ids()),
                               lambda: f"missing {[one for one in must if one not in ids()]}",
                               self.patience(PATIENCE_S))
        seen = ids()
        check(f"{what}: none is doubled", len(set(seen)) == len(seen),
              [one for one, times in collections.Counter(seen).items() if times > 1])
        check(f"{what}: none is of elsewhere", set(seen) <= {*must, *may}, set(seen) - {*must, *may})
        if complete:
            check(f"{what}: in order", list(dict.fromkeys(one for one in seen if one in set(must))) == list(must), seen)

    def close(self):
        """What holds for every client, whatever it played."""
        for number in self.asked:
            if not self.dead and not self.answers[number]:
                self.answer(number)
        odd = {number: len(self.answers[number]) for number in self.asked if len(self.answers[number]) != 1}
        check(f"{self.name}: one line for every command", not odd and set(self.answers) <= set(self.asked),
              [(times, self.asked[number]) for number, times in list(odd.items())[:5]])
        check(f"{self.name}: nothing but such lines on stdout", not self.noise, self.noise[:3])
        check(f"{self.name}: lives until then", self.process.poll() is None, self.trouble())
        self.to_say.put(None)
        try:
            self.process.wait(PATIENCE_S)
            check(f"{self.name}: ends with its stdin", True)
        except subprocess.TimeoutExpired:
            check(f"{self.name}: ends with its stdin", False, self.trouble())
            self.process.kill()
            self.process.wait()
        if self.between:
            self.between.close()


def plain(message):
    """A message of a view, without what the views of two people may differ in."""
    kept = {key: message.get(key) for key in ("offset", "message_id", "by", "text", "reply_to")}
    reactions = {emoji: sorted(who) for emoji, who in (message.get("reactions") or {}).items()}
    return {**kept, "edited": bool(message.get("edited")), "reactions": reactions}


def difference(one, other):
    if not isinstance(one, list):
        return one
    mine, others = ({message["offset"]: message for message in view} for view in (one, other))
    if len(mine) != len(one):
        return f"{len(one) - len(mine)} messages are there twice"
    for offset in sorted(mine.keys() | others.keys()):
        if mine.get(offset) != others.get(offset):
            return f"at {offset}: {str(mine.get(offset))[:250]}, not {str(others.get(offset))[:250]}"
    return "nothing but its order"


class Truth:
    """A plain socket that asks the server itself."""

    def __init__(self, port, token):
        self.client, self.number = Client(port, f"/ws/chat?token={token}"), 0
        self.user = self.ask("hello", version=1)["user"]

    def ask(self, type, **data):
        self.number += 1
        id = f"truth-{self.number}"
        mark = f'"id":"{id}"'.encode()
        request = frame(json.dumps({"type": type, "id": id, "data": data}).encode())
        frames, _ = self.client.pour(request, PATIENCE_S, lambda frames: any(mark in text for _, text in frames))
        return next(json.loads(text)["data"] for opcode, text in frames if opcode == TEXT and mark in text)

    def history(self, room):
        messages = []
        while page := self.ask("history", room_id=room, limit=200,
                               after=messages[-1]["offset"] if messages else 0)["messages"]:
            messages += page
        return messages

    def view(self, room):
        return [plain({**message, "by": message["by"]["id"], "text": message["content"],
                       "edited": "edited_at" in message,
                       "reactions": {one["emoji"]: one["users"] for one in message.get("reactions", [])}})
                for message in self.history(room)]
