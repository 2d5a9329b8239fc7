"""What stands between a client and the server: connections that break when a test says so, with what was said last lost
in one direction, which no client can bring about by itself. It knows no protocol, only bytes."""
import socket
import threading


class Between:
    """Passes bytes on from `port`. `open`: whether new connections are let through. `deaf`: what the server says is
    lost; `dumb`: what the client says is."""

    def __init__(self, to):
        self.to, self.open, self.deaf, self.dumb, self.pairs = to, True, False, False, []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            end(*pair)

    def away(self):
        """Nobody comes through until `back`."""
        self.open = False
        self.cut()

    def back(self):
        self.deaf = self.dumb = False
        self.open = True

    def close(self):
        self.away()
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.to), timeout=5)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            with self.lock:
                self.pairs.append((client, server))
            if not self.open:
                self.cut()
            for source, to, lost in ((client, server, "dumb"), (server, client, "deaf")):
                threading.Thread(target=self._pass_on, args=(source, to, lost), daemon=True).start()

    def _pass_on(self, source, to, lost):
        try:
            while data := source.recv(1 << 16):
                if not getattr(self, lost):
                    to.sendall(data)
        except OSError:
            pass
        end(source, to)


def end(*sockets):
    for one in sockets:
        try:
            one.shutdown(socket.SHUT_RDWR)   # It wakes whoever reads there, which closing does not.
        except OSError:
            pass
        one.close()
