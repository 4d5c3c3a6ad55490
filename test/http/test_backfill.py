"""Backfill and progress against a model in Python, on random histories and
random criteria."""

import json
import random
from datetime import datetime, timedelta, timezone

import pytest
from conftest import sign_up
from harness.history import History

pytestmark = pytest.mark.raw

ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Pacific/Auckland"]
PLAIN = [
    "longest_entry_seconds",
    "best_day_seconds",
    "best_week_seconds",
    "current_streak_days",
    "longest_streak_days",
    "projects_created",
    "projects_contributed",
    "badges_earned",
    "account_age_days",
]
OF_DAYS = ["total_seconds", "project_seconds", "entry_count", "active_days"]


@pytest.fixture
def admin(proxy, db):
    user = sign_up(proxy)
    db.execute("UPDATE timetrackr.users SET role = 'admin' WHERE id = %s", [user.id])
    return user


def make_history(rng, db, user_id, days):
    """Projects, awards and entries of the last so many days, up to yesterday."""
    begin = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=days)
    zone = rng.choice(ZONES)
    db.execute(
        "UPDATE timetrackr.users SET timezone = %s, created_at = %s WHERE id = %s",
        [zone, begin + timedelta(days=rng.randrange(-5, days)), user_id],
    )
    projects = [
        db.execute(
            "INSERT INTO timetrackr.projects (name, owner_id, created_at) VALUES (%s, %s, %s) RETURNING id",
            [f"p{n}", user_id, begin + timedelta(seconds=rng.randrange(days * 86400))],
        ).fetchone()[0]
        for n in range(rng.randrange(1, 4))
    ]
    rows, at = [], begin
    gaps = [0, 60, 3600, 7 * 3600, 20 * 3600, 50 * 3600]
    if rng.random() < 0.4:
        db.execute("SET timetrackr.overlap = allow")
        gaps += [-600, -900, -3 * 3600]
    while True:
        start = at + timedelta(seconds=rng.choice(gaps))
        at = start + timedelta(seconds=rng.choice([1, 450, 899, 900, 3600, 8 * 3600, 24 * 3600, 25 * 3600]))
        if at > begin + timedelta(days=days - 1):
            break
        zone_then = zone if rng.random() < 0.8 else rng.choice(ZONES)
        rows.append((user_id, rng.choice(projects), start, at, zone_then))
    with db.cursor() as cursor:
        with cursor.copy(
            "COPY timetrackr.time_entries (user_id, project_id, start_time, end_time, timezone) FROM STDIN"
        ) as copy:
            for row in rows:
                copy.write_row(row)
    db.execute("RESET timetrackr.overlap")
    db.execute(
        "UPDATE timetrackr.user_badges SET awarded_at = %s::timestamptz + badge_id * interval '1 hour'"
        " WHERE user_id = %s AND badge_id %% 2 = 0",
        [begin, user_id],
    )


def random_condition(rng, history):
    """One that is decided somewhere in the history."""
    node = {"metric": rng.choice(PLAIN + OF_DAYS)}
    if node["metric"] in OF_DAYS and rng.random() < 0.5:
        node["last_days"] = rng.choice([1, 2, 7, 30])
    if node["metric"] == "project_seconds" and history.entries and rng.random() < 0.5:
        node["project_id"] = rng.choice(history.entries).project_id
    states = [state for state, _ in history.states()]
    value = rng.choice(states).value(node["metric"], node.get("project_id"), node.get("last_days"))
    node[rng.choice(["gte", "gte", "gte", "gt", "lte", "lt", "eq"])] = value + rng.choice([0, 0, 1, -1, 0.5])
    return node


def random_criteria(rng, history, depth=0):
    kind = rng.choice(["condition", "condition", "all", "any", "not"] if depth < 3 else ["condition"])
    if kind == "condition":
        return random_condition(rng, history)
    if kind == "not":
        return {"not": random_criteria(rng, history, depth + 1)}
    return {kind: [random_criteria(rng, history, depth + 1) for _ in range(rng.randrange(1, 4))]}


def verify(db):
    return db.execute("SELECT * FROM timetrackr.verify()").fetchall()


def expected_award(history, criteria, revocable):
    """("at", moment, entry), ("now",) or None."""
    met = history.first_met(criteria)
    if met and not revocable:
        return ("at", *met)
    if not history.now().holds(criteria):
        return None
    return ("at", *met) if met else ("now",)


def actual_award(db, user_id, badge_id, called_at):
    award = db.execute(
        "SELECT u.awarded_at, u.entry_id, t.occurred_at FROM timetrackr.user_badges AS u"
        " JOIN timetrackr.timeline_events AS t ON t.user_id = u.user_id AND t.event_type = 'badge_earned'"
        " AND t.event_data = jsonb_build_object('badge_id', u.badge_id)"
        " WHERE u.user_id = %s AND u.badge_id = %s",
        [user_id, badge_id],
    ).fetchone()
    if award is None:
        return None
    assert award[0] == award[2]
    if award[0] >= called_at:
        assert award[1] is None
        return ("now",)
    return ("at", *award[:2])


@pytest.fixture
def people(db):
    """Make users with random histories; they go with the test."""
    ids = []
    yield lambda rng, count, prefix: make_people(rng, db, count, prefix, ids)
    db.execute("DELETE FROM timetrackr.time_entries WHERE user_id = ANY (%s)", [ids])
    db.execute("DELETE FROM timetrackr.users WHERE id = ANY (%s)", [ids])


def make_people(rng, db, count, prefix, ids):
    for n in range(count):
        name = f"{prefix}-{n}"
        ids += db.execute(
            "INSERT INTO timetrackr.users (email, username) VALUES (%s, %s) RETURNING id",
            [f"{name}@example.com", name],
        ).fetchone()
        make_history(rng, db, ids[-1], rng.choice([3, 12, 45]))
    return ids


@pytest.mark.one_server("it sets times of rows by functions of others, which Citus refuses")
@pytest.mark.parametrize("seed", range(6))
def test_backfill_finds_the_moment_that_a_plain_replay_finds(admin, people, db, seed):
    rng = random.Random(seed)
    ids = people(rng, 4, f"backfill{seed}")
    histories = {user_id: History(db, user_id) for user_id in ids}
    for n in range(12):
        criteria = random_criteria(rng, histories[rng.choice(ids)])
        revocable = rng.random() < 0.3
        badge_id = admin.post(
            "/badges", {"name": f"Random {seed}.{n}", "criteria": criteria, "revocable": revocable}
        ).expect(201)["badge_id"]
        called_at = db.execute("SELECT clock_timestamp()").fetchone()[0]
        awarded = admin.post(f"/badges/{badge_id}/backfill").expect(200)["awarded"]
        assert db.execute(
            "SELECT count(*) FROM timetrackr.user_badges WHERE badge_id = %s", [badge_id]
        ).fetchone() == (awarded,)
        for user_id, history in histories.items():
            expected = expected_award(history, criteria, revocable)
            assert actual_award(db, user_id, badge_id, called_at) == expected, json.dumps(criteria)
        assert verify(db) == []
        admin.delete(f"/badges/{badge_id}").expect(204)
        assert verify(db) == []


@pytest.mark.one_server("it sets times of rows by functions of others, which Citus refuses")
@pytest.mark.parametrize("seed", range(4))
def test_progress_and_preview_measure_what_the_model_measures(proxy, admin, db, seed):
    rng = random.Random(1000 + seed)
    user = sign_up(proxy)
    make_history(rng, db, user.id, 45)
    history = History(db, user.id)
    for n in range(12):
        criteria = random_criteria(rng, history)
        badge_id = admin.post("/badges", {"name": f"Way {seed}.{n}", "criteria": criteria}).expect(201)["badge_id"]
        listed = user.get(f"/users/{user.id}/badges/progress").expect(200)
        (mine,) = (badge for badge in listed if badge["badge_id"] == badge_id)
        state = history.now()
        assert mine["fraction"] == pytest.approx(state.fraction(criteria), abs=1e-12), json.dumps(criteria)
        assert (mine["remaining"] == []) == state.holds(criteria)
        preview = admin.post("/badges/preview", {"criteria": criteria}).expect(200)
        everybody = [id for (id,) in db.execute("SELECT id FROM timetrackr.users ORDER BY id")]
        meeting = [id for id in everybody if History(db, id).now().holds(criteria)]
        assert preview["users"] == len(meeting)
        assert [one["user_id"] for one in preview["sample"]] == meeting[:10]
        admin.delete(f"/badges/{badge_id}").expect(204)
