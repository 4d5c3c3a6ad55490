"""Short reads share a connection to PostgreSQL, but not with one that waits."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import sign_up
from harness import eventually

LANE = "timetrackr read"


@pytest.fixture
def proxy(stage):
    return stage.proxy(redis=False, WORKERS=1)


def blocked(stage):
    """For so long that nobody takes it for a short one any more."""
    return stage.value(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name = %s"
        " AND wait_event_type = 'Lock' AND clock_timestamp() - query_start > '50 ms'", stage.database, LANE)


def test_nobody_joins_a_read_that_waits_for_a_lock(stage, proxy):
    users = [sign_up(proxy) for _ in range(8)]

    def look(user):
        for _ in range(50):
            user.client.get("/time-entries/current").expect(204)
            users[0].client.get("/notifications").expect(200)

    # as often, and as many at once, as it takes to learn that both are short
    with ThreadPoolExecutor(len(users)) as pool:
        list(pool.map(look, users))
        with stage.postgres.connect(stage.database) as db:
            with db.transaction():
                db.execute("LOCK TABLE timetrackr.notifications")
                waiting = pool.submit(users[0].client.get, "/notifications")
                eventually(lambda: blocked(stage) == 1, what="the read that waits")
                for user in users[1:]:
                    user.client.get("/time-entries/current").expect(204)
                assert not waiting.done()
        waiting.result().expect(200)
