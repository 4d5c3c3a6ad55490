"""GET /users/me/export: everything stored about oneself as one JSON document."""

import socket

import pytest
from conftest import PASSWORD, days_ago, rfc3339

EXPORT = "/users/me/export"
OBJECTS = ["account", "totals"]
ARRAYS = [
    "sessions",
    "projects",
    "memberships",
    "badges",
    "notifications",
    "webhooks",
    "mails",
    "media",
    "webhook_deliveries",
    "project_totals",
    "scores",
    "days",
    "timeline",
    "entries",
]


@pytest.fixture
def bulky(new_user, db):
    """Somebody who gets so many entries that verify() would take long after every test to come."""
    user = new_user()
    yield user
    db.execute("DELETE FROM timetrackr.users WHERE id = %s", [user.id])


def fill(db, user, project_id, count):
    db.execute(
        "INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, note, source)"
        " SELECT %s, %s, t, t + interval '1 minute', 'n', 'import' FROM generate_series(1, %s) i,"
        " LATERAL (SELECT date_trunc('minute', now()) - i * interval '2 minutes') s (t)",
        [user.id, project_id, count],
    )


def test_a_new_account_has_every_section(user):
    answer = user.get(EXPORT)
    document = answer.expect(200)
    assert answer.type == "application/json"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="timetrackr-export.json"'
    assert list(document) == OBJECTS + ARRAYS
    account = document["account"]
    assert (account["user_id"], account["email"], account["username"]) == (user.id, user.email, user.username)
    assert account["has_password"] is True
    assert document["totals"]["entries"] == 0
    assert [session["addresses"] for session in document["sessions"]] == [["127.0.0.1"]]
    assert [event["event_type"] for event in document["timeline"]] == ["user_joined"]
    assert document["entries"] == document["projects"] == document["badges"] == []


def test_everything_is_in_it(user, other):
    own, joined = user.project("Own"), other.project("Joined", visibility="public")
    user.post(f"/projects/{joined}/join").expect(201)
    start = days_ago(1)
    entry = user.entry(own, start, 36000, note='a "note" é\n', tags=["x", "y"])["entry_id"]
    running = user.start(joined)["entry_id"]
    document = user.get(EXPORT).expect(200)
    assert [project["project_id"] for project in document["projects"]] == [own]
    # In the order of ids; of several nodes' projects made at once either may have the lower one.
    assert [(row["project_name"], row["role"]) for row in document["memberships"]] == [
        role for _, role in sorted([(own, ("Own", "owner")), (joined, ("Joined", "contributor"))])
    ]
    first, second = document["entries"]
    assert (first["entry_id"], second["entry_id"]) == (entry, running)
    assert (first["note"], first["tags"]) == ('a "note" é\n', ["x", "y"])
    assert (first["start_time"], first["duration_seconds"]) == (rfc3339(start), 36000)
    assert second["end_time"] is None
    assert document["totals"]["seconds"] == 36000
    assert document["project_totals"] == [{"project_id": own, "seconds": 36000, "entries": 1}]
    assert document["days"] == [{"day": start.strftime("%Y-%m-%d"), "seconds": 36000, "entries": 1}]
    assert {row["period"] for row in document["scores"]} == {"all", "month", "week", "day"}
    assert len(document["badges"]) == len(user.get(f"/users/{user.id}/badges").expect(200)) > 0
    assert len(document["notifications"]) == len(user.get("/notifications").expect(200)) > 0
    assert "time_entry_completed" in {event["event_type"] for event in document["timeline"]}


def test_nobody_elses_data_and_no_secret_is_in_it(user, other, db):
    other.entry(other.project("Theirs"), days_ago(1), 600)
    (hashed,) = db.execute("SELECT password_hash FROM timetrackr.users WHERE id = %s", [user.id]).fetchone()
    text = user.get(EXPORT).content.decode()
    for foreign in (other.email, "Theirs", PASSWORD, hashed, user.session["refresh_token"], "token_sha256"):
        assert foreign not in text


@pytest.mark.parametrize("count", [486, 487, 999, 1001])
def test_pages_join_without_gap_or_repetition(bulky, db, count):
    """Around the size of a page, in which other sections have rows, too."""
    fill(db, bulky, bulky.project(), count)
    document = bulky.get(EXPORT).expect(200)
    ids = [entry["entry_id"] for entry in document["entries"]]
    expected = db.execute(
        "SELECT id FROM timetrackr.time_entries WHERE user_id = %s ORDER BY id", [bulky.id]
    ).fetchall()
    assert ids == [id for (id,) in expected]
    events = [event["event_id"] for event in document["timeline"]]
    assert len(events) == len(set(events)) == db.execute(
        "SELECT count(*) FROM timetrackr.timeline_events WHERE user_id = %s", [bulky.id]
    ).fetchone()[0]


def test_every_page_size_gives_the_same_document(user, db):
    user.entry(user.project(), days_ago(1), 36000)

    def pages(size):
        rows, after = [], (None, None)
        while True:
            page = db.execute(
                "SELECT section, key, many, item::text FROM timetrackr.export_account(%s, %s, %s, %s)",
                [user.id, size, *after],
            ).fetchall()
            rows += page
            if len(page) < size:
                return rows
            after = page[-1][:2]

    whole = pages(500)
    assert len(whole) > len(ARRAYS)
    for size in range(1, 8):
        assert pages(size) == whole


def test_head_tells_the_same_without_a_body(bulky, db):
    fill(db, bulky, bulky.project(), 1500)
    get, head = bulky.get(EXPORT), bulky.call("HEAD", EXPORT)
    assert head.status == 200 and head.content == b""
    for name in ("Content-Type", "Content-Disposition"):
        assert head.headers[name] == get.headers[name]


def test_it_needs_a_token_of_somebody_who_exists(anyone, user, db):
    anyone.get(EXPORT).expect(401, "missing_token")
    db.execute("DELETE FROM timetrackr.users WHERE id = %s", [user.id])
    user.get(EXPORT).expect(401, "invalid_token")


def read_all(connection):
    parts = []
    while True:
        part = connection.recv(65536)
        if not part:
            return b"".join(parts)
        parts.append(part)


def test_an_export_whose_account_goes_meanwhile_does_not_end_well(bulky, db):
    """A document cut short must not look whole."""
    fill(db, bulky, bulky.project(), 30000)
    host, port = bulky.client.base_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.sendall(
            f"GET {EXPORT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bulky.client.token}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        db.execute("DELETE FROM timetrackr.users WHERE id = %s", [bulky.id])
        rest = read_all(connection)
    assert not rest.endswith(b"0\r\n\r\n")
