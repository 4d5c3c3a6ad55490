"""Making tokens, honest ones and any other, and the keys of an identity provider."""

import base64
import hashlib
import hmac
import json
from time import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

ISSUER = "https://id.example.com/realms/staff"
AUDIENCE = "timetrackr-tests"


def encode(data):
    """base64url; a dict or list becomes JSON, text UTF-8."""
    if isinstance(data, (dict, list)):
        data = json.dumps(data)
    if isinstance(data, str):
        data = data.encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header, payload, signature):
    """Header and payload as a token; signature(bytes) -> bytes."""
    text = f"{encode(header)}.{encode(payload)}"
    return f"{text}.{encode(signature(text.encode()))}"


def hs(secret, digest=hashlib.sha256):
    """Signs with a secret."""
    secret = secret if isinstance(secret, bytes) else secret.encode()
    return lambda data: hmac.new(secret, data, digest).digest()


class RsaKey:
    algorithm = "RS256"

    def __init__(self, bits=2048):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=bits)

    def sign(self, data, scheme=None, digest=None):
        return self.key.sign(data, scheme or padding.PKCS1v15(), digest or hashes.SHA256())

    def sign_pss(self, data):
        return self.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 32))


class EcKey:
    algorithm = "ES256"

    def __init__(self, curve=None):
        self.key = ec.generate_private_key(curve or ec.SECP256R1())

    def sign_der(self, data):
        return self.key.sign(data, ec.ECDSA(hashes.SHA256()))

    def sign(self, data):
        r, s = decode_dss_signature(self.sign_der(data))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def public_pem(key):
    return key.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def public_der(key):
    return key.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def private_pem(key):
    return key.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def own_claims(user_id, **changes):
    """Claims of a token of ours; a change to None leaves the claim out."""
    now = int(time())
    claims = {"iss": "timetrackr", "sub": str(user_id), "iat": now - 5, "exp": now + 600, "role": "user"}
    return changed(claims, changes)


def provider_claims(subject, **changes):
    now = int(time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": now - 5, "exp": now + 600}
    return changed(claims, changes)


def changed(claims, changes):
    claims = {**claims, **changes}
    return {name: value for name, value in claims.items() if value is not None}


def provider_token(key, subject, header=(), **changes):
    """A token as the provider makes them."""
    return signed({"alg": key.algorithm, "typ": "JWT", **dict(header)}, provider_claims(subject, **changes), key.sign)
