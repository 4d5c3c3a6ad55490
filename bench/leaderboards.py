"""Boards of 1,000,000 users, read by SQL alone with the plans the proxy has
(made once, for any parameters): a page, a deep page, the surroundings and the
own rank of the best, the median and the last user. Time is that of EXPLAIN
ANALYZE, the least of a number of runs; with it the blocks read, and the rows
whose visibility had to be looked up in the table.

usage: bench/run leaderboards [USERS [RUNS]]"""

import sys
import tempfile
from pathlib import Path

from servers import Server

# Nobody waits for a million users to be made by triggers: totals and scores are
# written past them, and rebuild() of nobody counts the standings.
USERS = """
SET session_replication_role = replica;
INSERT INTO timetrackr.users (id, email, username)
SELECT n, 'u' || n || '@example.org', 'u' || n FROM generate_series(1, {users}) n;
SELECT setseed(0.5);
INSERT INTO timetrackr.user_totals (user_id, seconds, entries, badges)
SELECT n, 60 + (power(random(), 3) * 7200000)::bigint, 10, (power(random(), 3) * 25)::integer
FROM generate_series(1, {users}) n;
INSERT INTO timetrackr.scores (user_id, period, period_start, seconds, listed)
SELECT t.user_id, p.period, p.period_start, 60 + t.seconds / p.part, true
FROM timetrackr.user_totals t
CROSS JOIN (VALUES
    ('all', DATE '1970-01-01', 1, 1), ('month', DATE '2026-01-01', 24, 1), ('day', DATE '2026-01-07', 500, 5)
) p (period, period_start, part, one_in)
WHERE t.user_id % p.one_in = 0;
UPDATE timetrackr.user_totals t SET seconds = t.seconds + 60;
SET session_replication_role = origin;
SELECT timetrackr.rebuild(0);
VACUUM ANALYZE;
"""

STATEMENTS = """
PREPARE page (timetrackr.period, timetrackr.metric, bigint, bigint) AS
SELECT * FROM timetrackr.leaderboard($1, $2, '2026-01-07', 50, $3, $4);
PREPARE around (timetrackr.period, timetrackr.metric, bigint) AS
SELECT * FROM timetrackr.leaderboard_around($3, $1, $2, '2026-01-07');
PREPARE profile (bigint) AS
SELECT * FROM timetrackr.profile(NULL, $1);
"""

PLACE = """
SELECT o.user_id, o.score FROM (
    SELECT t.user_id, {score} AS score FROM timetrackr.user_totals t WHERE {score} > 0
) o
ORDER BY o.score DESC, o.user_id::text COLLATE "C" DESC OFFSET %s LIMIT 1
"""


def statements_of(script):
    return [statement for statement in script.split(";\n") if statement.strip()]


def place(db, score, offset):
    return db.execute(PLACE.format(score=score), (offset,)).fetchone()


def sums(plan, key):
    return plan.get(key, 0) + sum(sums(child, key) for child in plan.get("Plans", []))


def measure(db, call, runs):
    """Least milliseconds, blocks and heap fetches of the statement."""
    explain = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE {call}"
    plans = [db.execute(explain).fetchone()[0][0] for _ in range(runs)]
    least = min(plans, key=lambda plan: plan["Execution Time"])
    blocks = least["Plan"]["Shared Hit Blocks"] + least["Plan"]["Shared Read Blocks"]
    return f"{least['Execution Time']:10.2f} ms {blocks:8} blocks {sums(least['Plan'], 'Heap Fetches'):8} heap fetches"


def calls(db, users):
    who = {name: place(db, "t.seconds", at) for name, at in [("best", 0), ("median", users // 2), ("last", users - 1)]}
    (median, score), (badged, _) = who["median"], place(db, "t.badges", users // 2)
    yield "page, first", "page('all', 'time', NULL, NULL)"
    yield "page, half way down", f"page('all', 'time', {score}, {median})"
    for name, (user, _) in who.items():
        yield f"around the {name}", f"around('all', 'time', {user})"
    for name, (user, _) in who.items():
        yield f"profile with rank of the {name}", f"profile({user})"
    yield "badges: page, first", "page('all', 'badges', NULL, NULL)"
    yield "badges: around the median", f"around('all', 'badges', {badged})"
    yield "month: page, first", "page('month', 'time', NULL, NULL)"
    for name, (user, _) in who.items():
        yield f"month: around the {name}", f"around('month', 'time', {user})"


def main():
    given = [int(argument) for argument in sys.argv[1:]]
    users, runs = given + [1_000_000, 20][len(given) :]
    with tempfile.TemporaryDirectory() as name:
        postgres = Server(Path(name) / "postgres", shared_buffers="1GB", max_wal_size="8GB").start()
        try:
            postgres.install("boards")
            with postgres.connect("boards") as db:
                db.execute("SET statement_timeout = 0")
                for statement in statements_of(USERS.format(users=users)):
                    db.execute(statement)
                db.execute("SET plan_cache_mode = force_generic_plan")
                for statement in statements_of(STATEMENTS):
                    db.execute(statement)
                board = list(calls(db, users))
                print(f"{users} users, least of {runs} runs")
                for what, call in board:
                    print(f"{what:32}{measure(db, call, runs)}", flush=True)
                db.execute("ALTER TABLE timetrackr.scores SET (autovacuum_enabled = off)")
                db.execute("UPDATE timetrackr.scores SET seconds = seconds WHERE user_id % 10 = 0")
                print("after one score in ten was written, and none vacuumed")
                for what, call in board:
                    print(f"{what:32}{measure(db, call, runs)}", flush=True)
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()
