"""64 clients that log in as often as they can, while others read: the readers'
rate with the storm and without, in turns. Prints both, and what is left of it.

usage: bench/run login_storm [ROUNDS [SECONDS OF EACH]]; needs wrk"""

import statistics
import sys
import threading
import time

import measure
import requests
import wrk
from servers import World

CLIENTS = 64
PASSWORD = "correct horse battery"


class Storm:
    """Clients that log in until it is over."""

    def __init__(self, url, email):
        self.body = {"email": email, "password": PASSWORD}
        self.url = url + "/auth/login"
        self.ends = threading.Event()
        self.counts = {}
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._log_in) for _ in range(CLIENTS)]

    def __enter__(self):
        self.began = time.monotonic()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self.ends.set()
        for thread in self.threads:
            thread.join()
        self.seconds = time.monotonic() - self.began

    def _log_in(self):
        with requests.Session() as session:
            while not self.ends.is_set():
                status = session.post(self.url, json=self.body, timeout=60).status_code
                with self.lock:
                    self.counts[status] = self.counts.get(status, 0) + 1

    def rate(self):
        return self.counts.get(200, 0) / self.seconds


def read(proxy, token, path, seconds):
    return wrk.run(proxy.url + path, 8, seconds, headers={"Authorization": f"Bearer {token}"})


def compare(proxy, session, email, path, rounds, seconds):
    calm, stormy, logins = [], [], []
    for _ in range(rounds):
        calm.append(read(proxy, session["access_token"], path, seconds))
        with Storm(proxy.url, email) as storm:
            stormy.append(read(proxy, session["access_token"], path, seconds))
        assert set(storm.counts) <= {200, 503, 504}, storm.counts
        logins.append(storm.rate())
    for name, loads in (("calm", calm), ("storm", stormy)):
        late = measure.median(loads, lambda load: load.p99 * 1000)
        print(f"{path:16} {name:6} {measure.rate(loads):8.0f} reads/s {late:7.2f} ms p99", flush=True)
    left = measure.rate_ratio(stormy, calm)
    print(f"{'':16} {statistics.median(logins):8.1f} logins/s; readers keep {left:.2f} of their rate", flush=True)


def main(rounds=5, seconds=4):
    with World(users=300, redis=False) as world:
        with world.postgres.connect() as db:
            db.execute("ALTER ROLE proxy_login SET timetrackr.bcrypt_cost = 10")
        proxy = world.proxy(CACHE_BYTES=0)
        email = "storm@example.com"
        body = {"email": email, "password": PASSWORD, "username": "storm"}
        session = proxy.client().post("/auth/signup", body).expect(201)
        for path in ("/users/me", "/healthz"):
            compare(proxy, session, email, path, rounds, seconds)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
