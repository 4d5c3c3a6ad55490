"""What the tables must hold, in plain Python and from scratch each time: who
may log what, which entries may stand together, and everything derived from
them. An operation returns the codes it may be refused with (none: it is done)
and happens at the moment that the model's clock shows."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo, available_timezones

from harness.history import Entry, State, add_up, monday

MAX_ENTRY = timedelta(days=1)
SECOND = timedelta(seconds=1)
SKEW = timedelta(seconds=60)
EPOCH = datetime(1970, 1, 1).date()
FAR = datetime(9999, 1, 1, tzinfo=timezone.utc)
ZONES = available_timezones()


def now():
    return datetime.now(timezone.utc)


def whole(moment):
    return moment and moment.replace(microsecond=0)


@dataclass(frozen=True)
class Row:
    """A row of time_entries."""

    id: int
    user: int
    project: int
    start: datetime
    end: datetime | None
    zone: str | None

    @property
    def until(self):
        return self.end or FAR

    @property
    def duration(self):
        return self.end and int((self.end - self.start).total_seconds())

    @property
    def flagged(self):
        return self.end is not None and self.end - self.start > MAX_ENTRY

    @property
    def counts(self):
        return None not in (self.start, self.end) and not self.flagged

    def entry(self):
        return Entry(self.id, self.project, self.start, self.end, ZoneInfo(self.zone))


@dataclass(frozen=True)
class User:
    zone: str
    joined: datetime
    listed: bool = True
    badges: frozenset = frozenset()


@dataclass(frozen=True)
class Project:
    owner: int
    public: bool
    archived: bool = False


@dataclass(frozen=True)
class Badge:
    criteria: dict
    revocable: bool
    enabled: bool = True


class Model:
    def __init__(self, overlap="reject", running_timer="switch"):
        self.overlap, self.running_timer = overlap, running_timer
        self.at = now()
        self.users, self.projects, self.members, self.rows, self.badges = {}, {}, {}, {}, {}

    def copy(self, at=None):
        """The same, at another moment."""
        other = Model()
        for name, value in vars(self).items():
            setattr(other, name, dict(value) if isinstance(value, dict) else value)
        other.at = at or self.at
        return other

    # What a user's entries are worth

    def counting(self, user):
        return [row.entry() for row in self.rows.values() if row.user == user and row.counts]

    def state(self, user):
        who = self.users[user]
        return State(
            self.at,
            ZoneInfo(who.zone),
            self.counting(user),
            sum(project.owner == user for project in self.projects.values()),
            len(who.badges),
            who.joined,
        )

    def running(self, user):
        return next((row for row in self.rows.values() if row.user == user and row.end is None), None)

    def days(self, user):
        """{(day, project): (seconds, entries)}"""
        days = {}
        for entry in self.counting(user):
            for day, seconds in entry.slices():
                had = days.get((day, entry.project_id), (0, 0))
                days[day, entry.project_id] = (had[0] + seconds, had[1] + 1)
        return days

    def projects_of(self, user):
        """{project: (seconds, entries)}"""
        projects = {}
        for entry in self.counting(user):
            had = projects.get(entry.project_id, (0, 0))
            projects[entry.project_id] = (had[0] + entry.seconds, had[1] + 1)
        return projects

    def scores(self, user):
        """{(period, first day): seconds}"""
        return add_up(
            (key, seconds)
            for (day, _), (seconds, _) in self.days(user).items()
            for key in (
                ("day", day),
                ("week", monday(day)),
                ("month", day.replace(day=1)),
                ("all", EPOCH),
            )
        )

    def board(self, scores):
        """(user, score, rank) of the listed among {user: score}, best first."""
        listed = {u: score for u, score in scores.items() if score > 0 and self.users[u].listed}
        order = sorted(listed, key=lambda user: (listed[user], str(user)), reverse=True)
        return [(u, listed[u], 1 + sum(s > listed[u] for s in listed.values())) for u in order]

    # Badges

    def evaluate(self, user):
        """Award and take back, by id; badges that count badges may need more rounds."""
        enabled = sorted((n, badge) for n, badge in self.badges.items() if badge.enabled)
        rounds = len(enabled) + 1 if any("badges_earned" in str(b.criteria) for _, b in enabled) else 1
        for _ in range(rounds):
            before = self.users[user].badges
            for number, badge in enabled:
                has = self.users[user].badges
                if number in has and not badge.revocable:
                    continue
                if self.state(user).holds(badge.criteria) != (number in has):
                    self.users[user] = replace(self.users[user], badges=has ^ {number})
            if self.users[user].badges == before:
                break

    # Entries

    def may_log(self, user, project):
        there, role = self.projects.get(project), self.members.get((project, user))
        if there is None or (role is None and not there.public):
            return {"404 project_not_found"}
        if role is None:
            return {"403 not_a_member"}
        if role == "viewer":
            return {"403 role_cannot_log"}
        return {"409 project_archived"} if there.archived else set()

    def refusals_of_row(self, before, row, is_moved=False):
        refused = set()
        if before and before.user != row.user:
            refused.add("422 user_id_immutable")
        if before and before.id != row.id:
            refused.add("422 id_immutable")
        if row.start is None:
            return refused | {"23502"}
        if max(row.start, row.end or row.start) > self.at + SKEW:
            refused.add("422 time_in_future")
        if row.end and row.end <= row.start:
            refused.add("422 end_not_after_start")
        if row.zone not in ZONES:
            refused.add("422 invalid_timezone")
        if not is_moved and (not before or before.project != row.project):
            refused |= self.may_log(row.user, row.project)
        return refused

    def refusals_together(self, user):
        refused = set()
        rows = sorted((r for r in self.rows.values() if r.user == user), key=lambda row: row.start)
        if sum(row.end is None for row in rows) > 1:
            refused.add("409 entry_running")
        if self.overlap == "reject" and any(b.start < a.until for a, b in zip(rows, rows[1:])):
            refused.add("409 entry_overlaps")
        return refused

    def statement(self, changes, are_moved=False):
        """One statement: pairs of the row before and the row after, None where there is none.
        Rows that are moved come to a project whatever their user may there."""
        refused, touched, users = set(), set(), set()
        for before, after in changes:
            if after is not None:
                zone = after.zone if after.zone is not None else self.users[after.user].zone
                after = replace(after, start=whole(after.start), end=whole(after.end), zone=zone)
                refused |= self.refusals_of_row(before, after, are_moved)
                if before is None and after.id in self.rows:
                    refused.add("23505")
            if before is not None:
                del self.rows[before.id]
            if after is not None and after.start is not None:
                self.rows[after.id] = after
            users.add((after or before).user)
            if before != after and any(row and row.counts for row in (before, after)):
                touched.add((after or before).user)
        for user in users:
            refused |= self.refusals_together(user)
        if not refused:
            for user in touched:
                self.evaluate(user)
        return refused

    def next_start(self, user, at):
        """Of a timer without a start: later when one of less than a second ran just before."""
        start = whole(at)
        mine = [row for row in self.rows.values() if row.user == user]
        last = max(mine, key=lambda row: row.start, default=None)
        if last and last.end and start < last.end <= start + SKEW:
            start = last.end
        running = self.running(user)
        return max(start, running.start + SECOND) if running else start

    def refusals_of_switch(self, running, start):
        refused = {"422 time_in_future"} if start > self.at + SKEW else set()
        if self.running_timer == "reject":
            refused.add("409 entry_running")
        elif whole(start) <= running.start:
            refused.add("409 start_not_later")
        return refused

    def start(self, user, project, entry_id, start, end=None):
        """start_entry(): a timer that runs is ended by the next."""
        refused, running = set(), self.running(user)
        if end is None and running:
            refused = self.refusals_of_switch(running, start)
            if refused:
                return refused | self.may_log(user, project)
            refused = self.statement([(running, replace(running, end=start))])
        return refused | self.statement([(None, Row(entry_id, user, project, start, end, None))])

    def stop(self, user, row, end):
        if row.user != user:
            return {"404 entry_not_found"}
        if row.end is None:
            return self.statement([(row, replace(row, end=end))])
        return set() if whole(end) == row.end else {"409 entry_already_ended"}

    def edit(self, user, row, changes):
        """update_entry() with what is given."""
        refused = set() if row.user == user else {"404 entry_not_found"}
        if changes.get("project", 0) is None or changes.get("start", 0) is None:
            refused.add("422 missing_field")
        return refused or self.statement([(row, replace(row, **changes))])

    def delete(self, user, row):
        return self.statement([(row, None)]) if row.user == user else {"404 entry_not_found"}

    def truncate(self):
        """All entries go, of whomever."""
        self.rows = {}
        return self.rebuild()

    def rebuild(self):
        for user in self.users:
            self.evaluate(user)
        return set()

    # Projects and users

    def visible(self, user, project):
        there = self.projects.get(project)
        return there is not None and (there.public or (project, user) in self.members)

    def new_project(self, user, project, public):
        self.projects[project] = Project(user, public)
        self.members[project, user] = "owner"
        self.evaluate(user)
        return set()

    def drop_project(self, project):
        owner = self.projects.pop(project).owner
        self.members = {key: role for key, role in self.members.items() if key[0] != project}
        if owner in self.users:
            self.evaluate(owner)

    def refusals_of_target(self, user, project, target):
        if target == project:
            return {"422 same_project"}
        if not self.visible(user, target):
            return {"404 project_not_found"}
        refused = set()
        if self.members.get((target, user)) not in ("owner", "manager"):
            refused.add("403 not_manager")
        if self.projects[target].archived:
            refused.add("409 project_archived")
        return refused

    def delete_project(self, user, project, target):
        """delete_project(), its entries to another one."""
        if not self.visible(user, project):
            return {"404 project_not_found"}
        if self.projects[project].owner != user:
            return {"403 not_owner"}
        refused = set() if target is None else self.refusals_of_target(user, project, target)
        rows = [row for row in self.rows.values() if row.project == project]
        if refused or (rows and target is None):
            return refused or {"409 project_has_entries"}
        for worker in sorted({row.user for row in rows}):
            moved = [row for row in rows if row.user == worker]
            refused |= self.statement([(row, replace(row, project=target)) for row in moved], are_moved=True)
        self.drop_project(project)
        return refused

    def remove_project(self, project):
        """DELETE FROM projects."""
        if any(row.project == project for row in self.rows.values()):
            return {"23503"}
        self.drop_project(project)
        return set()

    def hand_over(self, project, user):
        there = self.projects[project]
        if there.owner == user:
            return set()
        self.projects[project] = replace(there, owner=user)
        self.members[project, there.owner] = "manager"
        self.members[project, user] = "owner"
        self.evaluate(there.owner)
        self.evaluate(user)
        return set()

    def join(self, user, project):
        if not self.visible(user, project):
            return {"404 project_not_found"}
        if (project, user) in self.members:
            return {"409 already_member"}
        if self.projects[project].archived:
            return {"409 project_archived"}
        self.members[project, user] = "contributor"
        return set()

    def time_on(self, user, project):
        return self.projects_of(user).get(project, (0, 0))[0]

    def heirs(self, project, owner):
        """Who may own it when the owner leaves: none when nobody has a stake in it."""
        members = {user: role for (number, user), role in self.members.items() if number == project and user != owner}
        managers = {user for user, role in members.items() if role == "manager"}
        workers = {row.user for row in self.rows.values() if row.project == project and row.user != owner}
        heirs = (managers or members.keys() or workers) if managers or workers else set()
        most = max((self.time_on(user, project) for user in heirs), default=0)
        return {user for user in heirs if self.time_on(user, project) == most}

    def delete_user(self, user, owners):
        """His projects go to those with a stake in them: among equals as the database chose."""
        for number in [number for number, project in self.projects.items() if project.owner == user]:
            heirs = self.heirs(number, user)
            if heirs:
                self.hand_over(number, owners.get(number) if owners.get(number) in heirs else min(heirs))
        own = [number for number, project in self.projects.items() if project.owner == user]
        del self.users[user]
        self.rows = {number: row for number, row in self.rows.items() if row.user != user}
        self.members = {key: role for key, role in self.members.items() if key[1] != user}
        for project in own:
            self.drop_project(project)
        return set()

    def change_zone(self, user, zone):
        if zone not in ZONES:
            return {"422 invalid_timezone"}
        self.users[user] = replace(self.users[user], zone=zone)
        return set()

    def delete_badge(self, number):
        del self.badges[number]
        for user, who in self.users.items():
            self.users[user] = replace(who, badges=who.badges - {number})
        return set()
