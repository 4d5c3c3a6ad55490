"""What waking the relay costs writers, and how soon it acts: commits per second
by timetrackr.notify and number of clients, in turns, with a relay at work; then
the time from a commit to the relay's NOTIFY and to the score in Redis.

bench/run wake [--rounds 5] [--seconds 4] [--samples 100] [--clients 1,8,32,64]
No rounds or no samples: not that half.
"""

import argparse
import os
import random
import re
import select
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from harness import Postgres, Proxy, Redis, eventually

MODES = ("auto", "always", "off")
USERS = 2000
PROBE = USERS + 1
WAKE_LOCK = 8391171951110545259
# As on a machine that keeps its data: a commit waits for the disk.
SETTINGS = "fsync = on\nmax_connections = 200\nshared_buffers = 256MB\nmax_wal_size = 4GB\n"
# A finished entry of some user, in a minute that nobody has used.
SCRIPT = f"""\\set user random(1, {USERS})
SELECT e.duration_seconds
FROM nextval('bench_minute') minute
CROSS JOIN LATERAL timetrackr.start_entry(:user, 1, timestamptz '1990-01-01Z' + minute * interval '1 minute',
    timestamptz '1990-01-01Z' + (minute + 1) * interval '1 minute') e;
"""


class Server(Postgres):
    def _initdb(self):
        super()._initdb()
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write(SETTINGS)


class Bench:
    """Servers with users who may write, and a relay between them."""

    def __init__(self, directory, options):
        self.options = options
        self.directory = directory
        self.postgres = Server(directory / "postgres")
        self.redis = Redis(directory / "redis")
        self.proxy = None

    def __enter__(self):
        self.postgres.start()
        self.postgres.install("timetrackr")
        self.redis.start()
        self._fill()
        self.proxy = Proxy(
            self.directory / "proxy", DATABASE_URL=self.postgres.proxy_url(), REDIS_URL=self.redis.url
        ).start()
        self.script = self.directory / "write.sql"
        self.script.write_text(SCRIPT)
        return self

    def __exit__(self, *_):
        for server in (self.proxy, self.redis):
            if server is not None:
                server.end()
        self.postgres.end(signal.SIGINT)

    def _fill(self):
        with self.postgres.connect() as db:
            db.execute("CREATE SEQUENCE bench_minute CACHE 32")
            db.execute(
                "INSERT INTO timetrackr.users (id, email, username)"
                " SELECT n, n || '@example.com', 'user' || n FROM generate_series(1, %s) n",
                [PROBE],
            )
            db.execute("INSERT INTO timetrackr.projects (id, name, owner_id) VALUES (1, 'Bench', 1)")
            db.execute(
                "INSERT INTO timetrackr.project_members (project_id, user_id, joined_at)"
                " SELECT 1, n, now() - interval '9 days' FROM generate_series(2, %s) n",
                [PROBE],
            )
            db.execute("VACUUM ANALYZE")

    def pgbench(self, mode, clients, seconds, rate=None):
        """A running pgbench; its output comes to stdout."""
        env = dict(
            os.environ,
            PGHOST="127.0.0.1",
            PGPORT=str(self.postgres.port),
            PGUSER="owner",
            PGPASSWORD=self.postgres.password,
            PGOPTIONS=f"-c timetrackr.notify={mode}",
        )
        command = [self.postgres.bin / "pgbench", "-n", "-M", "prepared", "-c", clients]
        command += ["-j", min(clients, 2), "-T", seconds, "-f", self.script]
        if rate is not None:
            command += ["-R", rate]
        command.append("timetrackr")
        return subprocess.Popen(
            list(map(str, command)), env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def commits_per_second(self, mode, clients, seconds):
        self.drained()
        # Else the relay would sleep through the first second where nobody wakes it,
        # and leave its share of the cores to the writers.
        with self.postgres.connect() as db:
            db.execute("UPDATE timetrackr.projects SET description = 'an event' WHERE id = 1")
        output, _ = (process := self.pgbench(mode, clients, seconds)).communicate()
        found = re.search(r"tps = ([\d.]+) \(without initial", output)
        if process.returncode != 0 or found is None:
            raise RuntimeError(f"pgbench failed:\n{output}")
        return float(found[1])

    def drained(self):
        with self.postgres.connect() as db:
            eventually(
                lambda: db.execute("SELECT count(*) FROM timetrackr.outbox").fetchone() == (0,),
                120,
                "the outbox empty",
            )


def throughput(bench):
    options = bench.options
    print(
        f"\ncommits per second, median of {options.rounds} runs of {options.seconds} s in turns (least to most)"
    )
    print(f"{'clients':>8}" + "".join(f"{mode:>24}" for mode in MODES), f"{'auto/off':>9}{'always/off':>11}")
    for mode in MODES:
        bench.commits_per_second(mode, 8, 3)
    for clients in options.clients:
        runs = {mode: [] for mode in MODES}
        for _ in range(options.rounds):
            for mode in MODES:
                runs[mode].append(bench.commits_per_second(mode, clients, options.seconds))
        middle = {mode: statistics.median(runs[mode]) for mode in MODES}
        ratio = {
            mode: statistics.median(one / off for one, off in zip(runs[mode], runs["off"])) for mode in MODES
        }
        cells = [f"{middle[mode]:.0f} ({min(runs[mode]):.0f}-{max(runs[mode]):.0f})" for mode in MODES]
        print(
            f"{clients:>8}" + "".join(f"{cell:>24}" for cell in cells),
            f"{ratio['auto']:>9.2f}{ratio['always']:>11.2f}",
            flush=True,
        )


class Probe:
    """Writes an entry of a user of its own, and watches for what follows."""

    def __init__(self, bench, mode):
        self.bench = bench
        self.writer = bench.postgres.connect()
        self.writer.execute(f"SET timetrackr.notify = {mode}")
        self.listener = bench.postgres.connect()
        self.listener.execute("LISTEN timetrackr_wake")
        self.redis = socket.create_connection(("127.0.0.1", bench.redis.port))
        self.redis.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        (self.entries,) = self.writer.execute(
            "SELECT entries FROM timetrackr.user_totals WHERE user_id = %s", [PROBE]
        ).fetchone()

    def close(self):
        self.writer.close()
        self.listener.close()
        self.redis.close()

    def score(self):
        self.redis.sendall(b"ZSCORE leaderboard:global %d\r\n" % PROBE)
        reply = self.redis.recv(100)
        return 0 if reply.startswith(b"$-1") else float(reply.split(b"\r\n")[1])

    def forget_notifications(self):
        list(self._notifications())

    def _notifications(self):
        self.listener.pgconn.consume_input()
        while (note := self.listener.pgconn.notifies()) is not None:
            yield note

    def _something_came(self):
        return select.select([self.listener.fileno()], [], [], 0)[0]

    def measure(self):
        """(seconds from commit to NOTIFY, or None; seconds from commit to Redis)"""
        self.forget_notifications()
        self.writer.execute(
            "SELECT FROM timetrackr.start_entry(%s, 1, timestamptz '2020-01-01Z' + %s * interval '1 minute',"
            " timestamptz '2020-01-01Z' + (%s + 1) * interval '1 minute')",
            [PROBE, self.entries, self.entries],
        )
        committed = time.monotonic()
        self.entries += 1
        heard = None
        while self.score() < self.entries * 60:
            if heard is None and self._something_came() and any(self._notifications()):
                heard = time.monotonic() - committed
            if time.monotonic() > committed + 60:
                raise RuntimeError("the score did not reach Redis")
        done = time.monotonic() - committed
        if heard is None and any(self._notifications()):
            heard = done
        return heard, done

    def relay_sleeps(self):
        (count,) = self.listener.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted"
            " AND classid = (%s::bigint >> 32)::oid AND objid = (%s::bigint & 4294967295)::oid",
            [WAKE_LOCK, WAKE_LOCK],
        ).fetchone()
        return count == 1


def percentiles(values):
    values = sorted(value for value in values if value is not None)
    if not values:
        return f"{'-':>9}{'-':>9}"
    rank = [values[min(len(values) - 1, int(len(values) * part))] for part in (0.5, 0.99)]
    return "".join(f"{value * 1000:>9.1f}" for value in rank)


def samples(probe, count, before):
    return zip(*(before(probe) or probe.measure() for _ in range(count)))


def wait_asleep(probe):
    eventually(lambda: probe.relay_sleeps(), 30, "the relay asleep")


def wait_at_random(_):
    time.sleep(random.uniform(0.02, 0.3))


def latency(bench):
    count = bench.options.samples
    print(f"\nmilliseconds from commit, {count} entries each")
    print(f"{'':34}{'to NOTIFY':^18}{'to Redis':^18}")
    print(f"{'':34}" + f"{'p50':>9}{'p99':>9}" * 2)
    cases = [
        ("relay asleep, auto", "auto", None, wait_asleep),
        ("relay asleep, off", "off", None, wait_asleep),
        ("relay just awake, auto", "auto", None, wait_at_random),
        ("8 clients at half speed, auto", "auto", 0.5, wait_at_random),
        ("8 clients at full speed, auto", "auto", 1, wait_at_random),
        ("8 clients at full speed, always", "always", 1, wait_at_random),
    ]
    full = bench.commits_per_second("auto", 8, 5)
    for name, mode, share, before in cases:
        bench.drained()
        load = None
        if share is not None:
            load = bench.pgbench(mode, 8, 600, None if share == 1 else full * share)
        probe = Probe(bench, mode)
        try:
            heard, done = samples(probe, count, before)
        finally:
            probe.close()
            if load is not None:
                load.terminate()
                load.communicate(timeout=30)
        print(f"{name:34}{percentiles(heard)}{percentiles(done)}", flush=True)


def machine():
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    print(f"{os.cpu_count()} cores, {cpu[1] if cpu else 'unknown'}; load before: {os.getloadavg()[0]:.1f}")


def numbers(text):
    return [int(part) for part in text.split(",")]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--clients", type=numbers, default=[1, 8, 32, 64])
    options = parser.parse_args()
    machine()
    with tempfile.TemporaryDirectory() as directory, Bench(Path(directory), options) as bench:
        if options.rounds > 0:
            throughput(bench)
        if options.samples > 0:
            latency(bench)


main()
