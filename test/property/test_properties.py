"""Whatever is done in whatever order, the tables hold what the model says; and
any tree of badge criteria is met by whom the model says. The same steps are
drawn at each run; a soak draws others, seed by seed, until its time is over."""

import json
import os
import time
from datetime import timedelta

from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis.stateful import run_state_machine_as_test

import strategies as draw
from machine import Machine
from model import Model, Row, now
from on_nodes import database_of
from steps import half_hours

SOAK_SECONDS = int(os.environ.get("SOAK_SECONDS", "0"))
SOAK_SEED = int(os.environ.get("SOAK_SEED", "1"))
# On several nodes a step takes many times as long, and to make a failing example smaller would take hours.
ON_NODES = "TIMETRACKR_NODES" in os.environ
SETTINGS = settings(
    phases=[Phase.generate] if ON_NODES else list(Phase),
    deadline=None,
    database=None,
    derandomize=not SOAK_SECONDS,
    suppress_health_check=list(HealthCheck),
)
STEPS = settings(SETTINGS, max_examples=15 if ON_NODES else 75, stateful_step_count=40 if ON_NODES else 60)
TREES = settings(SETTINGS, max_examples=200 if ON_NODES else 600)


def rounds(share):
    """Numbers to seed with, for a share of the soak's time; once, for nothing, without one."""
    if not SOAK_SECONDS:
        yield 0
        return
    number, end = SOAK_SEED, time.monotonic() + share * SOAK_SECONDS
    while time.monotonic() < end:
        print(f"seed {number}: again with make soak SOAK_SEED={number}")
        yield number
        number += 1


def test_every_operation_keeps_the_tables_as_the_model(db):
    for number in rounds(share=0.9):
        run_state_machine_as_test(seed(number)(lambda: Machine(db)), settings=STEPS)


def log_histories(database, model):
    """A user of one long streak, one of a broken one, one of one long day, one of none."""
    histories = {
        7: [(7, days, 1) for days in range(9)],
        10: [(10, 0, 2), (7, 1, 1), (10, 3, 3), (10, 400, 8)],
        99: [(2, 5, 24)],
        100: [],
    }
    for user, history in histories.items():
        for number, (project, days, hours) in enumerate(history):
            start = draw.HOUR - timedelta(days=days, hours=25)
            row = Row(1000 * user + number, user, project, start, start + timedelta(hours=hours), None)
            database.execute(
                "INSERT INTO timetrackr.project_members (project_id, user_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                [project, user],
            )
            model.members.setdefault((project, user), "contributor")
            assert database.insert([row]).refusal is None
            assert model.statement([(None, row)]) == set()


def test_any_criteria_are_met_by_whom_the_model_says(db):
    database = database_of(db)
    database.clear()
    model = Model(*database.set("reject", "switch"))
    database.fill(model, ["America/St_Johns", "Pacific/Kiritimati", "Europe/Berlin", "UTC"])
    database.add_badge(model, 1, {"metric": "projects_created", "gte": 1}, False)
    log_histories(database, model)
    database.compare(model)

    @TREES
    @given(criteria=draw.trees(projects=(2, 7, 10, 404)))
    def check(criteria):
        model.at = now()
        users, sample = database.all(
            "SELECT users, ARRAY(SELECT u.user_id FROM unnest(sample) u ORDER BY 1)"
            " FROM timetrackr.preview_badge(7, %s)",
            json.dumps(criteria),
        )[0]
        assume(half_hours(model.at) == half_hours(now()))
        expected = [user for user in sorted(model.users) if model.state(user).holds(criteria)]
        assert (users, sample) == (len(expected), expected)

    for number in rounds(share=0.1):
        seed(number)(check)()
    database.clear()
