"""Rate limits: each client has a minute's worth of requests at once, whatever
the number of its connections and of the proxy's workers, and is told how it stands."""

import threading
import time

import pytest
from conftest import PASSWORD, sign_up
from harness import Proxy
from harness.raw import exchange, request

# Slow enough that none comes back while a test runs: one in 12 s.
A_MINUTE = 5


@pytest.fixture
def limited(postgres, tmp_path):
    started = []

    def start(**settings):
        server = Proxy(tmp_path, **postgres.proxy_settings(), **settings)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.stop()


def get(server, path="/badges", **fields):
    """One request on a connection of its own: the kernel chooses the worker."""
    return exchange(server, request("GET", path, Connection="close", **fields))


def member(answer, name):
    """A parameter of the item in a RateLimit field."""
    return int(next(part for part in answer["RateLimit"].split(";") if part.startswith(name + "="))[2:])


def test_the_budget_is_one_for_all_workers_and_connections(limited):
    server = limited(RATE_LIMIT_PER_MINUTE=A_MINUTE, WORKERS=4)
    began = time.monotonic()
    answers, lock = [], threading.Lock()

    def ask():
        for _ in range(8):
            answer = get(server)
            with lock:
                answers.append(answer)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    allowed = [answer for answer in answers if answer.status == 200]
    returned = int((time.monotonic() - began) // (60 / A_MINUTE)) + 1
    assert len(answers) == 64 and A_MINUTE <= len(allowed) < A_MINUTE + returned
    assert sorted(member(answer, "r") for answer in allowed)[: A_MINUTE] == list(range(A_MINUTE))


def test_clients_are_told_how_they_stand(limited):
    server = limited(RATE_LIMIT_PER_MINUTE=A_MINUTE)
    for left in reversed(range(A_MINUTE)):
        answer = get(server)
        assert answer.status == 200 and answer["Retry-After"] is None
        assert answer["RateLimit-Policy"] == f'"address";q={A_MINUTE};w=60'
        assert answer["RateLimit"].startswith('"address";r=') and member(answer, "r") == left
        assert 0 < member(answer, "t") <= 60
    for _ in range(20):  # refused ones do not put the end off
        refused = get(server)
        assert refused.status == 429 and refused.json["code"] == "too_many_requests"
        assert refused["RateLimit-Policy"] == f'"address";q={A_MINUTE};w=60'
        assert member(refused, "r") == 0 and refused["Retry-After"] == str(member(refused, "t"))
        assert 0 < int(refused["Retry-After"]) <= 60 / A_MINUTE
        assert refused["X-Content-Type-Options"] == "nosniff" and refused["Cache-Control"] == "no-store"


def test_what_is_known_already_is_counted_too(limited):
    server = limited(RATE_LIMIT_PER_MINUTE=A_MINUTE)
    tag = get(server)["ETag"]
    statuses = [get(server, If_None_Match=tag).status for _ in range(A_MINUTE)]
    assert statuses == [304] * (A_MINUTE - 1) + [429]


def test_users_have_budgets_of_their_own(limited, proxy):
    server = limited(RATE_LIMIT_PER_MINUTE=A_MINUTE)
    one, two = (f"Bearer {sign_up(proxy).client.token}" for _ in range(2))
    for token in (one, two, None):
        statuses = [get(server, Authorization=token).status for _ in range(A_MINUTE + 1)]
        assert statuses == [200] * A_MINUTE + [429]
    assert get(server, "/users/me", Authorization=one)["RateLimit-Policy"].startswith('"user"')
    assert get(server, "/healthz").status == 200


def test_bad_tokens_count_against_the_address(limited):
    server = limited(RATE_LIMIT_PER_MINUTE=A_MINUTE)
    statuses = [get(server, Authorization="Bearer no.such.token").status for _ in range(A_MINUTE + 1)]
    assert statuses == [401] * A_MINUTE + [429]
    assert get(server).status == 429


def test_sessions_have_a_budget_of_their_own(limited, proxy):
    server = limited(AUTH_RATE_LIMIT_PER_MINUTE=3, RATE_LIMIT_PER_MINUTE=A_MINUTE)
    user = sign_up(proxy)
    for password in (PASSWORD, "not his password", "not his password"):
        answer = server.client().post("/auth/login", {"email": user.email, "password": password})
        assert answer.status in (200, 401)
        assert answer.headers["RateLimit-Policy"] == '"sessions";q=3;w=60'
    server.client().post("/auth/login", {"email": user.email, "password": PASSWORD}).expect(429, "too_many_requests")
    assert get(server).status == 200


def forwarded(server, address):
    return get(server, X_Forwarded_For=address)


def test_an_ipv6_client_is_its_network(limited):
    server = limited(RATE_LIMIT_PER_MINUTE=A_MINUTE, TRUST_PROXY="true")
    statuses = [forwarded(server, f"2001:db8:1:2:{n:x}::{n:x}").status for n in range(1, A_MINUTE + 2)]
    assert statuses == [200] * A_MINUTE + [429]
    assert forwarded(server, "2001:db8:1:3::1").status == 200
    for n in range(A_MINUTE + 1):  # clients of IPv4, written as IPv6, are many
        assert forwarded(server, f"::ffff:192.0.2.{n}").status == 200
