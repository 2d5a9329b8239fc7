#!/usr/bin/env python3
"""Attacks on the wire (THREATS.md T5, T10, T11, T12, T14, T15, T16, T24), against the real binary, while others chat. Every
attacker gets the answer that is written down for it; the server stays up, its memory stays bounded, and those who chat
lose nothing and hardly notice.

  tests/attacks/run.py                SWITCHBOARD_BINARY says which binary
  tests/attacks/run.py --bodies       waits for slow bodies too, 30 s, and for pings of Engine.IO, 45 s
  tests/attacks/run.py --self-test    shows that the checks can fail: against a server that minds nothing
"""
import json
import os
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import floods  # noqa: E402
import frames  # noqa: E402
import heads  # noqa: E402
import packets  # noqa: E402
import polls  # noqa: E402
import texts  # noqa: E402
import waits  # noqa: E402
from report import Report  # noqa: E402
from server import Server  # noqa: E402

ROOM = "bystanders"
GROWTH_MAX = 64 << 20
QUIET_S = 3
LATENCY_MAX_S = 1.0
HEALTH_MAX_S = 0.1


def main():
    report = Report()
    with Server() as server:
        waiting = waits.Waits(server.port, long="--bodies" in sys.argv)
        talkers = bystander("talk", server)
        time.sleep(0.5)  # The listener can join only when the talkers have made the room.
        listener = bystander("listen", server)
        time.sleep(QUIET_S)
        with open(f"/proc/{server.pid}/clear_refs", "w") as peak:
            peak.write("5")  # From here on, the most that ever was resident.
        before, begun, phases = server.memory("VmRSS"), time.monotonic(), {}
        slow = heads.Slow(server.port, body="--bodies" in sys.argv)
        company = waits.Company(server.port, "company")
        time.sleep(0.5)
        health = max(server.health_s() for _ in range(20))
        report.check("T10", "health answers within 100 ms beside slow heads", health < HEALTH_MAX_S, health)
        for name, attack in [
            ("frames", lambda: frames.run(server, report)),
            ("texts", lambda: texts.run(server, report)),
            ("heads", lambda: heads.run(server, report)),
            ("floods", lambda: floods.run(server, report, ROOM)),
            ("packets", lambda: packets.run(server, report, ROOM, company)),
            ("polls", lambda: polls.run(server, report, company)),
            ("slow", lambda: slow.judge(report)),
            ("waits", lambda: waiting.judge(report)),
        ]:
            since = time.monotonic()
            attack()
            phases[name] = (since, time.monotonic())
            report.check("T11", f"after {name} the server is up", server.is_up(), server.trouble())
        said, seen = (json.loads(who.communicate("")[0]) for who in (talkers, listener))
        grown, peak = server.memory("VmRSS") - before, server.memory("VmHWM") - before
        report.check("T14", "the server's memory grew by at most 64 MiB at its peak", peak <= GROWTH_MAX, peak)
        whole = judge(said, seen)
        report.check("T14", "the bystanders lost nothing, got nothing twice, and in order", not whole, whole)
        quiet = [latency for _, sent, latency, _ in seen["heard"] if sent < begun]
        attacked = [latency for _, sent, latency, _ in seen["heard"] if sent >= begun]
        report.check("T14", "a bystander's p99 is under a second", percentile(attacked, 99) < LATENCY_MAX_S,
                     percentile(attacked, 99))
    for name, (since, until) in phases.items():
        during = [latency for _, sent, latency, _ in seen["heard"] if since <= sent < until]
        print(f"  {name}: {until - since:.1f} s, bystanders' p99 {percentile(during, 99) * 1e3:.1f} ms")
    print(f"Attacks: {sum(report.passed.values())} checks held ({report.counts()}), {len(report.failures)} did not; "
          f"memory +{grown / 2**20:.1f} MiB, +{peak / 2**20:.1f} at its peak; {len(attacked)} messages of bystanders, p99 "
          f"{percentile(attacked, 99) * 1e3:.1f} ms (before the attacks {percentile(quiet, 99) * 1e3:.1f}), "
          f"longest {max(attacked) * 1e3:.1f} ms; health {health * 1e3:.1f} ms")
    sys.exit(bool(report.failures))


def bystander(what, server):
    command = [sys.executable, os.path.join(HERE, "bystander.py"), what, str(server.port), ROOM]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    started.stdout.readline()
    return started


def judge(said, seen):
    """What is wrong with what the bystanders saw; the listener may have come after the first messages."""
    numbers, seqs = [heard[0] for heard in seen["heard"]], [heard[3] for heard in seen["heard"]]
    expected = range(min(numbers, default=0), said["sent"])
    wrong = {
        "not acknowledged": said["sent"] - said["acked"],
        "not heard": len(set(expected) - set(numbers)) + (not numbers),
        "heard twice": len(numbers) - len(set(numbers)),
        "out of order": seqs != sorted(seqs),
        "cut": said["cut"] + seen["cut"],
    }
    return {what: count for what, count in wrong.items() if count}


def percentile(values, percent):
    ordered = sorted(values) or [float("inf")]
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


class Careless:
    """Upgrades whoever comes, says goodbye as if all were well, and grows by nothing."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.welcome, args=(connection,), daemon=True).start()

    def welcome(self, connection):
        try:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + b"\x88\x02\x03\xe8")
            connection.recv(1 << 20)
        except OSError:
            pass
        connection.close()


def self_test():
    """All is wrong with that server but what its threats don't reach; and with a bystander who missed something."""
    careless, report = Careless(), Report(quiet=True)
    frames.broken(careless, report)
    floods.run(careless, report, ROOM)
    texts.sockets(careless, report)
    heads.ambiguous(careless, report)
    heads.behind(careless, report)
    packets.socket_cases(careless, report)
    assert not report.passed, f"held against a careless server: {report.counts()}"
    good = [[n, 0.0, 0.001, 10 + n] for n in range(4)]
    said = {"sent": 4, "acked": 4, "cut": 0}
    doctored = [good[:2] + good[3:], good + good[3:], good[::-1], []]
    assert not judge(said, {"heard": good, "cut": 0})
    assert all(judge(said, {"heard": heard, "cut": 0}) for heard in doctored)
    assert judge({**said, "acked": 3}, {"heard": good, "cut": 0}) and judge(said, {"heard": good, "cut": 1})
    print(f"Attacks self-test: {len(report.failures)} checks fail against a server that minds nothing")


if __name__ == "__main__":
    self_test() if "--self-test" in sys.argv else main()
