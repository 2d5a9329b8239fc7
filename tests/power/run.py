#!/usr/bin/env python3
"""Simulated power cuts of the SQLite store (R2). A store at work is recorded by strace; then the disk is made as a power
cut at one moment or another could have left it (disk.py), and the store opened on it: what was acknowledged before the cut
has to be there, whole, in order, under its offsets. And each cut again on a disk that lies about one of its syncs, which has
to be found out, else this would prove nothing.

  tests/power/run.py [--cuts 500] [--recordings 6] [--seed N] [--traces DIR]

With --traces, recordings are kept in that directory, or taken from it when they are there: the same seed on them is the
same run. Wants strace.
"""
import argparse
import collections
import concurrent.futures
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import trace  # noqa: E402
from disk import Disk, write_out  # noqa: E402

ROOT = os.path.join(HERE, "..", "..")
PROGRAM = os.path.join(ROOT, os.environ.get("CARGO_TARGET_DIR", "target"), "debug/examples/store_power")
# How each run of a recording ends; the last one's end is cut off from what follows anyway.
RUNS = [("exit", 33), ("close", 20), ("exit", 9), ("close", 33)]
CHECKERS = 2
# Syncs that a lying disk ignores, by the path's end; at least one of so many cuts has to find it out.
LIES = {"the log's WAL": r"/log\.db-wal$", "the log": r"/log\.db$", "directories": r"/store$|/power$"}
LIE_CUTS = 40


class Recording:
    """Some runs of a store on one directory, one after the other."""

    def __init__(self, top):
        self.top, self.root = top, os.path.join(top, "power")
        self.calls, self.acks = [], []

    def record(self, beginning, survived):
        """`beginning`: what was there before, by path below another root."""
        shutil.rmtree(self.top, ignore_errors=True)
        os.makedirs(self.top)
        if beginning is None:
            os.mkdir(os.path.join(self.top, "beginning"))
        else:
            write_out(*beginning, os.path.join(self.top, "beginning"))
        with open(os.path.join(self.top, "survived"), "w") as file:
            file.write(survived)
        shutil.copytree(os.path.join(self.top, "beginning"), self.root)
        for run, (end, batches) in enumerate(RUNS):
            work = [PROGRAM, "work", os.path.join(self.root, "store"), str(1000 + run), str(batches), end]
            done = subprocess.run([*trace.STRACE, "-o", self.path(run), *work], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE)
            if done.returncode:
                raise SystemExit(f"the store did not work: {done.stderr.decode()}")

    def path(self, run):
        return os.path.join(self.top, f"trace-{run}")

    def read(self):
        """Reads the traces, and shows that they explain every byte on the disk. False when a run's end left that open."""
        for run in range(len(RUNS)):
            with open(self.path(run)) as lines:
                self.calls += trace.read(lines)
        with open(os.path.join(self.top, "survived")) as file:
            self.survived = file.read()
        disk = Disk(self.root)
        disk.load(os.path.join(self.top, "beginning"), self.root)
        for line, way, number, call in self.calls:
            getattr(disk, way)(line, number, call)
        open_ends = sum(way == "gone" for _, way, _, _ in self.calls)
        for path, content in disk.as_it_is().items():
            if content is not None:
                with open(path, "rb") as file:
                    if file.read() != content:
                        print(f"the traces do not explain {path}; {open_ends} calls have no known end")
                        if open_ends:
                            return False
                        raise SystemExit("the recorder is wrong")
        self.acks = [(at, *ack(call)) for at, (_, way, _, call) in enumerate(self.calls) if way == "begin" and ack(call)]
        return True

    def moments(self, dice, count):
        """Where to cut: anywhere; right after an acknowledgement; and where names and lengths change."""
        special = ("mkdir", "rename", "unlink", "ftruncate", "fsync", "fdatasync")
        turns = [at for at, (_, _, _, call) in enumerate(self.calls) if call.name in special and (call.result or 0) >= 0]
        acks = [at for at, *_ in self.acks]

        def one():
            kind = dice.random()
            if kind < 0.4:
                return dice.randrange(len(self.calls))
            if kind < 0.7:
                return dice.choice(acks) + 1
            return min(max(dice.choice(turns) + dice.randrange(-2, 8), 0), len(self.calls))

        return sorted(one() for _ in range(count))

    def cuts(self, dice, count, deaf=lambda path: False):
        """Cuts in the order of time: the moment, what is there, and how that was chosen."""
        disk = Disk(self.root, deaf)
        disk.load(os.path.join(self.top, "beginning"), self.root)
        done = 0
        for moment in self.moments(dice, count):
            for line, way, number, call in self.calls[done:moment]:
                getattr(disk, way)(line, number, call)
            done = moment
            yield moment, *disk.cut(dice)

    def wrong(self, moment, found):
        """What is wrong with what was found after a cut: none, or lost, or unreadable."""
        if not found.startswith("ok "):
            return f"unreadable: {found}"
        head, there = understood(found)
        for offset, number in understood(self.survived)[1].items() if self.survived else ():
            if there.get(offset) != number:
                return f"lost: offset {offset}, which an earlier cut had left"
        acked, next_head = [ack for ack in self.acks if ack[0] < moment], None
        for at, first, last, number in self.acks:
            if at >= moment:
                next_head = last
                break
        for _, first, last, number in acked:
            for offset in range(first, last + 1):
                if offset > head or (number is not None and there.get(offset) != number + offset - first):
                    return f"lost: offset {offset}, acknowledged within {first} to {last}; the log ends at {head}"
        last = acked[-1][2] if acked else understood(self.survived)[0] if self.survived else 1
        if head not in (last, next_head):
            return f"lost: the log ends at {head}, within a batch: {last} was acknowledged, {next_head} was under way"
        return None


def ack(call):
    """First offset, last offset and first number of an acknowledgement, if this call is one."""
    if call.name != "write" or call.file()[0] != 1:
        return None
    word, first, last, number = call.text().decode().split()
    return (int(first), int(last), None if number == "-" else int(number)) if word == "ack" else None


def understood(found):
    """The head, and each offset's number."""
    there = {}
    _, head, *runs = found.split()
    for run in runs:
        offset, number, count = map(int, re.split("[:x]", run))
        there.update(zip(range(offset, offset + count), range(number, number + count)))
    return int(head), there


class Checkers:
    """Processes that open what a cut left."""

    def __init__(self, scratch):
        self.scratch, self.made = scratch, 0
        self.pool = concurrent.futures.ThreadPoolExecutor(CHECKERS)
        self.idle = [self.start() for _ in range(CHECKERS)]
        self.waiting = collections.deque()

    @staticmethod
    def start():
        return subprocess.Popen([PROGRAM, "check"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, text=True)

    def check(self, there, root):
        """Begins to look at what is there; gives the directory and the promise of what will be found."""
        self.made += 1
        top = os.path.join(self.scratch, f"cut-{self.made}")
        write_out(there, root, top)
        self.waiting.append(self.pool.submit(self.look, top))
        if len(self.waiting) > 4 * CHECKERS:
            self.waiting.popleft().exception()
        return top, self.waiting[-1]

    def look(self, top):
        checker = self.idle.pop()
        try:
            checker.stdin.write(os.path.join(top, "store") + "\n")
            checker.stdin.flush()
            found = checker.stdout.readline().strip()
            if not found:
                checker = self.start()
                return "the checker has crashed"
            return found
        finally:
            self.idle.append(checker)
            shutil.rmtree(top)

    def close(self):
        self.pool.shutdown()
        for checker in self.idle:
            checker.stdin.close()
            checker.wait()


def recordings(options, scratch, checkers, dice):
    """Makes them, or takes them from where they were kept. Every other one begins with what a cut of the last one left."""
    top, all_of_them = options.traces or scratch, []
    for number in range(options.recordings):
        path, beginning, survived = os.path.join(top, f"recording-{number}"), None, ""
        kept = options.traces and os.path.exists(os.path.join(path, "complete"))
        if number % 2 and not kept:
            before = all_of_them[-1]
            moment, there, _ = list(before.cuts(dice, 1))[0]
            survived = checkers.check(there, before.root)[1].result()
            if before.wrong(moment, survived):
                survived = ""
            else:
                beginning = there, before.root
        for _ in range(1 if kept else 5):
            recording = Recording(path)
            if not kept:
                recording.record(beginning, survived)
            if recording.read():
                break
        else:
            raise SystemExit("no recording explains what is on the disk")
        open(os.path.join(path, "complete"), "w").close()
        all_of_them.append(recording)
    return all_of_them


def judged(recording, checkers, dice, count, deaf=lambda path: False):
    """What was wrong after each of so many cuts; none for those that were survived."""
    promises = []
    for moment, there, how in recording.cuts(dice, count, deaf):
        promises.append((moment, how, checkers.check(there, recording.root)[1]))
    return [(moment, how, recording.wrong(moment, promise.result())) for moment, how, promise in promises]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cuts", type=int, default=500)
    arguments.add_argument("--recordings", type=int, default=6)
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    arguments.add_argument("--traces")
    options = arguments.parse_args()
    scratch = tempfile.mkdtemp(prefix="switchboard-power-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    options.traces = options.traces and os.path.abspath(options.traces)
    checkers, failed = Checkers(scratch), True
    print(f"seed {options.seed}", flush=True)
    try:
        failed = run(options, scratch, checkers)
    finally:
        checkers.close()
        if failed and not options.traces:
            print(f"the recordings are kept: --seed {options.seed} --traces {scratch}")
        else:
            shutil.rmtree(scratch, ignore_errors=True)
    sys.exit(1 if failed else 0)


def run(options, scratch, checkers):
    """True when something was lost, or a lie not found out."""
    made = recordings(options, scratch, checkers, random.Random(f"{options.seed} recordings"))
    wrong, cuts, failed = collections.Counter(), 0, False
    for number, recording in enumerate(made):
        share = options.cuts // len(made) + (number < options.cuts % len(made))
        for moment, how, what in judged(recording, checkers, random.Random(f"{options.seed} {number}"), share):
            cuts += 1
            if what:
                wrong[what.split(":")[0]] += 1
                print(f"recording {number}, before call {moment} of {len(recording.calls)} ({how}): {what}")
    found_out, each = [], -(-LIE_CUTS // len(made))
    for name, paths in LIES.items():
        lost = 0
        for number, recording in enumerate(made):
            dice = random.Random(f"{options.seed} {number} {name}")
            lie = judged(recording, checkers, dice, each, re.compile(paths).search)
            lost += sum(what is not None for _, _, what in lie)
        found_out.append(f"{name} {lost}")
        if not lost:
            print(f"a disk that does not sync {name} is not found out")
            failed = True
    acked = sum(len(recording.acks) for recording in made)
    print(f"Power: {cuts} cuts in {len(made)} recordings of {acked} acknowledgements (seed {options.seed}): "
          f"{wrong['lost']} lost something acknowledged, {wrong['unreadable']} unreadable; "
          f"disks that do not sync found out, in {each * len(made)} cuts each: {', '.join(found_out)}")
    return failed or bool(wrong)


if __name__ == "__main__":
    main()
