#!/usr/bin/env python3
"""The Python client of examples/native.py, told by lines and answering by lines, so that lines.py can judge it, and be
judged by it. With `--wrong KIND` it does one thing wrong, which lines.py has to notice: see WRONG.

  tests/native/spoken.py [--wrong KIND] URL TOKEN
"""
import asyncio
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "examples"))
from native import AGAIN, Client, Refused  # noqa: E402

# What is done wrong, and the scenario that has to notice it.
WRONG = {
    "doubled": ("cuts", "every fifth message event comes twice"),
    "swallowed": ("cuts", "every fifth message event does not come"),
    "forgotten": ("away", "an edit that was missed is not caught up with"),
    "undropped": ("words", "a reaction that is taken back stays"),
    "silent": ("cuts", "a send that was given while away gets no line"),
    "twice": ("lost", "a send whose answer was lost is sent as a new one"),
    "unsure": ("lost", "a deletion whose answer was lost is refused when tried again"),
    "polite": ("moderation", "who was put out of a room keeps it"),
    "unaware": ("fresh", "a refused resume is not told"),
    "short": ("load", "only the newest page of a room is loaded"),
    "brief": ("heavy", "a page with less than its limit is taken for the last one"),
    "stubborn": ("tokens", "a token that was refused is used all the same"),
}


class Spoken(Client):
    def __init__(self, url, token, wrong):
        super().__init__(url, token, self.hear, self.another_token)
        self.wrong, self.mine, self.marks, self.deleted = wrong, set(), {}, {}
        self.resumes, self.refusals, self.caught_up, self.messages = 0, [], True, 0
        self.next_token, self.ended, self.is_away = None, False, False

    def put(self, **line):
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    # ---- what happens

    def _take(self, frame):
        data = frame.get("data", {})
        if frame["type"] == "hello":
            self.caught_up = False
            if data.get("resumed"):
                self.resumes += 1
            elif data.get("resumed") is False and self.cursor:
                self.refusals.append(data.get("reason"))
                self.marks.clear()
                if self.wrong != "unaware":
                    self.put(event="lost")
        if self.wrong == "forgotten" and frame["type"] == "edited" and not self.caught_up:
            return
        if self.wrong == "undropped" and frame["type"] == "reaction" and not data["on"]:
            return
        if self.wrong == "polite" and frame["type"] == "removed":
            return
        super()._take(frame)

    async def _settle(self):
        self.caught_up = True
        await super()._settle()
        if self.is_away:
            self._spawn(self.presence(False))
        self.tell_rooms()
        self.put(event="live")

    def tell_rooms(self):
        """Which rooms are ours is told as it changes."""
        now = set(self.rooms)
        for event, rooms in (("gone", self.mine - now), ("got", now - self.mine)):
            for room in rooms:
                self.put(event=event, room=room)
        self.mine = now

    def hear(self, _, type, data):
        self.tell_rooms()
        room, user = data.get("room_id"), data.get("user", {}).get("id")
        if type == "message":
            self.messages += 1
            times = 1 if self.messages % 5 else {"doubled": 2, "swallowed": 0}.get(self.wrong, 1)
            for _ in range(times):
                self.put(event="message", room=room, message_id=data["message_id"], by=data["by"]["id"],
                         text=data["content"], offset=data["offset"])
        elif type == "deleted":
            self.deleted[data["message_id"]] = data["offset"]
        elif type == "typing":
            self.put(event="typing", room=room, user=user, on=data["on"])
        elif type == "here":
            self.put(event="here", room=room, user=user, here=data["here"])
        elif type == "presence":
            self.put(event="presence", user=user, online=data["online"])
        elif type == "receipt" and "offset" in data:
            if data["kind"] == "read":
                self.marked(room, user, data["offset"])
            self.put(event="receipt", room=room, user=user, kind=data["kind"], offset=data["offset"])

    def marked(self, room, user, offset):
        marks = self.marks.setdefault(room, {})
        marks[user] = max(offset, marks.get(user, 0))

    async def another_token(self):
        self.put(event="ended", code=4401)
        self.ended, self.next_token = True, asyncio.get_running_loop().create_future()
        token = await self.next_token
        self.ended = False
        return token

    # ---- commands

    async def obey(self, command):
        number, what = command.pop("n"), command.pop("do")
        was_ready = self.ready.is_set()
        try:
            answer = await getattr(self, f"do_{what}")(**command)
        except Refused as refusal:
            self.put(n=number, ok=False, code=refusal.code)
        else:
            self.tell_rooms()
            if not (self.wrong == "silent" and what == "send" and not was_ready):
                self.put(n=number, ok=True, **(answer or {}))

    async def surely(self, ask, *arguments, **more):
        """Asks again for as long as connections break and the server can't just now."""
        while True:
            await self.ready.wait()
            try:
                return await ask(*arguments, **more)
            except ConnectionError:
                await asyncio.sleep(0)
            except Refused as refusal:
                if refusal.code not in AGAIN:
                    raise
                await asyncio.sleep(refusal.retry_after)

    async def do_create_room(self, title, kind, **more):
        return {"room": await self.surely(self.create_room, title, kind, **more)}

    async def do_join(self, room):
        await self.surely(self.join, room)

    async def do_leave(self, room):
        await self.surely(self.leave, room)

    async def do_send(self, text, room=None, to=None, reply_to=None):
        where = {"room_id": room, "to": to, "reply_to": reply_to}
        where = {key: value for key, value in where.items() if value is not None}
        if self.wrong == "twice":
            ack = await self.surely(lambda: self.ask("send", content=text, client_id=os.urandom(8).hex(), **where))
        else:
            ack = await self.send(text, **where)
        return {"room": ack["room_id"], "message_id": ack["message_id"], "offset": ack["offset"]}

    async def do_edit(self, message_id, text):
        return {"offset": (await self.surely(self.edit, message_id, text))["offset"]}

    async def do_delete(self, message_id):
        tries = 0

        async def once():
            nonlocal tries
            tries += 1
            return (await self.delete(message_id))["offset"]
        try:
            return {"offset": await self.surely(once)}
        except Refused as refusal:
            # Ours was done, only its answer was lost; all that happened meanwhile was told before `live`.
            if refusal.code == "message_not_found" and tries > 1 and self.wrong != "unsure":
                if message_id in self.deleted:
                    return {"offset": self.deleted[message_id]}
            raise

    async def do_react(self, message_id, emoji, on):
        return {"offset": (await self.surely(self.react, message_id, emoji, on))["offset"]}

    async def do_typing(self, room, on):
        await self.surely(self.typing, room, on)

    async def do_mark(self, room, offset):
        await self.surely(self.mark_read, room, offset)

    async def do_moderate(self, what, room, user, **more):
        await self.surely(self.moderate, what, room, user, **more)

    async def do_rooms(self):
        rooms = (await self.surely(self.ask, "rooms"))["rooms"]
        keys = "id", "kind", "title", "role", "unread", "mentions", "muted", "max_users"
        return {"rooms": [{**{key: room[key] for key in keys if key in room},
                           **({"with": room["with"]["id"]} if "with" in room else {})} for room in rooms]}

    async def do_public_rooms(self):
        rooms = (await self.surely(self.ask, "public_rooms"))["rooms"]
        return {"rooms": [{key: room[key] for key in ("id", "title", "present")} for room in rooms]}

    async def do_members(self, room):
        members = await self.surely(self.members, room)
        for id, member in members.items():
            self.marked(room, id, member.get("read", {}).get("offset", 0))
        return {"members": [{"id": id, "role": member["role"], "status": member["status"], "muted": member["muted"],
                             "online": member["online"], "read": member.get("read", {}).get("offset", 0),
                             "delivered": member.get("delivered", {}).get("offset", 0)}
                            for id, member in members.items()]}

    async def do_online(self):
        return {"users": sorted(await self.surely(self.online))}

    async def do_user(self, name):
        user = (await self.surely(self.ask, "user", name=name))["user"]
        return {"id": user["id"], "number": user["number"]}

    async def do_away(self, away):
        self.is_away = away
        await self.surely(self.presence, not away)

    async def do_load(self, room):
        before, total = {}, None
        while True:
            answer = await self.surely(self.history, room, limit=200, **before)
            total = answer["total"] if total is None else total
            messages = answer["messages"]
            if not messages or self.wrong == "short" or self.wrong == "brief" and len(messages) < 200:
                break
            before = {"before": messages[0]["offset"]}
        return {"total": total, "loaded": len(self.rooms.get(room, {}).get("messages", {}))}

    async def do_view(self, room):
        messages = self.rooms.get(room, {}).get("messages", {})
        return {"known": room in self.rooms, "messages": [self.shown(room, messages[at]) for at in sorted(messages)]}

    def shown(self, room, message):
        by, offset = message["by"]["id"], message["offset"]
        seen = [user for user, mark in self.marks.get(room, {}).items()
                if mark >= offset and user not in (by, self.user["id"])]
        reply = {"reply_to": message["reply_to"]} if "reply_to" in message else {}
        return {"offset": offset, "message_id": message["message_id"], "by": by, "text": message["content"],
                "edited": "edited_at" in message, **reply, "seen": sorted(seen),
                "reactions": {one["emoji"]: sorted(one["users"]) for one in message.get("reactions", [])}}

    async def do_auth(self, token):
        if self.wrong == "stubborn":
            self.token = token
        if not self.ended:
            await self.surely(self.renew, token)
        elif not self.next_token.done():
            self.next_token.set_result(token)
            await self.ready.wait()
        return {"id": self.user["id"]}

    async def do_cut(self):
        self.cut()

    async def do_status(self):
        return {"connected": self.ready.is_set(), "user": self.user and self.user["id"], "cursor": self.cursor,
                "outbox": len(self.outbox), "resumes": self.resumes, "refused": self.refusals}


for verb in ("invite", "kick", "ban", "unban", "mute", "unmute", "role"):
    setattr(Spoken, f"do_{verb}", lambda self, verb=verb, **more: self.do_moderate(verb, **more))


async def main(wrong, url, token):
    client = Spoken(url, token, wrong)
    starting = asyncio.create_task(client.start())
    reader, tasks = asyncio.StreamReader(limit=1 << 24), set()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        task = asyncio.create_task(client.obey(json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    for task in [starting, *tasks]:
        task.cancel()
    await client.stop()


if __name__ == "__main__":
    chosen = sys.argv[2] if sys.argv[1] == "--wrong" else None
    asyncio.run(main(chosen, *sys.argv[-2:]))
