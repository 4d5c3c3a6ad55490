"""Answers to visitors: the proxy with its cache, and a bare libmicrohttpd server
that sends the same bytes (bare_http.c), one thread and 16 connections each, in
turns.

usage: bench/run cached_answers [ROUNDS [SECONDS OF EACH]] [NAME=VALUE[,NAME=VALUE] …]: each
argument with settings of the proxy is another proxy, measured beside the default one
(CACHE_BYTES=0: what the answers cost without a cache)"""

import measure
import wrk
from command import print_lines
from line import Line
from servers import Bare, World, raw_answer

CONNECTIONS = 16
RATIO = 0.9
PATHS = ("/leaderboard", "/badges", "/users/1/profile")
ENCODINGS = {"identity": "plain", "gzip": "gzip"}


def over_http(url, encoding, seconds, **parts):
    headers = {"Accept-Encoding": encoding}
    wrk.run(url, CONNECTIONS, 1, headers=headers)
    return wrk.run(url, CONNECTIONS, seconds, headers=headers, **parts)


def compare(world, proxies, path, encoding, scale):
    answer = raw_answer(next(iter(proxies.values())).url + path, encoding)
    bare = Bare(world.directory / f"bare{path.replace('/', '-')}-{encoding}", answer)
    ways = {
        name: lambda proxy=proxy: over_http(proxy.url + path, encoding, scale.seconds, **world.parts(server=proxy))
        for name, proxy in proxies.items()
    }
    ways["bare"] = lambda: over_http(bare.url, encoding, scale.seconds, **world.parts(server=bare))
    try:
        results = measure.in_turns(scale.rounds, ways)
    finally:
        bare.end()
    reference = results.pop("bare")
    size = len(answer.partition(b"\r\n\r\n")[2])
    for name, loads in results.items():
        ratio = measure.rate_ratio(loads, reference)
        yield Line(
            work=f"GET {path}, cached; {ENCODINGS[encoding]}, {size:,} bytes" + (name and f"; {name}"),
            figure=f"{measure.rate(loads):,.0f}/s; " + measure.cpu_text(loads, server="proxy", client="wrk"),
            reference=f"bare libmicrohttpd {measure.rate(reference):,.0f}/s; "
            + measure.cpu_text(reference, server="server", client="wrk"),
            ratio=ratio,
            target=f"≥ {RATIO} ×",
            met=ratio >= RATIO,
        )


def lines(scale, variants=({},)):
    with World() as world:
        proxies = world.variants(variants, WORKERS=1)
        world.drained()
        return [
            line
            for path in PATHS
            for encoding in ENCODINGS
            for line in compare(world, proxies, path, encoding, scale)
        ]


if __name__ == "__main__":
    print_lines(lines)
