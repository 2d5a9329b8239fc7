"""Tokens that nobody may get in with (THREATS T1 to T3), forged for one key of a server's, and good ones beside them."""
import json
import time

from keys import KINDS, Secret, b64, hmac_of, part, token, unb64

USER = "101"
AUDIENCE, ISSUER = "switchboard-tests", "https://issuer.example"
TOKEN_BYTES_MAX = 8 * 1024
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Forged:
    """One token, what is wrong with it, whether it was good once, and which threat it is of."""

    def __init__(self, what, text, over=False):
        self.what, self.text, self.over, self.threat = what, text, over, "T1"


class Maker:
    """Tokens with a key: the genuine one, or whichever a forger has."""

    def __init__(self, key):
        self.key = key
        self.now = time.time()

    def header(self, **more):
        kid = getattr(self.key, "kid", None)
        return {"alg": self.key.algorithm, "typ": "JWT", **({"kid": kid} if kid else {}), **more}

    def claims(self, **more):
        said = {"sub": USER, "username": "alice", "exp": int(self.now) + 3600, "aud": AUDIENCE, "iss": ISSUER, **more}
        return {name: value for name, value in said.items() if value is not ...}

    def token(self, header=None, claims=None, sign=None):
        return token(header or self.header(), claims or self.claims(), sign or self.key.sign)


def good(key):
    """Tokens that every door takes; the last ones name places to fetch keys from, which nobody is to look at."""
    make = Maker(key)
    now = make.now
    return {
        "plain": make.token(),
        "with a list of audiences": make.token(claims=make.claims(aud=["others", AUDIENCE])),
        "begun and issued within the skew": make.token(claims=make.claims(nbf=now + 50, iat=int(now) + 50)),
        "with a fraction of a second": make.token(claims=make.claims(exp=now + 600.5)),
        "that says who in two ways alike": make.token(claims=make.claims(user_id=int(USER))),
        "whose header says more": make.token(make.header(cty="x", zip="DEF", x5t="AAAA")),
    }


def leading(key, url):
    """Good tokens whose headers lead elsewhere: taken, for the key is the server's, and where they lead nobody goes."""
    make = Maker(key)
    return {f"that names {name}": make.token(make.header(**{name: value})) for name, value in (
        ("jku", url + "/jwks.json"), ("x5u", url + "/cert.pem"), ("jwk", {"kty": "oct", "k": "AAAA"}))}


def forged(key, url):
    """All that are forged for a key. `url` is the forger's own listener."""
    rows = {"T1": [*algorithms(key), *signatures(key), *users(key)], "T2": list(strangers(key, url)),
            "T3": [*times(key), *audiences(key)]}
    if not isinstance(key, Secret):
        rows["T2"] += confused(key)
    for threat, some in rows.items():
        for row in some:
            row.threat = threat
    return [row for some in rows.values() for row in some]


def algorithms(key):
    make = Maker(key)
    claims = part(make.claims())
    for name in ("none", "None", "NONE", "nOnE", "", key.algorithm):
        header = part(make.header(alg=name))
        yield Forged(f"alg {name!r} without a signature", f"{header}.{claims}.")
    for name in ("none", "NoNe", key.algorithm.lower(), key.algorithm + " ", "HMAC", [key.algorithm], {key.algorithm: 1},
                 None, 256, True):
        yield Forged(f"alg {name!r} with the key's own signature", make.token(make.header(alg=name)))
    yield Forged("no alg", make.token({"typ": "JWT", "kid": getattr(key, "kid", "k")}))
    yield Forged("alg under another spelling", make.token({"Alg": key.algorithm, "ALG": key.algorithm}))
    yield Forged("alg twice", make.token(f'{{"alg":"{key.algorithm}","alg":"none"}}'))
    yield Forged("alg twice, once escaped", make.token(f'{{"alg":"none","\\u0061lg":"{key.algorithm}"}}'))
    for name, sign in key.others().items():
        yield Forged(f"{name} with the same key", make.token(make.header(alg=name), sign=sign))
        if name != "ES256K" and not name.startswith("Ed"):
            yield Forged(f"{name}, which calls itself {key.algorithm}", make.token(sign=sign))
    for name in {"HS256", "RS256", "ES256", "EdDSA", "PS256"} - {key.algorithm}:
        yield Forged(f"{key.algorithm}, which calls itself {name}", make.token(make.header(alg=name)))
    for crit in (["b64"], [], None):
        yield Forged(f"crit {crit!r}", make.token(make.header(crit=crit, b64=False)))
    yield Forged("a header that is a list", make.token(["alg", key.algorithm]))
    yield Forged("a header that goes on", make.token(json.dumps(make.header()) + "{}"))
    yield Forged("an encrypted one's five parts", ".".join([part({"alg": "dir", "enc": "A128GCM"}), "", "a", claims, "a"]))
    yield Forged("a signature in JSON", json.dumps({"payload": claims, "signatures": [
        {"protected": part(make.header()), "signature": make.token().split(".")[2]}]}).replace(" ", ""))


def signatures(key):
    make = Maker(key)
    genuine, other = make.token(), make.token(claims=make.claims(sub="102"))
    header, claims, signature = genuine.split(".")
    raw = unb64(signature)

    def signed(data, what):
        return Forged(what, f"{header}.{claims}.{data if isinstance(data, str) else b64(data)}")

    def flipped(at, bit=1):
        return raw[:at] + bytes([raw[at] ^ bit]) + raw[at + 1:]
    yield signed("", "no signature")
    yield signed(signature[:-1], "a signature cut by a character")
    yield signed(raw[:-1], "a signature cut by a byte")
    yield signed(raw[:len(raw) // 2], "half a signature")
    yield signed(raw + b"\0", "a signature and a byte")
    yield signed(raw + raw, "a signature twice")
    yield signed(bytes(len(raw)), "a signature of zeros")
    yield signed(b"\xff" * len(raw), "a signature of ones")
    for at in (0, len(raw) // 2, len(raw) - 1):
        yield signed(flipped(at), f"one bit off in byte {at}")
    yield signed(flipped(0, 0x80), "the first bit off")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    yield signed(signature[:-1] + alphabet[alphabet.index(signature[-1]) + 1], "one unused bit off")
    yield signed(other.split(".")[2], "another token's signature")
    yield signed(signature + "=", "a padded signature")
    yield signed(signature.replace("-", "+").replace("_", "/") + "+", "the standard alphabet's signature")
    yield Forged("another token's claims", f"{header}.{other.split('.')[1]}.{signature}")
    yield Forged("another header", f"{part({'alg': key.algorithm})}.{claims}.{signature}")
    yield Forged("header and claims swapped", f"{claims}.{header}.{signature}")
    yield Forged("two parts", f"{header}.{claims}")
    yield Forged("four parts", f"{genuine}.{signature}")
    yield Forged("a user's name", USER)
    yield Forged("dots", "..")
    yield Forged("a token longer than is read", genuine + "A" * (TOKEN_BYTES_MAX - len(genuine) + 1))
    if key.algorithm == "ES256":
        order = P256_ORDER.to_bytes(32, "big")
        yield signed(order + order, "r and s of the curve's order")
        yield signed(raw[:32] + bytes(32), "s of zero")
        yield signed(bytes(32) + raw[32:], "r of zero")
        yield signed(der(raw), "a signature in DER")
    if key.algorithm == "EdDSA":
        past = int.from_bytes(raw[32:], "little") + ED25519_ORDER
        yield signed(raw[:32] + past.to_bytes(32, "little"), "s past the order, which names the same number")
        yield signed(bytes([1]) + bytes(63), "the neutral point")


def der(raw):
    def integer(half):
        half = half.lstrip(b"\0") or b"\0"
        half = b"\0" + half if half[0] & 0x80 else half
        return b"\2" + bytes([len(half)]) + half
    body = integer(raw[:32]) + integer(raw[32:])
    return b"\x30" + bytes([len(body)]) + body


def strangers(key, url):
    """Signed with a key of the forger's own, which the token says where to find."""
    if isinstance(key, Secret):
        own = Secret("the forger's own key, of more than 32 bytes")
        own_jwk = {"kty": "oct", "alg": "HS256", "k": b64(own.bytes)}
        for secret in (b"", b"\0", b"secret", b"your-256-bit-secret", b"changeme", key.bytes[:-1], key.bytes.upper(),
                       b64(key.bytes).encode()):
            yield Forged(f"the secret {secret[:20]!r}", Maker(Secret("")).token(sign=hmac_of(secret)))
    else:
        own = KINDS[key.algorithm](key.kid)
        own_jwk = own.jwk()
    make = Maker(own)
    yield Forged("a key of one's own", make.token())
    for what, more in [
        ("jwk", {"jwk": own_jwk}), ("jku", {"jku": url + "/jwks.json"}), ("x5u", {"x5u": url + "/cert.pem"}),
        ("x5c", {"x5c": ["MIIB"]}), ("jku and x5u of an own name", {"jku": url, "x5u": url, "kid": "mine"}),
        ("jku of the cloud's metadata", {"jku": "http://169.254.169.254/latest/meta-data"}),
        ("x5u of a file", {"x5u": "file:///dev/null"}), ("iss", {"iss": url}),
        *((f"kid {kid!r}", {"kid": kid}) for kid in (
            "../../../../dev/null", "/dev/null", url + "/jwks.json", "' UNION SELECT 'secret' --", "x' OR '1'='1",
            "$(sleep 5)", "x; sleep 5 |", "\0", "", None, 0, ["k"], {"$ne": ""}, "k" * 4000)),
    ]:
        yield Forged(f"a key of one's own, brought along by {what}", make.token(make.header(**more)))
    yield Forged("an issuer of one's own, with discovery", make.token(claims=make.claims(iss=url)))
    for what, secret in (("nothing", b""), ("a NUL", b"\0")):
        # What a server reads from the file that kid names.
        yield Forged(f"kid /dev/null and {what} as the key", token(
            {"alg": "HS256", "kid": "../../../../dev/null"}, make.claims(), hmac_of(secret)))
    for name, kind in KINDS.items():
        if name != key.algorithm:
            yield Forged(f"a key of one's own, of the kind {name}", Maker(kind(getattr(key, "kid", "k"))).token())


def confused(key):
    """Signed with what everybody knows, the public key, as if it were the secret of HS256 (THREATS T2)."""
    make = Maker(key)
    for what, public in key.publics().items():
        for name in ("HS256", "HS384", "HS512") if what == "in PEM" else ("HS256",):
            yield Forged(f"{name} with the public key {what}",
                         make.token(make.header(alg=name), sign=hmac_of(public, name[2:])))
        yield Forged(f"{key.algorithm} named, HS256 with the public key {what}", make.token(sign=hmac_of(public)))


def times(key):
    make = Maker(key)
    now = make.now

    def claims(what, over=False, **more):
        return Forged(what, make.token(claims=make.claims(**more)), over)

    def raw(name, value):
        more = make.claims(**{name: "?"})
        return Forged(f"{name} {value}", make.token(claims=json.dumps(more).replace('"?"', value)))
    yield claims("no exp", exp=...)
    for exp in (0, 1, 0.5, now - 1, int(now) - 59, int(now) - 86400):
        yield claims(f"exp {round(now - exp)} s ago", True, exp=exp)
    for exp in (str(int(now) + 3600), None, True, [int(now) + 3600], {}, -1, -int(now), 1e300, 253402300800,
                int(now + 3600) * 1000):
        yield claims(f"exp {exp!r}", exp=exp)
    for value in ("1e999", "-1e999", "Infinity", "-Infinity", "NaN", "0x7fffffff", "9" * 400):
        yield raw("exp", value)
    yield Forged("exp twice", make.token(claims=json.dumps(make.claims())[:-1] + f',"exp":{int(now) + 9999}}}'))
    for name in ("nbf", "iat"):
        yield claims(f"{name} beyond the skew", **{name: now + 90})
        for value in (str(int(now)), None, False, -5, [int(now)], 1e300):
            yield claims(f"{name} {value!r}", **{name: value})
        yield raw(name, "1e999")


def audiences(key):
    make = Maker(key)
    for name, own in (("aud", AUDIENCE), ("iss", ISSUER)):
        lists = ([own, 1], {own: 1}, ["them"], []) if name == "aud" else ([own], {own: 1})
        for value in (..., "them", own.upper(), own + "/", own[:-1], own + ".evil.example", " " + own, "", None, 1, True,
                      *lists):
            what = "missing" if value is ... else repr(value)
            yield Forged(f"{name} {what}", make.token(claims=make.claims(**{name: value})))


def users(key):
    make = Maker(key)
    for what, more in [
        ("nobody", {"sub": ...}), ("nobody but a name", {"sub": ..., "name": USER}), ("null", {"sub": None}),
        ("empty", {"sub": ""}), ("too long", {"sub": "1" * 256}), ("with a line end", {"sub": USER + "\n"}),
        ("with a NUL", {"sub": USER + "\0"}), ("true", {"sub": True}), ("a list", {"sub": [USER]}),
        ("an object", {"sub": {"$ne": None}}), ("a fraction", {"sub": 101.5}), ("two", {"user_id": "102"}),
        ("two, in a case", {"sub": "a", "userId": "A"}), ("a back end", {"sub": "service:auth"}),
        ("a waiting user", {"sub": "waiting:alice"}),
    ]:
        yield Forged(f"a user that is {what}", make.token(claims=make.claims(**more)))
    said = json.dumps(make.claims())
    for what, claims in [
        ("twice", said[:-1] + ',"sub":"102"}'), ("twice, once escaped", said[:-1] + ',"\\u0073ub":"102"}'),
        ("half a character", said.replace(f'"{USER}"', '"\\ud800"')), ("in a list", f"[{said}]"),
        ("in a text", json.dumps(said)), ("and more", said + said), ("nested beyond reason",
                                                                    said[:-1] + f',"x":{"[" * 2000}{"]" * 2000}}}'),
        ("that is no UTF-8", said.encode().replace(b"alice", b"\xff")),
    ]:
        yield Forged(f"claims {what}", make.token(claims=claims))
