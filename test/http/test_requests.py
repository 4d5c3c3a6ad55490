"""Requests that are wrong as such, before any rule of the domain."""

import re
import socket

import pytest

SIGNUP = {"email": "x@example.com", "password": "long enough, surely", "username": "x"}


def raw_post(anyone, path, data, **headers):
    headers = {"Content-Type": "application/json", **headers}
    return anyone.call("POST", path, data=data, headers=headers)


@pytest.mark.raw
@pytest.mark.parametrize(
    "body, code",
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b"{}x", "malformed_json"),
        (b"\xff\xfe", "malformed_json"),
        (b'{"email": "a\\u0000b@example.com"}', None),
        (b'{"email": 1, "email": 2}', "duplicate_key"),
        (b"[]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"null", "not_an_object"),
    ],
)
def test_a_body_that_is_no_object_is_refused(anyone, body, code):
    answer = raw_post(anyone, "/auth/login", body)
    assert answer.status in (400, 422) and answer.status < 500
    if code is not None:
        answer.expect(400, code)


def test_a_missing_field_is_named(anyone):
    body = dict(SIGNUP)
    del body["password"]
    answer = anyone.post("/auth/signup", body).expect(422, "missing_field", "password")
    assert [one["field"] for one in answer["errors"]] == ["password"]


def test_every_fault_is_listed(anyone):
    answer = anyone.post("/auth/signup", {"email": 5, "color": "red"}).expect(422)
    faults = {(one["field"], one["code"]) for one in answer["errors"]}
    assert {("email", "invalid_type"), ("color", "unknown_field"), ("password", "missing_field")} <= faults


@pytest.mark.parametrize("field", ["viewer_id", "refresh_ttl", "given", "color"])
def test_an_unknown_field_is_refused(anyone, field):
    anyone.post("/auth/signup", {**SIGNUP, field: 1}).expect(422, "unknown_field", field)


@pytest.mark.parametrize("query", ["viewer_id=1", "after_entry_id=1", "color=red"])
def test_an_unknown_query_parameter_is_refused(user, query):
    assert user.get(f"/time-entries?{query}").expect(422, "unknown_field")["field"] == query.split("=")[0]


@pytest.mark.parametrize(
    "path",
    [
        "/users/abc/profile",
        "/users/1.5/profile",
        "/users/99999999999999999999/profile",
        "/leaderboard?period=year",
        "/leaderboard?limit=ten",
        "/leaderboard?period_start=2024-13-01",
        "/leaderboard/around/x",
        "/projects?q=%00",
        pytest.param("/projects?q=%ff", marks=pytest.mark.raw),
    ],
)
def test_a_parameter_that_does_not_parse_is_400(anyone, path):
    anyone.get(path).expect(400, "invalid_parameter")


@pytest.mark.parametrize("when", ["yesterday", "2024-02-30T00:00:00Z", "2024-01-01 10:00", "infinity", "1e400"])
def test_a_time_that_is_none_is_refused(user, when):
    body = {"project_id": user.project(), "start_time": when}
    answer = user.post("/time-entries", body)
    assert answer.status in (400, 422)
    assert answer.body["field"] == "start_time"


def test_an_ill_typed_field_is_named(user):
    user.post("/time-entries", {"project_id": "one"}).expect(422, "invalid_type", "project_id")
    user.post("/projects", {"name": ["x"]}).expect(422, "invalid_type", "name")
    user.post("/time-entries", {"project_id": 1, "tags": "x"}).expect(422, "invalid_type", "tags")


def test_an_unknown_path_is_404(anyone):
    anyone.get("/no-such-path").expect(404)
    anyone.get("/users/1/profile/").expect(404)


def test_an_unknown_method_is_405_with_allow(anyone):
    answer = anyone.delete("/leaderboard")
    answer.expect(405)
    assert "GET" in re.split(r",\s*", answer.headers["Allow"])


def test_a_body_too_large_is_413(anyone):
    raw_post(anyone, "/auth/login", b'{"email": "' + b"x" * 200000 + b'"}').expect(413)


def test_a_body_of_another_type_is_415(anyone):
    anyone.call("POST", "/auth/login", data=b"email=x", headers={"Content-Type": "text/plain"}).expect(415)


def test_a_users_id_that_nobody_has_is_404(anyone):
    for path in ("profile", "activity", "badges", "timeline"):
        anyone.get(f"/users/999999999/{path}").expect(404, "user_not_found")


def test_health_and_description(anyone):
    anyone.get("/healthz").expect(200)
    anyone.get("/readyz").expect(200)
    document = anyone.get("/openapi.json").expect(200)
    assert document["openapi"].startswith("3.1")
    assert "post" in document["paths"]["/auth/signup"]
    fields = document["paths"]["/time-entries"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert "project_id" in str(fields) and "viewer_id" not in str(fields)


@pytest.mark.raw
def test_head_mirrors_get(anyone):
    got, head = anyone.get("/badges"), anyone.call("HEAD", "/badges")
    assert head.status == 200 and head.content == b""
    assert head.headers["Content-Length"] == got.headers["Content-Length"] or got.headers.get("Content-Encoding")


def test_a_sane_request_id_is_kept_and_another_replaced(anyone):
    assert anyone.get("/healthz", headers={"X-Request-Id": "abc-123"}).headers["X-Request-Id"] == "abc-123"
    assert anyone.get("/healthz", headers={"X-Request-Id": "a b<c>"}).headers["X-Request-Id"] != "a b<c>"


MALFORMED = {
    "length and chunks": b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "two hosts": b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "folded header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n",
    "header without a name": b"GET /healthz HTTP/1.1\r\nHost: x\r\n: b\r\nX-A: c\r\n\r\n",
    "bare LF before the body": b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                               b"Content-Length: 2\r\n\n{}",
}


@pytest.mark.parametrize("how", MALFORMED)
def test_malformed_http_is_refused(proxy, how):
    port = int(proxy.settings["PORT"])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(MALFORMED[how])
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 400 "), answer[:200]
    assert b"application/problem+json" in answer
