"""The stream of events: long polls, feeds of several proxies, and the relay
under faults. No event is lost or told twice, and none to whom it is not for."""

import signal
import socket
import threading
import time

import pytest
from conftest import days_ago, sign_up
from harness import eventually
from harness.stage import Stage


@pytest.fixture
def stage(postgres, tmp_path):
    stage = Stage(postgres, tmp_path)
    try:
        yield stage
    finally:
        stage.end()


class Follower:
    """A client that follows the Link of each answer, from its first call on."""

    def __init__(self, user):
        self.user = user
        self.path = user.get("/events").next_page
        self.events = []

    def poll(self, wait=None):
        path = self.path if wait is None else self.path.replace("wait=20", f"wait={wait}")
        answer = self.user.get(path)
        self.events += answer.expect(200)
        self.path = answer.next_page
        return answer.body

    def until(self, count, seconds=30):
        """Poll until there are so many events."""
        end = time.monotonic() + seconds
        while len(self.events) < count:
            assert time.monotonic() < end, f"{len(self.events)} of {count} events: {self.events}"
            self.poll(wait=1)
        return self.events

    def topics(self):
        return [event["topic"] for event in self.events]


def completed(events):
    return [event["data"]["entry_id"] for event in events if event["topic"] == "time_entry_completed"]


def test_a_client_gets_its_own_events_once_and_in_order(stage):
    proxy = stage.proxy()
    ann, bob = sign_up(proxy, "ann"), sign_up(proxy, "bob")
    project, others = ann.project(), bob.project()
    follower, stranger = Follower(ann), Follower(bob)
    entries = []
    for number in range(30):
        entries.append(ann.entry(project, days_ago(number + 1), 60)["entry_id"])
        bob.entry(others, days_ago(number + 1), 60)
    eventually(lambda: follower.poll(wait=1) is not None and len(completed(follower.events)) == 30, what="30 entries")
    assert completed(follower.events) == entries
    ids = [event["id"] for event in follower.events]
    assert ids == sorted(set(ids))
    assert all(event["data"]["user_id"] == ann.id for event in follower.events)
    stranger.until(30)
    assert all(event["data"]["user_id"] == bob.id for event in stranger.events)
