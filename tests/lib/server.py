"""The real binary, started for a test: on ports of its own, in a directory of its own, ended with the test."""
import http.client
import os
import shutil
import socket
import subprocess
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
START_S = 30


def binary():
    """Which binary: SWITCHBOARD_BINARY, relative to the repository."""
    return os.path.join(ROOT, os.environ.get("SWITCHBOARD_BINARY", "target/release/switchboard"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """`under` is put before the command, for strace and the like; settings that say where it listens name the port, too."""

    def __init__(self, settings=None, under=(), port=None):
        if not os.access(binary(), os.X_OK):
            raise SystemExit(f"there is no server to test: {binary()} (SWITCHBOARD_BINARY says another)")
        self.port = port or free_port()
        self.data = tempfile.mkdtemp(prefix="switchboard-test-")
        self.noise = open(os.path.join(self.data, "stderr"), "w+b")
        environment = {"PATH": os.environ["PATH"], "LISTEN": f"127.0.0.1:{self.port}", "DATA_DIR": self.data + "/data"}
        self.under, self.environment = under, {**environment, **(settings or {})}
        self.start()

    def start(self):
        """As before: the same port, the same settings, what is left of the data."""
        self.process = subprocess.Popen([*self.under, binary()], env=self.environment,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.noise)
        self.pid = self.process.pid
        deadline = time.monotonic() + START_S
        while not self.is_healthy():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the server did not start: {self.trouble()}")
            time.sleep(0.02)
        if self.under:
            with open(f"/proc/{self.pid}/task/{self.pid}/children") as children:
                self.pid = int(children.read().split()[0])

    def kill(self, forget=False):
        """Without a goodbye, as a power cut would; `forget`: its data is lost, too."""
        os.kill(self.pid, 9)
        self.process.wait()
        if forget:
            shutil.rmtree(self.data + "/data")

    def is_healthy(self):
        try:
            return self.health_s() < START_S
        except OSError:
            return False

    def health_s(self):
        """How long `/health` takes, in seconds."""
        begun = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", "/health", headers={"Host": "localhost"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status != 200:
            raise OSError(f"health says {answer.status}")
        return time.monotonic() - begun

    def is_up(self):
        return self.process.poll() is None and self.is_healthy()

    def memory(self, of):
        """`VmRSS`, what is resident, or `VmHWM`, the most that ever was; in bytes."""
        with open(f"/proc/{self.pid}/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith(of))

    def held_bytes(self):
        """What the server counts in the buffers of its connections, a moment after its last turn."""
        time.sleep(0.6)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", "/metrics", headers={"Host": "localhost"})
        lines = connection.getresponse().read().decode().splitlines()
        connection.close()
        return next(int(line.split()[1]) for line in lines if line.startswith("switchboard_held_bytes "))

    def trouble(self):
        self.noise.seek(0)
        return self.noise.read()[-2000:].decode(errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            # Behind strace it is the server that has to end; strace follows.
            os.kill(self.pid, 15)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.noise.close()
        shutil.rmtree(self.data, ignore_errors=True)
