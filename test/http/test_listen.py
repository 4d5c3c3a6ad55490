"""Where the proxy listens: IPv4, IPv6, both at once, Unix sockets."""

import os
import signal
import socket
import stat

import pytest
from harness import Proxy, eventually
from harness.wire import Wire, request

pytestmark = pytest.mark.raw


class UnixProxy(Proxy):
    """It is ready when its socket answers."""

    def _is_ready(self):
        try:
            return ask(self).status == 200
        except OSError:
            return False


def ask(proxy, *headers, target="/readyz"):
    path = proxy.settings["HOST"].removeprefix("unix:")
    with Wire(proxy, address=path, family=socket.AF_UNIX) as wire:
        return wire.send(request(target=target, headers=headers)).response()


@pytest.fixture
def make(postgres, tmp_path):
    made = []

    def make(kind=UnixProxy, **settings):
        settings.setdefault("HOST", f"unix:{tmp_path}/sock")
        proxy = kind(tmp_path / f"p{len(made)}", **postgres.proxy_settings(), **settings)
        made.append(proxy)
        return proxy

    yield make
    for proxy in made:
        if proxy.is_running():
            proxy.stop()


def test_a_unix_socket_is_served_by_all_workers_and_removed_at_the_end(make, tmp_path):
    proxy = make(WORKERS=2).start()
    path = tmp_path / "sock"
    mode = path.stat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660
    assert all(ask(proxy).status == 200 for _ in range(50))
    proxy.stop()
    assert not path.exists()


def test_a_socket_left_behind_is_taken_over(make, tmp_path):
    proxy = make().start()
    proxy.kill()
    assert (tmp_path / "sock").exists()
    assert make().start().is_running()


def test_a_socket_that_is_served_is_not_taken(make, tmp_path):
    first = make().start()
    status, output = make().run_to_end()
    assert status == 1 and output.startswith("HOST: ") and len(output.splitlines()) == 1
    assert ask(first).status == 200
    assert make().run_to_end("--check") == (0, "ok\n")


def test_a_file_in_the_place_is_left_alone(make, tmp_path):
    (tmp_path / "sock").write_text("mine")
    for arguments in ([], ["--check"]):
        status, output = make().run_to_end(*arguments)
        assert status == 1 and output.startswith("HOST: ")
    assert (tmp_path / "sock").read_text() == "mine"


def test_a_symbolic_link_is_not_followed(make, tmp_path):
    (tmp_path / "target").write_text("mine")
    os.symlink(tmp_path / "target", tmp_path / "sock")
    status, output = make().run_to_end()
    assert status == 1 and output.startswith("HOST: ")
    assert (tmp_path / "target").read_text() == "mine"


@pytest.mark.parametrize("host", ["unix:/nowhere/at/all/sock", "unix:" + "/x" * 60, "unix:relative", "unix:", "unix:/"])
def test_a_wrong_socket_is_named(make, host):
    for arguments in ([], ["--check"]):
        status, output = make(HOST=host).run_to_end(*arguments)
        assert status == 1 and output.startswith("HOST: ") and len(output.splitlines()) == 1


def limit(response):
    return response.headers["ratelimit"]


def test_on_a_unix_socket_the_client_is_named_by_who_is_trusted(make):
    proxy = make(TRUST_PROXY="unix", RATE_LIMIT_PER_MINUTE=10).start()
    first = ask(proxy, "X-Forwarded-For: 203.0.113.1", target="/badges")
    assert limit(ask(proxy, "X-Forwarded-For: 203.0.113.2", target="/badges")) == limit(first)
    assert limit(ask(proxy, "X-Forwarded-For: 203.0.113.2", target="/badges")) != limit(first)
    proxy.stop()
    proxy = make(TRUST_PROXY="10.0.0.0/8", RATE_LIMIT_PER_MINUTE=10).start()
    first = ask(proxy, "X-Forwarded-For: 203.0.113.1", target="/badges")
    assert limit(ask(proxy, "X-Forwarded-For: 203.0.113.2", target="/badges")) != limit(first)


def test_it_ends_gracefully_on_a_unix_socket_with_connections_open(make):
    proxy = make().start()
    with Wire(proxy, address=proxy.settings["HOST"].removeprefix("unix:"), family=socket.AF_UNIX) as wire:
        assert wire.send(request()).response().status == 200
        proxy.popen.send_signal(signal.SIGTERM)
        wire.responses()
    proxy.stop()


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


class SixProxy(Proxy):
    @property
    def url(self):
        return f"http://[::1]:{self.settings['PORT']}"


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_ipv6_is_served_alone_and_with_ipv4(make):
    proxy = make(SixProxy, HOST="::1").start()
    port = int(proxy.settings["PORT"])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    proxy.stop()
    proxy = make(SixProxy, HOST="::").start()
    port = int(proxy.settings["PORT"])
    with Wire(proxy, address=("127.0.0.1", port)) as wire:
        wire.send(request(headers=("X-Request-Id: four",)))
        assert wire.response().status == 200
    eventually(lambda: any('"address":"127.0.0.1"' in line and '"request_id":"four"' in line
                           for line in proxy.log.read_text().splitlines()), what="the line of the log")


def test_an_ipv4_address_alone(make):
    proxy = make(Proxy, HOST="127.0.0.1").start()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", int(proxy.settings["PORT"])), timeout=5)
