"""Requests with an Idempotency-Key, sent again and again until they are answered
with success, through proxies that are killed and links that break: each has its effect once."""

import random
import threading
import uuid

import pytest
import requests
from conftest import sign_up
from harness import Client, FaultProxy, Proxy, eventually

CLIENTS = 4


class Stubborn(threading.Thread):
    """A user who makes one project after another, each by one key, and does not give up."""

    def __init__(self, proxies, user):
        super().__init__(daemon=True)
        self.proxies = proxies
        self.user = user
        self.done = {}  # name → what was answered
        self.in_vain = 0  # tries
        self.unexpected = []
        self.told_to_stop = threading.Event()

    def run(self):
        while not self.told_to_stop.is_set():
            name = str(uuid.uuid4())
            self.done[name] = self.insist(name)

    def insist(self, name):
        while True:
            answer = self.ask(name)
            if answer is not None and answer.status == 201:
                return answer.body["project_id"]
            self.in_vain += 1
            if answer is None or answer.status in (503, 504):
                continue
            if (answer.status, answer.body["code"]) != (409, "request_in_flight"):
                self.unexpected.append((answer.status, answer.body))
                return None

    def ask(self, name):
        """None: no answer came."""
        client = Client(random.choice(self.proxies).url, token=self.user.client.token)
        try:
            return client.post("/projects", {"name": name}, headers={"Idempotency-Key": name}, timeout=5)
        except requests.RequestException:
            return None
        finally:
            client.session.close()


@pytest.fixture
def scene(stage):
    """Two proxies whose links to PostgreSQL can be broken, and clients at work."""
    link = FaultProxy(stage.postgres.port)
    url = stage.postgres.proxy_url(stage.database).replace(f":{stage.postgres.port}/", f":{link.port}/")
    proxies = [stage.proxy(DATABASE_URL=url, redis=False, WORKERS=2) for _ in range(2)]
    clients = [Stubborn(proxies, sign_up(proxies[0], f"stubborn{n}")) for n in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield proxies, link, clients
    finally:
        link.set("pass")
        for proxy in proxies:
            if not proxy.is_running():
                proxy.start()
        for client in clients:
            client.told_to_stop.set()
        for client in clients:
            client.join(30)
        link.end()


def has_progressed(clients, number):
    """A question whether every client has so many more done than now."""
    wanted = [len(client.done) + number for client in clients]
    return lambda: all(len(c.done) >= w for c, w in zip(clients, wanted))


def progress(clients, number):
    eventually(has_progressed(clients, number), 60, "progress")


def in_vain(clients):
    return sum(client.in_vain for client in clients)


def prove(stage, clients):
    for client in clients:
        client.told_to_stop.set()
    for client in clients:
        client.join(30)
        assert not client.is_alive() and client.unexpected == []
        made = stage.query("SELECT name, id FROM timetrackr.projects WHERE owner_id = %s", client.user.id)
        assert len(made) == len(client.done) and dict(made) == client.done
    assert in_vain(clients) > 0


def test_proxies_are_killed_all_the_time(stage, scene):
    proxies, _, clients = scene
    for number in range(5):
        progress(clients, 2)
        victim = proxies[number % 2]
        victim.kill()
        progress(clients, 1)
        victim.start()
    prove(stage, clients)


def test_links_to_the_database_break_all_the_time(stage, scene):
    _, link, clients = scene
    for fault in ({"mode": "reset"}, {"mode": "cut", "size": 3000}, {"mode": "mute"}, {"mode": "refuse"}) * 2:
        progress(clients, 2)
        before = in_vain(clients)
        link.set(**fault)
        # a proxy may also bring everything through a link that is only cut now and then
        gets_through = has_progressed(clients, 5)
        eventually(lambda: in_vain(clients) > before or gets_through(), 30, "the fault is felt")
        link.set("pass")
    progress(clients, 2)
    prove(stage, clients)


@pytest.mark.parametrize("function", ["once(bigint, text, text)", "remember(bigint, text, text, integer, text)"])
def test_a_proxy_does_not_start_without_what_it_needs_for_keys(stage, tmp_path, function):
    """As after an upgrade without grant_api()."""
    role = stage.postgres.proxy_url(stage.database).split("//")[1].split(":")[0].split("@")[0]
    stage.query(f"REVOKE EXECUTE ON FUNCTION timetrackr.{function} FROM {role}")
    proxy = Proxy(tmp_path / "refused", DATABASE_URL=stage.postgres.proxy_url(stage.database))
    status, said = proxy.run_to_end("--check")
    assert status != 0 and "grant_api" in said and function.split("(")[0] in said
