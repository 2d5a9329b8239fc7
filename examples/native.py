#!/usr/bin/env python3
"""native: the whole native tongue over one WebSocket, with retries, resuming and a view that is kept up to date.

Written from the protocol's page alone, crates/dialects/src/chat/native/PROTOCOL.md. It needs Debian's
python3-websockets, or `pip install websockets`. python3 native.py [user] [room]
"""
import asyncio
import collections
import json
import os
import random
import sys
import urllib.parse
import uuid

import websockets

SERVER = os.environ.get("SWITCHBOARD_URL", "http://localhost:8000")
QUIET_S = 60
AGAIN = {"busy", "contended", "unavailable", "storage_full", "outcome_unknown", "rate_limited"}
CHANGES = {"edited", "deleted", "reaction"}


class Refused(Exception):
    """The server's answer was an error."""

    def __init__(self, data):
        super().__init__(f"{data.get('code')}: {data.get('message')}")
        self.code, self.retry_after = data.get("code"), data.get("retry_after_ms", 1000) / 1000


class Client:
    """One user's connection, made again whenever it is lost, and what there is to see in that user's rooms.

    `rooms` maps a room's id to the server's ROOM, with `messages` by offset. `heard(client, type, data)` is called
    for everything that happens, after it has been put into `rooms`. `fresh_token()` is asked when a token has ended.
    """

    def __init__(self, url, token, heard=None, fresh_token=None):
        self.url, self.token, self.heard, self.fresh_token = url, token, heard, fresh_token
        self.rooms, self.cursor, self.user, self.hello = {}, None, None, None
        self.outbox = {}                                # client_id -> (what to send, a future for its ack)
        self.asked, self.number = {}, 0                 # id -> a future for the answer
        self.changes = collections.deque(maxlen=1000)   # (number, type, data) of the latest changes to messages
        self.heartbeats, self.changed, self.closed_with, self.wait = 0, 0, None, 0.5
        self.ready = asyncio.Event()                    # set while live, rooms known and outbox sent
        self.may_connect = asyncio.Event()              # cleared: stay away
        self.may_connect.set()
        self.ws, self.tasks, self.runner = None, set(), None

    # ---- the connection

    async def start(self):
        self.runner = asyncio.create_task(self._run())
        ready = asyncio.create_task(self.ready.wait())
        await asyncio.wait({self.runner, ready}, return_when=asyncio.FIRST_COMPLETED)
        if self.runner.done():
            ready.cancel()
            self.runner.result()
        return self

    async def stop(self):
        for task in [self.runner, *self.tasks]:
            task.cancel()
        await asyncio.gather(self.runner, *self.tasks, return_exceptions=True)

    def cut(self):
        """Lose the connection, without a goodbye."""
        self.ready.clear()
        if self.ws:
            self.ws.transport.abort()

    async def _run(self):
        while True:
            await self.may_connect.wait()
            self.closed_with = None
            try:
                await self._session()
            except websockets.exceptions.ConnectionClosed:
                self.closed_with = self.ws.close_code
            except websockets.exceptions.InvalidHandshake as refusal:
                status = getattr(refusal, "status_code", None) or getattr(
                    getattr(refusal, "response", None), "status_code", None)
                if status == 401:
                    self.closed_with = 4401
            except (OSError, asyncio.TimeoutError):
                pass
            finally:
                self.ready.clear()
                self.ws = None
                for future in self.asked.values():
                    if not future.done():
                        future.set_exception(ConnectionError("the connection was lost"))
                self.asked.clear()
            if self.closed_with == 4401:
                if not self.fresh_token:
                    raise Refused({"code": "denied", "message": "the token has ended"})
                self.token = await self.fresh_token()
            await asyncio.sleep(self.wait * random.uniform(0.5, 1))
            self.wait = min(self.wait * 2, 30)

    async def _session(self):
        address = f"{self.url}?token={urllib.parse.quote(self.token, safe='')}"
        async with websockets.connect(address, max_size=None, ping_interval=None, open_timeout=30) as ws:
            self.ws = ws
            hello = {"version": 1}
            if self.cursor:
                hello["resume"] = self.cursor
            self._spawn(self.ask("hello", **hello))
            while True:
                silence = asyncio.get_running_loop().call_later(QUIET_S, ws.transport.abort)
                try:
                    frame = await ws.recv()
                finally:
                    silence.cancel()
                self._take(json.loads(frame))

    def _spawn(self, work):
        async def quietly():
            try:
                await work
            except (Refused, ConnectionError, asyncio.TimeoutError):
                pass                                    # the next connection begins anew
        task = asyncio.create_task(quietly())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def tell(self, type, **data):
        await self._write({"type": type, "data": data})

    async def ask(self, type, **data):
        self.number += 1
        id, future = str(self.number), asyncio.get_running_loop().create_future()
        self.asked[id] = future
        try:
            await self._write({"type": type, "id": id, "data": data})
            return await future
        finally:
            self.asked.pop(id, None)

    async def _write(self, frame):
        if not self.ws:
            raise ConnectionError("not connected")
        try:
            await self.ws.send(json.dumps(frame))
        except websockets.exceptions.ConnectionClosed as closed:
            raise ConnectionError("the connection was lost") from closed

    # ---- what comes in

    def _take(self, frame):
        type, data, id = frame["type"], frame.get("data", {}), frame.get("id")
        if type == "hello":
            self.user, self.hello = data["user"], data
            if data.get("resumed") is False and self.cursor:
                self.rooms.clear()
        if "cursor" in data and (id is None or type == "hello"):
            self.cursor = data["cursor"]                # an answer's names a place, before or behind what was told
        future = self.asked.get(id)
        if future and not future.done():
            if type == "error":
                future.set_exception(Refused(data))
            else:
                future.set_result(data)
        if id is not None:
            return
        if type == "live":
            self._spawn(self._settle())
        elif type == "heartbeat":
            self.heartbeats += 1
        else:
            self._fold(type, data)
        if self.heard:
            self.heard(self, type, data)

    async def _settle(self):
        """Live: see which rooms are ours, load those that are new, send again what was not acknowledged."""
        known = set(self.rooms)
        listed = {room["id"]: room for room in (await self.ask("rooms"))["rooms"]}
        for id in known - set(listed):
            self.rooms.pop(id, None)
        for id, room in listed.items():
            self._room(id).update(room)
            if id not in known:
                await self._fill(id)
        while self.outbox:                              # more may come in meanwhile
            await self._deliver(next(iter(self.outbox)))
        self.wait = 0.5
        self.ready.set()

    def _room(self, id):
        return self.rooms.setdefault(id, {"id": id, "messages": {}})

    def _fold(self, type, data):
        id = data.get("room_id")
        if type in ("member", "removed") and data["user_id"] == self.user["id"]:
            if type == "removed" or data["status"] != "active":
                self.rooms.pop(id, None)
                return
        if "offset" in data and "seq" in data:
            if id not in self.rooms:
                self._spawn(self._learn(id))
            room = self._room(id)
            room["head"] = {"offset": data["offset"], "seq": data["seq"]}
            if type == "message":
                room["messages"][data["offset"]] = dict(data)
            elif type in ("room_made", "retitled"):
                room["title"] = data["title"]
            elif type == "member" and data["user_id"] == self.user["id"]:
                room["role"], room["muted"] = data["role"], data["muted"]
            elif type in CHANGES:
                self.changed += 1
                self.changes.append((self.changed, type, data))
                self._change(type, data)
        elif type == "receipt" and id in self.rooms:
            for offset, message in self.rooms[id]["messages"].items():
                reached = offset <= data.get("offset", 0) or message["message_id"] in data.get("message_ids", [])
                if reached and message["by"]["id"] != data["user"]["id"]:
                    message[data["kind"]] = True

    def _change(self, type, data):
        messages = self.rooms.get(data["room_id"], {}).get("messages", {})
        message = messages.get(data["of"])
        if message is None:
            return
        if type == "deleted":
            del messages[data["of"]]
        elif type == "edited":
            message["content"], message["edited_at"] = data["content"], data["at"]
        else:
            reactions = message.setdefault("reactions", [])
            entry = next((r for r in reactions if r["emoji"] == data["emoji"]), None)
            if data["on"] and entry is None:
                entry = {"emoji": data["emoji"], "count": 0, "users": []}
                reactions.append(entry)
            who = data["by"]["number"]
            if data["on"] and who not in entry["users"]:
                entry["users"].append(who)
                entry["count"] += 1
            elif not data["on"] and entry and who in entry["users"]:
                entry["users"].remove(who)
                entry["count"] -= 1
                if not entry["count"]:
                    reactions.remove(entry)
            if not reactions:
                del message["reactions"]

    def _keep(self, room_id, messages, since):
        """Put loaded messages in, then once more what changed while the answer was on its way."""
        if room_id not in self.rooms:
            return
        for message in messages:
            self.rooms[room_id]["messages"][message["offset"]] = message
        for number, type, data in self.changes:
            if number > since and data["room_id"] == room_id:
                self._change(type, data)

    async def _learn(self, room_id):
        room = (await self.ask("room", room_id=room_id))["room"]
        if room_id in self.rooms:
            self.rooms[room_id].update(room)
            await self._fill(room_id)

    async def _fill(self, room_id):
        before = {}
        while True:
            messages = (await self.history(room_id, limit=200, **before))["messages"]
            if not messages:
                return
            before = {"before": messages[0]["offset"]}

    # ---- what one can do

    async def history(self, room_id, **which):
        since = self.changed
        answer = await self.ask("history", room_id=room_id, **which)
        self._keep(room_id, answer["messages"], since)
        return answer

    async def create_room(self, title, kind="public", **more):
        room = (await self.ask("create_room", title=title, kind=kind, **more))["room"]
        self._room(room["id"]).update(room)
        return room["id"]

    async def join(self, room_id, history=50):
        since = self.changed
        answer = await self.ask("join", room_id=room_id, history=history)
        if room_id not in self.rooms:
            self._room(room_id)
            self._spawn(self._learn(room_id))
        self._keep(room_id, answer["messages"], since)
        return answer["messages"]

    async def leave(self, room_id):
        await self.ask("leave", room_id=room_id)

    async def send(self, content, client_id=None, **where):
        """Say something in a room (room_id=) or to somebody (to=). Comes back with the ack, however long it takes."""
        client_id, done = client_id or uuid.uuid4().hex, asyncio.get_running_loop().create_future()
        self.outbox[client_id] = ({"content": content, "client_id": client_id, **where}, done)
        if self.ready.is_set():
            self._spawn(self._deliver(client_id))
        return await done

    async def _deliver(self, client_id):
        while client_id in self.outbox:
            data, done = self.outbox[client_id]
            try:
                ack = await self.ask("send", **data)
            except Refused as refusal:
                if refusal.code in AGAIN:
                    await asyncio.sleep(refusal.retry_after)
                    continue
                self.outbox.pop(client_id, None)
                if not done.done():
                    done.set_exception(refusal)
            else:
                self.outbox.pop(client_id, None)
                if not done.done():
                    done.set_result(ack)

    async def edit(self, message_id, content):
        return await self.ask("edit", message_id=message_id, content=content)

    async def delete(self, message_id):
        return await self.ask("delete", message_id=message_id)

    async def react(self, message_id, emoji, on=True):
        return await self.ask("react", message_id=message_id, emoji=emoji, on=on)

    async def typing(self, room_id, on=True):
        await self.tell("typing", room_id=room_id, on=on)

    async def mark_read(self, room_id, offset):
        await self.ask("mark", room_id=room_id, kind="read", offset=offset)

    async def members(self, room_id):
        return {m["user"]["id"]: m for m in (await self.ask("members", room_id=room_id))["members"]}

    async def online(self):
        return {user["id"] for user in (await self.ask("online"))["users"]}

    async def presence(self, online):
        await self.ask("presence", online=online)

    async def moderate(self, what, room_id, user_id, **more):
        """`what`: invite, kick, ban, unban, mute, unmute, or role with role=."""
        await self.ask(what, room_id=room_id, user_id=user_id, **more)

    async def renew(self, token):
        await self.ask("auth", token=token)
        self.token = token


async def main(user="alice", title="lobby-native"):
    def heard(client, type, data):
        who = (data.get("by") or data.get("user") or {}).get("name", "")
        shown = "content", "of", "emoji", "on", "user_id", "role", "status", "online", "here", "offset"
        what = {key: data[key] for key in shown if key in data}
        print(f"{type:10} {who:10} {what}", flush=True)

    client = await Client(SERVER.replace("http", "ws", 1) + "/ws/chat", user, heard).start()
    found = [room["id"] for room in (await client.ask("public_rooms"))["rooms"] if room["title"] == title]
    room = found[0] if found else await client.create_room(title)
    for message in await client.join(room, history=20):
        print(f"{'before':10} {message['by']['name']:10} {message['content']}")
    # With its client_id it is sent again after a broken connection, and kept once.
    ack = await client.send("Hello from native", room_id=room)
    print(f"kept at {ack['offset']}; what you type is said in {title}, an empty line ends", flush=True)
    while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
        await client.send(line, room_id=room)
    await client.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
