"""What one entry costs PostgreSQL: start_entry() and stop_entry() of users who
have a history, each call a transaction with a durable commit. First pgbench
with one client and with many: CPU of its backends, WAL and HOT updates for each
pair. Then one pair by itself: the buffers it touches and the statements that
run inside it, by auto_explain.

usage: bench/run entry_cost [--seconds 10] [--clients 1,32] [--users 2000] [--entries 50]"""

import argparse
import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from harness import Postgres, eventually

# As on a machine that keeps its data: a commit waits for the disk. No
# checkpoint comes in between, as its full pages would hide what WAL is ours.
SETTINGS = "fsync = on\nshared_buffers = 512MB\nmax_wal_size = 8GB\ncheckpoint_timeout = 30min\n"

# Each client has users of its own, and takes them in turns: nobody waits for
# another's lock, and no user starts again within the second.
SCRIPT = """\\set turn :turn + 1
\\set user 1 + :client_id + :clients * (:turn % :each)
SELECT entry_id FROM timetrackr.start_entry(:user, 1) \\gset
SELECT duration_seconds, badges_awarded FROM timetrackr.stop_entry(:user, :entry_id);
"""

HISTORY = """
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time)
SELECT u, 1 + n %% 5, date_trunc('day', now()) - n * interval '1 day' + interval '9 hours',
    date_trunc('day', now()) - n * interval '1 day' + interval '9 hours' + (20 + (u + n) %% 100) * interval '1 minute'
FROM generate_series(1, %s) u
CROSS JOIN generate_series(1, %s) n
"""


class Server(Postgres):
    def _initdb(self):
        super()._initdb()
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write(SETTINGS)


def populate(postgres, users, entries):
    postgres.install()
    with postgres.connect() as db:
        db.execute("SET statement_timeout = 0")
        db.execute(
            "INSERT INTO timetrackr.users (id, email, username, created_at)"
            " SELECT n, n || '@example.com', 'user' || n, now() - interval '99 days' FROM generate_series(1, %s) n",
            [users],
        )
        db.execute(
            "INSERT INTO timetrackr.projects (id, name, owner_id) SELECT n, 'Project ' || n, 1 FROM generate_series(1, 5) n"
        )
        db.execute(
            "INSERT INTO timetrackr.project_members (project_id, user_id, joined_at)"
            " SELECT p, n, now() - interval '99 days' FROM generate_series(1, 5) p, generate_series(2, %s) n",
            [users],
        )
        db.execute(HISTORY, [users, entries])
        db.execute("DELETE FROM timetrackr.outbox")
        db.execute("VACUUM ANALYZE")
        db.execute("CHECKPOINT")


class Counters:
    """What the backends of pgbench have used so far, and for how many entries."""

    def __init__(self, db):
        pids = db.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'pgbench'").fetchall()
        self.cpu = sum(cpu_nanoseconds(pid) for (pid,) in pids)
        self.entries, self.wal = db.execute(
            "SELECT last_value, pg_current_wal_lsn() - '0/0'::pg_lsn FROM timetrackr.time_entries_id_seq"
        ).fetchone()
        self.time = time.monotonic()


def cpu_nanoseconds(pid):
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def updates(db):
    """Of each table: updates, and those that no index noticed."""
    rows = db.execute(
        "SELECT relname, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE schemaname = 'timetrackr'"
    ).fetchall()
    return {table: (all_updates, hot) for table, all_updates, hot in rows}


def pgbench(postgres, script, clients, users):
    env = dict(
        os.environ,
        PGHOST="127.0.0.1",
        PGPORT=str(postgres.port),
        PGUSER="owner",
        PGPASSWORD=postgres.password,
        PGAPPNAME="pgbench",
    )
    command = [postgres.bin / "pgbench", "-n", "-M", "prepared", "-c", clients, "-j", 1, "-T", 600, "-f", script]
    command += ["-D", "turn=0", "-D", f"clients={clients}", "-D", f"each={users // clients}", "timetrackr"]
    return subprocess.Popen(
        list(map(str, command)), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def run(postgres, script, clients, options):
    """Counters after a second of warming up, and at the end."""
    with postgres.connect() as db:
        process = pgbench(postgres, script, clients, options.users)
        try:
            eventually(
                lambda: db.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench' AND query LIKE '%_entry(%'"
                ).fetchone()
                == (clients,),
                60,
                "all clients at work",
            )
            time.sleep(1)
            before = Counters(db)
            time.sleep(options.seconds)
            after = Counters(db)
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        if "ERROR" in errors or "aborted" in errors:
            raise RuntimeError(f"pgbench failed:\n{errors}")
    return before, after


def throughput(postgres, script, options):
    print(f"{'clients':>8}{'pairs/s':>10}{'us of CPU':>12}{'WAL bytes':>12}")
    with postgres.connect() as db:
        noted = updates(db)
        for clients in options.clients:
            before, after = run(postgres, script, clients, options)
            pairs = after.entries - before.entries
            print(
                f"{clients:>8}{pairs / (after.time - before.time):>10.0f}"
                f"{(after.cpu - before.cpu) / 1000 / pairs:>12.0f}{(after.wal - before.wal) / pairs:>12.0f}",
                flush=True,
            )
        time.sleep(1)
        print("\nHOT updates")
        for table, (all_updates, hot) in sorted(updates(db).items()):
            all_updates -= noted[table][0]
            if all_updates > 0:
                print(f"{table:24}{100 * (hot - noted[table][1]) / all_updates:>6.0f} % of {all_updates}")


def one_pair(postgres):
    """Buffers and statements of one start and one stop, plans made already."""
    with postgres.connect() as db:
        for user in range(2, 8):
            start_and_stop(db, user, lambda _, statement: db.execute(statement))
        print("\nbuffers")
        start_and_stop(db, 8, lambda name, statement: explain(db, name, statement))
        db.execute("LOAD 'auto_explain'")
        for setting in ("log_min_duration = 0", "log_nested_statements = on", "log_level = notice"):
            db.execute(f"SET auto_explain.{setting}")
        notices = []
        db.add_notice_handler(lambda notice: notices.append(notice.message_primary))
        start_and_stop(db, 9, lambda name, statement: statements(db, notices, name, statement))


def start_and_stop(db, user, run):
    run("start", f"SELECT * FROM timetrackr.start_entry({user}, 1)")
    (entry,) = db.execute(
        "SELECT id FROM timetrackr.time_entries WHERE user_id = %s AND end_time IS NULL", [user]
    ).fetchone()
    run("stop", f"SELECT * FROM timetrackr.stop_entry({user}, {entry})")


def explain(db, name, statement):
    plan = "\n".join(line for (line,) in db.execute(f"EXPLAIN (ANALYZE, BUFFERS) {statement}").fetchall())
    print(f"{name:8}{re.search(r'Buffers: (.*)', plan)[1]}")


def statements(db, notices, name, statement):
    notices.clear()
    db.execute(statement)
    texts = [re.search(r"Query Text: (.*)", notice)[1] for notice in notices if "Query Text" in notice]
    print(f"\n{name}: {len(texts)} statements, its own included")
    for text in texts:
        print("   ", text[:150])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--clients", type=lambda text: [int(part) for part in text.split(",")], default=[1, 32])
    parser.add_argument("--users", type=int, default=2000)
    parser.add_argument("--entries", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        postgres = Server(Path(directory) / "postgres").start()
        try:
            populate(postgres, options.users, options.entries)
            script = Path(directory) / "pair.sql"
            script.write_text(SCRIPT)
            throughput(postgres, script, options)
            one_pair(postgres)
            with postgres.connect() as db:
                db.execute("SET statement_timeout = 0")
                assert db.execute("SELECT count(*) FROM timetrackr.verify()").fetchone() == (0,)
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()
