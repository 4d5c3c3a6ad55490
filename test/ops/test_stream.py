"""The stream of events: long polls, feeds of several proxies, and the relay
under faults. No event is lost or told twice, and none to whom it is not for."""

import itertools
import json
import os
import signal
import socket
import threading
import time

import pytest
from conftest import days_ago, sign_up
from harness import eventually
from harness.stage import Stage

CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s"
END_CONNECTIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = %s"
)


@pytest.fixture
def stage(postgres, tmp_path):
    stage = Stage(postgres, tmp_path)
    try:
        yield stage
    finally:
        stage.end()


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


# ---- what clients get ----


def test_a_client_gets_its_own_events_once_and_in_order(stage):
    proxy = stage.proxy()
    ann, bob = sign_up(proxy, "ann"), sign_up(proxy, "bob")
    project, others = ann.project(), bob.project()
    follower, stranger = Follower(ann), Follower(bob)
    entries = []
    for number in range(20):
        entries += log_entries(ann, project, 1, number + 1)
        log_entries(bob, others, 1, number + 1)
    events = follower.until(lambda events: len(completed(events)) == 20)
    assert completed(events) == entries
    assert {event["data"]["user_id"] for event in events} == {ann.id}
    theirs = stranger.until(lambda events: len(completed(events)) == 20)
    assert {event["data"]["user_id"] for event in theirs} == {bob.id}


def test_nothing_is_missed_between_the_first_call_and_the_next(stage):
    proxy = stage.proxy()
    ann = sign_up(proxy, "ann")
    project = ann.project()
    first = ann.get("/events")
    assert first.expect(200) == []
    entries = log_entries(ann, project, 3)
    found = []
    path = first.next_page
    while len(completed(found)) < 3:
        answer = ann.get(path)
        assert answer.expect(200), "an empty answer before its time"
        found += answer.body
        path = answer.next_page
    assert completed(found) == entries


def test_pages_hold_as_many_as_asked_for(stage):
    proxy = stage.proxy()
    ann = sign_up(proxy, "ann")
    project = ann.project()
    start = ann.get("/events").next_page.partition("after=")[2].partition("&")[0]
    entries = log_entries(ann, project, 5)
    eventually(lambda: len(completed(ann.get(f"/events?after={start}&wait=0").expect(200))) == 5, what="5 entries")
    everything = ann.get(f"/events?after={start}&wait=0").expect(200)
    paged, path = [], f"/events?after={start}&limit=2&wait=0"
    for _ in range(len(everything)):
        answer = ann.get(path)
        assert len(answer.expect(200)) <= 2
        paged += answer.body
        path = answer.next_page.replace("wait=20", "wait=0")
    assert paged == everything
    assert completed(everything) == entries
    assert ann.get("/events?after=0&wait=0&limit=100").expect(200)[-len(everything):] == everything


def test_a_wait_ends_with_the_event_or_with_its_time(stage):
    proxy = stage.proxy()
    ann, bob = sign_up(proxy, "ann"), sign_up(proxy, "bob")
    project, others = ann.project(), bob.project()
    stage.settled()
    follower = Follower(ann)
    begin = time.monotonic()
    assert ann.get(follower.path.replace("wait=20", "wait=1")).expect(200) == []
    assert time.monotonic() - begin >= 1

    begin = time.monotonic()
    poll = in_background(follower.poll, 30)
    log_entries(bob, others, 1)
    log_entries(ann, project, 1)
    assert poll.join()
    assert time.monotonic() - begin < 20
    assert {event["data"]["user_id"] for event in follower.events} == {ann.id}
    # without an id: from now on
    poll = in_background(ann.get, "/events?wait=30")
    days = itertools.count(3)
    eventually(lambda: log_entries(ann, project, 1, next(days)) and not poll.is_alive(), what="the answer", seconds=20)
    assert poll.join().expect(200)


def test_what_is_wrong_is_refused(stage):
    proxy = stage.proxy()
    ann = sign_up(proxy, "ann")
    proxy.client().get("/events").expect(401)
    ann.get("/events?wait=31").expect(422, "out_of_range", "wait")
    ann.get("/events?wait=-1").expect(422, "out_of_range", "wait")
    ann.get("/events?limit=101").expect(422, "out_of_range", "limit")
    ann.get("/events?after=x").expect(400, "invalid_parameter", "after")
    ann.get("/events?after=1&wait=0").expect(200)
    ann.get("/events?after=99999999999999999").expect(410, "events_gone", "after")
    stage.query("DELETE FROM timetrackr.users WHERE id = %s", ann.id)
    ann.get("/events").expect(401, "invalid_token")


def test_events_that_are_no_longer_kept_are_told(stage):
    proxy = stage.proxy(EVENT_TTL=1)
    ann, idle = sign_up(proxy, "ann"), sign_up(proxy, "idle")
    project = ann.project()
    old = Follower(idle).path.replace("wait=20", "wait=0")
    days = itertools.count(1)
    eventually(
        lambda: log_entries(ann, project, 1, next(days)) and ann.get(old).status == 410, seconds=30, what="old events pruned"
    )
    idle.get(old).expect(410, "events_gone", "after")


def test_who_is_idle_but_goes_on_where_the_link_says_misses_nothing(stage):
    proxy = stage.proxy(EVENT_TTL=3)
    ann, idle = sign_up(proxy, "ann"), sign_up(proxy, "idle")
    project = ann.project()
    follower = Follower(idle)
    first = stage.value("SELECT min(id) FROM timetrackr.stream")

    def pruned():
        log_entries(ann, project, 1)
        ann.delete(f"/time-entries/{ann.get('/time-entries').body[0]['entry_id']}").expect(204)
        follower.poll(wait=0)
        return stage.value("SELECT kept_after FROM timetrackr.relay") > first

    eventually(pruned, seconds=60, what="pruning")
    idle.project("at last")
    follower.until(lambda events: any(event["topic"] == "project_created" for event in events))


def test_a_large_event_comes_whole(stage):
    proxy = stage.proxy()
    ann = sign_up(proxy, "ann")
    stage.settled()
    follower = Follower(ann)
    payload = {"user_id": ann.id, "text": 'ä"\\' * 5000}
    poll = in_background(follower.poll, 30)
    stage.query("INSERT INTO timetrackr.outbox (topic, payload) VALUES ('score_changed', %s)", json.dumps(payload))
    assert [event["data"] for event in poll.join()] == [payload]


def test_leaderboard_changes_are_told_to_nobody_in_particular_and_rarely(stage):
    proxy = stage.proxy()
    ann = sign_up(proxy, "ann")
    project = ann.project()
    stage.settled()
    begin = stage.value("SELECT timetrackr.stream_position()")
    began = time.monotonic()
    log_entries(ann, project, 60)
    eventually(
        lambda: stage.value("SELECT boards_changed FROM timetrackr.relay") == [] and is_drained(stage),
        what="all told",
    )
    seconds = time.monotonic() - began
    changes = stage.query(
        "SELECT user_id, project_id, for_all FROM timetrackr.stream WHERE topic = 'leaderboard_changed' AND id > %s",
        begin,
    )
    assert 1 <= len(changes) <= seconds + 2
    assert set(changes) == {(None, None, True)}
    assert stage.query("SELECT DISTINCT topic FROM timetrackr.stream WHERE for_all") <= [
        ("badges_changed",),
        ("leaderboard_changed",),
    ]


# ---- bounds ----


def raw_poll(proxy, user, wait=30):
    """A long poll on a socket of its own, without waiting for the answer."""
    connection = socket.create_connection(("127.0.0.1", int(proxy.settings["PORT"])), timeout=60)
    connection.sendall(
        f"GET /events?wait={wait} HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {user.session['access_token']}\r\n\r\n".encode()
    )
    return connection


def read_status(connection):
    return int(connection.recv(65536).split(b" ", 2)[1])


def sockets(proxy):
    count = 0
    for fd in os.listdir(f"/proc/{proxy.pid}/fd"):
        try:
            count += os.readlink(f"/proc/{proxy.pid}/fd/{fd}").startswith("socket:")
        except FileNotFoundError:
            continue
    return count


def test_a_user_who_waits_too_often_ends_his_own_oldest_wait(stage):
    proxy = stage.proxy(WORKERS=1)
    ann, bob = sign_up(proxy, "ann"), sign_up(proxy, "bob")
    stage.settled()
    other = raw_poll(proxy, bob)
    polls = [raw_poll(proxy, ann) for _ in range(5)]
    last = raw_poll(proxy, ann)
    ready = eventually(lambda: [poll for poll in polls if is_readable(poll)], what="an answer")
    assert len(ready) == 1
    assert read_status(ready[0]) == 200
    assert not is_readable(last) and not is_readable(other)
    for poll in (*polls, last, other):
        poll.close()


def is_readable(connection):
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) is not None
    except BlockingIOError:
        return False
    finally:
        connection.settimeout(60)


def test_too_many_waits_are_refused_and_others_served(stage):
    proxy = stage.proxy(WORKERS=1)
    stage.query(
        "INSERT INTO timetrackr.users (email, username) SELECT n || '@example.com', 'many' || n FROM generate_series(1, 110) n"
    )
    ann = sign_up(proxy, "ann")
    stage.settled()
    tokens = [make_token(user_id) for (user_id,) in stage.query("SELECT id FROM timetrackr.users WHERE username LIKE 'many%%'")]
    polls = []
    try:
        for token in tokens:
            ann.session["access_token"] = token
            polls += [raw_poll(proxy, ann) for _ in range(5)]
        refused = eventually(lambda: [poll for poll in polls if is_readable(poll)], what="refusals")
        eventually(lambda: sum(map(is_readable, polls)) == 50, what="all over 500 refused")
        assert read_status(refused[0]) == 503
        proxy.client().get("/badges").expect(200)
    finally:
        for poll in polls:
            poll.close()
    # the places of those who have gone are free again
    eventually(lambda: ann.get("/events?wait=1").status == 200, what="a place")


def make_token(user_id):
    """An access token as the proxy makes them."""
    import base64
    import hashlib
    import hmac

    from harness.proxy import JWT_SECRET

    def encode(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    now = int(time.time())
    claims = {"iss": "timetrackr", "sub": str(user_id), "iat": now, "exp": now + 3600, "role": "user"}
    text = encode(b'{"alg":"HS256","typ":"JWT"}') + "." + encode(json.dumps(claims).encode())
    return text + "." + encode(hmac.new(JWT_SECRET.encode(), text.encode(), hashlib.sha256).digest())


def test_a_client_that_hangs_up_is_noticed(stage):
    proxy = stage.proxy(WORKERS=1)
    users = [sign_up(proxy, f"user{n}") for n in range(4)]
    stage.settled()
    for user in users:
        user.client.session.close()
    before = eventually(lambda: sockets(proxy), what="sockets")
    polls = [raw_poll(proxy, user) for user in users for _ in range(4)]
    eventually(lambda: sockets(proxy) >= before + 16, what="connections")
    for poll in polls:
        poll.close()
    eventually(lambda: sockets(proxy) <= before, what="connections closed", seconds=15)


def test_shutting_down_answers_who_waits(stage):
    proxy = stage.proxy()
    ann = sign_up(proxy, "ann")
    stage.settled()
    polls = [in_background(ann.get, "/events?wait=30") for _ in range(2)]
    eventually(lambda: sockets(proxy) > 0 and all(poll.is_alive() for poll in polls), what="polls")
    raw = raw_poll(proxy, ann)
    eventually(lambda: not is_readable(raw) and ann.client.get("/events").status == 200, what="a wait")
    begin = time.monotonic()
    proxy.stop()
    assert time.monotonic() - begin < 9
    assert [poll.join().expect(200) for poll in polls] == [[], []]
    assert read_status(raw) == 200


# ---- several proxies, lost connections ----


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


def test_events_reach_clients_of_every_proxy(stage):
    proxies = [stage.proxy() for _ in range(3)]
    ann = sign_up(proxies[0], "ann")
    project = ann.project()
    followers = [Follower(ann, proxy) for proxy in proxies]
    polls = [in_background(follower.poll, 30) for follower in followers]
    entries = log_entries(ann, project, 5)
    for poll in polls:
        poll.join()
    for follower in followers:
        follower.until(lambda events: completed(events) == entries)


def test_nothing_is_lost_with_the_feeds_connections(stage):
    proxies = [stage.proxy() for _ in range(2)]
    ann = sign_up(proxies[0], "ann")
    project = ann.project()
    followers = [Follower(ann, proxy) for proxy in proxies]
    entries = []
    for number in range(5):
        polls = [in_background(follower.poll, 5) for follower in followers]
        assert len(stage.query(END_CONNECTIONS, "timetrackr feed")) == 4
        entries += log_entries(ann, project, 2, 1 + 2 * number)
        for poll in polls:
            poll.join()
        eventually(lambda: stage.value(CONNECTIONS, "timetrackr feed") == 4, what="feeds connected")
    for follower in followers:
        follower.until(lambda events: completed(events) == entries)


def test_a_feed_that_was_away_for_too_long_begins_anew(stage):
    proxy = stage.proxy(EVENT_TTL=1)
    ann = sign_up(proxy, "ann")
    project = ann.project()
    stage.settled()
    stage.query(f'ALTER DATABASE "{stage.database}" CONNECTION LIMIT 0')
    position = stage.value("SELECT timetrackr.stream_position()")
    stage.query(END_CONNECTIONS, "timetrackr feed")

    def pruned():
        stage.query(
            "SELECT timetrackr.start_entry(%s, %s, now() - interval '2 days', now() - interval '47 hours')", ann.id, project
        )
        stage.query("DELETE FROM timetrackr.time_entries WHERE user_id = %s", ann.id)
        return stage.value("SELECT kept_after FROM timetrackr.relay") > position

    eventually(pruned, seconds=60, what="pruning")
    stage.query(f'ALTER DATABASE "{stage.database}" CONNECTION LIMIT -1')
    eventually(lambda: proxy.log.read_text().count('"feed_reset"') == 2, seconds=30, what="both feeds reset")
    follower = Follower(ann)
    poll = in_background(follower.poll, 30)
    ann.project("after all")
    assert poll.join()


def test_noise_on_the_channel_does_no_harm(stage):
    proxy = stage.proxy()
    ann = sign_up(proxy, "ann")
    project = ann.project()
    stage.settled()
    follower = Follower(ann)
    noise = ["", "{}", "null", '{"after": 0, "events": [\n{"id": 1}]}', '{"after": 9e99, "events": [\n', "ä" * 3000]
    poll = in_background(follower.poll, 30)
    for text in noise:
        stage.query("SELECT pg_notify('timetrackr_events', %s)", text)
    entries = log_entries(ann, project, 1)
    poll.join()
    follower.until(lambda events: completed(events) == entries)


def test_events_flow_while_redis_is_away(stage):
    proxy = stage.proxy()
    ann = sign_up(proxy, "ann")
    project = ann.project()
    stage.settled()
    follower = Follower(ann)
    stage.redis.end(signal.SIGKILL)
    entries = log_entries(ann, project, 3)
    follower.until(lambda events: completed(events) == entries, seconds=10)
    stage.redis.start()
    stage.settled()
    # and while it hangs
    stage.redis.popen.send_signal(signal.SIGSTOP)
    entries += log_entries(ann, project, 3, 10)
    try:
        follower.until(lambda events: completed(events) == entries, seconds=20)
    finally:
        stage.redis.popen.send_signal(signal.SIGCONT)
    stage.settled()


# ---- the leader ----


def test_a_leader_that_stands_still_is_replaced(stage):
    proxies = [stage.proxy() for _ in range(2)]
    ann = sign_up(proxies[0], "ann")
    project = ann.project()
    stage.settled()
    leader = leader_of(stage, *proxies)
    other = next(proxy for proxy in proxies if proxy is not leader)
    ann.client.base_url = other.url
    follower = Follower(ann, other)
    leader.popen.send_signal(signal.SIGSTOP)
    entries = log_entries(ann, project, 3)
    follower.until(lambda events: completed(events) == entries, seconds=40)
    assert leader_of(stage, other) is other
    leader.popen.send_signal(signal.SIGCONT)
    eventually(lambda: '"relay_leads_no_more"' in leader.log.read_text(), what="the old leader giving way")
    entries += log_entries(ann, project, 3, 10)
    follower.until(lambda events: completed(events) == entries)
    assert leader_of(stage, leader, other) is other
    stage.settled()


def test_a_stopped_leader_cannot_put_back_what_it_had_read(stage):
    """It is stopped with the old scores in its hands, replaced, and goes on."""
    proxies = [stage.proxy() for _ in range(2)]
    ann = sign_up(proxies[0], "ann")
    project = ann.project()
    log_entries(ann, project, 1)
    stage.settled()
    leader = leader_of(stage, *proxies)
    other = next(proxy for proxy in proxies if proxy is not leader)
    board_member = "timetrackr.board_member(bigint, text, text)"
    quick = stage.value("SELECT pg_get_functiondef(%s::regprocedure)", board_member)
    stage.query(
        "CREATE OR REPLACE FUNCTION timetrackr.board_member(user_id bigint, username text, avatar text)"
        " RETURNS text LANGUAGE plpgsql STABLE AS $$"
        " BEGIN PERFORM pg_sleep(1); RETURN json_build_object('user_id', user_id, 'username', 'too late'); END $$"
    )
    ann.client.base_url = other.url
    log_entries(ann, project, 1, 5)
    eventually(
        lambda: stage.value(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'timetrackr relay'"
            " AND datname = current_database() AND wait_event = 'PgSleep'"
        ),
        what="the leader reading the scores",
    )
    leader.popen.send_signal(signal.SIGSTOP)
    stage.query(quick.replace("%", "%%"))
    log_entries(ann, project, 4, 10)
    stage.settled(60)
    leader.popen.send_signal(signal.SIGCONT)
    eventually(lambda: '"relay_leads_no_more"' in leader.log.read_text(), what="the old leader giving way")
    # the old leader has read all that was waiting for it: from here on it is a follower
    expected = stage.boards_of_sql()["leaderboard:global"]
    end = time.monotonic() + 2
    while time.monotonic() < end:
        assert stage.redis.board("leaderboard:global") == expected
        assert "too late" not in stage.redis.command("HGET", "leaderboard:users", ann.id)


def test_a_long_outbox_is_drained_in_little_memory(stage):
    proxy = stage.proxy(WORKERS=1)
    users = [sign_up(proxy, f"user{number}") for number in range(3)]
    for user in users:
        log_entries(user, user.project(), 3)
    stage.settled()
    usual = peak_memory(proxy)
    proxy.stop()
    stage.query(
        "INSERT INTO timetrackr.outbox (topic, payload)"
        " SELECT (ARRAY['time_entry_completed', 'score_changed', 'notification_created', 'project_changed'])[1 + n %% 4],"
        " jsonb_build_object('user_id', u.id, 'n', n)"
        " FROM generate_series(1, 100000) n"
        " JOIN (SELECT id, row_number() OVER () AS place FROM timetrackr.users) u ON u.place = 1 + n %% 3"
    )
    first = stage.value("SELECT timetrackr.stream_position()")
    proxy.start()
    eventually(lambda: is_drained(stage), seconds=120, what="outbox drained")
    assert stage.value(
        "SELECT count(DISTINCT (payload ->> 'n')::integer) FROM timetrackr.stream WHERE id > %s AND payload ? 'n'", first
    ) == 100000
    assert stage.value("SELECT count(*) FROM timetrackr.stream WHERE id > %s AND payload ? 'n'", first) == 100000
    stage.settled()
    if "sanitize" not in os.environ["TIMETRACKR_PROXY"]:
        assert peak_memory(proxy) < usual + 16 * 1024, "KiB"
    follower = Follower(users[0])
    poll = in_background(follower.poll, 30)
    users[0].project("after all")
    assert poll.join()


def peak_memory(proxy):
    """Peak resident set, in KiB."""
    with open(f"/proc/{proxy.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
