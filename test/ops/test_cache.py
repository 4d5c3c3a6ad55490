"""Kept answers: never from before a write whose answer is out, within a second
elsewhere, one query for many, and bounded."""

import json
import signal
import socket
import threading
import time
from datetime import timedelta

import pytest
from conftest import days_ago, rfc3339, sign_up
from followers import leader_of
from harness import eventually

GATE = 42


@pytest.fixture
def stage(stage):
    stage.cache_bytes = 16 << 20
    return stage


class Gate:
    """Every reading of a project waits, once it has read, until the gate is open."""

    def __init__(self, stage):
        self.stage = stage
        result = stage.value("SELECT pg_get_function_result('timetrackr.project(bigint, bigint)'::regprocedure)")
        stage.query("CREATE TABLE fault (message text)")
        stage.query("GRANT SELECT ON fault TO PUBLIC")
        stage.query("CREATE SCHEMA original")
        stage.query("GRANT USAGE ON SCHEMA original TO PUBLIC")
        stage.query("ALTER FUNCTION timetrackr.project(bigint, bigint) SET SCHEMA original")
        stage.query(
            f"CREATE FUNCTION gated_project(bigint, bigint) RETURNS {result} LANGUAGE plpgsql STABLE AS $$ BEGIN"
            " RAISE WARNING 'project %% of %% is read', $2, current_database();"
            " RETURN QUERY SELECT * FROM original.project($1, $2);"
            f" PERFORM pg_advisory_xact_lock_shared({GATE});"
            " IF EXISTS (SELECT FROM public.fault) THEN RAISE 'a fault'; END IF; END $$"
        )
        stage.query(
            f"CREATE FUNCTION timetrackr.project(viewer_id bigint, project_id bigint) RETURNS {result}"
            " LANGUAGE sql STABLE AS 'SELECT * FROM public.gated_project($1, $2)'"
        )
        self.connection = stage.postgres.connect(stage.database)

    def close(self):
        self.connection.execute("SELECT pg_advisory_lock(%s)", [GATE])

    def open(self):
        self.connection.execute("SELECT pg_advisory_unlock_all()")

    def readings(self, project_id):
        """How many queries have begun to read the project."""
        line = f"project {project_id} of {self.stage.database} is read"
        return self.stage.postgres.log.read_text().count(line)


@pytest.fixture
def gate(stage):
    gate = Gate(stage)
    try:
        yield gate
    finally:
        gate.connection.close()


class Background:
    """A GET in a thread; begun when the constructor returns."""

    def __init__(self, proxy, path):
        self.connection = socket.create_connection(("127.0.0.1", int(proxy.settings["PORT"])), timeout=30)
        self.connection.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n".encode())

    def answer(self):
        """(status, body)"""
        with self.connection, self.connection.makefile("rb") as reply:
            head, _, body = reply.read().partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    def hang_up(self):
        self.connection.close()


def public_project(proxy):
    owner = sign_up(proxy)
    project_id = owner.project("An open project", visibility="public")
    return owner, project_id, f"/projects/{project_id}"


def settled_project(stage, gate, proxy):
    """The path and id of a public project after the events of its making were heard: none will end a flight."""
    _, project_id, path = public_project(proxy)
    _, marker_id, marker = public_project(proxy)
    client = proxy.client()
    eventually(lambda: is_kept(client, gate, marker, marker_id), what="a kept answer")
    stage.query("UPDATE timetrackr.projects SET name = 'heard' WHERE id = %s", marker_id)
    eventually(lambda: client.get(marker).expect(200)["name"] == "heard", what="the last event")
    eventually(lambda: stage.value("SELECT count(*) FROM timetrackr.outbox") == 0, what="an empty outbox")
    eventually(lambda: is_kept(client, gate, marker, marker_id), what="a kept answer")
    return path, project_id


def set_visibility(owner, project_id, visibility):
    owner.put(f"/projects/{project_id}/visibility", {"visibility": visibility}).expect(200)


def test_a_reading_from_before_a_write_is_neither_kept_nor_given_to_later_readers(stage, gate):
    proxy = stage.proxy(WORKERS=1)
    owner, project_id, path = public_project(proxy)
    gate.close()
    early = Background(proxy, path)
    eventually(lambda: gate.readings(project_id) == 1, what="the first reading")
    set_visibility(owner, project_id, "private")
    late = Background(proxy, path)
    proxy.client().get("/healthz").expect(200)  # on the only worker, behind the late reading
    gate.open()
    assert early.answer()[0] == 200, "it had read before the project became private"
    assert late.answer()[0] == 404
    proxy.client().get(path).expect(404)


def test_many_readers_at_once_cost_one_query(stage, gate):
    proxy = stage.proxy(WORKERS=1)
    path, project_id = settled_project(stage, gate, proxy)
    gate.close()
    readers = [Background(proxy, path) for _ in range(20)]
    eventually(lambda: gate.readings(project_id) >= 1, what="the first reading")
    proxy.client().get("/healthz").expect(200)
    gate.open()
    answers = [reader.answer() for reader in readers]
    assert {status for status, _ in answers} == {200} and len({body for _, body in answers}) == 1
    assert gate.readings(project_id) == 1


def test_who_hangs_up_does_not_take_the_answer_from_others(stage, gate):
    proxy = stage.proxy(WORKERS=1)
    path, project_id = settled_project(stage, gate, proxy)
    gate.close()
    first = Background(proxy, path)
    eventually(lambda: gate.readings(project_id) == 1, what="the first reading")
    second = Background(proxy, path)
    proxy.client().get("/healthz").expect(200)
    first.hang_up()
    proxy.client().get("/healthz").expect(200)
    gate.open()
    assert second.answer()[0] == 200
    assert gate.readings(project_id) == 1


def test_an_error_is_given_to_all_who_wait_and_not_kept(stage, gate):
    proxy = stage.proxy(WORKERS=1)
    path, project_id = settled_project(stage, gate, proxy)
    stage.query("INSERT INTO fault VALUES ('x')")
    gate.close()
    readers = [Background(proxy, path) for _ in range(5)]
    eventually(lambda: gate.readings(project_id) == 1, what="the reading")
    proxy.client().get("/healthz").expect(200)
    gate.open()
    assert {reader.answer()[0] for reader in readers} == {500}
    assert gate.readings(project_id) == 1
    stage.query("DELETE FROM fault")
    proxy.client().get(path).expect(200)


def test_what_is_kept_needs_no_query(stage, gate):
    proxy = stage.proxy(redis=False)
    _, project_id, path = public_project(proxy)
    readers = proxy.client()
    eventually(lambda: is_kept(readers, gate, path, project_id), what="a kept answer")


def is_kept(client, gate, path, project_id):
    """Two readings on one connection, the second of which costs no query? An event may come between them."""
    client.get(path).expect(200)
    before = gate.readings(project_id)
    client.get(path).expect(200)
    return gate.readings(project_id) == before


# ---- other proxies ----


def test_another_proxy_shows_a_change_within_a_second(stage):
    first, second = stage.proxy(), stage.proxy()
    owner, project_id, path = public_project(first)
    profile = f"/users/{owner.id}/profile"
    readers = second.client()
    for visibility, status in (("private", 404), ("public", 200)) * 3:
        eventually(lambda: readers.get(path).status == (404 if status == 200 else 200), what="the old state")
        set_visibility(owner, project_id, visibility)
        eventually(lambda: readers.get(path).status == status, 1.0, f"{visibility} at the other proxy")
    readers.get(profile).expect(200)
    owner.patch("/users/me", {"bio": "something new"}).expect(200)
    assert first.client().get(profile).expect(200)["bio"] == "something new"
    eventually(lambda: readers.get(profile).expect(200)["bio"] == "something new", 1.0, "the other proxy's profile")


def test_a_user_who_is_deleted_is_gone_within_a_second(stage):
    proxies = [stage.proxy(), stage.proxy()]
    user = sign_up(proxies[0])
    user.entry(user.project(visibility="public"), days_ago(1), 3600)
    paths = [f"/users/{user.id}/profile", f"/users/{user.id}/badges"]
    for proxy in proxies:
        for path in paths:
            proxy.client().get(path).expect(200)
    stage.query("DELETE FROM timetrackr.users WHERE id = %s", user.id)
    for proxy in proxies:
        for path in paths:
            eventually(lambda: proxy.client().get(path).status == 404, 1.0, f"{path} gone")
    assert user.get("/badges").status == 401, "a token whose user is gone gets no kept answer"


def test_nothing_old_is_shown_while_events_are_late(stage, gate):
    """The relay is held up: what is kept counts for a second only."""
    proxy = stage.proxy()
    _, project_id, path = public_project(proxy)
    client = proxy.client()
    eventually(lambda: is_kept(client, gate, path, project_id), what="a kept answer")
    with stage.postgres.connect(stage.database, autocommit=False) as holder:
        holder.execute("SELECT * FROM timetrackr.relay FOR UPDATE")
        stage.query("UPDATE timetrackr.projects SET name = 'unheard of' WHERE id = %s", project_id)
        eventually(lambda: client.get(path).expect(200)["name"] == "unheard of", 1.0, "the change without its event")
        assert stage.value("SELECT count(*) FROM timetrackr.outbox") > 0
        holder.rollback()


def test_nothing_old_is_shown_while_the_leader_stands_still(stage, gate):
    first, second = stage.proxy(), stage.proxy()
    leader = leader_of(stage, first, second)
    other = next(proxy for proxy in stage.proxies if proxy is not leader)
    _, project_id, path = public_project(other)
    client = other.client()
    eventually(lambda: is_kept(client, gate, path, project_id), what="a kept answer")
    leader.popen.send_signal(signal.SIGSTOP)
    stage.query("UPDATE timetrackr.projects SET name = 'unheard of' WHERE id = %s", project_id)
    eventually(lambda: client.get(path).expect(200)["name"] == "unheard of", 1.0, "the change without a leader")


def test_entries_move_the_sums_at_once(stage, gate):
    """The proxy that took a write shows it, also on pages that the write does not name."""
    proxy = stage.proxy()
    _, project_id, path = public_project(proxy)
    member = sign_up(proxy)
    member.post(f"/projects/{project_id}/join").expect(201)
    client = proxy.client()

    def sums_after(write):
        eventually(lambda: is_kept(client, gate, path, project_id), what="a kept answer")
        answer = write()
        pages = client.get(path), client.get(f"/users/{member.id}/profile")
        assert len({page.expect(200)["total_seconds"] for page in pages}) == 1
        return pages[0].body["total_seconds"], answer

    for round_number in range(3):
        entry = member.start(project_id, start_time=rfc3339(days_ago(20 - round_number)))
        path_of_entry = f"/time-entries/{entry['entry_id']}"
        end = rfc3339(days_ago(20 - round_number) + timedelta(seconds=600))
        assert sums_after(lambda: member.stop(entry["entry_id"], end_time=end))[0] == 600
        earlier = rfc3339(days_ago(20 - round_number) - timedelta(seconds=60))
        assert sums_after(lambda: member.patch(path_of_entry, {"start_time": earlier}).expect(200))[0] == 660
        assert sums_after(lambda: member.delete(path_of_entry).expect(204))[0] == 0


# ---- viewers ----


def test_viewers_get_kept_answers_of_their_own(stage, gate):
    proxy = stage.proxy()
    owner, project_id, path = public_project(proxy)
    other = sign_up(proxy)
    own = f"/users/{owner.id}/profile"
    eventually(lambda: is_kept(owner, gate, path, project_id), what="a kept answer for the owner")
    for _ in range(3):
        assert owner.get(own).expect(200)["email"] == owner.email
        assert other.get(own).expect(200)["email"] is None
        assert proxy.client().get(own).expect(200)["email"] is None
        assert owner.get("/users/me").expect(200)["user_id"] == owner.id
        assert other.get("/users/me").expect(200)["user_id"] == other.id
    stage.query("UPDATE timetrackr.users SET role = 'admin' WHERE id = %s", other.id)
    eventually(lambda: other.get(own).expect(200)["email"] == owner.email, 1.0, "an admin's view")
    stage.query("UPDATE timetrackr.users SET role = 'user' WHERE id = %s", other.id)
    eventually(lambda: other.get(own).expect(200)["email"] is None, 1.0, "the end of an admin's view")
    assert f'"email":"{owner.email}"' not in (stage.redis.command("GET", f"user:{owner.id}:profile") or "")


def test_a_member_who_is_removed_loses_what_was_kept_for_him(stage):
    proxy = stage.proxy(WORKERS=2)
    owner, member = sign_up(proxy), sign_up(proxy)
    project_id = owner.project("Ours")
    owner.entry(project_id, days_ago(1), 600)
    membership = f"/projects/{project_id}/members/{member.id}"

    def sees():
        project = member.get(f"/projects/{project_id}").status
        profile = member.get(f"/users/{owner.id}/profile").expect(200)["contributions"]
        timeline = member.get(f"/users/{owner.id}/timeline").expect(200)
        activity = member.get(f"/users/{owner.id}/activity").expect(200)["projects"]
        named = [event for event in timeline if event["event_data"].get("project_id") == project_id]
        seen = {project == 200, bool(profile), bool(named), bool(activity)}
        assert len(seen) == 1, (project, profile, named, activity)
        return seen.pop()

    eventually(lambda: not sees(), what="a stranger's view")
    for _ in range(10):
        assert not sees() and not sees()
        owner.put(membership, {"role": "contributor"}).expect(200)
        assert sees() and sees()
        owner.delete(membership).expect(204)
    shown = [f"/users/{owner.id}/{page}" for page in ("profile", "timeline", "activity")]

    def mentions(path):
        return '"Ours"' in json.dumps(member.get(path).expect(200))

    for _ in range(3):
        stage.query(
            "INSERT INTO timetrackr.project_members (project_id, user_id) VALUES (%s, %s)", project_id, member.id
        )
        for path in shown:
            eventually(lambda: mentions(path), 1.0, f"a member's view of {path}")
        stage.query(
            "DELETE FROM timetrackr.project_members WHERE project_id = %s AND user_id = %s", project_id, member.id
        )
        for path in shown:
            eventually(lambda: not mentions(path), 1.0, f"a stranger's view of {path}")


def test_a_viewer_whose_account_is_deleted_is_401_though_his_answers_were_kept(stage, gate):
    proxy = stage.proxy()
    owner, project_id, path = public_project(proxy)
    eventually(lambda: is_kept(owner, gate, path, project_id), what="a kept answer for the owner")
    other = sign_up(proxy)
    eventually(lambda: is_kept(other, gate, path, project_id), what="a kept answer for another")
    stage.query("DELETE FROM timetrackr.users WHERE id = %s", other.id)
    eventually(lambda: other.get(path).status == 401, 1.0, "a token whose user is gone")
    owner.get(path).expect(200)


def what_a_user_sees(client, user_id):
    """Of himself: seconds by four ways, and the newest of his timeline."""
    me = client.get("/users/me").expect(200)
    profile = client.get(f"/users/{user_id}/profile").expect(200)
    activity = client.get(f"/users/{user_id}/activity").expect(200)
    timeline = client.get(f"/users/{user_id}/timeline").expect(200)
    entries = [event["event_data"]["entry_id"] for event in timeline if event["event_type"] == "time_entry_completed"]
    return me["total_seconds"], profile["total_seconds"], activity["total_seconds"], entries


def write_and_look(writer, reader, rounds):
    """After each write of his the user sees it in all that is kept, whichever proxy and worker answers."""
    project_id = writer.project()
    written = []
    for number in range(rounds):
        what_a_user_sees(reader, writer.id)
        written.append(writer.entry(project_id, days_ago(number + 1), 60)["entry_id"])
        assert what_a_user_sees(reader, writer.id) == (*[60 * len(written)] * 3, written)
        started = writer.start(project_id)["entry_id"]
        recent = reader.get(f"/users/{writer.id}/activity").expect(200)["recent_entries"]
        assert recent[0]["entry_id"] == started
        writer.delete(f"/time-entries/{started}").expect(204)
        recent = reader.get(f"/users/{writer.id}/activity").expect(200)["recent_entries"]
        assert recent[0]["entry_id"] == written[0]
    writer.patch("/users/me", {"bio": "changed"}).expect(200)
    assert reader.get("/users/me").expect(200)["bio"] == "changed"


def test_a_user_sees_what_he_has_just_written(stage, gate):
    proxy = stage.proxy(WORKERS=2)
    owner, project_id, path = public_project(proxy)
    eventually(lambda: is_kept(owner, gate, path, project_id), what="a kept answer for the owner")
    user = sign_up(proxy)
    write_and_look(user, proxy.client(token=user.session["access_token"]), 15)


def test_a_user_sees_at_once_what_he_has_written_through_another_proxy(stage, gate):
    """Viewers' answers are kept by a proxy that is the only one, and by none while there are two."""
    first = stage.proxy()
    owner, project_id, path = public_project(first)
    eventually(lambda: is_kept(owner, gate, path, project_id), what="a kept answer for the owner")
    second = stage.proxy()
    eventually(lambda: not is_kept(owner, gate, path, project_id), what="the first proxy knows of the second")
    user = sign_up(second)
    write_and_look(user, first.client(token=user.session["access_token"]), 15)
    other = sign_up(first)
    write_and_look(other, second.client(token=other.session["access_token"]), 5)
    second.stop()
    eventually(lambda: is_kept(owner, gate, path, project_id), what="a kept answer for the owner again")


def test_the_last_proxy_keeps_answers_for_viewers_whichever_it_is(stage, gate):
    first, second = stage.proxy(), stage.proxy()
    leader = leader_of(stage, first, second)
    other = second if leader is first else first
    owner, project_id, path = public_project(other)
    for _ in range(3):
        assert not is_kept(owner, gate, path, project_id)
    leader.kill()
    eventually(lambda: is_kept(owner, gate, path, project_id), what="a kept answer for the owner")


# ---- Redis ----

# It reads and shares each answer anew: what it keeps it does not share again when an event of the
# sign-up, relayed late, has deleted the key.
KEEPS_NOTHING = {"CACHE_BYTES": 1}


def stored(stage, key):
    text = stage.redis.command("GET", key)
    return json.loads(text) if text is not None else None


def test_redis_holds_profiles_and_projects_for_a_minute(stage):
    proxy = stage.proxy(**KEEPS_NOTHING)
    owner, project_id, path = public_project(proxy)
    for key, path in ((f"user:{owner.id}:profile", f"/users/{owner.id}/profile"), (f"project:{project_id}:details", path)):

        def is_shared():
            body = proxy.client().get(path).expect(200)
            value = stored(stage, key)
            return value is not None and {name: value[name] for name in body} == body

        # events of how it was made may still delete the key
        left = eventually(lambda: is_shared() and max(0, stage.redis.command("PTTL", key)), what=key)
        assert left <= 60000


def test_what_one_proxy_has_read_another_takes_from_redis(stage, gate):
    first, second = stage.proxy(), stage.proxy()
    _, project_id, path = public_project(first)
    key = f"project:{project_id}:details"

    def is_taken_over():
        first.client().get(path).expect(200)
        before = gate.readings(project_id)
        body = second.client().get(path).expect(200)
        return stage.redis.command("EXISTS", key) == 1 and gate.readings(project_id) == before and "as_of" not in body

    eventually(is_taken_over, what="an answer out of Redis")


def test_an_old_value_in_redis_is_never_shown(stage):
    """As by a slow writer, or an old copy of Redis."""
    first, second = stage.proxy(**KEEPS_NOTHING), stage.proxy()
    owner, project_id, path = public_project(first)
    key = f"project:{project_id}:details"

    def is_shared():
        first.client().get(path).expect(200)
        return stage.redis.command("EXISTS", key) == 1

    eventually(is_shared, what=key)
    old = stage.redis.command("GET", key)
    set_visibility(owner, project_id, "private")
    stage.redis.command("SET", key, old, "PX", 60000)
    for _ in range(20):
        first.client().get(path).expect(404)
    eventually(lambda: second.client().get(path).status == 404, 1.0, "the other proxy")
    third = stage.proxy()  # it has heard of no event
    deadline = time.monotonic() + 4
    while time.monotonic() < deadline:
        stage.redis.command("SET", key, old, "PX", 60000)
        for proxy in (first, second, third):
            proxy.client().get(path).expect(404)


def test_keys_are_deleted_when_what_they_hold_has_changed(stage):
    proxy = stage.proxy(**KEEPS_NOTHING)
    user = sign_up(proxy)
    key = f"user:{user.id}:profile"

    def is_shared():
        proxy.client().get(f"/users/{user.id}/profile").expect(200)
        return stage.redis.command("EXISTS", key) == 1

    eventually(is_shared, what=key)
    stage.query("UPDATE timetrackr.users SET bio = 'by SQL' WHERE id = %s", user.id)
    eventually(lambda: stage.redis.command("EXISTS", key) == 0, what="the leader's deletion")
    eventually(is_shared, what=key)
    user.patch("/users/me", {"bio": "by HTTP"}).expect(200)
    eventually(lambda: stage.redis.command("EXISTS", key) == 0, what="the deletion by the proxy that wrote")


@pytest.mark.parametrize("value", ["", "{}", "nonsense", '{"user_id":1,"as_of":"0000000000000000-0000000000000000"}'])
def test_what_is_no_answer_of_ours_in_redis_does_no_harm(stage, value):
    proxy = stage.proxy()
    user = sign_up(proxy)
    path = f"/users/{user.id}/profile"
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        stage.redis.command("SET", f"user:{user.id}:profile", value)
        assert proxy.client().get(path).expect(200)["user_id"] == user.id
        stage.query("UPDATE timetrackr.users SET bio = bio || 'x' WHERE id = %s", user.id)


def test_without_room_answers_are_right_and_memory_is_bounded(stage):
    proxy = stage.proxy(WORKERS=1, CACHE_BYTES=20000)
    users = [sign_up(proxy) for _ in range(40)]
    client = proxy.client()

    def read_all():
        for user in users:
            for limit in range(1, 6):
                assert client.get(f"/users/{user.id}/profile").expect(200)["user_id"] == user.id
                client.get(f"/leaderboard?limit={limit}").expect(200)

    read_all()
    before = proxy.memory()
    for _ in range(5):
        read_all()
    assert proxy.memory() < before + 2048, "kB"


def test_hammered_while_it_changes(stage):
    """Two workers, many readers, two proxies: after the answer of a write nobody sees what was before."""
    first, second = stage.proxy(WORKERS=2), stage.proxy(WORKERS=2)
    owner, project_id, path = public_project(first)
    reads, stop = [], threading.Event()

    def read(proxy, allowance):
        client = proxy.client()
        while not stop.is_set():
            began = time.monotonic()
            reads.append((began - allowance, client.get(path).status, time.monotonic()))

    threads = [threading.Thread(target=read, args=(first, 0)) for _ in range(6)]
    threads += [threading.Thread(target=read, args=(second, 1.0)) for _ in range(2)]
    for thread in threads:
        thread.start()
    changes = [(0.0, 200)]
    try:
        for number in range(30):
            status = 404 if number % 2 == 0 else 200
            began = time.monotonic()
            set_visibility(owner, project_id, "private" if status == 404 else "public")
            changes.append((began, None))
            changes.append((time.monotonic(), status))
            seen = len(reads)
            eventually(lambda: len(reads) > seen + 40, what="more reads")
        time_of_last = time.monotonic()
        eventually(lambda: time.monotonic() > time_of_last + 1.5 and len(reads) > 0, what="the other proxy's last reads")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    checked = 0
    for began, status, ended in reads:
        # what held from the read's beginning (less what it is allowed) to its end
        states = {state for (at, state), (until, _) in zip(changes, changes[1:] + [(ended + 1, None)]) if until > began and at < ended}
        if None in states or len(states) > 1:
            continue
        assert states == {status}, (began, status, ended)
        checked += 1
    assert checked > 100
