"""Reads from a standby: never older than the primary's, whatever becomes of it."""

import random
import threading
import time
from datetime import timedelta

import pytest
from conftest import PASSWORD, days_ago, rfc3339, sign_up
from harness import Postgres, Proxy, eventually, free_port
from harness.metrics import scrape
from harness.stage import Stage

READS = "timetrackr_standby_reads_total"
FALLBACKS = "timetrackr_standby_fallbacks_total"

# Of every route of lane READ.
READ_PATHS = (
    "/users/me",
    "/users/me/export",
    "/auth/sessions",
    "/users/{user}/profile",
    "/users/{user}/activity",
    "/users/{user}/days?from=2026-01-01&to=2026-02-01",
    "/users/{user}/badges",
    "/users/{user}/timeline",
    "/users/{user}/badges/progress",
    "/projects",
    "/projects/{project}",
    "/projects/{project}/leaderboard",
    "/time-entries",
    "/time-entries/current",
    "/time-entries/{entry}",
    "/time-entries/export.csv",
    "/reports/summary?group_by=day&from=2026-01-01&to=2026-02-01",
    "/badges",
    "/notifications",
    "/notifications/unread",
    "/leaderboard",
    "/leaderboard/around/{user}",
)


class Replicated(Stage):
    """Two proxies, of which the second keeps answers, in front of a primary with a standby."""

    def __init__(self, primary, standby, directory):
        super().__init__(primary, directory)
        self.standby = standby
        self.pair = [self.reading_proxy(), self.reading_proxy(CACHE_BYTES=1 << 20)]
        self.uses_standby()

    def reading_proxy(self, **settings):
        settings.setdefault("DATABASE_READ_URL", self.standby.proxy_url(self.database))
        return self.proxy(METRICS_LISTEN=f"127.0.0.1:{free_port()}", WORKERS=2, **settings)

    def look(self, name, proxy=None, **labels):
        return sum(
            scrape(one.settings["METRICS_LISTEN"]).sum(name, **labels) for one in ([proxy] if proxy else self.pair)
        )

    def uses_standby(self):
        """Wait until every connection to it is of use."""
        eventually(lambda: self.look("timetrackr_standby_usable_connections") == 2 * 2 * 2, 30, "standbys of use")

    def on_standby(self, statement):
        with self.standby.connect(self.database) as connection:
            return connection.execute(statement).fetchone()[0]

    def pause(self):
        self.on_standby("SELECT pg_wal_replay_pause()")
        eventually(
            lambda: self.value("SELECT pg_logical_emit_message(true, 'test', '')")  # something to replay
            and self.on_standby("SELECT pg_get_wal_replay_pause_state()") == "paused",
            what="replay paused",
        )

    def resume(self):
        self.on_standby("SELECT pg_wal_replay_resume()")


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    primary = Postgres(tmp_path_factory.mktemp("primary")).start()
    standby = None
    try:
        standby = primary.standby(tmp_path_factory.mktemp("standby")).start()
        yield primary, standby
    finally:
        for server in (standby, primary):
            if server is not None and server.is_running():
                server.stop()


@pytest.fixture(scope="module")
def replicated(servers, tmp_path_factory):
    stage = Replicated(*servers, tmp_path_factory.mktemp("replicated"))
    try:
        yield stage
    finally:
        stage.end()


def as_seen_by(user, proxy):
    """The same user through another proxy."""
    return proxy.client(token=user.client.token)


def test_every_read_can_be_answered_by_a_standby(replicated):
    first, second = replicated.pair
    user = sign_up(first)
    project = user.project(visibility="public")
    entry = user.entry(project, days_ago(1), 3600)["entry_id"]
    reads = replicated.look(READS)
    paths = [path for path in READ_PATHS for _ in range(3)]
    for proxy in (first, second):
        for path in paths:
            path = path.format(user=user.id, project=project, entry=entry)
            assert as_seen_by(user, proxy).get(path).status in (200, 204), path
        assert as_seen_by(user, proxy).get("/users/me").expect(200)["total_seconds"] == 3600
    assert replicated.look(READS) - reads > len(paths)
    assert replicated.look(FALLBACKS, cause="failed") == replicated.look(FALLBACKS, cause="unfit") == 0
    assert replicated.on_standby("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'timetrackr standby'") == 8
    assert replicated.query("SELECT * FROM timetrackr.verify()") == []


def test_nobody_misses_what_was_committed_while_the_standby_stands_still(replicated):
    first, second = replicated.pair
    user = sign_up(first)
    project = user.project(visibility="public")
    replicated.uses_standby()
    replicated.pause()
    try:
        behind = replicated.look(FALLBACKS, cause="behind")
        for count in range(1, 4):
            user.entry(project, days_ago(count), 3600)
            for proxy in (first, second):
                assert as_seen_by(user, proxy).get("/users/me").expect(200)["total_seconds"] == 3600 * count
                assert len(as_seen_by(user, proxy).get(f"/users/{user.id}/timeline").expect(200)) >= count
            # what a proxy keeps for visitors is another one's write behind, for a moment, with or without standbys
            profile = f"/users/{user.id}/profile"
            assert first.client().get(profile).expect(200)["total_seconds"] == 3600 * count
            eventually(
                lambda: second.client().get(profile).expect(200)["total_seconds"] == 3600 * count, what="seen by visitors"
            )
        # somebody who is new, and one who is gone: the standby knows neither
        newcomer = sign_up(second)
        as_seen_by(newcomer, first).get("/users/me").expect(200)
        newcomer.delete("/users/me", {"password": PASSWORD}).expect(204)
        as_seen_by(newcomer, first).get("/users/me").expect(401)
        assert replicated.look(FALLBACKS, cause="behind") > behind
        eventually(lambda: replicated.look("timetrackr_standby_usable_connections") == 0, what="it counts as behind")
        eventually(lambda: replicated.look("timetrackr_standby_lag_seconds") > 1, what="its lag")
        assert replicated.look("timetrackr_standby_lag_bytes") > 0
        assert all(proxy.client().get("/readyz").status == 200 for proxy in (first, second))
    finally:
        replicated.resume()
    replicated.uses_standby()
    reads = replicated.look(READS)
    eventually(lambda: user.get("/users/me").expect(200) and replicated.look(READS) > reads, what="reads there again")


@pytest.fixture
def lazy_disk(replicated):
    """A primary that leaves to its log's writer, which rarely looks, what nobody waits for."""
    replicated.query("ALTER SYSTEM SET wal_writer_delay = '10s'")
    replicated.query("SELECT pg_reload_conf()")
    yield replicated
    replicated.query("ALTER SYSTEM RESET wal_writer_delay")
    replicated.query("ALTER SYSTEM RESET synchronous_commit")
    replicated.query("SELECT pg_reload_conf()")


def test_commits_that_wait_for_no_disk_are_seen_when_all_are_such(lazy_disk):
    user = sign_up(lazy_disk.pair[0])
    lazy_disk.query("ALTER SYSTEM SET synchronous_commit = off")
    lazy_disk.query("SELECT pg_reload_conf()")
    with lazy_disk.postgres.connect(lazy_disk.database) as writer:
        eventually(lambda: writer.execute("SHOW synchronous_commit").fetchone() == ("off",), what="the setting")
        for number in range(20):
            writer.execute("UPDATE timetrackr.users SET bio = %s WHERE id = %s", (f"Bio {number}", user.id))
            assert user.get("/users/me").expect(200)["bio"] == f"Bio {number}"


def test_a_usual_commit_takes_along_what_waited_for_no_disk(lazy_disk):
    user = sign_up(lazy_disk.pair[0])
    with lazy_disk.postgres.connect(lazy_disk.database) as writer:
        for number in range(20):
            writer.execute("SET synchronous_commit = off")
            writer.execute("UPDATE timetrackr.users SET bio = %s WHERE id = %s", (f"Bio {number}", user.id))
            writer.execute("SET synchronous_commit = on")
            writer.execute("UPDATE timetrackr.users SET listed = NOT listed WHERE id = %s", (user.id,))
            assert user.get("/users/me").expect(200)["bio"] == f"Bio {number}"


class Reader(threading.Thread):
    """One user who writes and looks at once, each time through a proxy taken at random."""

    def __init__(self, proxies, user, writes=True):
        super().__init__(daemon=True)
        self.clients = [as_seen_by(user, proxy) for proxy in proxies]
        self.project = user.project()
        self.writes = writes
        self.rounds = 0
        self.broken = None
        self.told_to_stop = threading.Event()

    def run(self):
        try:
            while not self.told_to_stop.is_set():
                self._write_and_look() if self.writes else self._any().get("/users/me").expect(200)
                self.rounds += 1
        except Exception as error:  # told in the test's own thread
            self.broken = error

    def _any(self):
        return random.choice(self.clients)

    def _write_and_look(self):
        start = days_ago(30, 0) + timedelta(minutes=2 * self.rounds)
        times = {"start_time": rfc3339(start), "end_time": rfc3339(start + timedelta(minutes=1))}
        entry = self._any().post("/time-entries", {"project_id": self.project, **times}).expect(201)["entry_id"]
        assert self._any().get(f"/time-entries/{entry}").status == 200, "his own entry is not there"
        assert self._any().get("/users/me").expect(200)["total_seconds"] == 60 * (self.rounds + 1)

    def end(self):
        self.told_to_stop.set()
        self.join(30)
        assert not self.is_alive()
        if self.broken is not None:
            raise self.broken


def test_no_reader_ever_misses_his_own_write(replicated):
    """Replay stops and goes on at random under a load through both proxies."""
    readers = [Reader(replicated.pair, sign_up(replicated.pair[0])) for _ in range(6)]
    before = replicated.look(READS), replicated.look(FALLBACKS)
    for reader in readers:
        reader.start()
    deadline = time.monotonic() + 4
    while time.monotonic() < deadline:
        replicated.pause()
        time.sleep(random.uniform(0, 0.3))
        replicated.resume()
        time.sleep(random.uniform(0, 0.3))
    for reader in readers:
        reader.end()
    assert min(reader.rounds for reader in readers) > 5
    assert replicated.look(READS) > before[0] and replicated.look(FALLBACKS) > before[1]
    assert replicated.query("SELECT * FROM timetrackr.verify()") == []


def test_a_standby_that_ends_sessions_or_is_killed_fails_no_read(replicated):
    replicated.uses_standby()
    readers = [Reader(replicated.pair, sign_up(replicated.pair[0]), writes=False) for _ in range(4)]
    for reader in readers:
        reader.start()

    def progress():
        goals = [reader.rounds + 10 for reader in readers]
        eventually(lambda: all(r.broken or r.rounds >= goal for r, goal in zip(readers, goals)), what="progress")

    try:
        for _ in range(3):
            progress()
            replicated.on_standby(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'timetrackr standby'"
            )
        progress()
        replicated.standby.kill()
        progress()
        assert all(proxy.client().get("/readyz").status == 200 for proxy in replicated.pair)
        assert replicated.look(FALLBACKS, cause="away") > 0
        replicated.standby.start()
        replicated.uses_standby()
        progress()
    finally:
        for reader in readers:
            reader.end()


def test_a_server_that_takes_no_writes_is_left_and_tried_again(replicated):
    user = sign_up(replicated.pair[0])
    replicated.query("ALTER SYSTEM SET default_transaction_read_only = on")
    replicated.query("SELECT pg_reload_conf()")
    try:
        eventually(lambda: user.post("/projects", {"name": "Frozen"}).status == 503, what="no writes")
        user.get("/users/me").expect(200)
        assert "the server takes no writes" in replicated.pair[0].log.read_text()
    finally:
        with replicated.postgres.connect("postgres") as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
            connection.execute("SELECT pg_reload_conf()")
    eventually(lambda: user.post("/projects", {"name": "Thawed"}).status == 201, what="writes again")


def test_a_standby_that_is_none_any_more_is_not_used(replicated, tmp_path):
    """The last one: it is promoted by mistake, and goes on by itself. For writes it was none before."""
    proxy = Proxy(tmp_path / "refused", DATABASE_URL=replicated.standby.proxy_url(replicated.database))
    status, said = proxy.run_to_end("--check")
    assert status > 0 and "DATABASE_URL" in said and "hot standby" in said

    user = sign_up(replicated.pair[0])
    replicated.uses_standby()
    replicated.on_standby("SELECT pg_promote()")
    eventually(lambda: replicated.look("timetrackr_standby_usable_connections") == 0, what="it is not used")
    user.project("Seen")
    for proxy in replicated.pair:
        assert [one["name"] for one in as_seen_by(user, proxy).get("/projects?scope=mine").expect(200)] == ["Seen"]
        assert "it is no standby" in proxy.log.read_text()
