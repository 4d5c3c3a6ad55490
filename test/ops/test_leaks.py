"""What more than a hundred thousand requests leave behind in the proxy's memory: caches
fill, then nothing grows. (LeakSanitizer sees what is lost at the end, in parts raw and openapi; this sees what is kept.)"""

import socket
import threading
from pathlib import Path

from conftest import sign_up
from harness import Live, Proxy
from harness.tokens import ISSUER, EcKey, provider_token, public_pem

BATCH, CLIENTS = 40, 4

# Memory is looked at after every round of so many requests, of which there are at least and at most so many.
# Who hangs up in the middle of a body is noticed a little later, and has memory until then: a fast machine
# needs more rounds until as many of them go as come.
ROUND, ROUNDS_LEAST, ROUNDS_MOST = 20_000, 6, 30

# Two rounds are quiet when they add no more: a leak of two bytes a request would be 80,000.
GROWTH_LIMIT = 65_536


def resident(pid):
    """The process's own memory, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no RssAnon")


def request(method, path, token=None, body=None):
    lines = [f"{method} {path} HTTP/1.1", "Host: x"]
    lines += [f"Authorization: Bearer {token}"] if token is not None else []
    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body is not None else []
    return ("\r\n".join(lines) + "\r\n\r\n" + (body or "")).encode()


def mix(user, provided, number):
    """A batch of requests: what is right, what is wrong, and what nobody has asked for before."""
    token = user.client.token
    head, claims, signature = token.split(".")
    return [
        *[request("GET", "/users/me", token)] * 6,
        *[request("GET", f"/users/{user.id}/profile")] * 4,
        *[request("GET", "/leaderboard?limit=5")] * 4,
        request("GET", f"/leaderboard?limit=5&period_start=2020-01-{number % 28 + 1:02d}&period=day"),
        request("GET", "/time-entries?limit=3", token),
        request("GET", "/time-entries?cursor=WyJ4Il0", token),
        *[request("GET", "/users/me", provided[number % len(provided)])] * 3,
        request("GET", "/users/me", provided[0][:-4] + f"{number % 10000:04d}"),
        request("GET", "/users/me", f"{head}.{claims}.{number:04d}{signature[4:]}"),
        request("GET", "/users/me", "x" * (number % 5000)),
        request("GET", "/users/me", "a..b"),
        request("GET", "/users/me"),
        request("GET", f"/nothing/{number}"),
        request("DELETE", "/leaderboard"),
        request("OPTIONS", "/projects"),
        request("HEAD", "/badges"),
        request("GET", "/projects?q=%ff"),
        request("GET", "/projects?" + "x=1&" * 40),
        request("PATCH", "/users/me", token, '{"bio": "' + "b" * (number % 300) + '"}'),
        request("PATCH", "/users/me", token, '{"bio": 1, "listed": "no", "unknown": [1, 2]}'),
        request("POST", "/projects", token, "{not json"),
        request("POST", "/projects", token, '{"name": "a", "name": "b"}'),
        request("POST", "/projects", token, "[" * 100),
        request("PUT", "/time-entries/1/end", token, "{}"),
        request("GET", "/openapi.json"),
        request("GET", "/healthz"),
        request("GET", "/badges", None),
    ]


def read_answers(connection, count, heads):
    """Read so many answers; those to HEAD, by their place, have no body."""
    buffer = b""
    for place in range(count):
        while b"\r\n\r\n" not in buffer:
            buffer += receive(connection)
        head, buffer = buffer.split(b"\r\n\r\n", 1)
        fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
        length = 0 if place in heads else int(fields.get(b"content-length", 0))
        while len(buffer) < length:
            buffer += receive(connection)
        buffer = buffer[length:]
    assert buffer == b""


def receive(connection):
    piece = connection.recv(1 << 18)
    assert piece, "the proxy has closed"
    return piece


def work(port, user, provided, requests, failures):
    """Send batches on one connection after another; each has a WebSocket and ends in the middle."""
    try:
        for number in range(requests // BATCH):
            batch = (mix(user, provided, number) * 2)[:BATCH]
            heads = {place for place, one in enumerate(batch) if one.startswith(b"HEAD")}
            if number % 25 == 0:
                connection = socket.create_connection(("127.0.0.1", port), timeout=60)
            connection.sendall(b"".join(batch))
            read_answers(connection, BATCH, heads)
            if number % 25 == 24:
                connection.sendall(request("POST", "/projects", user.client.token, "{}")[:-1])
                connection.close()
    except Exception as failure:  # told by the test, which waits for this thread
        failures.append(failure)


def serve(server, user, key, requests):
    port = int(server.settings["PORT"])
    failures = []
    # few enough that the cache of verified tokens is full of what it will hold from the start
    provided = [provider_token(key, f"leak-{number % 5}") for number in range(20)]
    arguments = (port, user, provided, requests // CLIENTS, failures)
    threads = [threading.Thread(target=work, args=arguments) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for number in range(40):
        with Live(server, user.client.token) as live:
            live.hear()
            live.say(subscribe={"project_id": 1})
        with Live(server) as live:
            live.say(token=provider_token(key, f"leak-live-{number}"))
            live.hear()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def is_quiet(sizes):
    return len(sizes) >= ROUNDS_LEAST and sizes[-1] - sizes[-3] <= GROWTH_LIMIT


def test_requests_leave_nothing_behind(postgres, tmp_path):
    key = EcKey()
    key_file = tmp_path / "provider.pem"
    key_file.write_bytes(public_pem(key))
    server = Proxy(
        tmp_path, DATABASE_URL=postgres.proxy_url(), WORKERS=1, CACHE_BYTES=65536, LOG_LEVEL="error",
        JWT_PUBLIC_KEY_FILE=key_file, JWT_ISSUER=ISSUER,
    )
    try:
        user = sign_up(server.start())
        sizes = []
        while len(sizes) < ROUNDS_MOST and not is_quiet(sizes):
            serve(server, user, key, ROUND)
            sizes.append(resident(server.popen.pid))
    finally:
        server.stop()
    print(f"resident memory after every {ROUND} requests: {sizes}")
    assert is_quiet(sizes), sizes
