"""What the attacks found: each check is a line, and one that fails is said at once. Several threads may note theirs."""
import threading


class Report:
    def __init__(self, quiet=False):
        self.passed, self.failures, self.quiet = {}, [], quiet
        self.lock = threading.Lock()

    def check(self, threat, what, holds, seen=""):
        """Notes a check of a threat; says what was seen when it does not hold."""
        with self.lock:
            if holds:
                self.passed[threat] = self.passed.get(threat, 0) + 1
            else:
                self.failures.append(f"{threat}: {what}")
                if not self.quiet:
                    print(f"  FAILED {threat}: {what}: {seen}", flush=True)
        return holds

    def equal(self, threat, what, seen, expected):
        return self.check(threat, what, seen == expected, f"{seen!r}, not {expected!r}")

    def counts(self):
        return ", ".join(f"{threat} {count}" for threat, count in sorted(self.passed.items(), key=by_number))


def by_number(item):
    return int(item[0][1:])
