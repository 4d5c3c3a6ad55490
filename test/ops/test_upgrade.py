"""From every released version to this one, while it is used. What the
catalog and the rows are afterwards is test/sql/upgrade.sql's."""

import itertools
import re
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest
from harness import Proxy
from harness.postgres import PROXY_ROLE
from harness.process import eventually
from test_dump import schema

TOP = Path(__file__).parents[2]
RELEASED = sorted(re.match(r"timetrackr--([0-9.]+)\.sql", path.name).group(1) for path in TOP.glob("sql/releases/timetrackr--*[0-9].sql")
                  if path.name.count("--") == 1)
_numbers = itertools.count(1)

# Functions in C that may be called as those of an older version: each looks at PG_NARGS() before it reads
# what is new, and does without, or says to run ALTER EXTENSION timetrackr UPDATE. Reviewed by hand.
GROWN = {"tt_update_me"}  # by tt_is_given()


def test_there_are_releases_to_start_from():
    assert "1.0" in RELEASED


@pytest.fixture(params=RELEASED)
def old(postgres, request):
    """A database of a released version, with three users, and what grant_api() gives."""
    name = f"old{next(_numbers)}"
    postgres.create_database(name)
    with postgres.connect(name) as connection:
        connection.execute(f"CREATE EXTENSION timetrackr VERSION '{request.param}' CASCADE")
        connection.execute("SELECT timetrackr.install()")
        connection.execute(f"SELECT timetrackr.grant_api('{PROXY_ROLE}')")
        for user in "abc":
            connection.execute("SELECT timetrackr.signup(%s, 'correct horse battery', %s)", [f"{user}@example.com", f"user{user}"])
            connection.execute("SELECT timetrackr.create_project(u.id, 'A') FROM timetrackr.users u WHERE u.username = %s", [f"user{user}"])
    return name


def update(connection, attempts=5):
    """As docs/upgrading.md says: again when it and a writer waited for each other, which has changed nothing."""
    try:
        with connection.transaction():
            connection.execute("ALTER EXTENSION timetrackr UPDATE")
            connection.execute("SELECT timetrackr.install()")
    except psycopg.errors.DeadlockDetected:
        if attempts == 1:
            raise
        update(connection, attempts - 1)


def version(connection):
    return connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'timetrackr'").fetchone()[0]


def refusal(proxy):
    """The one line with which it does not start, nor --check passes."""
    lines = set()
    for arguments in ([], ["--check"]):
        status, output = proxy.run_to_end(*arguments)
        assert status > 0
        lines.add(output.strip())
    (line,) = lines
    assert "\n" not in line and "DATABASE_URL" in line
    return line


def test_the_proxy_says_what_to_run_until_all_is_of_its_version(postgres, old, tmp_path):
    proxy = Proxy(tmp_path, DATABASE_URL=postgres.proxy_url(old))

    def installed(connection):
        return connection.execute("SELECT status, detail FROM timetrackr.health WHERE name = 'installed'").fetchone()

    with postgres.connect(old) as connection:
        line = refusal(proxy)
        assert version(connection) in line and line.endswith("run ALTER EXTENSION timetrackr UPDATE, then SELECT timetrackr.install()")
        connection.execute("ALTER EXTENSION timetrackr UPDATE")
        assert "older than the extension" in refusal(proxy) and refusal(proxy).endswith("run SELECT timetrackr.install()")
        assert installed(connection) == ("critical", "the tables are older than the extension: run timetrackr.install()")
        connection.execute("SELECT timetrackr.install()")
        assert proxy.run_to_end("--check") == (0, "ok\n"), "the role has its rights again without grant_api()"
        assert installed(connection) == ("ok", None)

        connection.execute("UPDATE timetrackr.meta SET schema_version = 99")
        assert "newer than the extension" in refusal(proxy)
        assert installed(connection)[0] == "critical"
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            connection.execute("SELECT timetrackr.install()")
        connection.execute("UPDATE timetrackr.meta SET schema_version = timetrackr.schema_version()")
        connection.execute("UPDATE pg_extension SET extversion = '99.0' WHERE extname = 'timetrackr'")
        assert refusal(proxy).endswith("install timetrackr-proxy 99.0")


PREPARABLE = """
SELECT p.proname, p.pronargs, (
        SELECT coalesce(string_agg(format('%I => $%s::%s', p.proargnames[i], i, format_type(p.proargtypes[i - 1], NULL)), ', ' ORDER BY i), '')
        FROM generate_series(1, p.pronargs) i)
FROM pg_proc p
WHERE p.pronamespace = 'timetrackr'::regnamespace
    AND has_function_privilege(p.oid, 'EXECUTE')
    AND NOT EXISTS (SELECT FROM unnest(p.proargtypes) a JOIN pg_type t ON t.oid = a WHERE t.typtype = 'p')
ORDER BY 1
"""


def test_what_an_old_proxy_has_prepared_is_good_after_the_update(postgres, old):
    """It goes on until it is replaced: its statements are planned anew, with its rights."""
    with psycopg.connect(postgres.proxy_url(old), autocommit=True) as proxy, postgres.connect(old) as owner:
        proxy.execute("SET plan_cache_mode = force_generic_plan")
        functions = proxy.execute(PREPARABLE).fetchall()
        assert len(functions) > 60
        for name, count, arguments in functions:
            proxy.execute(f"PREPARE {name}_ AS SELECT r FROM timetrackr.{name}({arguments}) r", prepare=False)
            proxy.execute(explained(name, count))
        update(owner)
        broken = {}
        for name, count, _ in functions:
            try:
                proxy.execute(explained(name, count))
            except psycopg.Error as error:
                broken[name] = str(error)
        assert broken == {}


def explained(name, count):
    nulls = ", ".join(["NULL"] * count)
    return f"EXPLAIN EXECUTE {name}_" + (f" ({nulls})" if count else "")


class Writer(threading.Thread):
    """One session of an old proxy, which logs entries until it is told to end. A deadlock is tried again, as the proxy does."""

    def __init__(self, url, user_id):
        super().__init__()
        self.url, self.user_id = url, user_id
        self.done, self.errors, self.ending = 0, [], threading.Event()

    def run(self):
        start = datetime(2024, 1, 1, tzinfo=timezone.utc)
        with psycopg.connect(self.url, autocommit=True) as connection:
            (project_id,) = connection.execute("SELECT project_id FROM timetrackr.list_projects(%s)", [self.user_id]).fetchone()
            while not self.ending.is_set():
                begins = start + timedelta(hours=self.done)
                try:
                    connection.execute("SELECT timetrackr.start_entry(%s, %s, %s, %s)",
                                       [self.user_id, project_id, begins, begins + timedelta(minutes=30)])
                    connection.execute("SELECT timetrackr.profile(%s, %s)", [self.user_id, self.user_id])
                    self.done += 1
                except psycopg.errors.DeadlockDetected:
                    pass
                except psycopg.Error as error:
                    self.errors.append(error)
                    return


def test_it_is_brought_up_to_date_while_others_write(postgres, old):
    with postgres.connect(old) as owner:
        users = [user for (user,) in owner.execute("SELECT id FROM timetrackr.users ORDER BY id")]
        writers = [Writer(postgres.proxy_url(old), user) for user in users]
        for writer in writers:
            writer.start()
        try:
            eventually(lambda: all(w.done > 20 or w.errors for w in writers), 20, "writers at work")
            update(owner)
            before = [w.done for w in writers]
            eventually(lambda: all(w.done > n + 20 or w.errors for w, n in zip(writers, before)), 20, "writers go on")
        finally:
            for writer in writers:
                writer.ending.set()
                writer.join()
        assert [w.errors for w in writers] == [[], [], []]
        entries = dict(owner.execute("SELECT user_id, count(*) FROM timetrackr.time_entries GROUP BY 1").fetchall())
        assert entries == {w.user_id: w.done for w in writers}
        assert owner.execute("SELECT * FROM timetrackr.verify()").fetchall() == []


def test_it_gives_up_when_a_lock_is_not_to_be_had_and_has_changed_nothing(postgres, old):
    with postgres.connect(old) as owner, postgres.connect(old) as reader:
        before = version(owner)
        with reader.transaction():
            reader.execute("SELECT FROM timetrackr.relay")
            owner.execute("SET lock_timeout = '200ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                update(owner)
            assert version(owner) == before
            assert owner.execute("SELECT schema_version < 2 FROM timetrackr.meta").fetchone() == (True,)
        update(owner)
        assert version(owner) != before
        assert owner.execute("SHOW lock_timeout").fetchone() == ("200ms",)


def test_two_updates_at_once_are_one(postgres, old):
    outcomes = []

    def run():
        with postgres.connect(old) as connection:
            try:
                update(connection)
                outcomes.append(None)
            except psycopg.Error as error:
                outcomes.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert None in outcomes, outcomes
    with postgres.connect(old) as connection:
        update(connection)
        assert connection.execute("SELECT status FROM timetrackr.health WHERE name = 'installed'").fetchone() == ("ok",)
        assert connection.execute("SELECT * FROM timetrackr.verify()").fetchall() == []


def lines(dumped):
    """Without the order of columns, which is of no importance."""
    return sorted(line.rstrip(",") for line in dumped)


def test_a_dump_of_it_has_what_a_dump_of_a_new_one_has(postgres, old, tmp_path):
    """The rights of roles on the extension's functions, too: in an update script they would be taken for the extension's own."""
    postgres.install("new_for_" + old)
    with postgres.connect(old) as connection:
        update(connection)
    assert lines(schema(postgres, old)) == lines(schema(postgres, "new_for_" + old))
    postgres.program("pg_dump", "--format=custom", f"--file={tmp_path}/dump", old)
    postgres.create_database("restored_" + old)
    postgres.program("pg_restore", "--exit-on-error", f"--dbname=restored_{old}", f"{tmp_path}/dump")
    proxy = Proxy(tmp_path, DATABASE_URL=postgres.proxy_url("restored_" + old))
    assert proxy.run_to_end("--check") == (0, "ok\n")


SYMBOLS = """
SELECT p.prosrc, array_agg(concat_ws(' returns ', oidvectortypes(p.proargtypes), pg_get_function_result(p.oid)) ORDER BY p.oid)
FROM pg_proc p
JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'timetrackr'::regnamespace
    AND l.lanname = 'c'
GROUP BY 1
"""


def test_the_library_takes_the_calls_of_old_functions(postgres, old, db):
    """Between the package and ALTER EXTENSION old functions call the new library: a symbol whose function takes or
    returns something else now would read what is not there."""
    with postgres.connect(old) as connection:
        before = dict(connection.execute(SYMBOLS).fetchall())
    now = dict(db.execute(SYMBOLS).fetchall())
    assert len(before) > 50
    changed = {symbol for symbol, calls in before.items() if symbol in now and now[symbol] != calls}
    assert changed - GROWN == set(), "give the new function another symbol, or look at PG_NARGS() and name it in GROWN"


INDEXES = """
SELECT c.relname, i.indexrelid::regclass::text
FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid
WHERE c.relnamespace = 'timetrackr'::regnamespace
    AND c.relkind = 'r'
"""


def test_indexes_that_install_will_build_on_full_tables_are_told_of(postgres, old, db):
    """Whoever has many rows builds them before, CONCURRENTLY; install() finds them by name."""
    with postgres.connect(old) as connection:
        before = connection.execute(INDEXES).fetchall()
    tables = {table for table, _ in before}
    page = (TOP / "docs/upgrading.md").read_text()
    new = [index for table, index in db.execute(INDEXES) if table in tables and (table, index) not in before]
    assert [index for index in new if f"`{index.removeprefix('timetrackr.')}`" not in page] == []
