"""Reads that the proxy asks PostgreSQL for, as it keeps no answers here: over HTTP, and the same prepared
statement by pgbench; 8 connections each, random users, in turns.

usage: bench/run uncached_reads [ROUNDS [SECONDS OF EACH]] [NAME=VALUE[,NAME=VALUE] …]: each
argument with settings of the proxy is another proxy, measured beside the default one"""

import re

import measure
import pgbench
import wrk
from command import print_lines
from harness import eventually
from line import Line
from servers import WRITERS, World, token

CONNECTIONS = 8
RATIO = 0.7
PROXY_CPU = 25

# A path, its function, and what its statement's parameters are, in order: a number is that number, None is NULL.
READS = (
    ("/users/me", "me", ["user"]),
    ("/time-entries/current", "current_entry", ["user"]),
    ("/time-entries/{entry}", "entry", ["user", "entry"]),
    ("/users/{user}/profile", "profile", ["user", "user"]),
    ("/time-entries", "list_entries", ["user", None, None, None, None, 51, None, None]),
    ("/users/{user}/timeline", "timeline", ["user", "user", 51, None, None]),
    ("/users/{user}/activity", "activity", ["user", "user", None, None]),
)


def statement_of(world, proxy, path, function):
    """The text that the proxy has prepared for this path: sessions show what they did last."""
    proxy.client(token=token(world.users)).get(path).expect(200)
    with world.postgres.connect() as db:

        def last():
            return db.execute(
                "SELECT query FROM pg_stat_activity WHERE usename = 'proxy_login' AND strpos(query, %s) > 0"
                " ORDER BY query_start DESC LIMIT 1",
                [f"timetrackr.{function}("],
            ).fetchone()

        (statement,) = eventually(last, 10, f"the statement of {path}")
        return statement


def pgbench_script(world, statement, parameters):
    """With pgbench's variables, which it sends as parameters, and with constants in place of $1, $2, …"""

    def written(parameter):
        return "NULL" if parameter is None else f":{parameter}" if isinstance(parameter, str) else str(parameter)

    numbers = sorted(set(re.findall(r"\$(\d+)", statement)), key=int)
    assert len(numbers) == len(parameters), statement
    script = re.sub(r"\$(\d+)", lambda found: written(parameters[int(found[1]) - 1]), statement)
    return f"\\set user random({WRITERS + 1}, {world.users})\n\\set entry :user * {world.days}\n{script};\n"


class Read:
    """One path: how to ask for it both ways."""

    def __init__(self, world, proxy, path, function, parameters):
        self.path = path
        self.world = world
        users = range(WRITERS + 1, world.users + 1)
        paths = [path.format(user=user, entry=user * world.days) for user in users]
        name = re.sub(r"\W+", "_", path)
        self.file = world.file(f"{name}.txt", (f"{path} {token(user)}" for path, user in zip(paths, users)))
        statement = statement_of(world, proxy, paths[-1], function)
        self.script = pgbench_script(world, statement, parameters)
        self.name = name

    def over_http(self, proxy, seconds, connections=CONNECTIONS):
        parts = self.world.parts(proxy=proxy)
        threads = min(2, connections)

        def run(length):
            return wrk.run(proxy.url, connections, length, threads, lua="rotate.lua", arguments=[self.file], **parts)

        run(1)
        return run(seconds)

    def by_pgbench(self, seconds, connections=CONNECTIONS):
        command = self.world.pgbench(self.name, self.script, connections)
        return pgbench.run(command, seconds, **self.world.parts())


def compare(read, proxies, scale):
    """A line for each of the proxies, which take turns with each other and with pgbench."""
    ways = {name: lambda proxy=proxy: read.over_http(proxy, scale.seconds) for name, proxy in proxies.items()}
    results = measure.in_turns(scale.rounds, {**ways, "pgbench": lambda: read.by_pgbench(scale.seconds)})
    reference = results.pop("pgbench")
    for name, loads in results.items():
        ratio = measure.rate_ratio(loads, reference)
        cpu = measure.median(loads, lambda load: load.per("proxy"))
        yield Line(
            work=f"GET {read.path}, uncached; {CONNECTIONS} connections" + (name and f"; {name}"),
            figure=f"{measure.rate(loads):,.0f}/s; "
            + measure.cpu_text(loads, proxy="proxy", postgres="PostgreSQL", client="wrk"),
            reference=f"pgbench {measure.rate(reference):,.0f}/s; "
            + measure.cpu_text(reference, postgres="PostgreSQL", client="pgbench"),
            ratio=ratio,
            target=f"≥ {RATIO} ×; ≤ {PROXY_CPU} µs in the proxy",
            met=ratio >= RATIO and cpu <= PROXY_CPU,
        )


def lines(scale, variants=({},)):
    with World() as world:
        proxies = world.variants(variants, CACHE_BYTES=0)
        world.drained()
        reads = [Read(world, next(iter(proxies.values())), *read) for read in READS]
        return [line for read in reads for line in compare(read, proxies, scale)]


if __name__ == "__main__":
    print_lines(lines)
