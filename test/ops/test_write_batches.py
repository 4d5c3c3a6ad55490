"""Writes that share a commit: each has its effect once whatever the others of its
batch come to, and is acknowledged when it is committed, not before."""

import json
import random
import threading
import time
from datetime import timedelta

import pytest
from conftest import days_ago, rfc3339, sign_up
from harness import eventually
from harness.wire import Wire, request

LANE = "timetrackr batch"
# An entry with such a note waits until its gate is opened, and one called "late" fails its commit.
GATES = """
CREATE TABLE public.gates (name text PRIMARY KEY);
CREATE FUNCTION public.wait_at_gate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    WHILE NOT EXISTS (SELECT FROM public.gates g WHERE g.name = NEW.note) LOOP
        PERFORM pg_sleep(0.005);
    END LOOP;
    RETURN NEW;
END $$;
CREATE TRIGGER a_gate BEFORE INSERT ON timetrackr.time_entries
    FOR EACH ROW WHEN (starts_with(NEW.note, 'gate')) EXECUTE FUNCTION public.wait_at_gate();
CREATE FUNCTION public.fail_late() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    RAISE 'too late' USING ERRCODE = 'TT409', CONSTRAINT = 'too_late';
END $$;
CREATE CONSTRAINT TRIGGER z_late AFTER INSERT ON timetrackr.time_entries DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.note = 'late') EXECUTE FUNCTION public.fail_late();
"""


class Sent:
    """A request whose answer is still to come."""

    def __init__(self, proxy, user, method, path, **body):
        data = json.dumps(body).encode()
        headers = (f"Authorization: Bearer {user.client.token}", "Content-Type: application/json",
                   f"Content-Length: {len(data)}")
        self.wire = Wire(proxy)
        self.wire.send(request(method, path, headers=headers) + data)

    def answer(self):
        with self.wire:
            return self.wire.response()

    def expect(self, status):
        answer = self.answer()
        assert answer.status == status, answer
        return answer.json

    def hang_up(self):
        self.wire.socket.close()

    @property
    def is_answered(self):
        self.wire.socket.setblocking(False)
        try:
            return self.wire.socket.recv(1) != b""
        except BlockingIOError:
            return False
        finally:
            self.wire.socket.settimeout(20)


class Scene:
    """A proxy of one event loop, and users with a project each."""

    def __init__(self, stage, **settings):
        self.stage = stage
        stage.query(GATES)
        self.proxy = stage.proxy(redis=False, WORKERS=1, **settings)
        self.users = [sign_up(self.proxy) for _ in range(12)]
        self.projects = {user.id: user.project() for user in self.users}
        self.plugs = []
        self.spare = self.users[4:]

    def log(self, user, days=3, **fields):
        """Send a finished entry."""
        start = days_ago(days)
        body = {"start_time": rfc3339(start), "end_time": rfc3339(start + timedelta(hours=1)), **fields}
        return Sent(self.proxy, user, "POST", "/time-entries", project_id=self.projects[user.id], **body)

    def start(self, user, start):
        project = self.projects[user.id]
        return Sent(self.proxy, user, "POST", "/time-entries", project_id=project, start_time=rfc3339(start))

    def backends(self, *conditions):
        return [
            pid for (pid,) in self.stage.query(
                "SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name = %s"
                + "".join(f" AND {condition}" for condition in conditions), self.stage.database, LANE)
        ]

    def waiting_at_gates(self):
        return len(self.backends("wait_event = 'PgSleep'"))

    def waiting_for_locks(self, lane):
        return self.stage.value(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = %s AND application_name = %s AND wait_event_type = 'Lock'", self.stage.database, lane)

    def occupy(self):
        """Have every connection of the lane wait for a write, so that others queue."""
        for number in range(len(self.backends())):
            self.plugs.append(self.log(self.spare.pop(), note="gate plug"))
            eventually(lambda: self.waiting_at_gates() == number + 1, what="a connection busy")

    def heard(self):
        """The proxy has seen what was sent to it: it has gone through all that was there twice since."""
        for _ in range(3):
            self.proxy.client().get("/healthz").expect(200)

    def open(self, gate):
        self.stage.query("INSERT INTO public.gates VALUES (%s)", gate)

    def release(self):
        self.open("gate plug")
        for plug in self.plugs:
            plug.expect(201)

    def transactions(self, *answers):
        """In how many transactions were these entries made?"""
        ids = [answer["entry_id"] for answer in answers]
        return self.stage.value(
            "SELECT count(DISTINCT xmin::text) FROM timetrackr.time_entries WHERE id = ANY (%s)", ids)

    def entries(self, user):
        return self.stage.value("SELECT count(*) FROM timetrackr.time_entries WHERE user_id = %s", user.id)

    def in_queue(self, *sent):
        self.heard()
        return sent


@pytest.fixture
def scene(stage):
    scene = Scene(stage)
    yield scene
    assert stage.query("SELECT * FROM timetrackr.verify()") == []


def test_what_queues_while_connections_are_busy_shares_a_commit_by_user(scene):
    a, b, c, *_ = scene.users
    scene.occupy()
    queued = [scene.log(user) for user in (c, a, b)]
    scene.heard()
    assert not any(sent.is_answered for sent in queued)
    scene.release()
    third, first, second = [sent.expect(201) for sent in queued]
    assert scene.transactions(first, second, third) == 1
    # In the order of users, in which all batches lock them
    assert first["entry_id"] < second["entry_id"] < third["entry_id"]


def test_a_lone_write_waits_for_nobody(scene):
    """Each was answered before the next one was sent."""
    a, b, *_ = scene.users
    assert scene.transactions(*(scene.log(user, days).expect(201) for user in (a, b) for days in (2, 3))) == 4


def test_a_users_writes_keep_their_order_in_a_batch(stage):
    scene = Scene(stage, WRITE_BATCH=32)
    user, other, *_ = scene.users
    scene.occupy()
    times = [days_ago(2) + timedelta(minutes=minute) for minute in range(5)]
    queued = []
    for start in times:
        queued.append(scene.start(user, start))
        queued.append(scene.log(other, note="between", days=9 - len(queued) // 2))
        scene.heard()
    scene.release()
    answers = [sent.expect(201) for sent in queued]
    assert scene.transactions(*answers) == 1
    starts = answers[::2]
    assert [one["stopped_entry_id"] for one in starts] == [None] + [one["entry_id"] for one in starts[:-1]]


def test_one_that_fails_takes_nothing_from_the_others(scene):
    a, b, c, *_ = scene.users
    scene.occupy()
    missing = Sent(scene.proxy, b, "PUT", "/time-entries/999999/end")
    queued = [scene.log(a), missing, scene.log(c), scene.log(a, days=4)]
    scene.heard()
    scene.release()
    first, refused, second, third = [sent.answer() for sent in queued]
    assert [first.status, second.status, third.status] == [201, 201, 201]
    assert (refused.status, refused.json["code"]) == (404, "entry_not_found")
    assert scene.transactions(first.json, second.json, third.json) == 3
    assert (scene.entries(a), scene.entries(b), scene.entries(c)) == (2, 0, 1)
    # They were a batch: what the first of it had got was given back.
    assert first.json["entry_id"] > len(scene.plugs) + 1


def test_a_refusal_never_rests_on_what_was_taken_back(scene):
    """The second start overlaps the first, which is made anew: that one is named."""
    user, *_ = scene.users
    scene.occupy()
    first, second = scene.in_queue(scene.log(user), scene.log(user))
    scene.release()
    made, refused = sorted((first.answer(), second.answer()), key=lambda answer: answer.status)
    assert (made.status, refused.status, refused.json["code"]) == (201, 409, "entry_overlaps")
    assert refused.json["entry_id"] == made.json["entry_id"]
    assert scene.entries(user) == 1


def test_a_commit_that_fails_takes_nothing_from_the_others(scene):
    a, b, c, *_ = scene.users
    scene.occupy()
    queued = scene.in_queue(scene.log(a), scene.log(b, note="late"), scene.log(c))
    scene.release()
    answers = [sent.answer() for sent in queued]
    assert [answer.status for answer in answers] == [201, 409, 201]
    assert answers[1].json["code"] == "too_late"
    assert (scene.entries(a), scene.entries(b), scene.entries(c)) == (1, 0, 1)
    late = scene.log(b, note="late").answer()
    assert (late.status, late.json["code"]) == (409, "too_late")


def test_nothing_is_acknowledged_before_the_commit_of_all(scene):
    """What PostgreSQL has to say of the first ones is so long that it arrives before the batch is over."""
    a, b, c, *_ = scene.users
    logged = [scene.log(a, days).expect(201)["entry_id"] for days in (3, 4)]
    scene.occupy()
    changes = [Sent(scene.proxy, a, "PATCH", f"/time-entries/{entry}", note="\N{WATCH}" * 2000) for entry in logged]
    changes += [Sent(scene.proxy, a, "PATCH", f"/time-entries/{entry}", note="\N{ALARM CLOCK}" * 2000) for entry in logged]
    queued = scene.in_queue(scene.log(b, note="gate b"), scene.log(c))
    scene.release()
    eventually(lambda: scene.waiting_at_gates() == 1, what="the batch stopped in its middle")
    scene.heard()
    assert not any(sent.is_answered for sent in (*changes, *queued))
    assert scene.stage.value("SELECT count(*) FROM timetrackr.time_entries WHERE length(note) = 2000") == 0
    scene.open("gate b")
    for sent in changes:
        sent.expect(200)
    assert scene.transactions(*(sent.expect(201) for sent in queued)) == 1


def test_a_connection_lost_in_the_middle_of_a_batch_leaves_its_outcome_open(scene):
    a, b, c, *_ = scene.users
    scene.occupy()
    queued = scene.in_queue(scene.log(a), scene.log(b, note="gate b"), scene.log(c))
    scene.release()
    (pid,) = eventually(lambda: scene.backends("wait_event = 'PgSleep'"), what="the batch stopped in its middle")
    scene.stage.query("SELECT pg_terminate_backend(%s)", pid)
    for sent in queued:
        answer = sent.answer()
        assert (answer.status, answer.json["code"]) == (503, "database_unavailable")
    scene.open("gate b")
    # Had one been repeated, it would be ahead of these.
    for user in (a, b, c):
        eventually(lambda: scene.log(user, days=5).answer().status == 201, what="a write after that")
        assert scene.entries(user) == 1


def test_with_a_key_it_is_repeated_when_the_connection_was_lost(scene):
    a, b, *_ = scene.users
    scene.occupy()
    start = days_ago(3)
    body = {"project_id": scene.projects[a.id], "start_time": rfc3339(start),
            "end_time": rfc3339(start + timedelta(hours=1))}
    answers = []
    keyed = threading.Thread(
        target=lambda: answers.append(a.post("/time-entries", body, headers={"Idempotency-Key": "once"})))
    keyed.start()
    lost = scene.log(b, note="gate b")
    scene.heard()
    scene.release()
    (pid,) = eventually(lambda: scene.backends("wait_event = 'PgSleep'"), what="the batch stopped in its middle")
    scene.stage.query("SELECT pg_terminate_backend(%s)", pid)
    lost.expect(503)
    keyed.join(30)
    assert answers[0].status == 201
    assert scene.entries(a) == 1


def test_who_waits_for_a_lock_lets_the_others_go(scene):
    """A lone one, too, which would keep others from its connection."""
    a, b, c, *_ = scene.users
    scene.occupy()
    with scene.stage.postgres.connect(scene.stage.database, autocommit=False) as somebody:
        somebody.execute("SELECT FROM timetrackr.user_totals WHERE user_id = %s FOR UPDATE", [b.id])
        queued = scene.in_queue(scene.log(a), scene.log(b), scene.log(c))
        scene.release()
        assert scene.transactions(queued[0].expect(201), queued[2].expect(201)) == 2
        lone = scene.log(b, days=7)
        eventually(lambda: scene.waiting_for_locks("timetrackr write") == 2, what="both wait elsewhere")
        assert scene.waiting_for_locks(LANE) == 0
        assert not queued[1].is_answered and not lone.is_answered
    queued[1].expect(201)
    lone.expect(201)


def test_who_has_hung_up_is_left_out(scene):
    a, b, *_ = scene.users
    scene.occupy()
    gone, stays = scene.in_queue(scene.log(a), scene.log(b))
    gone.hang_up()
    time.sleep(0.3)  # only of what has waited for 250 ms it is asked
    scene.release()
    stays.expect(201)
    assert scene.entries(a) == 0


def test_an_idempotency_key_twice_in_a_batch_is_one_write(scene):
    user, *_ = scene.users
    scene.occupy()
    start = days_ago(3)
    body = {"project_id": scene.projects[user.id], "start_time": rfc3339(start),
            "end_time": rfc3339(start + timedelta(hours=1))}
    answers = []

    def post():
        client = scene.proxy.client(token=user.client.token)
        answers.append(client.post("/time-entries", body, headers={"Idempotency-Key": "twice"}))

    threads = [threading.Thread(target=post) for _ in range(2)]
    for thread in threads:
        thread.start()
    scene.heard()
    scene.release()
    for thread in threads:
        thread.join(30)
    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].body == answers[1].body
    assert scene.entries(user) == 1


@pytest.mark.parametrize("most", (0, 1))
def test_off_by_a_setting(stage, most):
    scene = Scene(stage, WRITE_BATCH=most)
    assert scene.backends() == []
    queued = [scene.log(user) for user in scene.users]
    assert scene.transactions(*(sent.expect(201) for sent in queued)) == len(queued)


def test_a_batch_has_so_many_writes_at_most(stage):
    scene = Scene(stage, WRITE_BATCH=2)
    scene.occupy()
    queued = [scene.log(user) for user in scene.users[:4]]
    scene.heard()
    scene.release()
    assert scene.transactions(*(sent.expect(201) for sent in queued)) == 2


class Busy(threading.Thread):
    """One of several clients of a user: entries of its own hours, now and then one that is refused."""

    def __init__(self, proxy, user, project, number):
        super().__init__(daemon=True)
        self.user = user
        self.client = proxy.client(token=user.client.token)
        self.project = project
        self.number = number
        self.made = []
        self.unexpected = []
        self.told_to_stop = threading.Event()

    def run(self):
        start = days_ago(400 - 100 * self.number)
        while not self.told_to_stop.is_set():
            start += timedelta(minutes=10)
            if random.random() < 0.1:
                self.ask("PUT", "/time-entries/999999999/end", {}, 404)
            times = {"start_time": rfc3339(start), "end_time": rfc3339(start + timedelta(minutes=5))}
            made = self.ask("POST", "/time-entries", {"project_id": self.project, **times}, 201)
            if made is not None:
                self.made.append(made["entry_id"])
                self.ask("PATCH", f"/time-entries/{made['entry_id']}", {"note": "changed"}, 200)

    def ask(self, method, path, body, expected):
        answer = self.client.call(method, path, body)
        if answer.status == expected:
            return answer.body
        self.unexpected.append((answer.status, answer.body))
        return None


def test_many_users_over_two_event_loops_meet_no_deadlock(stage):
    proxy = stage.proxy(WORKERS=2)
    users = [sign_up(proxy) for _ in range(8)]
    projects = [user.project() for user in users]
    clients = [
        Busy(proxy, user, project, number) for user, project in zip(users, projects) for number in range(3)
    ]
    for client in clients:
        client.start()
    eventually(lambda: all(len(client.made) >= 15 or client.unexpected for client in clients), 90, "work done")
    for client in clients:
        client.told_to_stop.set()
    for client in clients:
        client.join(30)
    assert [client.unexpected for client in clients if client.unexpected] == []
    made = {entry for client in clients for entry in client.made}
    assert {entry for (entry,) in stage.query("SELECT id FROM timetrackr.time_entries WHERE note = 'changed'")} == made
    assert stage.value("SELECT count(*) FROM timetrackr.time_entries") == len(made)
    assert stage.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == 0
    stage.settled()
