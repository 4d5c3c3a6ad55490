"""Holding all tables, and what verify() and the boards say of them, against the
model: on one server one query for everything, since it runs after every step."""

from harness.history import monday
from model import EPOCH

# What is selected, and from what.
TABLES = {
    "verify": ("v.user_id, v.relation, v.key, v.expected, v.actual", "timetrackr.verify() v"),
    "time_entries": (
        "e.id, e.user_id, e.project_id, EXTRACT(epoch FROM e.start_time), EXTRACT(epoch FROM e.end_time),"
        " e.timezone, e.duration, e.flagged",
        "timetrackr.time_entries e",
    ),
    "projects": (
        "p.id, p.owner_id, p.visibility = 'public', p.archived_at IS NOT NULL",
        "timetrackr.projects p",
    ),
    "project_members": ("m.project_id, m.user_id, m.role", "timetrackr.project_members m"),
    "day_totals": ("d.user_id, d.day, d.project_id, d.seconds, d.entries", "timetrackr.day_totals d"),
    "project_totals": ("p.user_id, p.project_id, p.seconds, p.entries", "timetrackr.project_totals p"),
    "scores": ("s.user_id, s.period, s.period_start, s.seconds, s.listed", "timetrackr.scores s"),
    "users": (
        "u.id, u.timezone, u.listed, t.seconds, t.entries, t.longest_entry, t.best_day, t.best_week,"
        " t.active_days, timetrackr.current_streak(t.streak_start, t.streak_end, u.timezone),"
        " t.longest_streak, t.projects_created, t.badges",
        "timetrackr.users u JOIN timetrackr.user_totals t ON t.user_id = u.id",
    ),
    "user_badges": ("b.user_id, b.badge_id", "timetrackr.user_badges b"),
    "timeline_events": (
        "t.user_id, (t.event_data -> 'badge_id')::bigint",
        "timetrackr.timeline_events t WHERE t.event_type = 'badge_earned'",
    ),
    # Each page as one row, in the order that it has.
    "boards": (
        "a.period, a.metric, a.start, a.rows, a.score, a.user_id, ARRAY("
        "SELECT ARRAY[l.user_id, l.score, l.rank] FROM timetrackr.leaderboard(a.period::timetrackr.period,"
        " a.metric::timetrackr.metric, a.start, a.rows, a.score, a.user_id) l)",
        "json_to_recordset(%s::json) a"
        " (period text, metric text, start date, rows integer, score bigint, user_id bigint)",
    ),
    "boards around a user": (
        "a.user_id, a.period, a.metric, a.start, a.rows, ARRAY("
        "SELECT ARRAY[l.user_id, l.score, l.rank] FROM timetrackr.leaderboard_around(a.user_id,"
        " a.period::timetrackr.period, a.metric::timetrackr.metric, a.start, a.rows) l)",
        "json_to_recordset(%s::json) a (user_id bigint, period text, metric text, start date, rows integer)",
    ),
}
QUERY = "SELECT json_build_array({})".format(
    ", ".join(f"(SELECT json_agg(json_build_array({columns})) FROM {source})" for columns, source in TABLES.values())
)
METRICS = (
    "total_seconds",
    "entry_count",
    "longest_entry_seconds",
    "best_day_seconds",
    "best_week_seconds",
    "active_days",
    "current_streak_days",
    "longest_streak_days",
    "projects_created",
    "badges_earned",
)


# What a page of each kind of boards is asked with.
ASKED = ("period metric start rows score user_id", "user_id period metric start rows")


def compare(held, model):
    """Raises AssertionError that names each difference."""
    scores = {user: model.scores(user) for user in model.users}
    boards, around = expected_boards(model, scores)
    found = held(boards, around)
    expected = {
        "verify": [],
        **expected_rows(model),
        **expected_figures(model, scores),
        "boards": [(*ask, page) for ask, page in boards.items()],
        "boards around a user": [(*ask, page) for ask, page in around.items()],
    }
    differences = [
        f"{name}: {difference}"
        for name, rows in zip(TABLES, found, strict=True)
        for difference in differences_of(rows or [], expected[name])
    ]
    assert not differences, "\n".join(differences)


def differences_of(found, expected):
    found = sorted(map(frozen, found), key=str)
    expected = sorted(map(frozen, expected), key=str)
    if found == expected:
        return
    yield from (f"{row} is not what the model has" for row in found if row not in expected)
    yield from (f"{row} is missing" for row in expected if row not in found)
    yield f"{len(found)} rows, {len(expected)} in the model"


def frozen(value):
    return tuple(map(frozen, value)) if isinstance(value, list | tuple) else value


def as_objects(rows, names):
    return [dict(zip(names.split(), row)) for row in rows]


def epoch(moment):
    return moment and moment.timestamp()


def expected_rows(model):
    """What somebody wrote, as it is to be stored."""
    return {
        "time_entries": [
            (r.id, r.user, r.project, epoch(r.start), epoch(r.end), r.zone, r.duration, r.flagged)
            for r in model.rows.values()
        ],
        "projects": [(n, p.owner, p.public, p.archived) for n, p in model.projects.items()],
        "project_members": [(*key, role) for key, role in model.members.items()],
    }


def expected_figures(model, scores):
    """What follows from it."""
    badges = [(user, badge) for user, who in model.users.items() for badge in who.badges]
    return {
        "day_totals": [
            (user, str(day), project, *sums)
            for user in model.users
            for (day, project), sums in model.days(user).items()
        ],
        "project_totals": [
            (user, project, *sums) for user in model.users for project, sums in model.projects_of(user).items()
        ],
        "scores": [
            (user, period, str(start), seconds, model.users[user].listed)
            for user in model.users
            for (period, start), seconds in scores[user].items()
        ],
        "users": [
            (user, who.zone, who.listed, *map(model.state(user).value, METRICS)) for user, who in model.users.items()
        ],
        "user_badges": badges,
        "timeline_events": badges,
    }


def expected_boards(model, scores):
    """{what is asked for: rows}, of all time, of the periods with most users, and of now."""
    by_period = {}
    for user, own in scores.items():
        for key, seconds in own.items():
            by_period.setdefault(key, {})[user] = seconds
    boards, around = {}, {}
    for period, start in sorted(shown_periods(model, by_period)):
        add_board(model, by_period.get((period, start), {}), (period, "time", str(start)), boards, around)
    badges = {user: len(who.badges) for user, who in model.users.items()}
    add_board(model, badges, ("all", "badges", None), boards, around)
    return boards, around


def shown_periods(model, by_period):
    today = model.at.date()
    periods = {("all", EPOCH), ("day", today), ("week", monday(today)), ("month", today.replace(day=1))}
    for period in ("day", "week", "month"):
        keys = [key for key in by_period if key[0] == period]
        periods |= set(sorted(keys, key=lambda key: (len(by_period[key]), key))[-1:])
    return periods


def add_board(model, scores, board, boards, around):
    """The whole, the rest after the first row, and what is around the last one."""
    expected = model.board(scores)
    boards[*board, 50, None, None] = expected
    if expected:
        first, last = expected[0], expected[-1]
        boards[*board, 2, first[1], first[0]] = expected[1:3]
        around[last[0], *board, 3] = expected[-2:]
