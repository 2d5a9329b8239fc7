"""What the attacks found: each check is a line, and one that fails is said at once."""


class Report:
    def __init__(self, quiet=False):
        self.passed, self.failures, self.quiet = {}, [], quiet

    def check(self, threat, what, holds, seen=""):
        """Notes a check of a threat; says what was seen when it does not hold."""
        if holds:
            self.passed[threat] = self.passed.get(threat, 0) + 1
        else:
            self.failures.append(f"{threat}: {what}")
            if not self.quiet:
                print(f"  FAILED {threat}: {what}: {seen}", flush=True)
        return holds

    def counts(self):
        return ", ".join(f"{threat} {count}" for threat, count in sorted(self.passed.items(), key=by_number))


def by_number(item):
    return int(item[0][1:])
