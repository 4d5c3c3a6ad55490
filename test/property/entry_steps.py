"""Rules that write entries: through the functions of the API, and by statements
on the table."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

import strategies as draw
from model import SECOND, now, whole
from steps import Steps, any_rows, many_rows

# A row of time_entries to be: whose, on which project, when, how long, zone.
drafts = st.tuples(draw.picks, draw.picks, draw.moments, st.one_of(st.none(), *[draw.lengths] * 6), draw.given_zones)
nothing_much = st.fixed_dictionaries(
    {},
    optional={
        "duration": st.just(12345),
        "flagged": st.booleans(),
        "note": st.just("A note"),
        "tags": st.just(["a", "b"]),
        "source": st.just("import"),
        "created_at": draw.moments,
        "updated_at": draw.moments,
    },
)


class EntrySteps(Steps):
    # The functions of the API

    @rule(user=draw.picks, project=draw.picks, start=draw.moments)
    def start(self, user, project, start):
        user = self.user(user)
        project = self.project_of(user, project)
        arguments = (user, project, start)
        self.started(self.db.run("SELECT * FROM timetrackr.start_entry(%s, %s, %s)", *arguments), *arguments)

    @rule(user=draw.picks, project=draw.picks, start=draw.moments, length=draw.lengths)
    def log(self, user, project, start, length):
        user = self.user(user)
        project = self.project_of(user, project)
        arguments = (user, project, start, start + length)
        self.started(self.db.run("SELECT * FROM timetrackr.start_entry(%s, %s, %s, %s)", *arguments), *arguments)

    @rule(user=draw.picks, project=draw.picks, start=draw.past_moments, length=draw.lengths)
    def log_again(self, user, project, start, length):
        """What was joined and logged and taken back is as if it had not been."""
        user, project = self.user(user), self.project(project)
        arguments = (user, project, start, start + length)
        outcome = self.db.run_undone(
            ("SELECT timetrackr.join_project(%s, %s)", arguments[:2]),
            ("SELECT timetrackr.start_entry(%s, %s, %s, %s)", arguments),
            ("SELECT * FROM timetrackr.start_entry(%s, %s, %s, %s)", arguments),
        )
        self.started(outcome, *arguments)

    def started(self, outcome, user, project, start, end=None):
        entry_id = outcome.row[0] if outcome.row else -1
        self.settle(outcome, "start", user, project, entry_id, start, end)

    @rule(user=draw.picks, project=draw.picks)
    def start_now(self, user, project):
        user = self.user(user)
        project = self.project_of(user, project)
        outcome = self.db.run("SELECT * FROM timetrackr.start_entry(%s, %s)", user, project)
        earliest, latest = (self.model.next_start(user, at) for at in (self.db.asked_at, now()))
        start = outcome.row[1] if outcome.row else latest
        assert earliest <= start <= latest
        self.started(outcome, user, project, start)

    @precondition(any_rows)
    @rule(row=draw.picks, viewer=draw.picks, length=st.one_of(st.none(), draw.lengths))
    def stop(self, row, viewer, length):
        row = self.row(row)
        viewer = self.viewer_of(row, viewer)
        running = self.model.running(viewer)
        row = running if running and running.user == row.user else row
        earliest = max(whole(now()), row.start + SECOND)
        end = length and row.start + length
        outcome = self.db.run("SELECT duration_seconds FROM timetrackr.stop_entry(%s, %s, %s)", viewer, row.id, end)
        if outcome.row and end is None:
            end = row.start + outcome.row[0] * SECOND
            assert row.end or earliest <= end <= max(whole(now()), earliest)
        self.settle(outcome, "stop", viewer, row, end or row.end or earliest)

    @precondition(any_rows)
    @rule(
        row=draw.picks,
        viewer=draw.picks,
        project=st.one_of(st.none(), draw.picks),
        start=st.one_of(st.none(), draw.moments),
        length=st.one_of(st.none(), draw.lengths),
        given=st.sets(st.sampled_from(["project_id", "start_time", "end_time", "note"])),
    )
    def edit(self, row, viewer, project, start, length, given):
        row = self.row(row)
        viewer = self.viewer_of(row, viewer)
        project = None if project is None else self.project_of(row.user, project)
        end = length and ((start if start and "start_time" in given else row.start) + length)
        outcome = self.db.run(
            "SELECT entry_id FROM timetrackr.update_entry(%s, %s, %s, %s, %s, given => %s)",
            *(viewer, row.id, project, start, end, sorted(given)),
        )
        fields = {"project_id": ("project", project), "start_time": ("start", start), "end_time": ("end", end)}
        self.settle(outcome, "edit", viewer, row, dict(fields[name] for name in given & fields.keys()))

    @precondition(any_rows)
    @rule(row=draw.picks, viewer=draw.picks)
    def delete(self, row, viewer):
        row = self.row(row)
        viewer = self.viewer_of(row, viewer)
        self.settle(self.db.run("SELECT timetrackr.delete_entry(%s, %s)", viewer, row.id), "delete", viewer, row)

    # Statements on the table

    @rule(drafts=st.lists(drafts, min_size=1, max_size=4))
    def insert_rows(self, drafts):
        self.insert_rows_of(drafts)

    @rule(
        user=draw.picks,
        project=draw.picks,
        start=draw.moments,
        days=draw.days,
        length=draw.lengths,
        copy=st.booleans(),
    )
    def insert_days(self, user, project, start, days, length, copy):
        """The same hour of some days in a row: streaks. Longer ones leave out days."""
        apart = timedelta(days=1 + length // timedelta(days=1))
        every = [(user, project, start + day * apart, length, None) for day in range(days)]
        self.copy_rows_of(every) if copy else self.insert_rows_of(every)

    @rule(user=draw.picks, project=draw.picks, night=draw.hard_nights, steps=draw.night_steps, length=draw.lengths)
    def insert_night(self, user, project, night, steps, length):
        moment, zone = night
        self.insert_rows_of([(user, project, moment + steps * draw.HALF_HOUR, length, zone)])

    def insert_rows_of(self, drafts):
        rows = [self.draft(*draft) for draft in drafts]
        self.settle(self.db.insert(rows), "statement", [(None, row) for row in rows])

    def copy_rows_of(self, drafts):
        rows = [self.draft(*draft) for draft in drafts]
        outcome = self.db.copy(
            "id, user_id, project_id, start_time, end_time, timezone, duration, flagged",
            [(row.id, row.user, row.project, row.start, row.end, row.zone, 12345, True) for row in rows],
        )
        self.settle(outcome, "statement", [(None, row) for row in rows])

    @rule(drafts=st.lists(drafts, min_size=1, max_size=4))
    def copy_rows(self, drafts):
        self.copy_rows_of(drafts)

    @precondition(any_rows)
    @rule(row=draw.picks, new=drafts, start=draw.moments, length=draw.lengths)
    def upsert(self, row, new, start, length):
        """One row is there already, the other is of another user."""
        row, new = self.row(row), self.draft(*new)
        there = replace(row, start=start, end=start + length)
        rows = [there, new] if new.user != row.user else [there]
        ending = (
            "ON CONFLICT (user_id, id) DO UPDATE"
            " SET start_time = excluded.start_time, end_time = excluded.end_time"
        )
        outcome = self.db.insert(rows, ending)
        self.settle(outcome, "statement", [(row, there), *((None, r) for r in rows[1:])])

    @precondition(any_rows)
    @rule(
        row=draw.picks,
        what=st.sets(st.sampled_from(["user", "id", "project", "start", "end", "zone"]), max_size=3),
        new=drafts,
        others=nothing_much,
        no_start=st.integers(0, 30),
    )
    def update_columns(self, row, what, new, others, no_start):
        """Every column is open to SQL, also those that are the server's own."""
        row, new = self.row(row), self.draft(*new)
        if new.user != row.user and "user" not in what:
            new = replace(new, project=self.project_of(row.user, new.project))
        changed = replace(row, **{name: getattr(new, name) for name in what})
        if no_start == 0:
            changed = replace(changed, start=None)
        columns = {
            "user_id": changed.user,
            "id": changed.id,
            "project_id": changed.project,
            "start_time": changed.start,
            "end_time": changed.end,
            "timezone": changed.zone,
            **others,
        }
        assignments = ", ".join(f"{column} = %s" for column in columns)
        outcome = self.db.run(
            f"UPDATE timetrackr.time_entries SET {assignments} WHERE user_id = %s AND id = %s",
            *(*columns.values(), row.user, row.id),
        )
        self.settle(outcome, "statement", [(row, changed)])

    def some_rows(self, numbers):
        return [row for row in self.model.rows.values() if row.id in {self.row(n).id for n in numbers}]

    def update_rows(self, rows, assignments, *arguments, **changes):
        outcome = self.db.run(
            f"UPDATE timetrackr.time_entries SET {assignments} WHERE id = ANY(%s)",
            *(*arguments, [row.id for row in rows]),
        )
        changed = [replace(row, **{name: of(row) for name, of in changes.items()}) for row in rows]
        self.settle(outcome, "statement", list(zip(rows, changed)))

    @precondition(any_rows)
    @rule(rows=st.lists(draw.picks, min_size=1, max_size=6), by=st.sampled_from([-86400, -3600, 1, 1800, 86400]))
    def shift_rows(self, rows, by):
        by = timedelta(seconds=by)
        rows = self.some_rows(rows)
        assignments, arguments = self.db.shift(rows, by)
        self.update_rows(
            rows,
            assignments,
            *arguments,
            start=lambda row: row.start + by,
            end=lambda row: row.end and row.end + by,
        )

    @precondition(any_rows)
    @rule(rows=st.lists(draw.picks, min_size=1, max_size=3))
    def reopen_rows(self, rows):
        self.update_rows(self.some_rows(rows), "end_time = NULL", end=lambda row: None)

    @precondition(any_rows)
    @rule(rows=st.lists(draw.picks, min_size=1, max_size=6), project=draw.picks, zone=draw.zones)
    def move_rows(self, rows, project, zone):
        rows = self.some_rows(rows)
        project = self.project_of(rows[0].user, project)
        self.update_rows(
            rows, "project_id = %s, timezone = %s", project, zone, project=lambda row: project, zone=lambda row: zone
        )

    @precondition(many_rows)
    @rule(rows=st.lists(draw.picks, min_size=1, max_size=4), all_of_them=st.sampled_from([False] * 9 + [True]))
    def delete_rows(self, rows, all_of_them):
        if all_of_them and self.db.has_truncate:
            self.settle(self.db.run("TRUNCATE timetrackr.time_entries"), "truncate")
            return
        rows = list(self.model.rows.values()) if all_of_them else self.some_rows(rows)
        outcome = self.db.run("DELETE FROM timetrackr.time_entries WHERE id = ANY(%s)", [row.id for row in rows])
        self.settle(outcome, "statement", [(row, None) for row in rows])

    @rule()
    def rebuild(self):
        """Figures are what they were; badges whose criteria have changed since are due."""
        self.settle(self.db.run("SELECT timetrackr.rebuild()"), "rebuild")
