"""Rate, and CPU time of the proxy for each request, by the number of connections:
an answer from the cache, a read of PostgreSQL, and start + stop of an entry; a chart
beside the lines. Of each the references: a bare server, and pgbench.

usage: bench/run concurrency [ROUNDS [SECONDS]]"""

import os

import measure
import results
import svg
import wrk
from command import print_lines
from line import Line
from servers import Bare, World, raw_answer
from start_stop import Pairs
from uncached_reads import READS, Read

CONNECTIONS = (1, 4, 16, 64, 256)
VISIT = "/leaderboard"


class Cached:
    """The page that visitors read, from the cache or from a bare server."""

    def __init__(self, world, proxy):
        self.world = world
        self.bare = Bare(world.directory / "bare", raw_answer(proxy.url + VISIT), os.cpu_count())

    def _get(self, url, server, seconds, connections):
        threads = min(2, connections)
        wrk.run(url, connections, 1, threads)
        return wrk.run(url, connections, seconds, threads, **self.world.parts(proxy=server))

    def over_http(self, proxy, seconds, connections):
        return self._get(proxy.url + VISIT, proxy, seconds, connections)

    def by_bare(self, seconds, connections):
        return self._get(self.bare.url, self.bare, seconds, connections)

    def end(self):
        self.bare.end()


def measured(scale):
    """{(kind, who): {connections: [Load, …]}}"""
    with World() as world:
        relay = world.proxy("relay", WORKERS=1)
        proxy = world.proxy()
        world.drained()
        cached, read, pairs = Cached(world, proxy), Read(world, proxy, *READS[2]), Pairs(world, relay)
        kinds = {
            "cached read": (cached, "bare libmicrohttpd", cached.by_bare),
            "uncached read": (read, "pgbench, same read", read.by_pgbench),
            "start + stop": (pairs, "pgbench, same start + stop", pairs.by_pgbench),
        }
        loads = {}
        try:
            for connections in CONNECTIONS:
                ways = {}
                for kind, (ours, other, theirs) in kinds.items():
                    ways[kind] = lambda o=ours, c=connections: o.over_http(proxy, scale.seconds, c)
                    ways[other] = lambda t=theirs, c=connections: t(scale.seconds, c)
                for name, found in measure.in_turns(scale.rounds, ways).items():
                    loads.setdefault(name, {})[connections] = found
        finally:
            cached.end()
    return loads, {kind: other for kind, (_, other, _) in kinds.items()}


def cpu(loads):
    return measure.median(loads, lambda load: load.per("proxy"))


def draw(loads, references):
    def series(name, figure, colour, dashed=False):
        return svg.Series(name, [(at, figure(found)) for at, found in loads[name].items()], dashed, colour)

    rates = svg.Panel("requests, or pairs, a second", "connections")
    costs = svg.Panel("CPU µs of the proxy for each", "connections")
    for colour, (kind, other) in enumerate(references.items()):
        rates.series += [series(kind, measure.rate, colour), series(other, measure.rate, colour, dashed=True)]
        costs.series.append(series(kind, cpu, colour))
    return svg.chart("Rate and cost by concurrency", [rates, costs])


def lines(scale):
    loads, references = measured(scale)
    results.save("concurrency.svg", draw(loads, references))
    return [
        Line(
            work=f"{kind}; {connections} connections",
            figure=f"{measure.rate(loads[kind][connections]):,.0f}/s; "
            + measure.cpu_text(loads[kind][connections], proxy="proxy", postgres="PostgreSQL"),
            reference=f"{other} {measure.rate(loads[other][connections]):,.0f}/s",
            ratio=measure.rate_ratio(loads[kind][connections], loads[other][connections]),
            target="",
            met=None,
        )
        for kind, other in references.items()
        for connections in (CONNECTIONS[0], CONNECTIONS[-1])
    ]


if __name__ == "__main__":
    print_lines(lines)
