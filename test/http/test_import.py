"""Importing files: what comes back, what becomes of each line, and what the proxy refuses."""

import threading
from datetime import datetime, timedelta, timezone

import pytest
from conftest import days_ago, rfc3339

IMPORT = "/time-entries/import"
OWN = "project,start_time,end_time,note\r\n"
TOGGL = (
    "User,Email,Client,Project,Task,Description,Billable,Start date,Start time,End date,End time,Duration,Tags,Amount (USD)\r\n"
)
CLOCKIFY = (
    '"Project","Client","Description","Task","User","Group","Email","Tags","Billable","Start Date","Start Time",'
    '"End Date","End Time","Duration (h)","Duration (decimal)"\r\n'
)


@pytest.fixture
def bulky(new_user, db):
    """Somebody who gets so many entries that verify() would take long after every test to come."""
    user = new_user()
    yield user
    db.execute("DELETE FROM timetrackr.users WHERE id = %s", [user.id])


def send(user, text, query="", **headers):
    body = text.encode() if isinstance(text, str) else text
    return user.call("POST", IMPORT + query, data=body, headers={"Content-Type": "text/csv", **headers})


def entries_of(user):
    return user.get("/time-entries?limit=100").expect(200)[::-1]


def test_an_own_export_goes_in_again(user, other):
    project_id = user.project("=Odd")
    user.entry(project_id, days_ago(3), 600, note="=1+1", tags=["a", "b, c"])
    user.entry(project_id, days_ago(2), 600, note='say "hi"\r\nagain')
    text = user.get("/time-entries/export.csv").content
    assert send(user, text).expect(200) == {"imported": 0, "skipped": 2, "failed": 0, "errors": []}
    assert send(other, text).expect(200) == {"imported": 2, "skipped": 0, "failed": 0, "errors": []}
    for mine, theirs in zip(entries_of(user), entries_of(other), strict=True):
        for name in ("start_time", "end_time", "duration_seconds", "timezone", "note", "tags"):
            assert mine[name] == theirs[name]
        assert theirs["source"] == "import"
    (project,) = other.get("/projects?scope=mine").expect(200)
    assert (project["name"], project["visibility"], project["role"]) == ("=Odd", "private", "owner")


def test_toggl(new_user):
    user = new_user(timezone="Europe/Berlin")
    answer = send(
        user,
        TOGGL
        + 'Ann,ann@example.com,Acme,Website,,"Pages, and more",No,2025-05-05,09:00:00,2025-05-05,10:30:00,01:30:00,"deep, focus",\r\n'
        + "Ann,ann@example.com,,Website,,Clock set back,No,2025-10-26,02:30:00,2025-10-26,02:10:00,00:40:00,,\r\n"
        + "Ann,ann@example.com,,Website,,Clock skipped,No,2025-03-30,02:30:00,2025-03-30,04:00:00,00:30:00,,\r\n",
    )
    assert answer.expect(200) == {"imported": 3, "skipped": 0, "failed": 0, "errors": []}
    assert [(e["start_time"], e["end_time"], e["tags"]) for e in entries_of(user)] == [
        ("2025-03-30T01:30:00Z", "2025-03-30T02:00:00Z", []),
        ("2025-05-05T07:00:00Z", "2025-05-05T08:30:00Z", ["deep", "focus"]),
        ("2025-10-26T00:30:00Z", "2025-10-26T01:10:00Z", []),
    ]


def test_clockify(user):
    row = '"Website","","{note}","","Ann","","ann@example.com","","No","{date}","{start}","{date}","{end}","",""\r\n'
    text = CLOCKIFY + row.format(note="am", date="02/03/2025", start="09:00:00 AM", end="12:15:00 PM")
    assert send(user, text).expect(200)["imported"] == 1
    assert send(user, text, "?date_order=dmy").expect(200)["imported"] == 1
    assert [e["start_time"] for e in entries_of(user)] == ["2025-02-03T09:00:00Z", "2025-03-02T09:00:00Z"]
    send(user, text, "?date_order=ymd").expect(400, "invalid_parameter", "date_order")


def test_faults_are_told_line_by_line(user):
    answer = send(
        user,
        OWN
        + 'A,2025-01-01T09:00:00Z,2025-01-01T10:00:00Z,"two\r\nlines"\r\n'
        + "A,2025-01-01T09:30:00Z,2025-01-01T10:30:00Z,\r\n"
        + ",2025-01-02T09:00:00Z,2025-01-02T10:00:00Z,\r\n"
        + "A,yesterday,2025-01-02T10:00:00Z,\r\n",
    ).expect(200)
    assert (answer["imported"], answer["skipped"], answer["failed"]) == (1, 0, 3)
    assert [(error["line"], error["code"]) for error in answer["errors"]] == [
        (4, "entry_overlaps"),
        (5, "missing_field"),
        (6, "invalid_time"),
    ]
    assert all(error["detail"] for error in answer["errors"])


def test_atomic_stores_all_or_nothing(user):
    text = OWN + "New,2025-01-01T09:00:00Z,2025-01-01T10:00:00Z,\nNew,2025-01-01T09:00:00Z,bad,\n"
    assert send(user, text, "?atomic=true").expect(200)["imported"] == 0
    assert entries_of(user) == [] and user.get("/projects?scope=mine").expect(200) == []
    assert send(user, text, "?atomic=false").expect(200)["imported"] == 1


def test_lines_without_a_project_go_to_the_one_given(user, other):
    text = OWN + ",2025-01-01T09:00:00Z,2025-01-01T10:00:00Z,\n"
    project_id = user.project()
    assert send(user, text, f"?project_id={project_id}").expect(200)["imported"] == 1
    assert entries_of(user)[0]["project_id"] == project_id
    send(other, text, f"?project_id={project_id}").expect(404, "project_not_found", "project_id")


@pytest.mark.raw
@pytest.mark.parametrize(
    "body, status, code",
    [
        (b"", 400, "empty_body"),
        (b"start;end\n1;2\n", 422, "unknown_format"),
        (OWN.encode() + b"caf\xe9,2025-01-01T09:00:00Z,2025-01-01T10:00:00Z,\n", 422, "invalid_encoding"),
        (OWN.encode() + b"a\0b,2025-01-01T09:00:00Z,2025-01-01T10:00:00Z,\n", 422, "invalid_encoding"),
        (OWN.encode("utf-16"), 422, "invalid_encoding"),
        (OWN.encode() + b"x\n" * 100_001, 422, "too_many_lines"),
    ],
)
def test_files_that_are_none_are_refused(user, body, status, code):
    send(user, body).expect(status, code)


@pytest.mark.raw
@pytest.mark.parametrize("kind", ["application/json", "text/csvx", "text/csv; charset=latin1", "text/plain", ""])
def test_only_csv_in_utf8_is_taken(user, kind):
    send(user, OWN, **{"Content-Type": kind}).expect(415, "unsupported_media_type")


@pytest.mark.parametrize("kind", ["text/csv; charset=utf-8", "TEXT/CSV;charset=UTF-8; header=present", "text/csv"])
def test_csv_may_name_its_charset(user, kind):
    assert send(user, OWN, **{"Content-Type": kind}).expect(200)["imported"] == 0


def test_an_import_needs_a_token(anyone):
    send(anyone, OWN).expect(401, "missing_token")


def test_unknown_parameters_are_refused(user):
    send(user, OWN, "?csv=x").expect(422, "unknown_field", "csv")
    send(user, OWN, "?atomic=maybe").expect(400, "invalid_parameter", "atomic")


def lines(count, note="note"):
    """So many entries of a minute each, two minutes apart, on 20 projects."""
    first = datetime(2024, 1, 1, tzinfo=timezone.utc)
    rows = (
        f"Project {i % 20},{rfc3339(first + timedelta(minutes=2 * i))},{rfc3339(first + timedelta(minutes=2 * i + 1))},{note}\n"
        for i in range(count)
    )
    return OWN + "".join(rows)


def test_a_hundred_thousand_lines_in_one_request_hold_nobody_up(bulky, other):
    answers = []
    text = lines(100_000)
    thread = threading.Thread(target=lambda: answers.append(send(bulky, text)))
    thread.start()
    served = 0
    while thread.is_alive():
        other.project()
        served += thread.is_alive()
        thread.join(0.01)
    assert answers[0].expect(200) == {"imported": 100_000, "skipped": 0, "failed": 0, "errors": []}
    assert bulky.get("/users/me").expect(200)["entry_count"] == 100_000
    assert served >= 5, "others waited for the import"
    assert send(bulky, text).expect(200)["skipped"] == 100_000


@pytest.mark.raw
def test_a_file_that_is_too_long_is_413(user):
    send(user, OWN + "x" * (32 * 1024 * 1024)).expect(413, "body_too_large")
    send(user, OWN).expect(200)


def test_other_bodies_keep_their_limit(user):
    user.post("/projects", {"name": "x", "description": "x" * 200_000}).expect(413, "body_too_large")


def test_imports_at_once_are_few_and_all_are_answered(new_user, db):
    users = [new_user() for _ in range(12)]
    answers = [None] * len(users)
    text = lines(3000)

    def run(index):
        answers[index] = send(users[index], text)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(users))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for answer in answers:
        if answer.status == 503:
            assert answer.body["code"] == "overloaded"
        else:
            assert answer.expect(200)["imported"] == 3000
    assert any(answer.status == 200 for answer in answers)
    db.execute("DELETE FROM timetrackr.users WHERE id = ANY (%s)", [[user.id for user in users]])
