"""Redis behind Sentinels: the master dies and a replica takes its place, an old
master comes back, a sentinel is behind the times. The boards equal SQL wherever
the master is, and nothing is written to a server that is not the one."""

import signal
import socketserver
import threading
from contextlib import contextmanager

import pytest
from boards import comes_from_redis, crowd, mark
from conftest import days_ago, sign_up
from harness import Redis, Sentinel, eventually, free_port
from harness.stage import Stage


class Hearsay:
    """A sentinel that tells what it is told to; no real one is behind the times on demand."""

    def __init__(self):
        self.port_told = None
        self.asked = 0
        hearsay = self

        class Conversation(socketserver.BaseRequestHandler):
            def handle(self):
                if b"get-master-addr-by-name" in self.request.recv(4096):
                    hearsay.asked += 1
                    port = str(hearsay.port_told).encode()
                    self.request.sendall(b"*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%s\r\n" % (len(port), port))

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self):
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def ending(*servers):
    try:
        yield
    finally:
        for server in servers:
            if server.is_running():
                server.popen.send_signal(signal.SIGCONT)
                server.end(signal.SIGKILL)


def replica_of(master, directory):
    options = ["--replicaof", "127.0.0.1", str(master.port), "--repl-diskless-sync-delay", "0"]
    return Redis(directory, master.password, options)


def is_replicated(replica):
    return "master_link_status:up" in replica.command("INFO", "replication")


def scripts_run(redis):
    """Calls of our scripts, by the server's own count."""
    stats = redis.command("INFO", "commandstats")
    lines = [line for line in stats.splitlines() if line.startswith(("cmdstat_eval:", "cmdstat_evalsha:"))]
    return sum(int(line.split("calls=")[1].split(",")[0]) for line in lines)


def test_a_replica_takes_over_and_the_old_master_is_left_alone(postgres, tmp_path):
    password, whisper = "p@ss/wörd", "whisper"
    stage = Stage(postgres, tmp_path, Redis(tmp_path / "first", password, ["--repl-diskless-sync-delay", "0"]))
    first = stage.redis
    second = replica_of(first, tmp_path / "second")
    sentinels = [Sentinel(tmp_path / f"sentinel{number}", first, 2, whisper) for number in range(3)]
    with ending(second, *sentinels):
        try:
            second.start()
            eventually(lambda: is_replicated(second), what="the replica in step")
            for sentinel in sentinels:
                sentinel.start()
            known = ("num-other-sentinels", "2", "num-slaves", "1")
            eventually(
                lambda: all(
                    state[state.index(name) + 1] == value
                    for state in (s.command("SENTINEL", "master", "boss") for s in sentinels)
                    for name, value in zip(known[::2], known[1::2])
                ),
                20,
                "the sentinels knowing each other and the replica",
            )
            # The first is not there at all: the next is asked.
            hosts = ",".join(f"127.0.0.1:{port}" for port in [free_port()] + [s.port for s in sentinels])
            login = first.url.removeprefix("redis://").split("@")[0]
            proxy = stage.proxy(REDIS_URL=f"redis+sentinel://{login}@{hosts}/boss?sentinel_password={whisper}")
            users = crowd(proxy, 3)
            stage.settled()

            first.end(signal.SIGKILL)
            users[0].entry(users[0].project("meanwhile"), days_ago(2), 7200)
            board = proxy.client().get("/leaderboard").expect(200)
            assert board[0]["user_id"] == users[0].id
            eventually(
                lambda: all(s.master_port() == second.port for s in sentinels), 30, "the replica promoted"
            )
            stage.redis = second
            stage.settled()
            assert proxy.client().get("/leaderboard").expect(200) == board
            mark(stage, users[1])
            comes_from_redis(proxy)

            # The old master is back as if nothing had happened, and nobody tells it better.
            for sentinel in sentinels:
                sentinel.popen.send_signal(signal.SIGSTOP)
            first.start()
            assert first.command("ROLE")[0] == "master"
            users[2].entry(users[2].project("later"), days_ago(3), 9000)
            stage.settled()
            assert scripts_run(first) == 0
            assert first.command("DBSIZE") == 0
            for secret in (password, whisper):
                assert secret not in proxy.log.read_text()
        finally:
            stage.redis = first
            stage.end()


@pytest.fixture
def pair(postgres, tmp_path):
    """A stage whose Redis has a replica, and two sentinels that say what they are told."""
    stage = Stage(postgres, tmp_path, Redis(tmp_path / "first", options=["--repl-diskless-sync-delay", "0"]))
    stage.replica = replica_of(stage.redis, tmp_path / "second")
    stage.told = [Hearsay(), Hearsay()]
    stage.url = "redis+sentinel://" + ",".join(f"127.0.0.1:{s.port}" for s in stage.told) + "/boss"
    first = stage.redis
    with ending(stage.replica):
        try:
            stage.replica.start()
            eventually(lambda: is_replicated(stage.replica), what="the replica in step")
            yield stage
        finally:
            stage.redis = first
            stage.end()
            for sentinel in stage.told:
                sentinel.end()


def test_a_replica_that_a_sentinel_takes_for_the_master_is_not_used(pair):
    behind, right = pair.told
    behind.port_told = pair.replica.port
    right.port_told = pair.redis.port
    proxy = pair.proxy(REDIS_URL=pair.url)
    user = sign_up(proxy, "ada")
    user.entry(user.project(), days_ago(2), 3600)
    pair.settled()
    assert "is no master" in proxy.log.read_text()
    assert behind.asked > 0 and right.asked > 0
    assert scripts_run(pair.replica) == 0


def test_a_master_that_became_a_replica_is_left_at_once(pair):
    for sentinel in pair.told:
        sentinel.port_told = pair.redis.port
    proxy = pair.proxy(REDIS_URL=pair.url)
    user = sign_up(proxy, "ada")
    user.entry(user.project(), days_ago(2), 3600)
    pair.settled()
    # As Sentinel does it, but without closing the connections of clients.
    pair.replica.command("REPLICAOF", "NO", "ONE")
    for sentinel in pair.told:
        sentinel.port_told = pair.replica.port
    pair.redis.command("REPLICAOF", "127.0.0.1", pair.replica.port)
    user.entry(user.project("more"), days_ago(3), 60)
    pair.redis, old = pair.replica, pair.redis
    pair.settled()
    assert "it has become a replica" in proxy.log.read_text()
    assert pair.redis.board("leaderboard:global") == [(str(user.id), 3660)]
    eventually(lambda: is_replicated(old), what="the old master following")


def test_a_master_that_is_cut_off_from_its_sentinels_is_left(pair):
    """It answers as ever, but elsewhere another one was made the master."""
    for sentinel in pair.told:
        sentinel.port_told = pair.redis.port
    proxy = pair.proxy(REDIS_URL=pair.url, WORKERS=2)
    user = sign_up(proxy, "ada")
    user.entry(user.project(), days_ago(2), 3600)
    pair.settled()
    pair.replica.command("REPLICAOF", "NO", "ONE")
    for sentinel in pair.told:
        sentinel.port_told = pair.replica.port
    eventually(
        lambda: proxy.log.read_text().count("the sentinels name another master") >= 3,
        20,
        "all connections elsewhere",
    )
    old, before = pair.redis, scripts_run(pair.redis)
    pair.redis = pair.replica
    user.entry(user.project("more"), days_ago(3), 60)
    pair.settled()
    mark(pair, user)
    comes_from_redis(proxy)
    assert scripts_run(old) == before
