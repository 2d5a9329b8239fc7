#!/usr/bin/env python3
"""boto3, unmodified, against the real binary: it speaks to a connection, looks at it and closes it; signed and refused.

  tests/aws/boto.py       SWITCHBOARD_BINARY says which binary; boto3 and websocket-client have to be importable
"""
import datetime
import json
import os
import sys

import boto3
import botocore.exceptions
import websocket

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from server import Server  # noqa: E402

ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
PATIENCE_S = 20


def api(port, secret=SECRET, region="eu-central-1"):
    return boto3.client("apigatewaymanagementapi", endpoint_url=f"http://127.0.0.1:{port}/production", region_name=region,
                        aws_access_key_id=ID, aws_secret_access_key=secret)


def connect(port, user):
    """An open socket, and its name, which the frame for a route that nobody has tells."""
    socket = websocket.create_connection(f"ws://127.0.0.1:{port}/production?userId={user}", timeout=PATIENCE_S,
                                         header=["User-Agent: a test"])
    socket.send('{"action":"nobody has this"}')
    return socket, json.loads(socket.recv())["connectionId"]


def refused(client, what, **named):
    try:
        getattr(client, what)(**named)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    raise AssertionError(f"{what} was taken")


def main():
    with Server({"GATEWAY_ACCESS_KEYS": f"{ID}:{SECRET}"}) as server:
        client, (socket, name) = api(server.port), connect(server.port, "anna")
        for number in range(100):
            client.post_to_connection(ConnectionId=name, Data=json.dumps({"number": number}).encode())
        for number in range(100):
            assert json.loads(socket.recv()) == {"number": number}
        client.post_to_connection(ConnectionId=name, Data="grüße 🚀")
        assert socket.recv() == "grüße 🚀"
        seen = client.get_connection(ConnectionId=name)
        now = datetime.datetime.now(datetime.timezone.utc)
        assert datetime.timedelta(0) <= now - seen["ConnectedAt"] < datetime.timedelta(minutes=1), seen
        assert seen["ConnectedAt"] <= seen["LastActiveAt"] <= now, seen
        assert seen["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "a test"}, seen
        too_much = b"x" * (128 * 1024 + 1)
        assert refused(client, "post_to_connection", ConnectionId=name, Data=too_much) == ("PayloadTooLargeException", 413)
        assert refused(api(server.port, "another secret"), "get_connection", ConnectionId=name) == ("ForbiddenException", 403)
        closed = client.delete_connection(ConnectionId=name)
        assert closed["ResponseMetadata"]["HTTPStatusCode"] == 204
        opcode, payload = socket.recv_data()
        assert (opcode, payload[:2]) == (websocket.ABNF.OPCODE_CLOSE, (1000).to_bytes(2, "big"))
        for what, more in [("post_to_connection", {"Data": b"x"}), ("get_connection", {}), ("delete_connection", {})]:
            assert refused(client, what, ConnectionId=name, **more) == ("GoneException", 410), what
        try:
            client.get_connection(ConnectionId="S9r92dKZIAMCJ5w=")
            raise AssertionError("a name that is none of ours was taken")
        except client.exceptions.GoneException:
            pass
        print("boto3: posts, looks, closes, refusals")


main()
