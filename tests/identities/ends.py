"""T3 and RULES 4: a token that ends while its socket lives ends the socket, at every door, and not before its time."""
import time

import engine
import forged
from engine import Polling, Socket, event
from keys import Secret
from server import Server
from wire import Client

SECRET = "a key for tests, of more than 32 bytes"
TTL_S, WITHIN_S = 3, 5
ENDED = 4401


def run(report):
    with Server({"JWT_SECRET": SECRET}) as server:
        make = forged.Maker(Secret(SECRET))
        ends = time.time() + TTL_S
        token = make.token(claims=make.claims(exp=ends))
        later = make.token()
        raw = {name: Client(server.port, path) for name, path in {
            "rooms": f"/ws/rooms/lobby?token={token}", "direct": f"/ws/{forged.USER}?token={token}",
            "chat": f"/ws/chat?token={token}", "gateway": f"/production?userId={forged.USER}&token={token}",
        }.items()}
        lasting = {name: Client(server.port, path) for name, path in {
            "rooms": f"/ws/rooms/lobby?token={later}", "chat": f"/ws/chat?token={later}"}.items()}
        claim = event("authenticate", {"userId": forged.USER, "token": token})
        sockets = {}
        for name in ("socketio", "socketio, renewed", "socketio, renewed as another"):
            sockets[name] = Socket(server.port)
            handshake = sockets[name].connect(claim, event("join_room", {"roomId": "lobby"}))
            report.check("T3", f"{name}: is in", '"success":true' in "".join(handshake), handshake)
        polled = Polling(server.port)
        polled.connect(claim)
        renew = event("authenticate", {"userId": forged.USER, "token": later})
        sockets["socketio, renewed"].ask_for([renew], lambda packets: any("authenticated" in one for one in packets))
        bob = make.token(claims=make.claims(sub="102"))
        other = sockets["socketio, renewed as another"]
        said = other.ask_for([event("authenticate", {"userId": "102", "token": bob})], lambda packets: "41" in packets)
        report.check("T3", "socketio: a token of another user does not renew",
                     any('"success":false' in one for one in said) and '"success":true' not in "".join(said), said)
        report.check("T3", "all live until the token ends", time.time() < ends and
                     all(client.lives() for client in raw.values()), f"{time.time() - ends:.1f} s behind its end")
        judge(report, raw, sockets, polled, ends)
        for name, client in lasting.items():
            report.check("T3", f"{name}: a token that goes on keeps its socket", client.lives())
        renewed = sockets["socketio, renewed"]
        said = renewed.ask_for([event("get_typing_users", {"roomId": "lobby"}, ack=7)], lambda packets: any(
            one.startswith("437") for one in packets))
        report.check("T3", "socketio: who renewed in time goes on", "41" not in said and "437" in "".join(said), said)
        coming_back(report, server.port, token)


def judge(report, raw, sockets, polled, ends):
    """Each ends with the token: not before it, and within five seconds."""
    for name, client in raw.items():
        client.pour(b"", WITHIN_S + TTL_S, lambda _: client.closed is not None)
        late = time.time() - ends
        report.equal("T3", f"{name}: the token has ended", client.closed, ENDED)
        report.check("T3", f"{name}: within {WITHIN_S} s, and not before", 0 <= late < WITHIN_S, late)
    stock = sockets["socketio"]
    said = stock.ask_for([], lambda packets: "41" in packets, WITHIN_S + TTL_S)
    late = time.time() - ends
    report.check("T3", "socketio: a server disconnect when the token has ended", "41" in said, said)
    report.check("T3", f"socketio: within {WITHIN_S} s, and not before", 0 <= late < WITHIN_S, late)
    said = polled.packets(lambda packets: "41" in packets, WITHIN_S)
    late = time.time() - ends
    report.check("T3", "socketio, polled: a server disconnect when the token has ended", "41" in said, said)
    report.check("T3", f"socketio, polled: within {WITHIN_S} s, and not before", 0 <= late < WITHIN_S, late)
    report.equal("T3", "socketio, polled: the session is gone", polled.get(1), engine.UNKNOWN)


def coming_back(report, port, token):
    """And nobody comes back by it."""
    for name, path, status in [
        ("rooms", f"/ws/rooms/lobby?since=0&token={token}", 403), ("chat", f"/ws/chat?token={token}", 401),
        ("direct", f"/ws/{forged.USER}?token={token}", 403),
        ("gateway", f"/production?userId={forged.USER}&token={token}", 401),
    ]:
        try:
            Client(port, path).end()
            said = "in"
        except ConnectionError as refused:
            said = str(refused)
        report.check("T3", f"{name}: nobody comes back by a token that has ended", f"HTTP/1.1 {status}" in said, said)
