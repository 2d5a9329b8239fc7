#!/usr/bin/env python3
"""Who is let in, to what, and as whom (THREATS.md T1 to T4, T6 to T9, T20, T24), against the real binary: forged, stale and
misdirected tokens at every door, keys that change while the server runs, outsiders and those who were put out, names that
are somebody else's, and what an answer gives away.

  tests/identities/run.py               SWITCHBOARD_BINARY says which binary
  tests/identities/run.py --self-test   shows that the checks can fail: against a server that lets everybody in
"""
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "attacks")]
import ends  # noqa: E402
import existence  # noqa: E402
import outsiders  # noqa: E402
import pages  # noqa: E402
import proxies  # noqa: E402
import removed  # noqa: E402
import rotation  # noqa: E402
import selftest  # noqa: E402
import spoofed  # noqa: E402
import tokens  # noqa: E402
from house import House  # noqa: E402
from report import Report  # noqa: E402


def main():
    report, begun, figures = Report(), time.monotonic(), {}
    # First what is measured, while nothing else is at work.
    with House() as house:
        figures["existence"] = timed("existence", lambda: existence.run(report, house))
    # These wait for minutes, and do next to nothing.
    waiting = rotation.start(report)
    timed("ends", lambda: ends.run(report))
    for name, part in (("outsiders", outsiders), ("removed", removed), ("spoofed", spoofed), ("pages", pages)):
        with House() as house:
            timed(name, lambda: part.run(report, house))
            report.check("T6", f"behind {name} the server is up", house.server.is_up(), house.server.trouble())
    timed("proxies", lambda: proxies.run(report))
    kinds = timed("tokens", lambda: tokens.run(report))
    timed("rotation, the rest of it", waiting.end)
    worst = max(figures["existence"], key=figures["existence"].get)
    print(f"Identities: {sum(report.passed.values())} checks held ({report.counts()}), {len(report.failures)} did not; "
          f"{kinds} kinds of bad tokens; forbidden and missing differ by {figures['existence'][worst]:.2f} ms at most "
          f"({worst}); {time.monotonic() - begun:.0f} s")
    sys.exit(bool(report.failures))


def timed(name, part):
    since = time.monotonic()
    result = part()
    print(f"  {name}: {time.monotonic() - since:.1f} s", flush=True)
    return result


if __name__ == "__main__":
    selftest.run() if "--self-test" in sys.argv else main()
