"""Days for charts, and the summary of one's own time as JSON and as CSV."""

import csv
import io
from datetime import datetime, timezone

import pytest
from conftest import days_ago

SUMMARY = "/reports/summary?from=2025-01-01&to=2025-12-31&group_by="
COLUMNS = ["project_id", "project", "day", "week", "month", "tag", "seconds", "entries"]


def utc(*moment):
    return datetime(*moment, tzinfo=timezone.utc)


@pytest.fixture
def worker(new_user):
    """Somebody in Berlin with time across midnight, across a month's end, and on a day of 25 hours."""
    user = new_user(timezone="Europe/Berlin")
    user.garden = user.project("Garden")
    user.office = user.project("=Office, Ltd", visibility="public")
    user.entry(user.garden, utc(2025, 3, 31, 21), 7200, tags=["deep", "a, b"])
    user.entry(user.office, utc(2025, 10, 25, 20), 86400)
    user.entry(user.office, utc(2025, 11, 3, 10), 1800, tags=["deep"])
    return user


def test_days_are_the_users_local_ones(worker):
    days = worker.get(f"/users/{worker.id}/days?from=2025-01-01&to=2025-12-31").expect(200)
    assert days == [
        {"day": "2025-03-31", "seconds": 3600, "entries": 1},
        {"day": "2025-04-01", "seconds": 3600, "entries": 1},
        {"day": "2025-10-25", "seconds": 7200, "entries": 1},
        {"day": "2025-10-26", "seconds": 79200, "entries": 1},
        {"day": "2025-11-03", "seconds": 1800, "entries": 1},
    ]


def test_days_of_others_have_the_same_sums_and_name_nothing(worker, other, anyone):
    path = f"/users/{worker.id}/days?from=2025-03-31&to=2025-03-31"
    own = worker.get(path).expect(200)
    assert other.get(path).expect(200) == own
    assert anyone.get(path).expect(200) == own == [{"day": "2025-03-31", "seconds": 3600, "entries": 1}]


@pytest.mark.parametrize(
    "query, status, code, field",
    [
        ("from=2025-01-01", 422, "missing_field", "to"),
        ("to=2025-01-01", 422, "missing_field", "from"),
        ("from=2025-01-01&to=2026-02-05", 422, "out_of_range", "to"),
        ("from=2025-01-02&to=2025-01-01", 422, "invalid_range", "to"),
        ("from=2025-01-01&to=2025-02-30", 400, "invalid_parameter", "to"),
        ("from=yesterday&to=2025-01-01", 400, "invalid_parameter", "from"),
    ],
)
def test_days_need_a_span_of_400_at_most(user, query, status, code, field):
    user.get(f"/users/{user.id}/days?{query}").expect(status, code, field)
    assert user.get(f"/users/{user.id}/days?from=2025-01-01&to=2026-02-04").expect(200) == []


def test_days_of_nobody_are_not_found(anyone):
    anyone.get("/users/999999999/days?from=2025-01-01&to=2025-01-02").expect(404, "user_not_found")


def test_a_summary_by_project(worker):
    rows = worker.get(SUMMARY + "project").expect(200)
    assert list(rows[0]) == COLUMNS
    assert [(row["project_id"], row["project"], row["seconds"], row["entries"]) for row in rows] == [
        (worker.office, "=Office, Ltd", 88200, 2),
        (worker.garden, "Garden", 7200, 1),
    ]
    assert all(row[name] is None for row in rows for name in ("day", "week", "month", "tag"))


@pytest.mark.parametrize(
    "group, expected",
    [
        ("day", {"2025-03-31": 3600, "2025-04-01": 3600, "2025-10-25": 7200, "2025-10-26": 79200, "2025-11-03": 1800}),
        ("week", {"2025-03-31": 7200, "2025-10-20": 86400, "2025-11-03": 1800}),
        ("month", {"2025-03-01": 3600, "2025-04-01": 3600, "2025-10-01": 86400, "2025-11-01": 1800}),
        ("tag", {"deep": 9000, "a, b": 7200, None: 86400}),
    ],
)
def test_a_summary_by_one_group(worker, group, expected):
    rows = worker.get(SUMMARY + group).expect(200)
    assert {row[group]: row["seconds"] for row in rows} == expected


@pytest.mark.parametrize("groups", ["month,tag", "tag&group_by=month", "tag,month"])
def test_a_summary_by_two_groups_however_they_are_given(worker, groups):
    rows = worker.get(SUMMARY + groups).expect(200)
    assert [(row["month"], row["tag"], row["seconds"]) for row in rows] == [
        ("2025-03-01", "a, b", 3600),
        ("2025-03-01", "deep", 3600),
        ("2025-04-01", "a, b", 3600),
        ("2025-04-01", "deep", 3600),
        ("2025-10-01", None, 86400),
        ("2025-11-01", "deep", 1800),
    ]


def test_a_summary_cuts_off_what_lies_outside_at_local_midnight(worker):
    rows = worker.get("/reports/summary?group_by=project&from=2025-04-01&to=2025-10-25").expect(200)
    assert [(row["project"], row["seconds"]) for row in rows] == [("=Office, Ltd", 7200), ("Garden", 3600)]
    assert sum(row["seconds"] for row in worker.get("/reports/summary?group_by=day").expect(200)) == 95400


def test_a_summary_has_own_time_only(worker, other):
    other.post(f"/projects/{worker.office}/join").expect(201)
    other.entry(worker.office, days_ago(3), 60)
    rows = other.get("/reports/summary?group_by=project").expect(200)
    assert [(row["project_id"], row["seconds"]) for row in rows] == [(worker.office, 60)]


def test_a_summary_needs_a_token(anyone):
    anyone.get(SUMMARY + "day").expect(401, "missing_token")


@pytest.mark.parametrize(
    "query, status, code",
    [
        ("", 422, "missing_field"),
        ("?group_by=", 422, "invalid_group_by"),
        ("?group_by=day,day", 422, "invalid_group_by"),
        ("?group_by=day,week,tag", 422, "invalid_group_by"),
        ("?group_by=year", 400, "invalid_parameter"),
        ("?group_by=day,", 400, "invalid_parameter"),
    ],
)
def test_a_summary_needs_one_or_two_groups(user, query, status, code):
    user.get("/reports/summary" + query).expect(status, code, "group_by")


def test_a_summary_as_csv(worker):
    answer = worker.get(SUMMARY + "project", headers={"Accept": "text/csv"})
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/csv; charset=utf-8")
    assert "Accept" in answer.headers["Vary"]
    assert answer.content.endswith(b"\r\n")
    header, *rows = csv.reader(io.StringIO(answer.content.decode(), newline=""))
    assert header == COLUMNS
    assert rows == [
        [str(worker.office), "'=Office, Ltd", "", "", "", "", "88200", "2"],
        [str(worker.garden), "Garden", "", "", "", "", "7200", "1"],
    ]


def test_a_summary_of_nothing_as_csv_is_its_header(user):
    answer = user.get(SUMMARY + "day", headers={"Accept": "text/csv"})
    assert answer.content == b"project_id,project,day,week,month,tag,seconds,entries\r\n"


@pytest.mark.parametrize(
    "accept, kind",
    [
        ("*/*", "application/json"),
        ("text/csv, application/json", "application/json"),
        ("text/csv, application/json;q=0.9", "text/csv"),
        ("application/json;q=0.5, text/*;q=0.6", "text/csv"),
        ("text/csv;q=0, */*", "application/json"),
        ("TEXT/CSV; header=present ; q=1.0, */*;q=0.1", "text/csv"),
    ],
)
def test_accept_decides_between_json_and_csv(user, accept, kind):
    answer = user.get(SUMMARY + "day", headers={"Accept": accept})
    assert (answer.status, answer.type) == (200, kind)


@pytest.mark.parametrize("accept", ["image/png", "application/json;q=0, text/csv;q=0.000", "text"])
def test_what_cannot_be_accepted_is_406(user, accept):
    user.get(SUMMARY + "day", headers={"Accept": accept}).expect(406, "not_acceptable")
    user.get("/users/me", headers={"Accept": accept}).expect(406, "not_acceptable")


def test_a_bad_request_for_csv_is_a_problem(user):
    user.get("/reports/summary", headers={"Accept": "text/csv"}).expect(422, "missing_field", "group_by")
