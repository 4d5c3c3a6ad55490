"""Failover: the primary dies, a standby is promoted, and the proxy goes on by
itself; nothing that was acknowledged to a synchronous standby is lost, and Redis has what SQL has."""

import pytest
from conftest import days_ago, sign_up
from harness import Postgres, eventually, free_port
from harness.metrics import scrape
from harness.stage import Stage
from load import Crowd

# What a client may be told while there is no primary.
ALLOWED = {200, 201, 503, 504}


class Cluster(Stage):
    """Three servers that the proxy is told of, of which one is the primary at a time."""

    def __init__(self, directory):
        self.first = Postgres(directory / "first").start()
        super().__init__(self.first, directory)
        self.second = self.first.standby(directory / "second").start()
        self.third = Postgres(directory / "third")
        servers = (self.second, self.third)
        self.watched = self.proxy(
            DATABASE_URL=self.first.proxy_url(self.database, *servers),
            DATABASE_READ_URL=self.first.proxy_url(self.database, *servers),
            METRICS_LISTEN=f"127.0.0.1:{free_port()}",
            WORKERS=2,
            REDIS_CHECK_RATE=20000,
        )

    def look(self, name, **labels):
        return scrape(self.watched.settings["METRICS_LISTEN"]).sum(name, **labels)

    def acknowledge_what_is_safe(self):
        """Have the primary wait for what it has acknowledged until the standby has it."""
        self.query("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.query("SELECT pg_reload_conf()")
        eventually(
            lambda: self.query("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"), what="a synchronous standby"
        )

    def promote(self, standby):
        self.postgres = standby
        with standby.connect(self.database) as connection:
            connection.execute("SELECT pg_promote()")

    def end(self):
        super().end()
        for server in (self.first, self.second, self.third):
            if server.is_running():
                server.stop()


@pytest.fixture
def cluster(tmp_path):
    cluster = Cluster(tmp_path)
    try:
        yield cluster
    finally:
        cluster.end()


def test_the_primary_dies_twice(cluster):
    crowd = Crowd(cluster, [cluster.watched])
    user = sign_up(cluster.watched)
    cluster.acknowledge_what_is_safe()
    eventually(lambda: cluster.look("timetrackr_standby_usable_connections") == 2, what="the standby of use")
    crowd.start()
    cluster.first.kill()
    eventually(lambda: cluster.watched.client().get("/readyz").status == 503, what="the proxy without a primary")
    cluster.promote(cluster.second)
    crowd.progress(3)
    assert {status for load in crowd.end() for _, status in load.seen} <= ALLOWED
    crowd.check()
    cluster.settled()
    assert cluster.look("timetrackr_relay_leader") == 1

    # A third server joins, and is cut off from the last writes, which Redis has, when it is promoted.
    cluster.third = cluster.second.standby(cluster.directory / "third", cluster.third.port).start()
    eventually(lambda: cluster.look("timetrackr_standby_usable_connections") == 2, 30, "the new standby of use")
    cluster.third.stop()
    user.entry(user.project(), days_ago(2), 3600)
    cluster.settled()
    assert cluster.redis.board("leaderboard:global")[0][1] >= 3600
    cluster.second.kill()
    cluster.third.start()
    cluster.promote(cluster.third)
    eventually(lambda: cluster.watched.client().get("/readyz").status == 200, 30, "the third primary")
    cluster.settled()
    assert user.get("/users/me").expect(200)["total_seconds"] == 0
    user.entry(user.project(), days_ago(2), 60)
    cluster.settled()
