"""What strace saw of a server, and what follows from it. `strace -f -y -o FILE` writes a line when a call begins and when
it ends, in the order in which it held the threads up: a call that begins below the end of another began after it."""
import re

CALL = re.compile(r"^(\d+) +[\d.]+ (\w+)\((.*)$")
RESUMED = re.compile(r"^(\d+) +[\d.]+ <\.\.\. (\w+) resumed>(.*)$")
RESULT = re.compile(r"\) += +(-?\d+)[^()]*(?:\([^)]*\))?$")
SOCKET = re.compile(r"^\d+<(?:socket|TCP[^:]*|UNIX[^:]*):\[([^\]]+)\]>")
ACK = re.compile(r'\\"type\\":\\"ack\\",\\"client_id\\":\\"(sync-\d+-\d+-)\\"')
CLIENT_ID = re.compile(r"sync-\d+-\d+-")
CUT = re.compile(r'"\.\.\.(?:,|$)')
WAL = "/log.db-wal>"
TRACED = "fsync,fdatasync,pwrite64,pwritev,write,writev,sendto,sendmsg,epoll_wait,epoll_pwait,epoll_pwait2"
SYNCS, TO_FILES = ("fsync", "fdatasync"), ("pwrite64", "pwritev", "write", "writev")
TO_SOCKETS, WAITS = ("sendto", "sendmsg", "write", "writev"), ("epoll_wait", "epoll_pwait", "epoll_pwait2")
WRONG_SHOWN = 5


class Trace:
    """Reads a trace from its first line to its last, and judges as it goes."""

    def __init__(self):
        self.wrong, self.open = [], {}
        # Client ids by how far they have come: written to the log's WAL, synced with it, acknowledged.
        self.written, self.safe, self.acked = {}, set(), set()
        self.syncs = 0
        # By thread: sockets written to in this turn, turns that wrote, and what was wrong in them.
        self.turn, self.turns, self.crowded = {}, {}, {}
        self.shards = set()

    def read(self, lines):
        for at, line in enumerate(lines):
            if call := CALL.match(line):
                thread, name, rest = call.groups()
                unfinished = rest.endswith("<unfinished ...>")
                begun = self.begin(at, thread, name, rest)
                if unfinished:
                    self.open[thread] = begun
                else:
                    self.end(name, begun, rest)
            elif resumed := RESUMED.match(line):
                thread, name, rest = resumed.groups()
                self.end(name, self.open.pop(thread, (at, "", ())), rest)
        self.finish()
        return self

    def begin(self, at, thread, name, rest):
        ids = ()
        if name in SYNCS:
            # What was written before this began, and only that, is safe when it ends well.
            covers = tuple(self.written) if WAL in rest else ()
            if self.written or self.safe:
                self.syncs += 1
            return at, rest, covers
        if name in WAITS:
            self.turn[thread] = set()
        elif name in TO_SOCKETS and (socket := SOCKET.match(rest)):
            self.said(at, thread, socket.group(1), rest)
        elif name in TO_FILES and WAL in rest.split(",", 1)[0]:
            if CUT.search(rest):
                self.wrong.append(f"line {at + 1}: strace cut a write to the WAL short")
            ids = tuple(CLIENT_ID.findall(rest))
        return at, rest, ids

    def end(self, name, begun, rest):
        result = RESULT.search(rest)
        good = result is not None and int(result.group(1)) >= 0
        if name in SYNCS and good:
            for client_id in begun[2]:
                self.written.pop(client_id, None)
                self.safe.add(client_id)
        elif name in TO_FILES and good:
            for client_id in begun[2]:
                if client_id not in self.safe:
                    self.written.setdefault(client_id, begun[0])

    def said(self, at, thread, socket, rest):
        if CUT.search(rest):
            self.wrong.append(f"line {at + 1}: strace cut a write to a socket short")
        acks = ACK.findall(rest)
        if acks:
            self.shards.add(thread)
        for client_id in acks:
            if client_id not in self.safe:
                how = "written and not synced" if client_id in self.written else "not written"
                self.wrong.append(f"line {at + 1}: {client_id} is acknowledged, and {how}")
            self.acked.add(client_id)
        written = self.turn.setdefault(thread, set())
        if socket in written:
            self.crowded.setdefault(thread, []).append(f"line {at + 1}: a second write to socket {socket} in one turn")
        if not written:
            self.turns[thread] = self.turns.get(thread, 0) + 1
        written.add(socket)

    def finish(self):
        """Turns are the shards' own; other threads write to sockets as they please."""
        for thread in sorted(self.shards):
            self.wrong += self.crowded.get(thread, [])

    def turns_of_shards(self):
        return sum(self.turns.get(thread, 0) for thread in self.shards)

    def judge(self, acks, shards):
        """What is wrong with the run of a server of so many shards whose clients got so many acknowledgements."""
        wrong = self.wrong[:WRONG_SHOWN] + [f"and {len(self.wrong) - WRONG_SHOWN} more"] * (len(self.wrong) > WRONG_SHOWN)
        if len(self.acked) != acks:
            wrong.append(f"{acks} acknowledgements came, {len(self.acked)} are in the trace")
        if self.syncs * 10 > acks:
            wrong.append(f"{self.syncs} syncs for {acks} acknowledgements are more than a tenth")
        if len(self.shards) != shards:
            wrong.append(f"{len(self.shards)} threads acknowledge, and there are {shards} shards")
        return wrong
