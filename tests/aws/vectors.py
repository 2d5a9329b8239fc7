"""Requests signed by botocore at a fixed time, for `adapters/src/auth/tests/signed.rs`:

    python tests/aws/vectors.py > crates/adapters/src/auth/tests/signed.json

The time, the keys and the bodies are made up. Run it again only when a case is added: what is recorded has to stay
good.
"""

import datetime
import json

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

AT = datetime.datetime(2026, 11, 28, 11, 30, 55, tzinfo=datetime.timezone.utc)
ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
CONNECTION = "/production/@connections/ab_-cdEFGH0123456789abc%3D"
JSON = {"Content-Type": "application/json"}

CASES = [
    ("a post", "POST", CONNECTION, b'{"hi":1}', "us-east-1", {}, None),
    ("a look", "GET", CONNECTION, b"", "us-east-1", {}, None),
    ("a close", "DELETE", CONNECTION, b"", "us-east-1", {}, None),
    ("an empty post", "POST", CONNECTION, b"", "eu-central-1", {}, None),
    ("text beyond ASCII", "POST", CONNECTION, "grüße 🚀".encode(), "us-east-1", JSON, None),
    ("an encoded at sign", "POST", CONNECTION.replace("@", "%40"), b"x", "us-east-1", {}, None),
    ("an id without its padding encoded", "POST", CONNECTION.replace("%3D", "="), b"x", "us-east-1", {}, None),
    ("a query", "GET", CONNECTION + "?b=2&a=1&c=x%20y&a=0&d", b"", "us-east-1", {}, None),
    ("blanks in a header", "POST", CONNECTION, b"x", "us-east-1", {"X-Amz-Meta": "  a   b  c "}, None),
    ("a session token", "POST", CONNECTION, b"x", "us-west-2", {}, "token/of+a=session"),
]


class Fixed(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return AT.replace(tzinfo=None)

    @classmethod
    def now(cls, tz=None):
        return AT if tz else AT.replace(tzinfo=None)


def signed(name, method, target, body, region, headers, session):
    request = AWSRequest(method=method, url="http://chat.example:8000" + target, data=body, headers=headers)
    botocore.auth.SigV4Auth(Credentials(ID, SECRET, session), "execute-api", region).add_auth(request)
    prepared = request.prepare()
    sent = {key.lower(): value.decode() if isinstance(value, bytes) else value for key, value in prepared.headers.items()}
    sent["host"] = "chat.example:8000"
    path, _, query = target.partition("?")
    return {
        "name": name, "method": method, "path": path, "query": query,
        "headers": sorted(sent.items()), "body": body.decode(),
    }


def main():
    fixed = lambda *_args, **_named: AT.replace(tzinfo=None)
    if hasattr(botocore.auth, "get_current_datetime"):
        botocore.auth.get_current_datetime = fixed
    else:
        botocore.auth.datetime.datetime = Fixed
    cases = [json.dumps(signed(*case), ensure_ascii=False) for case in CASES]
    print("[\n" + ",\n".join(cases) + "\n]")


main()
