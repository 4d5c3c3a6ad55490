"""What dies comes back: the proxy, Redis, PostgreSQL, the leader among proxies.
Afterwards Redis equals SQL, and nothing acknowledged is lost."""

import itertools
import threading
from datetime import timedelta

import requests
from conftest import days_ago, rfc3339, sign_up
from harness import eventually


class Load(threading.Thread):
    """One user who logs entry after entry until told to stop, or refused a connection."""

    def __init__(self, proxy, name):
        super().__init__(daemon=True)
        self.user = sign_up(proxy, name)
        self.project = self.user.project()
        self.acknowledged = []
        self.told_to_stop = threading.Event()

    def run(self):
        for number in itertools.count():
            if self.told_to_stop.is_set():
                return
            start = days_ago(200, 0) + number * timedelta(minutes=30)
            body = {
                "project_id": self.project,
                "start_time": rfc3339(start),
                "end_time": rfc3339(start + timedelta(minutes=15)),
            }
            try:
                answer = self.user.post("/time-entries", body)
            except requests.RequestException:
                return
            if answer.status == 201:
                self.acknowledged.append(answer.body["entry_id"])


def test_killing_the_proxy_in_the_middle_of_a_load(stage):
    proxy = stage.proxy()
    loads = [Load(proxy, f"loader{number}") for number in range(4)]
    for load in loads:
        load.start()
    eventually(lambda: all(len(load.acknowledged) >= 25 for load in loads), 60, "load under way")
    proxy.kill()
    for load in loads:
        load.join(30)
        assert not load.is_alive()

    stage.proxy()
    stage.settled()
    stored = {entry_id for (entry_id,) in stage.query("SELECT id FROM timetrackr.time_entries")}
    for load in loads:
        assert set(load.acknowledged) <= stored
    eventually(
        lambda: stage.query(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND state LIKE 'idle in transaction%%'",
            stage.database,
        )
        == [(0,)],
        what="no transaction left open",
    )


def test_redis_comes_back_empty(stage):
    proxy = stage.proxy()
    user = sign_up(proxy, "ada")
    user.entry(user.project(), days_ago(2), 3600)
    stage.settled()
    board = proxy.client().get("/leaderboard").expect(200)
    assert [row["user_id"] for row in board] == [user.id]

    stage.redis.end()
    assert proxy.client().get("/leaderboard").expect(200) == board
    user.entry(user.project(), days_ago(3), 1800)
    assert user.get("/users/me").expect(200)["total_seconds"] == 5400

    stage.redis.start()
    stage.settled()
    assert proxy.client().get("/leaderboard").expect(200)[0]["score"] == 5400


def test_flushing_redis_only_costs_a_rebuild(stage):
    proxy = stage.proxy()
    user = sign_up(proxy, "ada")
    user.entry(user.project(), days_ago(2), 3600)
    stage.settled()
    stage.redis.command("FLUSHALL")
    assert [row["score"] for row in proxy.client().get("/leaderboard").expect(200)] == [3600]
    user.entry(user.project(), days_ago(3), 60)
    stage.settled()


def test_without_redis_everything_works(stage):
    proxy = stage.proxy(redis=False)
    user = sign_up(proxy, "ada")
    user.entry(user.project(), days_ago(2), 3600)
    assert [row["score"] for row in proxy.client().get("/leaderboard").expect(200)] == [3600]
    eventually(lambda: not stage.events_wait(), what="no event waiting")


def test_another_proxy_takes_over_from_a_killed_leader(stage):
    leader = stage.proxy()
    follower = stage.proxy()
    user = sign_up(follower, "ada")
    user.entry(user.project(), days_ago(2), 3600)
    stage.settled()
    leader.kill()
    user.entry(user.project(), days_ago(3), 3600)
    stage.settled()
    assert stage.redis.board("leaderboard:global") == [(str(user.id), 7200)]


def test_postgres_ends_every_connection(stage):
    """As a failover does: the proxy reconnects by itself."""
    proxy = stage.proxy()
    user = sign_up(proxy, "ada")
    user.entry(user.project(), days_ago(2), 3600)
    stage.settled()
    stage.query(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = %s AND pid <> pg_backend_pid()",
        stage.database,
    )
    eventually(lambda: proxy.client().get("/readyz").status == 200, 20, "proxy ready again")
    eventually(lambda: user.get("/users/me").status == 200, 20, "reads work again")
    user.entry(user.project(), days_ago(3), 3600)
    stage.settled()


def test_an_orderly_end_answers_what_was_asked(stage):
    """SIGTERM in the middle of a load: every request gets its whole answer or no connection."""
    proxy = stage.proxy()
    loads = [Load(proxy, f"loader{number}") for number in range(2)]
    for load in loads:
        load.start()
    eventually(lambda: all(len(load.acknowledged) >= 10 for load in loads), 60, "load under way")
    proxy.stop()
    for load in loads:
        load.told_to_stop.set()
        load.join(30)
    stored = {entry_id for (entry_id,) in stage.query("SELECT id FROM timetrackr.time_entries")}
    for load in loads:
        assert set(load.acknowledged) <= stored
    assert stage.query("SELECT * FROM timetrackr.verify()") == []
