#!/usr/bin/env python3
"""Requests drawn from `/openapi.json` by schemathesis, valid ones and wrong ones, against the real binary: in development
mode, with a token, and with nothing that says who asks. No answer may be a server error, or have a status, a kind, a
header or a body that the document does not name (GOALS.md S7).

  tests/schemathesis/run.py [--examples 20]     of each operation; 56,000 requests, in 11 min: --examples 400

SWITCHBOARD_BINARY says which binary. Run by a Python that has schemathesis (requirements.txt).
"""
import argparse
import base64
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "lib"))
from server import Server  # noqa: E402

SECRET = "requests that nobody would make, made"
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
          "response_schema_conformance")
# What is asked here is many requests at once by one user; the limits of pace have tests of their own.
SETTINGS = {"MAX_MESSAGES_PER_MIN": "0"}


def token():
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")
    claims = {"sub": "1", "name": "alice", "exp": int(time.time()) + 3600}
    text = b".".join(part(json.dumps(value).encode()) for value in ({"alg": "HS256", "typ": "JWT"}, claims))
    return b".".join((text, part(hmac.new(SECRET.encode(), text, hashlib.sha256).digest()))).decode()


def run(what, settings, headers, examples):
    """How many requests were made, and whether all answers were as described."""
    with Server({**SETTINGS, **settings}) as server:
        done = subprocess.run(
            [os.path.join(os.path.dirname(sys.executable), "schemathesis"), "run",
             f"http://127.0.0.1:{server.port}/openapi.json", "--max-examples", str(examples), "--workers", "2",
             "--phases", "examples,coverage,fuzzing", "--checks", ",".join(CHECKS), "--generation-deterministic",
             # Of what it draws for a path it drops what a URL can't hold, and now and then that is too much for its taste.
             # That says nothing of an answer; that enough was asked is seen from what it counts.
             "--suppress-health-check", "filter_too_much,too_slow", "--no-color", "--request-timeout", "10",
             *(part for header in headers for part in ("--header", header))],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=server.data)
        made = re.search(r"(\d+) generated", done.stdout)
        tested = re.search(r"Tested: (\d+)", done.stdout)
        good = done.returncode == 0 and server.is_up() and made and tested
        if not good:
            print(f"FAILED {what}:\n{done.stdout[-8000:]}\n{server.trouble()}")
        return int(made[1]) if made else 0, int(tested[1]) if tested else 0, good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--examples", type=int, default=20)
    examples = parser.parse_args().examples
    told = [
        run("in development mode", {}, ["Authorization: Bearer alice", "X-User-ID: 1", "X-Username: alice"], examples),
        run("with a token", {"JWT_SECRET": SECRET}, [f"Authorization: Bearer {token()}"], examples),
        run("as nobody", {"JWT_SECRET": SECRET}, [], examples),
    ]
    made, tested = sum(made for made, *_ in told), min(tested for _, tested, _ in told)
    print(f"Schemathesis: {made} requests of {tested} operations, in development mode, with a token and as nobody; "
          f"{sum(not good for *_, good in told)} of 3 runs with an answer that is not described")
    sys.exit(0 if all(good for *_, good in told) and tested > 40 else 1)


main()
