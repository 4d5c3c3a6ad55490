"""Logging in takes a tenth of a second of computing each: a storm of it stands
back for reads, and does not end them. bench/login_storm.py has the figures."""

import statistics
import threading
import time
from pathlib import Path

import pytest
import requests
from conftest import PASSWORD, sign_up
from harness import Proxy, eventually

CLIENTS = 64


@pytest.fixture
def proxy(postgres, db, tmp_path):
    """With bcrypt as it is used, and reads that are PostgreSQL's."""
    db.execute("ALTER ROLE proxy_login SET timetrackr.bcrypt_cost = 10")
    proxy = Proxy(tmp_path, DATABASE_URL=postgres.proxy_url(), CACHE_BYTES=0)
    proxy.start()
    yield proxy
    proxy.stop()
    db.execute("ALTER ROLE proxy_login RESET timetrackr.bcrypt_cost")


def nice_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[16])


def test_only_the_sessions_that_hash_stand_back(proxy, db):
    """From the first log-in on: it is what loads the extension into them."""
    users = [sign_up(proxy) for _ in range(2)]

    def nices():
        for user in users:
            proxy.client().post("/auth/login", {"email": user.email, "password": PASSWORD}).expect(200)
            user.get("/users/me").expect(200)
        found = {}
        for name, pid in db.execute(
            "SELECT application_name, pid FROM pg_stat_activity WHERE application_name LIKE 'timetrackr%'"
            " AND usename = 'proxy_login' AND pid IN"
            " (SELECT pid FROM pg_stat_activity WHERE query LIKE '%timetrackr.login(%' OR query LIKE '%timetrackr.me(%')"
        ).fetchall():
            found.setdefault(name, set()).add(nice_of(pid))
        return found

    eventually(lambda: nices() == {"timetrackr login": {10}, "timetrackr read": {0}}, what="priorities")


def test_the_setting_only_ever_lowers(postgres):
    with postgres.connect() as db:
        (pid,) = db.execute("SELECT pg_backend_pid()").fetchone()
        db.execute("LOAD '$libdir/timetrackr'")
        for setting, nice in ((0, 0), (5, 5), (3, 5), (19, 19), (0, 19)):
            db.execute(f"SET timetrackr.nice = {setting}")
            assert nice_of(pid) == nice
        db.execute("RESET ALL")
        assert nice_of(pid) == 19


class Storm:
    def __init__(self, proxy, email):
        self.url = f"{proxy.url}/auth/login"
        self.body = {"email": email, "password": PASSWORD}
        self.ends = threading.Event()
        self.statuses = []
        self.threads = [threading.Thread(target=self._log_in) for _ in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self.ends.set()
        for thread in self.threads:
            thread.join()

    def _log_in(self):
        with requests.Session() as session:
            while not self.ends.is_set():
                self.statuses.append(session.post(self.url, json=self.body, timeout=60).status_code)


def reads(user, seconds=1.0):
    """How many in so many seconds, one after the other."""
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end:
        user.get("/users/me").expect(200)
        count += 1
    return count


def test_readers_are_not_starved_by_a_storm_of_logins(proxy):
    user = sign_up(proxy)
    seen = []
    for _ in range(3):
        calm, stormy = [], []
        for _ in range(3):
            calm.append(reads(user))
            with Storm(proxy, user.email) as storm:
                eventually(lambda: storm.statuses, 60, "the first login")
                stormy.append(reads(user))
            assert 200 in storm.statuses and set(storm.statuses) <= {200, 503, 504}
        seen.append(statistics.median(b / a for a, b in zip(calm, stormy)))
        if seen[-1] >= 0.5:
            break
    assert max(seen) >= 0.5, seen
