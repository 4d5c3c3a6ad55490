"""/metrics: numbers that move by what was done, exactly, and nothing that is public."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from conftest import days_ago, sign_up
from harness import Live, Proxy, eventually, free_port
from harness.metrics import scrape

# Prism knows nothing of the listener.
pytestmark = pytest.mark.raw

REQUESTS = "timetrackr_http_requests_total"
DURATION = "timetrackr_http_request_duration_seconds"


@pytest.fixture(scope="module")
def watched(postgres, redis, tmp_path_factory):
    """A proxy that can be scraped, and logs every statement that took as long as a lock."""
    proxy = Proxy(
        tmp_path_factory.mktemp("watched"),
        **postgres.proxy_settings(),
        REDIS_URL=redis.url,
        METRICS_LISTEN=f"127.0.0.1:{free_port()}",
        SLOW_QUERY_MS=300,
        WORKERS=2,
    )
    try:
        yield proxy.start()
    finally:
        proxy.stop()


def look(proxy):
    return scrape(proxy.settings["METRICS_LISTEN"])


def moved(proxy, before, name, **labels):
    return look(proxy).sum(name, **labels) - before.sum(name, **labels)


def moves(proxy, before, name, by, **labels):
    """A number gets where it belongs, and stays there: what is answered is counted already."""
    assert moved(proxy, before, name, **labels) == by, (name, labels)


@pytest.mark.one_server("no answers are kept on several nodes")
def test_every_request_is_counted_once_whichever_worker_takes_it(watched):
    before = look(watched)

    def call(_):
        # A connection each, so that both workers get some.
        return requests.get(f"{watched.url}/badges", headers={"Connection": "close"}, timeout=30).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(call, range(300))) == {200}
    route = {"method": "GET", "route": "/badges"}
    moves(watched, before, REQUESTS, 300, **route, status=200)
    moves(watched, before, REQUESTS, 300, **route)
    moves(watched, before, f"{DURATION}_count", 300, **route)
    after = look(watched)
    assert after.sum("timetrackr_http_connections_accepted_total") >= 300
    kept = after.sum("timetrackr_cache_requests_total") - before.sum("timetrackr_cache_requests_total")
    assert kept == 300


def test_routes_are_patterns_and_what_fits_none_is_one_label(watched):
    client = watched.client()
    client.get("/users/1/profile"), client.get("/nothing")
    before = look(watched)
    for number in range(40):
        client.get(f"/users/{900000 + number}/profile").expect(404)
        client.get(f"/nothing/{number}/at/all").expect(404)
        client.call("PURGE", f"/users/{number}/profile").expect(405)
    after = look(watched)
    moves(watched, before, REQUESTS, 40, route="/users/{user_id}/profile", status=404)
    moves(watched, before, REQUESTS, 40, route="unmatched", status=404)
    moves(watched, before, REQUESTS, 40, route="unmatched", status=405)
    routes = {dict(labels)["route"] for labels in after.all(REQUESTS)}
    assert not [route for route in routes if "9000" in route or "at/all" in route]
    client.call("OPTIONS", "/badges").expect(204)
    moves(watched, before, REQUESTS, 1, route="options", status=204)


def test_histograms_are_whole(watched):
    watched.client().get("/badges").expect(200)
    metrics = look(watched)
    families = [name for name, kind in metrics.types.items() if kind == "histogram"]
    assert len(families) == 3
    for family in families:
        for labels in metrics.label_sets(f"{family}_bucket", without=("le",)):
            buckets = metrics.all(f"{family}_bucket", **dict(labels))
            counts = {float(dict(found)["le"]): value for found, value in buckets.items()}
            ordered = [counts[bound] for bound in sorted(counts)]
            assert ordered == sorted(ordered) and len(ordered) == 16
            assert counts[float("inf")] == metrics.sum(f"{family}_count", **dict(labels))
            total = metrics.sum(f"{family}_sum", **dict(labels))
            # each observation lies in its bucket, so that their sum lies between those of the bounds
            bounds, below, least, most = sorted(counts), 0, 0, 0
            for lower, upper in zip([0, *bounds], bounds):
                least += lower * (counts[upper] - below)
                most += upper * (counts[upper] - below) if counts[upper] > below else 0
                below = counts[upper]
            assert least - 1e-3 <= total <= most + 1e-3
    for labels in metrics.label_sets(REQUESTS, without=("status",)):
        assert metrics.sum(REQUESTS, **dict(labels)) == metrics.sum(f"{DURATION}_count", **dict(labels))


@pytest.mark.one_server("no writes share a commit on several nodes")
def test_statements_are_counted_by_lane_and_outcome(watched):
    user = sign_up(watched)
    project = user.project()
    before = look(watched)
    user.entry(project, days_ago(2), 3600)
    user.post("/time-entries", {"project_id": 987654321}).expect(404)
    user.get("/users/me").expect(200)
    watched.client().post("/auth/login", {"email": user.email, "password": "wrong"}).expect(401)
    statements = "timetrackr_lane_statements_total"
    moves(watched, before, statements, 1, lane="batch", outcome="ok")
    moves(watched, before, statements, 1, outcome="refused")
    moves(watched, before, statements, 1, lane="login")
    assert moved(watched, before, statements, lane="read", outcome="ok") >= 1
    assert moved(watched, before, "timetrackr_lane_batches_total", lane="batch") == 2
    moves(watched, before, statements, 0, outcome="failed")
    after = look(watched)
    assert after.sum("timetrackr_lane_running_statements", lane="batch") == 0
    assert after.sum("timetrackr_lane_queued_statements") == 0
    for histogram in ("timetrackr_lane_wait_seconds_count", "timetrackr_lane_statement_seconds_count"):
        for lane in ("read", "write", "batch", "login", "bulk"):
            assert after.sum(histogram, lane=lane) == after.sum(statements, lane=lane)


@pytest.mark.one_server("no writes share a commit on several nodes")
def test_a_statement_under_way_is_seen_and_a_slow_one_is_logged(watched, db):
    user = sign_up(watched)
    project = user.project()
    before = look(watched)
    with db.transaction():
        db.execute("SELECT FROM timetrackr.user_totals WHERE user_id = %s FOR UPDATE", (user.id,))
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(user.post, "/time-entries", {"project_id": project}, headers={"X-Request-Id": "slow-1"})
            eventually(lambda: look(watched).sum("timetrackr_lane_running_statements", lane="write") == 1, what="running")
            began = time.monotonic()
            while time.monotonic() < began + 0.4:
                assert not answer.done()
                time.sleep(0.02)
            db.execute("ROLLBACK")
            answer.result().expect(201)
    moves(watched, before, "timetrackr_lane_slow_statements_total", 1)
    assert moved(watched, before, "timetrackr_lane_retries_total", lane="batch") == 1

    def logged():
        lines = [json.loads(line) for line in watched.log.read_text().splitlines() if '"slow_query"' in line]
        return [line for line in lines if line["request_id"] == "slow-1"]

    (line,) = eventually(logged, what="the slow statement's line")
    assert line["level"] == "warn" and line["method"] == "POST" and line["route"] == "/time-entries"
    assert line["lane"] == "write" and int(line["queue_ms"]) + int(line["database_ms"]) >= 300
    assert int(line["database_ms"]) > 0 and int(line["attempts"]) == 2
    assert line.keys() == {"time", "level", "event", "method", "route", "lane", "queue_ms", "database_ms", "attempts", "request_id"}


@pytest.mark.parametrize("limit, is_logged", [(1, True), (0, False)])
def test_what_is_slow_is_a_setting_and_nothing_when_that_is_0(postgres, tmp_path, limit, is_logged):
    proxy = Proxy(tmp_path, **postgres.proxy_settings(), SLOW_QUERY_MS=limit)
    proxy.start()
    try:
        sign_up(proxy)
        assert ('"slow_query","method":"POST","route":"/auth/signup","lane":"login"' in proxy.log.read_text()) == is_logged
    finally:
        proxy.stop()


def test_scraping_under_load_never_goes_back(watched):
    before = look(watched)
    stop = threading.Event()

    def load(_):
        client, calls = watched.client(), 0
        while not stop.is_set():
            client.get("/badges").expect(200)
            client.get("/users/987654/profile").expect(404)
            calls += 1
        return calls

    with ThreadPoolExecutor(4) as pool:
        loads = [pool.submit(load, number) for number in range(4)]
        last = before
        for _ in range(40):
            now = look(watched)
            for (name, labels), value in last.samples.items():
                family = name.rsplit("_", 1)[0] if name.rsplit("_", 1)[-1] in ("bucket", "sum", "count") else name
                if now.types[family] != "gauge":
                    assert now.samples[name, labels] >= value, name
            last = now
        stop.set()
        calls = sum(one.result() for one in loads)
    moves(watched, before, REQUESTS, calls, route="/badges", status=200)
    moves(watched, before, REQUESTS, calls, route="/users/{user_id}/profile", status=404)


def test_live_connections_and_their_messages(watched):
    user = sign_up(watched)
    before = look(watched)
    with Live(watched, user.client.token) as live:
        live.topic("ready")
        moves(watched, before, "timetrackr_websocket_connections", 1)
        moves(watched, before, "timetrackr_websocket_opened_total", 1)
        assert moved(watched, before, "timetrackr_websocket_messages_sent_total") >= 1
    eventually(lambda: moved(watched, before, "timetrackr_websocket_connections") == 0, what="closed")
    moves(watched, before, "timetrackr_websocket_opened_total", 1)


def test_refusals_by_a_rate_limit(postgres, tmp_path):
    proxy = Proxy(
        tmp_path, **postgres.proxy_settings(), METRICS_LISTEN=f"127.0.0.1:{free_port()}",
        RATE_LIMIT_PER_MINUTE=4, AUTH_RATE_LIMIT_PER_MINUTE=3, WORKERS=1,
    )
    proxy.start()
    try:
        client = proxy.client()
        user = sign_up(proxy)
        for path, caller, kind in (("/badges", client, "address"), ("/users/me", user, "user")):
            refused = sum(caller.get(path).status == 429 for _ in range(9))
            assert refused == 5
            assert look(proxy).sum("timetrackr_rate_limited_requests_total", limit=kind) == refused
        login = {"email": user.email, "password": "wrong"}
        refused = sum(client.post("/auth/login", login).status == 429 for _ in range(5))
        assert refused > 0
        assert look(proxy).sum("timetrackr_rate_limited_requests_total", limit="sessions") == refused
    finally:
        proxy.stop()


def test_it_is_on_its_own_listener_alone(watched, anyone):
    watched.client().get("/metrics").expect(404)
    anyone.get("/metrics").expect(404)
    address = f"http://{watched.settings['METRICS_LISTEN']}"
    for path in ("/", "/badges", "/healthz", "/api-docs", "/metrics/x", "/openapi.json"):
        assert requests.get(address + path, timeout=10).status_code == 404, path
    assert requests.post(f"{address}/metrics", timeout=10).status_code == 405
    assert requests.head(f"{address}/metrics", timeout=10).status_code == 200
    assert requests.get(f"{address}/metrics", headers={"Authorization": "Bearer x"}, timeout=10).status_code == 200
    plain = requests.get(f"{address}/metrics", headers={"Accept": "text/plain", "Accept-Encoding": ""}, timeout=10)
    assert plain.status_code == 200 and plain.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert plain.headers["Cache-Control"] == "no-store"


def test_nobody_can_keep_it_busy(watched):
    """As many connections as there may be, which say nothing: each has ten seconds."""
    import socket

    host, port = watched.settings["METRICS_LISTEN"].split(":")
    silent = [socket.create_connection((host, int(port)), timeout=10) for _ in range(16)]
    try:
        eventually(lambda: look(watched), seconds=30, what="a scrape")
    finally:
        for one in silent:
            one.close()
    assert requests.get(f"{watched.url}/healthz", timeout=10).status_code == 200
