"""Every endpoint that an Express server of the same API has, beside it: Express,
Prisma, BullMQ and their worker, in the folder that REFERENCE names (its run.sh
starts it with DATABASE_URL, REDIS_URL, PORT, WORKERS). Each server has a
PostgreSQL and a Redis of its own, set up alike, and the same data, made through
its API; they take turns. CPU is that of everything behind the port, jobs that
come after the answer included; memory is resident after the load. As many connections
as possible make a server wait for the other processes on the machine, so of each endpoint p99 is
also taken while ours is asked as often as Express could answer.

usage: REFERENCE=FOLDER bench/run express [ROUNDS [SECONDS [CASE...]]]; needs wrk, Node.js and npm"""

import os
import re
import shutil
import signal
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import express_seed
import requests
import wrk
from harness import Proxy, Redis, free_port
from harness.process import Process
from line import Line, Scale, cells
from measure import TICK, resident
from servers import Server

CONNECTIONS = 16
# A hash takes 70 ms of CPU, and longer where others want the processor.
BCRYPT_CONNECTIONS = 4
BCRYPT_SECONDS = 5
SECRET = "a-secret-for-both-that-is-long-enough"
SETTINGS = {"shared_buffers": "512MB", "timetrackr.bcrypt_cost": "10"}

TIMES_THE_RATE = 10
PART_OF_CPU = 0.1
PART_OF_REST = 0.2
QUIET_SECONDS = 20


class Express(Process):
    """A copy of the folder; the first start installs what its lock file names."""

    def __init__(self, directory, folder, **settings):
        super().__init__("express", directory)
        self.program = self.directory / "server"
        shutil.copytree(folder, self.program, symlinks=True)
        # Which may have been read-only.
        for made in (self.program, *self.program.rglob("*")):
            if made.is_dir() and not made.is_symlink():
                made.chmod(0o755)
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.settings = {
            "HOST": "127.0.0.1",
            "PORT": port,
            "JWT_SECRET": SECRET,
            "RATE_LIMIT_MAX": 0,
            "AUTH_RATE_LIMIT_MAX": 0,
            "WORKERS": os.cpu_count(),
            "HOME": self.directory,
            **settings,
        }

    def start(self):
        env = dict(os.environ, **{name: str(value) for name, value in self.settings.items()})
        self.launch(["bash", self.program / "run.sh"], env=env)
        self.wait_until(self._answers, seconds=600)
        return self

    def stop(self):
        self.end(signal.SIGTERM)

    def _answers(self):
        try:
            return requests.get(self.url + "/badges", timeout=5).status_code in (200, 401)
        except requests.RequestException:
            return False


def tree(roots):
    """Ids of these processes, and of all that descend from them."""
    found = list(roots)
    for pid in found:
        try:
            found += [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except FileNotFoundError:
            pass
    return found


def cpu_of_tree(roots):
    """Seconds, of children that have ended too."""
    ticks = 0
    for pid in tree(roots):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / TICK


def unshared(pid):
    """Bytes that are this process's alone: of a backend, all but the shared buffers."""
    return int(re.search(r"Pss_Anon:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text())[1]) * 1024


class Side:
    """A server with the database and the Redis behind it."""

    def __init__(self, directory):
        self.postgres = Server(directory / "postgres", **SETTINGS).start()
        self.redis = Redis(directory / "redis").start()
        self.server = None

    def began(self, server):
        self.server = server.start()
        self.users = express_seed.fill(server.url)
        self.quiet()

    def stop(self):
        for process in (self.server, self.redis, self.postgres):
            if process is not None:
                process.stop()

    def cpu(self):
        return cpu_of_tree([self.server.pid, self.postgres.pid, self.redis.pid])

    def quiet(self):
        """Wait until nothing is done any more: jobs, the relay, a checkpoint."""
        deadline = time.monotonic() + QUIET_SECONDS
        while True:
            before = self.cpu()
            time.sleep(0.4)
            if self.cpu() - before <= 0.02 or time.monotonic() > deadline:
                return

    def load(self, case, directory, seconds, turn, pause=0):
        """pause: seconds between an answer and the connection's next request."""
        file = directory / f"{case.name.replace('/', '_').replace(' ', '_')}.requests"
        file.write_text("".join(f"{line}\n" for line in case.requests(self.users, turn)))
        self.quiet()
        before = self.cpu()
        threads = CONNECTIONS if case.kind == "entries" else 1
        arguments = [pause * 1000, case.kind, file, threads]
        if case.kind == "entries":
            # Half an hour of made-up time for each turn: room for 450 entries of each user.
            start = datetime.now(timezone.utc) - timedelta(hours=22) + timedelta(minutes=30 * turn)
            arguments.append(int(start.timestamp()))
        connections = BCRYPT_CONNECTIONS if case.bcrypt else CONNECTIONS
        seconds = max(seconds, BCRYPT_SECONDS) if case.bcrypt else seconds
        done = wrk.run(self.server.url, connections, seconds, threads, lua="express.lua", arguments=arguments)
        self.quiet()
        done.cpu["server"] = self.cpu() - before
        return done


@dataclass
class Case:
    """requests: for the users and the number of the turn, the lines that express.lua wants."""

    name: str
    requests: object
    kind: str = "requests"
    bcrypt: bool = False


def get(path):
    return lambda users, turn: [f"GET\t{path.format(u=u)}\t{u.token}\t" for u in users]


def login(users, turn):
    return [f'POST\t/auth/login\t\t{{"email":"{u.email}","password":"{express_seed.PASSWORD}"}}' for u in users]


def signup(users, turn):
    return [
        f'POST\t/auth/signup\t\t{{"email":"new{turn}_{number}_%d@example.com",'
        f'"password":"{express_seed.PASSWORD}","username":"new{turn}_{number}_%d"}}'
        for number in range(10)
    ]


def visibility(users, turn):
    return [
        f'PUT\t/projects/{u.projects[0]}/visibility\t{u.token}\t{{"visibility":"{to}"}}'
        for to in ("public", "private")
        for u in users
    ]


def project(users, turn):
    return [f'POST\t/projects\t{u.token}\t{{"name":"Another %d","visibility":"private"}}' for u in users]


def entries(users, turn):
    return [f"{u.token}\t{u.projects[0]}" for u in users]


CASES = [
    Case("GET /leaderboard", get("/leaderboard?limit=50")),
    Case("GET /badges", get("/badges")),
    Case("GET /users/ID/profile", get("/users/{u.user_id}/profile")),
    Case("GET /users/ID/activity", get("/users/{u.user_id}/activity")),
    Case("GET /users/ID/badges", get("/users/{u.user_id}/badges")),
    Case("GET /users/ID/timeline", get("/users/{u.user_id}/timeline?limit=50")),
    Case("GET /projects/ID", get("/projects/{u.projects[0]}")),
    Case("PUT /projects/ID/visibility", visibility),
    Case("POST /projects", project),
    Case("POST /time-entries, PUT /time-entries/ID/end", entries, "entries"),
    Case("POST /auth/login", login, bcrypt=True),
    Case("POST /auth/signup", signup, bcrypt=True),
]


def same_pages(sides):
    """What both answer has as many rows."""
    for path in ("/leaderboard?limit=50", "/users/{}/timeline?limit=50"):
        counts = []
        for side in sides.values():
            user = side.users[0]
            headers = {"Authorization": f"Bearer {user.token}"}
            answer = requests.get(side.server.url + path.format(user.user_id), headers=headers, timeout=30)
            counts.append(len(answer.json()))
        assert counts == [50, 50], f"{path}: {counts} rows"


def measure(sides, case, directory, scale):
    """{side: [Load]}, after one that warms up; paced: ours at the rate that Express had."""
    loads = {name: [] for name in (*sides, "paced")}
    for turn in range(scale.rounds + 1):
        for name, side in sides.items():
            loads[name].append(side.load(case, directory, scale.seconds, 2 * turn))
        if not case.bcrypt:
            answering = loads["paced"][-1].p50 if loads["paced"] else 0
            pause = max(0, CONNECTIONS / loads["express"][-1].rate - answering)
            # After the others in made-up time, too: a timer that was left running must not be ahead.
            loads["paced"].append(sides["ours"].load(case, directory, scale.seconds, 2 * turn + 1, pause))
    return {name: of_side[1:] for name, of_side in loads.items()}


def memory(sides):
    """{side: (bytes of the server's processes, and with what backends and Redis have beside shared buffers)}"""
    found = {}
    for name, side in sides.items():
        servers = sum(resident(pid) for pid in tree([side.server.pid]))
        backends = sum(unshared(pid) for pid in tree([side.postgres.pid]))
        found[name] = servers, servers + backends + resident(side.redis.pid)
    return found


def ratio(loads, figure, side="ours"):
    return statistics.median(figure(ours) / figure(theirs) for ours, theirs in zip(loads[side], loads["express"]))


def cpu_each(load):
    return load.cpu["server"] / load.count * 1e6


FIGURES = {"rate": lambda load: load.rate, "cpu": cpu_each, "p99": lambda load: load.p99}


def text(loads):
    middle = {name: statistics.median(figure(load) for load in loads) for name, figure in FIGURES.items()}
    return f"{middle['rate']:,.0f}/s, {middle['cpu']:,.0f} µs CPU"


def lines_of(case, loads):
    rate, cpu, p99 = (ratio(loads, figure) for figure in FIGURES.values())
    late = {name: statistics.median(load.p99 for load in of_side) * 1000 for name, of_side in loads.items() if of_side}
    target, met = "≥ 1 × the rate", rate >= 1
    if not case.bcrypt:
        target = f"≥ {TIMES_THE_RATE} × the rate or ≤ 1/{1 / PART_OF_CPU:.0f} of the CPU"
        met = rate >= TIMES_THE_RATE or cpu <= PART_OF_CPU
    ours, theirs = f"{text(loads['ours'])} (1/{1 / cpu:.1f})", f"Express {text(loads['express'])}"
    yield Line(case.name, ours, theirs, rate, target, met)
    yield Line(
        f"{case.name}, p99",
        f"{late['ours']:.1f} ms",
        f"Express {late['express']:.1f} ms",
        p99,
        "" if case.bcrypt else f"≤ 1/{1 / PART_OF_REST:.0f}",
        None if case.bcrypt else p99 <= PART_OF_REST,
    )
    if not case.bcrypt:
        p99 = ratio(loads, FIGURES["p99"], "paced")
        rate = statistics.median(load.rate for load in loads["paced"])
        yield Line(
            f"{case.name}, p99 at Express's rate",
            f"{late['paced']:.1f} ms at {rate:,.0f}/s",
            f"Express {late['express']:.1f} ms",
            p99,
            f"≤ 1/{1 / PART_OF_REST:.0f}",
            p99 <= PART_OF_REST,
        )


def memory_lines(found):
    whats = ("memory of the server", PART_OF_REST), ("memory with backends and Redis", None)
    for position, (what, target) in enumerate(whats):
        ours, theirs = (found[name][position] for name in ("ours", "express"))
        yield Line(
            what,
            f"{ours / 2**20:.0f} MiB",
            f"Express {theirs / 2**20:.0f} MiB",
            ours / theirs,
            "" if target is None else f"≤ 1/{1 / target:.0f}",
            None if target is None else ours / theirs <= target,
        )


def start(folder, directory):
    sides = {name: Side(directory / name) for name in ("ours", "express")}
    ours, express = sides["ours"], sides["express"]
    try:
        ours.postgres.install("timetrackr")
        settings = {"DATABASE_URL": ours.postgres.proxy_url(), "REDIS_URL": ours.redis.url, "WORKERS": os.cpu_count()}
        ours.began(Proxy(directory / "ours" / "proxy", JWT_SECRET=SECRET, **settings))
        express.postgres.create_database("timetrackr")
        settings = {"DATABASE_URL": express.postgres.url("timetrackr"), "REDIS_URL": express.redis.url}
        express.began(Express(directory / "express" / "server", folder, **settings))
        same_pages(sides)
    except BaseException:
        stop(sides)
        raise
    return sides


def stop(sides):
    for side in sides.values():
        side.stop()


def run(folder, scale, cases=CASES):
    """Yields the lines, as they are measured."""
    with tempfile.TemporaryDirectory(prefix="express-", dir=os.environ.get("TMPDIR")) as name:
        sides = start(folder, Path(name))
        try:
            for case in cases:
                yield from lines_of(case, measure(sides, case, Path(name), scale))
            yield from memory_lines(memory(sides))
        finally:
            stop(sides)


def lines(scale):
    folder = os.environ.get("REFERENCE")
    if not folder:
        return [Line("every endpoint beside Express", "not measured: give REFERENCE=folder", "", None, "", None)]
    return list(run(folder, scale))


def main(rounds=5, seconds=3, *names):
    folder = os.environ.get("REFERENCE")
    if not folder:
        sys.exit("REFERENCE names no folder")
    cases = [case for case in CASES if not names or any(name in case.name for name in names)]
    for line in run(folder, Scale(int(rounds), int(seconds)), cases):
        print(" | ".join(cells(line)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
