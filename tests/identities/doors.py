"""Every way in which a credential can be shown at every door, and what is said there to whom it isn't taken from. A knock
gives `IN`, or all that was said: the status and the whole body, or the packets."""
import json
from urllib.parse import quote

import engine
from engine import Polling, Socket, event
from forged import USER
from http1 import Line, upgrade

IN = "in"
ROOM = "lobby"


class Door:
    """`refusal` is said to a token that is not good, `over` to one that was good once, `nothing` to whoever shows
    nothing. Where `key` is set a user's key is wanted, and no token is good."""

    def __init__(self, name, knock, refusal, over=None, nothing=None, key=False):
        self.name, self.knock, self.refusal, self.nothing, self.key = name, knock, refusal, nothing, key
        self.over = over if over and not key else refusal


PLACES = {
    "?token=": lambda token: ("?", "token=" + quote(token, safe=""), []),
    "Authorization": lambda token: ("", "", [f"Authorization: Bearer {token}"]),
    "Sec-WebSocket-Protocol": lambda token: ("", "", [f"Sec-WebSocket-Protocol: bearer, {token}"]),
    "x-api-key": lambda token: ("", "", [f"x-api-key: {token}"]),
}


def sockets():
    """Doors whose upgrade is refused: (name, path, places, what is said to the bad, the ended and those without)."""
    problem = {"title": "Unauthorized", "status": 401}
    yield ("rooms", f"/ws/rooms/{ROOM}", ("?token=", "Authorization", "x-api-key"),
           (403, {"detail": "Invalid token"}), (403, {"detail": "Token expired"}), (403, {"detail": "Token required"}))
    for prefix in ("", "/api/messaging"):
        yield f"direct {prefix}", f"{prefix}/ws/{USER}", tuple(PLACES), (403, None), (403, None), (403, None)
    yield ("chat", "/ws/chat", tuple(PLACES), (401, problem), (401, problem), (401, problem))
    yield ("gateway", f"/production?userId={USER}", tuple(PLACES), *[(401, {"message": "Unauthorized"})] * 3)


def rest():
    """(name, method, path, body, what is said to the bad, the ended and those without)."""
    invalid, over = (401, {"detail": "Invalid token"}), (401, {"detail": "Token expired"})
    nothing = (403, {"detail": "Not authenticated"})
    yield "rooms REST", "GET", f"/rooms/{ROOM}/connections", None, invalid, over, nothing
    yield "rooms REST, a broadcast", "POST", f"/rooms/{ROOM}/broadcast", {"text": "hush"}, invalid, over, nothing
    yield "rooms REST, a roster", "GET", f"/guilds/g/members/{USER}", None, invalid, over, nothing
    detail = (401, {"detail": "Invalid or expired token"})
    nothing = (401, {"detail": "Authentication required"})
    yield "direct REST", "GET", "/api/messaging/conversations/", None, detail, detail, nothing
    message = {"receiver_id": int(USER), "content": "hush"}
    yield "direct REST, a message", "POST", "/api/messaging/messages/", message, detail, detail, nothing
    invalid = (403, {"success": False, "message": "Invalid token."})
    nothing = (401, {"success": False, "message": "Access denied. No token provided."})
    yield "socketio REST", "GET", f"/messages/unread/{ROOM}", None, invalid, invalid, nothing
    message = {"room_id": ROOM, "content": "hush"}
    yield "socketio REST, a message", "POST", "/messages", message, invalid, invalid, nothing
    invalid = (401, {"success": False, "message": "Invalid token format"})
    nothing = (401, {"success": False, "message": "Authorization token required"})
    yield "socketio REST, presence", "POST", "/presence/heartbeat", {}, invalid, invalid, nothing


def all_doors(port):
    """Every place of every door of a server."""
    doors = []
    for name, path, places, refusal, over, nothing in sockets():
        for place in places:
            doors.append(Door(f"{name}, {place}", knock_socket(port, path, PLACES[place]), refusal, over, nothing,
                              place == "x-api-key"))
    line = Line(port)
    for name, method, path, body, refusal, over, nothing in rest():
        for place in ("Authorization", "x-api-key"):
            doors.append(Door(f"{name}, {place}", knock_rest(line, method, path, body, PLACES[place]), refusal, over,
                              nothing, place == "x-api-key"))
    return doors + [
        Door("socketio, authenticate", lambda token: authenticate(port, token), DENIED, nothing=DENIED),
        Door("socketio, authenticate over polling", lambda token: authenticate_polled(port, token), DENIED,
             nothing=DENIED),
        # Whoever shows nothing there may say `authenticate` later.
        Door("socketio, the handshake's auth", lambda token: handshake(port, token), [REFUSED]),
    ]


def knock_socket(port, path, place):
    def knock(token):
        mark, query, headers = place(token) if token is not None else ("", "", [])
        mark = "&" if mark and "?" in path else mark
        return seen(upgrade(port, path + mark + query, headers))
    return knock


def knock_rest(line, method, path, body, place):
    def knock(token):
        return seen(line.ask(method, path, place(token)[2] if token is not None else [], body))
    return knock


def seen(answer):
    if answer.status == 101 or 200 <= answer.status < 300:
        return IN
    if answer.status == 404 and answer.text == '{"detail":"Member not found"}':
        return IN  # They were let in, and what they asked for isn't there.
    if answer.status == 403 and answer.text == '{"detail":"Guild access denied"}':
        return IN
    if not answer.body:
        return answer.status, None
    try:
        said = answer.json()
    except ValueError:
        return answer.status, answer.text
    if "title" in said:
        said.pop("type", None)  # The request's own URI.
    return answer.status, said


DENIED = ['42["authenticated",{"success":false,"error":"Authentication failed"}]', "41"]
REFUSED = '44{"message":"Authentication failed"}'


def shown(token):
    return {"userId": USER} if token is None else {"userId": USER, "token": token}


def authenticate(port, token):
    """Says `authenticate`; nothing but the refusal may come before the socket ends."""
    client = Socket(port)
    client.connect()
    packets = client.ask_for([event("authenticate", shown(token))], accepted)
    ended = client.ended or client.closed is not None
    client.end()
    if accepted(packets):
        return IN
    return packets if ended else [*packets, "and the socket stays"]


def accepted(packets):
    return any(f'"success":true,"userId":"{USER}"' in packet for packet in packets)


def authenticate_polled(port, token):
    session = Polling(port)
    session.connect()
    session.post(event("authenticate", shown(token)))
    packets = session.packets(lambda packets: accepted(packets) or "41" in packets or "1" in packets)
    if accepted(packets):
        session.end()
        return IN
    packets = [packet for packet in packets if packet not in ("1", "6")]
    unknown = session.get(1) == engine.UNKNOWN
    session.end()
    return packets if unknown else [*packets, "and the session stays"]


def handshake(port, token):
    client = Socket(port)
    client.greeted()
    said = client.ask_for(["40" + json.dumps({"token": token})], lambda packets: packets)
    client.end()
    return IN if said and said[0].startswith('40{"sid"') else said
