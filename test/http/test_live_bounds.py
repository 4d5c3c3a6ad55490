"""The bounds of /live: how many connections, how slow a reader, how long a
silence; and the end of the proxy."""

import json
import socket
import threading
import time

import pytest
import requests
from conftest import sign_up
from harness import Closed, Live, Proxy, eventually
from harness.live import PING, TEXT, frame

pytestmark = pytest.mark.raw


@pytest.fixture
def start(postgres, tmp_path):
    """Start a proxy with settings of its own."""
    servers = []

    def make(**settings):
        directory = tmp_path / f"proxy{len(servers)}"
        servers.append(Proxy(directory, **postgres.proxy_settings(), **settings))
        return servers[-1].start()

    yield make
    for server in servers:
        server.stop()


def log_lines(server, event):
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


def test_the_bound_of_all_connections(start, user):
    server = start(LIVE_CONNECTIONS=3)
    lives = [Live(server, user.client.token) for _ in range(2)] + [Live(server)]
    with Live(server, user.client.token) as refused:
        assert refused.status == 503
        assert refused.problem["code"] == "too_many_connections"
        assert refused.headers["retry-after"]
    lives[0].close()
    lives[0].socket.close()

    def is_free():
        with Live(server, user.client.token) as live:
            return live.status == 101

    eventually(is_free, what="a place")
    for live in lives:
        live.socket.close()


def test_the_bound_of_a_user_counts_over_all_workers(start, user, other):
    server = start(LIVE_CONNECTIONS_PER_USER=2, WORKERS=2)
    lives = [Live(server, user.client.token) for _ in range(2)]
    for _ in range(8):
        with Live(server, user.client.token) as refused:
            assert refused.status == 503
    with Live(server) as late:
        late.say(token=user.client.token)
        assert late.closing() == 4429
    with Live(server, other.client.token) as live:
        assert live.status == 101
    for live in lives:
        live.topic("ready")
        live.socket.close()


def test_handshakes_count_as_requests(start, user):
    server = start(RATE_LIMIT_PER_MINUTE=3)
    statuses = []
    for _ in range(4):
        with Live(server, user.client.token) as live:
            statuses.append(live.status)
    assert statuses == [101, 101, 101, 429]


def test_questions_count_as_requests(start, user):
    server = start(RATE_LIMIT_PER_MINUTE=3)
    with Live(server, user.client.token) as live:
        for project_id in range(1000000, 1000003):
            live.say(subscribe={"project_id": project_id})
        codes = sorted(live.error()["code"] for _ in range(3))
        assert codes == ["project_not_found", "project_not_found", "too_many_requests"]


def test_a_peer_that_answers_no_ping_is_dropped(start, user):
    server = start(LIVE_PING_SECONDS=1)
    with Live(server, user.client.token) as dead, Live(server, user.client.token) as alive:
        dead.answers_pings = False
        reader = threading.Thread(target=lambda: alive.topic("project_created"))
        reader.start()
        with pytest.raises(Closed) as closed:
            while True:
                dead.hear()
        assert closed.value.code == 1006
        assert dead.pinged == 2
        eventually(lambda: alive.pinged >= 4, what="answered pings")
        user.project()
        reader.join()
    line = eventually(lambda: log_lines(server, "live_closed"))[0]
    assert line["code"] == "1006" and line["by"] == "client" and line["user_id"] == str(user.id)


def test_who_reads_too_slowly_is_dropped(start, user):
    """He asks for pongs and reads none: what waits for him is bounded, and others do not notice."""
    server = start()
    with Live(server, user.client.token, receive_buffer=4096) as slow, Live(server, user.client.token) as other:
        slow.topic("ready")
        ping = frame(PING, b"x" * 125) * 100
        slow.socket.settimeout(0.2)
        try:
            while not log_lines(server, "live_closed"):
                slow.socket.sendall(ping)
        except (TimeoutError, ConnectionError):
            pass
        other.topic("ready")
        user.project()
        other.topic("project_created")

        def dropped():
            lines = log_lines(server, "live_closed")
            return lines and lines[0]["code"] == "4408"

        eventually(dropped, what="the slow reader's end")


def test_a_slow_reader_who_reads_on_finds_the_code(start, user):
    server = start(WORKERS=1)
    with Live(server, user.client.token, receive_buffer=4096) as slow, Live(server, user.client.token) as other:
        slow.topic("ready")
        slow.socket.sendall(frame(PING, b"x" * 125) * 5000)
        for _ in range(200):  # in each of its passes the one loop has read 16 KiB of the slow one, too
            other.send(PING, b"y")
            other.pong()
        with pytest.raises(Closed) as closed:
            while True:
                slow.frame_or_closed()
        assert closed.value.code == 4408


def test_the_end_of_the_proxy_closes_with_1001(start, user):
    server = start()
    lives = [Live(server, user.client.token) for _ in range(10)]
    for live in lives:
        live.topic("ready")
    stubborn = Live(server, user.client.token)
    stubborn.topic("ready")
    server.popen.terminate()
    for live in lives:
        assert live.closing() == 1001
        assert live.is_over()
    began = time.monotonic()
    assert server.end() == 0
    assert time.monotonic() - began < 20
    assert stubborn.is_over()
    codes = [line["code"] for line in log_lines(server, "live_closed")]
    assert codes == ["1001"] * 11
    for live in (*lives, stubborn):
        live.socket.close()


def test_the_end_while_clients_are_in_every_state(start, user):
    """Nameless, being checked, in mid-message, following: the end comes all the same, and leaks nothing."""
    server = start()
    lives = [Live(server) for _ in range(3)]
    lives.append(Live(server, user.client.token, path="/live?after=1"))
    lives.append(Live(server, user.client.token))
    lives[-1].send(TEXT, b"{", fin=False)
    lives.append(Live(server, user.client.token))
    lives[-1].say(subscribe={"project_id": user.project(visibility="public")})
    lives.append(Live(server, user.client.token))
    lives[-1].socket.sendall(b"\x81")
    assert server.end() == 0
    for live in lives:
        live.socket.close()


def test_a_proxy_without_its_database_says_so(start, user, postgres):
    """Clients stay connected while it is away, and are told of what happened once it is back."""
    server = start()
    with Live(server, user.client.token) as live:
        live.topic("ready")
        with postgres.connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'proxy_login'"
            )

        def created():
            try:
                return requests.post(
                    server.url + "/projects",
                    json={"name": "After the night"},
                    headers={"Authorization": f"Bearer {user.client.token}"},
                    timeout=10,
                ).status_code == 201
            except requests.RequestException:
                return False

        eventually(created, what="a database")
        live.topic("project_created")


def test_a_thousand_at_once(start):
    server = start(LIVE_CONNECTIONS_PER_USER=1000)
    people = [sign_up(server) for _ in range(4)]
    lives = []
    try:
        for number in range(1000):
            lives.append(Live(server, people[number % 4].client.token))
        for live in lives:
            assert live.status == 101
            live.topic("ready")
        project_id = people[0].project("For all four hundred eyes", visibility="public")
        for number in range(0, 1000, 4):
            assert lives[number].topic("project_created")["data"]["project_id"] == project_id
    finally:
        for live in lives:
            live.socket.close()
    eventually(lambda: len(log_lines(server, "live_closed")) == 1000, what="a thousand ends")
    assert {line["code"] for line in log_lines(server, "live_closed")} == {"1006"}


def test_connections_that_are_only_sockets_do_no_harm(start, user):
    """Half a head, half a frame, and gone: what was reserved is free again."""
    server = start(LIVE_CONNECTIONS=2)
    port = int(server.settings["PORT"])
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\nUpgrade: webso")

        def opened():
            live = Live(server, user.client.token)
            live.socket.sendall(b"\x81\x85")
            live.socket.close()
            return live.status == 101

        eventually(opened, what="a place")
