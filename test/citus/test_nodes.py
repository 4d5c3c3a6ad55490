"""One database on three nodes: what was there is distributed in place, every function does what it does on one
server, boards are of everybody, and neither concurrency nor the move of shards nor the end of a node leaves anything
behind that verify() finds."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest
from harness import Nodes, eventually

PASSWORD = "correct horse battery"
NAMES = [f"user{number}" for number in range(8)]
VIEWS = [
    "report_entries", "report_days", "report_projects", "report_project_weeks", "report_leaderboard", "report_badges",
    "report_streaks", "report_cohorts",
]


class Database:
    """Functions called as a client of SQL does."""

    def __init__(self, nodes, connection):
        self.nodes = nodes
        self.connection = connection

    def rows(self, statement, *arguments):
        cursor = self.connection.execute(statement, arguments)
        return cursor.fetchall() if cursor.description else []

    def value(self, statement, *arguments):
        ((value,),) = self.rows(statement, *arguments)
        return value

    def sign_up(self, name):
        return self.value("SELECT user_id FROM timetrackr.signup(%s, %s, %s)", f"{name}@example.com", PASSWORD, name)

    def project(self, user, name="A project", visibility="public"):
        return self.value(
            "SELECT project_id FROM timetrackr.create_project(%s, %s, visibility => %s::timetrackr.visibility)",
            user, name, visibility,
        )

    def join(self, user, project):
        self.rows("SELECT * FROM timetrackr.join_project(%s, %s)", user, project)

    def log(self, user, project, day, hours):
        return self.value(
            "SELECT entry_id FROM timetrackr.start_entry(%s, %s, %s::date + interval '8 h',"
            " %s::date + interval '8 h' + make_interval(hours => %s))",
            user, project, day, day, hours,
        )

    def news(self, user):
        return {kind for (kind,) in self.rows("SELECT kind FROM timetrackr.list_notifications(%s)", user)}

    def board(self, **arguments):
        named = ", ".join(f"{name} => {value!r}" for name, value in arguments.items())
        return self.rows(f"SELECT username, score, rank FROM timetrackr.leaderboard({named})")


@pytest.fixture(scope="session")
def nodes(tmp_path_factory):
    nodes = Nodes(tmp_path_factory.mktemp("nodes"))
    try:
        nodes.start()
        nodes.prepare()
        yield nodes
    finally:
        nodes.stop()


@pytest.fixture(scope="session")
def story(nodes):
    """Written on one server, then distributed."""
    with nodes.connect() as connection:
        database = Database(nodes, connection)
        users = {name: database.sign_up(name) for name in NAMES}
        project = database.project(users["user0"])
        for number, (name, user) in enumerate(users.items()):
            if number > 0:
                database.join(user, project)
            for day in range(number + 1):
                database.log(user, project, f"2025-05-{day + 1:02}", 2)
        before = snapshot(database, users, project)
        database.rows("SELECT timetrackr.distribute()")
    return users, project, before


@pytest.fixture
def database(nodes, story):
    with nodes.connect() as connection:
        database = Database(nodes, connection)
        yield database
        assert database.rows("SELECT * FROM timetrackr.verify()") == []


def snapshot(database, users, project):
    """What everybody sees."""
    return (
        database.board(),
        database.board(metric="badges"),
        database.board(period="month", period_start="2025-05-01"),
        database.rows("SELECT username, score, rank FROM timetrackr.project_leaderboard(%s, %s)", users["user0"], project),
        database.rows("SELECT total_seconds, members FROM timetrackr.project(%s, %s)", users["user0"], project),
        database.rows("SELECT badge_id, earned_by FROM timetrackr.list_badges()"),
        [sorted(map(str, database.rows(f"SELECT * FROM timetrackr.{view}"))) for view in VIEWS],
        [
            database.rows("SELECT * FROM timetrackr.profile(%s, %s)", users["user1"], user)
            + database.rows("SELECT * FROM timetrackr.timeline(%s, %s)", user, user)
            + database.rows("SELECT * FROM timetrackr.list_entries(%s)", user)
            + database.rows("SELECT * FROM timetrackr.list_notifications(%s)", user)
            + database.rows("SELECT * FROM timetrackr.leaderboard_around(%s)", user)
            for user in users.values()
        ],
    )


def test_what_was_there_is_there_on_several_nodes(database, story):
    users, project, before = story
    assert snapshot(database, users, project) == before
    assert database.value(
        "SELECT sum(pg_relation_size(c.oid)) FROM pg_class c JOIN pg_dist_partition p ON p.logicalrelid = c.oid") == 0
    assert {database.nodes.home_of(user).port for user in users.values()} == {node.port for node in database.nodes.workers}


def test_a_second_time_changes_nothing(database, story):
    users, project, before = story
    database.rows("SELECT timetrackr.install()")
    database.rows("SELECT timetrackr.distribute()")
    assert snapshot(database, users, project) == before


def test_what_was_damaged_is_rebuilt(database, story):
    users, project, before = story
    database.rows("UPDATE timetrackr.day_totals SET seconds = seconds + 1")
    assert {user for (user,) in database.rows("SELECT DISTINCT user_id FROM timetrackr.verify()")} == set(users.values())
    database.rows("SELECT timetrackr.rebuild(%s)", users["user0"])
    assert users["user0"] not in {user for (user,) in database.rows("SELECT DISTINCT user_id FROM timetrackr.verify()")}
    database.rows("SELECT timetrackr.rebuild()")
    assert snapshot(database, users, project) == before


def test_any_node_answers_the_same(nodes, story):
    users, project, before = story
    for worker in nodes.workers:
        with worker.connect() as connection:
            assert snapshot(Database(nodes, connection), users, project) == before


def test_pages_of_boards_go_on_where_the_one_before_ended(database):
    whole = database.rows("SELECT user_id, score, rank FROM timetrackr.leaderboard()")
    after, pages = (None, None), []
    while page := database.rows(
        "SELECT user_id, score, rank FROM timetrackr.leaderboard(\"limit\" => 3, after_score => %s, after_user_id => %s)",
        after[0], after[1],
    ):
        pages += page
        after = (page[-1][1], page[-1][0])
    assert pages == whole and len(whole) >= len(NAMES)


def test_a_timer(database):
    user = database.sign_up("timer")
    project = database.project(user, visibility="private")
    entry = database.value("SELECT entry_id FROM timetrackr.start_entry(%s, %s)", user, project)
    assert database.value("SELECT entry_id FROM timetrackr.current_entry(%s)", user) == entry
    stopped = database.rows(
        "SELECT duration_seconds, badges_awarded FROM timetrackr.stop_entry(%s, %s, now() + interval '30 s')", user, entry)
    assert stopped[0][0] >= 29 and "First Steps" in stopped[0][1]
    assert "badge_awarded" in database.news(user)
    database.rows("SELECT * FROM timetrackr.update_entry(%s, %s, note => 'n', end_time => now() + interval '10 s')", user, entry)
    database.rows("SELECT timetrackr.delete_entry(%s, %s)", user, entry)
    assert database.rows("SELECT * FROM timetrackr.list_entries(%s)", user) == []
    with pytest.raises(psycopg.Error) as refused:
        database.rows("SELECT * FROM timetrackr.stop_entry(%s, %s)", user, entry)
    assert refused.value.sqlstate == "TT404" and refused.value.diag.message_hint == "entry_not_found entry_id"


def test_sessions(database):
    user, token = database.rows(
        "SELECT user_id, refresh_token FROM timetrackr.signup('sessions@example.com', %s, 'sessions')", PASSWORD)[0]
    ((_, second),) = database.rows("SELECT user_id, refresh_token FROM timetrackr.refresh(%s)", token)
    assert database.rows("SELECT user_id FROM timetrackr.refresh(%s)", token) == [(None,)]
    assert database.rows("SELECT user_id FROM timetrackr.refresh(%s)", second) == [(None,)]
    assert database.value("SELECT user_id FROM timetrackr.login('Sessions@example.com', %s)", PASSWORD) == user
    assert database.value("SELECT refused FROM timetrackr.change_password(%s, %s, 'another horse battery')", user, PASSWORD) is None
    assert database.value("SELECT user_id FROM timetrackr.login('sessions@example.com', 'another horse battery')") == user
    assert database.value("SELECT username FROM timetrackr.update_me(%s, username => 'renamed')", user) == "renamed"


def test_people_are_told_of_what_others_did(database):
    owner, member = database.sign_up("owner"), database.sign_up("member")
    project = database.project(owner)
    database.join(member, project)
    assert "member_joined" in database.news(owner) and "member_added" not in database.news(member)
    database.rows("SELECT * FROM timetrackr.set_member(%s, %s, %s, 'manager')", owner, project, member)
    assert "role_changed" in database.news(member)
    database.rows("SELECT * FROM timetrackr.remove_member(%s, %s, %s)", owner, project, member)
    assert "member_removed" in database.news(member)


def test_copies_of_small_tables_are_the_same_on_every_node(database):
    owner = database.sign_up("copies")
    project = database.project(owner)
    heir = database.sign_up("copied")
    database.rows("UPDATE timetrackr.projects SET owner_id = %s WHERE id = %s", heir, project)
    for table in ("users", "projects", "project_members", "badges", "media"):
        answers = database.rows(
            "SELECT result FROM run_command_on_placements(%s, 'SELECT md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM %%s t')",
            f"timetrackr.{table}",
        )
        assert len(answers) == 3 and len(set(answers)) == 1, table


def test_a_project_is_deleted_and_its_entries_move(database):
    owner, member = database.sign_up("mover"), database.sign_up("moved")
    old, new = database.project(owner, "Old"), database.project(owner, "New", "private")
    database.join(member, old)
    database.log(owner, old, "2025-07-01", 3)
    database.log(member, old, "2025-07-01", 4)
    database.rows("SELECT timetrackr.delete_project(%s, %s, %s)", owner, old, new)
    assert database.rows("SELECT total_seconds FROM timetrackr.project(%s, %s)", owner, new) == [(7 * 3600,)]
    assert "project_deleted" in database.news(member) and "project_deleted" not in database.news(owner)


def test_who_leaves_hands_over_what_others_work_on(database):
    leaver, heir = database.sign_up("leaver"), database.sign_up("heir")
    shared, own = database.project(leaver, "Shared"), database.project(leaver, "Own")
    database.join(heir, shared)
    database.log(heir, shared, "2025-07-02", 5)
    database.log(leaver, own, "2025-07-02", 5)
    assert database.value("SELECT refused FROM timetrackr.delete_me(%s, %s)", leaver, PASSWORD) is None
    assert database.rows("SELECT id, owner_id FROM timetrackr.projects WHERE id IN (%s, %s)", shared, own) == [(shared, heir)]
    for table in ("time_entries", "user_totals", "scores", "day_totals", "timeline_events", "refresh_tokens"):
        assert database.value(f"SELECT count(*) FROM timetrackr.{table} WHERE user_id = %s", leaver) == 0, table


def test_badges_of_admins(database):
    admin = database.sign_up("admin")
    database.rows("SELECT timetrackr.set_role(%s, 'admin')", admin)
    criteria = '{"metric": "total_seconds", "gte": 7200}'
    (with_time,) = database.rows("SELECT count(*) FROM timetrackr.user_totals WHERE seconds >= 7200")[0]
    assert with_time >= len(NAMES)
    assert database.value("SELECT users FROM timetrackr.preview_badge(%s, %s::jsonb)", admin, criteria) == with_time
    badge = database.value("SELECT badge_id FROM timetrackr.create_badge(%s, 'Two hours', 'd', %s::jsonb)", admin, criteria)
    assert database.value("SELECT awarded FROM timetrackr.backfill_badge(%s, %s)", admin, badge) == with_time
    assert database.value("SELECT awarded FROM timetrackr.backfill_badge(%s, %s)", admin, badge) == 0
    assert database.rows("SELECT earned_by FROM timetrackr.list_badges() WHERE badge_id = %s", badge) == [(with_time,)]
    database.rows("SELECT timetrackr.delete_badge(%s, %s)", admin, badge)
    assert database.value("SELECT count(*) FROM timetrackr.user_badges WHERE badge_id = %s", badge) == 0


def test_rows_written_by_sql(database, story):
    """As by an import of somebody's: users of all nodes in one statement."""
    users, project, _ = story
    ids = list(users.values())
    before = database.value("SELECT sum(seconds) FROM timetrackr.user_totals")
    with database.connection.cursor().copy(
        "COPY timetrackr.time_entries (user_id, project_id, start_time, end_time) FROM STDIN"
    ) as copy:
        for user in ids:
            for day in range(1, 20):
                copy.write_row((user, project, f"2024-03-{day:02} 08:00Z", f"2024-03-{day:02} 09:00Z"))
    assert database.value("SELECT sum(seconds) FROM timetrackr.user_totals") == before + len(ids) * 19 * 3600
    database.rows("UPDATE timetrackr.time_entries SET end_time = '2024-03-01 09:30Z' WHERE start_time = '2024-03-01 08:00Z'")
    assert database.value("SELECT sum(seconds) FROM timetrackr.user_totals") == before + len(ids) * (19 * 3600 + 1800)
    database.rows("DELETE FROM timetrackr.time_entries WHERE start_time < '2024-04-01'")
    assert database.value("SELECT sum(seconds) FROM timetrackr.user_totals") == before


def test_rules_hold_for_rows_written_by_sql(database, story):
    users, project, _ = story
    stranger = database.sign_up("stranger")
    for user, start, end, code in (
        (users["user1"], "2025-05-01 09:00Z", "2025-05-01 10:00Z", "entry_overlaps"),
        (users["user1"], "2025-08-01 09:00Z", "2025-08-01 08:00Z", "end_not_after_start"),
        (stranger, "2025-08-01 08:00Z", "2025-08-01 09:00Z", "not_a_member"),
    ):
        with pytest.raises(psycopg.Error) as refused:
            database.rows(
                "INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time) VALUES (%s, %s, %s, %s)",
                user, project, start, end,
            )
        assert refused.value.diag.message_hint.split()[0] == code


def test_one_timer_runs_however_many_start(nodes, database):
    user = database.sign_up("starter")
    project = database.project(user)

    def start(_):
        with nodes.connect() as connection:
            try:
                return Database(nodes, connection).value("SELECT entry_id FROM timetrackr.start_entry(%s, %s)", user, project)
            except psycopg.Error as error:
                return error.sqlstate

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(start, range(24)))
    assert any(isinstance(outcome, int) for outcome in outcomes)
    assert database.value("SELECT count(*) FROM timetrackr.time_entries WHERE user_id = %s AND end_time IS NULL", user) == 1


class Load:
    """Users who log entries, each on a connection of his own, until told to stop; failures are counted."""

    def __init__(self, nodes, users, project):
        self.ended = threading.Event()
        self.logged = {user: 0 for user in users}
        self.failures = {user: [] for user in users}
        self.threads = [threading.Thread(target=self._log, args=(nodes, user, project)) for user in users]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def _log(self, nodes, user, project):
        connection = None
        while not self.ended.is_set():
            try:
                if connection is None or connection.closed:
                    connection = nodes.connect()
                Database(nodes, connection).value(
                    "SELECT entry_id FROM timetrackr.start_entry(%s, %s, '2010-01-01Z'::timestamptz + make_interval(hours => %s),"
                    " '2010-01-01Z'::timestamptz + make_interval(hours => %s, mins => 30))",
                    user, project, self.logged[user] + len(self.failures[user]), self.logged[user] + len(self.failures[user]),
                )
                self.logged[user] += 1
            except psycopg.Error as error:
                self.failures[user].append(f"{error.sqlstate} {error}")
                self.ended.wait(0.05)
        if connection is not None:
            connection.close()

    def goes_on(self, users):
        before = dict(self.logged)
        eventually(lambda: all(self.logged[user] > before[user] + 3 for user in users), 30, "entries of everybody")


def move(database, shard, port, target):
    """Who moves a shard may be the one whom a deadlock ends; then he tries again."""

    def is_moved():
        try:
            database.rows(
                "SELECT citus_move_shard_placement(%s, '127.0.0.1', %s, '127.0.0.1', %s, shard_transfer_mode => 'block_writes')",
                shard, port, target,
            )
        except psycopg.errors.DeadlockDetected:
            return False
        return True

    eventually(is_moved, 60, f"shard {shard} moved")


def test_shards_move_while_people_work(nodes, database, story):
    users, project, _ = story
    with Load(nodes, users.values(), project) as load:
        load.goes_on(users.values())
        for shard, port in database.rows(
            "SELECT s.shardid, p.nodeport FROM pg_dist_shard s JOIN pg_dist_shard_placement p USING (shardid)"
            " WHERE s.logicalrelid = 'timetrackr.user_totals'::regclass ORDER BY 1 LIMIT 3"
        ):
            target = next(worker.port for worker in nodes.workers if worker.port != port)
            move(database, shard, port, target)
        load.goes_on(users.values())
    for user in users.values():
        count = database.value("SELECT count(*) FROM timetrackr.time_entries WHERE user_id = %s AND start_time < '2020-01-01'", user)
        assert count >= load.logged[user]
    database.rows("DELETE FROM timetrackr.time_entries WHERE start_time < '2020-01-01'")


def test_the_users_of_other_nodes_go_on_when_one_ends(nodes, database, story):
    users, project, _ = story
    ended = nodes.home_of(users["user0"])
    of_ended = [user for user in users.values() if nodes.home_of(user) is ended]
    others = [user for user in users.values() if user not in of_ended]
    assert others
    with Load(nodes, users.values(), project) as load:
        load.goes_on(users.values())
        ended.kill()
        load.goes_on(others)
        eventually(lambda: all(load.failures[user] for user in of_ended), 30, "failures of the others")
        ended.start()
        load.goes_on(users.values())
    database.rows("DELETE FROM timetrackr.time_entries WHERE start_time < '2020-01-01'")


@pytest.mark.parametrize("statement", [
    "TRUNCATE timetrackr.time_entries", "TRUNCATE timetrackr.users CASCADE", "TRUNCATE timetrackr.user_badges",
    "SELECT timetrackr.enable_rls()",
])
def test_what_is_not_for_several_nodes_says_so(database, statement):
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="several nodes"):
        database.rows(statement)


def test_ids_are_each_nodes_own_and_grow_with_time(nodes, database):
    def make(connection, count=1):
        rows = connection.execute("SELECT timetrackr.next_id() FROM generate_series(1, %s)", [count])
        return [number for (number,) in rows]

    with ExitStack() as stack:
        connections = [stack.enter_context(node.connect()) for node in nodes.all * 2]
        # Many more than a tenth of a second has room for, and two sessions on each node.
        with ThreadPoolExecutor(len(connections)) as pool:
            crowds = list(pool.map(lambda connection: make(connection, 30000), connections))
        ids = [number for crowd in crowds for number in crowd]
        assert len(set(ids)) == len(ids) and max(ids) < 2**53
        assert all(crowd == sorted(crowd) for crowd in crowds)
        last = max(ids)
        for connection in (*connections, *reversed(connections)):
            (last,) = eventually(lambda: [number for number in make(connection) if number > last], 30, "a higher id")


def test_a_statement_runs_at_home(nodes, database, story):
    users, _, _ = story
    call = ("SELECT c FROM timetrackr.at_home(%s::bigint, 'SELECT inet_server_port() FROM timetrackr.user_totals"
            " WHERE user_id = $1::bigint', ARRAY[%s::text]) AS r (c text)")
    for user in users.values():
        assert database.value(call, user, user) == str(nodes.home_of(user).port)
    for statement, arguments, error in [
        ("SELECT 1; SELECT 2", [], psycopg.errors.SyntaxError),
        ("CREATE TABLE t ()", [], psycopg.errors.SyntaxError),
        ("SELECT $1::integer", [], psycopg.errors.InvalidParameterValue),
        ("SELECT $1::integer", ["x"], psycopg.errors.InvalidTextRepresentation),
        ("SELECT 1, 2", [], psycopg.errors.DatatypeMismatch),
    ]:
        with pytest.raises(error):
            database.rows("SELECT c FROM timetrackr.at_home(%s::bigint, %s, %s::text[]) AS r (c text)", user, statement, arguments)
    with nodes.connect() as connection, connection.transaction(), pytest.raises(psycopg.errors.SerializationFailure):
        connection.execute(call, [user, user])


def test_a_home_has_the_rows_of_its_users_alone(nodes, database):
    counted = []
    for node in nodes.all:
        with node.connect() as connection:
            counted += connection.execute(
                "SELECT c FROM timetrackr.at_each_home('SELECT user_id FROM timetrackr.user_totals') AS r (c bigint)"
            ).fetchall()
    assert sorted(counted) == database.rows("SELECT id FROM timetrackr.users ORDER BY id")


def test_without_citus_it_says_so(nodes):
    nodes.create_database("alone")
    with nodes.connect("alone") as connection:
        connection.execute("CREATE EXTENSION timetrackr CASCADE")
        connection.execute("SELECT timetrackr.install()")
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="no Citus"):
            connection.execute("SELECT timetrackr.distribute()")
