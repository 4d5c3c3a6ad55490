"""GET /events: a client is told of what is its own, once, in order, and without
gaps; waits end in time, are bounded, and noticed when nobody waits any more."""

import itertools
import json
import os
import socket
import time

from conftest import sign_up
from followers import Follower, completed, in_background, log_entries
from harness import eventually


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
