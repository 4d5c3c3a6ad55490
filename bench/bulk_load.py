"""Bulk loading: 1,000,000 historical entries of 1,000 users through COPY with
all rules on, durability included: in one transaction, and in two at once of 500
users each. Beside it the floor: the same COPY into a table of the same columns,
constraints and indexes without a rule. CPU is that of the loading backends.

usage: bench/run bulk_load [USERS [ENTRIES OF EACH [ROUNDS]]]"""

import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from harness import Postgres

COPY = "COPY {} (user_id, project_id, start_time, end_time, timezone) FROM '{}' (FORMAT csv)"

# As of a server that is meant to load data; PostgreSQL's own defaults else.
SETTINGS = "fsync = on\nshared_buffers = 1GB\nmax_wal_size = 8GB\ncheckpoint_timeout = 30min\n"

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"]


class Server(Postgres):
    def _initdb(self):
        super()._initdb()
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write(SETTINGS)


def populate(postgres, users):
    postgres.install("bulk")
    with postgres.connect("bulk") as db:
        db.execute(
            "INSERT INTO timetrackr.users (email, username, timezone)"
            " SELECT 'u' || i || '@example.org', 'u' || i, (%s::text[])[1 + i %% 4] FROM generate_series(1, %s) i",
            (ZONES, users),
        )
        db.execute("INSERT INTO timetrackr.projects (name, owner_id, visibility) VALUES ('Bulk', 1, 'public')")
        db.execute(
            "INSERT INTO timetrackr.project_members (project_id, user_id)"
            " SELECT 1, id FROM timetrackr.users WHERE id > 1"
        )
        db.execute("CREATE TABLE bare (LIKE timetrackr.time_entries INCLUDING ALL)")
        # Who else would fill in the duration?
        db.execute("ALTER TABLE bare DROP CONSTRAINT time_entries_check1")


def write_lines(directory, users, entries):
    """One file per half of the users: an entry of up to two hours every 25 hours."""
    halves = [range(1, users // 2 + 1), range(users // 2 + 1, users + 1)]
    start = 1_577_836_800  # 2020-01-01
    paths = []
    for number, half in enumerate(halves):
        path = directory / f"half{number}.csv"
        with path.open("w") as lines:
            for user in half:
                for i in range(entries):
                    begin = start + i * 90_000
                    end = begin + 600 + (i * 37 + user) % 7200
                    lines.write(f"{user},1,{stamp(begin)},{stamp(end)},{ZONES[user % 4]}\n")
        paths.append(path)
    return paths


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(postgres, table, groups):
    """Load each group of files by a connection of its own, all at once. Returns
    the seconds until all are committed, and the CPU seconds of their backends."""
    failures = []
    cpu = []

    def run(paths):
        try:
            with postgres.connect("bulk", autocommit=False) as db:
                db.execute("SET LOCAL statement_timeout = 0")
                for path in paths:
                    db.execute(COPY.format(table, path))
                db.commit()
                cpu.append(cpu_seconds(db.info.backend_pid))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(paths,)) for paths in groups]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return time.monotonic() - began, sum(cpu)


def empty(postgres):
    with postgres.connect("bulk") as db:
        db.execute("SET statement_timeout = 0")
        db.execute("TRUNCATE timetrackr.user_badges")
        db.execute("TRUNCATE timetrackr.time_entries, timetrackr.outbox, bare")
        db.execute("VACUUM ANALYZE")
        db.execute("CHECKPOINT")


def verify(postgres):
    with postgres.connect("bulk") as db:
        db.execute("SET statement_timeout = 0")
        ((differences,),) = db.execute("SELECT count(*) FROM timetrackr.verify()").fetchall()
        assert differences == 0, f"verify() found {differences} differences"


def main():
    given = [int(argument) for argument in sys.argv[1:]]
    users, entries, rounds = given + [1000, 1000, 3][len(given) :]
    with tempfile.TemporaryDirectory() as name:
        postgres = Server(Path(name) / "postgres").start()
        try:
            populate(postgres, users)
            first, second = write_lines(Path(name), users, entries)
            ways = {
                "no rules, one COPY": ("bare", [[first, second]]),
                "all rules, one COPY": ("timetrackr.time_entries", [[first, second]]),
                "all rules, two COPYs at once": ("timetrackr.time_entries", [[first], [second]]),
            }
            rates = {way: [] for way in ways}
            costs = {way: [] for way in ways}
            for _ in range(rounds):
                for way, (table, groups) in ways.items():
                    empty(postgres)
                    seconds, cpu = load(postgres, table, groups)
                    rates[way].append(users * entries / seconds)
                    costs[way].append(cpu * 1e6 / (users * entries))
            verify(postgres)
        finally:
            postgres.stop()
    print(f"{users * entries} entries of {users} users, median of {rounds} (least, most)")
    for way in ways:
        print(f"{way:30}{summary(rates[way])} entries/s{summary(costs[way])} us CPU each")


def summary(figures):
    return f"{statistics.median(figures):9.1f} ({min(figures):.1f}, {max(figures):.1f})"


main()
