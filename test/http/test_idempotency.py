"""A request with an Idempotency-Key has its effect once, however often it is
sent, and whatever dies meanwhile."""

import threading
import uuid

import pytest
import requests
from conftest import PASSWORD, sign_up
from harness import FaultProxy, Proxy, eventually

NAME = {"name": "Once"}
ANSWER = b'{"project_id":'  # events have a space before the value


def keyed(key):
    return {"Idempotency-Key": key}


def replayed(answer):
    return answer.headers.get("Idempotent-Replay") == "true"


def projects(db, user, name="Once"):
    query = "SELECT count(*) FROM timetrackr.projects WHERE owner_id = %s AND name = %s"
    return db.execute(query, [user.id, name]).fetchone()[0]


@pytest.fixture
def key():
    return str(uuid.uuid4())


def test_the_second_time_the_first_answer_is_given(user, db, key):
    first = user.post("/projects", NAME, headers=keyed(key))
    first.expect(201)
    assert not replayed(first)
    for _ in range(3):
        again = user.post("/projects", NAME, headers=keyed(key))
        assert again.status == 201 and again.content == first.content and replayed(again)
        assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert projects(db, user) == 1


def test_without_a_key_it_is_done_twice(user, db):
    assert user.project("Once") != user.project("Once")
    assert projects(db, user) == 2


def test_a_timer_is_started_once_and_the_answer_is_that_of_then(user, db, key):
    project_id = user.project()
    first = user.post("/time-entries", {"project_id": project_id}, headers=keyed(key)).expect(201)
    user.stop(first["entry_id"])
    again = user.post("/time-entries", {"project_id": project_id}, headers=keyed(key))
    assert again.expect(201) == first and replayed(again)
    user.get("/time-entries/current").expect(204)
    assert len(user.get("/time-entries").expect(200)) == 1


def test_an_answer_without_a_body(user, db, key):
    for number in range(3):
        answer = user.post("/notifications/read", {}, headers=keyed(key))
        assert answer.status == 204 and answer.content == b"" and replayed(answer) == (number > 0)


def test_an_import_is_done_once(user, db, key):
    body = "project,start_time,end_time\nImported,2025-01-01T10:00:00Z,2025-01-01T11:00:00Z\n"
    headers = {**keyed(key), "Content-Type": "text/csv"}
    first = user.call("POST", "/time-entries/import", data=body, headers=headers).expect(200)
    again = user.call("POST", "/time-entries/import", data=body, headers=headers)
    assert first["imported"] == 1 and again.expect(200) == first and replayed(again)
    other = user.call("POST", "/time-entries/import?atomic=true", data=body, headers=headers)
    other.expect(422, "idempotency_key_reused")


def test_the_key_for_another_request_is_refused(user, db, key):
    user.post("/projects", NAME, headers=keyed(key)).expect(201)
    user.post("/projects", {"name": "Twice"}, headers=keyed(key)).expect(422, "idempotency_key_reused")
    user.post("/notifications/read", {}, headers=keyed(key)).expect(422, "idempotency_key_reused")
    assert projects(db, user) == 1 and projects(db, user, "Twice") == 0
    again = user.post("/projects", NAME, headers=keyed(key))
    assert again.status == 201 and replayed(again)


def test_keys_of_others_are_others(user, other, db, key):
    mine = user.post("/projects", NAME, headers=keyed(key)).expect(201)
    theirs = other.post("/projects", NAME, headers=keyed(key))
    assert theirs.expect(201) != mine and not replayed(theirs)
    assert projects(db, user) == projects(db, other) == 1


def test_what_was_refused_is_tried_anew(user, other, db, key):
    project_id = other.project("Closed")
    path = f"/projects/{project_id}/join"
    user.post(path, headers=keyed(key)).expect(404, "project_not_found")
    other.put(f"/projects/{project_id}/visibility", {"visibility": "public"}).expect(200)
    answer = user.post(path, headers=keyed(key))
    answer.expect(201)
    assert not replayed(answer)


def test_a_day_later_the_key_is_free(user, db, key):
    user.post("/projects", NAME, headers=keyed(key)).expect(201)
    db.execute("UPDATE timetrackr.idempotency_keys SET created_at = now() - interval '25 hours'")
    answer = user.post("/projects", NAME, headers=keyed(key))
    answer.expect(201)
    assert not replayed(answer) and projects(db, user) == 2


OTHER_KEYS = ['"a\\"b"', '"a\\\\b"', '"with space, and comma; too"', "x" * 255, '"' + "y" * 255 + '"', "a/b:c=+_.~"]
NO_KEYS = [
    "", '""', '"', '"open', 'x"', '"a"b', '"a";p=1', '"a\\b"', "a b", "a,b", '"a", "b"', "a\\b", "a;b",
    "x" * 256, '"' + "y" * 256 + '"', "x" * 4000, "schlüssel", '"schlüssel"', '"a\tb"',
]


def test_quotes_make_no_difference(user, db, key):
    user.post("/projects", NAME, headers=keyed(f'"{key}"')).expect(201)
    for spelling in (key, f'"{key}"', f'"{key}" '):
        assert replayed(user.post("/projects", NAME, headers={"Idempotency-Key": spelling.encode()})), spelling
    assert projects(db, user) == 1


@pytest.mark.parametrize("key", OTHER_KEYS)
def test_what_a_key_may_be(user, db, key):
    for number in range(2):
        answer = user.post("/projects", NAME, headers=keyed(key))
        answer.expect(201)
        assert replayed(answer) == (number == 1)
    assert projects(db, user) == 1


@pytest.mark.parametrize("key", NO_KEYS)
def test_what_no_key_is(user, db, key):
    answer = user.post("/projects", NAME, headers={"Idempotency-Key": key.encode()})
    answer.expect(400, "invalid_idempotency_key")
    assert projects(db, user) == 0


@pytest.mark.parametrize("byte", [b"\0", b"\1", b"\x1b", b"\x7f"])
def test_control_bytes_are_malformed(proxy, user, db, raw_call, byte):
    answer = raw_call(
        b"POST /projects HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 15\r\n"
        b"Authorization: Bearer " + user.client.token.encode() + b"\r\n"
        b'Idempotency-Key: "a' + byte + b'b"\r\n\r\n{"name":"Once"}'
    )
    assert answer.startswith(b"HTTP/1.1 400 ") and projects(db, user) == 0


def test_two_keys_are_malformed(proxy, user, db, raw_call):
    answer = raw_call(
        b"POST /projects HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 15\r\n"
        b"Authorization: Bearer " + user.client.token.encode() + b"\r\n"
        b"Idempotency-Key: a\r\nIdempotency-Key: a\r\n\r\n" + b'{"name":"Once"}'
    )
    assert answer.startswith(b"HTTP/1.1 400 ") and projects(db, user) == 0


def test_sessions_and_reads_know_no_key(proxy, user, anyone, db, key):
    """Their answers hold tokens, or change nothing: nothing is kept."""
    login = {"email": user.email, "password": PASSWORD}
    first, second = (anyone.post("/auth/login", login, headers=keyed(key)).expect(200) for _ in range(2))
    assert first["refresh_token"] != second["refresh_token"]
    for _ in range(2):
        assert not replayed(user.get("/users/me", headers=keyed("no key, at all")))
    assert db.execute("SELECT count(*) FROM timetrackr.idempotency_keys WHERE user_id = %s", [user.id]).fetchone() == (0,)


def at_once(number, call):
    """Call that often at the same time; returns all answers."""
    barrier, answers = threading.Barrier(number), []

    def run():
        barrier.wait()
        answers.append(call())

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == number
    return answers


def test_of_many_at_once_one_is_executed(proxy, user, db):
    for _ in range(8):
        key = str(uuid.uuid4())
        before = projects(db, user)
        answers = at_once(
            12, lambda: proxy.client(token=user.client.token).post("/projects", NAME, headers=keyed(key))
        )
        done = [answer for answer in answers if answer.status == 201]
        assert projects(db, user) == before + 1
        assert sum(not replayed(answer) for answer in done) == 1
        assert len({answer.content for answer in done}) == 1
        for answer in answers:
            if answer.status != 201:
                answer.expect(409, "request_in_flight")
                assert answer.headers["Retry-After"] == "1"


def waits_for_lock(db):
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'timetrackr write'"
    return db.execute(query).fetchone()[0] == 1


@pytest.fixture
def held(postgres):
    """Nobody makes a project until it is released."""
    with postgres.connect(autocommit=False) as connection:
        connection.execute("LOCK TABLE timetrackr.projects IN SHARE ROW EXCLUSIVE MODE")
        yield connection


def start(call):
    """Call it on a thread; join() gives what it answered."""
    answers = []

    def run():
        try:
            answers.append(call())
        except requests.RequestException as error:
            answers.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def join():
        thread.join(30)
        return answers[0]

    return join


@pytest.mark.one_server("it looks for the request in the only server")
def test_one_in_flight_is_told_so(user, db, held, key):
    join = start(lambda: user.post("/projects", NAME, headers=keyed(key)))
    eventually(lambda: waits_for_lock(db), 10, "the first request in the database")
    second = sign_in_again(user).post("/projects", NAME, headers=keyed(key))
    second.expect(409, "request_in_flight")
    assert second.headers["Retry-After"] == "1"
    held.rollback()
    join().expect(201)
    assert projects(db, user) == 1


def sign_in_again(user):
    """The same user over another connection."""
    return type(user.client)(user.client.base_url, token=user.client.token)


@pytest.mark.one_server("it looks for the request in the only server")
@pytest.mark.raw  # it asks by two ways, and Prism would write the body anew
def test_a_proxy_is_killed_before_it_answers(postgres, db, held, key, tmp_path, proxy):
    user = sign_up(proxy)
    victim = Proxy(tmp_path, **postgres.proxy_settings(), WORKERS=1)
    victim.start()
    try:
        client = victim.client(token=user.client.token)
        join = start(lambda: client.post("/projects", NAME, headers=keyed(key)))
        eventually(lambda: waits_for_lock(db), 10, "the request in the database")
        victim.kill()
        assert isinstance(join(), requests.RequestException)
        user.post("/projects", NAME, headers=keyed(key)).expect(409, "request_in_flight")
        held.rollback()
        eventually(lambda: projects(db, user) == 1, 10, "the project")
        again = user.post("/projects", NAME, headers=keyed(key))
        again.expect(201)
        assert replayed(again) and projects(db, user) == 1
    finally:
        victim.kill()


@pytest.fixture
def linked(postgres, tmp_path):
    """A proxy behind a link to PostgreSQL that can be broken."""
    link = FaultProxy(postgres.port)
    url = postgres.proxy_url().replace(f":{postgres.port}/", f":{link.port}/")
    server = Proxy(tmp_path, DATABASE_URL=url, WORKERS=1)
    try:
        yield server.start(), link
    finally:
        server.stop()
        link.end()


def test_an_answer_that_the_database_could_not_give_is_fetched(linked, db, key):
    """The work is committed, and the connection lost: the proxy asks once more."""
    server, link = linked
    user = sign_up(server)
    link.set("mute")
    join = start(lambda: user.post("/projects", NAME, headers=keyed(key)))
    eventually(lambda: ANSWER in link.unheard, 10, "the answer, lost")
    link.set("pass")
    join().expect(201)
    assert projects(db, user) == 1


def test_without_a_key_nothing_is_asked_twice(linked, db):
    server, link = linked
    user = sign_up(server)
    link.set("mute")
    join = start(lambda: user.post("/projects", NAME))
    eventually(lambda: ANSWER in link.unheard, 10, "the answer, lost")
    link.set("pass")
    join().expect(503, "database_unavailable")
    assert projects(db, user) == 1


def test_keys_go_with_the_account(user, db, key):
    user.post("/projects", NAME, headers=keyed(key)).expect(201)
    db.execute("DELETE FROM timetrackr.users WHERE id = %s", [user.id])
    query = "SELECT count(*) FROM timetrackr.idempotency_keys WHERE user_id = %s"
    assert db.execute(query, [user.id]).fetchone() == (0,)
    user.post("/projects", NAME, headers=keyed(key)).expect(401, "invalid_token")
