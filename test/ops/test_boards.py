"""Boards in Redis under attack: damage, old copies, other databases, stopped
leaders, events that fail. Whatever is done to Redis, readers see SQL's rows at
once, and Redis equals SQL in the end."""

import itertools
import shutil
import signal
from datetime import timedelta

import pytest
from boards import believes_redis, comes_from_redis, crowd, is_marked, mark
from conftest import days_ago, sign_up
from harness import eventually

WAKE_LOCK = 8391171951110545259
LEADER_LOCK = 8391171951110545260
PAGES = [
    f"{path}{query}"
    for path in ("/leaderboard", "/leaderboard/around/{user}")
    for query in (
        "?limit=3",
        "?period=day&limit=3",
        "?period=week&limit=3",
        "?period=month&limit=3",
        "?metric=badges&limit=3",
        "?limit=100",
    )
]


def test_redis_answers_every_kind_of_page(stage):
    proxy = stage.proxy()
    users = crowd(proxy)
    stage.settled()
    for user in users:
        mark(stage, user)
    for page in PAGES:
        comes_from_redis(proxy, page.format(user=users[2].id))
    comes_from_redis(proxy, proxy.client().get("/leaderboard?limit=2").next_page)


def contents(proxy, paths):
    answers = {path: proxy.client().get(path) for path in paths}
    return {path: (answer.content, answer.next_page) for path, answer in answers.items()}


def test_redis_gives_the_bytes_of_sql(stage):
    proxy = stage.proxy()
    users = crowd(proxy)
    stage.query(
        "UPDATE timetrackr.users SET avatar = 'https://example.org/\"ä\\u0001\\'||chr(1) WHERE id = %s",
        users[0].id,
    )
    stage.settled()
    paths = [page.format(user=user.id) for page in PAGES for user in users]
    paths += [proxy.client().get(f"/leaderboard?limit={limit}").next_page for limit in (1, 2, 3, 4)]
    believes_redis(stage, proxy, users[1])
    by_redis = contents(proxy, paths)
    stage.redis.end(signal.SIGKILL)
    assert contents(proxy, paths) == by_redis


def test_a_cursor_whose_user_has_moved_is_left_to_sql(stage):
    proxy = stage.proxy()
    users = crowd(proxy)
    stage.settled()
    first = proxy.client().get("/leaderboard?limit=2")
    last = next(user for user in users if user.id == first.body[-1]["user_id"])
    believes_redis(stage, proxy, users[0])
    before = [row["user_id"] for row in proxy.client().get(first.next_page).expect(200)]
    last.entry(last.project("another"), days_ago(3), 7200)
    stage.settled()
    assert [row["user_id"] for row in proxy.client().get(first.next_page).expect(200)] == before


DAMAGE = {
    "everything is gone": [("FLUSHALL",)],
    "the state is gone": [("DEL", "leaderboard:state")],
    "a board was evicted": [("DEL", "leaderboard:global")],
    "the users were evicted": [("DEL", "leaderboard:users")],
    "a member is gone": [("ZREMRANGEBYRANK", "leaderboard:global", "0", "0")],
    "a member is too much": [("ZADD", "leaderboard:global", "1e9", "777")],
    "a board is a string": [("SET", "leaderboard:global", "x")],
    "the state is a string": [("SET", "leaderboard:state", "x")],
    "the users are a list": [("DEL", "leaderboard:users"), ("RPUSH", "leaderboard:users", "x")],
    "the sign of life is a hash": [("DEL", "leaderboard:current"), ("HSET", "leaderboard:current", "a", "b")],
    "scripts are gone": [("SCRIPT", "FLUSH")],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_never_shown_and_is_mended(stage, damage):
    proxy = stage.proxy()
    users = crowd(proxy, 3)
    stage.settled()
    believes_redis(stage, proxy, users[0])
    board = proxy.client().get("/leaderboard").expect(200)
    for words in damage:
        stage.redis.command(*words)
    for _ in range(20):
        assert proxy.client().get("/leaderboard").expect(200) == board
    stage.settled()
    users[0].entry(users[0].project("more"), days_ago(2), 60)
    stage.settled()
    mark(stage, users[0])
    comes_from_redis(proxy)


def test_an_old_copy_of_redis_is_not_believed(stage):
    proxy = stage.proxy()
    users = crowd(proxy, 3)
    stage.settled()
    believes_redis(stage, proxy, users[0])
    stage.redis.command("SAVE")
    shutil.copy(stage.redis.directory / "dump.rdb", stage.redis.directory / "old.rdb")
    users[0].entry(users[0].project("more"), days_ago(2), 5 * 3600)
    stage.settled()
    board = proxy.client().get("/leaderboard").expect(200)
    stage.redis.end(signal.SIGKILL)
    shutil.copy(stage.redis.directory / "old.rdb", stage.redis.directory / "dump.rdb")
    stage.redis.start()
    for _ in range(20):
        assert proxy.client().get("/leaderboard").expect(200) == board
    stage.settled()


def test_events_passed_without_redis_are_not_missing_later(stage):
    proxy = stage.proxy()
    users = crowd(proxy, 3)
    stage.settled()
    proxy.stop()
    alone = stage.proxy(redis=False)
    user = sign_up(alone, "newcomer")
    user.entry(user.project(), days_ago(2), 9 * 3600)
    eventually(lambda: stage.value("SELECT count(*) FROM timetrackr.outbox") == 0, what="outbox drained")
    alone.stop()
    board = stage.proxy().client().get("/leaderboard").expect(200)
    assert board[0]["user_id"] == user.id
    assert len(board) == len(users) + 1
    stage.settled()


def test_another_database_does_not_take_redis_away(stage):
    proxy = stage.proxy()
    users = crowd(proxy, 2)
    stage.settled()
    other = stage.proxy(database=stage.new_database())
    stranger = sign_up(other, "stranger")
    stranger.entry(stranger.project(), days_ago(2), 600)
    eventually(lambda: "relay_redis_taken" in other.log.read_text(), what="refusal in the log")
    assert [row["username"] for row in other.client().get("/leaderboard").expect(200)] == ["stranger"]
    mark(stage, users[0])
    comes_from_redis(proxy)
    stage.settled()


def test_a_stopped_leader_makes_readers_ask_sql(stage):
    leader = stage.proxy()
    users = crowd(leader, 2)
    stage.settled()
    follower = stage.proxy()
    mark(stage, users[0])
    comes_from_redis(follower)
    leader.popen.send_signal(signal.SIGSTOP)
    eventually(lambda: stage.redis.command("EXISTS", "leaderboard:current") == 0, what="no sign of life")
    assert not is_marked(follower)
    user = sign_up(follower, "late")
    user.entry(user.project(), days_ago(2), 9 * 3600)
    assert follower.client().get("/leaderboard").expect(200)[0]["user_id"] == user.id
    leader.popen.send_signal(signal.SIGCONT)
    stage.settled()


def test_only_one_leads_and_another_takes_over(stage):
    proxies = [stage.proxy() for _ in range(3)]
    users = crowd(proxies[0], 2)
    for proxy in proxies[:2]:
        stage.settled()
        leaders = stage.value(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND (classid::bigint << 32) + objid::bigint = %s"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            LEADER_LOCK,
        )
        assert leaders == 1
        proxy.kill()
        eventually(
            lambda: sign_in_and_log(proxies[2], users[0]), what="an entry through the last proxy"
        )
    stage.settled()


def sign_in_and_log(proxy, user):
    user.client.base_url = proxy.url
    started = user.post("/time-entries", {"project_id": user.project("again")})
    return started.status == 201 and user.stop(started.body["entry_id"])["entry_id"] > 0


def wake_lock_modes(stage):
    rows = stage.query(
        "SELECT mode FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND (classid::bigint << 32) + objid::bigint = %s"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        WAKE_LOCK,
    )
    return sorted(mode for (mode,) in rows)


def test_an_idle_relay_sleeps_and_is_woken(stage):
    proxy = stage.proxy()
    users = crowd(proxy, 2)
    stage.settled()
    eventually(lambda: wake_lock_modes(stage) == ["ExclusiveLock"], what="relay asleep")
    with stage.postgres.connect(stage.database) as listener:
        heard = []
        listener.add_notify_handler(lambda note: heard.append(note.channel))
        listener.execute("LISTEN timetrackr_wake")
        users[0].entry(users[0].project("wake"), days_ago(2), 60)
        eventually(lambda: listener.execute("SELECT 1") and heard, what="a NOTIFY")
        assert set(heard) == {"timetrackr_wake"}
    stage.settled()
    eventually(lambda: wake_lock_modes(stage) == ["ExclusiveLock"], what="relay asleep again")


def test_a_relay_does_not_sleep_while_a_silent_writer_is_at_work(stage):
    proxy = stage.proxy()
    (user,) = crowd(proxy, 1)
    project = user.project("silent")
    stage.settled()

    days = itertools.count(1)

    def begin():
        """A writer that got the lock shared: it will not notify."""
        writer = stage.postgres.connect(stage.database, autocommit=False)
        writer.execute(
            "SELECT timetrackr.start_entry(%s, %s, now() - interval '9 days', now() - interval '8.9 days')",
            [user.id, project],
        )
        if wake_lock_modes(stage) == ["ShareLock"]:
            return writer
        writer.rollback()
        writer.close()
        # Asleep: wake it, so that the next try finds it awake.
        user.entry(project, days_ago(20 + next(days)), 1)
        return None

    writer = eventually(begin, 30, "a writer that the relay is awake for")
    # The relay goes on being awake for longer than it lingers after events.
    polls = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
    before = stage.value(polls)
    eventually(lambda: stage.value(polls) > before + 60, 60, "the relay polling")
    assert wake_lock_modes(stage) == ["ShareLock"]
    writer.commit()
    writer.close()
    stage.settled()


def test_a_writer_that_never_notifies_is_noticed(stage):
    proxy = stage.proxy()
    users = crowd(proxy, 2)
    stage.settled()
    stage.query("SET timetrackr.notify = off")
    eventually(lambda: wake_lock_modes(stage) == ["ExclusiveLock"], what="relay asleep")
    stage.query(
        "SELECT timetrackr.start_entry(%s, %s, now() - interval '9 days', now() - interval '8 days')",
        users[0].id,
        users[0].project("quiet"),
    )
    stage.settled()


def test_a_board_whose_period_is_over_goes(stage):
    proxy = stage.proxy()
    crowd(proxy, 1)
    stage.settled()
    stage.redis.command("ZADD", "leaderboard:day:2020-01-01", "5", "1")
    stage.redis.command("HSET", "leaderboard:state", "leaderboard:day:2020-01-01", "1")
    eventually(lambda: stage.redis.command("EXISTS", "leaderboard:day:2020-01-01") == 0, what="old board gone")
    assert "leaderboard:day:2020-01-01" not in stage.state()
    stage.settled()
    for board in stage.boards_of_sql():
        if stage.redis.command("EXISTS", board) and ":day:" in board:
            assert stage.redis.command("TTL", board) > 86400


def test_who_is_deleted_or_hidden_is_on_no_board(stage):
    proxy = stage.proxy()
    users = crowd(proxy, 4)
    stage.settled()
    users[1].patch("/users/me", {"listed": False}).expect(200)
    stage.query("DELETE FROM timetrackr.time_entries WHERE user_id = %s", users[2].id)
    stage.query("DELETE FROM timetrackr.user_badges WHERE user_id = %s", users[2].id)
    stage.query("DELETE FROM timetrackr.time_entries WHERE user_id = %s", users[3].id)
    stage.query("DELETE FROM timetrackr.users WHERE id = %s", users[3].id)
    stage.settled()
    assert {member for member, _ in stage.redis.board("leaderboard:global")} == {str(users[0].id)}
    assert stage.redis.command("HKEYS", "leaderboard:users") == [str(users[0].id)]


def test_an_event_that_fails_is_tried_again_and_buried_in_the_end(stage):
    proxy = stage.proxy()
    (user,) = crowd(proxy, 1)
    for payload in ('{"user_id": "1"}', "{}", '{"user_id": 1.5}', '{"user_id": -1}', '[]', '{"user_id": 1e30}'):
        stage.query("INSERT INTO timetrackr.outbox (topic, payload) VALUES ('score_changed', %s)", payload)
    stage.query("INSERT INTO timetrackr.outbox (topic) VALUES ('from_the_future')")
    user.entry(user.project("more"), days_ago(2), 60)
    stage.settled()
    failing = stage.query(
        "SELECT attempts >= 1, last_error LIKE 'the proxy does not know%%' FROM timetrackr.outbox"
    )
    assert failing == [(True, True)] * 7

    stage.query("UPDATE timetrackr.outbox SET attempts = 11, run_at = now()")
    eventually(lambda: stage.value("SELECT count(*) FROM timetrackr.dead_events") == 7, what="events dead")
    assert stage.value("SELECT count(*) FROM timetrackr.outbox") == 0
    ((dead,),) = stage.query("SELECT id FROM timetrackr.dead_events WHERE topic = 'from_the_future'")
    assert stage.value("SELECT timetrackr.retry_dead(%s)", dead) is True
    assert stage.value("SELECT timetrackr.retry_dead(%s)", dead) is False
    eventually(
        lambda: stage.query("SELECT attempts FROM timetrackr.outbox WHERE id = %s", dead) == [(1,)],
        what="the event failing again",
    )
    stage.settled(dead=6)


def test_one_poisonous_event_does_not_stop_the_others(stage):
    proxy = stage.proxy()
    users = crowd(proxy, 4)
    stage.settled()
    proxy.stop()
    stage.query(
        "CREATE OR REPLACE FUNCTION timetrackr.board_member(user_id bigint, username text, avatar text)"
        " RETURNS text LANGUAGE sql STABLE AS $$ SELECT CASE WHEN board_member.user_id = %s"
        " THEN (1 / (board_member.user_id - board_member.user_id))::text"
        " ELSE timetrackr.json(r) END"
        " FROM (SELECT board_member.user_id, board_member.username, board_member.avatar AS avatar_url) r $$"
        % users[0].id
    )
    alone = stage.proxy()
    for user in users:
        user.client.base_url = alone.url
        user.entry(user.project("more"), days_ago(2), 60)
    eventually(
        lambda: {payload.get("user_id") for (payload,) in stage.query("SELECT payload FROM timetrackr.outbox")}
        == {users[0].id},
        what="only the poisonous event waiting",
    )
    told = stage.query("SELECT DISTINCT attempts > 0 AND last_error LIKE '22012%%' FROM timetrackr.outbox")
    assert told == [(True,)]
    others = {member: score for member, score in stage.redis.board("leaderboard:global")}
    others.pop(str(users[0].id))
    assert others == {
        str(user.id): 1 + 60 + 60 + 3600 * (1 + number // 2) for number, user in enumerate(users) if number > 0
    }


def test_a_lost_redis_is_no_event_s_fault(stage):
    proxy = stage.proxy()
    (user,) = crowd(proxy, 1)
    stage.settled()
    stage.redis.end(signal.SIGKILL)
    user.entry(user.project("more"), days_ago(2), 60)
    eventually(lambda: "redis_unreachable" in proxy.log.read_text(), what="Redis missed")
    assert stage.value("SELECT count(*) FROM timetrackr.outbox") > 0
    stage.redis.start()
    stage.settled()
    assert stage.value("SELECT count(*) FROM timetrackr.dead_events") == 0


def test_a_full_redis_is_no_event_s_fault(stage):
    proxy = stage.proxy()
    (user,) = crowd(proxy, 1)
    stage.settled()
    stage.redis.command("CONFIG", "SET", "maxmemory", "1")
    user.entry(user.project("more"), days_ago(2), 60)
    eventually(lambda: "relay_redis_refused" in proxy.log.read_text(), what="Redis refusing")
    eventually(
        lambda: proxy.client().get("/leaderboard").expect(200)[0]["score"] == 3600 + 1 + 60 + 60,
        what="the score from SQL",
    )
    assert stage.value("SELECT max(attempts) FROM timetrackr.outbox") == 0
    stage.redis.command("CONFIG", "SET", "maxmemory", "0")
    stage.settled()


def test_a_hundred_thousand_events_wait_for_a_relay_and_need_no_memory(stage):
    """All of it about users who stand elsewhere by then, and some who are gone."""
    first = stage.proxy()
    users = crowd(first, 3)
    stage.settled()
    first.stop()
    stage.query(
        "INSERT INTO timetrackr.users (email, username, password_hash)"
        " SELECT 'many' || g || '@example.com', 'many' || g, '' FROM generate_series(1, 2000) g"
    )
    stage.query(
        "INSERT INTO timetrackr.projects (name, owner_id)"
        " SELECT 'p', u.id FROM timetrackr.users u WHERE u.username LIKE 'many%%'"
    )
    stage.query(
        "INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, timezone)"
        " SELECT p.owner_id, p.id, now() - interval '2 days',"
        " now() - interval '2 days' + p.owner_id * interval '1 second', 'UTC'"
        " FROM timetrackr.projects p WHERE p.name = 'p'"
    )
    stage.query(
        "INSERT INTO timetrackr.outbox (topic, payload)"
        " SELECT 'score_changed', jsonb_build_object('user_id', 1 + g / 40) FROM generate_series(1, 95000) g"
    )
    waiting = stage.value("SELECT count(*) FROM timetrackr.outbox")
    assert waiting >= 100000

    proxy = stage.proxy()
    before = proxy.memory("VmHWM")
    stage.settled(120)
    assert proxy.memory("VmHWM") - before < 16 * 1024
    mark(stage, users[0])
    comes_from_redis(proxy, "/leaderboard/around/%d" % users[0].id)


def test_kills_of_everything_under_load_end_with_redis_equal_to_sql(stage):
    proxies = [stage.proxy(), stage.proxy()]
    users = crowd(proxies[0], 6)
    projects = [user.project("load") for user in users]
    stage.settled()
    for round_number in range(6):
        for number, user in enumerate(users):
            stage.query(
                "SELECT timetrackr.start_entry(%s, %s, %s, %s)",
                user.id,
                projects[number],
                days_ago(3 + round_number, number),
                days_ago(3 + round_number, number) + timedelta(seconds=60 * (number + 1)),
            )
        if round_number % 3 == 0:
            proxies[round_number % 2].kill()
            proxies[round_number % 2].start()
        elif round_number % 3 == 1:
            stage.redis.end(signal.SIGKILL)
            stage.redis.start()
        else:
            stage.redis.command("FLUSHALL")
        stage.query(
            "UPDATE timetrackr.users SET listed = NOT listed WHERE id = %s", users[round_number % len(users)].id
        )
    stage.settled()
    assert stage.query("SELECT * FROM timetrackr.verify()") == []
