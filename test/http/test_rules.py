"""Each rule of the domain broken once through HTTP and once through SQL: the
same code, in the problem document and in the constraint name of a TTnnn."""

from datetime import datetime, timedelta, timezone

import psycopg
import pytest
from conftest import PASSWORD, days_ago, rfc3339
from harness import code_of


class Scene:
    """A user with a project, an entry of yesterday from 10 to 11, and a neighbour with the same."""

    def __init__(self, user, other, db):
        self.user, self.other, self.db = user, other, db
        self.project = user.project(f"of {user.id}")
        self.entry = user.entry(self.project, days_ago(1, 10), 3600)["entry_id"]
        self.private = other.project("private")
        self.public = other.project("public", visibility="public")
        self.archived = user.project("archived")
        db.execute("UPDATE timetrackr.projects SET archived_at = now() WHERE id = %s", [self.archived])
        self.viewed = other.project("viewed", visibility="public")
        db.execute(
            "INSERT INTO timetrackr.project_members (project_id, user_id, role) VALUES (%s, %s, 'viewer')",
            [self.viewed, user.id],
        )


@pytest.fixture
def scene(user, other, db):
    return Scene(user, other, db)


def at(days, hour):
    return rfc3339(days_ago(days, hour))


def log(project, start, end=None, **fields):
    times = {"start_time": start, **({"end_time": end} if end else {})}
    return "POST", "/time-entries", {"project_id": project, **times, **fields}


def sql_log(scene, project, start, end=None, note=None, tags=None):
    return (
        "SELECT * FROM timetrackr.start_entry(%s, %s, %s, %s, %s, %s)",
        [scene.user.id, project, start, end, note, tags],
    )


def signup(scene, number, email=None, password=PASSWORD, username=None, zone="UTC"):
    email = email or f"rule{scene.user.id}.{number}@example.com"
    return email, password, username or f"rule{scene.user.id}.{number}", zone


def http_signup(scene, **changes):
    email, password, username, zone = signup(scene, 1, **changes)
    body = {"email": email, "password": password, "username": username, "timezone": zone}
    return "POST", "/auth/signup", body


def sql_signup(scene, **changes):
    return "SELECT * FROM timetrackr.signup(%s, %s, %s, %s)", list(signup(scene, 2, **changes))


FUTURE = "2999-01-01T00:00:00Z"

# code: (status, field, HTTP call of a scene, SQL call of a scene)
RULES = {
    "email_taken": (
        409,
        "email",
        lambda s: http_signup(s, email=s.user.email.upper()),
        lambda s: sql_signup(s, email=s.user.email.upper()),
    ),
    "username_taken": (
        409,
        "username",
        lambda s: http_signup(s, username=s.user.username.upper()),
        lambda s: sql_signup(s, username=s.user.username.upper()),
    ),
    "invalid_email": (
        422,
        "email",
        lambda s: http_signup(s, email="not an address"),
        lambda s: sql_signup(s, email="not an address"),
    ),
    "weak_password": (
        422,
        "password",
        lambda s: http_signup(s, password="short"),
        lambda s: sql_signup(s, password="short"),
    ),
    "invalid_username": (
        422,
        "username",
        lambda s: http_signup(s, username=" "),
        lambda s: sql_signup(s, username=" "),
    ),
    "invalid_timezone": (
        422,
        "timezone",
        lambda s: http_signup(s, zone="Middle/Earth"),
        lambda s: sql_signup(s, zone="Middle/Earth"),
    ),
    "bad_credentials": (
        401,
        None,
        lambda s: ("POST", "/auth/login", {"email": s.user.email, "password": "wrong"}),
        lambda s: ("SELECT * FROM timetrackr.login(%s, 'wrong')", [s.user.email]),
    ),
    "project_not_found": (
        404,
        None,
        lambda s: log(s.private, at(1, 12)),
        lambda s: sql_log(s, s.private, at(1, 12)),
    ),
    "not_a_member": (
        403,
        None,
        lambda s: log(s.public, at(1, 12)),
        lambda s: sql_log(s, s.public, at(1, 12)),
    ),
    "role_cannot_log": (
        403,
        None,
        lambda s: log(s.viewed, at(1, 12)),
        lambda s: sql_log(s, s.viewed, at(1, 12)),
    ),
    "project_archived": (
        409,
        None,
        lambda s: log(s.archived, at(1, 12)),
        lambda s: sql_log(s, s.archived, at(1, 12)),
    ),
    "invalid_time": (
        422,
        "start_time",
        lambda s: log(s.project, "1066-10-14T00:00:00Z", "1066-10-14T01:00:00Z"),
        lambda s: sql_log(s, s.project, "1066-10-14T00:00:00Z", "1066-10-14T01:00:00Z"),
    ),
    "not_owner": (
        403,
        None,
        lambda s: ("PUT", f"/projects/{s.public}/visibility", {"visibility": "private"}),
        lambda s: ("SELECT * FROM timetrackr.set_visibility(%s, %s, 'private')", [s.user.id, s.public]),
    ),
    "entry_not_found": (
        404,
        None,
        lambda s: ("DELETE", "/time-entries/999999999", None),
        lambda s: ("SELECT timetrackr.delete_entry(%s, 999999999)", [s.user.id]),
    ),
    "entry_overlaps": (
        409,
        None,
        lambda s: log(s.project, at(1, 9), at(1, 12)),
        lambda s: sql_log(s, s.project, at(1, 9), at(1, 12)),
    ),
    "entry_already_ended": (
        409,
        None,
        lambda s: ("PUT", f"/time-entries/{s.entry}/end", {"end_time": at(1, 13)}),
        lambda s: ("SELECT * FROM timetrackr.stop_entry(%s, %s, %s)", [s.user.id, s.entry, at(1, 13)]),
    ),
    "already_member": (
        409,
        None,
        lambda s: ("POST", f"/projects/{s.project}/join", None),
        lambda s: ("SELECT * FROM timetrackr.join_project(%s, %s)", [s.user.id, s.project]),
    ),
    "end_not_after_start": (
        422,
        "end_time",
        lambda s: log(s.project, at(2, 12), at(2, 12)),
        lambda s: sql_log(s, s.project, at(2, 12), at(2, 12)),
    ),
    "time_in_future": (
        422,
        "start_time",
        lambda s: log(s.project, FUTURE),
        lambda s: sql_log(s, s.project, FUTURE),
    ),
    "too_long": (
        422,
        "note",
        lambda s: log(s.project, at(2, 12), at(2, 13), note="x" * 2001),
        lambda s: sql_log(s, s.project, at(2, 12), at(2, 13), note="x" * 2001),
    ),
    "invalid_tags": (
        422,
        "tags",
        lambda s: log(s.project, at(2, 12), at(2, 13), tags=[""]),
        lambda s: sql_log(s, s.project, at(2, 12), at(2, 13), tags=[""]),
    ),
    "unsupported_period": (
        422,
        None,
        lambda s: ("GET", "/leaderboard?metric=badges&period=day", None),
        lambda s: ("SELECT * FROM timetrackr.leaderboard(period => 'day', metric => 'badges')", []),
    ),
}


@pytest.mark.parametrize("code", RULES)
def test_broken_through_http(scene, code):
    status, field, call, _ = RULES[code]
    method, path, body = call(scene)
    problem = scene.user.client.call(method, path, body).expect(status, code)
    if field is not None:
        assert problem["field"] == field
    if code.startswith("entry_") and status == 409:
        assert problem["entry_id"] == scene.entry


@pytest.mark.parametrize("code", RULES)
def test_broken_through_sql(scene, code):
    status, field, _, call = RULES[code]
    with pytest.raises(psycopg.Error) as caught:
        scene.db.execute(*call(scene))
    assert caught.value.sqlstate == f"TT{status}", caught.value
    assert code_of(caught.value)[0] == code
    if field is not None:
        assert code_of(caught.value)[1] == field


@pytest.mark.parametrize("code", RULES)
def test_a_refused_call_leaves_nothing_behind(scene, code):
    def contents():
        return [
            scene.db.execute(
                f"SELECT md5(coalesce(string_agg(t::text, '' ORDER BY t::text), '')) FROM timetrackr.{table} AS t"
            ).fetchone()
            for table in ("users", "projects", "project_members", "time_entries", "timeline_events", "scores")
        ]

    before = contents()
    method, path, body = RULES[code][2](scene)
    assert scene.user.client.call(method, path, body).status >= 400
    assert contents() == before


def test_a_new_timer_must_start_later_in_sql_too(scene):
    running = scene.user.start(scene.project, start_time=at(0, 0))["entry_id"]
    with pytest.raises(psycopg.Error) as caught:
        scene.db.execute(*sql_log(scene, scene.project, at(0, 0)))
    assert (caught.value.sqlstate, code_of(caught.value)[0]) == ("TT409", "start_not_later")
    assert scene.user.get("/time-entries/current").expect(200)["entry_id"] == running


def test_a_writer_who_does_not_exist_is_refused_in_sql_too(scene):
    with pytest.raises(psycopg.Error) as caught:
        scene.db.execute("SELECT * FROM timetrackr.create_project(999999999, 'x')")
    assert (caught.value.sqlstate, code_of(caught.value)[0]) == ("TT401", "invalid_token")


def test_a_bad_refresh_token_gives_nothing_in_sql(scene):
    """No error, which would undo the revocation of a reused token's session."""
    row = scene.db.execute("SELECT * FROM timetrackr.refresh(%s)", ["x" * 43]).fetchone()
    assert set(row) == {None}


@pytest.mark.one_server("settings of a session are not known to other nodes")
def test_a_running_timer_can_be_made_to_stay(scene):
    """timetrackr.running_timer = reject: starting another one names the running entry."""
    running = scene.user.start(scene.project)["entry_id"]
    with scene.db.transaction(force_rollback=True):
        scene.db.execute("SET LOCAL timetrackr.running_timer = reject")
        with pytest.raises(psycopg.Error) as caught:
            scene.db.execute("SELECT * FROM timetrackr.start_entry(%s, %s)", [scene.user.id, scene.project])
    assert caught.value.sqlstate == "TT409"
    assert code_of(caught.value)[0] == "entry_running"
    assert f'"entry_id": {running}' in caught.value.diag.message_detail


@pytest.mark.one_server("settings of a session are not known to other nodes")
def test_overlap_can_be_allowed(scene):
    scene.db.execute("SET timetrackr.overlap = allow")
    try:
        row = scene.db.execute(*sql_log(scene, scene.project, at(1, 10), at(1, 11))).fetchone()
    finally:
        scene.db.execute("RESET timetrackr.overlap")
    scene.db.execute("SELECT timetrackr.delete_entry(%s, %s)", [scene.user.id, row[0]])


@pytest.mark.one_server("Citus refuses it first")
def test_the_users_id_of_an_entry_is_never_changed(scene):
    with pytest.raises(psycopg.Error) as caught:
        scene.db.execute(
            "UPDATE timetrackr.time_entries SET user_id = %s WHERE user_id = %s", [scene.other.id, scene.user.id]
        )
    assert (caught.value.sqlstate, code_of(caught.value)[0]) == ("TT422", "user_id_immutable")


def test_a_minute_of_clock_difference_is_forgiven(scene):
    soon = datetime.now(timezone.utc) + timedelta(seconds=45)
    scene.user.start(scene.project, start_time=rfc3339(soon))
    later = datetime.now(timezone.utc) + timedelta(seconds=120)
    method, path, body = log(scene.project, rfc3339(later))
    scene.user.client.call(method, path, body).expect(422, "time_in_future", "start_time")


@pytest.mark.parametrize("password", ["1234567", "password", "x" * 73, "€" * 25])
def test_a_weak_password_is_refused(scene, password):
    method, path, body = http_signup(scene, password=password)
    scene.user.client.call(method, path, body).expect(422, "weak_password", "password")


CRITERIA = {
    "$": "[]",
    "$.all": '{"all": 1}',
    "$.all[1].gte": '{"all": [{"metric": "entry_count", "gte": 1}, {"metric": "entry_count", "gte": "many"}]}',
    "$.metric": '{"metric": "no_such_metric", "gte": 1}',
}


@pytest.mark.parametrize("path", CRITERIA)
def test_bad_criteria_are_refused_when_saved(db, path):
    with pytest.raises(psycopg.Error) as caught:
        db.execute("INSERT INTO timetrackr.badges (name, criteria) VALUES ('bad', %s::jsonb)", [CRITERIA[path]])
    assert (caught.value.sqlstate, code_of(caught.value)[0]) == ("TT422", "invalid_criteria")
    assert path in f"{caught.value.diag.message_primary} {caught.value.diag.message_detail}"
