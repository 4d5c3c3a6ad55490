"""The database of the property tests: running an operation, and holding all
tables against the model."""

import json
from dataclasses import dataclass
from datetime import date, timedelta

import psycopg

from harness.history import monday
from model import EPOCH, Badge, Model, User, now

FIRST_IDS = [7, 10, 99, 100]


@dataclass
class Outcome:
    """What an operation gave: a row, or the code it was refused with."""

    row: tuple | None = None
    refusal: str | None = None


def refusal_of(error):
    if error.sqlstate.startswith("TT"):
        return f"{error.sqlstate[2:]} {error.diag.constraint_name}"
    return error.sqlstate


class Database:
    def __init__(self, connection):
        self.connection = connection

    def all(self, query, *arguments):
        return self.connection.execute(query, arguments).fetchall()

    def clear(self):
        """Everything but the settings, however the run before has ended."""
        self.connection.execute("ROLLBACK")
        for table in ("time_entries", "users", "badges", "outbox"):
            self.connection.execute(f"DELETE FROM timetrackr.{table}")
        # The same steps get the same ids again.
        for table in ("time_entries", "projects"):
            self.connection.execute(f"ALTER TABLE timetrackr.{table} ALTER id RESTART WITH 1000")

    def fill(self, zones):
        """A user of each zone, of ids that sort otherwise as text; each with a project."""
        model = Model()
        for user, zone in zip(FIRST_IDS, zones):
            self.add_user(model, user, zone)
            self.connection.execute(
                "INSERT INTO timetrackr.projects (id, name, owner_id, visibility)"
                " VALUES (%s, 'A project', %s, %s)",
                [user % 97, user, "private" if user == 99 else "public"],
            )
            model.new_project(user, user % 97, user != 99)
        return model

    def add_user(self, model, user, zone):
        joined = now() - timedelta(days=400, hours=1)
        self.connection.execute(
            "INSERT INTO timetrackr.users (id, email, username, timezone, role, created_at)"
            " VALUES (%s, %s, %s, %s, 'admin', %s)",
            [user, f"user{user}@example.com", f"user{user}", zone, joined],
        )
        model.users[user] = User(zone, joined)

    def add_badge(self, model, number, criteria, revocable):
        self.connection.execute(
            "INSERT INTO timetrackr.badges (id, name, criteria, revocable) VALUES (%s, %s, %s, %s)",
            [number, f"Badge {number}", json.dumps(criteria), revocable],
        )
        model.badges[number] = Badge(criteria, revocable)

    def run(self, query, *arguments):
        """Do it in a savepoint when in a transaction, so that a refusal ends only itself."""
        try:
            with self.connection.transaction():
                cursor = self.connection.execute(query, arguments)
                return Outcome(row=cursor.fetchone() if cursor.description else None)
        except psycopg.Error as error:
            return Outcome(refusal=refusal_of(error))

    def insert(self, rows, ending=""):
        columns = [list(column) for column in zip(*((r.id, r.user, r.project, r.start, r.end, r.zone) for r in rows))]
        return self.run(
            "INSERT INTO timetrackr.time_entries (id, user_id, project_id, start_time, end_time, timezone)"
            " SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[],"
            f" %s::timestamptz[], %s::text[]) {ending}",
            *columns,
        )

    def copy(self, columns, rows):
        try:
            with self.connection.transaction(), self.connection.cursor() as cursor:
                with cursor.copy(f"COPY timetrackr.time_entries ({columns}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
                return Outcome()
        except psycopg.Error as error:
            return Outcome(refusal=refusal_of(error))

    # Comparing

    def compare(self, model):
        assert self.all("SELECT * FROM timetrackr.verify()") == []
        self.compare_entries(model)
        self.compare_totals(model)
        self.compare_users(model)
        self.compare_boards(model)

    def compare_entries(self, model):
        found = self.all(
            "SELECT id, user_id, project_id, start_time, end_time, timezone, duration, flagged"
            " FROM timetrackr.time_entries"
        )
        rows = model.rows.values()
        expected = [
            (r.id, r.user, r.project, r.start, r.end, r.zone, r.duration, r.flagged) for r in rows
        ]
        assert sorted(found) == sorted(expected)
        assert dict(self.projects()) == {
            number: (project.owner, project.public, project.archived)
            for number, project in model.projects.items()
        }
        members = self.all("SELECT project_id, user_id, role FROM timetrackr.project_members")
        assert {(project, user): role for project, user, role in members} == model.members

    def projects(self):
        for number, *project in self.all(
            "SELECT id, owner_id, visibility = 'public', archived_at IS NOT NULL FROM timetrackr.projects"
        ):
            yield number, tuple(project)

    def compare_totals(self, model):
        found = self.all("SELECT user_id, day, project_id, seconds, entries FROM timetrackr.day_totals")
        assert {row[:3]: row[3:] for row in found} == {
            (user, *key): sums for user in model.users for key, sums in model.days(user).items()
        }
        expected = {}
        for user in model.users:
            for entry in model.counting(user):
                had = expected.get((user, entry.project_id), (0, 0))
                expected[user, entry.project_id] = (had[0] + entry.seconds, had[1] + 1)
        found = self.all("SELECT user_id, project_id, seconds, entries FROM timetrackr.project_totals")
        assert {row[:2]: row[2:] for row in found} == expected
        found = self.all("SELECT user_id, period, period_start, seconds, listed FROM timetrackr.scores")
        assert {row[:3]: row[3:] for row in found} == {
            (user, *key): (seconds, model.users[user].listed)
            for user in model.users
            for key, seconds in model.scores(user).items()
        }

    def compare_users(self, model):
        found = self.all(
            "SELECT u.id, t.seconds, t.entries, t.longest_entry, t.best_day, t.best_week, t.active_days,"
            " timetrackr.current_streak(t.streak_start, t.streak_end, u.timezone), t.longest_streak,"
            " t.projects_created, t.badges, u.timezone, u.listed, ARRAY("
            "SELECT b.badge_id FROM timetrackr.user_badges b WHERE b.user_id = u.id ORDER BY 1)"
            " FROM timetrackr.users u JOIN timetrackr.user_totals t ON t.user_id = u.id"
        )
        assert {row[0]: row[1:] for row in found} == {user: self.figures(model, user) for user in model.users}

    def figures(self, model, user):
        state, who = model.state(user), model.users[user]
        metrics = (
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
        return (*(state.value(name) for name in metrics), who.zone, who.listed, sorted(who.badges))

    def compare_boards(self, model):
        """Of all time, of the period with most users, and of now."""
        scores = {}
        for user in model.users:
            for key, seconds in model.scores(user).items():
                scores.setdefault(key, {})[user] = seconds
        today = now().date()
        boards = {("all", EPOCH), ("day", today), ("week", monday(today)), ("month", today.replace(day=1))}
        for period in ("day", "week", "month"):
            fullest = max((key for key in scores if key[0] == period), key=lambda k: len(scores[k]), default=None)
            boards |= {fullest} - {None}
        for period, start in sorted(boards):
            self.compare_board(model, scores.get((period, start), {}), period, "time", start)
        self.compare_board(model, {u: len(who.badges) for u, who in model.users.items()}, "all", "badges", None)

    def compare_board(self, model, scores, period, metric, start: date | None):
        expected = model.board(scores)
        found = self.all(
            "SELECT user_id, score, rank FROM timetrackr.leaderboard(%s, %s, %s)", period, metric, start
        )
        assert found == expected
        if expected:
            self.compare_pages(expected, period, metric, start)

    def compare_pages(self, expected, period, metric, start):
        """The rest after the first row, and the row around the last."""
        first, last = expected[0], expected[-1]
        page = self.all(
            "SELECT user_id, score, rank FROM timetrackr.leaderboard(%s, %s, %s, 2, %s, %s)",
            *(period, metric, start, first[1], first[0]),
        )
        assert page == expected[1:3]
        around = self.all(
            "SELECT user_id, score, rank FROM timetrackr.leaderboard_around(%s, %s, %s, %s, 3)",
            *(last[0], period, metric, start),
        )
        assert around == expected[-2:]
