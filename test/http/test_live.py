"""What live clients are told: their own events, the boards', and those of
projects they follow; each once, in order, and to nobody else."""

import asyncio
import json
import threading

import pytest
import websockets
from conftest import days_ago
from harness import Closed, Live, Proxy, events_wait, events_wait_elsewhere, eventually

pytestmark = pytest.mark.raw


@pytest.fixture
def connect(proxy):
    """Open a connection that is closed after the test: connect(user, after=7)."""
    opened = []

    def make(user, server=proxy, after=None, ready=True):
        live = Live(server, user.client.token, path="/live" if after is None else f"/live?after={after}")
        opened.append(live)
        live.start = live.topic("ready")["id"] if ready else None
        return live

    yield make
    for live in opened:
        live.socket.close()


@pytest.fixture
def another_proxy(postgres, tmp_path):
    """A proxy that has seen no events yet: it must look them up."""
    server = Proxy(tmp_path, **postgres.proxy_settings())
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def mark(db):
    """Make an event that ends a test, and take everything up to it: mark(user, live)."""

    def make(user, live):
        eventually(lambda: not events_wait_elsewhere(db), what="no event of another node waiting")
        project_id = user.project("The mark")
        return live.until(
            lambda message: message.get("topic") == "project_created" and message["data"]["project_id"] == project_id
        )

    return make


def own(messages):
    """Only events of users and projects."""
    passed_over = ("leaderboard_changed", "badges_changed", "ready")
    return [message for message in messages if message["topic"] not in passed_over]


def stream_of(db, user, after=0):
    """What the stream holds for a user, once the relay has nothing left to do."""
    eventually(lambda: not events_wait(db), what="no event waiting")
    rows = db.execute(
        "SELECT id FROM timetrackr.stream WHERE user_id = %s AND id > %s ORDER BY id", [user.id, after]
    )
    return [row[0] for row in rows]


def ids(messages):
    return [message["id"] for message in own(messages)]


# ---- own events ----


def test_own_events_come_and_those_of_others_do_not(user, other, connect, mark):
    live, stranger = connect(user), connect(other)
    project_id = user.project()
    user.entry(project_id, days_ago(3), 3600)
    entry = live.topic("time_entry_completed")
    assert entry["data"]["project_id"] == project_id and entry["data"]["user_id"] == user.id
    told = own(mark(other, stranger))
    assert {message["data"]["user_id"] for message in told if "user_id" in message["data"]} == {other.id}
    assert project_id not in [message["data"].get("project_id") for message in told]


def test_everybody_hears_of_changed_boards(user, other, connect):
    live = connect(other)
    user.entry(user.project(), days_ago(0, hour=0), 60)
    assert "all" in live.topic("leaderboard_changed")["data"]["boards"]


def test_all_connections_of_a_user_are_told_the_same(db, user, connect, mark):
    lives = [connect(user) for _ in range(4)]
    project_id = user.project()
    for hour in range(5):
        user.entry(project_id, days_ago(3, hour=hour), 600)
    told = [ids(mark(user, live)) for live in lives]
    wanted = stream_of(db, user, max(live.start for live in lives))
    for heard in told:
        assert [one for one in heard if one >= wanted[0]] == wanted[: len([one for one in heard if one >= wanted[0]])]
        assert sorted(set(heard)) == heard


def test_a_client_library_of_others_gets_along(user, proxy):
    """It offers compression, which is declined, and checks all that we send."""

    async def listen():
        url = proxy.url.replace("http", "ws") + "/live"
        protocol = f"bearer.{user.client.token}"
        async with websockets.connect(url, subprotocols=[protocol], ping_interval=0.2) as live:
            assert live.subprotocol == protocol and live.extensions == []
            heard = [json.loads(await live.recv())["topic"]]
            while heard[-1] != "ready":
                heard.append(json.loads(await live.recv())["topic"])
            project_id = await asyncio.to_thread(user.project)
            message = {"topic": None}
            while message["topic"] != "project_created":
                message = json.loads(await asyncio.wait_for(live.recv(), 20))
            assert message["data"]["project_id"] == project_id
            await asyncio.wait_for(await live.ping(), 20)
        assert live.close_code == 1000

    asyncio.run(listen())


# ---- resuming ----


def test_resuming_from_memory_and_from_the_table(db, user, connect, another_proxy, mark):
    """What happened meanwhile comes once, in order, and then what happens now."""
    with connect(user) as first:
        seen = first.start
    project_id = user.project()
    for hour in range(8):
        user.entry(project_id, days_ago(3, hour=hour), 600)
    wanted = stream_of(db, user, seen)
    assert len(wanted) > 8
    for server in (None, another_proxy):
        options = {"server": server} if server else {}
        live = connect(user, after=seen, ready=False, **options)
        caught_up = live.until(lambda message: message["topic"] == "ready")
        assert ids(caught_up) == wanted
        assert caught_up[-1]["id"] >= wanted[-1]
        assert ids(mark(user, live)) == [one for one in stream_of(db, user, seen) if one > wanted[-1]]
        wanted = stream_of(db, user, seen)


def test_resuming_over_many_pages(db, user, connect, another_proxy):
    start = db.execute("SELECT stream_id FROM timetrackr.relay").fetchone()[0]
    for number in range(130):
        user.project(f"Project {number}")
    wanted = stream_of(db, user, start)
    assert len(wanted) > 120
    live = connect(user, server=another_proxy, after=start, ready=False)
    caught_up = live.until(lambda message: message["topic"] == "ready")
    assert ids(caught_up) == wanted
    boards = [message for message in caught_up if message["topic"] == "leaderboard_changed"]
    assert boards, "whoever was away for long must look at the boards anew"


def test_resuming_in_the_first_message(db, user, proxy):
    start = db.execute("SELECT stream_id FROM timetrackr.relay").fetchone()[0]
    user.project()
    wanted = stream_of(db, user, start)
    with Live(proxy) as live:
        live.say(token=user.client.token, after=start)
        assert ids(live.until(lambda message: message["topic"] == "ready")) == wanted


@pytest.mark.parametrize("after", [1, 2**62])
def test_what_is_kept_no_more_is_a_reset(db, user, connect, after, mark):
    stream_of(db, user)
    db.execute("UPDATE timetrackr.relay SET kept_after = stream_id")
    live = connect(user, after=after, ready=False)
    assert own(live.until(lambda message: message["topic"] == "ready"))[-1]["topic"] == "reset"
    mark(user, live)


def test_a_client_that_comes_and_goes_misses_nothing(db, user, proxy, another_proxy):
    """Two proxies, a client that hops between them, and a stream that never rests."""
    start = db.execute("SELECT stream_id FROM timetrackr.relay").fetchone()[0]
    done = threading.Event()
    last = []

    def write():
        for number in range(150):
            last.append(user.client.post("/projects", {"name": f"Project {number}"}).expect(201)["project_id"])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen, told, hops = start, [], 0

    def is_last(message):
        return (
            done.is_set()
            and message["topic"] == "project_created"
            and message["data"]["project_id"] == last[-1]
        )

    while not told or not is_last(told[-1]):
        with Live((proxy, another_proxy)[hops % 2], user.client.token, path=f"/live?after={seen}") as live:
            hops += 1
            for _ in range(7):
                message = live.hear()
                if own([message]):
                    told.append(message)
                seen = max(seen, message["id"])
                if is_last(message):
                    break
    writer.join()
    heard = ids(told)
    assert heard == stream_of(db, user, start)[: len(heard)]
    created = [message["data"]["project_id"] for message in told if message["topic"] == "project_created"]
    assert created == last
    assert hops > 5


def test_a_feed_that_is_cut_off_leaves_no_gap(db, user, proxy, connect):
    live = connect(user)
    wanted = []
    for number in range(6):
        if number % 2:
            db.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'timetrackr feed'"
            )
        wanted.append(user.project(f"Project {number}"))
    heard = []
    while heard != wanted:
        message = live.hear()
        if message["topic"] == "project_created":
            heard.append(message["data"]["project_id"])
            assert heard == wanted[: len(heard)]


# ---- projects ----


def follow(live, project_id):
    live.say(subscribe={"project_id": project_id})
    message = live.until(lambda message: message["topic"] == "subscribed" if "topic" in message else True)[-1]
    assert message["data"] == {"project_id": project_id}


def entries(messages):
    return [message["data"]["entry_id"] for message in messages if message["topic"] == "time_entry_completed"]


def test_who_follows_a_public_project_hears_of_it(user, other, connect, mark):
    project_id = user.project(visibility="public")
    live = connect(other)
    follow(live, project_id)
    entry_id = user.entry(project_id, days_ago(4), 60)["entry_id"]
    assert live.topic("time_entry_completed")["data"]["entry_id"] == entry_id
    live.say(unsubscribe={"project_id": project_id})
    live.topic("unsubscribed")
    user.entry(project_id, days_ago(5), 60)
    assert entries(mark(other, live)) == []


def test_own_events_of_a_followed_project_come_once(user, connect, mark):
    project_id = user.project(visibility="public")
    live = connect(user)
    follow(live, project_id)
    follow(live, project_id)
    entry_id = user.entry(project_id, days_ago(4), 60)["entry_id"]
    assert entries(mark(user, live)) == [entry_id]


def test_a_private_project_is_followed_by_its_members_only(user, other, new_user, connect, mark):
    project_id = user.project(visibility="public")
    member = new_user()
    member.post(f"/projects/{project_id}/join").expect(201)
    user.put(f"/projects/{project_id}/visibility", {"visibility": "private"}).expect(200)
    live, stranger = connect(member), connect(other)
    follow(live, project_id)
    stranger.say(subscribe={"project_id": project_id})
    assert stranger.error() == {
        "code": "project_not_found",
        "detail": "There is no such project.",
        "project_id": project_id,
    }
    entry_id = user.entry(project_id, days_ago(4), 60)["entry_id"]
    assert entries(mark(member, live)) == [entry_id]
    assert entries(mark(other, stranger)) == []


def test_a_project_that_becomes_private_is_heard_of_no_more(user, other, new_user, connect, mark):
    """From its event on nothing of it reaches a stranger; a member misses nothing."""
    project_id = user.project(visibility="public")
    member = new_user()
    member.post(f"/projects/{project_id}/join").expect(201)
    live, stranger = connect(member), connect(other)
    follow(live, project_id)
    follow(stranger, project_id)
    before = user.entry(project_id, days_ago(4), 60)["entry_id"]
    user.put(f"/projects/{project_id}/visibility", {"visibility": "private"}).expect(200)
    after = [user.entry(project_id, days_ago(5, hour=hour), 60)["entry_id"] for hour in range(5)]
    told = mark(other, stranger)
    assert entries(told) in ([before], []), "what came before may fall under the new rule, what came after must"
    assert [message["topic"] for message in told if message["data"] == {"project_id": project_id}] == ["unsubscribed"]
    assert entries(mark(member, live)) == [before, *after]


def test_a_member_who_is_removed_hears_no_more(db, user, other, connect, mark):
    project_id = user.project(visibility="public")
    other.post(f"/projects/{project_id}/join").expect(201)
    user.put(f"/projects/{project_id}/visibility", {"visibility": "private"}).expect(200)
    live = connect(other)
    follow(live, project_id)
    db.execute(
        "DELETE FROM timetrackr.project_members WHERE project_id = %s AND user_id = %s", [project_id, other.id]
    )
    assert live.topic("unsubscribed")["data"] == {"project_id": project_id}
    user.entry(project_id, days_ago(5), 60)
    assert entries(mark(other, live)) == []


def test_events_of_a_held_client_keep_their_order(user, other, connect, mark):
    """Each change of the project holds its followers for a moment: all the same nothing is lost or doubled."""
    project_id = user.project(visibility="public")
    live = connect(other)
    follow(live, project_id)
    wanted = []
    for number in range(20):
        user.patch(f"/projects/{project_id}", {"description": f"Number {number}"}).expect(200)
        wanted.append(user.entry(project_id, days_ago(4 + number), 60)["entry_id"])
    heard = mark(other, live)
    assert entries(heard) == wanted
    assert ids(heard) == sorted(set(ids(heard)))


def test_following_too_many_projects(user, connect):
    live = connect(user)
    for number in range(101):
        live.say(subscribe={"project_id": 1000000 + number})
    codes = [live.error()["code"] for _ in range(101)]
    assert set(codes) <= {"project_not_found", "too_many_subscriptions"}


def test_following_with_the_first_message(user, other, proxy):
    project_id = user.project(visibility="public")
    with Live(proxy) as live:
        live.say(token=other.client.token, subscribe={"project_id": project_id})
        live.topic("subscribed")
        entry_id = user.entry(project_id, days_ago(4), 60)["entry_id"]
        assert live.topic("time_entry_completed")["data"]["entry_id"] == entry_id


# ---- users ----


def test_a_user_who_is_deleted_is_gone_from_here_too(db, new_user, postgres, tmp_path):
    server = Proxy(tmp_path, **postgres.proxy_settings(), LIVE_PING_SECONDS=1).start()
    user = new_user()
    try:
        with Live(server, user.client.token) as live, Live(server, user.client.token) as idle:
            live.topic("ready")
            idle.topic("ready")
            db.execute("DELETE FROM timetrackr.users WHERE id = %s", [user.id])
            for one in (live, idle):
                with pytest.raises(Closed) as closed:
                    while True:
                        one.hear()
                assert closed.value.code == 4401
    finally:
        server.stop()
