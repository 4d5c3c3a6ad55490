"""What writes can't do without: pgbench with 32 clients, each a user, and PostgreSQL's CPU for
durable transactions, in turns. An entry's are a pair:
    row        change one row each
    rows       write the rows that an entry writes into tables of the same keys and constraints, each by
               one statement, with no rule looked at
    functions  are start_entry() and stop_entry()
    shared     are those functions, ten pairs to a commit
A project's is one: its rows, written so, and create_project().

usage: bench/run write_floor [ROUNDS [SECONDS OF EACH]]"""

from dataclasses import dataclass

import measure
import pgbench
from command import print_lines
from harness.postgres import SUPERUSER
from line import Line
from servers import FIRST_MINUTE, World
from start_stop import CLIENTS
from start_stop import SCRIPT as FUNCTIONS

TABLES = ("projects", "project_members", "time_entries", "user_totals", "project_totals", "day_totals", "scores", "timeline_events", "outbox")
COPIES = "".join(
    f"CREATE TABLE floor.{table} (LIKE timetrackr.{table} INCLUDING ALL);"
    f"INSERT INTO floor.{table} SELECT * FROM timetrackr.{table};"
    for table in TABLES
)
SCHEMA = f"""
CREATE SCHEMA floor;
{COPIES}
CREATE TABLE floor.one (user_id bigint PRIMARY KEY, changes bigint NOT NULL) WITH (fillfactor = 50);
INSERT INTO floor.one SELECT id, 0 FROM timetrackr.users;
ALTER TABLE floor.time_entries ADD FOREIGN KEY (user_id) REFERENCES timetrackr.users;
ALTER TABLE floor.time_entries ADD FOREIGN KEY (project_id) REFERENCES timetrackr.projects;
ALTER TABLE floor.projects ADD FOREIGN KEY (owner_id) REFERENCES timetrackr.users;
ALTER TABLE floor.project_members ADD FOREIGN KEY (user_id) REFERENCES timetrackr.users;
ALTER TABLE floor.project_members ADD FOREIGN KEY (project_id) REFERENCES floor.projects;
ALTER TABLE floor.projects ALTER COLUMN id RESTART WITH 10000000;
ALTER TABLE floor.time_entries ALTER COLUMN id RESTART WITH 10000000;
ALTER TABLE floor.timeline_events ALTER COLUMN id RESTART WITH 10000000;
ALTER TABLE floor.outbox ALTER COLUMN id RESTART WITH 10000000;
"""

ROW = """\\set user :client_id + 1
UPDATE floor.one SET changes = changes + 1 WHERE user_id = :user;
UPDATE floor.one SET changes = changes + 1 WHERE user_id = :user;
"""

DAY = "(timestamptz '2002-01-01Z' + (:minute * interval '1 minute'))::date"
ROWS = f"""\\set minute :minute + 1
\\set user :client_id + 1
WITH locked AS (
    UPDATE floor.user_totals SET revision = revision + 1 WHERE user_id = :user
)
INSERT INTO floor.time_entries (user_id, project_id, start_time, timezone)
VALUES (:user, 1, {FIRST_MINUTE} + :minute * interval '1 minute', 'UTC')
RETURNING id AS entry_id \\gset
WITH entry AS (
    UPDATE floor.time_entries SET end_time = start_time + interval '1 minute', duration = 60, updated_at = now()
    WHERE user_id = :user AND id = :entry_id
), totals AS (
    UPDATE floor.user_totals SET revision = revision + 1, seconds = seconds + 60, entries = entries + 1
    WHERE user_id = :user
), project AS (
    UPDATE floor.project_totals SET seconds = seconds + 60, entries = entries + 1
    WHERE user_id = :user AND project_id = 1
), day AS (
    INSERT INTO floor.day_totals VALUES (:user, {DAY}, 1, 60, 1)
    ON CONFLICT (user_id, day, project_id)
    DO UPDATE SET seconds = day_totals.seconds + 60, entries = day_totals.entries + 1
), boards AS (
    INSERT INTO floor.scores
    VALUES (:user, 'day', {DAY}, 60, true), (:user, 'week', date_trunc('week', {DAY})::date, 60, true),
        (:user, 'month', date_trunc('month', {DAY})::date, 60, true), (:user, 'all', '1970-01-01', 60, true)
    ON CONFLICT (user_id, period, period_start)
    DO UPDATE SET seconds = scores.seconds + 60
), timeline AS (
    INSERT INTO floor.timeline_events (user_id, event_type, event_data, project_id, entry_id)
    VALUES (:user, 'time_entry_completed', '{{"project_id": 1, "duration_seconds": 60}}', 1, :entry_id)
)
INSERT INTO floor.outbox (topic, payload)
VALUES ('time_entry_completed', '{{"user_id": 1, "project_id": 1, "entry_id": 1, "duration": 60}}');
"""

PROJECT_ROWS = """\\set user :client_id + 1
WITH totals AS (
    UPDATE floor.user_totals SET revision = revision + 1, projects_created = projects_created + 1 WHERE user_id = :user
), project AS (
    INSERT INTO floor.projects (name, owner_id) VALUES ('Bench', :user) RETURNING id
), member AS (
    INSERT INTO floor.project_members (project_id, user_id, role) SELECT id, :user, 'owner' FROM project
), timeline AS (
    INSERT INTO floor.timeline_events (user_id, event_type, event_data, project_id)
    SELECT :user, 'project_created', '{"project_id": 1, "name": "Bench"}', id FROM project
)
INSERT INTO floor.outbox (topic, payload) VALUES ('project_created', '{"user_id": 1, "project_id": 1}');
"""
PROJECT = """\\set user :client_id + 1
SELECT timetrackr.create_project(viewer_id => :user, name => 'Bench');
"""

PAIRS_OF_COMMIT = 10
SHARED = "BEGIN;\n" + FUNCTIONS * PAIRS_OF_COMMIT + "COMMIT;\n"


@dataclass(frozen=True)
class Way:
    name: str
    script: str
    whole: str  # the name of what its cost is a part of
    of_commit: int = 1


WAYS = (
    Way("entry: row", ROW, "entry: functions"),
    Way("entry: rows", ROWS, "entry: functions"),
    Way("entry: functions", FUNCTIONS, "entry: functions"),
    Way("entry: shared", SHARED, "entry: functions", PAIRS_OF_COMMIT),
    Way("project: rows", PROJECT_ROWS, "project: function"),
    Way("project: function", PROJECT, "project: function"),
)


def prepare(world):
    with world.postgres.connect() as db:
        for statement in filter(str.strip, SCHEMA.split(";")):
            db.execute(statement)
        db.execute("VACUUM ANALYZE")


def measured(world, way, seconds):
    world.end_timers()
    with world.postgres.connect() as db:
        db.execute("DELETE FROM floor.time_entries WHERE end_time IS NULL")
    name = way.name.replace(": ", "-")
    command = world.pgbench(name, way.script, CLIENTS, role=SUPERUSER, minute=world.next_minute())
    load = pgbench.run(command, seconds, **world.parts())
    load.rate, load.count = load.rate * way.of_commit, load.count * way.of_commit
    return load


def lines(scale):
    with World(redis=False) as world:
        prepare(world)
        turns = {way.name: lambda way=way: measured(world, way, scale.seconds) for way in WAYS}
        found = measure.in_turns(scale.rounds, turns)
    return [line_of(way, found) for way in WAYS]


def line_of(way, found):
    loads, wholes = found[way.name], found[way.whole]
    return Line(
        work=way.name,
        figure=f"{measure.rate(loads):,.0f}/s; " + measure.cpu_text(loads, postgres="PostgreSQL", client="pgbench"),
        reference=way.whole,
        ratio=measure.ratio([load.per("postgres") for load in loads], [load.per("postgres") for load in wholes]),
        target="",
        met=None,
    )


if __name__ == "__main__":
    print_lines(lines)
