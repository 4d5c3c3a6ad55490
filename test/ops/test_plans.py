"""How PostgreSQL runs the reads: every statement that the proxy prepares is read
back from the server's log. Its plan is made once for any parameters, functions of the
routes are inlined into it, and what is asked for all the time comes from indexes."""

import json
import re
from pathlib import Path

import pytest
from conftest import days_ago, sign_up
from harness.pictures import png
from harness.stage import Stage

ROUTES = Path(__file__).parents[2] / "proxy" / "routes.def"
READS = re.findall(r'^ROUTE\((\w+), "([^"]+)", (\w+), \w+, \w+, \d+, READ', ROUTES.read_text(), re.MULTILINE)

# The others are one query each, and end up as a part of the statement.
NOT_INLINED = {
    "list_sessions": "SECURITY DEFINER: the proxy's role may not read refresh tokens",
    "unsubscribe_page": "SECURITY DEFINER: the key of its tokens is nobody's to read",
    "export_account": "PL/pgSQL: which section to read depends on the page before",
    "sign_upload": "C: checks who asks",
    "preview_badge": "C: checks who asks and compiles the criteria",
    "badge_progress": "C: evaluates compiled criteria",
}

# Scalar functions in SQL that look into tables cannot be inlined, and are planned at each execution.
CALLED = {"stream_position": "SECURITY DEFINER: one row of a table that the role may not read"}

# May be read whole: nothing grows with users or entries.
SMALL = {"badges", "standings", "standing_moves", "relay", "meta"}

# Asked for all the time: by page, own rank or own row.
HOT = (
    "me",
    "profile",
    "find_users",
    "leaderboard",
    "leaderboard_around",
    "timeline",
    "list_entries",
    "entry",
    "current_entry",
    "list_notifications",
    "project",
    "project_leaderboard",
)

QUERIES = {
    "find_users": "?q=c1",
    "days": "?from=2026-01-01&to=2026-01-31",
    "report_summary": "?from=2026-01-01&to=2026-01-31&group_by=project",
    "events": "?wait=0",
}
BODIES = {"preview_badge": {"criteria": {"metric": "entry_count", "gte": 1}}, "sign_upload": {"purpose": "avatar"}}
CLOUD = {"CLOUDINARY_CLOUD_NAME": "demo", "CLOUDINARY_API_KEY": "1", "CLOUDINARY_API_SECRET": "2"}

# As the proxy's sessions have it (proxy/db.c).
SESSION = """
SET search_path = pg_catalog, pg_temp;
SET plan_cache_mode = force_generic_plan;
SET jit = off
"""

# A company's worth, past the triggers: only what the planner knows of it matters.
CROWD = """
SET session_replication_role = replica;
INSERT INTO timetrackr.users (email, username)
SELECT 'c' || n || '@example.org', 'c' || n FROM generate_series(1, 4000) n;
INSERT INTO timetrackr.projects (name, owner_id, visibility)
SELECT 'project ' || u.id, u.id, CASE u.id % 2 WHEN 0 THEN 'public' ELSE 'private' END FROM timetrackr.users u;
INSERT INTO timetrackr.project_members (project_id, user_id)
SELECT p.id, u.id FROM timetrackr.projects p
JOIN timetrackr.users u ON u.id IN (p.owner_id, p.owner_id + 1, p.owner_id + 7) ON CONFLICT DO NOTHING;
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, duration, timezone)
SELECT m.user_id, m.project_id, '2026-01-01'::timestamptz + n * interval '1 day',
    '2026-01-01 01:00'::timestamptz + n * interval '1 day', 3600, 'UTC'
FROM timetrackr.project_members m CROSS JOIN generate_series(1, 8) n;
INSERT INTO timetrackr.timeline_events (user_id, event_type, project_id, entry_id, occurred_at)
SELECT e.user_id, 'time_entry_completed', e.project_id, e.id, e.end_time FROM timetrackr.time_entries e;
INSERT INTO timetrackr.notifications (user_id, kind)
SELECT u.id, 'badge_awarded' FROM timetrackr.users u CROSS JOIN generate_series(1, 10);
INSERT INTO timetrackr.user_badges (user_id, badge_id)
SELECT u.id, b.id FROM timetrackr.users u CROSS JOIN timetrackr.badges b WHERE b.id % 4 = u.id % 4
ON CONFLICT DO NOTHING;
INSERT INTO timetrackr.user_totals (user_id, seconds, entries, badges)
SELECT u.id, 3600 * (u.id % 500), 24, (u.id % 25) * (u.id % 7) / 6 FROM timetrackr.users u ON CONFLICT DO NOTHING;
INSERT INTO timetrackr.project_totals (user_id, project_id, seconds, entries)
SELECT m.user_id, m.project_id, 28800, 8 FROM timetrackr.project_members m ON CONFLICT DO NOTHING;
INSERT INTO timetrackr.scores (user_id, period, period_start, seconds, listed)
SELECT t.user_id, p.period, p.period_start, t.seconds, true FROM timetrackr.user_totals t
CROSS JOIN (VALUES ('all', DATE '1970-01-01'), ('month', DATE '2026-01-01'), ('week', DATE '2026-01-05'))
    p (period, period_start)
WHERE t.seconds > 0 ON CONFLICT DO NOTHING;
SET session_replication_role = origin;
SELECT timetrackr.rebuild(0);
VACUUM ANALYZE
"""


def ask_everything(proxy):
    """Every read once, so that the proxy prepares its statement."""
    user = sign_up(proxy)
    project = user.project()
    ids = {
        "user_id": user.id,
        "project_id": project,
        "entry_id": user.entry(project, days_ago(1), 3600)["entry_id"],
        "badge_id": 1,
        "webhook_id": user.post("/webhooks", {"url": "https://127.0.0.1:9/"}).expect(201)["webhook_id"],
        "media_id": user.put("/users/me/avatar", data=png(), headers={"Content-Type": "image/png"})
        .expect(200)["avatar_url"].removeprefix("/media/"),
        "subscription": "of-nobody",
    }
    for method, path, function in READS:
        url = path.format(**ids) + QUERIES.get(function, "")
        answer = user.post(url, BODIES[function]) if method == "POST" else user.get(url)
        assert answer.status in (200, 204, 403, 404), (url, answer.status)


@pytest.fixture(scope="module")
def statements(postgres, tmp_path_factory):
    """What the proxy prepared, by the function of its route."""
    stage = Stage(postgres, tmp_path_factory.mktemp("plans"))
    try:
        with postgres.connect(stage.database) as db:
            for statement in CROWD.split(";\n"):
                db.execute(statement)
        stage.query(f"ALTER ROLE proxy_login IN DATABASE {stage.database} SET log_statement = 'all'")
        ask_everything(stage.proxy(redis=False, WORKERS=1, **CLOUD))
        executed = re.findall(rf"/{stage.database} LOG:  execute \w+: (.*)", postgres.log.read_text())
        named = ((re.search(r"SELECT \* FROM timetrackr\.(\w+)\(", statement), statement) for statement in executed)
        yield stage, {match[1]: statement for match, statement in named if match}
    finally:
        stage.end()


def nodes_of(plan):
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes_of(child)


def explain(statements, function):
    """The nodes of the generic plan; the functions in SQL that it calls; how often it and other plans were used."""
    stage, prepared = statements
    statement = prepared[function]
    nulls = ", ".join(["NULL"] * max(int(number) for number in re.findall(r"\$(\d+)", statement)))
    with stage.postgres.connect(stage.database) as db:
        for setting in SESSION.split(";\n"):
            db.execute(setting)
        db.execute("SET ROLE proxy_login")
        db.prepare_threshold = None
        db.execute(f"PREPARE read AS {statement}")
        (((top,),),) = db.execute(f"EXPLAIN (FORMAT JSON, VERBOSE) EXECUTE read({nulls})").fetchall()
        uses = db.execute(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name = 'read'"
        ).fetchone()
        names = set(re.findall(r"timetrackr\.(\w+)\(", json.dumps(top)))
        called = db.execute(
            "SELECT p.proname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang"
            " WHERE p.pronamespace = 'timetrackr'::regnamespace AND l.lanname = 'sql' AND p.proname = ANY(%s)",
            [list(names)],
        ).fetchall()
    return list(nodes_of(top["Plan"])), {name for (name,) in called} - {function}, uses


@pytest.mark.parametrize("function", [function for _, _, function in READS])
def test_a_read_is_planned_once_with_its_function_inlined(statements, function):
    nodes, in_sql, uses = explain(statements, function)
    scanned = {node["Function Name"] for node in nodes if node["Node Type"] == "Function Scan"}
    assert (function in scanned) == (function in NOT_INLINED)
    assert in_sql <= CALLED.keys()
    assert uses == (1, 0)


@pytest.mark.parametrize("function", HOT)
def test_no_table_that_grows_is_read_whole(statements, function):
    nodes, _, _ = explain(statements, function)
    whole = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
    assert whole <= SMALL


@pytest.mark.parametrize("function", ["leaderboard", "leaderboard_around"])
def test_boards_are_counted_on_their_index_alone(statements, function):
    nodes, _, _ = explain(statements, function)
    ranked = {node["Node Type"] for node in nodes if node.get("Index Name") == "scores_rank"}
    assert ranked == {"Index Only Scan"}
