"""What waking the relay costs writers, and how soon it acts: commits per second
by timetrackr.notify and number of clients, in turns, with a relay at work; then
the time from a commit to the relay's NOTIFY and to the score in Redis.

bench/run wake [--rounds 5] [--seconds 4] [--samples 100] [--clients 1,8,32,64]
No rounds or no samples: not that half.
"""

import argparse
import random
import select
import socket
import subprocess
import time
from contextlib import contextmanager, nullcontext

import measure
import pgbench
from harness import eventually
from line import Line
from servers import World

MODES = ("auto", "always", "off")
USERS = 2000
PROBE = USERS + 1
WAKE_LOCK = 8391171951110545259
CLIENTS = 32
RATIO = 0.9
# A finished entry of some user, in a minute that nobody has used.
SCRIPT = f"""\\set user random(1, {USERS})
SELECT e.duration_seconds
FROM nextval('public.bench_minute') minute
CROSS JOIN LATERAL timetrackr.start_entry(:user, 1, timestamptz '1990-01-01Z' + minute * interval '1 minute',
    timestamptz '1990-01-01Z' + (minute + 1) * interval '1 minute') e;
"""


class Bench:
    """Users who may write, and a relay at work."""

    def __init__(self, world):
        self.world = world
        self.postgres = world.postgres
        self.redis = world.redis
        with self.postgres.connect() as db:
            db.execute("CREATE SEQUENCE public.bench_minute CACHE 32")
        self.relay = world.proxy("relay")

    def command(self, mode, clients):
        return self.world.pgbench("write", SCRIPT, clients, role="owner", settings={"timetrackr.notify": mode})

    def commits(self, mode, clients, seconds):
        """The load that so many clients are, as they commit."""
        self.world.drained()
        # Else the relay would sleep through the first second where nobody wakes it,
        # and leave its share of the cores to the writers.
        with self.postgres.connect() as db:
            db.execute("UPDATE timetrackr.projects SET description = 'an event' WHERE id = 1")
        return pgbench.run(self.command(mode, clients), seconds, **self.world.parts(relay=self.relay))

    @contextmanager
    def writing(self, mode, clients, rate):
        """Clients that write meanwhile; rate: commits a second, as many as they can when None."""
        (program, *words), env = self.command(mode, clients)
        limits = ["-T", "600", *([] if rate is None else ["-R", str(rate)])]
        with subprocess.Popen([program, *limits, *words], env=env, stdout=subprocess.DEVNULL) as process:
            try:
                yield
            finally:
                process.terminate()


def in_turns(bench, modes, clients, rounds, seconds):
    return measure.in_turns(
        rounds, {mode: lambda mode=mode: bench.commits(mode, clients, seconds) for mode in modes}
    )


def throughput(bench, options):
    print(f"\ncommits per second, median of {options.rounds} runs of {options.seconds} s in turns (least-most)")
    print(f"{'clients':>8}" + "".join(f"{mode:>24}" for mode in MODES), f"{'auto/off':>9}{'always/off':>11}")
    for clients in options.clients:
        runs = in_turns(bench, MODES, clients, options.rounds, options.seconds)
        cells = "".join(f"{measure.spread([load.rate for load in runs[mode]]):>24}" for mode in MODES)
        auto, always = (measure.rate_ratio(runs[mode], runs["off"]) for mode in ("auto", "always"))
        print(f"{clients:>8}{cells} {auto:>9.2f}{always:>11.2f}", flush=True)


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


def latency(bench, count):
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
    full = bench.commits("auto", 8, 5).rate
    for name, mode, share, before in cases:
        bench.world.drained()
        load = nullcontext() if share is None else bench.writing(mode, 8, None if share == 1 else full * share)
        with load:
            probe = Probe(bench, mode)
            try:
                heard, done = samples(probe, count, before)
            finally:
                probe.close()
        print(f"{name:34}{percentiles(heard)}{percentiles(done)}", flush=True)


def lines(scale):
    with World(users=PROBE, days=0) as world:
        runs = in_turns(Bench(world), ("auto", "off"), CLIENTS, scale.rounds, scale.seconds)
    ratio = measure.rate_ratio(runs["auto"], runs["off"])
    figure, reference = (
        f"{measure.rate(runs[mode]):,.0f}/s; " + measure.cpu_text(runs[mode], postgres="PostgreSQL", relay="relay")
        for mode in ("auto", "off")
    )
    return [
        Line(
            work=f"finished entry with wake-up; {CLIENTS} clients",
            figure=figure,
            reference=f"notify = off {reference}",
            ratio=ratio,
            target=f"≥ {RATIO} ×",
            met=ratio >= RATIO,
        )
    ]


def numbers(text):
    return [int(part) for part in text.split(",")]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--clients", type=numbers, default=[1, 8, 32, 64])
    options = parser.parse_args()
    print(measure.machine())
    with World(users=PROBE, days=0) as world:
        bench = Bench(world)
        if options.rounds > 0:
            throughput(bench, options)
        if options.samples > 0:
            latency(bench, options.samples)


if __name__ == "__main__":
    main()
