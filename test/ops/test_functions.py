"""The SQL functions themselves: every body is valid once the tables exist,
every function is documented, and nobody may call what writes unasked."""

import psycopg
import pytest
from conftest import days_ago


def test_every_body_validates(db):
    """CREATE EXTENSION did not check bodies, as the tables were not there yet."""
    db.execute("SET check_function_bodies = on")
    functions = db.execute(
        "SELECT p.oid, p.oid::regprocedure::text, v.oid::regproc::text"
        " FROM pg_proc AS p"
        " JOIN pg_language AS l ON l.oid = p.prolang"
        " JOIN pg_proc AS v ON v.oid = l.lanvalidator"
        " WHERE p.pronamespace = 'timetrackr'::regnamespace"
    ).fetchall()
    assert len(functions) > 30
    faults = {}
    for oid, name, validator in functions:
        try:
            db.execute(f"SELECT {validator}(%s::oid)", [oid])
        except Exception as error:  # every fault is wanted, not the first
            faults[name] = str(error)
    assert faults == {}


def test_every_function_of_the_extension_is_described(db):
    bare = db.execute(
        "SELECT p.oid::regprocedure::text"
        " FROM pg_proc AS p"
        " WHERE p.pronamespace = 'timetrackr'::regnamespace"
        " AND obj_description(p.oid, 'pg_proc') IS NULL"
    ).fetchall()
    assert bare == []


def test_what_runs_as_its_owner_has_a_pinned_path_and_no_public_execute(db):
    loose = db.execute(
        "SELECT p.oid::regprocedure::text"
        " FROM pg_proc AS p"
        " WHERE p.pronamespace = 'timetrackr'::regnamespace"
        " AND p.prosecdef"
        " AND (NOT 'search_path=pg_catalog, pg_temp' = ANY (coalesce(p.proconfig, '{}'))"
        "      OR has_function_privilege('public', p.oid, 'EXECUTE'))"
    ).fetchall()
    assert loose == []


def test_the_tables_are_no_members_of_the_extension(db):
    members = db.execute(
        "SELECT d.objid::regclass::text"
        " FROM pg_depend AS d"
        " JOIN pg_extension AS e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass"
        " WHERE e.extname = 'timetrackr' AND d.classid = 'pg_class'::regclass"
        " AND (SELECT relkind FROM pg_class WHERE oid = d.objid) <> 'c'"
    ).fetchall()
    # It holds no row, and stands on a function, as the analysts' views must not.
    assert members == [("timetrackr.health",)]


def test_no_column_has_a_type_of_the_extension(db):
    columns = db.execute(
        "SELECT attrelid::regclass::text, attname"
        " FROM pg_attribute"
        " JOIN pg_class ON pg_class.oid = attrelid"
        " JOIN pg_type ON pg_type.oid = atttypid"
        " WHERE relnamespace = 'timetrackr'::regnamespace AND relkind = 'r' AND attnum > 0"
        " AND typnamespace = 'timetrackr'::regnamespace"
    ).fetchall()
    assert columns == []


def test_the_proxys_role_cannot_read_secrets(postgres):
    with psycopg.connect(postgres.proxy_url(), autocommit=True) as connection:
        for statement in (
            "SELECT password_hash FROM timetrackr.users",
            "SELECT * FROM timetrackr.refresh_tokens",
            "SELECT secret FROM timetrackr.webhooks",
            "SELECT * FROM timetrackr.mail_key",
            "SELECT * FROM timetrackr.password_resets",
            "UPDATE timetrackr.users SET role = 'admin'",
            "DELETE FROM timetrackr.time_entries",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_derived_tables_can_be_rebuilt(db, user):
    project_id = user.project()
    for days in (1, 2, 3):
        user.entry(project_id, days_ago(days), 3600)
    db.execute("UPDATE timetrackr.user_totals SET seconds = seconds + 7 WHERE user_id = %s", [user.id])
    db.execute("DELETE FROM timetrackr.day_totals WHERE user_id = %s", [user.id])
    differences = db.execute("SELECT DISTINCT relation FROM timetrackr.verify(%s)", [user.id]).fetchall()
    assert {"user_totals", "day_totals"} <= {relation for (relation,) in differences}
    db.execute("SELECT timetrackr.rebuild(%s)", [user.id])
    assert db.execute("SELECT * FROM timetrackr.verify(%s)", [user.id]).fetchall() == []
