"""The stream of events: feeds of several proxies, and the relay
under faults. No event is lost or told twice."""

import signal
import time

from conftest import sign_up
from followers import Follower, completed, in_background, is_drained, leader_of, log_entries
from harness import eventually

CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s"
END_CONNECTIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = %s"
)


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


# ---- several proxies, lost connections ----


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
    proxies = [stage.proxy(WORKERS=2) for _ in range(2)]
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
    proxy = stage.proxy(WORKERS=2, EVENT_TTL=1)
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
    usual = proxy.memory("VmHWM")
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
    assert proxy.memory("VmHWM") < usual + 16 * 1024, "KiB"
    follower = Follower(users[0])
    poll = in_background(follower.poll, 30)
    users[0].project("after all")
    assert poll.join()
