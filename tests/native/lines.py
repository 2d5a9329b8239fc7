#!/usr/bin/env python3
"""Judges a client of the native tongue that is told by lines what to do and says by lines what happens: several such
processes play against the real binary, whose connections are cut, whose answers get lost, which is killed, and which
forgets all. What is right, the protocol's page and the client's task say; where they leave something open, nothing is
asked. What there is in the end, the server itself is asked. The scenes stand in calm.py and storm.py.

  tests/native/lines.py [--language NAME] [--only SCENE] -- COMMAND…     gets URL and token appended
  tests/native/lines.py --self-test     whether the judge notices what spoken.py does wrong on purpose

SWITCHBOARD_BINARY says which binary.
"""
import argparse
import concurrent.futures
import os
import signal
import subprocess
import sys
import time
import traceback

import calm
import storm
from players import HERE, check
from stage import Scene

SCENES = {scene.__name__: scene for scene in (
    calm.rooms, calm.words, calm.conversations, calm.signs, calm.moderation, calm.load, calm.heavy,
    storm.away, storm.cuts, storm.lost, storm.middle, storm.killed, storm.fresh, storm.tokens)}


def play(name, command):
    check.begin(name)
    scene = Scene(command, {"JWT_SECRET": storm.SECRET} if name == "tokens" else {})
    try:
        for part in (SCENES[name], Scene.end):
            try:
                part(scene)
            except Exception:
                check("goes on to its end", False, traceback.format_exc()[-600:])
    finally:
        for player in scene.all:
            player.process.kill()
        scene.server.__exit__()


def self_test():
    from spoken import WRONG
    spoken, less = [sys.executable, os.path.join(HERE, "spoken.py")], {**os.environ, "LINES_PATIENCE_S": "4"}

    def judge(wrong):
        return subprocess.run([sys.executable, __file__, "--only", WRONG[wrong][0], "--", *spoken, "--wrong", wrong],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=less)
    with concurrent.futures.ThreadPoolExecutor(3) as several:
        for wrong, done in zip(WRONG, several.map(judge, WRONG)):
            seen = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
            check(f"noticed: {WRONG[wrong][1]}", done.returncode == 1 and seen, done.stdout[-300:])
            print(f"{WRONG[wrong][1]}: {len(seen)} failed, the first: {seen[0][8:130] if seen else ''}", flush=True)
    print(f"The judge: {check.held} of {len(WRONG)} wrongs noticed")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--language")
    parser.add_argument("--only", action="append", choices=SCENES)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("command", nargs="*")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))   # So that nobody whom a scene has started outlives it.
    if options.self_test:
        self_test()
    elif options.command:
        begun = time.monotonic()
        for name in options.only or SCENES:
            play(name, options.command)
        print(f"Native client in {options.language or options.command[0]}: "
              f"{check.held} checks held, {len(check.failed)} failed", flush=True)
        print(f"in {time.monotonic() - begun:.0f} s", file=sys.stderr)
    else:
        parser.error("which client?")
    sys.exit(1 if check.failed else 0)


if __name__ == "__main__":
    main()
