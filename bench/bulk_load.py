"""Bulk loading: 1,000,000 historical entries of 1,000 users through COPY with
all rules on, durability included: in one transaction, and in two at once of 500
users each. Beside it the floor: the same COPY into a table of the same columns,
constraints and indexes without a rule. CPU is that of all of PostgreSQL.

usage: bench/run bulk_load [USERS [ENTRIES OF EACH [ROUNDS]]]"""

import sys
import tempfile
import threading
import time
from pathlib import Path

import measure
from line import Line
from servers import Server

COPY = "COPY {} (user_id, project_id, start_time, end_time, timezone) FROM '{}' (FORMAT csv)"

# As of a server that is meant to load data.
SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "30min"}

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"]


FLOOR = "no rules, one COPY"
WHOLE = "all rules, one COPY"
HALVES = "all rules, two COPYs at once"
RATE = 50_000


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


def load(postgres, table, groups):
    """Load each group of files by a connection of its own, all at once. Returns
    the seconds until all are committed, and the CPU seconds of PostgreSQL."""
    failures = []
    meter = measure.Meter(postgres=postgres.cpu_seconds)

    def run(paths):
        try:
            with postgres.connect("bulk", autocommit=False) as db:
                db.execute("SET LOCAL statement_timeout = 0")
                for path in paths:
                    db.execute(COPY.format(table, path))
                db.commit()
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
    return time.monotonic() - began, meter.spent()


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


def loads(users, entries, rounds):
    """What each way did: entries a second."""
    with tempfile.TemporaryDirectory() as name:
        postgres = Server(Path(name) / "postgres", **SETTINGS)
        try:
            postgres.start()
            populate(postgres, users)
            first, second = write_lines(Path(name), users, entries)
            ways = {
                FLOOR: ("bare", [[first, second]]),
                WHOLE: ("timetrackr.time_entries", [[first, second]]),
                HALVES: ("timetrackr.time_entries", [[first], [second]]),
            }

            def run(table, groups):
                empty(postgres)
                seconds, cpu = load(postgres, table, groups)
                return measure.Load(rate=users * entries / seconds, count=users * entries, cpu=cpu)

            results = measure.in_turns(rounds, {way: lambda to=to: run(*to) for way, to in ways.items()})
            verify(postgres)
        finally:
            postgres.stop()
    return results


def lines(scale):
    """A million entries, fewer for those in a hurry."""
    users, entries = 1000, min(1000, 340 * scale.seconds)
    results = loads(users, entries, scale.rounds)
    floor = results.pop(FLOOR)
    return [
        Line(
            work=f"{users * entries:,} historical entries; {way}",
            figure=f"{measure.rate(runs):,.0f}/s; " + measure.cpu_text(runs, postgres="PostgreSQL"),
            reference=f"no rules {measure.rate(floor):,.0f}/s; " + measure.cpu_text(floor, postgres="PostgreSQL"),
            ratio=measure.rate_ratio(runs, floor),
            target=f"≥ {RATE:,}/s, one way or another",
            met=max(map(measure.rate, results.values())) >= RATE,
        )
        for way, runs in results.items()
    ]


def main():
    given = [int(argument) for argument in sys.argv[1:]]
    users, entries, rounds = given + [1000, 1000, 3][len(given) :]
    print(f"{users * entries} entries of {users} users, median of {rounds} (least-most)")
    for way, runs in loads(users, entries, rounds).items():
        rates = [run.rate for run in runs]
        print(f"{way:30}{measure.spread(rates)} entries/s; {measure.cpu_text(runs, postgres='PostgreSQL')} each")


if __name__ == "__main__":
    main()
