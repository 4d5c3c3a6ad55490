"""A state machine of users, projects, entries and badges: each rule does one
thing to the database and to the model, which must refuse alike; after each the
two must hold the same."""

from hypothesis import strategies as st
from hypothesis.stateful import initialize

import strategies as draw
from entry_steps import EntrySteps
from model import Model
from people_steps import PeopleSteps
from tables import FIRST_IDS

HANDFUL = [
    ({"metric": "entry_count", "gte": 2}, False),
    ({"metric": "project_seconds", "gte": 7200}, True),
    ({"all": [{"metric": "current_streak_days", "gte": 2}, {"metric": "total_seconds", "gte": 5400}]}, True),
    ({"not": {"metric": "best_day_seconds", "lt": 10800}}, True),
    ({"metric": "badges_earned", "gte": 2}, True),
    ({"metric": "total_seconds", "gte": 3600, "last_days": 2}, True),
    ({"metric": "entry_count", "eq": 2, "last_days": 10}, True),
    ({"metric": "active_days", "gt": 2, "last_days": 4}, True),
]
# The same hours of some days: the arguments of insert_days.
histories = st.tuples(draw.picks, draw.picks, draw.past_moments, draw.days, draw.lengths)
nights = st.tuples(draw.picks, draw.picks, draw.hard_nights, draw.night_steps, draw.lengths)


class Machine(EntrySteps, PeopleSteps):
    @initialize(
        zones=st.tuples(*[draw.zones] * len(FIRST_IDS)),
        overlap=st.sampled_from(["reject", "reject", "reject", "allow"]),
        running_timer=st.sampled_from(["switch", "switch", "switch", "reject"]),
        histories=st.lists(histories, max_size=12),
        nights=st.lists(nights, max_size=6),
    )
    def begin(self, zones, overlap, running_timer, histories, nights):
        self.model = Model(*self.db.set(overlap, running_timer))
        self.db.fill(self.model, zones)
        for number, (criteria, revocable) in enumerate(HANDFUL, start=1):
            self.db.add_badge(self.model, number, criteria, revocable)
        for history in histories:
            self.insert_days(*history, copy=False)
        for night in nights:
            self.insert_night(*night)
