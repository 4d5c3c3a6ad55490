"""Clients that take their time: five hundred of them stop nobody, and each is
cut off in the end; and how many connections one address may have."""

import asyncio
import json
import socket
import struct
import time

import pytest
from harness import Proxy, eventually
from harness.wire import Wire, request

pytestmark = pytest.mark.raw

SLOW = 500
BODY = request("POST", "/auth/login", headers=("Content-Type: application/json", "Content-Length: 1000"))


@pytest.fixture
def start(postgres, tmp_path):
    """A proxy of this test's own: start(WORKERS=1)."""
    running = []

    def start(**settings):
        proxy = Proxy(tmp_path / f"proxy{len(running)}", **postgres.proxy_settings(), **settings)
        running.append(proxy)
        return proxy.start()

    yield start
    for proxy in running:
        proxy.stop()


class Slow:
    """A client that says a byte now and then, until it is cut off."""

    def __init__(self, said, rest):
        self.said = said
        self.rest = rest
        self.answer = b""
        self.seconds = None

    async def run(self, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        began = time.monotonic()
        writer.write(self.said)
        dripping = asyncio.create_task(self.drip(writer))
        try:
            self.answer = await reader.read()
        except ConnectionResetError:
            pass
        self.seconds = time.monotonic() - began
        dripping.cancel()
        writer.close()

    async def drip(self, writer):
        try:
            for i in range(len(self.rest)):
                await asyncio.sleep(0.5)
                writer.write(self.rest[i:i + 1])
                await writer.drain()
        except ConnectionError:
            pass

    @property
    def status(self):
        return int(self.answer.split(b" ", 2)[1])


async def get(port):
    """One request of somebody who is quick; how long it took."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request(headers=("Connection: close",)) )
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200 "), answer[:100]
    return time.monotonic() - began


async def besiege(port, clients):
    """All the slow ones at once; meanwhile others are served. Returns how long each of these took."""
    slow = [asyncio.create_task(client.run(port)) for client in clients]
    served = []
    while not all(task.done() for task in slow):
        served.append(await get(port))
        await asyncio.sleep(0.05)
    await asyncio.gather(*slow)
    return served


def test_slow_heads_and_bodies_stop_nobody_and_are_answered_with_408(start):
    proxy = start()
    heads = [Slow(b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"X-A: " + b"b" * 1000) for _ in range(SLOW // 2)]
    bodies = [Slow(BODY, b"{" + b" " * 998) for _ in range(SLOW // 2)]
    served = asyncio.run(besiege(int(proxy.settings["PORT"]), heads + bodies))
    assert {client.status for client in heads} == {408}
    assert {client.status for client in bodies} == {408}
    assert b"request_timeout" in heads[0].answer
    # the head's limit is 10 s, the body's 30 s, and both count from the beginning
    assert max(client.seconds for client in heads) < min(client.seconds for client in bodies)
    assert len(served) > 50 and sorted(served)[len(served) // 2] < 1


def test_a_first_line_that_never_ends_is_cut_off(start):
    proxy = start()
    clients = [Slow(b"GET /", b"x" * 1000) for _ in range(50)] + [Slow(b"", b"") for _ in range(50)]
    asyncio.run(besiege(int(proxy.settings["PORT"]), clients))
    assert all(client.answer == b"" or client.status == 408 for client in clients)


def test_clients_that_do_not_read_stop_nobody(start):
    """They ask for far more than the kernel's buffers hold, and read none of it."""
    proxy = start()
    port = int(proxy.settings["PORT"])
    deaf = []
    for _ in range(SLOW):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        client.setblocking(False)
        client.send(request(target="/openapi.json") * 20)
        deaf.append(client)
    served = [asyncio.run(get(port)) for _ in range(100)]
    assert sorted(served)[50] < 1
    for client in deaf:
        client.close()
    proxy.client().get("/readyz").expect(200)


def is_over(client):
    """Has the server ended this connection?"""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def open_connections(port, count):
    clients = []
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", port), timeout=20)
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        clients.append(client)
    return clients


def answered(clients):
    """Those that get an answer; the others were closed."""
    good = []
    for client in clients:
        try:
            if client.recv(65536).startswith(b"HTTP/1.1 200 "):
                good.append(client)
        except ConnectionResetError:
            pass
    return good


def test_who_hangs_up_in_the_middle_frees_the_place(start):
    """Long before the limit for the head, 10 s, and for the body, 30 s."""
    proxy = start(WORKERS=1, CONNECTIONS_PER_ADDRESS=40)
    port = int(proxy.settings["PORT"])
    for said in (BODY + b"{", b"GET /healthz HTTP/1.1\r\nHo"):
        for _ in range(40):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(said)

        def is_served():
            clients = open_connections(port, 40)
            served = len(answered(clients))
            for client in clients:
                client.close()
            return served == 40

        eventually(is_served, 7, "places for others")


def test_who_ends_his_direction_after_a_request_gets_his_answer(start):
    port = int(start(WORKERS=1).settings["PORT"])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_connections_of_an_address_are_limited_over_all_workers(start):
    proxy = start(WORKERS=2, CONNECTIONS_PER_ADDRESS=20)
    port = int(proxy.settings["PORT"])
    eventually(lambda: len(answered(open_connections(port, 20))) == 20, what="connections of the start are gone")
    time_left = time.monotonic() + 20
    while True:
        clients = open_connections(port, 40)
        good = answered(clients)
        if len(good) >= 19 or time.monotonic() > time_left:
            break
        for client in clients:
            client.close()
    # two workers that look at once may both see the last place free
    assert 19 <= len(good) <= 21
    eventually(lambda: "connections_refused" in proxy.log.read_text(), what="a line in the log")
    assert proxy.log.read_text().count("connections_refused") < 20
    # another address is not concerned
    with socket.socket() as other:
        other.bind(("127.0.0.2", 0))
        other.settimeout(20)
        other.connect(("127.0.0.1", port))
        assert other.send(request()) and other.recv(65536).startswith(b"HTTP/1.1 200 ")
    for client in clients:
        client.close()
    eventually(lambda: len(answered(open_connections(port, 1))) == 1, what="room for another one")


def test_connections_that_break_give_their_place_back(start):
    proxy = start(WORKERS=2, CONNECTIONS_PER_ADDRESS=30)
    port = int(proxy.settings["PORT"])

    def one():
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.sendall(b"GET /healthz HTTP/1.1\r\nHo")
                return True
        except ConnectionError:
            return False

    for _ in range(300):
        one()
    for _ in range(300):
        with Wire(proxy) as wire:
            wire.send(b"GET /healthz HTTP/1.1\r\nHost: x\ny\r\n\r\n" if _ % 2 else request())
    eventually(lambda: len(answered(open_connections(port, 1))) == 1, what="room for another one")


def test_a_trusted_proxy_may_have_more(start):
    proxy = start(WORKERS=2, CONNECTIONS_PER_ADDRESS=20, TRUST_PROXY="127.0.0.0/8")
    clients = open_connections(int(proxy.settings["PORT"]), 100)
    assert len(answered(clients)) == 100
    for client in clients:
        client.close()


def remaining(wire, forwarded):
    wire.send(request(target="/badges", headers=[f"X-Forwarded-For: {one}" for one in forwarded]))
    response = wire.response()
    return response.status, int(dict(
        part.split("=") for part in response.headers["ratelimit"].split(";")[1:])["r"])


def test_the_client_behind_a_trusted_proxy_is_the_one_that_is_limited(start):
    proxy = start(RATE_LIMIT_PER_MINUTE=10, TRUST_PROXY="127.0.0.0/8, 10.0.0.0/8")
    with Wire(proxy) as wire:
        first = remaining(wire, ["203.0.113.9"])[1]
        assert remaining(wire, ["6.6.6.6, 203.0.113.9"])[1] < first
        assert remaining(wire, ["6.6.6.7", "203.0.113.9, 10.1.1.1"])[1] < first - 1
        assert remaining(wire, ["203.0.113.10"])[1] == first
        assert remaining(wire, ["2001:db8::1"])[1] == first
        assert remaining(wire, ["2001:db8::ffff:2"])[1] < first
        assert remaining(wire, ["2001:db8:0:1::1"])[1] == first


def test_who_is_not_trusted_cannot_name_another_client(start):
    proxy = start(RATE_LIMIT_PER_MINUTE=10, TRUST_PROXY="10.0.0.0/8")
    with Wire(proxy) as wire:
        found = [remaining(wire, [f"203.0.113.{i}"])[1] for i in range(3)]
    assert found[0] > found[1] > found[2]


@pytest.mark.parametrize("limit", [100, 200])
def test_too_few_open_files_are_told_at_start(postgres, tmp_path, limit):
    proxy = Proxy(tmp_path, **postgres.proxy_settings(), WORKERS=2)
    proxy.program, program = "/bin/sh", proxy.program
    status, output = proxy.run_to_end("-c", f"ulimit -n {limit} && exec {program}")
    assert status == 1
    assert output.startswith("WORKERS: ") and "ulimit -n" in output and len(output.splitlines()) == 1


def test_with_few_open_files_it_serves_nevertheless(postgres, tmp_path):
    proxy = Proxy(tmp_path, **postgres.proxy_settings(), WORKERS=1, CONNECTIONS_PER_ADDRESS=0)
    program = tmp_path / "limited"
    program.write_text(f"#!/bin/sh\nulimit -n 288 && exec {proxy.program}\n")
    program.chmod(0o755)
    proxy.program = str(program)
    proxy.start()
    port = int(proxy.settings["PORT"])
    crowd = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(300)]
    for client in crowd:
        client.close()
    eventually(lambda: asyncio.run(get(port)) < 20, what="an answer")
    assert json.loads(proxy.log.read_text().splitlines()[0])["event"] == "live_limited"
    proxy.stop()
