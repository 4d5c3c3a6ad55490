"""Errors are reported to Sentry: which, how often, and nothing secret with them.
Whatever the receiver does, no request notices."""

import json
import signal
import ssl
import time

import pytest
from conftest import PASSWORD, sign_up
from harness import FaultProxy, eventually, free_port
from harness.certificates import make_certificate
from harness.metrics import scrape
from harness.sentry import KEY, Receiver
from harness.stage import Stage

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"

# A project whose name is break:SQLSTATE:MESSAGE cannot be made.
BREAK = """
CREATE FUNCTION public.break() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.name LIKE 'break:%%' THEN
        RAISE EXCEPTION USING ERRCODE = split_part(NEW.name, ':', 2), MESSAGE = split_part(NEW.name, ':', 3),
            DETAIL = 'a detail-secret', HINT = 'a hint-secret';
    END IF;
    RETURN NEW;
END $$
"""


@pytest.fixture(scope="module")
def reported(postgres, tmp_path_factory):
    """A database that can be made to fail, and be cut off from its proxies."""
    stage = Stage(postgres, tmp_path_factory.mktemp("reported"))
    stage.query(BREAK)
    stage.query("CREATE TRIGGER break BEFORE INSERT ON timetrackr.projects FOR EACH ROW EXECUTE FUNCTION public.break()")
    stage.link = FaultProxy(postgres.port)
    try:
        yield stage
    finally:
        stage.link.set("pass")
        stage.end()
        stage.link.end()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.end()
    assert receiver.faults == []


@pytest.fixture
def start(reported, receiver):
    """A proxy that reports to this test's receiver."""
    started = []

    def start(**settings):
        address = f"127.0.0.1:{free_port()}"
        url = reported.postgres.proxy_url(reported.database)
        settings.setdefault("DATABASE_URL", url.replace(f":{reported.postgres.port}/", f":{reported.link.port}/"))
        settings.setdefault("SENTRY_DSN", receiver.dsn)
        proxy = reported.proxy(redis=False, METRICS_LISTEN=address, **settings)
        proxy.counted = lambda outcome: scrape(address).sum("timetrackr_error_reports_total", outcome=outcome)
        started.append(proxy)
        return proxy

    yield start
    reported.link.set("pass")
    for proxy in started:
        if proxy.is_running():
            proxy.stop()


def break_it(user, sqlstate="XX000", message="broken", request_id=None, **options):
    headers = {"X-Request-Id": request_id} if request_id else {}
    headers.update(options.pop("headers", {}))
    return user.post("/projects", {"name": f"break:{sqlstate}:{message}"}, headers=headers, **options)


def test_an_error_that_nobody_expected_is_reported_with_its_story(start, receiver):
    proxy = start(SENTRY_ENVIRONMENT="staging")
    user = sign_up(proxy)
    message = "function timetrackr.gone(bigint) does not exist"
    trace = {"traceparent": f"00-{TRACE}-{PARENT}-01", "User-Agent": "a test/1.0"}
    before = time.time()
    break_it(user, "42883", message, "first-1", headers=trace).expect(500)
    envelope = receiver.of_request("first-1")
    event = envelope.event

    assert envelope.path == "/api/42/envelope/"
    assert envelope.http_headers["Content-Type"] == "application/x-sentry-envelope"
    assert f"sentry_key={KEY}" in envelope.http_headers["X-Sentry-Auth"]
    assert envelope.headers["event_id"] == event["event_id"] and len(event["event_id"]) == 32
    assert event["level"] == "error" and event["logger"] == "http" and event["platform"] == "c"
    assert event["release"].startswith("timetrackr-proxy@") and event["environment"] == "staging"
    assert before - 1 < event["timestamp"] < time.time() + 1
    assert event["transaction"] == "POST /projects" and event["user"] == {"id": str(user.id)}
    assert envelope.exception["type"] == "SQLSTATE 42883" and envelope.exception["value"] == message
    tags = event["tags"]
    assert tags.pop("worker") in ("0", "1")
    assert tags == {"route": "/projects", "status": "500", "code": "internal_error", "sqlstate": "42883",
                    "request_id": "first-1"}
    assert event["request"]["url"] == f"{proxy.url}/projects" and event["request"]["method"] == "POST"
    assert event["request"]["headers"]["User-Agent"] == "a test/1.0"
    assert event["contexts"]["trace"]["trace_id"] == TRACE
    assert event["contexts"]["trace"]["parent_span_id"] == PARENT

    steps = event["breadcrumbs"]
    assert [step["category"] for step in steps] == ["http", "auth", "database", "database", "database", "http"]
    assert "queued on lane write" in steps[2]["message"] and "42883" in steps[4]["message"]
    times = [step["timestamp"] for step in steps]
    assert times == sorted(times) and event["timestamp"] - 5 < times[0] and times[-1] <= event["timestamp"]


def test_what_clients_do_wrong_and_what_is_no_failure_is_not_reported(start, receiver):
    proxy = start()
    user = sign_up(proxy)
    user.post("/projects", {"name": 7}).expect(422)
    user.get("/nothing").expect(404)
    break_it(user, "22023").expect(422)
    break_it(user, "TT501").expect(501)
    break_it(user, request_id="last-1").expect(500)
    receiver.of_request("last-1")
    assert len(receiver.envelopes) == 1


def test_nothing_secret_leaves(start, reported, receiver):
    """In every place that a request has, and in what the database says."""
    proxy = start()
    user = sign_up(proxy)
    secrets = [user.client.token, PASSWORD, user.email, user.username, "hunter2", "-secret", "ada@", "Bearer", KEY]
    headers = {"Cookie": "sid=cookie-secret", "X-Api-Key": "header-secret", "Referer": "http://x/?t=referer-secret",
               "User-Agent": "agent (mail ada@example.com; token=agent-secret)", "Idempotency-Key": "key-secret"}
    for sqlstate, status in (("XX000", 500), ("P0001", 500), ("42883", 500), ("57014", 504)):
        said = "of ada@example.com password=hunter2"
        if sqlstate in ("XX000", "P0001"):
            said += " the note is a-secret"
        body = {"name": f"break:{sqlstate}:{said}", "description": "a body-secret"}
        user.post("/projects", body, headers={**headers, "X-Request-Id": sqlstate, "Idempotency-Key": f"{sqlstate}-secret"}).expect(status)
        assert receiver.of_request(sqlstate).event["user"] == {"id": str(user.id)}
    reported.link.set("refuse")
    eventually(lambda: user.get("/time-entries?tag=query-secret&limit=7", headers=headers).status == 503, what="an outage")
    outage = receiver.wait_for(lambda event: event["fingerprint"] == ["database_unavailable"]).event
    assert outage["request"]["query_string"] == "tag=[Filtered]&limit=[Filtered]"
    proxy.client().post("/auth/login", {"email": user.email, "password": PASSWORD}, headers=headers).expect(503)
    proxy.stop()
    said = b"".join(envelope.raw for envelope in receiver.envelopes).decode()
    for secret in secrets:
        assert secret not in said, secret
    assert "agent (mail [Filtered]; token=[Filtered])" in said and KEY not in proxy.log.read_text()


def test_the_same_is_told_once_and_counted_and_the_count_told_at_the_end(start, receiver):
    proxy = start()
    user = sign_up(proxy)
    for number in range(5):
        break_it(user, request_id=f"same-{number}").expect(500)
    receiver.of_request("same-0")
    break_it(user, "P0001", request_id="other-0").expect(500)
    receiver.of_request("other-0")
    assert proxy.counted("repeated") == 4
    # it is counted when the receiver has answered
    eventually(lambda: proxy.counted("sent") == 2, what="both counted as sent")
    proxy.stop()
    (again,) = [one for one in receiver.envelopes if "repeated" in one.event.get("extra", {})]
    assert again.event["extra"]["repeated"] == 4
    assert again.event["fingerprint"] == receiver.envelopes[0].event["fingerprint"]
    assert again.event["event_id"] != receiver.envelopes[0].event["event_id"]
    assert len(receiver.envelopes) == 3


def test_an_outage_of_the_database_is_one_issue(start, reported, receiver):
    proxy = start()
    user = sign_up(proxy)
    reported.link.set("refuse")
    paths = ["/time-entries", "/notifications", "/time-entries/current", "/users/me"]
    eventually(lambda: all(user.get(path).status == 503 for path in paths), what="503 everywhere")
    for path in paths * 5:
        user.get(path).expect(503, "database_unavailable")
    user.get("/readyz").expect(503, "not_ready")
    reported.link.set("pass")
    envelope = receiver.wait_for(lambda event: event["fingerprint"] == ["database_unavailable"])
    assert envelope.event["tags"]["status"] == "503" and envelope.event["level"] == "error"
    assert {one.event["tags"].get("code") for one in receiver.envelopes} == {"database_unavailable"}
    assert proxy.counted("repeated") >= 20


def test_a_crash_is_reported_by_a_process_of_its_own(start, receiver):
    proxy = start()
    sign_up(proxy)
    assert proxy.end(signal.SIGSEGV) == -signal.SIGSEGV
    event = receiver.wait_for(lambda event: event["level"] == "fatal").event
    assert event["logger"] == "process" and event["fingerprint"] == ["SIGSEGV -"]
    exception = event["exception"]["values"][0]
    assert exception["type"] == "SIGSEGV" and exception["mechanism"] == {"type": "signalhandler", "handled": False}
    assert event["extra"]["process"] == str(proxy.pid) and "core_limit" in event["extra"]
    assert "request" not in event
    (line,) = [json.loads(line) for line in proxy.log.read_text().splitlines() if '"crashed"' in line]
    assert line["level"] == "error" and line["signal"] == "SIGSEGV"
    assert KEY not in proxy.log.read_text()


def test_systemd_s_word_of_a_killed_process_is_reported(start, receiver):
    proxy = start()
    proxy.settings.update(SERVICE_RESULT="success", EXIT_CODE="exited", EXIT_STATUS="0")
    assert proxy.run_to_end("--report-end") == (0, "")
    proxy.settings.update(SERVICE_RESULT="oom-kill", EXIT_CODE="killed", EXIT_STATUS="KILL")
    assert proxy.run_to_end("--report-end")[0] == 0
    (envelope,) = receiver.envelopes
    assert envelope.exception["type"] == "SIGKILL" and envelope.event["fingerprint"] == ["SIGKILL oom-kill"]
    assert "no memory" in envelope.exception["value"]


@pytest.mark.parametrize("how", ["hang", (500, {})], ids=str)
def test_a_crash_ends_the_process_whatever_the_receiver_does(start, receiver, how):
    proxy = start()
    receiver.answer = how
    before = time.monotonic()
    assert proxy.end(signal.SIGABRT) == -signal.SIGABRT
    assert time.monotonic() - before < 10 and "sentry_refused" in proxy.log.read_text()


def test_an_event_that_the_relay_gives_up_is_reported(start, reported, receiver):
    start()
    reported.query("INSERT INTO timetrackr.outbox (topic, payload, attempts) VALUES ('from_the_future', '{\"x\": \"payload-secret\"}', 11)")
    envelope = receiver.wait_for(lambda event: event["logger"] == "relay")
    assert envelope.exception["type"] == "relay_event_dead" and envelope.event["extra"]["dead_events"] == "1"
    assert "does not know the topic" in envelope.exception["value"]
    assert b"payload-secret" not in envelope.raw and "request" not in envelope.event
    reported.query("DELETE FROM timetrackr.dead_events")


def test_a_receiver_that_fails_delays_nothing(start, receiver):
    proxy = start()
    user = sign_up(proxy)
    for number, how in enumerate(["reset", (500, {}), (403, {}), "hang"]):
        receiver.answer = how
        seen = receiver.requests
        for sqlstate in (f"XX{number}00", f"XX{number}01", f"XX{number}02"):
            before = time.monotonic()
            break_it(user, sqlstate).expect(500)
            assert time.monotonic() - before < 2
        eventually(lambda: receiver.requests > seen, what=f"an attempt: {how}")
    assert "sentry_refused" in proxy.log.read_text()
    before = time.monotonic()
    proxy.stop()
    assert time.monotonic() - before < 10
    assert receiver.envelopes == []


def test_a_certificate_that_nobody_has_signed_is_not_accepted(start, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make_certificate(tmp_path))
    receiver = Receiver(context)
    try:
        proxy = start(SENTRY_DSN=receiver.dsn)
        break_it(sign_up(proxy)).expect(500)
        eventually(lambda: "certificate" in proxy.log.read_text(), what="a line that says why")
        assert receiver.requests == 0
    finally:
        receiver.end()


def test_a_receiver_that_is_not_there_does_no_harm(start):
    proxy = start(SENTRY_DSN=f"http://{KEY}@127.0.0.1:{free_port()}/1")
    user = sign_up(proxy)
    break_it(user).expect(500)
    eventually(lambda: "sentry_refused" in proxy.log.read_text(), what="a line in the log")
    user.get("/users/me").expect(200)


@pytest.mark.parametrize("answer", [
    (429, {"Retry-After": "3600"}),
    (429, {"X-Sentry-Rate-Limits": "3600:error:key"}),
], ids=["Retry-After", "X-Sentry-Rate-Limits"])
def test_a_receiver_that_wants_no_more_gets_no_more(start, receiver, answer):
    proxy = start()
    user = sign_up(proxy)
    receiver.answer = answer
    break_it(user, "XX001").expect(500)
    eventually(lambda: proxy.counted("dropped") == 1, what="429 heeded")
    receiver.answer = (200, {})
    break_it(user, "XX002").expect(500)
    eventually(lambda: proxy.counted("dropped") == 2, what="the next one dropped")
    assert receiver.requests == 1 and proxy.counted("sent") == 0


def test_without_a_dsn_nothing_is_reported(start, receiver):
    proxy = start(SENTRY_DSN="")
    user = sign_up(proxy)
    break_it(user).expect(500)
    assert proxy.end(signal.SIGSEGV) == -signal.SIGSEGV
    assert receiver.requests == 0
