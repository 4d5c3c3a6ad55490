"""ETag and If-None-Match: what a client has already is not sent again."""

import gzip
import re
import socket

import pytest
from conftest import PASSWORD, days_ago
from harness.raw import exchange, request

TAG = re.compile(r'W/"[0-9a-f]{16}"')
KEPT = ["/badges", "/openapi.json", "/users/{me}/profile", "/projects?scope=mine&limit=1", "/users/me",
        "/time-entries?limit=1", "/reports/summary?group_by=day", "/notifications", "/projects/{own}"]
PUBLIC = {"/badges", "/openapi.json"}


@pytest.fixture
def filled(user):
    """A user with two projects and three entries; names for paths."""
    project_id = user.project()
    user.project("Another")
    for day in range(1, 4):
        user.entry(project_id, days_ago(day), 600)
    return user, {"me": user.id, "own": project_id}


def ask(proxy, path, user=None, method="GET", **fields):
    token = f"Bearer {user.client.token}" if user is not None else None
    return exchange(proxy, request(method, path, Authorization=token, Connection="close", **fields))


@pytest.mark.parametrize("path", KEPT)
def test_what_is_known_is_not_sent(proxy, filled, path):
    user, ids = filled
    path = path.format(**ids)
    full = ask(proxy, path, user)
    tag = full["ETag"]
    assert full.status == 200 and TAG.fullmatch(tag)
    assert full["Cache-Control"] == "private, no-cache"
    for method in ("GET", "HEAD"):
        known = ask(proxy, path, user, method, If_None_Match=tag)
        assert known.status == 304 and known.body == b""
        assert known["Content-Type"] is None and known["Content-Encoding"] is None
        assert known["Content-Length"] == full["Content-Length"]  # of 200, as 304 may tell it
        for name in ("ETag", "Cache-Control", "Link", "X-Content-Type-Options", "Content-Security-Policy"):
            assert known[name] == full[name], name
        assert known.tokens("Vary") == full.tokens("Vary")
        assert known["X-Request-Id"] != full["X-Request-Id"]


@pytest.mark.parametrize("path", sorted(PUBLIC))
def test_visitors_answers_are_public_and_compared_alike(proxy, path):
    for _ in range(3):  # from the database, and kept
        full = ask(proxy, path)
        packed = ask(proxy, path, Accept_Encoding="gzip")
        assert full["Cache-Control"] == "public, no-cache"
        assert packed["Content-Encoding"] == "gzip" and gzip.decompress(packed.body) == full.body
        assert packed["ETag"] == full["ETag"] and TAG.fullmatch(full["ETag"])
        for encoding in (None, "gzip"):
            known = ask(proxy, path, If_None_Match=full["ETag"], Accept_Encoding=encoding)
            assert (known.status, known.body, known["ETag"]) == (304, b"", full["ETag"])
            assert known["Content-Length"] == (packed if encoding else full)["Content-Length"]
        other = ask(proxy, path, If_None_Match='W/"0000000000000000"')
        assert other.status == 200 and other.body == full.body


def spellings(tag):
    """If-None-Match → does it name the tag?"""
    strong = tag[2:]
    return {
        tag: True, strong: True, "*": True, " * ": True, f'"x", {tag}': True, f'W/"a,b" ,{tag} , "c"': True,
        f",, {tag},": True, f'"", {strong}': True,
        '"x"': False, '""': False, "": False, "W/": False, strong.strip('"'): False, strong[:-1]: False,
        f"w/{strong}": False, f"{tag}x": False, f"x{tag}": False, '"*", "x"': False, f"*, {tag}": False, "**": False,
        f'"open, {tag[2:-1]}': False, f"W/ {strong}": False, f'"x" {tag}': False,
    }


def test_the_list_is_read_as_it_says(proxy):
    tag = ask(proxy, "/badges")["ETag"]
    for value, names in spellings(tag).items():
        answer = ask(proxy, "/badges", If_None_Match=value)
        assert answer.status == (304 if names else 200), value
    assert ask(proxy, "/badges", If_None_Match=", ".join([f'"{n}"' for n in range(300)] + [tag])).status == 304


def test_nothing_follows_the_head_of_304(proxy, filled):
    """Behind it comes the next answer of the connection."""
    user, ids = filled
    for path in ("/badges", f"/projects/{ids['own']}"):
        fields = {"Authorization": f"Bearer {user.client.token}", "If_None_Match": "*"}
        first, last = request("GET", path, **fields), request("GET", "/healthz", Connection="close")
        with socket.create_connection(("127.0.0.1", int(proxy.settings["PORT"])), timeout=20) as connection:
            connection.sendall(first + first + last)
            received = b"".join(iter(lambda: connection.recv(65536), b""))
        heads = received.split(b"\r\n\r\n")
        assert [head.split(b" ")[1] for head in heads[:3]] == [b"304", b"304", b"200"]
        assert heads[3:] == [b'{"status":"ok"}']


def test_a_change_changes_the_tag(proxy, filled):
    user, ids = filled
    for path in ("/users/me", f"/users/{user.id}/profile", "/time-entries"):
        for viewer in (user, None):
            if viewer is None and path != f"/users/{user.id}/profile":
                continue
            before = ask(proxy, path, viewer)["ETag"]
            assert ask(proxy, path, viewer, If_None_Match=before).status == 304
            user.patch("/users/me", {"bio": before + path + str(viewer)}).expect(200)
            user.entry(ids["own"], days_ago(30 + len(user.get("/time-entries").expect(200))), 60)
            after = ask(proxy, path, viewer, If_None_Match=before)
            assert after.status == 200 and after["ETag"] != before


def test_tags_of_others_are_others(proxy, user, other):
    mine = ask(proxy, "/users/me", user)["ETag"]
    assert ask(proxy, "/users/me", other, If_None_Match=mine).status == 200
    assert ask(proxy, "/users/me", None, If_None_Match=mine).status == 401
    assert ask(proxy, "/users/me", None, If_None_Match="*").status == 401
    assert ask(proxy, "/users/999999999/profile", None, If_None_Match="*").status == 404


def test_json_and_csv_of_a_report_have_tags_of_their_own(proxy, filled):
    user, _ = filled
    path = "/reports/summary?group_by=day"
    json, csv = (ask(proxy, path, user, Accept=accept) for accept in ("application/json", "text/csv"))
    assert json["ETag"] != csv["ETag"] and "accept" in json.tokens("Vary") & csv.tokens("Vary")
    assert ask(proxy, path, user, Accept="text/csv", If_None_Match=json["ETag"]).status == 200
    assert ask(proxy, path, user, Accept="text/csv", If_None_Match=csv["ETag"]).status == 304


def test_what_is_never_kept_has_no_tag(proxy, filled, anyone):
    user, ids = filled
    for path in ("/time-entries/export.csv", "/events"):
        answer = ask(proxy, path, user, If_None_Match="*")
        assert answer.status == 200 and answer["ETag"] is None and answer["Cache-Control"] == "no-store"
    for path in ("/healthz", "/readyz"):
        assert ask(proxy, path)["Cache-Control"] == "no-store"
    login = anyone.post("/auth/login", {"email": user.email, "password": PASSWORD}, headers={"If-None-Match": "*"})
    login.expect(200)
    assert login.headers["Cache-Control"] == "no-store" and "ETag" not in login.headers
    made = user.post("/projects", {"name": "x"}, headers={"If-None-Match": "*"})
    made.expect(201)
    assert made.headers["Cache-Control"] == "no-store" and "ETag" not in made.headers
    answer = ask(proxy, "/time-entries/current", user, If_None_Match="*")
    assert answer.status == 204 and answer["ETag"] is None and answer["Cache-Control"] == "private, no-cache"


ENCODINGS = {
    None: False, "": False, "gzip": True, "GZIP": True, "x-gzip": True, "gzip;q=1.0": True, "gzip;q=0.001": True,
    "gzip;q=0": False, "gzip;q=0.000": False, "gzip; q=0": False, "*": True, "*;q=0": False, "*;q=0.5": True,
    "identity": False, "identity;q=0": False, "identity;q=0, *": True, "identity;q=0, gzip": True,
    "gzip;q=0.5, identity": False, "gzip, identity;q=0.5": True, "gzip;q=0, *": False, "*, gzip;q=0": False,
    "br, deflate": False, "br;q=1, gzip;q=0.2": True, "gzipped": False, ",, gzip": True, "deflate, gzip": True,
    "gzip;q=abc": False,
}


@pytest.mark.parametrize("accepted", ENCODINGS)
def test_compressed_is_what_the_client_prefers(proxy, accepted):
    answer = ask(proxy, "/badges", Accept_Encoding=accepted)
    assert answer.status == 200 and "accept-encoding" in answer.tokens("Vary")
    assert answer["Content-Encoding"] == ("gzip" if ENCODINGS[accepted] else None)
