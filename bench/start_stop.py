"""Starting and stopping a timer: over HTTP, a connection for each user, and by
pgbench calling the same functions for the same users, in turns. Each half is a
transaction of its own that waits for the disk. A proxy that is not measured is
the relay in both cases.

usage: bench/run start_stop [ROUNDS [SECONDS OF EACH]] [NAME=VALUE[,NAME=VALUE] …]: each
argument with settings of the proxy is another proxy, measured beside the default one"""

import measure
import pgbench
import wrk
from command import print_lines
from line import Line
from servers import FIRST_MINUTE, FIRST_SECOND, WRITERS, World, token

CLIENTS = 32
RATIO = 1.3

SCRIPT = f"""\\set minute :minute + 1
\\set user :client_id + 1
SELECT timetrackr.json(r), r.entry_id
FROM timetrackr.start_entry(viewer_id => :user, project_id => 1,
    start_time => {FIRST_MINUTE} + :minute * interval '1 minute') r \\gset
SELECT timetrackr.json(r)
FROM timetrackr.stop_entry(viewer_id => :user, entry_id => :entry_id,
    end_time => {FIRST_MINUTE} + (:minute + 1) * interval '1 minute') r;
"""


class Pairs:
    """Both ways to start and stop entries of a world's writers. What is counted is pairs."""

    def __init__(self, world, relay):
        self.world = world
        self.relay = relay
        self.tokens = world.file("writers.txt", (token(user) for user in range(1, WRITERS + 1)))

    def _prepare(self):
        self.world.end_timers()
        self.world.drained()

    def over_http(self, proxy, seconds, clients=CLIENTS):
        def run(length):
            first = FIRST_SECOND + self.world.next_minute() * 60
            parts = self.world.parts(proxy=proxy, relay=self.relay)
            return wrk.run(proxy.url, clients, length, clients, lua="pairs.lua", arguments=[self.tokens, first], **parts)

        self._prepare()
        run(1)
        self.world.end_timers()
        load = run(seconds)
        load.rate, load.count = load.rate / 2, load.count / 2
        return load

    def by_pgbench(self, seconds, clients=CLIENTS):
        self._prepare()
        command = self.world.pgbench("pairs", SCRIPT, clients, minute=self.world.next_minute())
        return pgbench.run(command, seconds, **self.world.parts(relay=self.relay))


def lines(scale, variants=({},)):
    with World() as world:
        pairs = Pairs(world, world.proxy("relay", WORKERS=1))
        proxies = world.variants(variants)
        ways = {name: lambda proxy=proxy: pairs.over_http(proxy, scale.seconds) for name, proxy in proxies.items()}
        results = measure.in_turns(scale.rounds, {**ways, "pgbench": lambda: pairs.by_pgbench(scale.seconds)})
    reference = results.pop("pgbench")
    return [compare(name, loads, reference) for name, loads in results.items()]


def compare(name, loads, reference):
    ratio = measure.rate_ratio(loads, reference)
    return Line(
        work=f"start + stop of an entry; {CLIENTS} clients" + (name and f"; {name}"),
        figure=f"{measure.rate(loads):,.0f} pairs/s; "
        + measure.cpu_text(loads, proxy="proxy", postgres="PostgreSQL", relay="relay", client="wrk"),
        reference=f"pgbench {measure.rate(reference):,.0f} pairs/s; "
        + measure.cpu_text(reference, postgres="PostgreSQL", relay="relay", client="pgbench"),
        ratio=ratio,
        target=f"≥ {RATIO} ×",
        met=ratio >= RATIO,
    )


if __name__ == "__main__":
    print_lines(lines)
