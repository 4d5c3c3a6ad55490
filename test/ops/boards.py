"""What tests of the boards share: users to be on them, and how to tell whether
an answer came from Redis, or what the relay said of them."""

import json

from conftest import days_ago, sign_up
from harness import eventually


def crowd(proxy, size=5):
    """Users with scores in all periods, two of them equal, one with a name that JSON escapes."""
    users = [sign_up(proxy, f"crowd{number}") for number in range(size)]
    for number, user in enumerate(users):
        project = user.project()
        user.entry(project, days_ago(0, 0), 1)
        user.entry(project, days_ago(1, 6), 3600 * (1 + number // 2))
        user.entry(project, days_ago(45, 6), 60)
    return users


def mark(stage, user):
    """Change the name of a user in Redis alone: an answer with it came from there."""
    row = json.loads(stage.redis.command("HGET", "leaderboard:users", user.id))
    row["username"] = "seen in Redis"
    stage.redis.command("HSET", "leaderboard:users", user.id, json.dumps(row, separators=(",", ":")))


def is_marked(proxy, path="/leaderboard"):
    return b"seen in Redis" in proxy.client().get(path).content


def comes_from_redis(proxy, path="/leaderboard"):
    """A worker that has just connected does not believe Redis for some seconds; wait for all of them."""
    eventually(lambda: all(is_marked(proxy, path) for _ in range(12)), what=f"{path} answered by Redis")


def believes_redis(stage, proxy, user):
    """Wait until the proxy answers from Redis, and leave Redis as it was."""
    row = stage.redis.command("HGET", "leaderboard:users", user.id)
    mark(stage, user)
    comes_from_redis(proxy)
    stage.redis.command("HSET", "leaderboard:users", user.id, row)


def differences(proxy):
    """(board, users) of each report in the log."""
    lines = [line for line in proxy.log.read_text().splitlines() if "relay_board_differed" in line]
    return [(entry["board"], int(entry["users"])) for entry in map(json.loads, lines)]


def built(proxy):
    """How often a board was built anew."""
    return proxy.log.read_text().count("relay_board_built")


def is_right(stage):
    """Boards, and the rows of those who are on them."""
    if not stage.is_current():
        return False
    sql, redis = stage.rows_of_sql(), stage.rows_of_redis()
    members = {member for rows in stage.boards_of_sql().values() for member, _ in rows}
    return all(redis.get(member) == sql[member] for member in members)
