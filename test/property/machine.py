"""A state machine of users, projects, entries and badges: each rule does one
thing to the database and to the model, which must refuse alike; after each the
two must hold the same."""

import json
from dataclasses import replace
from datetime import timedelta

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import strategies as draw
from model import Model, Row, now, whole
from tables import FIRST_IDS, Database

SECOND = timedelta(seconds=1)
FIRST_ROW = 1_000_000_000
HANDFUL = [
    ({"metric": "entry_count", "gte": 2}, False),
    ({"metric": "project_seconds", "gte": 7200}, True),
    ({"all": [{"metric": "current_streak_days", "gte": 2}, {"metric": "total_seconds", "gte": 5400}]}, True),
    ({"not": {"metric": "best_day_seconds", "lt": 10800}}, True),
    ({"metric": "badges_earned", "gte": 2}, True),
    ({"metric": "total_seconds", "gte": 3600, "last_days": 2}, True),
    ({"any": [{"metric": "entry_count", "eq": 2, "last_days": 10}, {"metric": "active_days", "gt": 2, "last_days": 4}]}, True),
]

# A row of time_entries to be: whose, on which project, when, how long, zone.
drafts = st.tuples(draw.picks, draw.picks, draw.moments, st.one_of(st.none(), *[draw.lengths] * 6), draw.given_zones)
# The same hours of some days: the arguments of insert_days.
histories = st.tuples(draw.picks, draw.picks, draw.past_moments, draw.days, draw.lengths)
nights = st.tuples(draw.picks, draw.picks, draw.hard_nights, draw.night_steps, draw.lengths)
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


def pick(things, number):
    """One of the things, or None when there are none."""
    things = sorted(things)
    return things[number % len(things)] if things else None


def half_hours(moment):
    """Local midnights, as all that is drawn, are on whole ones of these."""
    return moment.timestamp() // 1800


# What a rule needs. Named functions: of a lambda Hypothesis reads the source
# again at every step.


def any_rows(machine):
    return machine.model.rows


def many_rows(machine):
    return len(machine.model.rows) > 3


def many_users(machine):
    return len(machine.model.users) > 2


def lost_users(machine):
    return len(machine.model.users) < len(FIRST_IDS)


def any_projects(machine):
    return machine.model.projects


def many_projects(machine):
    return len(machine.model.projects) > 3


def any_joined(machine):
    return any(role != "owner" for role in machine.model.members.values())


def few_badges(machine):
    return len(machine.model.badges) < 12


def any_badges(machine):
    return machine.model.badges


def many_badges(machine):
    return len(machine.model.badges) > 3


def no_transaction(machine):
    return machine.before is None


def in_transaction(machine):
    return machine.before is not None


class Machine(RuleBasedStateMachine):
    def __init__(self, connection):
        super().__init__()
        self.db = Database(connection)
        self.db.clear()
        self.model = self.before = None
        self.last_row = FIRST_ROW
        self.since = now()

    @initialize(
        zones=st.tuples(*[draw.zones] * len(FIRST_IDS)),
        overlap=st.sampled_from(["reject", "reject", "reject", "allow"]),
        running_timer=st.sampled_from(["switch", "switch", "switch", "reject"]),
        histories=st.lists(histories, max_size=12),
        nights=st.lists(nights, max_size=6),
    )
    def begin(self, zones, overlap, running_timer, histories, nights):
        self.db.set(overlap=overlap, running_timer=running_timer)
        self.model = Model(overlap, running_timer)
        self.db.fill(self.model, zones)
        for number, (criteria, revocable) in enumerate(HANDFUL, start=1):
            self.db.add_badge(self.model, number, criteria, revocable)
        for history in histories:
            self.insert_days(*history, copy=False)
        for night in nights:
            self.insert_night(*night)

    def teardown(self):
        self.db.clear()

    def settle(self, outcome, operation, *arguments):
        """The model does it too; it must be refused by both or by none."""
        trial = self.model.copy(at=now())
        refusals = getattr(trial, operation)(*arguments)
        if outcome.refusal is None and not refusals:
            self.model = trial
        elif outcome.refusal not in refusals:
            self.assume_same_at_first(outcome, operation, *arguments)
            raise AssertionError(f"refused with {outcome.refusal}, the model says {refusals or None}")

    def assume_same_at_first(self, outcome, operation, *arguments):
        """What would lie in the future may have become the past meanwhile."""
        refusals = getattr(self.model.copy(at=self.db.asked_at), operation)(*arguments)
        assume(outcome.refusal not in (refusals or {None}))

    @invariant()
    def same(self):
        if self.model is None:
            return
        self.model.at = now()
        try:
            self.db.compare(self.model)
        except AssertionError:
            # A midnight within the step, or the transaction, is no fault.
            assume(half_hours(self.since) == half_hours(now()))
            raise
        if self.before is None:
            self.since = now()

    # Who and what the numbers drawn stand for

    def user(self, number):
        return pick(self.model.users, number)

    def project(self, number):
        """Mostly one that there is."""
        return 404 if number == 1000 else pick(self.model.projects, number) or 404

    def project_of(self, user, number):
        """Mostly one that the user may log time on."""
        if number % 8 == 0:
            return self.project(number // 8)
        mine = [project for project in self.model.projects if not self.model.may_log(user, project)]
        return pick(mine, number) or self.project(number)

    def row(self, number):
        return self.model.rows.get(pick(self.model.rows, number))

    def viewer_of(self, row, number):
        return self.user(number) if number % 10 == 0 else row.user

    def draft(self, owner, project, start, length, zone):
        user = self.user(owner)
        self.last_row += 1
        project = self.project_of(user, project)
        return Row(self.last_row, user, project, start, length and start + length, zone)

    # The functions of the API

    @rule(user=draw.picks, project=draw.picks, start=draw.moments)
    def start(self, user, project, start):
        user = self.user(user)
        project = self.project_of(user, project)
        self.started(self.db.run("SELECT * FROM timetrackr.start_entry(%s, %s, %s)", user, project, start), user, project, start)

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

    @rule(user=draw.picks, project=draw.picks, start=draw.moments, days=draw.days, length=draw.lengths, copy=st.booleans())
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
        ending = "ON CONFLICT (user_id, id) DO UPDATE SET start_time = excluded.start_time, end_time = excluded.end_time"
        outcome = self.db.insert(rows, ending)
        refusals = self.model.copy().refusals_of_row(None, replace(there, start=whole(start), end=whole(there.end)))
        if refusals:
            # The row is checked as one to insert before it is found to be there.
            assert outcome.refusal in refusals | {outcome.refusal if len(rows) > 1 else None}
            assert outcome.refusal is not None
            return
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
        self.update_rows(
            self.some_rows(rows),
            "start_time = start_time + %s, end_time = end_time + %s",
            *(by, by),
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
        if all_of_them:
            self.settle(self.db.run("TRUNCATE timetrackr.time_entries"), "truncate")
            return
        rows = self.some_rows(rows)
        outcome = self.db.run("DELETE FROM timetrackr.time_entries WHERE id = ANY(%s)", [row.id for row in rows])
        self.settle(outcome, "statement", [(row, None) for row in rows])

    @rule()
    def rebuild(self):
        """Figures are what they were; badges whose criteria have changed since are due."""
        self.settle(self.db.run("SELECT timetrackr.rebuild()"), "rebuild")

    # Users, projects, members

    @rule(user=draw.picks, zone=draw.some_zones, by_function=st.booleans())
    def change_zone(self, user, zone, by_function):
        user = self.user(user)
        if by_function:
            outcome = self.db.run("SELECT user_id FROM timetrackr.update_me(%s, timezone => %s)", user, zone)
        else:
            outcome = self.db.run("UPDATE timetrackr.users SET timezone = %s WHERE id = %s", zone, user)
        self.settle(outcome, "change_zone", user, zone)

    def change(self, things, key, query, *arguments, **changes):
        """Something that nothing can refuse."""
        outcome = self.db.run(query, *arguments)
        assert outcome.refusal is None
        kept = getattr(self.model, things)
        self.model = self.model.copy()
        getattr(self.model, things)[key] = replace(kept[key], **changes)

    @rule(user=draw.picks, listed=st.booleans())
    def list_user(self, user, listed):
        user = self.user(user)
        query = "UPDATE timetrackr.users SET listed = %s WHERE id = %s"
        self.change("users", user, query, listed, user, listed=listed)

    @precondition(many_users)
    @rule(user=draw.picks)
    def delete_user(self, user):
        user = self.user(user)
        self.settle(self.db.run("DELETE FROM timetrackr.users WHERE id = %s", user), "delete_user", user)

    @precondition(lost_users)
    @rule(zone=draw.zones)
    def add_user(self, zone):
        self.model = self.model.copy()
        self.db.add_user(self.model, min(set(FIRST_IDS) - self.model.users.keys()), zone)

    @rule(user=draw.picks, public=st.booleans())
    def create_project(self, user, public):
        user = self.user(user)
        visibility = "public" if public else "private"
        outcome = self.db.run("SELECT timetrackr.create_project(%s, 'Another', visibility => %s)", user, visibility)
        self.settle(outcome, "new_project", user, outcome.row[0], public)

    @precondition(many_projects)
    @rule(user=draw.picks, project=draw.picks, heir=st.one_of(st.none(), draw.picks, draw.picks))
    def delete_project(self, user, project, heir):
        project = self.project(project)
        owner = self.model.projects[project].owner if project in self.model.projects else self.user(user)
        user = self.user(user) if user % 10 == 0 else owner
        heir = None if heir is None else self.project_of(user, heir)
        outcome = self.db.run("SELECT timetrackr.delete_project(%s, %s, %s)", user, project, heir)
        self.settle(outcome, "delete_project", user, project, heir)

    @precondition(many_projects)
    @rule(project=draw.picks)
    def remove_project(self, project):
        project = pick(self.model.projects, project)
        self.settle(self.db.run("DELETE FROM timetrackr.projects WHERE id = %s", project), "remove_project", project)

    @precondition(any_projects)
    @rule(project=draw.picks, user=draw.picks)
    def hand_over(self, project, user):
        project, user = pick(self.model.projects, project), self.user(user)
        query = "UPDATE timetrackr.projects SET owner_id = %s WHERE id = %s"
        self.settle(self.db.run(query, user, project), "hand_over", project, user)

    @precondition(any_projects)
    @rule(project=draw.picks, public=st.sampled_from([True, True, False]), archived=st.sampled_from([False, False, True]))
    def change_project(self, project, public, archived):
        project = pick(self.model.projects, project)
        query = (
            "UPDATE timetrackr.projects SET visibility = %s,"
            " archived_at = CASE WHEN %s THEN now() END WHERE id = %s"
        )
        arguments = ("public" if public else "private", archived, project)
        self.change("projects", project, query, *arguments, public=public, archived=archived)

    @precondition(any_projects)
    @rule(user=draw.picks, project=draw.picks)
    def join(self, user, project):
        user, project = self.user(user), self.project(project)
        self.settle(self.db.run("SELECT timetrackr.join_project(%s, %s)", user, project), "join", user, project)

    @precondition(any_joined)
    @rule(member=draw.picks, role=st.sampled_from(["viewer", "contributor", "manager", None]))
    def change_member(self, member, role):
        """Raise, lower, or (None) throw out."""
        key = pick([key for key, had in self.model.members.items() if had != "owner"], member)
        self.model = self.model.copy()
        where = "WHERE project_id = %s AND user_id = %s"
        if role is None:
            outcome = self.db.run(f"DELETE FROM timetrackr.project_members {where}", *key)
            del self.model.members[key]
        else:
            outcome = self.db.run(f"UPDATE timetrackr.project_members SET role = %s {where}", role, *key)
            self.model.members[key] = role
        assert outcome.refusal is None

    # Badges

    @precondition(few_badges)
    @rule(criteria=draw.criteria, revocable=st.booleans())
    def add_badge(self, criteria, revocable):
        self.model = self.model.copy()
        number = 1 + max(self.model.badges, default=0)
        self.db.add_badge(self.model, number, criteria, revocable)

    @precondition(any_badges)
    @rule(badge=draw.picks, criteria=draw.criteria, enabled=st.booleans(), revocable=st.booleans())
    def change_badge(self, badge, criteria, enabled, revocable):
        outcome = self.db.run(
            "UPDATE timetrackr.badges SET criteria = %s, enabled = %s, revocable = %s WHERE id = %s",
            *(json.dumps(criteria), enabled, revocable, pick(self.model.badges, badge)),
        )
        assert outcome.refusal is None
        self.model = self.model.copy()
        number = pick(self.model.badges, badge)
        self.model.badges[number] = replace(
            self.model.badges[number], criteria=criteria, enabled=enabled, revocable=revocable
        )

    @precondition(many_badges)
    @rule(badge=draw.picks)
    def delete_badge(self, badge):
        number = pick(self.model.badges, badge)
        outcome = self.db.run("DELETE FROM timetrackr.badges WHERE id = %s", number)
        self.settle(outcome, "delete_badge", number)

    # Transactions

    @precondition(no_transaction)
    @rule()
    def begin_transaction(self):
        self.db.connection.execute("BEGIN")
        self.db.connection.execute("SAVEPOINT before")
        self.before = self.model

    @precondition(in_transaction)
    @rule()
    def roll_back_to_savepoint(self):
        self.db.connection.execute("ROLLBACK TO SAVEPOINT before")
        self.model = self.before

    @precondition(in_transaction)
    @rule(commit=st.booleans())
    def end_transaction(self, commit):
        self.db.connection.execute("COMMIT" if commit else "ROLLBACK")
        self.model = self.model if commit else self.before
        self.before = None
