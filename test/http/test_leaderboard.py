"""Boards: HTTP answers from Redis when it is current; either way the rows are
those of SQL."""

import itertools

import pytest
from conftest import days_ago
from harness import events_wait, eventually

COLUMNS = ("user_id", "username", "avatar_url", "score", "rank")
PERIODS = ("all", "day", "week", "month")


def sql_board(db, period="all", metric="time", limit=100):
    rows = db.execute(
        f"SELECT {', '.join(COLUMNS)} FROM timetrackr.leaderboard(period => %s::timetrackr.period,"
        ' metric => %s::timetrackr.metric, "limit" => %s)',
        [period, metric, limit],
    ).fetchall()
    return [dict(zip(COLUMNS, row)) for row in rows]


def redis_is_current(db, redis):
    """No event waits, and the global board has every listed score."""
    expected = db.execute(
        "SELECT user_id::text, seconds FROM timetrackr.scores WHERE period = 'all' AND listed AND seconds > 0"
        ' ORDER BY seconds DESC, user_id::text COLLATE "C" DESC'
    ).fetchall()
    return not events_wait(db) and redis.board("leaderboard:global") == expected


def pages_are_current(anyone, db):
    """No page is left that was kept before, as it is for up to a second."""
    boards = [("", {})] + [(f"&period={period}", {"period": period}) for period in PERIODS]
    boards.append(("&metric=badges", {"metric": "badges"}))
    return all(
        anyone.get(f"/leaderboard?limit=100{query}").expect(200) == sql_board(db, **board) for query, board in boards
    )


@pytest.fixture
def settle(anyone, db, redis):
    """Wait until the relay has caught up, and what is kept has aged."""

    def wait():
        eventually(lambda: redis_is_current(db, redis), what="Redis equal to SQL")
        eventually(lambda: pages_are_current(anyone, db), what="pages equal to SQL")

    return wait


@pytest.fixture
def crowd(new_user):
    """Five users with time today or on earlier days, two of them equal."""
    users = [new_user() for _ in range(5)]
    for user, hours in zip(users, (3, 1, 2, 2, 5)):
        project_id = user.project()
        user.entry(project_id, days_ago(0, 0), 1)
        user.entry(project_id, days_ago(1, 6), hours * 3600)
        user.entry(project_id, days_ago(40, 6), hours * 60)
    return users


def rows_of(board, users):
    ids = {user.id for user in users}
    return [row for row in board if row["user_id"] in ids]


def test_redis_and_sql_give_the_same_rows(anyone, db, settle, crowd):
    settle()
    assert {user.id for user in crowd} <= {row["user_id"] for row in sql_board(db)}
    assert pages_are_current(anyone, db)


def test_sorted_sets_have_the_scores(db, redis, settle, crowd):
    settle()
    board = {int(member): score for member, score in redis.board("leaderboard:global")}
    assert [board[user.id] for user in crowd] == [
        hours * 3600 + hours * 60 + 1 for hours in (3, 1, 2, 2, 5)
    ]


def test_the_board_moves_soon(user, anyone, settle, redis):
    settle()
    user.entry(user.project(), days_ago(2), 7200)
    eventually(lambda: (str(user.id), 7200) in redis.board("leaderboard:global"), 5.0, "score in Redis")
    eventually(
        lambda: [row for row in anyone.get("/leaderboard?limit=100").expect(200) if row["user_id"] == user.id],
        5.0,
        "user on the board",
    )


def test_equals_share_a_rank_and_the_next_one_is_skipped(anyone, crowd, settle):
    settle()
    board = anyone.get("/leaderboard?limit=100").expect(200)
    scores = [row["score"] for row in board]
    assert scores == sorted(scores, reverse=True)
    for row in board:
        assert row["rank"] == 1 + sum(score > row["score"] for score in scores)
    for one, next_one in zip(board, board[1:]):
        if one["score"] == next_one["score"]:
            assert str(one["user_id"]) > str(next_one["user_id"])


def test_who_is_not_listed_is_on_no_board(crowd, anyone, db, settle):
    hidden = crowd[4]
    hidden.patch("/users/me", {"listed": False}).expect(200)
    settle()
    for period in PERIODS:
        board = anyone.get(f"/leaderboard?limit=100&period={period}").expect(200)
        assert not rows_of(board, [hidden])
    hidden.patch("/users/me", {"listed": True}).expect(200)
    settle()
    assert rows_of(anyone.get("/leaderboard?limit=100").expect(200), [hidden])


def test_who_has_nothing_is_on_no_board(user, anyone, settle):
    settle()
    assert not rows_of(anyone.get("/leaderboard?limit=100").expect(200), [user])


def test_a_renamed_user_is_shown_by_the_new_name(crowd, anyone, settle):
    settle()
    crowd[0].patch("/users/me", {"username": f"new-name-{crowd[0].id}"}).expect(200)
    eventually(
        lambda: rows_of(anyone.get("/leaderboard?limit=100").expect(200), [crowd[0]])[0]["username"]
        == f"new-name-{crowd[0].id}",
        5.0,
        "new name on the board",
    )


@pytest.mark.parametrize("query", ["", "?metric=badges", "?period=week", "?period=month"])
def test_pages_neither_repeat_nor_skip(anyone, db, settle, crowd, query):
    settle()
    path = f"/leaderboard{query}{'&' if query else '?'}limit=2"
    paged = list(itertools.chain.from_iterable(anyone.pages(path)))
    metric = "badges" if "badges" in query else "time"
    period = query.split("=")[1] if "period" in query else "all"
    assert paged == sql_board(db, period, metric, limit=100000)


def test_around_has_the_user_in_the_middle(crowd, anyone, db, settle):
    settle()
    board = sql_board(db)
    for user in crowd:
        rows = anyone.get(f"/leaderboard/around/{user.id}?limit=3").expect(200)
        place = [row["user_id"] for row in board].index(user.id)
        assert user.id in [row["user_id"] for row in rows]
        assert rows == board[board.index(rows[0]) : board.index(rows[0]) + len(rows)]
        if 0 < place < len(board) - 1:
            assert rows == board[place - 1 : place + 2]


def test_around_somebody_unknown_is_404(anyone):
    anyone.get("/leaderboard/around/999999999").expect(404, "user_not_found")


def test_own_rank_is_that_of_the_board(crowd, anyone, settle):
    settle()
    board = anyone.get("/leaderboard?limit=100").expect(200)
    for user in crowd:
        rank = rows_of(board, [user])[0]["rank"]
        assert user.get("/users/me").expect(200)["rank"] == rank


def test_an_earlier_period_can_be_asked_for(crowd, anyone, db):
    month = days_ago(40).strftime("%Y-%m-01")
    board = anyone.get(f"/leaderboard?period=month&period_start={month}&limit=100").expect(200)
    assert {row["user_id"] for row in rows_of(board, crowd)} == {user.id for user in crowd}
    assert [row["score"] for row in rows_of(board, crowd)] == [300, 180, 120, 120, 60]


def test_badges_have_no_periods(anyone):
    anyone.get("/leaderboard?metric=badges&period=week").expect(422, "unsupported_period")
