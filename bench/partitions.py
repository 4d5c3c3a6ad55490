"""Would time_entries gain from partitions by time? The same rows in a table with
the keys of time_entries, and in one partitioned by month of start_time, whose
keys need start_time in them; no rules on either. Each statement, as the rules and
the readers send it, in turns: µs of CPU of the backend, and blocks touched. Then
what dropping the oldest month costs, and the sizes of the indexes.

usage: bench/run partitions [ENTRIES [MONTHS [ROUNDS]]]"""

import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from servers import Server

CALLS = 200

COLUMNS = """
    user_id bigint NOT NULL,
    id bigint NOT NULL,
    project_id bigint NOT NULL,
    start_time timestamptz NOT NULL,
    end_time timestamptz,
    duration bigint,
    timezone text NOT NULL,
    note text NOT NULL DEFAULT '',
    tags text[] NOT NULL DEFAULT '{}',
    source text NOT NULL DEFAULT 'timer',
    flagged boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
"""

# A unique index of a partitioned table has the partition's key in it: that a user
# has one running entry at most is no longer its to see to.
KEYS = {
    "plain": ["PRIMARY KEY (user_id, id)", "UNIQUE INDEX {} ON {} (user_id) WHERE end_time IS NULL"],
    "parts": [
        "PRIMARY KEY (user_id, id, start_time)",
        "UNIQUE INDEX {} ON {} (user_id, start_time) WHERE end_time IS NULL",
    ],
}

STATEMENTS = {
    "one entry by its id": "SELECT * FROM {} WHERE user_id = $1 AND id = $2",
    "the running entry": "SELECT * FROM {} WHERE user_id = $1 AND end_time IS NULL",
    "overlaps of an interval": "SELECT id FROM {} WHERE user_id = $1 AND start_time < $3"
    " AND start_time > $3 - interval '1 day' AND end_time > $3",
    "50 newest": "SELECT * FROM {} WHERE user_id = $1 ORDER BY start_time DESC, id DESC LIMIT 50",
    "all of a user": "SELECT sum(duration) FROM {} WHERE user_id = $1",
    "a new entry": "INSERT INTO {} (user_id, id, project_id, start_time, timezone)"
    " VALUES ($1, $2 + 100000000, 1, $3, 'UTC')",
    "its end": "UPDATE {} SET end_time = $3 + interval '1 hour', duration = 3600"
    " WHERE user_id = $1 AND id = $2 + 100000000",
    "its deletion": "DELETE FROM {} WHERE user_id = $1 AND id = $2 + 100000000",
}

SESSION = ("plan_cache_mode = force_generic_plan", "jit = off", "timezone = 'UTC'", "statement_timeout = 0")
FIRST = "timestamptz '2024-01-01Z'"


def fill(db, entries, months):
    users = entries // 10
    db.execute(f"CREATE TABLE plain ({COLUMNS})")
    db.execute(f"CREATE TABLE parts ({COLUMNS}) PARTITION BY RANGE (start_time)")
    for month in range(months):
        db.execute(
            f"DO $$ BEGIN EXECUTE format('CREATE TABLE part{month:03} PARTITION OF parts FOR VALUES FROM (%L) TO (%L)',"
            f" {FIRST} + interval '{month} months', {FIRST} + interval '{month + 1} months'); END $$"
        )
    for table in ("plain", "parts"):
        db.execute("SELECT setseed(0.5)")
        db.execute(
            f"INSERT INTO {table} (user_id, id, project_id, start_time, end_time, duration, timezone)"
            f" SELECT 1 + n % {users}, n, 1 + n % {users}, t, t + interval '1 hour', 3600, 'UTC'"
            f" FROM (SELECT n, {FIRST} + (interval '{months} months' - interval '2 days') * (n::float8 / {entries}) AS t"
            f" FROM generate_series(0, {entries} - 1) n) s"
        )
        key, running = KEYS[table]
        db.execute(f"ALTER TABLE {table} ADD {key}")
        db.execute("CREATE " + running.format(f"{table}_running", table))
        db.execute(f"CREATE INDEX {table}_start ON {table} (user_id, start_time, id)")
        db.execute(f"CREATE INDEX {table}_project ON {table} (project_id)")
        for name, statement in STATEMENTS.items():
            types = "(bigint, bigint, timestamptz)"
            db.execute(f'PREPARE "{table} {name}" {types} AS {statement.format(table)}')
    db.execute("VACUUM ANALYZE")
    db.execute("CHECKPOINT")


def cpu(db):
    return int(Path(f"/proc/{db.info.backend_pid}/schedstat").read_text().split()[0]) / 1e3


def call(db, table, name, user, entry):
    return f"""EXECUTE "{table} {name}" ({user}, {entry}, '2025-12-30 12:00Z')"""


def blocks(db, statement):
    plan = db.execute(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement}").fetchone()[0][0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def measure(db, entries, rounds):
    users = entries // 10
    used = {(table, name): [] for table in KEYS for name in STATEMENTS}
    touched = {}
    for _ in range(rounds + 1):
        for table in KEYS:
            for name in STATEMENTS:
                chosen = random.Random(len(used[table, name])).sample(range(users), CALLS)
                calls = [call(db, table, name, 1 + n, n + users * (n % 10)) for n in chosen]
                if (table, name) not in touched:
                    touched[table, name] = blocks(db, calls[0])
                    calls = calls[1:]
                before = cpu(db)
                for statement in calls:
                    db.execute(statement, prepare=False)
                used[table, name].append((cpu(db) - before) / len(calls))
    for name in STATEMENTS:
        plain, parts = (statistics.median(used[table, name][1:]) for table in ("plain", "parts"))
        ratio = statistics.median(b / a for a, b in zip(used["plain", name][1:], used["parts", name][1:]))
        print(
            f"{name:24} plain {plain:7.0f} µs {touched['plain', name]:4} blocks"
            f" | partitioned {parts:7.0f} µs {touched['parts', name]:4} blocks | {ratio:.2f} ×",
            flush=True,
        )


def timed(db, statement):
    began, before = time.monotonic(), cpu(db)
    db.execute(statement)
    return f"{time.monotonic() - began:.1f} s, {(cpu(db) - before) / 1e6:.1f} s CPU"


def main(entries=2_000_000, months=24, rounds=5):
    with tempfile.TemporaryDirectory() as name:
        postgres = Server(Path(name) / "postgres", shared_buffers="1GB", autovacuum="off").start()
        try:
            postgres.create_database("partitions")
            with postgres.connect("partitions") as db:
                for setting in SESSION:
                    db.execute(f"SET {setting}")
                fill(db, entries, months)
                print(f"{entries} entries in {months} months")
                measure(db, entries, rounds)
                for table in KEYS:
                    (size,) = db.execute(
                        "SELECT COALESCE(sum(pg_indexes_size(relid)), pg_indexes_size(%(table)s))"
                        " FROM pg_partition_tree(%(table)s::regclass) WHERE isleaf",
                        {"table": table},
                    ).fetchone()
                    print(f"indexes of {table}: {size / 2**20:.0f} MiB")
                first_month = f"DELETE FROM plain WHERE start_time < {FIRST} + interval '1 month'"
                print(f"the oldest month: DELETE {timed(db, first_month)},", end=" ")
                print(f"VACUUM {timed(db, 'VACUUM plain')}; DROP TABLE {timed(db, 'DROP TABLE part000')}")
        finally:
            postgres.stop()


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
