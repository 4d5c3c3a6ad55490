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
import tempfile
import time
from pathlib import Path

from harness import Postgres, Proxy

PERSON = {"email": "ann@example.com", "password": "correct horse battery", "username": "ann"}


def resident(pid):
    """KiB of the process that are in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def connect(address, token):
    connection = socket.create_connection(address, timeout=30)
    key = base64.b64encode(os.urandom(16)).decode()
    connection.sendall(
        f"GET /live HTTP/1.1\r\nHost: {address[0]}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        f"Sec-WebSocket-Protocol: bearer.{token}\r\n\r\n".encode()
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
                sys.exit(f"a connection ended: {seen[connection][-300:]!r}")
            seen[connection] = seen[connection][-64:] + data
            if word in seen[connection] and connection in left:
                left.remove(connection)
                times.append(time.perf_counter() - started)
    return times


def measure(proxy, count):
    token = proxy.client().post("/auth/signup", PERSON).expect(201)["access_token"]
    address = ("127.0.0.1", int(proxy.settings["PORT"]))
    selector = selectors.DefaultSelector()
    before = resident(proxy.pid)
    began = time.perf_counter()
    connections = []
    for _ in range(count):
        connections.append(connect(address, token))
        selector.register(connections[-1], selectors.EVENT_READ)
    wait_for(connections, b'"ready"', selector, began)
    took = time.perf_counter() - began
    after = resident(proxy.pid)
    print(f"{count} connections in {took:.1f} s; resident memory {before} KiB before, {after} KiB after:", end=" ")
    print(f"{(after - before) * 1024 / count:.0f} bytes each")

    began = time.perf_counter()
    proxy.client(token=token).post("/projects", {"name": "Told to everybody"}).expect(201)
    times = sorted(wait_for(connections, b'"project_created"', selector, began))
    print(
        "one event, from the request that causes it to each of them:"
        f" first {times[0] * 1000:.0f} ms, median {times[count // 2] * 1000:.0f} ms, last {times[-1] * 1000:.0f} ms"
    )


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as directory:
        postgres = Postgres(Path(directory) / "postgres")
        try:
            postgres.start()
            postgres.install()
            proxy = Proxy(
                Path(directory) / "proxy",
                DATABASE_URL=postgres.proxy_url(),
                LIVE_CONNECTIONS=count,
                LIVE_CONNECTIONS_PER_USER=count,
                LOG_LEVEL="warn",
            )
            try:
                measure(proxy.start(), count)
            finally:
                proxy.stop()
        finally:
            postgres.stop()


main()
