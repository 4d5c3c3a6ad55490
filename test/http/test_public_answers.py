"""Answers to visitors come from a cache: the same bytes, compressed when asked,
and as private as without it."""

import gzip
import json
import socket
import threading

import requests
from conftest import days_ago
from harness import Proxy, eventually
from harness.raw import RawAnswer, exchange, request

PATHS = ("/badges", "/leaderboard?limit=100", "/openapi.json")


def raw(proxy, path, **headers):
    """(status, headers, body as it was sent)"""
    with requests.Session() as session:
        session.trust_env = False
        session.headers.clear()
        reply = session.get(proxy.url + path, headers=headers, stream=True, timeout=30)
        return reply.status_code, reply.headers, reply.raw.read(decode_content=False)


def test_long_bodies_are_compressed_when_that_is_asked_for(proxy, user):
    for _ in range(3):  # from the database, kept, and kept compressed
        for path in PATHS[:1] + PATHS[2:]:
            status, headers, plain = raw(proxy, path)
            assert status == 200 and "Content-Encoding" not in headers and len(plain) > 1024
            status, headers, packed = raw(proxy, path, **{"Accept-Encoding": "br, gzip;q=0.5"})
            assert status == 200 and headers["Content-Encoding"] == "gzip" and len(packed) < len(plain)
            assert json.loads(gzip.decompress(packed)) == json.loads(plain)
            assert "Accept-Encoding" in headers["Vary"]
            for refusal in ("gzip;q=0", "identity", "gzip;q=0, *", "*;q=0"):
                assert "Content-Encoding" not in raw(proxy, path, **{"Accept-Encoding": refusal})[1]


def test_what_is_not_kept_is_compressed_too(proxy, user):
    project_id = user.project()
    for day in range(1, 12):
        user.entry(project_id, days_ago(day), 60)
    headers = {"Authorization": f"Bearer {user.client.token}", "Accept-Encoding": "gzip"}
    status, headers, packed = raw(proxy, "/time-entries", **headers)
    assert status == 200 and headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed)) == user.get("/time-entries").expect(200)


def test_short_bodies_and_sessions_are_not_compressed(proxy, user):
    assert "Content-Encoding" not in raw(proxy, "/healthz", **{"Accept-Encoding": "gzip"})[1]
    body = {"email": user.email, "password": "correct horse battery"}
    answer = requests.post(f"{proxy.url}/auth/login", json=body, headers={"Accept-Encoding": "gzip"}, timeout=30)
    assert answer.status_code == 200 and "Content-Encoding" not in answer.headers


def test_a_kept_answer_has_the_headers_of_its_own_request(proxy, anyone):
    ids = set()
    for number in range(4):
        answer = anyone.get("/badges", headers={"X-Request-Id": f"mine-{number}"})
        answer.expect(200)
        assert answer.headers["X-Request-Id"] == f"mine-{number}"
        ids.add(anyone.get("/badges").headers["X-Request-Id"])
    assert len(ids) == 4
    head = anyone.call("HEAD", "/badges", headers={"Accept-Encoding": "identity"})
    assert head.status == 200 and head.content == b""
    assert int(head.headers["Content-Length"]) > 1024


def test_who_reads_a_kept_answer_slowly_is_not_given_what_others_asked_for(postgres, tmp_path):
    """A response is made once for all: each request sets its own headers, whoever is still being sent the body."""
    origin = "https://app.example.com"
    proxy = Proxy(tmp_path, **postgres.proxy_settings(), FRONTEND_URL=origin, WORKERS=1).start()
    try:
        whole = exchange(proxy, request("GET", "/openapi.json", X_Request_Id="whole"))
        slow = socket.socket()
        with slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.connect(("127.0.0.1", int(proxy.settings["PORT"])))
            slow.settimeout(20)
            slow.sendall(request("GET", "/openapi.json", X_Request_Id="slow"))
            received = slow.recv(64)
            others = {
                "other": exchange(proxy, request("GET", "/openapi.json", X_Request_Id="other")),
                "page": exchange(proxy, request("GET", "/openapi.json", X_Request_Id="page", Origin=origin)),
                "known": exchange(
                    proxy, request("GET", "/openapi.json", X_Request_Id="known", If_None_Match=whole["ETag"])
                ),
                "last": exchange(proxy, request("GET", "/openapi.json", X_Request_Id="last", Connection="close")),
                "head": exchange(proxy, request("HEAD", "/openapi.json", X_Request_Id="head")),
                "again": exchange(proxy, request("GET", "/openapi.json", X_Request_Id="again")),
            }
            while len(received) < len(whole.body):
                received += slow.recv(65536)
            slow.shutdown(socket.SHUT_WR)
            while piece := slow.recv(65536):
                received += piece
        answer = RawAnswer(received)
        assert answer["X-Request-Id"] == "slow" and answer.body == whole.body
        for name, other in others.items():
            assert other["X-Request-Id"] == name
            assert other["Access-Control-Allow-Origin"] == (origin if name == "page" else None)
            assert (other.status, other.body) == {
                "known": (304, b""), "head": (200, b"")
            }.get(name, (200, whole.body)), name
        ours = [(name, value) for name, value in whole.fields if name not in ("Date", "X-Request-Id")]
        assert ours == [(name, value) for name, value in others["again"].fields if name not in ("Date", "X-Request-Id")]
    finally:
        proxy.stop()


def test_kept_pages_lead_on(anyone, new_user):
    for number in range(3):
        user = new_user()
        user.entry(user.project(), days_ago(number + 1), 600 + number)
    for _ in range(2):
        pages = list(anyone.pages("/leaderboard?limit=1"))
        ids = [row["user_id"] for page in pages for row in page]
        assert len(ids) == len(set(ids)) >= 3


def test_a_visitor_never_gets_what_a_member_sees(proxy, user, anyone):
    """Nor the other way round, whoever asks first."""
    private_id = user.project("Mine alone")
    user.entry(private_id, days_ago(1), 3600)
    for _ in range(3):
        assert user.get(f"/projects/{private_id}").expect(200)["name"] == "Mine alone"
        anyone.get(f"/projects/{private_id}").expect(404)
        own = user.get(f"/users/{user.id}/profile").expect(200)
        assert own["email"] == user.email and own["contributions"]
        seen = anyone.get(f"/users/{user.id}/profile").expect(200)
        assert seen["email"] is None and seen["contributions"] == []


def test_a_token_is_checked_before_a_kept_answer_is_given(user, anyone, db):
    anyone.get("/badges").expect(200)
    for _ in range(3):
        user.get("/badges").expect(200)
    anyone.get("/badges", headers={"Authorization": "Bearer nonsense"}).expect(401, "invalid_token")
    db.execute("DELETE FROM timetrackr.users WHERE id = %s", [user.id])
    eventually(lambda: user.get("/badges").status == 401, 1.0, "a token whose user is gone")


def test_a_project_that_becomes_private_is_gone_with_the_answer(proxy, user):
    project_id = user.project("Now you see me", visibility="public")
    path = f"/projects/{project_id}"
    user.entry(project_id, days_ago(1), 3600)
    wrong, stop = [], threading.Event()
    visible = {"public": (200, 1), "private": (404, 0)}
    state = {"now": "public", "changes": 0}

    def read():
        client = proxy.client()
        while not stop.is_set():
            before = dict(state)
            seen = (client.get(path).status, len(client.get(f"/users/{user.id}/profile").expect(200)["contributions"]))
            if before == state and before["now"] in visible and seen != visible[before["now"]]:
                wrong.append((before, seen))

    readers = [threading.Thread(target=read) for _ in range(6)]
    for reader in readers:
        reader.start()
    try:
        for number in range(20):
            visibility = ("private", "public")[number % 2]
            state.update(now="changing", changes=number)
            user.put(f"{path}/visibility", {"visibility": visibility}).expect(200)
            state.update(now=visibility)
            for _ in range(5):
                assert proxy.client().get(path).status == visible[visibility][0]
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert wrong == []
