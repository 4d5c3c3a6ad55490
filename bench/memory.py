"""Resident memory of the proxy: after its start, for each idle connection that is
kept alive, and under a load of reads and writes.

usage: bench/run memory [ROUNDS [SECONDS]]"""

import resource
import socket
import threading

import wrk
from command import print_lines
from line import Line
from measure import resident
from servers import FIRST_SECOND, WRITERS, World, token

IDLE_LIMIT = 20 * 10**6
CONNECTIONS = 2000
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Mixture:
    """A load of everything: answers from the cache, reads of PostgreSQL, and timers."""

    def __init__(self, world, proxy):
        self.world = world
        self.proxy = proxy
        visits = ["/leaderboard", "/badges", "/projects/1", *(f"/users/{user}/profile" for user in range(1, 200))]
        own = ["/users/me", "/time-entries", "/time-entries/current", "/notifications", "/reports/summary?group_by=month"]
        reads = (f"{path} {token(user)}" for user in range(WRITERS + 1, world.users + 1, 10) for path in own)
        self.visits = world.file("visits.txt", visits)
        self.reads = world.file("reads.txt", reads)
        self.writers = world.file("writers.txt", (token(user) for user in range(1, WRITERS + 1)))

    def _loads(self, seconds):
        """Arguments of wrk for each kind."""
        first = FIRST_SECOND + self.world.next_minute() * 60
        yield dict(connections=32, threads=1, lua="rotate.lua", arguments=[self.visits])
        yield dict(connections=32, threads=1, lua="rotate.lua", arguments=[self.reads])
        yield dict(connections=8, threads=8, lua="pairs.lua", arguments=[self.writers, first])

    def run(self, seconds):
        """All at once; how many requests were answered. A failed one is an error."""
        answered, failures = [], []

        def load(options):
            try:
                answered.append(wrk.run(self.proxy.url, seconds=seconds, **options).count)
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=load, args=(options,)) for options in self._loads(seconds)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.world.end_timers()
        if failures:
            raise failures[0]
        return sum(answered)


def each_kept_alive(proxy, count=CONNECTIONS):
    """Bytes for a connection that has had one answer and may ask again."""
    before = resident(proxy.pid)
    connections = []
    try:
        for _ in range(count):
            connections.append(socket.create_connection(("127.0.0.1", int(proxy.settings["PORT"])), timeout=30))
            connections[-1].sendall(REQUEST)
        for connection in connections:
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        return (resident(proxy.pid) - before) / count
    finally:
        for connection in connections:
            connection.close()


def megabytes(size):
    return f"{size / 1e6:.1f} MB"


def lines(scale):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with World() as world:
        proxy = world.proxy()
        idle = resident(proxy.pid)
        count = Mixture(world, proxy).run(scale.rounds * scale.seconds)
        loaded = resident(proxy.pid)
        proxy.stop()
        each = each_kept_alive(world.proxy("fresh", CONNECTIONS_PER_ADDRESS=0))
    return [
        Line("proxy, idle", megabytes(idle), "", None, "< 20 MB", idle < IDLE_LIMIT),
        Line(f"idle HTTP connection; mean of {CONNECTIONS:,}", f"{each:,.0f} bytes", "", None, "", None),
        Line(f"proxy, after {count:,} mixed requests on 72 connections", megabytes(loaded), "", None, "", None),
    ]


if __name__ == "__main__":
    print_lines(lines)
