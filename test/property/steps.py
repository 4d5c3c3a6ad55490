"""What the state machine's rules are made with: what a rule needs before it can
run, whom and what the numbers drawn stand for, and holding the database
against the model after each step."""

from hypothesis import assume
from hypothesis.stateful import RuleBasedStateMachine, invariant

from model import Row, now
from on_nodes import database_of
from tables import FIRST_IDS

FIRST_ROW = 1_000_000_000


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


def may_begin(machine):
    return machine.before is None and machine.db.has_transactions


def in_transaction(machine):
    return machine.before is not None


class Steps(RuleBasedStateMachine):
    def __init__(self, connection):
        super().__init__()
        self.db = database_of(connection)
        self.db.clear()
        self.model = self.before = None
        self.last_row = FIRST_ROW
        self.since = now()

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
