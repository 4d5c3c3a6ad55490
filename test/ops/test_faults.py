"""Links that break and servers that are killed under a load of starts and stops:
whatever was acknowledged is there once, Redis equals SQL, nobody waits for
ever, and all of it mends itself."""

import signal
import time

import pytest
from conftest import new_postgres
from harness import FaultProxy, eventually
from harness.stage import Stage
from load import CLIENT_TIMEOUT, Crowd

# What may be lost on the way, and what the proxy may answer meanwhile.
ALWAYS = {("POST", 201), ("PUT", 200), ("GET", 200)}
NO_DATABASE = ALWAYS | {(verb, status) for verb in ("POST", "PUT", "GET") for status in (503, 504)}
NO_PROXY = NO_DATABASE | {(verb, "lost") for verb in ("POST", "PUT", "GET")}


class Scene(Stage):
    """Two proxies whose links to PostgreSQL and to Redis can be broken."""

    def __init__(self, postgres, directory):
        super().__init__(postgres, directory)
        self.to_postgres = FaultProxy(postgres.port)
        self.to_redis = FaultProxy(self.redis.port)
        self.pair = [self.linked_proxy(), self.linked_proxy()]
        self.crowd = Crowd(self, self.pair)

    def linked_proxy(self):
        url = self.postgres.proxy_url(self.database)
        return self.proxy(
            DATABASE_URL=url.replace(f":{self.postgres.port}/", f":{self.to_postgres.port}/"),
            REDIS_URL=f"redis://127.0.0.1:{self.to_redis.port}",
            REDIS_CHECK_RATE=20000,
            WORKERS=2,
        )

    def leader(self):
        """The proxy that was elected last."""

        def elected(proxy):
            lines = proxy.log.read_text().splitlines()
            return max((line for line in lines if '"relay_leads"' in line), default="")

        return max(self.pair, key=elected)

    def logged(self, *words):
        return sum(proxy.log.read_text().count(f'"{word}"') for proxy in self.pair for word in words)

    def hold(self, felt, seconds=3.0):
        """Let a fault last until it was felt and every user has gone on, or for some seconds."""
        calls, deadline = self.crowd.calls(), time.monotonic() + seconds
        while time.monotonic() < deadline and not (felt() and self.crowd.calls() > calls + 6):
            time.sleep(0.02)

    def after(self, allowed):
        """The load goes on by itself; then stop it, and prove that all is right."""
        self.crowd.progress(5)
        self.prove(self.crowd.end(), allowed)

    def prove(self, loads, allowed):
        seen = {one for load in loads for one in load.seen}
        assert seen <= allowed, seen - allowed
        assert max(load.longest for load in loads) < CLIENT_TIMEOUT
        assert all(proxy.is_running() for proxy in self.pair)
        self.crowd.check()

    def end(self):
        for link in (self.to_postgres, self.to_redis):
            link.set("pass")
        super().end()
        for link in (self.to_postgres, self.to_redis):
            link.end()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A PostgreSQL of these tests' own: it is killed now and then."""
    server = new_postgres(tmp_path_factory.mktemp("killed"))
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="module")
def scene(server, tmp_path_factory):
    scene = Scene(server, tmp_path_factory.mktemp("faults"))
    try:
        yield scene
    finally:
        scene.end()


@pytest.fixture(autouse=True)
def mended(scene):
    """A test that failed leaves no fault behind for the next one."""
    yield
    for link in (scene.to_postgres, scene.to_redis):
        link.set("pass")
    for process in (scene.redis, *scene.pair):
        if not process.is_running():
            process.start()
        process.popen.send_signal(signal.SIGCONT)
    scene.crowd.end()


FAULTS = {
    "slow": dict(mode="delay", seconds=0.15),
    "too slow": dict(mode="delay", seconds=0.8),
    "dribbling": dict(mode="dribble", size=3),
    "cut in the middle": dict(mode="cut", size=5000),
    "reset": dict(mode="reset"),
    "half-open": dict(mode="half_open"),
    "mute": dict(mode="mute"),
    "refused": dict(mode="refuse"),
}
HARMLESS = {"slow", "dribbling"}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_link_to_redis(scene, fault):
    """Requests do not notice: every one of them succeeds."""
    lost = scene.logged("redis_lost")
    scene.crowd.start()
    scene.to_redis.set(**FAULTS[fault])
    scene.hold(lambda: fault in HARMLESS or scene.logged("redis_lost") >= lost + 2)
    felt = scene.logged("redis_lost") > lost
    # No later event makes up for one that was lost.
    loads = scene.crowd.end()
    scene.to_redis.set("pass")
    scene.prove(loads, ALWAYS)
    assert felt or fault in HARMLESS


@pytest.mark.parametrize("fault", FAULTS)
def test_the_link_to_postgres(scene, fault):
    lost = scene.logged("database_lost", "relay_leads_no_more")
    scene.crowd.start()
    scene.to_postgres.set(**FAULTS[fault])
    breaks = fault not in HARMLESS | {"too slow", "half-open", "mute"}
    scene.hold(lambda: not breaks or scene.logged("database_lost") > lost, 2.0)
    scene.to_postgres.set("pass")
    scene.after(NO_DATABASE)
    assert scene.logged("database_lost", "relay_leads_no_more") > lost or not breaks


def restarted(server):
    """The children of a postmaster that was killed may hold its memory for a moment."""

    def started():
        try:
            return server.start()
        except AssertionError:
            return None

    eventually(started, 30, "PostgreSQL back")


def kill(scene, what):
    """Kill with -9; returns what brings it back."""
    if what == "redis":
        scene.redis.end(signal.SIGKILL)
        return scene.redis.start
    if what == "postgres":
        scene.postgres.end(signal.SIGKILL)
        return lambda: restarted(scene.postgres)
    leader = scene.leader()
    proxy = leader if what == "leader" else next(proxy for proxy in scene.pair if proxy is not leader)
    proxy.kill()
    return proxy.start


KILLS = {
    "Redis": (["redis"], ALWAYS),
    "PostgreSQL": (["postgres"], NO_DATABASE),
    "a proxy": (["follower"], NO_PROXY),
    "the leader": (["leader"], NO_PROXY),
    "Redis and the leader": (["redis", "leader"], NO_PROXY),
    "everything": (["postgres", "redis", "leader", "follower"], NO_PROXY),
}


@pytest.mark.parametrize("what", KILLS)
def test_kill_9(scene, what):
    victims, allowed = KILLS[what]
    scene.crowd.start()
    leader = scene.leader()
    bring_back = [kill(scene, victim) for victim in victims]
    calls = scene.crowd.calls()
    eventually(lambda: scene.crowd.calls() > calls + 3, 30, "requests meanwhile")
    if "leader" in victims and "follower" not in victims:
        eventually(lambda: scene.leader() is not leader, 20, "another one leading")
    for start in bring_back:
        start()
    scene.after(allowed)


def test_a_redis_that_hangs_holds_up_no_request(scene):
    scene.crowd.start()
    lost = scene.logged("redis_lost")
    scene.redis.popen.send_signal(signal.SIGSTOP)
    # By a worker, and by the relay.
    eventually(lambda: scene.logged("redis_lost") >= lost + 2, 20, "Redis given up")
    scene.crowd.progress(10)
    scene.redis.popen.send_signal(signal.SIGCONT)
    scene.after(ALWAYS)


def test_a_postgres_that_hangs_lets_clients_wait_no_longer_than_they_must(scene):
    scene.crowd.start()
    scene.to_postgres.set("half_open")
    # One that is out of reach for good is given up by deadlines alone.
    eventually(
        lambda: all({what for _, what in load.seen} & {503, 504} for load in scene.crowd.loads),
        30,
        "an answer that says no",
    )
    scene.to_postgres.set("pass")
    scene.after(NO_DATABASE)


def test_faults_everywhere_at_once(scene):
    scene.crowd.start()
    for fault in ("cut in the middle", "reset", "half-open"):
        scene.to_redis.set(**FAULTS[fault])
        scene.to_postgres.set(**FAULTS[fault])
        lost = scene.logged("database_lost", "database_refused")
        scene.hold(lambda: scene.logged("database_lost", "database_refused") > lost, 1.0)
    scene.to_redis.set("pass")
    scene.to_postgres.set("pass")
    scene.after(NO_DATABASE)
