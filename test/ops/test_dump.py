"""Dump, restore, drop and create again: no row is lost or counted twice."""

import pytest
from conftest import days_ago
from harness.process import eventually


@pytest.fixture
def busy_database(postgres, new_user, request):
    """Users with entries, badges, tokens, members, notifications, a flagged and a running entry."""
    for _ in range(3):
        user, member = new_user(), new_user()
        project_id = user.project(visibility="public")
        for days in range(1, 12):
            user.entry(project_id, days_ago(days), 4000, note=f"day {days}", tags=["a", "b"])
        user.entry(project_id, days_ago(30), 100000)
        user.start(project_id)
        user.put(f"/projects/{project_id}/members/{member.id}", {"role": "manager"}).expect(200)
    with postgres.connect() as connection:
        eventually(
            lambda: connection.execute("SELECT count(*) FROM timetrackr.stream").fetchone() > (0,), 30, "a finished event"
        )
    return "timetrackr"


# The relay works on these while the dump is taken and compared.
OF_THE_RELAY = ("outbox", "relay", "stream")


def tables(connection):
    return [
        name
        for (name,) in connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'timetrackr'::regnamespace AND relkind = 'r' ORDER BY 1"
        )
    ]


def contents(connection):
    """Every row of every table, as text."""
    return {
        table: sorted(
            row for (row,) in connection.execute(f"SELECT t::text FROM timetrackr.{table} AS t")
        )
        for table in tables(connection)
    }


def schema(postgres, database):
    dumped = postgres.program("pg_dump", "--schema-only", "--schema=timetrackr", database).stdout
    return [line for line in dumped.splitlines() if not line.startswith(("--", "\\"))]


def difference(before, after, *ignored):
    return {name for name in before if name not in ignored and before[name] != after.get(name)}


@pytest.mark.parametrize("form", ["plain", "custom"])
def test_a_restored_database_is_the_same_and_works(postgres, busy_database, tmp_path, form):
    restored = f"restored_{form}"
    dump = tmp_path / "dump"
    postgres.program("pg_dump", f"--format={form}", f"--file={dump}", busy_database)
    postgres.create_database(restored)
    if form == "plain":
        postgres.program("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", dump, database=restored)
    else:
        postgres.program("pg_restore", "--exit-on-error", f"--dbname={restored}", dump)

    with postgres.connect(busy_database) as old, postgres.connect(restored) as new:
        before, after = contents(old), contents(new)
        assert before.keys() == after.keys()
        assert len(before["time_entries"]) >= 39
        assert difference(before, after, *OF_THE_RELAY) == set()
        for table in ("notifications", "project_members", "scores", "stream", "user_badges"):
            assert after[table], table
        assert after["standings"] or after["standing_moves"]
        assert schema(postgres, busy_database) == schema(postgres, restored)
        assert new.execute("SELECT * FROM timetrackr.verify()").fetchall() == []

        new.execute("SELECT timetrackr.install()")
        assert contents(new) == after
        assert schema(postgres, restored) == schema(postgres, busy_database)
        assert new.execute("SELECT * FROM timetrackr.verify()").fetchall() == []

        user_id, project_id = new.execute(
            "SELECT user_id, project_id FROM timetrackr.time_entries WHERE end_time IS NULL LIMIT 1"
        ).fetchone()
        entry_id, seconds = new.execute(
            "SELECT entry_id, duration_seconds FROM timetrackr.start_entry(%s, %s, now() - interval '400 days',"
            " now() - interval '400 days' + interval '1 hour')",
            [user_id, project_id],
        ).fetchone()
        assert seconds == 3600
        assert new.execute("SELECT * FROM timetrackr.verify()").fetchall() == []


def test_dropping_the_extension_keeps_every_row(postgres, busy_database, tmp_path):
    copy = "dropped"
    dump = tmp_path / "dump"
    postgres.program("pg_dump", "--format=custom", f"--file={dump}", busy_database)
    postgres.create_database(copy)
    postgres.program("pg_restore", "--exit-on-error", f"--dbname={copy}", dump)
    with postgres.connect(copy) as connection:
        before = contents(connection)
        connection.execute("DROP EXTENSION timetrackr CASCADE")
        assert contents(connection) == before
        (triggers,) = connection.execute(
            "SELECT count(*) FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
            " WHERE relnamespace = 'timetrackr'::regnamespace AND NOT tgisinternal"
        ).fetchone()
        assert triggers == 0
        connection.execute("CREATE EXTENSION timetrackr")
        connection.execute("SELECT timetrackr.install()")
        assert contents(connection) == before
        assert connection.execute("SELECT * FROM timetrackr.verify()").fetchall() == []
    assert schema(postgres, copy) == schema(postgres, busy_database)


@pytest.fixture
def end_user(postgres):
    """A role for end users; roles are of the cluster, and dumps hold none."""
    with postgres.connect("postgres") as connection:
        connection.execute("CREATE ROLE dumped_end_user")
    return "dumped_end_user"


def test_row_level_security_is_dumped_and_outlives_the_extension(postgres, busy_database, end_user, tmp_path):
    """The policies bind in a restored database as in the first one, with the
    extension or without, and after it is created and installed again."""
    first, second = "rls_first", "rls_second"
    dump = tmp_path / "dump"
    postgres.program("pg_dump", "--format=custom", f"--file={dump}", busy_database)
    postgres.create_database(first)
    postgres.program("pg_restore", "--exit-on-error", f"--dbname={first}", dump)
    with postgres.connect(first) as connection:
        connection.execute("SELECT timetrackr.enable_rls()")
        connection.execute(f"SELECT timetrackr.grant_end_user('{end_user}')")
    secured = schema(postgres, first)
    assert sum(line.startswith("CREATE POLICY timetrackr_end_user_") for line in secured) == 56

    postgres.program("pg_dump", "--format=custom", f"--file={dump}", first)
    postgres.create_database(second)
    postgres.program("pg_restore", "--exit-on-error", f"--dbname={second}", dump)
    assert schema(postgres, second) == secured
    with postgres.connect(second) as connection:
        assert_bound(connection, end_user)
        connection.execute("DROP EXTENSION timetrackr CASCADE")
        assert_bound(connection, end_user)
        connection.execute("CREATE EXTENSION timetrackr")
        connection.execute("SELECT timetrackr.install()")
        connection.execute("SELECT timetrackr.enable_rls()")
        connection.execute(f"SELECT timetrackr.grant_end_user('{end_user}')")
        assert_bound(connection, end_user)
        assert connection.execute("SELECT * FROM timetrackr.verify()").fetchall() == []
    assert schema(postgres, second) == secured


def assert_bound(connection, role):
    """As the role, each user has his entries, and nobody anything."""
    entries = dict(
        connection.execute("SELECT user_id::text, count(*) FROM timetrackr.time_entries GROUP BY user_id").fetchall()
    )
    assert len(entries) >= 3
    seen = {}
    with connection.transaction():
        connection.execute(f"SET LOCAL ROLE {role}")
        for user_id in (*entries, ""):
            connection.execute("SELECT set_config('timetrackr.user_id', %s, true)", [user_id])
            (seen[user_id],) = connection.execute("SELECT count(*) FROM timetrackr.time_entries").fetchone()
    assert seen == {**entries, "": 0}


def test_installing_again_changes_nothing(postgres, db):
    before = schema(postgres, "timetrackr")
    db.execute("SELECT timetrackr.install()")
    assert schema(postgres, "timetrackr") == before
