"""The proxy's reports beside one of @sentry/node, which the same receiver gets: the
same authentication, the same headers, and each member of the same type."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from conftest import sign_up
from harness.sentry import Receiver
from harness.stage import Stage

PEER = Path(__file__).parents[1] / "sentry"

# What Sentry's documentation of events has, and @sentry/node does not set.
DOCUMENTED = {
    "event.contexts.trace.parent_span_id": str,
    "event.exception.values[].mechanism.handled": bool,
    "event.exception.values[].stacktrace.frames[].instruction_addr": str,
    "event.exception.values[].stacktrace.frames[].package": str,
    "item.content_type": str,
    "item.length": int,
}
# Members that may be named anything.
FREE = re.compile(r"event\.(tags|extra|request\.headers)\.")


@pytest.fixture(scope="module")
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.end()
    assert receiver.faults == []


@pytest.fixture(scope="module")
def peer(receiver):
    """The envelope that @sentry/node sends."""
    sent = subprocess.run(
        ["node", "send.mjs", receiver.dsn], cwd=PEER, env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
    )
    assert sent.returncode == 0, sent.stdout
    return receiver.wait_for(lambda event: event["server_name"] == "peer")


@pytest.fixture(scope="module")
def ours(postgres, receiver, tmp_path_factory):
    """A crash and a failed request, the two that have most."""
    stage = Stage(postgres, tmp_path_factory.mktemp("shape"))
    try:
        proxy = stage.proxy(redis=False, SENTRY_DSN=receiver.dsn)
        user = sign_up(proxy)
        stage.query("ALTER TABLE timetrackr.time_entries RENAME TO gone")
        trace = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
        answer = user.get("/time-entries?limit=3", headers=trace)
        answer.expect(500)
        stage.query("ALTER TABLE timetrackr.gone RENAME TO time_entries")
        request = receiver.of_request(answer.headers["X-Request-Id"])
        assert request.event["user"] and request.event["request"]["query_string"] and request.event["breadcrumbs"]
        proxy.end(signal.SIGSEGV)
        return [request, receiver.wait_for(lambda event: event["level"] == "fatal")]
    finally:
        stage.end()


def authentication(envelope):
    """Name and value of what is said by a header, or in the query."""
    query = envelope.path.partition("?")[2].replace("%2F", "/").replace("%40", "@").replace("&", ", ")
    said = envelope.http_headers.get("X-Sentry-Auth", f"Sentry {query}")
    assert said.startswith("Sentry ")
    return dict(one.split("=", 1) for one in said.removeprefix("Sentry ").split(", "))


def types(value, path):
    """The type of each member by its path."""
    if isinstance(value, dict):
        return {name: kind for key, one in value.items() for name, kind in types(one, f"{path}.{key}").items()}
    if isinstance(value, list):
        return {name: kind for one in value for name, kind in types(one, f"{path}[]").items()}
    return {path: float if type(value) in (int, float) else type(value)}


def all_types(envelope):
    ((header, event),) = envelope.items
    return {**types(envelope.headers, "envelope"), **types(header, "item"), **types(event, "event")}


def test_both_authenticate_alike(peer, ours):
    theirs = authentication(peer)
    for envelope in ours:
        mine = authentication(envelope)
        assert mine.keys() == theirs.keys()
        assert mine["sentry_version"] == theirs["sentry_version"] and mine["sentry_key"] == theirs["sentry_key"]
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", mine["sentry_client"]) and re.fullmatch(r"[\w.-]+/[\w.-]+", theirs["sentry_client"])
        assert envelope.path.partition("?")[0] == peer.path.partition("?")[0]


def test_every_member_is_of_the_type_that_theirs_is(peer, ours):
    known = {**all_types(peer), **{name: float if kind is int else kind for name, kind in DOCUMENTED.items()}}
    for envelope in ours:
        for name, kind in all_types(envelope).items():
            if not FREE.match(name):
                assert kind is known.get(name), f"{name} is {kind.__name__}"


def test_values_are_written_as_theirs(peer, ours):
    for envelope in (peer, *ours):
        event = envelope.event
        assert re.fullmatch(r"[0-9a-f]{32}", event["event_id"]) and envelope.headers["event_id"] == event["event_id"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", envelope.headers["sent_at"])
        assert event["level"] in ("fatal", "error") and all(type(one) is str for one in event["fingerprint"])
        assert envelope.items[0][0]["type"] == "event"
        for value in event["tags"].values():
            assert type(value) is str and 0 < len(value) <= 200 and "\n" not in value
