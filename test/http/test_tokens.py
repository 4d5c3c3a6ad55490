"""Forged, broken and foreign tokens against a running proxy: each is 401 and
changes nothing. The good ones in the same table show that the others are refused for
what they say, not for how they are made."""

import hashlib
import json
import socket
from time import time

import pytest
from conftest import sign_up
from harness import Proxy
from harness.proxy import JWT_SECRET
from harness.tokens import (
    ISSUER,
    EcKey,
    RsaKey,
    encode,
    hs,
    own_claims,
    provider_claims,
    public_der,
    public_pem,
    signed,
)

PREVIOUS_SECRET = "the-secret-of-last-month-which-is-also-long"
OURS = {"alg": "HS256", "typ": "JWT"}


class Forge:
    """Everything a case may use: the user whose token it would be, and all keys."""

    def __init__(self, directory):
        self.rsa, self.ec = RsaKey(), EcKey()
        self.other_rsa, self.other_ec = RsaKey(), EcKey()
        self.key_file = directory / "provider.pem"
        self.key_file.write_bytes(public_pem(self.rsa) + public_pem(self.ec))
        self.subject = "somebody-new"
        self.user = None

    def own(self, header=OURS, secret=JWT_SECRET, **changes):
        """One of ours, but for the changes."""
        return signed(header, own_claims(self.user.id, **changes), hs(secret))

    def own_raw(self, payload, header=OURS):
        return signed(header, payload, hs(JWT_SECRET))

    def own_text(self, *pairs):
        """Claims written out one by one, so that a name may come twice."""
        claims = own_claims(self.user.id)
        text = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in claims.items()]
        return self.own_raw("{" + ", ".join(text + [f'"{name}": {value}' for name, value in pairs]) + "}")

    def foreign(self, key=None, header=None, signature=None, **changes):
        """One of the provider's, but for the changes."""
        key = key or self.rsa
        return signed(
            header or {"alg": key.algorithm, "typ": "JWT"},
            provider_claims(self.subject, **changes),
            signature or key.sign,
        )


@pytest.fixture(scope="module")
def forge(tmp_path_factory):
    return Forge(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def server(postgres, forge, tmp_path_factory):
    proxy = Proxy(
        tmp_path_factory.mktemp("proxy"),
        **postgres.proxy_settings(),
        JWT_SECRET_PREVIOUS=PREVIOUS_SECRET,
        JWT_PUBLIC_KEY_FILE=forge.key_file,
        JWT_ISSUER=ISSUER,
        JWT_AUDIENCE="timetrackr-tests",
    )
    try:
        forge.user = sign_up(proxy.start(), name="forged")
        yield proxy
    finally:
        proxy.stop()


def cut(token, *segments):
    parts = token.split(".")
    return ".".join(parts[i] if isinstance(i, int) else i for i in segments)


def flipped(token):
    """Another spelling of the same signature, for decoders that let unused bits pass."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + digits[digits.index(token[-1]) ^ 1]


GOOD = {
    "ours": lambda f: f.own(),
    "ours without typ": lambda f: f.own({"alg": "HS256"}),
    "ours, typ in lower case": lambda f: f.own({"alg": "HS256", "typ": "jwt"}),
    "ours with the previous secret": lambda f: f.own(secret=PREVIOUS_SECRET),
    "ours without iat": lambda f: f.own(iat=None),
    "ours with nbf now": lambda f: f.own(nbf=int(time())),
    "ours for another minute": lambda f: f.own(exp=int(time()) + 60),
    "ours with a kid that is not looked at": lambda f: f.own({**OURS, "kid": "../../../../dev/null"}),
    "ours as it was issued": lambda f: f.user.client.token,
    "RS256": lambda f: f.foreign(),
    "ES256": lambda f: f.foreign(f.ec),
    "RS256 at+jwt": lambda f: f.foreign(header={"alg": "RS256", "typ": "at+jwt"}),
    "RS256 with kid": lambda f: f.foreign(header={"alg": "RS256", "kid": "anything"}),
    "RS256, audience among others": lambda f: f.foreign(aud=["account", "timetrackr-tests"]),
    "RS256 with 3 KB of claims": lambda f: f.foreign(roles=["r" * 20] * 90),
}


def header_cases():
    """What a header must not say, with a good signature over it."""
    nones = ["none", "None", "NONE", "nOnE", "none ", " none", "n\u043ene", ""]
    for alg in nones:
        yield f"alg {alg!r} unsigned", lambda f, alg=alg: signed({"alg": alg}, own_claims(f.user.id), lambda _: b"")
        yield f"alg {alg!r} signed", lambda f, alg=alg: f.own({"alg": alg, "typ": "JWT"})
    for alg in ["hs256", "Hs256", "HS256 ", "HS256\u0000", "HS2560", "HS25", "HS1", "RS384", "PS256", "ES384", "EdDSA", "dir"]:
        yield f"alg {alg!r}", lambda f, alg=alg: f.own({"alg": alg, "typ": "JWT"})
        yield f"alg {alg!r} by the provider", lambda f, alg=alg: f.foreign(header={"alg": alg})
    for alg in [None, 1, True, ["HS256"], {"HS256": 1}]:
        yield f"alg {alg!r}", lambda f, alg=alg: f.own({"alg": alg})
    for name, value in [("crit", ["exp"]), ("crit", []), ("crit", None), ("crit", "exp"), ("b64", False), ("b64", True)]:
        yield f"{name} {value!r}", lambda f, n=name, v=value: f.own({**OURS, n: v})
        yield f"{name} {value!r} by the provider", lambda f, n=name, v=value: f.foreign(header={"alg": "RS256", n: v})
    for typ in ["JWE", "", 1, None, "JWT\u0000", "application/jwt;x"]:
        yield f"typ {typ!r}", lambda f, typ=typ: f.own({"alg": "HS256", "typ": typ})
    for text in ["", "null", "[]", "{", '"HS256"', "{}", '["HS256"]', '{"alg":"HS256","alg":"HS256"}',
                 '{"alg":"none","alg":"HS256"}', '{"alg":"HS256"} x', '\ufeff{"alg":"HS256"}', "{'alg':'HS256'}"]:
        yield f"header {text!r}", lambda f, text=text: f.own(text)
    yield "header in UTF-16", lambda f: f.own('{"alg":"HS256"}'.encode("utf-16"))
    yield "header of bytes that are no UTF-8", lambda f: f.own(b'{"alg":"HS256","x":"\xff\xfe"}')
    yield "header nested deeply", lambda f: f.own('{"alg":"HS256","x":' + "[" * 300 + "]" * 300 + "}")


def key_cases():
    """Signatures by keys that are not the ones, or for something else."""
    yield "another secret", lambda f: f.own(secret="another-secret-that-is-long-enough-too")
    yield "the empty secret", lambda f: f.own(secret="")
    yield "the secret with a NUL behind it", lambda f: f.own(secret=JWT_SECRET + "\0x")
    yield "HS384", lambda f: signed({"alg": "HS384"}, own_claims(f.user.id), hs(JWT_SECRET, hashlib.sha384))
    yield "HS512", lambda f: signed({"alg": "HS512"}, own_claims(f.user.id), hs(JWT_SECRET, hashlib.sha512))
    yield "HS256 with a SHA-512", lambda f: signed(OURS, own_claims(f.user.id), hs(JWT_SECRET, hashlib.sha512))
    for name, of in [("rsa", lambda f: f.rsa), ("ec", lambda f: f.ec)]:
        for form, data in [
            ("PEM", lambda f, of=of: public_pem(of(f))),
            ("PEM without its last newline", lambda f, of=of: public_pem(of(f)).rstrip()),
            ("DER", lambda f, of=of: public_der(of(f))),
            ("key file", lambda f: f.key_file.read_bytes()),
        ]:
            yield f"HS256 with the {name} {form} as secret", lambda f, d=data: f.own(secret=d(f))
            yield (
                f"HS256 with the {name} {form} as secret, the provider's claims",
                lambda f, d=data: signed(OURS, provider_claims(f.subject), hs(d(f))),
            )
        yield f"{name}: an HMAC as signature", lambda f, of=of: f.foreign(of(f), signature=hs(public_pem(of(f))))
        yield f"{name}: an HMAC by our secret", lambda f, of=of: f.foreign(of(f), signature=hs(JWT_SECRET))
        yield f"{name}: our claims, signed by the provider", lambda f, of=of: signed(
            {"alg": of(f).algorithm}, own_claims(f.user.id), of(f).sign)
        yield f"{name}: signed as HS256", lambda f, of=of: signed(OURS, provider_claims(f.subject), of(f).sign)
    yield "the provider's claims, signed by us", lambda f: signed(OURS, provider_claims(f.subject), hs(JWT_SECRET))
    yield "another RSA key", lambda f: f.foreign(f.other_rsa)
    yield "another EC key", lambda f: f.foreign(f.other_ec)
    yield "RS256 signed by the EC key", lambda f: f.foreign(header={"alg": "RS256"}, signature=f.ec.sign)
    yield "ES256 signed by the RSA key", lambda f: f.foreign(header={"alg": "ES256"}, signature=f.rsa.sign)
    yield "RS256 with PSS", lambda f: f.foreign(signature=f.rsa.sign_pss)
    for name in ["jwk", "jku", "x5u", "x5c", "kid"]:
        value = {"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}, "x5c": ["MIIB"]}.get(name, "http://127.0.0.1:9/key")
        yield (
            f"{name} to a key of the forger's",
            lambda f, n=name, v=value: f.foreign(f.other_rsa, header={"alg": "RS256", n: v}),
        )


def signature_cases():
    zero, one = bytes(32), b"\x01".rjust(32, b"\0")
    order = bytes.fromhex("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551")
    for name, r, s in [("0, 0", zero, zero), ("0, 1", zero, one), ("1, 0", one, zero), ("n, n", order, order),
                       ("n, 1", order, one), ("max", b"\xff" * 32, b"\xff" * 32)]:
        yield f"ES256 r, s = {name}", lambda f, r=r, s=s: f.foreign(f.ec, signature=lambda _: r + s)
    yield "ES256 as DER", lambda f: f.foreign(f.ec, signature=f.ec.sign_der)
    for length in [1, 2, 31, 32, 63, 65, 96, 128, 256]:
        yield f"ES256 of {length} bytes", lambda f, n=length: f.foreign(
            f.ec, signature=lambda data: (f.ec.sign(data) * 4)[:n])
    for length in [1, 64, 255, 257, 512]:
        yield f"RS256 of {length} bytes", lambda f, n=length: f.foreign(
            signature=lambda data: (f.rsa.sign(data) * 2)[:n])
    yield "RS256 with zeros in front", lambda f: f.foreign(signature=lambda data: b"\0" + f.rsa.sign(data))
    yield "RS256 of zeros", lambda f: f.foreign(signature=lambda _: bytes(256))
    for length in [1, 31, 33, 64]:
        yield f"HS256 of {length} bytes", lambda f, n=length: signed(
            OURS, own_claims(f.user.id), lambda data: (hs(JWT_SECRET)(data) * 2)[:n])
    yield "HS256 spelled otherwise", lambda f: flipped(f.own())
    yield "RS256 spelled otherwise", lambda f: flipped(f.foreign())
    yield "ES256 spelled otherwise", lambda f: flipped(f.foreign(f.ec))


def claim_cases():
    """What claims must not say, well signed."""
    now = int(time())
    wrong_times = ["1999999999", "", now + 600.5, 1e308, True, [now + 600], {"t": now + 600}, "null"]
    for make, who in [(Forge.own, "ours"), (Forge.foreign, "the provider's")]:
        for name in ["iss", "sub", "exp"]:
            yield f"{who} without {name}", lambda f, m=make, n=name: m(f, **{n: None})
        for value in wrong_times:
            yield f"{who}, exp {value!r}", lambda f, m=make, v=value: m(f, exp=v)
            yield f"{who}, nbf {value!r}", lambda f, m=make, v=value: m(f, nbf=v)
            yield f"{who}, iat {value!r}", lambda f, m=make, v=value: m(f, iat=v)
        for value in [2**63, 2**64, 10**30, -(2**63) - 1, 0, -1, -(2**63)]:
            yield f"{who}, exp {value}", lambda f, m=make, v=value: m(f, exp=v)
        yield f"{who}, expired a second ago", lambda f, m=make: m(f, exp=int(time()) - 1)
        yield f"{who}, nbf in two minutes", lambda f, m=make: m(f, nbf=int(time()) + 120)
        yield f"{who}, iat in two minutes", lambda f, m=make: m(f, iat=int(time()) + 120)
        for value in ["", "timetrackr ", "TIMETRACKR", ISSUER + "/", ISSUER.upper(), 1, True, [ISSUER], ["timetrackr"], {}]:
            yield f"{who}, iss {value!r}", lambda f, m=make, v=value: m(f, iss=v)
        for value in ["", 1, 1.0, True, ["1"], {"id": "1"}, [], "a\nb", "a\u0000"]:
            yield f"{who}, sub {value!r}", lambda f, m=make, v=value: m(f, sub=v)
    for value in ["0", "-1", " 1", "1 ", "1.0", "+1", "01", "0x1", "1e0", "\uff11", "\u0661", "1\n", "9223372036854775808",
                  "99999999999999999999", "admin", "me", "1,2", "1' OR '1'='1"]:
        yield f"ours, sub {value!r}", lambda f, v=value: f.own(sub=v)
    yield "ours, sub with a blank in front of the right one", lambda f: f.own(sub=f" {f.user.id}")
    yield "ours, of a user who is not there", lambda f: f.own(sub=str(2**62))
    yield "the provider's without iat", lambda f: f.foreign(iat=None)
    yield "the provider's, sub of 256 bytes", lambda f: f.foreign(sub="x" * 256)
    for value in [None, "other", "timetrackr-tests ", "TIMETRACKR-TESTS", "", 1, [], ["other"], [["timetrackr-tests"]],
                  ["timetrackr-tests", 1], {"timetrackr-tests": 1}, "timetrackr-tests,other"]:
        yield f"the provider's, aud {value!r}", lambda f, v=value: f.foreign(aud=v)
    for pair in [("sub", '"1"'), ("exp", "99999999999"), ("iss", '"timetrackr"'), ("role", '"admin"'), ("x", "1")]:
        yield f"{pair[0]} twice", lambda f, p=pair: f.own_text(p, *([p] if p[0] == "x" else []))
    for text in ["", "null", "[]", "{}", "{", "1", '"x"', "{} {}", "true"]:
        yield f"claims {text!r}", lambda f, t=text: f.own_raw(t)
    yield "claims with a BOM", lambda f: f.own_raw("\ufeff" + json.dumps(own_claims(f.user.id)))
    yield "claims in an array", lambda f: f.own_raw([own_claims(f.user.id)])
    yield "claims in UTF-16", lambda f: f.own_raw(json.dumps(own_claims(f.user.id)).encode("utf-16"))
    yield "claims that are no UTF-8", lambda f: f.own_raw(json.dumps(own_claims(f.user.id))[:-1].encode() + b',"x":"\xff"}')
    yield "claims with a surrogate alone", lambda f: f.own_text(("x", '"\\ud800"'))
    yield "claims with a NUL", lambda f: f.own_text(("x", '"\\u0000"'))
    yield "claims nested deeply", lambda f: f.own_text(("x", "[" * 200 + "]" * 200))
    yield "claims with a comment", lambda f: f.own_raw(json.dumps(own_claims(f.user.id)) + " // x")
    yield "claims with a number too large", lambda f: f.own_text(("x", "1e999"))


def form_cases():
    """Texts that are no token."""
    for name, segments in [("no signature", (0, 1)), ("empty signature", (0, 1, "")), ("empty claims", (0, "", 2)),
                           ("empty header", ("", 1, 2)), ("one segment", (0,)), ("four segments", (0, 1, 2, 2)),
                           ("five segments", (0, 1, 2, 2, 2)), ("dots alone", ("", "", "")), ("header twice", (0, 0, 1, 2)),
                           ("claims and signature swapped", (0, 2, 1)), ("signature alone", ("", "", 2)),
                           ("four, the last one empty", (0, 1, 2, ""))]:
        yield name, lambda f, s=segments: cut(f.own(), *s)
        yield f"{name}, the provider's", lambda f, s=segments: cut(f.foreign(), *s)
    for text in ["", ".", "..", "...", "a", "a.b", "a.b.c", "null", "undefined", "e30.e30.e30", "AAAA.AAAA.AAAA",
                 "A.A.A", "....", "eyJhbGciOiJIUzI1NiJ9..", "%00", "{}"]:
        yield f"text {text!r}", lambda f, t=text: t
    for position in [1, 10, 40, -1]:
        for byte in ["=", "+", "/", "%", " ", "\t", ",", "A", "~", "\xe9"]:
            yield (
                f"{byte!r} put in at {position}",
                lambda f, p=position, b=byte: (t := f.own())[:p] + b + t[p:],
            )
    for tail in ["=", "==", "AA", ".", " x", ",", ";", '"', "%0A", "%00", "\\n"]:
        yield f"{tail!r} behind it", lambda f, t=tail: f.own() + t
        yield f"{tail!r} in front of it", lambda f, t=tail: t + f.own()
    yield "with padding", lambda f: ".".join(part + "=" * (-len(part) % 4 or 4) for part in f.own().split("."))
    yield "the last byte cut", lambda f: f.own()[:-1]
    yield "the last byte of the provider's cut", lambda f: f.foreign()[:-1]
    yield "ours of 2 KB", lambda f: f.own(x="x" * 1500)
    yield "the provider's of 5 KB", lambda f: f.foreign(x="x" * 3500)
    yield "quoted", lambda f: f'"{f.own()}"'
    yield "encrypted", lambda f: ".".join([encode({"alg": "dir", "enc": "A128GCM"}), "", "AAAA", "AAAA", "AAAA"])


CASES = {}
for _cases in (header_cases, key_cases, signature_cases, claim_cases, form_cases):
    for _name, _make in _cases():
        assert _name not in CASES, _name
        CASES[_name] = _make


def request(server, lines, method="GET", path="/users/me", body=b""):
    """One request byte by byte; the status line, the header's lines and the body."""
    head = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close"]
    head += [f"Content-Length: {len(body)}", "Content-Type: application/json"] if body else []
    data = "\r\n".join(head).encode() + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body
    with socket.create_connection(("127.0.0.1", int(server.settings["PORT"])), timeout=30) as connection:
        connection.sendall(data)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *fields = head.decode("latin-1").split("\r\n")
    return int(status.split()[1]), dict(field.split(": ", 1) for field in fields), body


def bearer(token):
    return [b"Authorization: Bearer " + (token if isinstance(token, bytes) else token.encode("latin-1"))]


def state(db):
    return db.execute(
        "SELECT (SELECT count(*) FROM timetrackr.users), (SELECT count(*) FROM timetrackr.projects),"
        " (SELECT count(*) FROM timetrackr.erased_identities)"
    ).fetchone()


def assert_refused(answer, code="invalid_token"):
    status, fields, body = answer
    assert status == 401, (status, body)
    assert json.loads(body)["code"] == code
    assert fields["WWW-Authenticate"] == 'Bearer error="invalid_token"', fields


@pytest.mark.parametrize("name", GOOD)
def test_a_good_token_is_taken(server, forge, name):
    status, _, body = request(server, bearer(GOOD[name](forge)))
    assert status == 200, body
    assert (json.loads(body)["user_id"] == forge.user.id) == (name.startswith("ours"))


def test_the_table_is_whole():
    assert len(CASES) > 400 and len(GOOD) >= 15


@pytest.mark.parametrize("cases", [header_cases, key_cases, signature_cases, claim_cases, form_cases])
def test_any_other_token_is_refused_and_does_nothing(server, forge, db, cases):
    before = state(db)
    for name, make in cases():
        token = make(forge)
        body = json.dumps({"name": f"by {name}"}).encode()
        try:
            assert_refused(request(server, bearer(token)))
            assert_refused(request(server, bearer(token), "POST", "/projects", body))
            # also where no token is needed, and the second time, when it might be remembered
            assert_refused(request(server, bearer(token), path="/badges"))
        except AssertionError as failure:
            raise AssertionError(f"{name}: {token[:200]!r}: {failure}") from failure
    assert state(db) == before


@pytest.mark.parametrize(
    "scheme", ["", "bearer", "BEARER", "Bearer", "Basic", "Token", "Bearer:", "JWT", "Bearertoken", "Bearer Bearer", "Negotiate"]
)
def test_the_scheme_is_bearer_in_any_case(server, forge, scheme):
    answer = request(server, [f"Authorization: {scheme} {forge.own()}".strip().encode()])
    if scheme.lower() == "bearer":
        assert answer[0] == 200
    else:
        assert_refused(answer)


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "bearer\t", "x", "", " "])
def test_a_header_without_a_token_is_refused(server, value):
    assert_refused(request(server, [f"Authorization: {value}".encode()]))


def test_a_token_elsewhere_is_not_looked_at(server, forge):
    token = forge.own()
    for lines, path in [([], f"/users/me?access_token={token}"), ([], f"/users/me?token={token}"),
                        ([f"Cookie: access_token={token}".encode()], "/users/me"),
                        ([f"X-Access-Token: {token}".encode()], "/users/me"),
                        ([f"Proxy-Authorization: Bearer {token}".encode()], "/users/me")]:
        status, fields, body = request(server, lines, path=path)
        assert status == 401 and json.loads(body)["code"] == "missing_token", body
        assert fields["WWW-Authenticate"].startswith("Bearer")


def test_two_tokens_are_none(server, forge):
    for lines in (bearer(forge.own()) * 2, bearer("x") + bearer(forge.own()), bearer(forge.own()) + bearer("x")):
        assert request(server, lines)[0] == 400
    joined = f"Authorization: Bearer {forge.own()}, Bearer {forge.own()}".encode()
    assert_refused(request(server, [joined]))


def test_bytes_that_no_header_may_have(server, forge):
    token = forge.own().encode()
    for bad in (b"\0", b"\r", b"\n", b"\x7f"):
        status, _, _ = request(server, [b"Authorization: Bearer " + token[:20] + bad + token[20:]])
        assert status in (400, 401), bad


def test_a_token_of_a_megabyte_is_refused(server, forge):
    for size in (7000, 1 << 20):
        with socket.create_connection(("127.0.0.1", int(server.settings["PORT"])), timeout=30) as connection:
            try:
                connection.sendall(b"GET /users/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + b"A" * size + b"\r\n\r\n")
                answer = connection.recv(65536)
            except (BrokenPipeError, ConnectionResetError):
                continue  # it did not want to read all of that
        assert answer == b"" or int(answer.split()[1]) in (400, 401, 431), answer[:100]
    assert request(server, bearer(forge.own()))[0] == 200
