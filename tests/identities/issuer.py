"""An issuer that publishes keys over HTTP, as well or as badly as it is told to; and a forger's listener, to which nobody
may ever connect."""
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HUGE_BYTES = 32 << 20
DRIP_S = 0.5


class Issuer:
    """`say` is how it answers from now on; `fetched` is when it was asked."""

    def __init__(self, *keys):
        self.say, self.fetched, self.port, self.serving = publish(*keys), [], 0, None
        self.up()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/keys"

    def up(self):
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.fetched.append(time.monotonic())
                try:
                    issuer.say(self)
                except OSError:
                    pass  # Who asked has had enough.

            def log_message(self, *_):
                pass
        ThreadingHTTPServer.allow_reuse_address = True
        ThreadingHTTPServer.daemon_threads = True
        self.serving = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.serving.server_address[1]
        threading.Thread(target=self.serving.serve_forever, args=(0.05,), daemon=True).start()

    def down(self):
        self.serving.shutdown()
        self.serving.server_close()


def answer(handler, status, body, headers=()):
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers:
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def key_set(*keys):
    return json.dumps({"keys": [key.jwk() for key in keys]}).encode()


def publish(*keys):
    return lambda handler: answer(handler, 200, key_set(*keys))


def status(code, *keys):
    """Another status than 200, with keys that are not to be believed."""
    return lambda handler: answer(handler, code, key_set(*keys))


def rubbish(body):
    return lambda handler: answer(handler, 200, body)


def redirect(url):
    return lambda handler: answer(handler, 302, b"", [("Location", url)])


def huge(*keys):
    """Good keys, behind more blanks than anybody should read."""
    return lambda handler: answer(handler, 200, b" " * HUGE_BYTES + key_set(*keys))


def slow(*keys):
    """Good keys, an octet at a time."""
    def drip(handler):
        body = key_set(*keys)
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        for at in range(len(body)):
            handler.wfile.write(body[at:at + 1])
            handler.wfile.flush()
            time.sleep(DRIP_S)
    return drip


class Trap:
    """Counts who connects."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url, self.count = f"http://127.0.0.1:{self.listener.getsockname()[1]}", 0
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            connection, _ = self.listener.accept()
            self.count += 1
            connection.close()

    def counts(self):
        """Whether it would notice somebody: one comes."""
        before = self.count
        socket.create_connection(self.listener.getsockname(), timeout=5).close()
        deadline = time.monotonic() + 5
        while self.count == before and time.monotonic() < deadline:
            time.sleep(0.01)
        self.count -= 1
        return self.count == before
