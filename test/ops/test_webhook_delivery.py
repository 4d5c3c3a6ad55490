"""Webhooks arrive: signed, at least once, whatever happens to proxy, receiver or network; and who does
not answer delays nobody else."""

import itertools
import time
from datetime import timedelta

import pytest
from conftest import days_ago, sign_up
from harness import Receiver, eventually
from harness.stage import Stage

_days = itertools.count(2)


@pytest.fixture(scope="module")
def hooked(postgres, tmp_path_factory):
    """A database of this file's own, with one proxy that lets webhooks lead to this machine."""
    stage = Stage(postgres, tmp_path_factory.mktemp("hooked"))
    try:
        stage.front = stage.proxy(redis=False, WEBHOOKS_ALLOW_PRIVATE="true")
        yield stage
    finally:
        stage.end()


@pytest.fixture
def receiver():
    server = Receiver()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def ann(hooked):
    return sign_up(hooked.front)


def make(user, url, **fields):
    return user.post("/webhooks", {"url": url, **fields}).expect(201)


def log_entry(user, project, seconds=60):
    """The id of a finished entry that overlaps no other."""
    return user.entry(project, days_ago(next(_days)), seconds)["entry_id"]


def entries(deliveries):
    return [delivery.data["entry_id"] for delivery in deliveries if delivery.type == "time_entry_completed"]


def deliveries_of(user, hook):
    return user.get(f"/webhooks/{hook['webhook_id']}/deliveries?limit=100").expect(200)


def hurry(stage):
    """Whatever waits to be sent again is due now."""
    stage.query("UPDATE timetrackr.webhook_deliveries SET run_at = now() WHERE status = 'pending'")
    stage.query("UPDATE timetrackr.webhooks SET paused_until = NULL, due_at = now() WHERE enabled AND NOT sending")
    stage.query("NOTIFY timetrackr_outbound")


def test_events_arrive_signed_and_in_order(hooked, receiver, ann):
    hook = make(ann, receiver.url(), topics=["time_entry_completed"])
    project = ann.project()
    logged = [log_entry(ann, project) for _ in range(5)]
    eventually(lambda: entries(receiver.deliveries)[4:], what="deliveries")
    assert entries(receiver.deliveries) == logged
    assert len({delivery.id for delivery in receiver.deliveries}) == 5
    for delivery in receiver.deliveries:
        delivery.check(hook["secret"])
        assert delivery.id.startswith("evt_")
        assert delivery.data["user_id"] == ann.id and delivery.data["project_id"] == project
    rows = eventually(lambda: [r for r in deliveries_of(ann, hook) if r["status"] == "delivered"][4:] and deliveries_of(ann, hook))
    assert [row["message_id"] for row in rows] == [delivery.id for delivery in receiver.deliveries][::-1]
    assert all((row["attempts"], row["last_status"], row["last_error"]) == (1, 204, None) for row in rows)


def test_topics_and_owners_are_kept_apart(hooked, receiver, ann):
    bob = sign_up(hooked.front)
    make(ann, receiver.url("/badges"), topics=["badge_awarded"])
    make(ann, receiver.url("/all"))
    off = make(ann, receiver.url("/off"), enabled=False)
    make(bob, receiver.url("/bob"))
    log_entry(ann, ann.project())
    eventually(lambda: receiver.of("/badges") and entries(receiver.of("/all")), what="deliveries")
    assert {delivery.type for delivery in receiver.of("/badges")} == {"badge_awarded"}
    assert {"project_created", "badge_awarded", "notification_created"} <= {delivery.type for delivery in receiver.of("/all")}
    bobs = log_entry(bob, bob.project())
    eventually(lambda: entries(receiver.of("/bob")) == [bobs], what="bob's")
    assert {delivery.data["user_id"] for delivery in receiver.of("/bob")} == {bob.id}
    assert {delivery.data["user_id"] for delivery in receiver.of("/all")} == {ann.id}
    assert receiver.of("/off") == [] and deliveries_of(ann, off) == []


def test_a_project_is_heard_of_as_long_as_it_may_be_seen(hooked, receiver, ann):
    bob = sign_up(hooked.front)
    project = ann.project("Secret", visibility="private")
    ann.put(f"/projects/{project}/members/{bob.id}", {"role": "contributor"}).expect(200)
    hook = make(bob, receiver.url(), topics=["time_entry_completed"], project_ids=[project])
    first = log_entry(ann, project)
    eventually(lambda: entries(receiver.of()) == [first], what="ann's entry")
    receiver.answers["/hook"] = 500
    second = log_entry(ann, project)
    eventually(lambda: entries(receiver.of())[1:] == [second], what="an attempt")
    ann.delete(f"/projects/{project}/members/{bob.id}").expect(204)
    receiver.answers["/hook"] = 204
    log_entry(ann, project)
    hurry(hooked)
    eventually(lambda: deliveries_of(bob, hook)[0]["status"] == "failed", what="the second given up")
    assert "seen" in deliveries_of(bob, hook)[0]["last_error"]
    mine = log_entry(bob, bob.project())
    eventually(lambda: entries(receiver.of())[-1] == mine, what="bob's own")
    assert entries(receiver.of()) == [first, second, mine]
    assert len(deliveries_of(bob, hook)) == 3, "what he may not see was written down"


def test_a_failure_is_tried_again_later_with_the_same_id(hooked, receiver, ann):
    hook = make(ann, receiver.url(), topics=["time_entry_completed"])
    receiver.answers["/hook"] = lambda delivery: (503, {"Retry-After": "3000"}) if len(receiver.of()) < 2 else (302, {"Location": "/other"})
    log_entry(ann, ann.project())
    failed = eventually(lambda: [row for row in deliveries_of(ann, hook) if row["last_status"] == 503], what="a failure")[0]
    assert failed["status"] == "pending" and failed["attempts"] == 1
    wait = hooked.value(
        "SELECT extract(epoch FROM least(d.run_at, w.due_at, w.paused_until) - now())::int FROM timetrackr.webhook_deliveries d"
        " JOIN timetrackr.webhooks w ON w.id = d.webhook_id WHERE d.id = %s", failed["delivery_id"])
    assert 2900 < wait <= 3000
    hurry(hooked)
    eventually(lambda: deliveries_of(ann, hook)[0]["last_status"] == 302, what="the second attempt")
    receiver.answers["/hook"] = 200
    hurry(hooked)
    eventually(lambda: deliveries_of(ann, hook)[0]["status"] == "delivered", what="the third attempt")
    assert len({delivery.id for delivery in receiver.deliveries}) == 1
    assert len({delivery.body for delivery in receiver.deliveries}) == 1
    assert [delivery.path for delivery in receiver.deliveries] == ["/hook"] * 3, "a redirect was followed"
    for delivery in receiver.deliveries:
        delivery.check(hook["secret"])
    assert ann.get(f"/webhooks/{hook['webhook_id']}").expect(200)["failing_since"] is None


def test_ten_attempts_are_the_last(hooked, receiver, ann):
    hook = make(ann, receiver.url(), topics=["time_entry_completed"])
    receiver.answers["/hook"] = 500
    log_entry(ann, ann.project())
    eventually(lambda: deliveries_of(ann, hook)[:1] and deliveries_of(ann, hook)[0]["attempts"] == 1, what="an attempt")
    hooked.query("UPDATE timetrackr.webhook_deliveries SET attempts = 9 WHERE webhook_id = %s", hook["webhook_id"])
    hurry(hooked)
    eventually(lambda: deliveries_of(ann, hook)[0]["status"] == "failed", what="the last one")
    assert deliveries_of(ann, hook)[0]["attempts"] == 10
    receiver.answers["/hook"] = 204
    ann.post(f"/webhooks/{hook['webhook_id']}/deliveries/{deliveries_of(ann, hook)[0]['delivery_id']}/retry").expect(202)
    eventually(lambda: deliveries_of(ann, hook)[0]["status"] == "delivered", what="once more, by hand")


def test_who_is_gone_or_fails_for_days_is_disabled_and_told(hooked, receiver, ann):
    gone = make(ann, receiver.url("/gone"), topics=["time_entry_completed"])
    failing = make(ann, receiver.url("/failing"), topics=["time_entry_completed"])
    receiver.answers.update({"/gone": 410, "/failing": 500})
    log_entry(ann, ann.project())
    eventually(lambda: receiver.of("/gone") and deliveries_of(ann, failing)[:1] and deliveries_of(ann, failing)[0]["last_status"], what="attempts")
    hooked.query("UPDATE timetrackr.webhooks SET failing_since = now() - interval '6 days' WHERE id = %s", failing["webhook_id"])
    hurry(hooked)
    for hook, reason in ((gone, "gone"), (failing, "failing")):
        path = f"/webhooks/{hook['webhook_id']}"
        eventually(lambda: ann.get(path).expect(200)["disabled_reason"] == reason, what=reason)
        assert ann.get(path).expect(200)["enabled"] is False
    told = {row["payload"]["webhook_id"]: row["payload"]["reason"]
            for row in ann.get("/notifications").expect(200) if row["kind"] == "webhook_disabled"}
    assert told == {gone["webhook_id"]: "gone", failing["webhook_id"]: "failing"}
    # what waited goes on when it is enabled again
    receiver.answers["/failing"] = 204
    ann.patch(f"/webhooks/{failing['webhook_id']}", {"enabled": True}).expect(200)
    hurry(hooked)
    eventually(lambda: deliveries_of(ann, failing)[0]["status"] == "delivered", what="the delivery that waited")
    assert ann.get(f"/webhooks/{failing['webhook_id']}").expect(200)["disabled_reason"] is None


def test_a_new_secret_and_the_one_before_both_sign(hooked, receiver, ann):
    hook = make(ann, receiver.url(), topics=["time_entry_completed"])
    path = f"/webhooks/{hook['webhook_id']}"
    rotated = ann.post(f"{path}/secret").expect(200)
    sent = ann.post(f"{path}/test").expect(202)
    eventually(lambda: receiver.deliveries, what="a ping")
    receiver.deliveries[0].check(rotated["secret"], hook["secret"])
    assert receiver.deliveries[0].type == "ping" and receiver.deliveries[0].id == sent["message_id"]
    hooked.query("UPDATE timetrackr.webhooks SET previous_until = now() WHERE id = %s", hook["webhook_id"])
    ann.post(f"{path}/test").expect(202)
    eventually(lambda: len(receiver.deliveries) == 2, what="another")
    receiver.deliveries[1].check(rotated["secret"])
    assert receiver.deliveries[1].signatures_of(hook["secret"]) == [False]


def test_who_is_slow_delays_only_himself(hooked, receiver, ann):
    slow = Receiver()
    try:
        slow.answers["/hook"] = lambda delivery: (time.sleep(6), (204, {}))[1]
        eve = sign_up(hooked.front)
        for _ in range(10):
            make(eve, slow.url(), topics=["time_entry_completed"])
        make(ann, receiver.url(), topics=["time_entry_completed"])
        theirs, project = eve.project(), ann.project()
        for _ in range(3):
            log_entry(eve, theirs)
        eventually(lambda: len(slow.deliveries) == 10, what="ten slow ones under way")
        logged = [log_entry(ann, project) for _ in range(3)]
        eventually(lambda: entries(receiver.deliveries) == logged, seconds=4, what="ann's deliveries")
        assert len(slow.deliveries) == 10, "one at a time for each"
    finally:
        hooked.query("DELETE FROM timetrackr.webhooks WHERE user_id = %s", eve.id)
        slow.stop()


def test_nothing_is_lost_when_the_proxy_is_killed(postgres, tmp_path, receiver):
    stage = Stage(postgres, tmp_path)
    try:
        proxy = stage.proxy(redis=False, WEBHOOKS_ALLOW_PRIVATE="true")
        ann = sign_up(proxy)
        hook = make(ann, receiver.url(), topics=["time_entry_completed"])
        receiver.answers["/hook"] = lambda delivery: (time.sleep(2), (204, {}))[1]
        logged = [log_entry(ann, ann.project()) for _ in range(2)]
        eventually(lambda: receiver.deliveries, what="one under way")
        proxy.kill()
        receiver.answers["/hook"] = 204
        proxy.start()
        ann = type(ann)(proxy.client(token=ann.client.token), ann.session, ann.email)
        eventually(lambda: [row["status"] for row in deliveries_of(ann, hook)] == ["delivered"] * 2, 20, "both delivered")
        assert entries(receiver.deliveries) == [logged[0], *logged]
        assert receiver.deliveries[0].id == receiver.deliveries[1].id
        # and the next leader goes on where this one ends
        stage.proxy(redis=False, WEBHOOKS_ALLOW_PRIVATE="true")
        proxy.kill()
        third = stage.proxies[1]
        ann = type(ann)(third.client(token=ann.client.token), ann.session, ann.email)
        last = log_entry(ann, ann.project())
        eventually(lambda: entries(receiver.deliveries)[-1] == last, 20, "the next leader's")
    finally:
        stage.end()


def test_a_private_network_is_refused_whatever_the_name(postgres, tmp_path, receiver):
    stage = Stage(postgres, tmp_path)
    try:
        proxy = stage.proxy(redis=False)
        ann = sign_up(proxy)
        hook = make(ann, f"https://localhost:{receiver.port}/hook")
        hosts = [f"http://{host}:{receiver.port}/hook" for host in ("localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433")]
        for url in hosts:
            # registered while it was allowed
            stage.query("UPDATE timetrackr.webhooks SET url = %s WHERE id = %s", url, hook["webhook_id"])
            sent = ann.post(f"/webhooks/{hook['webhook_id']}/test").expect(202)["delivery_id"]
            row = eventually(lambda: [r for r in deliveries_of(ann, hook) if r["delivery_id"] == sent and r["last_error"]], what=url)[0]
            assert "not allowed" in row["last_error"], row
        assert receiver.deliveries == []
    finally:
        stage.end()


def test_who_deletes_webhook_or_account_meanwhile_harms_nobody(hooked, receiver, ann):
    bob = sign_up(hooked.front)
    receiver.answers["/hook"] = lambda delivery: (time.sleep(1), (500, {}))[1]
    hook = make(ann, receiver.url())
    make(bob, receiver.url())
    ann.post(f"/webhooks/{hook['webhook_id']}/test").expect(202)
    log_entry(bob, bob.project())
    eventually(lambda: len(receiver.deliveries) == 2, what="both under way")
    ann.delete(f"/webhooks/{hook['webhook_id']}").expect(204)
    bob.delete("/users/me", {"password": "correct horse battery"}).expect(204)
    cyd = sign_up(hooked.front)
    make(cyd, receiver.url("/cyd"), topics=["time_entry_completed"])
    logged = log_entry(cyd, cyd.project())
    eventually(lambda: entries(receiver.of("/cyd")) == [logged], what="cyd's")
    assert hooked.value("SELECT count(*) FROM timetrackr.webhook_deliveries WHERE user_id IN (%s, %s)", ann.id, bob.id) == 0


def test_old_deliveries_go(hooked, receiver, ann):
    hook = make(ann, receiver.url())
    ann.post(f"/webhooks/{hook['webhook_id']}/test").expect(202)
    eventually(lambda: receiver.deliveries, what="a ping")
    hooked.query("UPDATE timetrackr.webhook_deliveries SET created_at = now() - %s WHERE user_id = %s", timedelta(days=15), ann.id)
    assert hooked.value("SELECT timetrackr.tidy_outbound()") is False
    assert deliveries_of(ann, hook) == []
