"""Keys that tokens are signed with, an issuer's and a forger's, and tokens put together by hand, so that they may be wrong."""
import base64
import hashlib
import hmac
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
P256_BYTES = 32


def b64(data):
    data = data if isinstance(data, bytes) else data.encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(value):
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def part(value):
    """One part of a token: JSON as it is given, or made of what is given."""
    return b64(value if isinstance(value, (str, bytes)) else json.dumps(value, separators=(",", ":")))


def hmac_of(secret, bits="256"):
    return lambda signed: hmac.new(secret, signed, HASHES[bits]).digest()


def token(header, claims, sign):
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{b64(sign(signed.encode()))}"


class Secret:
    """The key of HS256."""

    algorithm = "HS256"

    def __init__(self, text):
        self.bytes = text.encode()

    def sign(self, signed):
        return hmac_of(self.bytes)(signed)

    def others(self):
        """Signatures of other algorithms with the very same key, by their names."""
        return {name: hmac_of(self.bytes, name[2:]) for name in ("HS384", "HS512")}


class Private:
    """A private key, and what the world knows of it."""

    def __init__(self, kid):
        self.kid, self.key = kid, self.make()

    def pem(self):
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def der(self):
        return self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def jwk(self):
        return {"kid": self.kid, "use": "sig", "alg": self.algorithm, **self.numbers()}

    def publics(self):
        """The public key in all the forms in which an HMAC's secret may be mistaken for it."""
        pem, jwk = self.pem(), self.jwk()
        main = jwk.get("n") or jwk["x"]
        return {
            "in PEM": pem.encode(),
            "in PEM without the last line end": pem.strip().encode(),
            "in PEM with the line ends of Windows": pem.replace("\n", "\r\n").encode(),
            "in PEM, its lines alone": "".join(pem.split("\n")[1:-2]).encode(),
            "in DER": self.der(),
            "as its JWK": json.dumps(jwk, separators=(",", ":")).encode(),
            "as its JWK's main member": main.encode(),
            "as its main number": unb64(main),
        }


class Rsa(Private):
    algorithm = "RS256"

    def make(self):
        return rsa.generate_private_key(65537, 2048)

    def sign(self, signed):
        return self.key.sign(signed, padding.PKCS1v15(), hashes.SHA256())

    def numbers(self):
        public = self.key.public_key().public_numbers()
        return {"kty": "RSA", "n": number(public.n), "e": number(public.e)}

    def others(self):
        def pkcs(kind):
            return lambda signed: self.key.sign(signed, padding.PKCS1v15(), kind)
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        return {"RS384": pkcs(hashes.SHA384()), "RS512": pkcs(hashes.SHA512()),
                "PS256": lambda signed: self.key.sign(signed, pss, hashes.SHA256())}


class Ec(Private):
    algorithm = "ES256"

    def make(self):
        return ec.generate_private_key(ec.SECP256R1())

    def raw(self, signed, kind):
        pair = decode_dss_signature(self.key.sign(signed, ec.ECDSA(kind)))
        return b"".join(half.to_bytes(P256_BYTES, "big") for half in pair)

    def sign(self, signed):
        return self.raw(signed, hashes.SHA256())

    def numbers(self):
        public = self.key.public_key().public_numbers()
        x, y = (b64(half.to_bytes(P256_BYTES, "big")) for half in (public.x, public.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}

    def others(self):
        return {"ES384": lambda signed: self.raw(signed, hashes.SHA384()), "ES256K": self.sign}


class Ed(Private):
    algorithm = "EdDSA"

    def make(self):
        return ed25519.Ed25519PrivateKey.generate()

    def sign(self, signed):
        return self.key.sign(signed)

    def numbers(self):
        return {"kty": "OKP", "crv": "Ed25519",
                "x": b64(self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))}

    def others(self):
        return {"Ed448": self.sign, "Ed25519ph": self.sign}


KINDS = {"RS256": Rsa, "ES256": Ec, "EdDSA": Ed}
