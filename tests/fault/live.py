"""A store at work (examples/store_live.rs) that is told what to do while the world around it is changed."""
import os
import subprocess

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PROGRAM = os.path.join(ROOT, os.environ.get("CARGO_TARGET_DIR", "target"), "debug/examples/store_live")


def program():
    """Builds it; where it is."""
    build = ["cargo", "build", "-q", "--locked", "-p", "switchboard-adapters", "--example", "store_live"]
    subprocess.run(build, cwd=ROOT, check=True)
    return os.path.abspath(PROGRAM)


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True)


class Live:
    """`said` is its last line: `ok` and how many are acknowledged, or what went wrong in words."""

    def __init__(self, directory):
        self.process = subprocess.Popen([PROGRAM, directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.said = self.process.stdout.readline().strip()
        self.trouble = "" if self.said else self.process.stderr.read().strip()

    def tell(self, what):
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        self.said = self.process.stdout.readline().strip()
        return self.said

    def must(self, what):
        """Does it, or the test has failed; how many are acknowledged."""
        said = self.tell(what)
        if not said.startswith("ok "):
            raise SystemExit(f"FAILED: {what}: {said or self.process.stderr.read()}")
        return int(said.split()[1])

    def refused(self, what, *words):
        """Is refused in these words, or the test has failed."""
        said = self.tell(what)
        if not said or said.startswith("ok ") or not all(word in said for word in words):
            raise SystemExit(f"FAILED: {what} should have been refused with {', '.join(words)}: {said}")
        return said

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        self.process.stdin.close()
        if self.process.wait():
            raise SystemExit(f"FAILED: {self.process.stderr.read()}")
