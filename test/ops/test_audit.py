"""Redis compared with PostgreSQL at a slow pace: what no event tells of is found
and put right, and what events are still to tell of is no difference. Keys that
are evicted, or expire, come back."""

import threading
from datetime import timedelta

import pytest
from boards import built, crowd, differences, is_right
from conftest import days_ago, rfc3339
from harness import eventually

FAST = 100000


# Lua with the ids of three users; no size changes.
SLY = {
    "a wrong score": "redis.call('ZADD', 'leaderboard:global', 999999, ARGV[2])",
    "two scores exchanged": "local a = redis.call('ZSCORE', 'leaderboard:global', ARGV[1]) "
    "local b = redis.call('ZSCORE', 'leaderboard:global', ARGV[3]) "
    "redis.call('ZADD', 'leaderboard:global', a, ARGV[3], b, ARGV[1])",
    "a user replaced by a stranger": "redis.call('ZREM', 'leaderboard:global', ARGV[1]) "
    "redis.call('ZADD', 'leaderboard:global', 5, 77777)",
    "the last replaced by a stranger above all": "redis.call('ZREM', 'leaderboard:global', ARGV[1]) "
    "redis.call('ZADD', 'leaderboard:global', 1e12, 77777)",
    "a user replaced by a word": "redis.call('ZREM', 'leaderboard:global', ARGV[2]) "
    "redis.call('ZADD', 'leaderboard:global', 5, '},{')",
    "a row of another name": "redis.call('HSET', 'leaderboard:users', ARGV[2], '{}')",
    "a row exchanged for a stranger's": "redis.call('HDEL', 'leaderboard:users', ARGV[2]) "
    "redis.call('HSET', 'leaderboard:users', 77777, '{}')",
    "a badge too many": "redis.call('ZINCRBY', 'leaderboard:badges', 1, ARGV[1])",
}


@pytest.mark.parametrize("damage", SLY.values(), ids=SLY.keys())
def test_what_sizes_do_not_tell_is_found_and_put_right(stage, damage):
    proxy = stage.proxy(REDIS_CHECK_RATE=FAST)
    users = crowd(proxy, 3)
    stage.settled()
    before = built(proxy)
    stage.redis.command("EVAL", damage, 0, *(user.id for user in users))
    eventually(lambda: differences(proxy) and is_right(stage), 20, "Redis right again")
    assert built(proxy) == before, "built anew where a rewrite would do"


def test_nothing_is_compared_when_it_is_turned_off(stage):
    proxy = stage.proxy(REDIS_CHECK_RATE=0)
    users = crowd(proxy, 2)
    stage.settled()
    stage.redis.command("ZADD", "leaderboard:global", 999999, users[0].id)
    polls = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
    before = stage.value(polls)
    eventually(lambda: stage.value(polls) > before + 20, 30, "the relay at work")
    assert stage.redis.command("ZSCORE", "leaderboard:global", users[0].id) == "999999"
    assert differences(proxy) == []


def a_round(stage, probe):
    """Wait until everything that is there now has been compared: two found probes lie a round apart."""
    right = stage.redis.command("ZSCORE", "leaderboard:global", probe.id)
    for _ in range(2):
        stage.redis.command("ZADD", "leaderboard:global", 999999, probe.id)
        eventually(
            lambda: stage.redis.command("ZSCORE", "leaderboard:global", probe.id) == right, 20, "a probe found"
        )


def log_quietly(stage, user, what_of_the_event):
    """An entry whose event meets a fate in the same transaction."""
    project = user.project("quiet")
    with stage.postgres.connect(stage.database, autocommit=False) as connection:
        connection.execute(
            "SELECT timetrackr.start_entry(%s, %s, now() - interval '9 days', now() - interval '8.9 days')",
            [user.id, project],
        )
        connection.execute(what_of_the_event)
        connection.commit()


def test_an_event_that_still_waits_is_no_difference(stage):
    proxy = stage.proxy(REDIS_CHECK_RATE=FAST)
    waiting, probe = crowd(proxy, 2)
    stage.settled()
    before = stage.redis.command("ZSCORE", "leaderboard:global", waiting.id)
    log_quietly(
        stage,
        waiting,
        "UPDATE timetrackr.outbox SET run_at = now() + interval '1 hour' WHERE topic = 'time_entry_completed'",
    )
    a_round(stage, probe)
    assert stage.redis.command("ZSCORE", "leaderboard:global", waiting.id) == before
    assert differences(proxy) == [("leaderboard:global", 1)] * 2
    stage.query("UPDATE timetrackr.outbox SET run_at = now()")
    stage.settled()


def test_an_event_that_never_was_is_made_up_for(stage):
    proxy = stage.proxy(REDIS_CHECK_RATE=FAST)
    users = crowd(proxy, 2)
    stage.settled()
    log_quietly(stage, users[0], "DELETE FROM timetrackr.outbox")
    eventually(lambda: is_right(stage), 20, "Redis right without an event")
    # it is found on the board that is compared next, and all of the user's are put right
    assert len(differences(proxy)) == 1


def test_a_load_of_events_is_no_difference(stage):
    proxy = stage.proxy(REDIS_CHECK_RATE=FAST)
    users = crowd(proxy, 4)
    stage.settled()
    told_to_stop = threading.Event()

    def log(user):
        project = user.project("load")
        for number in range(400):
            if told_to_stop.is_set():
                return
            start = days_ago(200, 0) + number * timedelta(minutes=30)
            times = {"start_time": rfc3339(start), "end_time": rfc3339(start + timedelta(minutes=15))}
            user.post("/time-entries", {"project_id": project, **times}).expect(201)

    threads = [threading.Thread(target=log, args=[user]) for user in users[:3]]
    for thread in threads:
        thread.start()
    for _ in range(3):
        a_round(stage, users[3])
    told_to_stop.set()
    for thread in threads:
        thread.join(30)
    assert set(differences(proxy)) == {("leaderboard:global", 1)}
    assert len(differences(proxy)) == 6
    stage.settled()


def test_a_board_of_many_pages(stage):
    """Damage at the ends of pages, and among users with the same score."""
    proxy = stage.proxy(REDIS_CHECK_RATE=FAST)
    crowd(proxy, 1)
    stage.query(
        "INSERT INTO timetrackr.users (email, username, password_hash)"
        " SELECT 'many' || g || '@example.com', 'many' || g, '' FROM generate_series(1, 1700) g"
    )
    stage.query(
        "INSERT INTO timetrackr.projects (name, owner_id)"
        " SELECT 'p', u.id FROM timetrackr.users u WHERE u.username LIKE 'many%%'"
    )
    stage.query(
        "INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, timezone)"
        " SELECT p.owner_id, p.id, now() - interval '9 days',"
        " now() - interval '9 days' + (p.owner_id %% 40 + 1) * interval '1 minute', 'UTC'"
        " FROM timetrackr.projects p JOIN timetrackr.users u ON u.id = p.owner_id WHERE u.username LIKE 'many%%'"
    )
    stage.settled(60)
    board = stage.redis.board("leaderboard:global")
    assert len(board) == 1701
    assert differences(proxy) == []
    before = built(proxy)
    for rank in (0, 1, 499, 500, 501, 999, 1000, 1250, 1699, 1700):
        member, right = board[rank]
        damage = (
            ("ZADD", "leaderboard:global", right + 1, member),
            ("EVAL", "redis.call('ZREM', 'leaderboard:global', ARGV[1]) "
             "redis.call('ZADD', 'leaderboard:global', ARGV[2], 1000000000 + ARGV[1])", 0, member, right),
        )
        for words in damage:
            stage.redis.command(*words)
            eventually(
                lambda: stage.redis.board("leaderboard:global") == board, 20, f"rank {rank} right after {words[0]}"
            )
    assert built(proxy) == before


def test_what_is_evicted_comes_back(stage):
    proxy = stage.proxy(REDIS_CHECK_RATE=FAST)
    crowd(proxy, 3)
    stage.settled()
    board = proxy.client().get("/leaderboard").expect(200)

    def evicted():
        return int(stage.redis.command("INFO", "stats").split("evicted_keys:")[1].split()[0])

    used = int(stage.redis.command("INFO", "memory").split("used_memory:")[1].split()[0])
    stage.redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
    stage.redis.command("CONFIG", "SET", "maxmemory", used + 300000)
    before = built(proxy)
    for number in range(20000):
        stage.redis.command("SET", f"junk:{number}", "x" * 4000)
        if number % 100 == 0:
            assert proxy.client().get("/leaderboard").expect(200) == board
            if evicted() > 200 and built(proxy) > before:
                break
    assert evicted() > 0
    stage.redis.command("CONFIG", "SET", "maxmemory", 0)
    eventually(lambda: is_right(stage), 30, "Redis right again")
    assert built(proxy) > before


def test_boards_of_periods_expire_and_come_back_while_they_are_live(stage):
    proxy = stage.proxy(REDIS_CHECK_RATE=FAST)
    crowd(proxy, 2)
    stage.settled()
    expiry = stage.query(
        "SELECT board, extract(epoch FROM expires_at)::bigint FROM timetrackr.live_boards()"
        " WHERE board = ANY (%s)",
        [board for board, rows in stage.boards_of_sql().items() if rows],
    )
    assert len(expiry) >= 5

    def expires_as_told():
        return all(stage.redis.command("EXPIRETIME", board) == (at or -1) for board, at in expiry)

    assert expires_as_told()
    for board, at in expiry:
        if at is not None:
            stage.redis.command("PEXPIRE", board, 1)
    eventually(lambda: is_right(stage) and expires_as_told(), 30, "boards back, with their expiry")
