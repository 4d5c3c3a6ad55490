"""What every answer carries, and above all every refusal: a problem document, a
request id, security headers, Vary, and CORS for pages of a known origin only."""

import socket
import time

import pytest
from harness import Proxy
from harness.raw import RawAnswer, exchange, request

APP = "https://app.example.com"
DEV = "http://localhost:5173"
BEARER = "Bearer "

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
EXPOSED = {
    "allow", "content-disposition", "etag", "idempotent-replay", "link", "location", "ratelimit", "ratelimit-policy",
    "retry-after", "www-authenticate", "x-request-id",
}
ALLOWED = {
    "authorization", "content-type", "idempotency-key", "if-none-match", "x-request-id", "traceparent", "tracestate",
}
MAX_AGE, CORS = "Access-Control-Max-Age", "Access-Control-"


@pytest.fixture(scope="module")
def front(postgres, tmp_path_factory):
    """A proxy that pages of two origins may call."""
    server = Proxy(
        tmp_path_factory.mktemp("front"), **postgres.proxy_settings(), FRONTEND_URL=f"{APP},{DEV}",
        RATE_LIMIT_PER_MINUTE=100000, MAX_BODY_BYTES=1024, WORKERS=1,
    )
    try:
        yield server.start()
    finally:
        server.stop()


def cors_fields(answer):
    return {name for name, _ in answer.fields if name.startswith(CORS)}


def check_common(answer, origin):
    """What there must be whatever the status; `origin` is the one that may read it."""
    assert answer["X-Request-Id"]
    for name, value in SECURITY.items():
        assert answer[name] == value, name
    assert {"accept-encoding", "authorization", "origin"} <= answer.tokens("Vary")
    assert answer["Cache-Control"] in ("no-store", "private, no-cache", "public, no-cache")
    assert answer["Access-Control-Allow-Credentials"] is None
    if origin is None:
        assert cors_fields(answer) == set()
    else:
        assert answer["Access-Control-Allow-Origin"] == origin
        assert answer.tokens("Access-Control-Expose-Headers") == EXPOSED


def check_problem(answer, status, code, origin):
    check_common(answer, origin)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Cache-Control"] == "no-store" and answer["ETag"] is None
    assert int(answer["Content-Length"]) == len(answer.body)
    assert answer.json["status"] == status and answer.json["request_id"] == answer["X-Request-Id"]
    assert {"type", "title", "status", "detail", "code", "request_id"} <= answer.json.keys()


LOGIN = b'{"email":"x@example.com","password":"wrong password"}'
JSON = {"Content_Type": "application/json"}
# What is wrong: status, code, and the request without its Origin.
REFUSALS = {
    "no JSON": (400, "malformed_json", ("POST", "/auth/login", {"body": b"{", **JSON})),
    "a parameter": (400, "invalid_parameter", ("GET", "/users/x/profile", {})),
    "two hosts": (400, "malformed_request", ("GET", "/badges", {"host": "other.example.com"})),
    "a key": (400, "invalid_idempotency_key", ("POST", "/projects", {"body": b'{"name":"x"}', "Idempotency_Key": "a b",
                                                                    "token": True, **JSON})),
    "no token": (401, "missing_token", ("GET", "/users/me", {})),
    "a bad token": (401, "invalid_token", ("GET", "/badges", {"Authorization": "Bearer x.y.z"})),
    "bad credentials": (401, "bad_credentials", ("POST", "/auth/login", {"body": LOGIN, **JSON})),
    "not allowed": (403, None, ("POST", "/badges/preview", {"body": b'{"criteria":{"metric":"entry_count","gte":1}}',
                                                           "token": True, **JSON})),
    "a path": (404, "not_found", ("GET", "/no/such/path", {})),
    "a user": (404, "user_not_found", ("GET", "/users/999999999/profile", {})),
    "a method": (405, "method_not_allowed", ("DELETE", "/leaderboard", {})),
    "an unknown method": (405, "method_not_allowed", ("BREW", "/badges", {})),
    "a type": (406, "not_acceptable", ("GET", "/badges", {"Accept": "image/png"})),
    "a conflict": (409, "already_member", ("POST", "/projects/{own}/join", {"token": True})),
    "no length": (411, "length_required", ("POST", "/auth/login", JSON)),
    "too long a body": (413, "body_too_large", ("POST", "/auth/login", {"body": b"x" * 1025, **JSON})),
    "too many chunks": (413, "body_too_large", ("POST", "/auth/login", {"Transfer_Encoding": "chunked",
                                                                       "rest": b"7d0\r\n" + b"x" * 2000 + b"\r\n0\r\n\r\n",
                                                                       **JSON})),
    "too long a target": (414, "target_too_long", ("GET", "/badges?q=" + "x" * 5000, {})),
    "another type of body": (415, "unsupported_media_type", ("POST", "/auth/login", {"body": LOGIN,
                                                                                    "Content_Type": "text/plain"})),
    "a field": (422, "missing_field", ("POST", "/auth/login", {"body": b"{}", **JSON})),
    "no upgrade": (426, "upgrade_required", ("GET", "/live", {})),
}


def build(refusal, user, **fields):
    method, path, how = refusal
    how = dict(how)
    rest, other_host = how.pop("rest", b""), how.pop("host", None)
    if how.pop("token", False):
        how["Authorization"] = BEARER + user.client.token
    if "{own}" in path:
        path = path.replace("{own}", str(user.project(visibility="public")))
    data = request(method, path, **fields, **how)
    if other_host is not None:
        data = data.replace(b"\r\n", f"\r\nHost: {other_host}\r\n".encode(), 1)
    return data + rest


@pytest.mark.parametrize("what", REFUSALS)
@pytest.mark.parametrize("origin", [APP, DEV, "https://evil.example.com", None])
def test_every_refusal_is_a_whole_answer(front, user, what, origin):
    status, code, refusal = REFUSALS[what]
    if what == "no upgrade" and origin not in (APP, DEV, None):
        status, code = 403, "origin_not_allowed"  # a WebSocket knows no CORS
    answer = exchange(front, build(refusal, user, Origin=origin))
    check_problem(answer, status, code or answer.json["code"], origin if origin in (APP, DEV) else None)
    assert (answer["Allow"] is not None) == (status == 405)
    assert (answer["WWW-Authenticate"] is not None) == (status == 401)


@pytest.mark.parametrize("what", REFUSALS)
def test_every_refusal_keeps_the_requests_id(front, user, what):
    answer = exchange(front, build(REFUSALS[what][2], user, X_Request_Id="mine-1.2_3"))
    assert answer["X-Request-Id"] == answer.json["request_id"] == "mine-1.2_3"


# Refused before all of the head is known, Origin among it.
@pytest.mark.parametrize("status, code, data", [
    (431, "head_too_large", b"GET /badges HTTP/1.1\r\nHost: x\r\n" + b"X-Long: " + b"y" * 20000 + b"\r\n\r\n"),
    (505, "http_version", b"GET /badges HTTP/3.0\r\nHost: x\r\n\r\n"),
])
def test_what_cannot_be_read_is_refused_as_well(front, status, code, data):
    check_problem(exchange(front, data), status, code, None)


def test_who_is_too_slow_is_told_so(front):
    """408, be it in the head or in the body, where the origin is known."""
    head = b"GET /badges HTTP/1.1\r\nHost: x\r\n"
    body = request("POST", "/auth/login", Origin=APP, Content_Length="50", **JSON) + b'{"email"'
    address = ("127.0.0.1", int(front.settings["PORT"]))
    with socket.create_connection(address, timeout=60) as slow_head, socket.create_connection(address, timeout=60) as slow_body:
        slow_head.sendall(head)
        slow_body.sendall(body)
        check_problem(RawAnswer(slow_head.recv(65536)), 408, "request_timeout", None)
        check_problem(RawAnswer(slow_body.recv(65536)), 408, "request_timeout", APP)


def test_every_method_of_a_path_is_in_allow(front, user):
    for path, allowed in {
        "/badges": {"get", "head", "post", "options"},
        "/projects/1": {"get", "head", "patch", "delete", "options"},
        "/auth/login": {"post", "options"},
        "/users/me": {"get", "head", "patch", "options"},
    }.items():
        for method in ("OPTIONS", "BREW"):
            answer = exchange(front, request(method, path))
            assert answer.tokens("Allow") >= allowed, (method, path)
            for other in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
                refused = exchange(front, request(other, path, Authorization=BEARER + user.client.token))
                assert (refused.status == 405) == (other.lower() not in answer.tokens("Allow")), (other, path)


# ---- CORS ----


def preflight(front, path="/projects", origin=APP, **fields):
    asked = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "authorization,content-type"}
    return exchange(front, request("OPTIONS", path, Origin=origin, **{**asked, **fields}))


@pytest.mark.parametrize("origin", [APP, DEV])
def test_a_preflight_tells_what_a_page_may_do(front, origin):
    answer = preflight(front, origin=origin)
    check_common(answer, origin)
    assert answer.status == 204 and answer.body == b"" and answer["Content-Type"] is None
    assert {"get", "head", "post", "options"} <= answer.tokens("Access-Control-Allow-Methods")
    assert answer.tokens("Access-Control-Allow-Headers") == ALLOWED
    assert answer[MAX_AGE] == "600"
    assert answer["Access-Control-Allow-Private-Network"] is None


def test_a_preflight_into_a_private_network(front):
    asked = {"Access_Control_Request_Private_Network": "true"}
    assert preflight(front, **asked)["Access-Control-Allow-Private-Network"] == "true"
    assert cors_fields(preflight(front, origin="https://evil.example.com", **asked)) == set()


@pytest.mark.parametrize("origin", [
    "null", "*", "", "https://evil.example.com", "http://app.example.com", "https://app.example.com:8443",
    "https://app.example.com.evil.com", "https://evil-app.example.com", "https://app.example.com/", "app.example.com",
    "https://app.example.com, https://evil.example.com", f"{APP},{DEV}", "HTTPS://APP.EXAMPLE.COM", "http://localhost:51730",
])
def test_a_foreign_origin_gets_no_header_at_all(front, origin):
    for answer in (preflight(front, origin=origin), exchange(front, request("GET", "/badges", Origin=origin))):
        check_common(answer, None)
        assert answer.status in (200, 204)


def test_options_without_an_origin_is_no_preflight(front):
    answer = exchange(front, request("OPTIONS", "/projects"))
    check_common(answer, None)
    assert answer.status == 204 and "post" in answer.tokens("Allow")
    answer = exchange(front, request("OPTIONS", "/projects", Origin=APP))
    check_common(answer, APP)
    assert cors_fields(answer) == {"Access-Control-Allow-Origin", "Access-Control-Expose-Headers"}
    check_common(exchange(front, request("OPTIONS", "*")), None)
    check_problem(preflight(front, path="/no/such/path"), 404, "not_found", APP)


def test_a_preflight_needs_no_token_and_costs_nothing(front):
    answer = preflight(front, path="/users/me")
    assert answer.status == 204 and answer["RateLimit"] is None


# ---- success ----


@pytest.mark.parametrize("origin", [APP, None])
@pytest.mark.parametrize("path", [
    "/badges", "/leaderboard", "/projects", "/openapi.json", "/healthz", "/readyz", "/users/me", "/time-entries",
    "/time-entries/current", "/time-entries/export.csv", "/reports/summary?group_by=day", "/events", "/notifications",
])
def test_every_success_is_a_whole_answer(front, user, path, origin):
    for method in ("GET", "HEAD"):
        answer = exchange(front, request(method, path, Origin=origin, Connection="close",
                                         Authorization=BEARER + user.client.token))
        assert answer.status in (200, 204)
        check_common(answer, origin)


VARYING = {"X-Request-Id", "Date", "RateLimit"}


def still(look, attempts=20):
    """Answers of a look whose first and last are the same: what was there did not change in between,
    as numbers of badges earned do while earlier events arrive."""
    for _ in range(attempts):
        answers = look()
        if answers[0].body == answers[-1].body:
            break
    return answers


@pytest.mark.parametrize("encoding", [None, "gzip"])
@pytest.mark.parametrize("path", [
    "/badges", "/badges?x=1", "/leaderboard?period=day&period_start=2020-01-01", "/projects", "/users/{me}/profile", "/openapi.json", "/healthz",
    "/users/me", "/time-entries?limit=2", "/time-entries/current", "/reports/summary?group_by=day", "/users/0/profile",
    "/no/such/path", "/notifications", "/time-entries/export.csv",
])
def test_head_has_the_fields_of_get(front, user, path, encoding):
    project_id = user.project()
    now = time.time()
    for number in range(3):
        user.post("/time-entries", {
            "project_id": project_id,
            "start_time": time.strftime("%Y-%m-%dT%H:00:00Z", time.gmtime(now - 86400 * (number + 2))),
            "end_time": time.strftime("%Y-%m-%dT%H:30:00Z", time.gmtime(now - 86400 * (number + 2))),
        }).expect(201)
    path = path.replace("{me}", str(user.id))
    for token in (None, BEARER + user.client.token):
        fields = {"Accept_Encoding": encoding, "Authorization": token, "Connection": "close"}
        exchange(front, request("GET", path, **fields))  # what is kept is compressed better
        got, head, again = still(lambda: [exchange(front, request(method, path, **fields)) for method in ("GET", "HEAD", "GET")])
        assert head.body == b"" and head.status == got.status == again.status
        assert [f for f in head.fields if f[0] not in VARYING] == [f for f in got.fields if f[0] not in VARYING]


def test_what_was_made_has_a_location(user, new_user, db):
    answer = user.post("/projects", {"name": "Found"})
    path = f"/projects/{answer.expect(201)['project_id']}"
    assert answer.headers["Location"] == path and user.get(path).expect(200)["name"] == "Found"
    answer = user.post("/time-entries", {"project_id": answer.body["project_id"]})
    path = f"/time-entries/{answer.expect(201)['entry_id']}"
    assert answer.headers["Location"] == path and user.get(path).expect(200)["entry_id"] == answer.body["entry_id"]
    assert "Location" not in user.get(path).headers
