"""Reads from PostgreSQL: the proxy without its cache, and pgbench with the same
statement, prepared, in turns, 8 clients each. Prints requests a second, the proxy's CPU time a
request, and that of PostgreSQL by either.

usage: bench/run uncached_reads [ROUNDS [SECONDS OF EACH]]; needs wrk"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from cached_answers import cpu_seconds, load, populate
from harness import Postgres, Proxy
from harness.postgres import PROXY_ROLE

CLIENTS = 8

# As the proxy's sessions have it (proxy/db.c).
SESSION = "-c plan_cache_mode=force_generic_plan -c jit=off -c search_path=pg_catalog,pg_temp -c TimeZone=UTC"

READS = {
    "profile": "/users/2/profile",
    "me": "/users/me",
    "current_entry": "/time-entries/current",
    "entry": "/time-entries/4",
    "list_entries": "/time-entries",
    "timeline": "/users/2/timeline",
    "activity": "/users/2/activity",
    "leaderboard": "/leaderboard",
}

# What the proxy makes of these requests; other parameters are NULL.
VALUES = {"viewer_id": "2", "user_id": "2", "entry_id": "4", "limit": "51", "metric": "'time'", "period": "'all'"}


def server_cpu(postgres):
    """Of all its processes, the ended ones included."""
    children = Path(f"/proc/{postgres.pid}/task/{postgres.pid}/children").read_text().split()
    ended = Path(f"/proc/{postgres.pid}/stat").read_text().rsplit(")", 1)[1].split()
    try:
        return sum(map(cpu_seconds, children)) + (int(ended[13]) + int(ended[14])) / os.sysconf("SC_CLK_TCK")
    except (FileNotFoundError, ProcessLookupError):
        return server_cpu(postgres)  # one has just ended


def executed(postgres, proxy, headers):
    """The statement of each read, as the server's log has it."""
    for path in READS.values():
        subprocess.run(["curl", "-sf", *headers, proxy.url + path], check=True, stdout=subprocess.DEVNULL)
    log = postgres.log.read_text()
    return {
        function: re.search(rf"execute \w+: (.*SELECT \* FROM timetrackr\.{function}\(.*)", log)[1] for function in READS
    }


def script_of(statement):
    """Numbers become variables, which pgbench sends as parameters; others stay in the statement."""
    variables = {}
    # a read that does not ask for the viewer gets it behind its own parameters
    viewer = re.search(r"\(\$(\d+)::bigint IS NULL OR ", statement)[1]
    for name, number in [*re.findall(r'"(\w+)" => \$(\d+)', statement), ("viewer_id", viewer)]:
        value = VALUES.get(name, "NULL")
        if value.isdigit():
            variables[f"p{number}"] = value
        statement = statement.replace(f"${number}::", f":p{number}::" if value.isdigit() else f"{value}::")
    return "\n".join([*(f"\\set {name} {value}" for name, value in variables.items()), statement + ";\n"])


def run_pgbench(postgres, script, seconds):
    """(transactions a second, PostgreSQL's CPU µs each)"""
    before = server_cpu(postgres)
    out = subprocess.run(
        [postgres.bin / "pgbench", "-n", "-M", "prepared", "-c", str(CLIENTS), "-j1", "-T", str(seconds), "-f", script],
        env={**os.environ, "PGOPTIONS": SESSION, "PGHOST": "127.0.0.1", "PGPORT": str(postgres.port),
             "PGUSER": PROXY_ROLE, "PGPASSWORD": postgres.password, "PGDATABASE": "timetrackr"},
        check=True, capture_output=True, text=True,
    ).stdout
    count = int(re.search(r"actually processed: (\d+)", out)[1])
    spent = server_cpu(postgres) - before
    return float(re.search(r"tps = ([\d.]+)", out)[1]), spent / count * 1e6


def run_proxy(postgres, proxy, path, headers, seconds):
    """(requests a second, the proxy's CPU µs each, PostgreSQL's)"""
    before = server_cpu(postgres)
    rate, own = load(proxy, proxy.url + path, "identity", seconds, clients=CLIENTS, headers=headers)
    return rate, own, (server_cpu(postgres) - before) / (rate * seconds) * 1e6


def main(rounds=3, seconds=2):
    directory = Path(tempfile.mkdtemp(prefix="reads-", dir=os.environ.get("TMPDIR")))
    postgres = Postgres(directory / "postgres").start()
    try:
        postgres.install("timetrackr")
        proxy = Proxy(directory / "proxy", DATABASE_URL=postgres.proxy_url(), WORKERS=1, CACHE_BYTES=0).start()
        populate(proxy)
        body = {"email": "bench0001@example.com", "password": "correct horse battery"}
        token = proxy.client().post("/auth/login", body).expect(200)["access_token"]
        headers = ["-H", f"Authorization: Bearer {token}"]
        with postgres.connect() as db:
            db.execute("VACUUM ANALYZE")
            db.execute(f"ALTER ROLE {PROXY_ROLE} SET log_statement = 'all'")
            logged = Proxy(directory / "logged", DATABASE_URL=postgres.proxy_url(), WORKERS=1, CACHE_BYTES=0).start()
            statements = executed(postgres, logged, headers)
            logged.stop()
            db.execute(f"ALTER ROLE {PROXY_ROLE} RESET log_statement")
        for function, path in READS.items():
            script = directory / f"{function}.sql"
            script.write_text(script_of(statements[function]))
            pairs = [
                (run_proxy(postgres, proxy, path, headers, seconds), run_pgbench(postgres, script, seconds))
                for _ in range(rounds)
            ]
            ours, theirs = ([statistics.median(column) for column in zip(*side)] for side in zip(*pairs))
            ratio = statistics.median(one[0] / other[0] for one, other in pairs)
            print(f"{path:24} proxy {ours[0]:7.0f} /s {ours[1]:6.1f} µs, PostgreSQL {ours[2]:6.1f} µs;"
                  f" pgbench {theirs[0]:7.0f} /s, PostgreSQL {theirs[1]:6.1f} µs; proxy/pgbench {ratio:.2f}", flush=True)
        proxy.stop()
    finally:
        postgres.stop()


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
