"""A model of badges that knows nothing of the C code: what a user's stored
history was worth at each of its moments, computed from scratch each time."""

import operator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from math import floor
from zoneinfo import ZoneInfo

COMPARE = {"gte": operator.ge, "gt": operator.gt, "lte": operator.le, "lt": operator.lt, "eq": operator.eq}
STREAK_MIN = 900


@dataclass
class Entry:
    id: int
    project_id: int
    start: datetime
    end: datetime
    zone: ZoneInfo

    @property
    def seconds(self):
        return int((self.end - self.start).total_seconds())

    def slices(self):
        """(day, seconds) for each date that the wall showed."""
        return cut(self.start, self.end, self.zone)


@lru_cache(maxsize=10000)
def cut(start, end, zone):
    """Minute by minute, since clocks go back over midnight in the most different ways."""
    sums, at = {}, start
    while at < end:
        upto = min(end, at.replace(second=0) + timedelta(minutes=1))
        day = at.astimezone(zone).date()
        sums[day] = sums.get(day, 0) + int((upto - at).total_seconds())
        at = upto
    return tuple(sums.items())


def midnight(day, zone):
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(timezone.utc)


def monday(day):
    return day - timedelta(days=day.weekday())


def add_up(pairs):
    sums = {}
    for key, seconds in pairs:
        sums[key] = sums.get(key, 0) + seconds
    return sums


class State:
    """What was known at a moment: some of the history, and today's date."""

    def __init__(self, at, zone, entries, projects, badges, joined):
        self.at, self.zone, self.entries = at, zone, entries
        self.projects, self.badges, self.joined = projects, badges, joined
        self.today = at.astimezone(zone).date()

    def days(self, project_id=None):
        return add_up(
            part for e in self.entries if project_id in (None, e.project_id) for part in e.slices()
        )

    def runs(self):
        """(last day, length) of each streak, in order."""
        runs = []
        for day in sorted(day for day, seconds in self.days().items() if seconds >= STREAK_MIN):
            if runs and runs[-1][0] == day - timedelta(days=1):
                runs[-1] = (day, runs[-1][1] + 1)
            else:
                runs.append((day, 1))
        return runs

    def recent(self, metric, project_id, first):
        if metric == "entry_count":
            return sum(e.start >= midnight(first, self.zone) for e in self.entries)
        if metric == "project_seconds":
            projects = [project_id] if project_id else {e.project_id for e in self.entries}
            sums = [sum(s for d, s in self.days(p).items() if d >= first) for p in projects]
            return max(sums, default=0)
        days = {d: s for d, s in self.days().items() if d >= first}
        return len(days) if metric == "active_days" else sum(days.values())

    def value(self, metric, project_id=None, last_days=None):
        if last_days:
            return self.recent(metric, project_id, self.today - timedelta(days=last_days - 1))
        return getattr(self, metric)(project_id)

    def total_seconds(self, _):
        return sum(e.seconds for e in self.entries)

    def project_seconds(self, project_id):
        sums = add_up((e.project_id, e.seconds) for e in self.entries)
        return sums.get(project_id, 0) if project_id else max(sums.values(), default=0)

    def entry_count(self, _):
        return len(self.entries)

    def longest_entry_seconds(self, _):
        return max((e.seconds for e in self.entries), default=0)

    def best_day_seconds(self, _):
        return max(self.days().values(), default=0)

    def best_week_seconds(self, _):
        return max(add_up((monday(d), s) for d, s in self.days().items()).values(), default=0)

    def current_streak_days(self, _):
        last, length = (self.runs() or [(None, 0)])[-1]
        return length if last and last >= self.today - timedelta(days=1) else 0

    def longest_streak_days(self, _):
        return max((length for _, length in self.runs()), default=0)

    def active_days(self, _):
        return len(self.days())

    def projects_created(self, _):
        return self.projects

    def projects_contributed(self, _):
        return len({e.project_id for e in self.entries})

    def badges_earned(self, _):
        return self.badges

    def account_age_days(self, _):
        return max(0, floor((self.at - self.joined) / timedelta(days=1)))

    def holds(self, node):
        if "all" in node:
            return all(self.holds(member) for member in node["all"])
        if "any" in node:
            return any(self.holds(member) for member in node["any"])
        if "not" in node:
            return not self.holds(node["not"])
        (compare,) = COMPARE.keys() & node.keys()
        return COMPARE[compare](self._value_of(node), node[compare])

    def fraction(self, node):
        """Progress; inside a "not" everything is 0 or 1."""
        if "all" in node:
            return min(self.fraction(member) for member in node["all"])
        if "any" in node:
            return max(self.fraction(member) for member in node["any"])
        if self.holds(node):
            return 1
        need = node.get("gte", node.get("eq", floor(node["gt"]) + 1 if "gt" in node else None))
        if "not" in node or need is None or self._value_of(node) >= need:
            return 0
        return self._value_of(node) / need

    def _value_of(self, node):
        return self.value(node["metric"], node.get("project_id"), node.get("last_days"))


class History:
    """The history of a user, as the tables have it."""

    def __init__(self, db, user_id):
        self.joined, zone = db.execute(
            "SELECT created_at, timezone FROM timetrackr.users WHERE id = %s", [user_id]
        ).fetchone()
        self.zone = ZoneInfo(zone)
        self.entries = [
            Entry(*row[:4], ZoneInfo(row[4]))
            for row in db.execute(
                "SELECT id, project_id, start_time, end_time, timezone FROM timetrackr.time_entries"
                " WHERE user_id = %s AND end_time IS NOT NULL AND NOT flagged ORDER BY end_time, id",
                [user_id],
            )
        ]
        self.projects = [
            at
            for (at,) in db.execute(
                "SELECT created_at FROM timetrackr.projects WHERE owner_id = %s", [user_id]
            )
        ]
        self.awards = db.execute(
            "SELECT awarded_at, entry_id FROM timetrackr.user_badges WHERE user_id = %s", [user_id]
        ).fetchall()

    def state(self, at, entries, zone=None):
        return State(
            at,
            zone or self.zone,
            self.entries[:entries],
            sum(created <= at for created in self.projects),
            sum(awarded <= at for awarded, _ in self.awards),
            self.joined,
        )

    def now(self):
        return self.state(datetime.now(timezone.utc), len(self.entries))

    def states(self):
        """(state, causing entry) at every moment, in order."""
        moments = [(at, 0, None) for at in self.projects]
        moments += [(at, 1, entry_id) for at, entry_id in self.awards]
        moments += [(entry.end, 2, entry.id) for entry in self.entries]
        entries = 0
        for at, kind, entry_id in sorted(moments, key=lambda moment: moment[:2]):
            entries += kind == 2
            zone = self.entries[entries - 1].zone if kind == 2 else None
            yield self.state(at, entries, zone), entry_id

    def first_met(self, criteria):
        """(moment, causing entry) at which criteria held first, or None."""
        for state, entry_id in self.states():
            if state.holds(criteria):
                return state.at, entry_id
        return None
