"""The log: one JSON object a line, whatever clients say, and nothing secret in it."""

import json

import pytest
from conftest import PASSWORD, sign_up
from harness import Proxy, eventually
from harness.wire import Wire, request

pytestmark = pytest.mark.raw

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def logged(postgres, tmp_path_factory):
    """A proxy that logs all there is."""
    proxy = Proxy(tmp_path_factory.mktemp("logged"), **postgres.proxy_settings(), LOG_LEVEL="debug")
    try:
        yield proxy.start()
    finally:
        proxy.stop()


def lines(proxy):
    """Every line, parsed; one that is being written has no end yet."""
    whole = proxy.log.read_bytes().rpartition(b"\n")[0]
    return [json.loads(line.decode("utf-8", errors="strict")) for line in whole.splitlines()]


def line_of(proxy, request_id):
    def look():
        return [line for line in lines(proxy) if line["event"] == "request" and line["request_id"] == request_id]

    (found,) = eventually(look, what=f"the line of {request_id}")
    return found


def test_a_request_has_one_line_with_everything(logged):
    user = sign_up(logged)
    answer = user.get("/users/1/profile?x", headers={"X-Request-Id": "line-1"})
    line = line_of(logged, "line-1")
    assert line["method"] == "GET" and line["route"] == "/users/{user_id}/profile"
    assert line["path"] == "/users/1/profile" and line["status"] == answer.status
    assert line["bytes"] == len(answer.content) and line["us"] > 0
    assert line["user_id"] == user.id and line["address"] == "127.0.0.1"
    assert line["level"] == "info" and line["time"].endswith("Z")
    assert "trace_id" not in line


def test_a_traceparent_is_passed_on_to_the_log(logged, anyone):
    logged.client().get("/healthz", headers={"X-Request-Id": "t-1", "traceparent": f"00-{TRACE}-{PARENT}-01"})
    line = line_of(logged, "t-1")
    assert line["trace_id"] == TRACE and line["parent_id"] == PARENT


@pytest.mark.parametrize("headers", [
    [f"traceparent: 00-{TRACE.upper()}-{PARENT}-01"],
    [f"traceparent: ff-{TRACE}-{PARENT}-01"],
    [f"traceparent: 00-{'0' * 32}-{PARENT}-01"],
    [f"traceparent: 00-{TRACE}-{PARENT}-01-x"],
    ["traceparent: "],
    ["traceparent: " + "a" * 2000],
    [f"traceparent: 00-{TRACE}-{PARENT}-01"] * 2,
], ids=range(7))
def test_a_malformed_traceparent_is_ignored(logged, headers):
    name = f"bad-trace-{abs(hash(tuple(headers)))}"
    with Wire(logged) as wire:
        assert wire.send(request(headers=[*headers, f"X-Request-Id: {name}"])).response().status == 200
    assert "trace_id" not in line_of(logged, name)


@pytest.mark.parametrize("is_journal", [True, False])
def test_the_journal_gets_the_priority_of_each_line(postgres, tmp_path, is_journal):
    """As systemd does it: JOURNAL_STREAM names what standard error is, unless it was redirected since."""
    proxy = Proxy(tmp_path, **postgres.proxy_settings(), LOG_LEVEL="debug", SLOW_QUERY_MS=1)
    proxy.log.touch()
    file = proxy.log.stat()
    proxy.settings["JOURNAL_STREAM"] = f"{file.st_dev}:{file.st_ino if is_journal else file.st_ino + 1}"
    proxy.start()
    try:
        sign_up(proxy)
    finally:
        proxy.stop()
    found = set()
    for line in proxy.log.read_text().splitlines():
        priority, brace, rest = line.partition("{")
        found.add((priority, json.loads(brace + rest)["level"]))
    expected = {("<4>", "warn"), ("<6>", "info"), ("<7>", "debug")}
    assert found == (expected if is_journal else {("", level) for _, level in expected})
    proxy.settings["PORT"] = "x"
    proxy.launch([proxy.program], env=proxy.env)
    assert proxy.popen.wait(30) > 0
    assert proxy.log.read_text().splitlines()[-1].startswith("<3>PORT: " if is_journal else "PORT: ")


HOSTILE = [
    request(target="/\"},{\"event\":\"forged\"}"),
    request(target="/a\\\"b\\"),
    request(target="/\u00e4\u00ff"),
    b"GET /\xff\xfe\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /\xe2\x82 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /" + b"\xc3\xa4" * 300 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /x" + b"\xc3\xa4" * 300 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /%0d%0a{\"event\":\"forged\"}%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /a\rb HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /\x01\x02\x1b[31m\x7f HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n",
    b"G\"}\r\n{\"event\":\"forged\"} / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\"},{\"event\":\"forged\"} /x HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\xff\xff /x HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\"},{\"event\":\"forged\"}\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: \xff\xfe\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: \"},{\"event\":\"forged\"}\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\ntraceparent: 00-\"},{\"event\":\"forged\"}\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: \r\n\"event\":\"forged\"\r\n\r\n",
    request("X" * 5000, "/x"),
    request(target="/" + "x" * 3000),
    request(target="/" + "x" * 100_000),
    request(target="/" + "\"" * 100_000),
    request(headers=("X-A: " + "b" * 100_000,)),
    b"\r\n" * 100 + b"\0" * 1000 + b"\r\n\r\n",
]


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
def test_no_client_can_forge_or_break_a_line(logged, data):
    before = len(lines(logged))
    with Wire(logged) as wire:
        wire.send(data).response()
    sure = f"after-{before}"
    logged.client().get("/healthz", headers={"X-Request-Id": sure})
    line_of(logged, sure)
    new = lines(logged)[before:]
    assert all(line["event"] != "forged" for line in new)
    for line in new:
        assert {"time", "level", "event"} <= line.keys() and len(json.dumps(line)) < 8000


def test_no_secret_is_logged(postgres, logged):
    user = sign_up(logged)
    token = user.client.token
    client = logged.client()
    client.get(f"/badges?token={token}&password=hunter2-query")
    client.get("/badges", headers={"Authorization": "Bearer sekret.in.header", "Cookie": "sid=sekret-cookie"})
    client.get("/badges", headers={"Authorization": "Basic c2VrcmV0OnNla3JldA=="})
    client.post("/auth/login", {"email": user.email, "password": "sekret-password"})
    client.post("/auth/login", {"email": user.email, "password": ["sekret-listed"]})
    client.post("/auth/refresh", {"refresh_token": user.session["refresh_token"]}).expect(200)
    client.post("/auth/refresh", {"refresh_token": "sekret-refresh"})
    client.get("/mail/unsubscribe/7-sekret-in-a-link").expect(404)
    client.post("/mail/unsubscribe/7-sekret-in-a-link").expect(404)
    with Wire(logged) as wire:
        wire.send(request(target="http://sekret-user:sekret-pw@x/badges")).response()
        wire.send(request("POST", "/auth/login", headers=("Content-Type: application/json",),
                          body=b'{"password": "sekret-cut'))
    sure = "no-secret"
    client.get("/healthz", headers={"X-Request-Id": sure})
    line_of(logged, sure)
    log = logged.log.read_text() + postgres.log.read_text()
    for secret in ("sekret", "hunter2", token, token.split(".")[2], user.session["refresh_token"], PASSWORD,
                   logged.settings["JWT_SECRET"], "c2VrcmV0", postgres.password):
        assert secret not in log, secret
