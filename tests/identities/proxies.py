"""T24: what a client says of where it comes from and of who it is, when no proxy that the operator trusts has said so, and
heads that two readers may take for something else, at every door."""
import json
import socket

import doors
import forged
import heads
from forged import USER
from house import until
from http1 import Line, upgrade
from keys import Secret
from server import Server, free_port
from tokens import SECRET, SETTINGS, add_key
from wire import Client

FAR = "203.0.113.7"
CLAIMS = [f"X-Forwarded-For: {FAR}, 127.0.0.1", f"X-Real-IP: {FAR}", f"Forwarded: for={FAR};host=evil.example;proto=https",
          "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https", "X-Forwarded-Port: 1", "X-Forwarded-Prefix: /x",
          f"X-User-ID: {USER}", "X-Username: alice", "X-Forwarded-User: alice", "X-Remote-User: alice", "Remote-User: alice",
          f"X-Client-IP: {FAR}", f"True-Client-IP: {FAR}", f"CF-Connecting-IP: {FAR}", "Via: 1.1 evil.example",
          "X-Original-URL: /health", "X-Rewrite-URL: /health", "X-HTTP-Method-Override: DELETE"]
SMUGGLED = [(f"/ws/{USER}", True), (f"/production?userId={USER}", True), ("/socket.io/?EIO=4&transport=websocket", True),
            ("/socket.io/?EIO=4&transport=polling", False), ("/rooms/lobby/connections", False),
            ("/messages/room/lobby", False), ("/api/messaging/conversations/", False), ("/ready", False)]
EACH_MAX = 3


def run(report):
    with Server({"JWT_SECRET": SECRET, **SETTINGS}) as server:
        claimed(report, server)
        source(report, server)
        heads.ambiguous(server, report, SMUGGLED)
        report.check("T24", "the server is up", server.is_up(), server.trouble())
    counted(report)


def claimed(report, server):
    """Each claim changes nothing: not for whoever shows nothing, and not for whoever shows enough."""
    good = forged.good(Secret(SECRET))["plain"]
    for kind in ([claim] for claim in CLAIMS):
        line = Line(server.port)
        for name, path, _, _, _, nothing in doors.sockets():
            what = f"{name}: {kind[0].split(':')[0]}"
            report.equal("T24", f"{what} is no credential", doors.seen(upgrade(server.port, path, kind)), nothing)
            shown = [*kind, f"Authorization: Bearer {good}"]
            report.equal("T24", f"{what} takes nothing from a token", doors.seen(upgrade(server.port, path, shown)), doors.IN)
        for name, method, path, body, _, _, nothing in doors.rest():
            what = f"{name}: {kind[0].split(':')[0]}"
            report.equal("T24", f"{what} is no credential", doors.seen(line.ask(method, path, kind, body)), nothing)
            shown = [*kind, f"Authorization: Bearer {good}"]
            report.equal("T24", f"{what} takes nothing from a token", doors.seen(line.ask(method, path, shown, body)), doors.IN)
    packets = doors.authenticate(server.port, None)
    report.equal("T24", "socketio: a bare userId is no credential", packets, doors.DENIED)
    other = forged.Maker(Secret(SECRET))
    bob = other.token(claims=other.claims(sub="102", username="bob"))
    answer = Line(server.port).ask("POST", "/messages", [*CLAIMS, f"Authorization: Bearer {bob}"],
                                   {"room_id": doors.ROOM, "content": "who?"})
    report.check("T24", "a token's user speaks, whatever is claimed", answer.status == 201 and
                 answer.json()["data"]["sender_id"] == "102", answer)


def source(report, server):
    """A back end is told of a connection's true address."""
    good = forged.good(Secret(SECRET))["plain"]
    key, _ = add_key(server, "--service", "backend", "--scopes", "connections")
    client = Client(server.port, f"/production?userId={USER}&token={good}", CLAIMS)
    client.say({"action": "nothing"})
    name = json.loads(until(client, "connectionId")[-1])["connectionId"]
    answer = Line(server.port).ask("GET", f"/production/@connections/{name.replace('=', '%3D')}", [f"x-api-key: {key}"])
    report.check("T24", "a connection comes from where it comes", answer.status == 200 and FAR not in answer.text and
                 "127.0.0.1" in answer.text, answer)
    client.end()


def counted(report):
    """Connections are counted by their true address, wherever they say to be from; and not those of a trusted proxy."""
    address = own_address()
    if address is None:
        print("Not read: this machine has no address but loopback, so connections of one address were not counted (T24).")
        return
    for trusted, last in ((None, False), (address, True)):
        port = free_port()
        settings = {"LISTEN": f"127.0.0.1:{port},{address}:{port}", "JWT_SECRET": SECRET, "JWT_ISSUER": forged.ISSUER,
                    "CONNECTIONS_PER_ADDRESS_MAX": str(EACH_MAX), **({"TRUSTED_PROXIES": trusted} if trusted else {})}
        with Server(settings, port=port):
            lines = [Line(port, address) for _ in range(EACH_MAX + 1)]
            statuses = [line.ask("GET", "/health", [f"X-Forwarded-For: 198.51.100.{number}", f"Forwarded: for={number}"]).status
                        for number, line in enumerate(lines)]
            for line in lines:
                line.end()
            expected = [200] * EACH_MAX + [200 if last else 0]
            report.equal("T24", f"{EACH_MAX} connections of one address{' of a trusted proxy' if trusted else ''}, and one more",
                         statuses, expected)


def own_address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((FAR, 9))  # Nothing is sent by that.
            address = probe.getsockname()[0]
        except OSError:
            return None
    return None if address.startswith("127.") else address
