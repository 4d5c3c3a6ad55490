"""REDIS_URL: passwords, users, databases, sockets, addresses. A login that is
refused is said in one line and tried again; the password stands in no log."""

import socket

import pytest
from boards import comes_from_redis, crowd, mark
from harness import Proxy, Redis, eventually
from harness.stage import Stage

PASSWORD = "p@ss:w/rd%1 ?#é"
ENCODED = "p%40ss%3Aw%2Frd%251%20%3F%23%C3%A9"


@pytest.fixture
def stage(postgres, tmp_path):
    stage = Stage(postgres, tmp_path, Redis(tmp_path / "redis", PASSWORD))
    try:
        yield stage
    finally:
        stage.end()


def use(stage, url):
    """Everything that a Redis is needed for works through this URL; returns the proxy."""
    proxy = stage.proxy(REDIS_URL=url)
    users = crowd(proxy, 2)
    stage.settled()
    mark(stage, users[0])
    comes_from_redis(proxy)
    assert PASSWORD not in proxy.log.read_text()
    return proxy


def test_a_password(stage):
    use(stage, f"redis://:{ENCODED}@127.0.0.1:{stage.redis.port}")


def test_a_user_with_no_more_rights_than_needed(stage):
    rights = "~leaderboard:* +@connection +@scripting +@sortedset +@hash +@keyspace +@string -@dangerous -@admin"
    stage.redis.command("ACL", "SETUSER", "board:keeper", "on", f">{PASSWORD}", *rights.split())
    use(stage, f"redis://board%3Akeeper:{ENCODED}@localhost:{stage.redis.port}")


def test_a_database_by_its_number(stage):
    proxy = stage.proxy(REDIS_URL=f"redis://:{ENCODED}@127.0.0.1:{stage.redis.port}/3")
    crowd(proxy, 2)
    eventually(
        lambda: "db3:keys=" in stage.redis.command("INFO", "keyspace"), what="keys in the third database"
    )
    eventually(lambda: "relay_board_built" in proxy.log.read_text(), what="boards built")
    assert "db0:" not in stage.redis.command("INFO", "keyspace")


def test_a_socket(postgres, tmp_path):
    path = tmp_path / "r.sock"
    stage = Stage(postgres, tmp_path, Redis(tmp_path / "redis", PASSWORD, ["--unixsocket", str(path)]))
    try:
        use(stage, f"unix://:{ENCODED}@{path}?db=0")
    finally:
        stage.end()


def test_an_ipv6_address(postgres, tmp_path):
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.fail("this machine has no IPv6 loopback")
    stage = Stage(postgres, tmp_path, Redis(tmp_path / "redis", options=["--bind", "127.0.0.1", "::1"]))
    try:
        use(stage, f"redis://[::1]:{stage.redis.port}/0")
    finally:
        stage.end()


def started(stage, directory, url):
    """A proxy that need not be ready."""
    proxy = Proxy(stage.directory / directory, DATABASE_URL=stage.postgres.proxy_url(stage.database), REDIS_URL=url)
    stage.proxies.append(proxy)
    proxy.launch([proxy.program], env=proxy.env)
    return proxy


def test_a_wrong_password_is_said_and_tried_again(stage):
    proxy = started(stage, "wrong", f"redis://:hunter2hunter2@127.0.0.1:{stage.redis.port}")
    eventually(lambda: "it refuses the login (WRONGPASS)" in proxy.log.read_text(), what="the refusal in the log")
    # Everything works without Redis meanwhile.
    eventually(lambda: proxy.log.read_text().count("redis_unreachable") >= 6, what="further tries")
    crowd(proxy, 2)
    assert proxy.client().get("/leaderboard").status == 200
    assert proxy.is_running()

    stage.redis.command("CONFIG", "SET", "requirepass", "hunter2hunter2")
    stage.redis.password = "hunter2hunter2"
    stage.settled()
    assert "hunter2" not in proxy.log.read_text()


@pytest.mark.parametrize("login", ["", "ada:hunter2@"])
def test_a_login_that_redis_does_not_know(stage, login):
    proxy = started(stage, "unknown", f"redis://{login}127.0.0.1:{stage.redis.port}")
    expected = "it refuses the login (WRONGPASS)" if login else "NOAUTH Authentication required"
    eventually(lambda: expected in proxy.log.read_text(), what="the refusal in the log")
    assert "hunter2" not in proxy.log.read_text()
    status, said = proxy.run_to_end("--check")
    assert status > 0 and "REDIS_URL" in said and "hunter2" not in said
    assert f"127.0.0.1, port {stage.redis.port}" in said


def test_a_server_that_repeats_the_password_is_not_quoted(stage):
    """As servers do that know no AUTH: unknown command 'AUTH', with args beginning with: …"""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        proxy = started(stage, "parrot", f"redis://:hunter2@127.0.0.1:{server.getsockname()[1]}")
        with server.accept()[0] as connection:
            words = connection.recv(4096)
            assert b"hunter2" in words
            connection.sendall(b"-ERR unknown command 'AUTH', with args beginning with: 'hunter2'\r\n")
            eventually(lambda: "it refuses the login (ERR)" in proxy.log.read_text(), what="the refusal in the log")
        assert "hunter2" not in proxy.log.read_text()


def test_tls_is_refused_in_one_line(stage):
    proxy = started(stage, "tls", f"rediss://:hunter2@127.0.0.1:{stage.redis.port}")
    assert proxy.popen.wait(20) > 0
    (line,) = proxy.log.read_text().splitlines()
    assert line.startswith("REDIS_URL: rediss:// needs TLS") and "hunter2" not in line
