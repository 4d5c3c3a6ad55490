"""Proxies in front of three nodes: an event reaches everybody who is to hear of it once, wherever its user is at
home; without a node its users are refused, and the others go on. (The HTTP, property and fault tests run there, too:
test/part.)"""

import itertools
import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
import requests
from conftest import PASSWORD, days_ago, rfc3339, sign_up
from harness import Live, Mailbox, Nodes, Proxy, Receiver, eventually, free_port
from harness.metrics import scrape
from harness.postgres import PROXY_ROLE
from harness.stage import Stage

_days = itertools.count(2)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """Nodes of these tests' own: they are killed."""
    nodes = Nodes(tmp_path_factory.mktemp("nodes"))
    try:
        yield nodes.start()
    finally:
        nodes.stop()


@pytest.fixture(scope="module")
def mailbox():
    mailbox = Mailbox()
    try:
        yield mailbox
    finally:
        mailbox.stop()


@pytest.fixture(scope="module")
def stage(nodes, mailbox, tmp_path_factory):
    stage = Stage(nodes, tmp_path_factory.mktemp("stage"))
    try:
        stage.settings = {
            "WEBHOOKS_ALLOW_PRIVATE": "true",
            "SMTP_URL": mailbox.url(),
            "MAIL_FROM": "TimeTrackr <noreply@example.com>",
            "PUBLIC_URL": "https://api.example.com",
            "PASSWORD_RESET_URL": "https://app.example.com/reset?token={token}",
        }
        stage.front = stage.proxy(**stage.settings, METRICS_LISTEN=f"127.0.0.1:{free_port()}")
        yield stage
    finally:
        stage.end()


@pytest.fixture(autouse=True)
def nothing_differs(stage):
    yield
    stage.settled(60)
    assert stage.query("SELECT * FROM timetrackr.verify()") == []


def user_at(stage, node):
    """Somebody who is at home on a node."""
    while True:
        try:
            user = sign_up(stage.front)
        except AssertionError as error:  # a node that has come back is known of when it is asked
            assert str(error).startswith("503"), error
            continue
        if stage.postgres.home_of(user.id, stage.database) is node:
            return user


@pytest.fixture
def pair(stage):
    """A user of each worker."""
    return [user_at(stage, worker) for worker in stage.postgres.workers]


def log_entry(user, project):
    return user.entry(project, days_ago(next(_days)), 60)["entry_id"]


def on_each(stage, statement):
    """The rows of a statement on every node."""
    rows = []
    for node in stage.postgres.all:
        with node.connect(stage.database) as connection:
            rows += connection.execute(statement).fetchall()
    return rows


def test_events_of_all_nodes_are_in_one_stream(stage, pair):
    for user in pair:
        after = user.get("/events").next_page
        with Live(stage.front, token=user.session["access_token"]) as live:
            project = user.project()
            entry = log_entry(user, project)
            heard = live.topic("time_entry_completed")
        assert heard["data"]["entry_id"] == entry
        polled = eventually(
            lambda: [e for e in user.get(after).expect(200) if e["topic"] == "time_entry_completed"], what="the event"
        )
        assert [event["data"]["entry_id"] for event in polled] == [entry]
    rows = stage.query("SELECT id FROM timetrackr.stream ORDER BY id")
    assert len(rows) == len(set(rows))


def test_boards_in_redis_are_of_everybody(stage, pair):
    for user in pair:
        log_entry(user, user.project())
    stage.settled(60)
    board = stage.front.client().get("/leaderboard?limit=100").expect(200)
    assert {user.id for user in pair} <= {row["user_id"] for row in board}


def test_webhooks_hear_of_projects_on_other_nodes_once(stage, pair):
    receiver = Receiver()
    try:
        owner, member = pair
        project = owner.project(visibility="public")
        member.post(f"/projects/{project}/join", {}).expect(201)
        for user, path in ((owner, "/owner"), (member, "/member")):
            user.post("/webhooks", {
                "url": receiver.url(path), "topics": ["time_entry_completed"], "project_ids": [project],
            }).expect(201)
        logged = {log_entry(user, project) for user in pair for _ in range(5)}

        def heard(path):
            return [d.data["entry_id"] for d in receiver.deliveries if d.path == path and d.type == "time_entry_completed"]

        for path in ("/owner", "/member"):
            eventually(lambda path=path: set(heard(path)) == logged, 30, "each entry told")
        # What is carried between nodes is told of no second time.
        log_entry(owner, project)
        for path in ("/owner", "/member"):
            eventually(lambda path=path: len(set(heard(path))) == 11, 30, "one more")
            assert len(heard(path)) == 11
    finally:
        receiver.stop()


def test_changes_of_small_tables_wait_for_each_other(stage):
    """Each takes Citus' locks of several tables: in orders of their own they would block one another. (So do moves of
    shards, which come later, and what they leave to be dropped.)"""

    def deadlocks():
        return sum(node.log.read_text().count("deadlock detected") + node.log.read_text().count("distributed deadlock")
                   for node in stage.postgres.all)

    def change(user):
        for number in range(8):
            user.patch("/users/me", {"bio": f"Number {number}"}).expect(200)
            project = user.project(f"Number {number}")
            log_entry(user, user.project())
            user.patch(f"/projects/{project}", {"description": "Changed"}).expect(200)
            user.post(f"/projects/{shared}/join", {}).expect(201)
            user.session = user.post("/auth/refresh", {"refresh_token": user.session["refresh_token"]}).expect(200)
            user.delete(f"/projects/{shared}/members/{user.id}").expect(204)
            user.delete(f"/projects/{project}").expect(204)

    users = [sign_up(stage.front) for _ in range(8)]
    shared = sign_up(stage.front).project(visibility="public")
    before = deadlocks()
    with ThreadPoolExecutor(len(users)) as pool:
        list(pool.map(change, users))
    assert deadlocks() == before


def test_mails_come_from_every_node(stage, mailbox, pair):
    for user in pair:
        stage.front.client().post("/auth/password/forgot", {"email": user.email}).expect(202)
    eventually(lambda: {user.email for user in pair} <= {r for m in mailbox.mails for r in m.recipients}, 30, "mails")
    assert len(mailbox.mails) == 2
    for user in pair:
        user.patch("/users/me", {"email_notifications": "all"}).expect(200)
        log_entry(user, user.project())
    eventually(
        lambda: all(any(user.email in m.recipients and "badge" in m.text for m in mailbox.mails) for user in pair),
        30, "mails of the first badge",
    )


class Load(threading.Thread):
    """Logs entry after entry, and keeps what was answered."""

    def __init__(self, user):
        super().__init__(daemon=True)
        self.user = user
        self.project = user.project()
        self.acknowledged = []
        self.refused = []
        self.ended = threading.Event()

    def run(self):
        for number in itertools.count():
            if self.ended.is_set():
                return
            start = days_ago(200, 0) + number * timedelta(minutes=30)
            body = {"start_time": rfc3339(start), "end_time": rfc3339(start + timedelta(minutes=15))}
            try:
                answer = self.user.post("/time-entries", {"project_id": self.project, **body})
            except requests.RequestException:
                self.refused.append("lost")
                continue
            if answer.status == 201:
                self.acknowledged.append(answer.body["entry_id"])
            else:
                self.refused.append(answer.status)

    def goes_on(self, count=10):
        goal = len(self.acknowledged) + count
        eventually(lambda: len(self.acknowledged) >= goal, 60, "more entries")

    def end(self):
        self.ended.set()
        self.join(30)
        assert not self.is_alive()


@pytest.fixture
def loads(pair):
    loads = [Load(user) for user in pair]
    for load in loads:
        load.start()
    yield loads
    for load in loads:
        load.end()


def told(stage, load):
    """How often each of the user's entries is in the stream that clients hear."""
    return stage.query(
        "SELECT payload ->> 'entry_id', count(*) FROM timetrackr.stream"
        " WHERE topic = 'time_entry_completed' AND user_id = %s GROUP BY 1", load.user.id
    )


def each_is_told_once(stage, load):
    expected = {(str(entry), 1) for entry in load.acknowledged}
    eventually(lambda: expected <= set(told(stage, load)), 60, "every entry in the stream, once")
    assert all(count == 1 for _, count in told(stage, load))


def stuck(stage):
    return scrape(stage.front.settings["METRICS_LISTEN"]).sum("timetrackr_carriers_stuck")


def test_a_node_that_is_down_takes_only_its_users_along(stage, loads):
    of_it, other = loads
    node = stage.postgres.home_of(of_it.user.id, stage.database)
    for load in loads:
        load.goes_on()
    node.kill()
    eventually(lambda: of_it.refused, 60, "a refusal")
    other.goes_on(20)
    eventually(lambda: stuck(stage) == 2, 10, "both ways to it seen to be stuck")
    assert set(of_it.refused) <= {503, 504}
    assert other.refused == []
    profile = other.user.client.get(f"/users/{of_it.user.id}/profile")
    assert profile.status in (503, 504)
    node.start()
    of_it.goes_on()
    for load in loads:
        load.end()
        each_is_told_once(stage, load)
    eventually(lambda: stuck(stage) == 0, 10, "events carried again")


def test_the_leader_is_killed_while_it_carries(stage, loads):
    second = stage.proxy(**stage.settings)
    try:
        for _ in range(3):
            for load in loads:
                load.goes_on()
            leader = next(p for p in (stage.front, second) if p.is_running())
            leader.popen.send_signal(signal.SIGKILL)
            leader.popen.wait()
            leader.start()
        for load in loads:
            load.end()
            each_is_told_once(stage, load)
    finally:
        second.stop()


def move(stage, user, source, target):
    """Move the user's shard; false when others were in the way."""
    try:
        stage.query(
            "SELECT citus_move_shard_placement(get_shard_id_for_distribution_column('timetrackr.user_totals', %s::bigint),"
            " '127.0.0.1', %s, '127.0.0.1', %s, shard_transfer_mode => 'block_writes')",
            user.id, source.port, target.port,
        )
    except psycopg.errors.DeadlockDetected:
        return False
    return True


def test_a_shard_moves_under_requests(stage, loads):
    moving, _ = loads
    source = stage.postgres.home_of(moving.user.id, stage.database)
    target = next(worker for worker in stage.postgres.workers if worker is not source)
    for load in loads:
        load.goes_on()
    eventually(lambda: move(stage, moving.user, source, target), 60, "the shard moved")
    for load in loads:
        load.goes_on()
        load.end()
        assert load.refused == []
        each_is_told_once(stage, load)
    assert stage.postgres.home_of(moving.user.id, stage.database) is target


def test_what_comes_from_another_node_is_answered_as_here(stage, pair):
    """Errors keep status, code and field, whether the proxy or the database found them, here or there."""
    for user in pair:
        problem = user.post("/time-entries", {"project_id": 12345}).expect(404)
        assert (problem["code"], problem["field"]) == ("project_not_found", "project_id")
        problem = user.put("/auth/password", {"current_password": "wrong", "new_password": PASSWORD}).expect(403)
        assert problem["code"] == "wrong_password"


def test_who_is_refused_costs_no_connection(stage, pair):
    """Citus gives up the one on which a statement has failed, and needs another for the next call."""
    for user, node in zip(pair, stage.postgres.workers):
        with node.connect(stage.database) as connection:
            began = None
            for _ in range(2):
                for _ in range(10):
                    user.post("/time-entries", {"project_id": 12345}).expect(404, "project_not_found")
                    user.put("/time-entries/12345/end", {}).expect(404, "entry_not_found")
                    user.get("/time-entries/12345").expect(404, "entry_not_found")
                    user.get("/time-entries").expect(200)
                    user.post("/notifications/read", {"ids": [1]}).expect(204)
                began = began or connection.execute("SELECT clock_timestamp()").fetchone()[0]
            new = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'citus_internal%%'"
                " AND usename = %s AND backend_start > %s",
                [PROXY_ROLE, began],
            ).fetchone()[0]
        assert new == 0


def test_passwords_get_into_no_log(stage, pair):
    """Citus writes what it sends on into statements; the server would log those of errors."""
    secret = "a secret that is looked for"
    for user in pair:
        user.put("/auth/password", {"current_password": secret, "new_password": "x"}).expect(422)
        user.put("/auth/password", {"current_password": secret, "new_password": "y" * 30})
    for node in stage.postgres.all:
        assert secret not in node.log.read_text()
    assert json.dumps(secret) not in stage.front.log.read_text()


def test_who_hears_of_a_node_is_checked(stage, tmp_path):
    """A node that is not named is missed at the start, one that is away by --check."""
    settings = stage.postgres.proxy_settings(stage.database)
    urls = settings["EVENT_DATABASE_URLS"].split()
    assert "nodes_unheard" not in stage.front.log.read_text()
    partly = Proxy(tmp_path / "partly", **{**settings, "EVENT_DATABASE_URLS": urls[0]}).start()
    try:
        assert '"nodes_unheard"' in partly.log.read_text()
    finally:
        partly.stop()
    assert Proxy(tmp_path / "right", **settings).run_to_end("--check")[0] == 0
    nowhere = urls[1].replace(f":{stage.postgres.workers[1].port}/", f":{free_port()}/")
    status, output = Proxy(tmp_path / "wrong", **{**settings, "EVENT_DATABASE_URLS": f"{urls[0]} {nowhere}"}).run_to_end("--check")
    assert status > 0 and output.startswith("EVENT_DATABASE_URLS: "), output
