"""Growth: what operations cost in databases that differ in size alone (see
growth_data.py): 10^3 entries of 10^2 users, 10^5 of 10^4, 10^7 of 10^6. The
statements are the proxy's: prepared once, with its settings of the session,
without a client library in between. The sizes take turns, call by call, each time
with another of 100 users, whose rows are in shared_buffers by then; "cold" is what
goes to any user of all, whose rows most likely are not. CPU is that of the backend;
ms are those until the answer, without what client and backend waited for a processor
that others had or that slept.

The largest takes some ten minutes and 12 GB; `make bench` stops at 10^5 without GROWTH=7,
and then leaves open whether the goal is met.

usage: bench/run growth [3|5|7 [ROUNDS [SECONDS]]]: the largest size, as a power of ten"""

import itertools
import os
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import awake
import growth_data
import psycopg
import results
import svg
from line import Line, Scale
from pgbench import SESSION
from servers import Server

SIZES = {3: 100, 5: 10_000, 7: 1_000_000}

SETTINGS = {"shared_buffers": "2GB", "max_wal_size": "16GB", "checkpoint_timeout": "30min", "autovacuum": "off"}

FLAT = 1.5
CALLS = 60
USERS_LATELY = 100
PROVED = 20
COLD = ", cold"


@dataclass
class Operation:
    """A statement, and what its parameters are for a user. With a target it is measured cold, too."""

    name: str
    call: str
    arguments: object
    has_target: bool = False


def read(name, call, arguments, has_target=False):
    return Operation(name, f"SELECT timetrackr.json(r) FROM (SELECT * FROM timetrackr.{call}) r", arguments, has_target)


def now_less(minutes):
    return (datetime.now(timezone.utc) - timedelta(minutes=minutes)).isoformat(timespec="seconds")


def last_day():
    """The last day of the data set."""
    return datetime.now(timezone.utc).date() - timedelta(days=2)


START = Operation(
    "start", "SELECT entry_id FROM timetrackr.start_entry($1, $2, $3)", lambda u: (u, u, now_less(30)), True
)
STOP = Operation("stop", "SELECT timetrackr.json(r) FROM timetrackr.stop_entry($1, $2) r", None, True)
DELETE = Operation("delete", "SELECT timetrackr.delete_entry($1, $2)", None)
WRITES = {operation.name: operation for operation in (START, STOP, DELETE)}

BOARD = "leaderboard($1, $2, $3, 50, $4, $5)"
AROUND = "leaderboard_around($1, $2, $3, $4)"


def periods():
    day = last_day().isoformat()
    for period in ("day", "week", "month"):
        yield read(f"{period}: board", BOARD, lambda u, p=period: (p, "time", day, None, None))
        # Users of even number have an entry on the last day.
        yield read(f"{period}: around", AROUND, lambda u, p=period: (u + u % 2, p, "time", day))


def reads(middle):
    """middle: score and user in the middle of the board of all time."""
    since, until = (last_day() - timedelta(days=30)).isoformat(), last_day().isoformat()
    return [
        read("leaderboard page", BOARD, lambda u: ("all", "time", None, None, None), True),
        read("page half way down", BOARD, lambda u: ("all", "time", None, *middle), True),
        read("around oneself", AROUND, lambda u: (u, "all", "time", None)),
        read("badges: board", BOARD, lambda u: ("all", "badges", None, None, None)),
        read("own rank (profile)", "profile($1, $2)", lambda u: (u, u), True),
        read("timeline page", "timeline($1, $2, 50)", lambda u: (u, u), True),
        read("own entries", 'list_entries($1, "limit" => 50)', lambda u: (u,)),
        read("activity", "activity($1, $2)", lambda u: (u, u)),
        read("report", "report_summary($1, '{project,month}', $2, $3)", lambda u: (u, since, until)),
        read("days", "days($1, $2, $3, $4)", lambda u: (u, u, since, until)),
        read("projects", "list_projects($1)", lambda u: (u,)),
        read("catalogue of badges", "list_badges()", lambda u: ()),
        *periods(),
    ]


@dataclass
class Figures:
    """Of an operation at a size: a list of ms, and of µs of CPU, for each round; blocks of single calls."""

    ms: list = field(default_factory=list)
    cpu: list = field(default_factory=list)
    blocks: list = field(default_factory=list)

    def p50(self):
        return statistics.median(itertools.chain.from_iterable(self.ms))

    def p99(self):
        values = sorted(itertools.chain.from_iterable(self.ms))
        return values[min(len(values) - 1, int(len(values) * 0.99))]

    def cpu_each(self):
        return statistics.median(statistics.mean(of_round) for of_round in self.cpu)


def schedule(process):
    """Nanoseconds that it was on a processor, and that it waited for one."""
    return tuple(int(word) for word in Path(f"/proc/{process}/schedstat").read_text().split()[:2])


class Size:
    """A database, and a connection as the proxy has it."""

    def __init__(self, postgres, power):
        self.power = power
        self.users = SIZES[power]
        self.database = f"growth{power}"
        self.random = random.Random(power)
        self.lately = self.random.sample(range(1, self.users + 1), min(self.users, USERS_LATELY))
        with postgres.connect(self.database) as db:
            self.middle = db.execute(
                "SELECT seconds, user_id FROM timetrackr.scores WHERE period = 'all'"
                " ORDER BY seconds DESC OFFSET %s LIMIT 1",
                (self.users // 2,),
            ).fetchone()
        self.db = psycopg.connect(postgres.proxy_url(self.database), autocommit=True)
        for name, value in SESSION.items():
            self.db.execute(f"SELECT set_config('{name}', '{value}', false)")
        self.backend = self.db.info.backend_pid
        self.operations = {operation.name: operation for operation in (*WRITES.values(), *reads(self.middle))}
        for operation in self.operations.values():
            self._prepare(operation)

    def _prepare(self, operation):
        result = self.db.pgconn.prepare(operation.name.encode(), operation.call.encode())
        assert result.status == psycopg.pq.ExecStatus.COMMAND_OK, result.error_message

    def user(self, cold=""):
        return self.random.randint(1, self.users) if cold else self.random.choice(self.lately)

    def run(self, operation, arguments):
        """(first column of the first row, ms, µs of CPU)"""
        texts = [None if value is None else str(value).encode() for value in arguments]
        (_, waited), (cpu, backend_waited) = schedule("self"), schedule(self.backend)
        began = time.perf_counter()
        result = self.db.pgconn.exec_prepared(operation.name.encode(), texts)
        took = (time.perf_counter() - began) * 1e9
        (_, waited_by_now), (cpu_by_now, backend_waited_by_now) = schedule("self"), schedule(self.backend)
        assert result.status == psycopg.pq.ExecStatus.TUPLES_OK, result.error_message.decode()
        # They may have waited at the same time.
        took = max(cpu_by_now - cpu, took - (waited_by_now - waited) - (backend_waited_by_now - backend_waited))
        return result.get_value(0, 0) if result.ntuples > 0 else None, took / 1e6, (cpu_by_now - cpu) / 1e3

    def blocks(self, operation, arguments):
        values = ", ".join("NULL" if value is None else f"'{value}'" for value in arguments)
        values = f"({values})" if arguments else ""
        plan = self.db.execute(
            f'EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE "{operation.name}"{values}'
        ).fetchone()[0][0]["Plan"]
        return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]

    def read(self, taken, name, cold=""):
        operation = self.operations[name]
        _, *cost = self.run(operation, operation.arguments(self.user(cold)))
        taken[name + cold].append(cost)

    def write(self, taken, user=None, cold=""):
        """An entry is started, stopped and deleted again: whoever comes next finds the same."""
        user = user or self.user(cold)
        entry, *cost = self.run(START, START.arguments(user))
        taken[START.name + cold].append(cost)
        for operation in (STOP, DELETE):
            _, *cost = self.run(operation, (user, int(entry)))
            taken[operation.name + cold].append(cost)

    def visit(self):
        """Bring what belongs to the users of whom most calls are into memory."""
        taken = defaultdict(list)
        for user in self.lately:
            self.write(taken, user)
            for operation in self.operations.values():
                if operation.has_target and operation.name not in WRITES:
                    self.run(operation, operation.arguments(user))

    def count_blocks(self, figures, calls=10):
        for _ in range(calls):
            user = self.user()
            for name, operation in self.operations.items():
                if name not in WRITES:
                    figures[name].blocks.append(self.blocks(operation, operation.arguments(user)))
            figures["start"].blocks.append(self.blocks(START, START.arguments(user)))
            (entry,) = self.db.execute("SELECT entry_id FROM timetrackr.current_entry(%s)", (user,)).fetchone()
            for operation in (STOP, DELETE):
                figures[operation.name].blocks.append(self.blocks(operation, (user, entry)))


def one_round(sizes, figures, seconds, call):
    """Calls at each size in turns, until there are enough or the time is over."""
    taken = {size.power: defaultdict(list) for size in sizes}
    ends = time.monotonic() + seconds
    for _ in range(CALLS):
        for size in sizes:
            call(size, taken=taken[size.power])
        if time.monotonic() > ends:
            break
    for power, lists in taken.items():
        for name, costs in lists.items():
            ms, cpu = zip(*costs)
            figures[name][power].ms.append(ms)
            figures[name][power].cpu.append(cpu)


def measure(sizes, scale):
    """{operation: {power: Figures}}, after a round that warms up."""
    names = list(sizes[0].operations)
    targets = [name for name, operation in sizes[0].operations.items() if operation.has_target]
    calls = [Size.write, *[partial(Size.read, name=name) for name in names if name not in WRITES]]
    calls += [partial(Size.write, cold=COLD)]
    calls += [partial(Size.read, name=name, cold=COLD) for name in targets if name not in WRITES]
    for size in sizes:
        size.visit()
    for number in range(scale.rounds + 1):
        if number < 2:
            figures = defaultdict(lambda: {size.power: Figures() for size in sizes})
        for call in calls:
            one_round(sizes, figures, scale.seconds, call)
    for size in sizes:
        size.count_blocks({name: figures[name][size.power] for name in names})
    return figures


def growth(figures, part):
    """How often the smallest size's part is in the largest's: the median of rounds."""
    powers = sorted(figures)
    pairs = zip(getattr(figures[powers[0]], part), getattr(figures[powers[-1]], part))
    return statistics.median(statistics.median(large) / statistics.median(small) for small, large in pairs)


def written_users_agree(postgres, size):
    """What the triggers made of rows that were written past them."""
    with postgres.connect(size.database) as db:
        db.execute("SET statement_timeout = 0")
        whose = [None] if size.power < 7 else [size.user() for _ in range(3)]
        for user in whose:
            differences = db.execute("SELECT * FROM timetrackr.verify(%s) LIMIT 5", (user,)).fetchall()
            assert not differences, differences


def run(scale, largest, tell=lambda text: None):
    powers = [power for power in SIZES if power <= largest]
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as directory:
        postgres = Server(Path(directory) / "postgres", **SETTINGS).start()
        sizes = []
        try:
            for power in powers:
                growth_data.load(postgres, f"growth{power}", SIZES[power], tell)
                sizes.append(Size(postgres, power))
                growth_data.proved(postgres, sizes[-1].database, [sizes[-1].user() for _ in range(PROVED)])
            with awake.processors():
                figures = measure(sizes, scale)
            for size in sizes:
                written_users_agree(postgres, size)
        finally:
            for size in sizes:
                size.db.close()
            postgres.stop()
    return figures


def line_of(name, has_target, figures):
    powers = sorted(figures)
    small, large = figures[powers[0]], figures[powers[-1]]
    ratio = growth(figures, "ms")
    return Line(
        work=f"growth: {name}",
        figure=f"{large.p50():.2f} ms p50, {large.cpu_each():.0f} µs CPU at {10 ** powers[-1]:,} entries",
        reference=f"{small.p50():.2f} ms, {small.cpu_each():.0f} µs at {10 ** powers[0]:,}",
        ratio=ratio,
        target=f"≤ {FLAT} ×" if has_target else "",
        met=ratio <= FLAT if has_target and powers[-1] == max(SIZES) else None,
    )


def lines(scale):
    figures = run(scale, int(os.environ.get("GROWTH", "5")))
    print("\n".join(table(figures)), flush=True)
    targets = {operation.name: operation.has_target for operation in (*WRITES.values(), *reads((0, 0)))}
    results.save("growth.svg", drawn(figures))
    return [line_of(name, targets.get(name, False), of_sizes) for name, of_sizes in figures.items()]


DRAWN = {
    "Writes, and reads of one user": ("start", "stop", "own rank (profile)", "timeline page"),
    "Boards": ("leaderboard page", "week: around"),
}


def drawn(figures):
    panels = []
    for title, names in DRAWN.items():
        series = []
        for name in names:
            points = [(10**power, of_size.cpu_each()) for power, of_size in sorted(figures[name].items())]
            series.append(svg.Series(name, points))
        panels.append(svg.Panel(title, "entries, ten of each user", series))
    return svg.chart("µs of CPU in PostgreSQL for each call, by size of the data", panels)


def table(figures):
    for name, of_sizes in figures.items():
        yield f"{name:20}" + "".join(
            f" | 10^{power}: {f.p50():7.2f} p50 {f.p99():7.2f} p99 ms {f.cpu_each():7.0f} µs"
            f" {statistics.median(f.blocks or [0]):5.0f} blocks"
            for power, f in of_sizes.items()
        ) + f" | {growth(of_sizes, 'ms'):6.2f} × ms {growth(of_sizes, 'cpu'):6.2f} × CPU"


def main(largest=5, rounds=5, seconds=2):
    figures = run(Scale(rounds=rounds, seconds=seconds), largest, lambda text: print(text, flush=True))
    results.save("growth.svg", drawn(figures))
    print("\n".join(table(figures)))


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
