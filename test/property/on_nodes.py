"""The property tests' database when it is one over several nodes: the same steps
by statements that Citus can do, and one statement for each thing compared."""

import psycopg

import compare
from tables import Database, Outcome

PAGES = (
    "SELECT json_build_array(l.user_id, l.score, l.rank)"
    " FROM timetrackr.leaderboard(%s::timetrackr.period, %s::timetrackr.metric, %s::date, %s, %s, %s) l",
    "SELECT json_build_array(l.user_id, l.score, l.rank)"
    " FROM timetrackr.leaderboard_around(%s, %s::timetrackr.period, %s::timetrackr.metric, %s::date, %s) l",
)


def database_of(connection):
    ((is_distributed,),) = connection.execute("SELECT timetrackr.is_distributed()").fetchall()
    return NodesDatabase(connection) if is_distributed else Database(connection)


class NodesDatabase(Database):
    # A function with a user is called at his home, where the coordinator's transaction is not; and TRUNCATE is refused.
    has_transactions = has_truncate = False

    def prepare(self):
        """Plans are made by Citus, for each user another."""

    def execute(self, query, arguments=(), **_):
        """With constants, by which Citus knows whose home is meant."""
        return psycopg.ClientCursor(self.connection).execute(query, arguments)

    def set(self, overlap, running_timer):
        """The defaults, whatever was drawn: settings of a session are the coordinator's only."""
        return "reject", "switch"

    def clear(self):
        super().clear()
        self.execute("SELECT timetrackr.on_other_nodes('DELETE FROM timetrackr.outbox')")

    def refusal_of(self, error):
        if error.sqlstate == "0A000" and "modifying the partition value" in error.diag.message_primary:
            return "422 user_id_immutable"
        return super().refusal_of(error)

    def run_undone(self, *statements):
        """Only the last of them, as nothing can be undone."""
        query, arguments = statements[-1]
        return self.run(query, *arguments)

    def insert(self, rows, ending=""):
        columns = "id, user_id, project_id, start_time, end_time, timezone"
        return self.insert_values(columns, [(r.id, r.user, r.project, r.start, r.end, r.zone) for r in rows], ending)

    def insert_values(self, columns, rows, ending=""):
        places = ", ".join(["%s"] * len(rows[0]))
        return self.run(
            f"INSERT INTO timetrackr.time_entries ({columns}) VALUES {', '.join([f'({places})'] * len(rows))} {ending}",
            *(value for row in rows for value in row),
        )

    def copy(self, columns, rows):
        """Of a refusal Citus hands on no code, but the message alone: the same rows are refused again to hear it."""
        outcome = super().copy(columns, rows)
        if outcome.refusal != "XX000":
            return outcome
        # Rows that INSERT takes should not have been refused at all: that stays an error.
        return Outcome(refusal=self.insert_values(columns, rows).refusal or outcome.refusal)

    def shift(self, rows, by):
        """To constants: Citus adds no interval to a column, since that depends on the session's time zone."""
        cases = " ".join(["WHEN %s THEN %s::timestamptz"] * len(rows))
        starts = [value for row in rows for value in (row.id, row.start + by)]
        ends = [value for row in rows for value in (row.id, row.end and row.end + by)]
        return f"start_time = CASE id {cases} END, end_time = CASE id {cases} END", (*starts, *ends)

    def delete_user(self, user):
        """DELETE would not hand his projects over."""
        return self.run("SELECT refused FROM timetrackr.delete_me(%s, NULL)", user)

    def held(self, boards, around):
        tables = [
            self.values(f"SELECT json_build_array({columns}) FROM {source}")
            for name, (columns, source) in compare.TABLES.items()
            if not name.startswith("boards")
        ]
        pages = [[(*ask, self.values(query, *ask)) for ask in asks] for query, asks in zip(PAGES, (boards, around))]
        return tables + pages

    def values(self, query, *arguments):
        return [value for (value,) in self.all(query, *arguments)]
