"""The database of the property tests: running an operation, and clearing it
all away. Holding the tables against the model is compare.py's."""

import json
from dataclasses import dataclass
from datetime import timedelta

import psycopg
from harness import code_of
from psycopg.pq import TransactionStatus

import compare
from model import Badge, User, now

FIRST_IDS = [7, 10, 99, 100]


@dataclass
class Outcome:
    """What an operation gave: a row, or the code it was refused with."""

    row: tuple | None = None
    refusal: str | None = None


class Database:
    """One server's. What several do otherwise is in on_nodes.py."""

    has_transactions = has_truncate = True

    def __init__(self, connection):
        self.connection = connection
        self.asked_at = now()
        self.prepare()

    def prepare(self):
        # As the proxy does. Planning the query of everything anew takes longer than running it.
        self.execute("SET plan_cache_mode = force_generic_plan")

    def execute(self, query, arguments=(), **options):
        return self.connection.execute(query, arguments, **options)

    def all(self, query, *arguments):
        return self.execute(query, arguments).fetchall()

    def set(self, overlap, running_timer):
        """Returns what holds then."""
        self.execute(f"SET timetrackr.overlap = {overlap}")
        self.execute(f"SET timetrackr.running_timer = {running_timer}")
        return overlap, running_timer

    def clear(self):
        """Everything but the settings, however the run before has ended."""
        self.execute("ROLLBACK")
        for table in ("time_entries", "users", "badges", "outbox"):
            self.execute(f"DELETE FROM timetrackr.{table}")
        # The same steps get the same ids again.
        for table in ("time_entries", "projects"):
            self.execute(f"SELECT setval(pg_get_serial_sequence('timetrackr.{table}', 'id'), 1000, false)")

    def fill(self, model, zones):
        """A user of each zone, of ids that sort otherwise as text; each with a project."""
        for user, zone in zip(FIRST_IDS, zones):
            self.add_user(model, user, zone)
            self.execute(
                "INSERT INTO timetrackr.projects (id, name, owner_id, visibility)"
                " VALUES (%s, 'A project', %s, %s)",
                [user % 97, user, "private" if user == 99 else "public"],
            )
            model.new_project(user, user % 97, user != 99)

    def add_user(self, model, user, zone):
        joined = now() - timedelta(days=400, hours=1)
        self.execute(
            "INSERT INTO timetrackr.users (id, email, username, timezone, role, created_at)"
            " VALUES (%s, %s, %s, %s, 'admin', %s)",
            [user, f"user{user}@example.com", f"user{user}", zone, joined],
        )
        model.users[user] = User(zone, joined)

    def add_badge(self, model, number, criteria, revocable):
        self.execute(
            "INSERT INTO timetrackr.badges (id, name, criteria, revocable) VALUES (%s, %s, %s, %s)",
            [number, f"Badge {number}", json.dumps(criteria), revocable],
        )
        model.badges[number] = Badge(criteria, revocable)

    def refusal_of(self, error):
        if error.sqlstate.startswith("TT"):
            return f"{error.sqlstate[2:]} {code_of(error)[0]}"
        return error.sqlstate

    def attempt(self, operation):
        """Do it, in a savepoint when in a transaction, so that a refusal ends only itself."""
        self.asked_at = now()
        inside = self.connection.info.transaction_status != TransactionStatus.IDLE
        if inside:
            self.execute("SAVEPOINT attempt")
        try:
            row = operation()
        except psycopg.Error as error:
            if inside:
                self.execute("ROLLBACK TO SAVEPOINT attempt")
            return Outcome(refusal=self.refusal_of(error))
        if inside:
            self.execute("RELEASE SAVEPOINT attempt")
        return Outcome(row=row)

    def run(self, query, *arguments):
        def operation():
            cursor = self.execute(query, arguments)
            return cursor.fetchone() if cursor.description else None

        return self.attempt(operation)

    def run_undone(self, *statements):
        """The last of them, after the others in the same transaction were rolled back one by one and all."""
        with self.connection.transaction():
            self.execute("SAVEPOINT undone")
            for query, arguments in statements[:-1]:
                self.run(query, *arguments)
            self.execute("ROLLBACK TO SAVEPOINT undone")
            query, arguments = statements[-1]
            return self.run(query, *arguments)

    def insert(self, rows, ending=""):
        columns = [list(column) for column in zip(*((r.id, r.user, r.project, r.start, r.end, r.zone) for r in rows))]
        return self.run(
            "INSERT INTO timetrackr.time_entries (id, user_id, project_id, start_time, end_time, timezone)"
            " SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[],"
            f" %s::timestamptz[], %s::text[]) {ending}",
            *columns,
        )

    def copy(self, columns, rows):
        def operation():
            with self.connection.cursor() as cursor:
                with cursor.copy(f"COPY timetrackr.time_entries ({columns}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)

        return self.attempt(operation)

    def shift(self, rows, by):
        """Assignments, and their arguments, that move the times of rows."""
        return "start_time = start_time + %s, end_time = end_time + %s", (by, by)

    def delete_user(self, user):
        return self.run("DELETE FROM timetrackr.users WHERE id = %s", user)

    def held(self, boards, around):
        """The rows of each of compare.TABLES, with the pages of the boards asked for."""
        asked = [json.dumps(compare.as_objects(asks, names)) for asks, names in zip((boards, around), compare.ASKED)]
        return self.execute(compare.QUERY, asked, prepare=True).fetchone()[0]

    def compare(self, model):
        compare.compare(self.held, model)
