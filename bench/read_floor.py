"""What a read of the proxy from PostgreSQL is made of: a bare libmicrohttpd server that is asked
the same and sends the same bytes (bare_http.c), and pgbench with the same statement; 8
connections each, in turns.

usage: bench/run read_floor [ROUNDS [SECONDS OF EACH]]"""

import statistics

import measure
import wrk
from command import print_lines
from line import Line
from servers import Bare, World, raw_answer, token
from uncached_reads import CONNECTIONS, READS, Read

PATHS = ("/time-entries/current", "/time-entries/{entry}")
THREADS = 2


def compare(world, proxy, read, scale):
    path = read.path.format(entry=world.users * world.days)
    answer = raw_answer(proxy.url + path, token=token(world.users))
    bare = Bare(world.directory / f"bare{read.name}", answer, THREADS)

    def by_bare():
        parts = world.parts(server=bare)
        arguments = {"lua": "rotate.lua", "arguments": [read.file]}
        return wrk.run(bare.url, CONNECTIONS, scale.seconds, THREADS, **arguments, **parts)

    ways = {
        "proxy": lambda: read.over_http(proxy, scale.seconds),
        "bare": by_bare,
        "pgbench": lambda: read.by_pgbench(scale.seconds),
    }
    try:
        results = measure.in_turns(scale.rounds, ways)
    finally:
        bare.end()
    floor = [http.per("server") + sql.per("client") for http, sql in zip(results["bare"], results["pgbench"])]
    return Line(
        work=f"GET {read.path}, uncached; {CONNECTIONS} connections",
        figure=measure.cpu_text(results["proxy"], proxy="proxy"),
        reference=measure.cpu_text(results["bare"], server="bare libmicrohttpd")
        + "; "
        + measure.cpu_text(results["pgbench"], client="pgbench"),
        ratio=statistics.median(load.per("proxy") / least for load, least in zip(results["proxy"], floor)),
        target="",
        met=None,
    )


def lines(scale):
    with World() as world:
        proxy = world.proxy()
        world.drained()
        reads = [Read(world, proxy, *read) for read in READS if read[0] in PATHS]
        return [compare(world, proxy, read, scale) for read in reads]


if __name__ == "__main__":
    print_lines(lines)
