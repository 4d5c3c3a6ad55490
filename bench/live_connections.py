"""Idle WebSockets: opens 10,000 connections to /live, each with a token and
told that it is ready, and compares the proxy's resident memory before and
after; then one event is told to all of them.

usage: bench/run live_connections [CONNECTIONS]"""

import base64
import os
import resource
import selectors
import socket
import sys
import time
from contextlib import contextmanager

from line import Line
from measure import resident
from servers import World, token

BYTES_EACH = 4096


def connect(address, bearer):
    connection = socket.create_connection(address, timeout=30)
    key = base64.b64encode(os.urandom(16)).decode()
    connection.sendall(
        f"GET /live HTTP/1.1\r\nHost: {address[0]}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        f"Sec-WebSocket-Protocol: bearer.{bearer}\r\n\r\n".encode()
    )
    return connection


def wait_for(connections, word, selector, started):
    """Read all of them until each has had the word; how many seconds after `started` each came."""
    left = set(connections)
    seen = dict.fromkeys(connections, b"")
    times = []
    while left:
        for key, _ in selector.select(30):
            connection = key.fileobj
            data = connection.recv(65536)
            if not data:
                raise ConnectionError(f"a connection ended: {seen[connection][-300:]!r}")
            seen[connection] = seen[connection][-64:] + data
            if word in seen[connection] and connection in left:
                left.remove(connection)
                times.append(time.perf_counter() - started)
    return times


@contextmanager
def crowd(proxy, count, user):
    """So many connections of the user, each told that it is ready; and the seconds that took."""
    address = ("127.0.0.1", int(proxy.settings["PORT"]))
    with selectors.DefaultSelector() as selector:
        connections = []
        try:
            began = time.perf_counter()
            for _ in range(count):
                connections.append(connect(address, token(user)))
                selector.register(connections[-1], selectors.EVENT_READ)
            wait_for(connections, b'"ready"', selector, began)
            yield connections, selector, time.perf_counter() - began
        finally:
            for connection in connections:
                connection.close()


@contextmanager
def proxy_for(count):
    """A proxy that so many may connect to, as may this process."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with World(users=1, days=0, redis=False) as world:
        yield world.proxy(LIVE_CONNECTIONS=count, LIVE_CONNECTIONS_PER_USER=count, LOG_LEVEL="warn")


def lines(_, count=10_000):
    with proxy_for(count) as proxy:
        before = resident(proxy.pid)
        with crowd(proxy, count, 1):
            each = (resident(proxy.pid) - before) / count
    return [
        Line(
            work=f"idle WebSocket; mean of {count:,}",
            figure=f"{each:,.0f} bytes of the proxy's memory",
            reference="",
            ratio=None,
            target="≤ 4 KiB",
            met=each <= BYTES_EACH,
        )
    ]


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    with proxy_for(count) as proxy:
        before = resident(proxy.pid)
        with crowd(proxy, count, 1) as (connections, selector, took):
            after = resident(proxy.pid)
            print(f"{count} connections in {took:.1f} s; resident memory {before >> 10} KiB before,", end=" ")
            print(f"{after >> 10} KiB after: {(after - before) / count:.0f} bytes each")
            began = time.perf_counter()
            proxy.client(token=token(1)).post("/projects", {"name": "Told to everybody"}).expect(201)
            times = sorted(wait_for(connections, b'"project_created"', selector, began))
    print(
        "one event, from the request that causes it to each of them:"
        f" first {times[0] * 1000:.0f} ms, median {times[count // 2] * 1000:.0f} ms, last {times[-1] * 1000:.0f} ms"
    )


if __name__ == "__main__":
    main()
