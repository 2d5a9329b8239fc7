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
import rotation  # noqa: E402
import tokens  # noqa: E402
from report import Report  # noqa: E402


def main():
    report, begun = Report(), time.monotonic()
    # These wait for minutes, and do next to nothing.
    waiting = rotation.start(report)
    figures = {}
    for name, part in [
        ("ends", lambda: ends.run(report)),
        ("tokens", lambda: tokens.run(report)),
    ]:
        since = time.monotonic()
        figures[name] = part()
        print(f"  {name}: {time.monotonic() - since:.1f} s", flush=True)
    waiting.end()
    print(f"Identities: {sum(report.passed.values())} checks held ({report.counts()}), {len(report.failures)} did not; "
          f"{figures['tokens']} kinds of bad tokens; {time.monotonic() - begun:.0f} s")
    sys.exit(bool(report.failures))


if __name__ == "__main__":
    main()
