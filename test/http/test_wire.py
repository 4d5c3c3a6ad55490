"""HTTP/1.1 byte by byte (RFC 9112): what two parsers could understand
differently is refused, and what follows a refused request is never executed."""

import json

import pytest
from harness import eventually
from harness.wire import MARK, Wire, request, smuggled

pytestmark = pytest.mark.raw

CHUNKED = "Transfer-Encoding: chunked"
JSON = "Content-Type: application/json"


def post(*headers, body=b""):
    return request("POST", "/auth/login", headers=(JSON, *headers), body=body)


REFUSED = {
    # framing of the body
    "length and chunks": (400, post("Content-Length: 2", CHUNKED, body=b"0\r\n\r\n")),
    "chunks and length": (400, post(CHUNKED, "Content-Length: 2", body=b"0\r\n\r\n")),
    "two lengths that differ": (400, post("Content-Length: 2", "Content-Length: 3", body=b"{} ")),
    "two lengths alike": (400, post("Content-Length: 2", "Content-Length: 2", body=b"{}")),
    "lengths in a list": (400, post("Content-Length: 2, 2", body=b"{}")),
    "length with a sign": (400, post("Content-Length: +2", body=b"{}")),
    "negative length": (400, post("Content-Length: -1", body=b"{}")),
    "hexadecimal length": (400, post("Content-Length: 0x2", body=b"{}")),
    "length with a blank": (400, post("Content-Length: 2 2", body=b"{}")),
    "empty length": (400, post("Content-Length:", body=b"")),
    "enormous length": (413, post("Content-Length: 99999999999999999999999", body=b"{}")),
    "identity encoding": (400, post("Transfer-Encoding: identity", body=b"{}")),
    "gzip and chunked": (400, post("Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n")),
    "chunked twice": (400, post(CHUNKED, CHUNKED, body=b"0\r\n\r\n")),
    "chunked in a list": (400, post("Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n")),
    "chunked, mangled": (400, post("Transfer-Encoding: xchunked", body=b"0\r\n\r\n")),
    "chunked, a tab in front": (400, post("Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n")),
    "chunks in HTTP/1.0": (400, request("POST", "/auth/login", "HTTP/1.0", headers=(JSON, CHUNKED), body=b"0\r\n\r\n")),
    # chunks
    "chunk size that is none": (400, post(CHUNKED, body=b"zz\r\n{}\r\n0\r\n\r\n")),
    "empty chunk size": (400, post(CHUNKED, body=b"\r\n{}\r\n0\r\n\r\n")),
    "negative chunk size": (400, post(CHUNKED, body=b"-2\r\n{}\r\n0\r\n\r\n")),
    "prefixed chunk size": (400, post(CHUNKED, body=b"0x2\r\n{}\r\n0\r\n\r\n")),
    "chunk size with a blank": (400, post(CHUNKED, body=b"2 \r\n{}\r\n0\r\n\r\n")),
    "enormous chunk size": (413, post(CHUNKED, body=b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n")),
    "chunk longer than it says": (400, post(CHUNKED, body=b"2\r\n{}x\r\n0\r\n\r\n")),
    "chunk ends in CR alone": (400, post(CHUNKED, body=b"2\r\n{}\r0\r\n\r\n")),
    # lines of the head
    "bare LF": (400, b"GET /healthz HTTP/1.1\r\nHost: x\nX-A: b\r\n\r\n"),
    "bare LF after the request line": (400, b"GET /healthz HTTP/1.1\nHost: x\r\n\r\n"),
    "bare LF at the end of the head": (400, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\n"),
    "bare LF alone": (400, b"GET /healthz HTTP/1.1\nHost: x\n\n"),
    "bare CR in a value": (400, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\rc\r\n\r\n"),
    "NUL in a value": (400, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\0c\r\n\r\n"),
    "NUL in a name": (400, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-\0A: b\r\n\r\n"),
    "NUL after a value": (400, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\0\r\n\r\n"),
    "control byte in a value": (400, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\x01c\r\n\r\n"),
    "DEL in a value": (400, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: \x7f\r\n\r\n"),
    "folded line": (400, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n"),
    "folded with a tab": (400, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\r\n\tc\r\n\r\n"),
    "folded first line": (400, b"GET /healthz HTTP/1.1\r\n Host: x\r\n\r\n"),
    "blank before the colon": (400, b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length : 2\r\n\r\n{}"),
    "tab before the colon": (400, b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length\t: 2\r\n\r\n{}"),
    "blank in a name": (400, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX A: b\r\n\r\n"),
    "name in UTF-8": (400, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-ä: b\r\n\r\n".encode()),
    "no name": (400, b"GET /healthz HTTP/1.1\r\nHost: x\r\n: b\r\nX-A: c\r\n\r\n"),
    "no colon": (400, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A\r\n\r\n"),
    # Host
    "no host": (400, request(host=None)),
    "two hosts": (400, request(headers=("Host: y",))),
    "host with a blank": (400, request(host="Host: x y")),
    "host with a path": (400, request(host="Host: x/y")),
    "host with a user": (400, request(host="Host: a@b")),
    # the request line
    "two blanks after the method": (400, b"GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
    "two blanks after the target": (400, b"GET /healthz  HTTP/1.1\r\nHost: x\r\n\r\n"),
    "blank at the end of the line": (400, b"GET /healthz HTTP/1.1 \r\nHost: x\r\n\r\n"),
    "blank in the target": (400, b"GET /health z HTTP/1.1\r\nHost: x\r\n\r\n"),
    "tab in the target": (400, b"GET /health\tz HTTP/1.1\r\nHost: x\r\n\r\n"),
    "NUL in the target": (400, b"GET /healthz\0/x HTTP/1.1\r\nHost: x\r\n\r\n"),
    "NUL in the method": (400, b"GET\0X /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
    "CR in the target": (400, b"GET /healthz\rX HTTP/1.1\r\nHost: x\r\n\r\n"),
    "method that is no token": (400, b"G(T /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
    "no target": (400, b"GET HTTP/1.1\r\nHost: x\r\n\r\n"),
    "no version": (400, b"GET /healthz\r\nHost: x\r\n\r\n"),
    "HTTP/0.9": (400, b"GET /\r\n"),
    "version in lower case": (400, b"GET /healthz http/1.1\r\nHost: x\r\n\r\n"),
    "mangled version": (400, b"GET /healthz HTTP/1.x\r\nHost: x\r\n\r\n"),
    "HTTP/1.2": (505, request(version="HTTP/1.2")),
    "HTTP/1.9": (505, request(version="HTTP/1.9")),
    "HTTP/0.1": (505, request(version="HTTP/0.1")),
    "HTTP/3.0": (505, request(version="HTTP/3.0")),
    "HTTP/2 preface": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
    "PROXY protocol": (400, b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + request()),
    "NUL that hides much": (400, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\0" + b"c" * 3000 + b"\r\nX-B: d\r\n\r\n"),
    "NUL that hides a field": (400, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\0\0\r\nX-B: c\r\n\r\n"),
    # too long
    "overlong target": (414, request(target="/" + "x" * 5000)),
    "enormous target": (414, request(target="/" + "x" * 100_000)),
    "overlong field": (431, request(headers=("X-A: " + "b" * 20_000,))),
    "too many fields": (431, request(headers=[f"X-{i}: b" for i in range(3000)])),
    # Expect
    "unknown expectation": (417, post("Expect: coffee", body=b"{}")),
    "expectation in a list": (417, post("Expect: 100-continue, coffee", body=b"{}")),
}


# Not even a request line: the connection ends without an answer.
NO_HTTP = {
    "tab for a blank": b"GET\t/healthz\tHTTP/1.1\r\nHost: x\r\n\r\n",
    "no method": b" /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x5a" * 100 + b"\r\n\r\n",
}


@pytest.mark.parametrize("how", NO_HTTP)
def test_what_is_no_http_gets_no_answer(proxy, how):
    with Wire(proxy) as wire:
        assert wire.send(NO_HTTP[how] + smuggled() + smuggled()).responses() == []


@pytest.mark.parametrize("how", REFUSED)
def test_loose_http_is_refused_and_nothing_behind_it_is_executed(proxy, how):
    status, data = REFUSED[how]
    with Wire(proxy) as wire:
        found = wire.send(data + smuggled() + smuggled()).responses()
    assert [one.status for one in found] == [status]
    assert found[0].json["status"] == status and found[0].closes
    assert found[0].headers["x-request-id"].encode() != MARK


@pytest.mark.parametrize("how", [how for how in REFUSED if len(REFUSED[how][1]) < 400])
def test_it_is_refused_as_well_when_it_comes_byte_by_byte(proxy, how):
    status, data = REFUSED[how]
    with Wire(proxy) as wire:
        found = wire.send(*(data[i:i + 1] for i in range(len(data))), smuggled()).responses()
    assert [one.status for one in found] == [status]


# Answered, but the connection goes on or not as HTTP says; nothing is taken for another request.
@pytest.mark.parametrize(
    "target, status",
    [
        ("/users/../healthz", 404),
        ("/users/%2e%2e/healthz", 404),
        ("/./healthz", 404),
        ("//healthz", 404),
        ("/healthz/", 404),
        ("/HEALTHZ", 404),
        ("/healthz#x", 400),
        ("/healthz?x=#y", 400),
        ("/%", 400),
        ("/%2", 400),
        ("/%zz", 400),
        ("/%00", 400),
        ("/%ff", 400),
        ("/healthz%00", 400),
        ("/projects?q=%", 400),
        ("/projects?q=%u0041", 400),
        ("healthz", 400),
        ("*", 400),
        ("http://x/healthz", 200),
        ("HTTP://x/healthz", 200),
        ("http://x", 200),
        ("http:///healthz", 400),
        ("http://u@x/healthz", 400),
        ("http://x?y", 400),
        ("ftp://x/healthz", 400),
        ("x:443", 400),
        ("\\healthz", 400),
    ],
)
def test_a_target_is_a_path_and_taken_literally(proxy, target, status):
    with Wire(proxy) as wire:
        wire.send(request(target=target))
        assert wire.response().status == status
        assert wire.send(request()).response().status == 200


@pytest.mark.parametrize("method, target, status", [
    ("TRACE", "/healthz", 405),
    ("TRACK", "/healthz", 405),
    ("CONNECT", "x:443", 400),
    ("CONNECT", "/healthz", 405),
    ("get", "/healthz", 405),
    ("PRI", "*", 400),
    ("POST", "/healthz", 405),
    ("OPTIONS", "*", 204),
    ("X" * 3000, "/healthz", 405),
])
def test_methods_that_are_not_known_are_not_done(proxy, method, target, status):
    with Wire(proxy) as wire:
        response = wire.send(request(method, target, headers=("X-Secret: told-back",))).response()
    assert response.status == status
    assert b"told-back" not in response.body


def test_pipelined_requests_are_answered_in_their_order(proxy):
    ids = [f"id-{i}" for i in range(100)]
    data = b"".join(request(target="/badges" if i % 3 else "/healthz", headers=(f"X-Request-Id: {one}",))
                    for i, one in enumerate(ids))
    with Wire(proxy) as wire:
        wire.send(data)
        assert [wire.response().headers["x-request-id"] for _ in ids] == ids


def test_what_comes_while_a_request_waits_for_the_database_is_answered_after_it(proxy, user):
    """In one piece with it, and in pieces of their own; on many connections at once."""
    token = f"Authorization: Bearer {user.client.token}"
    ids = [f"id-{i}" for i in range(12)]
    asked = [request(target="/users/me", headers=(token, f"X-Request-Id: {one}")) for one in ids]
    wires = [Wire(proxy) for _ in range(8)]
    try:
        for _ in range(3):
            for wire in wires:
                wire.send(b"".join(asked[:4]))
            for one in asked[4:]:
                for wire in wires:
                    wire.send(one)
            for wire in wires:
                assert [wire.response().headers["x-request-id"] for _ in ids] == ids
    finally:
        for wire in wires:
            wire.socket.close()


@pytest.mark.one_server("it looks for the request in the only server")
def test_one_that_waits_for_long_keeps_its_place(proxy, postgres, user):
    project_id = user.project()
    body = json.dumps({"project_id": project_id}).encode()
    start = request("POST", "/time-entries", headers=(JSON, f"Authorization: Bearer {user.client.token}"), body=body)
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with postgres.connect(autocommit=False) as holder, postgres.connect() as db, Wire(proxy) as wire, Wire(proxy) as gone:
        holder.execute("SELECT FROM timetrackr.user_totals WHERE user_id = %s FOR UPDATE", [user.id])
        wire.send(start)
        gone.send(start)
        gone.socket.close()
        eventually(lambda: db.execute(blocked).fetchone()[0] > 0, 10, "a statement that waits")
        wire.send(request(headers=("X-Request-Id: behind",)))
        assert user.get("/users/me").status == 200
        holder.rollback()
        assert wire.response().status == 201
        assert wire.response().headers["x-request-id"] == "behind"


def test_the_body_of_a_get_is_no_request(proxy):
    with Wire(proxy) as wire:
        wire.send(request(body=smuggled()) + request(headers=("X-Request-Id: second",)))
        assert wire.response().status == 200
        assert wire.response().headers["x-request-id"] == "second"


def test_the_body_of_a_refused_request_is_no_request(proxy):
    """Refused by its path, not by its framing: the connection may go on, behind the body."""
    with Wire(proxy) as wire:
        wire.send(request("POST", "/no-such-path", body=smuggled()) + request(headers=("X-Request-Id: second",)))
        assert wire.response().status == 404
        assert wire.response().headers["x-request-id"] == "second"


@pytest.mark.parametrize(
    "framing",
    [
        b"2\r\n{}\r\n0\r\n\r\n",
        b"1\r\n{\r\n1;name=value\r\n}\r\n0\r\n\r\n",
        b'2;a="\\"";b\r\n{}\r\n00000\r\n\r\n',
        b"2\r\n{}\r\n0\r\nX-Trailer: a\r\nContent-Length: 500\r\n\r\n",
        # lenient: a line of the chunks ends in LF alone
        b"2;\n{}\r\n0\r\n\r\n",
        b"2\n{}\n0\n\n",
    ],
)
def test_behind_chunks_nothing_is_executed(proxy, framing):
    """A front end may see the end of the body elsewhere: the connection has to end."""
    for pieces in ([framing], [framing[i:i + 1] for i in range(len(framing))]):
        with Wire(proxy) as wire:
            found = wire.send(post(CHUNKED), *pieces, smuggled()).responses()
        assert [(one.status, one.json["code"]) for one in found] == [(422, "missing_field")]
        assert found[0].closes


def test_a_trailer_is_no_header(proxy, user):
    trailer = f"Authorization: Bearer {user.client.token}".encode()
    body = b"2\r\n{}\r\n0\r\n" + trailer + b"\r\n\r\n"
    with Wire(proxy) as wire:
        found = wire.send(request("POST", "/projects", headers=(JSON, CHUNKED), body=body)).responses()
    assert [one.status for one in found] == [401]


def test_expect_is_answered_with_100_and_then_the_answer(proxy):
    with Wire(proxy) as wire:
        wire.send(post("Expect: 100-continue", "Content-Length: 2"))
        assert wire.response().status == 100
        assert wire.send(b"{}").response().status == 422
        assert wire.send(request()).response().status == 200


@pytest.mark.parametrize("status, data", [
    (401, request("POST", "/projects", headers=(JSON, "Content-Length: 20", "Expect: 100-continue"))),
    (404, request("POST", "/nowhere", headers=(JSON, "Content-Length: 20", "Expect: 100-continue"))),
    (405, request("POST", "/badges/progress", headers=(JSON, "Content-Length: 20", "Expect: 100-Continue"))),
    (413, post("Content-Length: 500000", "Expect: 100-continue")),
    (401, request("POST", "/projects", headers=(JSON, CHUNKED, "Expect: 100-continue"))),
])
def test_a_refused_request_is_not_asked_for_its_body(proxy, status, data):
    with Wire(proxy) as wire:
        found = wire.send(data, smuggled()).responses()
    if status == 405:
        status = found[0].status
        assert status in (404, 405)
    assert [one.status for one in found] == [status] and found[0].closes


def test_http_1_0_is_served_without_host_and_closed(proxy):
    with Wire(proxy) as wire:
        found = wire.send(request(version="HTTP/1.0", host=None)).responses()
    assert [one.status for one in found] == [200]
    with Wire(proxy) as wire:
        assert wire.send(request(version="HTTP/1.0", headers=("Expect: 100-continue",))).response().status == 200


def test_connection_close_is_heeded(proxy):
    with Wire(proxy) as wire:
        found = wire.send(request(headers=("Connection: close",)) + smuggled()).responses()
    assert [one.status for one in found] == [200] and found[0].closes


@pytest.mark.parametrize("size", [200_000, 1_000_000, 5_000_000])
def test_who_sends_too_much_still_reads_why_not(proxy, size):
    """The connection is not reset while the body is on its way."""
    with Wire(proxy) as wire:
        found = wire.send(post(body=b"x" * size)).responses()
    assert [one.status for one in found] == [413]
    assert json.loads(found[0].body)["code"] == "body_too_large"


def test_empty_lines_before_a_request_are_passed_over(proxy):
    with Wire(proxy) as wire:
        wire.send(b"\r\n" + request())
        assert wire.response().status == 200
