"""The wake-up handshake with the real relay: it sleeps only after a last look,
is woken when it sleeps, and stays awake for writers who count on it. Whatever
else happens to it, the slow poll finds every event."""

import itertools
import time

import psycopg
import pytest
from harness import eventually

WAKE_LOCK = 8391171951110545259
GATE = 4711
# A relay that missed something finds it after a second (SAFETY_INTERVAL in relay.c).
# The best of some rounds is far below that, or the slow poll did it.
PROMPT = 0.5
ROUNDS = 5

_hours = itertools.count()


@pytest.fixture
def stage(stage):
    stage.query(
        "INSERT INTO timetrackr.users (id, email, username)"
        " SELECT n, n || '@example.com', 'user' || n FROM generate_series(1, 2) n"
    )
    stage.query(
        "INSERT INTO timetrackr.projects (id, name, owner_id) SELECT n, 'Wake', n FROM generate_series(1, 2) n"
    )
    return stage


def write(connection, user=1):
    """One entry, which makes an event."""
    connection.execute(
        "SELECT FROM timetrackr.start_entry(%s, %s, timestamptz '2024-01-01Z' + %s * interval '1 hour',"
        " timestamptz '2024-01-01 01:00Z' + %s * interval '1 hour')",
        [user, user, hour := next(_hours), hour],
    )


def outbox_is_empty(stage):
    return stage.value("SELECT count(*) FROM timetrackr.outbox") == 0


def relay_sleeps(stage):
    """Does the relay hold the wake lock? Other databases have locks of their own."""
    return stage.value(
        "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
        " WHERE l.locktype = 'advisory'"
        " AND l.classid = (%s::bigint >> 32)::oid AND l.objid = (%s::bigint & 4294967295)::oid"
        " AND l.granted AND l.mode = 'ExclusiveLock' AND a.application_name = 'timetrackr relay'"
        " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        WAKE_LOCK,
        WAKE_LOCK,
    ) == 1


def waiting_at_gate(stage):
    return stage.value(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        GATE,
    ) == 1


def seconds_until_taken(stage):
    begin = time.monotonic()
    eventually(lambda: outbox_is_empty(stage), what="the event taken by the relay")
    return time.monotonic() - begin


def build_gate(stage):
    """Have everybody who asks for the wake lock in this database, which is the
    relay, pass a gate first: PostgreSQL's function gets a porter."""
    with stage.postgres.connect(stage.database) as connection:
        connection.execute("SET allow_system_table_mods = on")
        connection.execute("ALTER FUNCTION pg_catalog.pg_try_advisory_lock(bigint) RENAME TO pg_behind_the_gate")
        connection.execute(
            "CREATE FUNCTION pg_catalog.pg_try_advisory_lock(key bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN"
            f" IF key = {WAKE_LOCK} THEN PERFORM pg_catalog.pg_advisory_xact_lock({GATE}); END IF;"
            " RETURN pg_catalog.pg_behind_the_gate(key); END $$"
        )


def listen(connection):
    """What the connection hears from now on; each of its statements hears some more."""
    heard = []
    connection.add_notify_handler(lambda note: heard.append((note.channel, note.payload)))
    connection.execute("LISTEN timetrackr_wake")
    return heard


def test_the_relay_looks_once_more_before_it_sleeps(stage):
    """An event is committed after the relay found nothing and before it has the lock:
    its writer saw no sleeper and did not notify."""
    build_gate(stage)
    with stage.postgres.connect(stage.database) as gate, stage.postgres.connect(stage.database) as writer:
        heard = listen(writer)
        gate.execute(f"SELECT pg_advisory_lock({GATE})")
        stage.proxy(redis=False)
        delays = []
        for _ in range(ROUNDS):
            eventually(lambda: waiting_at_gate(stage), what="the relay about to sleep")
            write(writer)
            gate.execute(f"SELECT pg_advisory_unlock({GATE})")
            delays.append(seconds_until_taken(stage))
            gate.execute(f"SELECT pg_advisory_lock({GATE})")
        gate.execute(f"SELECT pg_advisory_unlock({GATE})")
        writer.execute("SELECT")
    assert heard == []
    assert min(delays) < PROMPT, delays


def test_a_sleeping_relay_is_woken(stage):
    stage.proxy(redis=False)
    delays = []
    with stage.postgres.connect(stage.database) as writer:
        heard = listen(writer)
        for _ in range(ROUNDS):
            eventually(lambda: relay_sleeps(stage), what="the relay asleep")
            write(writer)
            delays.append(seconds_until_taken(stage))
        writer.execute("SELECT")
    assert min(delays) < PROMPT, delays
    assert heard == ROUNDS * [("timetrackr_wake", "")]


def test_the_relay_stays_awake_while_a_writer_counts_on_it(stage):
    stage.proxy(redis=False)
    with stage.postgres.connect(stage.database, autocommit=False) as writer:
        eventually(lambda: relay_sleeps(stage), what="the relay asleep")
        write(writer)
        writer.commit()
        eventually(lambda: not relay_sleeps(stage), what="the relay awake")
        write(writer)
        # It would sleep half a second after its last event.
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            assert not relay_sleeps(stage)
        writer.commit()
    eventually(lambda: outbox_is_empty(stage) and relay_sleeps(stage), what="the event taken, the relay asleep")


def test_without_notify_the_slow_poll_finds_events(stage):
    stage.proxy(redis=False)
    with stage.postgres.connect(stage.database) as writer:
        heard = listen(writer)
        writer.execute("SET timetrackr.notify = off")
        eventually(lambda: relay_sleeps(stage), what="the relay asleep")
        write(writer)
        seconds_until_taken(stage)
        writer.execute("SELECT")
    assert heard == []


def test_somebody_else_with_the_wake_lock_does_no_harm(stage):
    """The relay can't sleep then, and writers think it does: it is told, and polls."""
    with stage.postgres.connect(stage.database) as holder, stage.postgres.connect(stage.database) as writer:
        holder.execute(f"SELECT pg_advisory_lock({WAKE_LOCK})")
        stage.proxy(redis=False)
        delays = []
        for _ in range(ROUNDS):
            write(writer)
            delays.append(seconds_until_taken(stage))
        assert not relay_sleeps(stage)
    assert min(delays) < PROMPT, delays
    eventually(lambda: relay_sleeps(stage), what="the relay asleep")


def test_a_prepared_writer_keeps_the_relay_awake(stage):
    """Its share of the wake lock outlives its session."""
    stage.proxy(redis=False)
    with stage.postgres.connect(stage.database) as writer:
        writer.execute("SET timetrackr.notify = off")
        write(writer)
        eventually(lambda: not relay_sleeps(stage), what="the relay awake")
        writer.execute("SET timetrackr.notify = auto")
        writer.execute("BEGIN")
        write(writer)
        writer.execute("PREPARE TRANSACTION 'wake'")
        # What this session knew went with the transaction: it asks again.
        write(writer, user=2)
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        assert not relay_sleeps(stage)
    stage.query("COMMIT PREPARED 'wake'")
    eventually(lambda: outbox_is_empty(stage) and relay_sleeps(stage), what="the event taken, the relay asleep")


def test_who_prepares_transactions_does_not_notify(stage):
    """PostgreSQL prepares no transaction that notifies; the setting is the way out."""
    stage.proxy(redis=False)
    with stage.postgres.connect(stage.database) as writer:
        eventually(lambda: relay_sleeps(stage), what="the relay asleep")
        writer.execute("BEGIN")
        write(writer)
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            writer.execute("PREPARE TRANSACTION 'told'")
        writer.execute("SET timetrackr.notify = off")
        writer.execute("BEGIN")
        write(writer)
        writer.execute("PREPARE TRANSACTION 'quiet'")
        writer.execute("COMMIT PREPARED 'quiet'")
    eventually(lambda: outbox_is_empty(stage), what="the event taken")
    assert stage.value("SELECT count(*) FROM timetrackr.time_entries") == 1
