"""A load of starts and stops through HTTP that writes down what was asked for and
what was acknowledged, and the proof afterwards that it is all there once."""

import threading
import time
from datetime import datetime, timedelta, timezone

import requests
from boards import differences, is_right
from conftest import rfc3339, sign_up
from harness import eventually

# The proxy answers within 15 s whatever happens behind it.
CLIENT_TIMEOUT = 20


class Load(threading.Thread):
    """
    One user who starts, stops and looks at the board until told to stop. What a
    start that was not acknowledged has left behind, the next start ends.
    """

    def __init__(self, proxies, user, project, first):
        super().__init__(daemon=True)
        self.proxies = proxies
        self.user = user
        self.anybody = proxies[0].client()  # with a token, SQL gives the board
        self.project = project
        self.number = first
        self.at = user.id % len(proxies)
        self.asked = []  # notes, each of one attempt to start
        self.started = {}  # note: entry
        self.stopped = {}  # entry: end
        self.seen = []  # (verb, status, or what the connection came to)
        self.longest = 0.0
        self.broken = None
        self.told_to_stop = threading.Event()

    def run(self):
        try:
            while not self.told_to_stop.is_set():
                self._work()
        except Exception as error:  # told by check(), in the test's own thread
            self.broken = error

    def _work(self):
        begin = datetime.now(timezone.utc).replace(second=0, microsecond=0) - timedelta(hours=40)
        start = begin + timedelta(seconds=20 * self.number)
        note = f"{self.user.username}-{self.number}"
        self.number += 1
        self.asked.append(note)
        answer = self._ask("POST", "/time-entries", 201, project_id=self.project, start_time=rfc3339(start), note=note)
        if answer is not None:
            self.started[note] = answer["entry_id"]
            self._end_entry(answer["entry_id"], rfc3339(start + timedelta(seconds=10)))
        self._ask("GET", "/leaderboard?limit=5", 200, self.anybody)

    def _end_entry(self, entry, end):
        """Stopping is asked for again until it is acknowledged: the answer is the same each time."""
        while not self.told_to_stop.is_set():
            if self._ask("PUT", f"/time-entries/{entry}/end", 200, end_time=end) is not None:
                self.stopped[entry] = end
                return

    def _ask(self, verb, path, expected, client=None, **body):
        """The body of the expected answer; None, after a moment, when it did not come."""
        client = client or self.user.client
        client.base_url = self.proxies[self.at].url
        began = time.monotonic()
        try:
            answer = client.call(verb, path, body or None, timeout=CLIENT_TIMEOUT)
            what = answer.status
        except requests.Timeout:
            what = "hung"
        except requests.RequestException:
            what = "lost"
            self.at = (self.at + 1) % len(self.proxies)
        self.longest = max(self.longest, time.monotonic() - began)
        self.seen.append((verb, what))
        if what == expected:
            return answer.body
        self.told_to_stop.wait(0.02)
        return None


class Crowd:
    """Users whose loads run at the same time, again and again."""

    def __init__(self, stage, proxies, size=3):
        self.stage = stage
        self.proxies = proxies
        users = [sign_up(proxies[0], f"loader{number}") for number in range(size)]
        self.members = [(user, user.project()) for user in users]
        self.numbers = [0] * size
        self.loads = []
        self.past = []

    def start(self):
        self.loads = [
            Load(self.proxies, user, project, number)
            for (user, project), number in zip(self.members, self.numbers)
        ]
        for load in self.loads:
            load.start()
        self.progress(3)

    def calls(self):
        return min(len(load.seen) for load in self.loads)

    def progress(self, stops, seconds=30):
        """Wait until everybody has had so many more stops acknowledged."""
        before = [len(load.stopped) for load in self.loads]
        eventually(
            lambda: all(
                load.broken or len(load.stopped) >= count + stops for load, count in zip(self.loads, before)
            ),
            seconds,
            f"{stops} more stops acknowledged",
        )

    def end(self):
        """Stop the loads, if there are some, and return them."""
        if not self.loads:
            return []
        for load in self.loads:
            load.told_to_stop.set()
        for load in self.loads:
            load.join(CLIENT_TIMEOUT + 10)
            assert not load.is_alive()
        self.numbers = [load.number for load in self.loads]
        self.past += self.loads
        loads, self.loads = self.loads, []
        return loads

    def check(self):
        """Everything acknowledged is there once, and everything derived from it is right."""
        stage = self.stage
        for load in self.past:
            assert load.broken is None, repr(load.broken)
        stored = {}
        for note, entry, end in stage.query("SELECT note, id, end_time FROM timetrackr.time_entries"):
            assert note not in stored, f"{note} is there twice"
            stored[note] = (entry, end)
        asked = {note for load in self.past for note in load.asked}
        assert stored.keys() <= asked
        ends = {entry: end and rfc3339(end) for entry, end in stored.values()}
        for load in self.past:
            for note, entry in load.started.items():
                assert stored.get(note, (None,))[0] == entry, f"{note} was acknowledged as {entry}"
            for entry, end in load.stopped.items():
                assert ends[entry] == end
        eventually(lambda: is_right(stage), 30, "Redis equal to SQL")
        assert stage.query("SELECT * FROM timetrackr.verify()") == []
        assert stage.value("SELECT count(*) FROM timetrackr.dead_events") == 0
        for doubled in (
            "SELECT user_id, badge_id FROM timetrackr.user_badges GROUP BY 1, 2 HAVING count(*) > 1",
            "SELECT user_id, kind, payload FROM timetrackr.notifications GROUP BY 1, 2, 3 HAVING count(*) > 1",
            "SELECT user_id, event_type, event_data FROM timetrackr.timeline_events"
            " WHERE event_type IN ('badge_earned', 'time_entry_completed') GROUP BY 1, 2, 3 HAVING count(*) > 1",
        ):
            assert stage.query(doubled) == []
        assert stage.value("SELECT count(*) FROM timetrackr.notifications") > 0
        for proxy in self.proxies:
            assert differences(proxy) == [], "Redis was not what events made it"
