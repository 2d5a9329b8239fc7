"""A disk whose power may be cut. What was synced is there. Of what was not, anything may be: each sector of each write,
each truncation, each name made, moved or removed, for itself. Names count as synced with their directory only."""
import os
import re

SECTOR = 512
CREATES = re.compile(r"O_CREAT")
TRUNCATES = re.compile(r"O_TRUNC")
# Shared memory, not a file: SQLite makes it anew when nobody has it open.
PASSING = "-shm"


class File:
    def __init__(self, content=b""):
        self.synced, self.pending = bytearray(content), []


class Change:
    """Of a file (`offset` and `data`, or `length`) or of a directory (`names` is what it makes of them)."""

    def __init__(self, at, done, **what):
        self.at, self.done, self.what = at, done, what


class Disk:
    """Follows calls below one directory, `root`, which was there before. `deaf` says of which paths syncs do nothing."""

    def __init__(self, root, deaf=lambda path: False):
        self.root, self.deaf = root, deaf
        # By path: what is there now, and what is surely there. Directories have no content.
        self.now, self.synced, self.pending = {}, {}, []
        self.open = {}

    def load(self, top, root):
        """Begins with what is in a directory of the real disk, all of it synced, as if it were `root`."""
        self.now[root] = self.synced[root] = None
        for folder, folders, names in os.walk(top):
            for name in folders + [name for name in names if not name.endswith(PASSING)]:
                path = os.path.join(folder, name)
                content = None
                if name in names:
                    with open(path, "rb") as file:
                        content = File(file.read())
                self.now[root + path[len(top):]] = self.synced[root + path[len(top):]] = content

    def begin(self, at, number, call):
        if call.name in ("pwrite64", "write", "ftruncate", "fsync", "fdatasync"):
            _, path = call.file()
            if path is None or not path.startswith(self.root) or path.endswith(PASSING):
                return
            if call.name in ("fsync", "fdatasync"):
                self.open[number] = path, self.covered(path)
                return
            file = self.now[path]
            if call.name == "ftruncate":
                change = Change(at, False, length=call.number(1))
            elif call.name == "pwrite64":
                change = Change(at, False, offset=call.number(1), data=call.text())
            else:
                raise SystemExit(f"{path} is written to without saying where")
            file.pending.append(change)
            self.open[number] = path, (file, change)

    def covered(self, path):
        """What a sync that begins now covers: only what has ended."""
        if self.now[path] is None:
            return [change for change in self.pending if change.done and change.what["folder"] == path]
        return [change for change in self.now[path].pending if change.done]

    def end(self, at, number, call):
        """A call has returned."""
        if number in self.open:
            path, about = self.open.pop(number)
            if call.name in ("fsync", "fdatasync"):
                if call.result == 0 and not self.deaf(path):
                    self.sync(path, about)
            elif call.result < 0:
                about[0].pending.remove(about[1])
            else:
                about[1].done = True
                if call.name == "pwrite64":
                    about[1].what["data"] = about[1].what["data"][: call.result]
        elif call.result is not None and call.result >= 0:
            self.name(at, call)

    def gone(self, at, number, call):
        """A call's process has ended. A write that had begun is taken for made, a sync for none."""
        if number in self.open:
            _, about = self.open.pop(number)
            if call.name in ("pwrite64", "ftruncate"):
                about[1].done = True

    def sync(self, path, covered):
        for change in covered:
            if self.now.get(path) is None:
                if change in self.pending:
                    self.pending.remove(change)
                    apply_names(self.synced, change)
            elif change in self.now[path].pending:
                self.now[path].pending.remove(change)
                apply(self.now[path].synced, change)

    def name(self, at, call):
        """What a call that has succeeded made of names."""
        if call.name in ("openat", "open"):
            path = call.path()
            if self.is_ours(path) and CREATES.search(call.arguments) and path not in self.now:
                self.rename(at, None, path, File())
            if self.is_ours(path) and TRUNCATES.search(call.arguments):
                self.now[path].pending.append(Change(at, True, length=0))
        elif call.name == "mkdir" and self.is_ours(call.path()):
            self.rename(at, None, call.path(), None)
        elif call.name == "rename" and self.is_ours(call.path()):
            self.rename(at, call.path(), call.path(1), self.now[call.path()])
        elif call.name == "unlink" and self.is_ours(call.path()):
            self.rename(at, call.path(), None, None)
        elif call.name not in ("mkdir", "rename", "unlink", "pwrite64", "write", "ftruncate", "fsync", "fdatasync"):
            if "".join(f"\\x{byte:02x}" for byte in self.root.encode()) in call.arguments:
                raise SystemExit(f"{call.name} is not understood: {call.arguments[:200]}")

    def is_ours(self, path):
        return path.startswith(self.root + "/") and not path.endswith(PASSING)

    def rename(self, at, old, new, what):
        change = Change(at, True, folder=os.path.dirname(old or new), old=old, new=new, file=what)
        self.pending.append(change)
        apply_names(self.now, change)

    def cut(self, random):
        """The files that a power cut now might leave, by path; directories as None. And how it was chosen."""
        how = random.choice(["none", "all", "prefix", "sectors", "sectors", "writes", "suffix"])
        share, sized = random.choice([0.1, 0.5, 0.9]), random.random() < 0.3
        ends = [change.at for change in self.changes()]
        border = random.choice(ends) if ends else 0

        def kept(change):
            """The sectors of a change that are there: none, all (None), or a set."""
            if how in ("none", "all"):
                return () if how == "none" else None
            if how == "prefix" and change.at != border:
                return None if change.at < border else ()
            if how == "suffix" and change.at != border:
                return None if change.at > border else ()
            if how == "writes" or "data" not in change.what:
                return None if random.random() < share else ()
            first, count = change.what["offset"] // SECTOR, len(change.what["data"]) // SECTOR + 2
            return {sector for sector in range(first, first + count) if random.random() < share}

        names = dict(self.synced)
        for change in self.pending:
            if kept(change) is None:
                apply_names(names, change)
        there, contents = {}, {}
        for path in sorted(names):
            # What is in a directory that has no name is gone with it.
            if path == self.root or names.get(os.path.dirname(path), path) is not None:
                continue
            file = names[path]
            if file is not None and id(file) not in contents:
                content = bytearray(file.synced)
                for change in file.pending:
                    apply(content, change, kept(change), sized)
                contents[id(file)] = content
            there[path] = None if file is None else contents[id(file)]
        return there, f"{how}, {share} of it{', sizes kept' if sized else ''}"

    def changes(self):
        yield from self.pending
        for file in {id(file): file for file in self.now.values() if file}.values():
            yield from file.pending

    def as_it_is(self):
        """What is there without a cut."""
        there = {}
        for path, file in self.now.items():
            there[path] = None if file is None else bytearray(file.synced)
            for change in file.pending if file else ():
                apply(there[path], change)
        return there


def apply_names(names, change):
    if change.what["old"] is not None:
        names.pop(change.what["old"], None)
    if change.what["new"] is not None:
        names[change.what["new"]] = change.what["file"]


def apply(content, change, sectors=None, sized=False):
    """Makes a change, or these sectors of it. `sized`: a file has grown even where what was written is not there."""
    if "length" in change.what:
        if sectors is None:
            length = change.what["length"]
            del content[length:]
            content.extend(bytes(length - len(content)))
        return
    offset, data = change.what["offset"], change.what["data"]
    if sectors is None:
        sectors = range(offset // SECTOR, (offset + len(data)) // SECTOR + 1)
    if sized and len(content) < offset + len(data):
        content.extend(bytes(offset + len(data) - len(content)))
    if isinstance(sectors, range):
        put(content, offset, data)
        return
    for sector in sorted(sectors):
        begin, end = max(offset, sector * SECTOR), min(offset + len(data), (sector + 1) * SECTOR)
        if begin < end:
            put(content, begin, data[begin - offset:end - offset])


def put(content, offset, data):
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset:offset + len(data)] = data


def write_out(there, root, top):
    """Makes what a cut left of `root` in another directory."""
    os.makedirs(top)
    for path in sorted(there):
        made = top + path[len(root):]
        if there[path] is None:
            os.mkdir(made, 0o700)
        else:
            with open(made, "wb") as file:
                file.write(there[path])
