"""Servers that benchmarks run on: a PostgreSQL that keeps its data, and a world
of users with a history, a Redis and proxies around it."""

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path

import pgbench
import requests
from harness import Postgres, Proxy, Redis, eventually, free_port
from harness.process import Process
from harness.proxy import JWT_SECRET
from harness.tokens import hs, own_claims, signed
from measure import cpu_seconds, cpu_seconds_of_all

# As on a machine that keeps its data: a commit waits for the disk.
DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "max_connections": "400",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
}
# The first users have no timer that runs, and nothing after their history: for benchmarks that write.
WRITERS = 256
# The day before which everybody's history ends.
HISTORY_END = "2001-01-01"
# Where writers begin, in SQL and in seconds of the epoch; each run of a benchmark takes minutes of its own.
FIRST_MINUTE = "timestamptz '2002-01-01Z'"
FIRST_SECOND = int(datetime(2002, 1, 1, tzinfo=timezone.utc).timestamp())
MINUTES_OF_RUN = 20_000

POPULATE = """
INSERT INTO timetrackr.users (id, email, username, created_at)
SELECT n, 'user' || n || '@example.org', 'user' || n, '2000-01-01Z' FROM generate_series(1, {users}) n;
INSERT INTO timetrackr.projects (id, name, owner_id, visibility) VALUES (1, 'Bench', 1, 'public');
INSERT INTO timetrackr.project_members (project_id, user_id, joined_at)
SELECT 1, n, '2000-01-01Z' FROM generate_series(2, {users}) n;
INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time, timezone)
SELECT u, u * {days} + d, 1, t, t + (30 + (u * 37 + d) % 90) * interval '1 minute', 'UTC'
FROM generate_series(1, {users}) u, generate_series(0, {days} - 1) d,
    LATERAL (SELECT timestamptz '{end}Z' - (d + 1) * interval '1 day' + interval '8 hours') s (t);
INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, timezone)
SELECT u, ({users} + 1) * {days} + u, 1, date_trunc('second', now()) - interval '10 minutes', 'UTC'
FROM generate_series({writers} + 1, {users}) u
WHERE {days} > 0;
SELECT setval(pg_get_serial_sequence('timetrackr.time_entries', 'id'), 10000000);
SELECT setval(pg_get_serial_sequence('timetrackr.projects', 'id'), 1000);
SELECT setval(pg_get_serial_sequence('timetrackr.users', 'id'), 10000000);
VACUUM ANALYZE;
CHECKPOINT;
"""


class Server(Postgres):
    """Settings are added to those above."""

    def __init__(self, directory, **settings):
        super().__init__(directory)
        self.settings = {**DURABLE, **settings}

    def _initdb(self):
        super()._initdb()
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = {value}\n" for name, value in self.settings.items())

    def cpu_seconds(self):
        return cpu_seconds_of_all(self.pid)


class Bare(Process):
    """bare_http.c with an answer as it comes over the wire."""

    def __init__(self, directory, answer, threads=1):
        super().__init__("bare", directory)
        program = self.directory / "bare_http"
        source = Path(__file__).with_name("bare_http.c")
        subprocess.run(["cc", "-O2", "-o", program, source, "-lmicrohttpd"], check=True)
        self.port = free_port()
        (self.directory / "answer").write_bytes(answer)
        self.launch([program, str(self.port), str(self.directory / "answer"), str(threads)])
        self.url = f"http://127.0.0.1:{self.port}"
        self.wait_until(self._answers)

    def _answers(self):
        try:
            return requests.get(self.url, timeout=5).status_code == 200
        except requests.RequestException:
            return False


def raw_answer(url, encoding="identity", token=None):
    """An answer as it comes over the wire."""
    headers = ["-H", f"Accept-Encoding: {encoding}"]
    if token is not None:
        headers += ["-H", f"Authorization: Bearer {token}"]
    return subprocess.run(["curl", "-s", "-i", "--raw", *headers, url], check=True, capture_output=True).stdout


def token(user, seconds=86400):
    claims = own_claims(user, exp=int(time.time()) + seconds)
    return signed({"alg": "HS256", "typ": "JWT"}, claims, hs(JWT_SECRET))


class World:
    """Users with `days` days of history each in one public project, and what runs around them. Use
    it in a with statement; what was started in it ends with it."""

    def __init__(self, users=1000, days=20, redis=True, **settings):
        self.users = users
        self.days = days
        self.settings = settings
        self.with_redis = redis
        self.redis = None
        self.runs = 0

    def __enter__(self):
        with ExitStack() as stack:
            self.directory = Path(tempfile.mkdtemp(prefix="bench-"))
            stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
            self.postgres = Server(self.directory / "postgres", **self.settings)
            stack.callback(self.postgres.stop)
            self.postgres.start()
            self.postgres.install()
            self._populate()
            if self.with_redis:
                self.redis = Redis(self.directory / "redis")
                stack.callback(self.redis.stop)
                self.redis.start()
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *error):
        return self.stack.__exit__(*error)

    def _populate(self):
        script = POPULATE.format(users=self.users, days=self.days, writers=WRITERS, end=HISTORY_END)
        with self.postgres.connect() as db:
            db.execute("SET statement_timeout = 0")
            for statement in script.split(";\n"):
                if statement.strip():
                    db.execute(statement)

    def proxy(self, name="proxy", **settings):
        """A proxy in front of it, started. The first one is the relay."""
        settings = {"DATABASE_URL": self.postgres.proxy_url(), "WORKERS": os.cpu_count(), **settings}
        if self.redis is not None:
            settings.setdefault("REDIS_URL", self.redis.url)
        proxy = Proxy(self.directory / name, **settings)
        self.stack.callback(proxy.stop)
        return proxy.start()

    def variants(self, settings, **common):
        """A proxy for each of these settings: {the settings as text: proxy}."""
        proxies = {}
        for one in settings:
            name = " ".join(f"{key}={value}" for key, value in one.items())
            proxies[name] = self.proxy(f"proxy{len(proxies)}", **{**common, **one})
        return proxies

    def parts(self, **processes):
        """Of whose CPU time to tell: PostgreSQL's, and that of processes by name."""
        totals = {name: lambda pid=process.pid: cpu_seconds(pid) for name, process in processes.items()}
        return {"postgres": self.postgres.cpu_seconds, **totals}

    def pgbench(self, name, script, clients, role="proxy_login", settings=None, **variables):
        """A command of pgbench's for this script and these variables."""
        path = self.directory / f"{name}.sql"
        path.write_text(script)
        return pgbench.command(self.postgres, role, "timetrackr", clients, path, settings, variables)

    def file(self, name, lines):
        path = self.directory / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    def next_minute(self):
        """Minutes after FIRST_MINUTE of which nobody has used one: a run's."""
        self.runs += 1
        return self.runs * MINUTES_OF_RUN

    def end_timers(self):
        """What a run left running is deleted, by the function that locks as other writers do: some
        of the run's requests may not be over."""
        with self.postgres.connect() as db:
            db.execute(
                "SELECT timetrackr.delete_entry(user_id, id) FROM timetrackr.time_entries"
                " WHERE end_time IS NULL AND user_id <= %s",
                [WRITERS],
            )

    def drained(self, seconds=120):
        """Wait until the relay has nothing left to do."""
        with self.postgres.connect() as db:
            count = "SELECT count(*) FROM timetrackr.outbox"
            eventually(lambda: db.execute(count).fetchone() == (0,), seconds, "the outbox empty")
