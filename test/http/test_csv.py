"""The export of one's own entries: a file of CSV, streamed, safe and bounded."""

import csv
import io
import socket
import threading
from datetime import timedelta

import pytest
import requests
from conftest import days_ago, rfc3339
from harness import eventually

EXPORT = "/time-entries/export.csv"
COLUMNS = [
    "entry_id",
    "project_id",
    "project",
    "start_time",
    "end_time",
    "duration_seconds",
    "timezone",
    "note",
    "tags",
    "source",
    "flagged",
]


@pytest.fixture
def bulky(new_user, db):
    """Somebody who gets so many entries that verify() would take long after every test to come."""
    user = new_user()
    yield user
    db.execute("DELETE FROM timetrackr.users WHERE id = %s", [user.id])


def rows_of(answer):
    assert answer.status == 200, answer.content
    header, *rows = csv.reader(io.StringIO(answer.content.decode(), newline=""))
    assert header == COLUMNS
    return [dict(zip(COLUMNS, row)) for row in rows]


def fill(db, user, project_id, count, note="n"):
    """So many finished entries, a minute each, every two minutes, the last one two minutes ago."""
    db.execute(
        "INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, note, source)"
        " SELECT %s, %s, t, t + interval '1 minute', %s, 'import' FROM generate_series(1, %s) i,"
        " LATERAL (SELECT date_trunc('minute', now()) - i * interval '2 minutes') s (t)",
        [user.id, project_id, note, count],
    )


def test_the_export_has_every_finished_entry_oldest_first(new_user):
    user = new_user(timezone="Europe/Berlin")
    project_id = user.project("Garden")
    late = user.entry(project_id, days_ago(1), 600, note="late")["entry_id"]
    early = user.entry(project_id, days_ago(2), 60, note="early", tags=["a", "b, c"])["entry_id"]
    user.start(project_id)
    answer = user.get(EXPORT)
    assert answer.headers["Content-Type"].startswith("text/csv; charset=utf-8")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="timetrackr-export.csv"'
    first, second = rows_of(answer)
    assert first == {
        "entry_id": str(early),
        "project_id": str(project_id),
        "project": "Garden",
        "start_time": rfc3339(days_ago(2)),
        "end_time": rfc3339(days_ago(2) + timedelta(seconds=60)),
        "duration_seconds": "60",
        "timezone": "Europe/Berlin",
        "note": "early",
        "tags": 'a,"b, c"',
        "source": "manual",
        "flagged": "false",
    }
    assert second["entry_id"] == str(late)


def test_an_export_of_nothing_is_its_header(user):
    assert user.get(EXPORT).content == ",".join(COLUMNS).encode() + b"\r\n"


@pytest.mark.parametrize(
    "note, cell",
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@cmd", "'@cmd"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("'=x", "''=x"),
        ("'quoted'", "'quoted'"),
        ('say "hi", twice\nover', 'say "hi", twice\nover'),
        ("a=1", "a=1"),
        ("  blank ", "  blank "),
        ("ünïcödé 時間", "ünïcödé 時間"),
    ],
)
def test_no_cell_is_a_formula_and_all_text_survives(user, note, cell):
    user.entry(user.project("=HYPERLINK(1)"), days_ago(1), 60, note=note, tags=["@tag"])
    (row,) = rows_of(user.get(EXPORT))
    assert (row["note"], row["project"], row["tags"]) == (cell, "'=HYPERLINK(1)", "'@tag")


def test_the_export_can_be_narrowed(user):
    garden, office = user.project("Garden"), user.project("Office")
    user.entry(garden, days_ago(5), 60)
    user.entry(office, days_ago(4), 60)
    user.entry(garden, days_ago(3), 60)
    starts = [row["start_time"] for row in rows_of(user.get(f"{EXPORT}?project_id={garden}"))]
    assert starts == [rfc3339(days_ago(5)), rfc3339(days_ago(3))]
    span = f"from={rfc3339(days_ago(4))}&to={rfc3339(days_ago(3))}"
    assert [row["project"] for row in rows_of(user.get(f"{EXPORT}?{span}"))] == ["Office"]


def test_the_export_is_its_owners(user, other, anyone):
    user.entry(user.project(visibility="public"), days_ago(1), 60)
    assert rows_of(other.get(EXPORT)) == []
    anyone.get(EXPORT).expect(401, "missing_token")


def test_bad_exports_are_refused(user):
    user.get(f"{EXPORT}?from=yesterday").expect(400, "invalid_parameter", "from")
    user.get(f"{EXPORT}?limit=10").expect(422, "unknown_field", "limit")
    user.get(f"{EXPORT}?cursor=x").expect(422, "unknown_field", "cursor")
    user.get(EXPORT, headers={"Accept": "application/json"}).expect(406, "not_acceptable")
    user.post(EXPORT).expect(405, "method_not_allowed")


def test_head_of_a_long_export_has_no_body(bulky, db, proxy):
    fill(db, bulky, bulky.project(), 1200)
    answer = bulky.call("HEAD", EXPORT)
    assert (answer.status, answer.type, answer.content) == (200, "text/csv", b"")
    bulky.get("/users/me").expect(200)
    # not a byte after the head, also none that the client's library overlooks
    with socket.create_connection(("127.0.0.1", int(proxy.settings["PORT"])), timeout=30) as raw:
        raw.sendall(
            f"HEAD {EXPORT} HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {bulky.session['access_token']}\r\n\r\n".encode()
        )
        received = b"".join(iter(lambda: raw.recv(65536), b""))
    assert received.startswith(b"HTTP/1.") and received.endswith(b"\r\n\r\n")
    assert received.count(b"\r\n\r\n") == 1


@pytest.mark.parametrize("count", [499, 500, 501, 1000, 3217])
def test_a_long_export_is_complete_in_pages(bulky, db, count):
    fill(db, bulky, bulky.project(), count)
    rows = rows_of(bulky.get(EXPORT))
    assert len(rows) == count == len({row["entry_id"] for row in rows})
    starts = [row["start_time"] for row in rows]
    assert starts == sorted(starts)


def test_others_are_served_while_an_export_is_under_way(proxy, bulky, other, db):
    fill(db, bulky, bulky.project(), 4000, "y" * 1500)
    headers = {"Authorization": f"Bearer {bulky.session['access_token']}"}
    with requests.get(proxy.url + EXPORT, headers=headers, stream=True, timeout=60) as response:
        pieces = response.iter_content(65536)
        size = len(next(pieces))
        for _ in range(20):
            other.get("/users/me").expect(200)
        size += sum(len(piece) for piece in pieces)
    assert size > 6_000_000


def test_clients_that_go_away_in_the_middle_do_no_harm(proxy, bulky, db):
    fill(db, bulky, bulky.project(), 4000, "z" * 1500)
    headers = {"Authorization": f"Bearer {bulky.session['access_token']}"}

    def leave():
        with requests.get(proxy.url + EXPORT, headers=headers, stream=True, timeout=60) as response:
            next(response.iter_content(1000))

    threads = [threading.Thread(target=leave) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(rows_of(bulky.get(EXPORT))) == 4000


def test_an_export_that_loses_its_database_ends_short(proxy, bulky, db):
    """The connection closes before the last chunk, so that nobody takes a part for the whole."""
    fill(db, bulky, bulky.project(), 8000, "w" * 1900)
    headers = {"Authorization": f"Bearer {bulky.session['access_token']}"}
    with requests.get(proxy.url + EXPORT, headers=headers, stream=True, timeout=60) as response:
        pieces = response.iter_content(65536)
        next(pieces)
        db.execute("ALTER TABLE timetrackr.time_entries RENAME TO time_entries_away")
        try:
            with pytest.raises(requests.exceptions.ChunkedEncodingError):
                for _ in pieces:
                    pass
        finally:
            db.execute("ALTER TABLE timetrackr.time_entries_away RENAME TO time_entries")
    eventually(lambda: bulky.get(EXPORT).status == 200, what="the export again")
