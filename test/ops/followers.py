"""What tests of the stream share: clients that follow it, what they read of it,
how to tell that the relay has moved all to it, and which proxy's relay it is."""

import json
import threading
import time

from conftest import days_ago
from harness import eventually


class Follower:
    """A client that follows the Link of each answer, from its first call on."""

    def __init__(self, user, proxy=None):
        self.client = proxy.client(token=user.session["access_token"]) if proxy else user.client
        self.path = self.client.get("/events").next_page
        self.events = []

    def poll(self, wait=1):
        path, _, query = self.path.partition("?")
        parameters = dict(pair.split("=") for pair in query.split("&"))
        answer = self.client.get(f"{path}?after={parameters['after']}&wait={wait}&limit={parameters['limit']}")
        self.events += answer.expect(200)
        self.path = answer.next_page
        return answer.body

    def until(self, condition, seconds=30):
        """Poll until that holds for all events so far."""
        end = time.monotonic() + seconds
        while not condition(self.events):
            assert time.monotonic() < end, self.events
            self.poll()
        ids = [event["id"] for event in self.events]
        assert ids == sorted(set(ids)), "an event came twice, or out of order"
        return self.events


def completed(events):
    return [event["data"]["entry_id"] for event in events if event["topic"] == "time_entry_completed"]


def log_entries(user, project, count, first_day=1):
    return [user.entry(project, days_ago(first_day + n), 60)["entry_id"] for n in range(count)]


def in_background(function, *arguments):
    """Run it beside the test; join() gives its result."""

    class Job(threading.Thread):
        def run(self):
            try:
                self.result = function(*arguments)
            except Exception as error:
                self.result = error

        def join(self, timeout=60):
            super().join(timeout)
            assert not self.is_alive(), "it does not end"
            if isinstance(self.result, Exception):
                raise self.result
            return self.result

    job = Job(daemon=True)
    job.start()
    return job


def is_drained(stage):
    return stage.value("SELECT count(*) FROM timetrackr.outbox WHERE run_at <= now()") == 0


def leader_of(stage, *proxies):
    """The one whose relay leads."""

    def find():
        for proxy in proxies:
            if not proxy.is_running():
                continue
            lines = [json.loads(line)["event"] for line in proxy.log.read_text().splitlines() if '"relay_leads' in line]
            if lines and lines[-1] == "relay_leads":
                return proxy
        return None

    return eventually(find, what="a leader")
