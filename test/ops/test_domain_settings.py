"""The extension's settings, set for a database, as seen over HTTP."""

import itertools
from datetime import timedelta

import pytest
from conftest import days_ago, rfc3339, sign_up
from harness import Proxy

_numbers = itertools.count(1)


@pytest.fixture
def set_up(postgres, tmp_path):
    """A user of a database with these settings: set_up(overlap="allow")."""
    proxies = []

    def make(**settings):
        database = f"settings{next(_numbers)}"
        postgres.install(database)
        with postgres.connect(database) as connection:
            for name, value in settings.items():
                connection.execute(f'ALTER DATABASE "{database}" SET timetrackr.{name} = \'{value}\'')
        proxy = Proxy(tmp_path, DATABASE_URL=postgres.proxy_url(database)).start()
        proxies.append(proxy)
        return sign_up(proxy, "somebody")

    yield make
    for proxy in proxies:
        proxy.stop()


def test_running_timer_reject(set_up):
    user = set_up(running_timer="reject")
    project_id = user.project()
    running = user.start(project_id)["entry_id"]
    problem = user.post("/time-entries", {"project_id": project_id}).expect(409, "entry_running")
    assert problem["entry_id"] == running
    user.entry(project_id, days_ago(1), 600)


def test_overlap_allow(set_up):
    user = set_up(overlap="allow")
    project_id = user.project()
    for _ in range(2):
        user.entry(project_id, days_ago(1), 600)
    assert user.get("/users/me").expect(200)["total_seconds"] == 1200


def test_max_entry(set_up):
    user = set_up(max_entry="2h")
    project_id = user.project()
    entry_id = user.start(project_id, start_time=rfc3339(days_ago(2)))["entry_id"]
    assert user.stop(entry_id, end_time=rfc3339(days_ago(2) + timedelta(hours=3)))["flagged"] is True
    assert user.get("/users/me").expect(200)["total_seconds"] == 0


def test_streak_min(set_up):
    user = set_up(streak_min="1h")
    project_id = user.project()
    user.entry(project_id, days_ago(2), 3600)
    user.entry(project_id, days_ago(1), 3599)
    me = user.get("/users/me").expect(200)
    assert me["longest_streak_days"] == 1
