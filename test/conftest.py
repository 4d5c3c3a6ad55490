"""Fixtures: servers once a session, users afresh for every test. After every
file verify() must find nothing, whatever its tests did."""

import itertools
import os
import socket
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import Nodes, Postgres, Prism, Proxy, Redis  # noqa: E402
from harness.stage import Stage  # noqa: E402

DOCUMENT = Path(__file__).parents[1] / "docs" / "openapi.json"

PASSWORD = "correct horse battery"

_numbers = itertools.count(1)


def pytest_configure(config):
    config.addinivalue_line("markers", "raw: sends or compares what Prism would rewrite, or is about something else")
    config.addinivalue_line("markers", "one_server(why): cannot be run on several nodes")
    for name in ("TIMETRACKR_PG_CONFIG", "TIMETRACKR_PROXY"):
        if name not in os.environ:
            raise pytest.UsageError(f"{name} is not set: run the tests through test/check")


def pytest_collection_modifyitems(config, items):
    if "TIMETRACKR_NODES" not in os.environ:
        return
    unfit = [item for item in items if item.get_closest_marker("one_server")]
    config.hook.pytest_deselected(items=unfit)
    items[:] = [item for item in items if item not in unfit]


class User:
    """Somebody who signed up: the client carries the token."""

    def __init__(self, client, session, email):
        self.client = client
        self.id = session["user_id"]
        self.username = session["username"]
        self.email = email
        self.session = session

    def __getattr__(self, verb):
        """get, post, put, patch, delete, pages: as this user."""
        return getattr(self.client, verb)

    def project(self, name="A project", **fields):
        return self.post("/projects", {"name": name, **fields}).expect(201)["project_id"]

    def entry(self, project_id, start, seconds, **fields):
        """Log a finished entry; returns the whole body."""
        times = {"start_time": rfc3339(start), "end_time": rfc3339(start + timedelta(seconds=seconds))}
        return self.post("/time-entries", {"project_id": project_id, **times, **fields}).expect(201)

    def start(self, project_id, **fields):
        return self.post("/time-entries", {"project_id": project_id, **fields}).expect(201)

    def stop(self, entry_id, **fields):
        return self.put(f"/time-entries/{entry_id}/end", fields).expect(200)


def rfc3339(moment):
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def days_ago(days, hour=10):
    """A whole hour of a day before today, UTC."""
    today = datetime.now(timezone.utc).replace(hour=hour, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days)


def sign_up(proxy, name=None, **fields):
    name = name or f"user{next(_numbers):05d}"
    email = f"{name}@example.com"
    body = {"email": email, "password": PASSWORD, "username": name, **fields}
    session = proxy.client().post("/auth/signup", body).expect(201)
    return User(proxy.client(token=session["access_token"]), session, email)


def new_postgres(directory):
    """One server, or the first of several nodes, not started yet."""
    return (Nodes if "TIMETRACKR_NODES" in os.environ else Postgres)(directory)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    server = new_postgres(tmp_path_factory.mktemp("postgres"))
    try:
        server.start()
        server.install("timetrackr")
        yield server
    finally:
        server.stop()
    for word in ("PANIC", "was terminated by signal", "server process"):
        assert word not in server.log.read_text(), server.log_end()


@pytest.fixture(scope="session")
def redis(tmp_path_factory):
    server = Redis(tmp_path_factory.mktemp("redis"))
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def proxy(postgres, redis, tmp_path_factory):
    server = Proxy(
        tmp_path_factory.mktemp("proxy"), **postgres.proxy_settings(), REDIS_URL=redis.url, WORKERS=2
    )
    prism = Prism(tmp_path_factory.mktemp("prism"), DOCUMENT, server.url) if "TIMETRACKR_PRISM" in os.environ else None
    try:
        server.start()
        if prism is not None:
            server.front = prism.start().url
        yield server
    finally:
        if prism is not None:
            prism.stop()
        server.stop()


@pytest.fixture(scope="session")
def superuser(postgres):
    """A session that is kept: to begin one costs the server more than most questions."""
    with postgres.connect(prepare_threshold=None) as connection:
        yield connection


@pytest.fixture
def db(superuser):
    """The superuser's autocommit connection, as good as new."""
    yield superuser
    superuser.execute("DISCARD ALL")


@pytest.fixture
def stage(postgres, tmp_path):
    """A database and a Redis of this test's own, and proxies in front of them."""
    stage = Stage(postgres, tmp_path)
    try:
        yield stage
    finally:
        stage.end()


@pytest.fixture
def anyone(proxy):
    return proxy.client()


@pytest.fixture
def raw_call(proxy):
    """Send bytes, and read what comes until the connection ends or falls silent."""

    def call(request, seconds=10):
        address = ("127.0.0.1", int(proxy.settings["PORT"]))
        with socket.create_connection(address, timeout=seconds) as connection:
            connection.sendall(request)
            return connection.recv(65536)

    return call


@pytest.fixture
def new_user(proxy):
    """Sign somebody up: new_user(timezone="Europe/Berlin")."""

    def make(**fields):
        return sign_up(proxy, **fields)

    return make


@pytest.fixture
def user(new_user):
    return new_user()


@pytest.fixture
def other(new_user):
    return new_user()


@pytest.fixture(scope="module")
def verified(postgres):
    """Derived tables agree with the entries after a file's tests."""
    yield
    with postgres.connect() as connection:
        differences = connection.execute("SELECT * FROM timetrackr.verify()").fetchall()
    assert differences == []


@pytest.fixture(autouse=True)
def nothing_to_verify(request):
    """Whatever a test did that had a server; told as an error of the last test of its file."""
    if "postgres" in request.fixturenames:
        request.getfixturevalue("verified")
