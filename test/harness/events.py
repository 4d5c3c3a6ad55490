"""Whether the relay has told of everything, on one server or on several nodes."""

import json

WAITING = "SELECT count(*) FROM timetrackr.outbox"
# What a node has not told of, or told its own stream of only; after what has been carried from each.
WAITING_THERE = f"""
SELECT ({WAITING}) + count(*)
FROM timetrackr.events_for(0, COALESCE((%L::json ->> timetrackr.node_number()::text)::bigint, 0), 10000)
WHERE events IS NOT NULL
"""


def events_wait(connection):
    """Is there an event that has not come to the stream of the node that is asked?"""
    return events_wait_elsewhere(connection) or _value(connection, WAITING) > 0


def events_wait_elsewhere(connection):
    """Is there one that another node has, and has yet to tell this one?"""
    if not _value(connection, "SELECT to_regclass('pg_dist_node') IS NOT NULL"):
        return False
    carried = dict(connection.execute("SELECT origin, position FROM timetrackr.carried").fetchall())
    answers = connection.execute(
        "SELECT r.result FROM run_command_on_workers(format(%s, %s::text)) r", [WAITING_THERE, json.dumps(carried)]
    ).fetchall()
    return any(answer != "0" for (answer,) in answers)


def _value(connection, query):
    return connection.execute(query).fetchone()[0]
