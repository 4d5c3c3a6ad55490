"""make up, down and reset in a copy of the checkout, as an operator uses them."""

import os
import shlex
import shutil
import signal
import socket
import stat
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest
import requests
from harness import Redis, eventually, free_port

TOP = Path(__file__).parents[2]
# As all of sql/: the update script is made of these lines.
BRAND_NEW = """
CREATE FUNCTION timetrackr.brand_new()
RETURNS integer
LANGUAGE sql
AS 'SELECT 42';
COMMENT ON FUNCTION timetrackr.brand_new() IS
'The answer.';
"""
# What is compiled goes along: that it can be compiled is what part build is about.
LEFT_OUT = shutil.ignore_patterns("test", "results", "output_iso", "__pycache__", ".run", ".git", "node_modules")


class Checkout:
    """A copy of the sources in which make commands run."""

    def __init__(self, directory):
        self.directory = directory / "checkout"
        shutil.copytree(TOP, self.directory, ignore=LEFT_OUT)
        self.ports = {name: str(free_port()) for name in ("PORT", "PGPORT", "REDIS_PORT")}

    def make(self, *goals, status=0, **settings):
        """Run make and expect its status; returns all it printed."""
        env = {"PATH": os.environ["PATH"], "HOME": str(self.directory), **self.ports, **settings}
        if "PG_CONFIG" in os.environ:
            env["PG_CONFIG"] = os.environ["PG_CONFIG"]
        done = subprocess.run(
            ["make", *goals],
            cwd=self.directory,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        assert (done.returncode == 0) == (status == 0), done.stdout
        return done.stdout

    @property
    def env(self):
        """What .run/env says, as a shell reads it."""
        words = shlex.split((self.directory / ".run" / "env").read_text())
        return dict(word.split("=", 1) for word in words)

    def pids(self):
        run = self.directory / ".run"
        return {
            "postgres": int((run / "pg" / "postmaster.pid").read_text().split()[0]),
            "redis": int((run / "redis" / "redis.pid").read_text()),
            "proxy": int((run / "proxy" / "proxy.pid").read_text()),
        }


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    checkout = Checkout(tmp_path_factory.mktemp("up"))
    try:
        yield checkout
    finally:
        checkout.make("reset")


@pytest.fixture
def up(checkout):
    checkout.make("up")
    return checkout


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def log_in(env, who):
    body = {"email": env[f"{who}_EMAIL"], "password": env[f"{who}_PASSWORD"]}
    answer = requests.post(f"{env['BASE_URL']}/auth/login", json=body, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_up_prints_where_everything_is(checkout):
    printed = checkout.make("up")
    assert checkout.env["BASE_URL"] == f"http://127.0.0.1:{checkout.ports['PORT']}"
    for text in (checkout.env["BASE_URL"], checkout.env["DEMO_EMAIL"], checkout.env["DEMO_PASSWORD"]):
        assert text in printed


def test_env_is_secret_and_true(up):
    env = up.env
    assert stat.S_IMODE((up.directory / ".run" / "env").stat().st_mode) == 0o600
    assert env["PROXY_PID"] == str(up.pids()["proxy"])
    assert len(env["JWT_SECRET"]) >= 32
    assert requests.get(f"{env['BASE_URL']}/readyz", timeout=5).status_code == 200
    with psycopg.connect(env["OWNER_DATABASE_URL"]) as owner:
        assert owner.execute("SELECT * FROM timetrackr.verify()").fetchall() == []
    with psycopg.connect(env["DATABASE_URL"]) as proxy:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            proxy.execute("SELECT password_hash FROM timetrackr.users")


def test_the_demo_is_alive(up):
    env = up.env
    assert log_in(env, "ADMIN")["role"] == "admin"
    demo = log_in(env, "DEMO")
    me = requests.get(
        f"{env['BASE_URL']}/users/me", headers={"Authorization": f"Bearer {demo['access_token']}"}, timeout=5
    ).json()
    assert me["current_streak_days"] >= 12 and me["entry_count"] > 100 and len(me["badges"]) >= 5
    # those of today, this week and this month may just have begun
    today = datetime.now(timezone.utc).date()
    week = today - timedelta(days=today.weekday() + 7)
    month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    for query in ("", f"?period=week&period_start={week}", f"?period=month&period_start={month}", "?metric=badges"):
        board = requests.get(f"{env['BASE_URL']}/leaderboard{query}", timeout=5).json()
        assert len(board) >= 10, query
    timeline = requests.get(f"{env['BASE_URL']}/users/{demo['user_id']}/timeline?limit=100", timeout=5).json()
    assert {"time_entry_completed", "badge_earned"} <= {event["event_type"] for event in timeline}


def test_the_api_shows_itself(up):
    """As a page where npm could get what it is made of, else by a text."""
    page = requests.get(f"{up.env['BASE_URL']}/api-docs", timeout=5)
    built = (up.directory / "web" / "api-docs" / "dist" / "index.html").exists()
    assert page.status_code == 200
    assert page.headers["Content-Type"].split(";")[0] == ("text/html" if built else "text/plain")
    assert ("swagger-ui" if built else "/openapi.json") in page.text


def test_the_app_is_there(up):
    """Where Node.js could build it, else a text that says how to get it."""
    page = requests.get(f"{up.env['BASE_URL']}/", headers={"Accept": "text/html"}, timeout=5)
    built = (up.directory / "web" / "app" / "dist" / "index.html").exists()
    assert page.status_code == 200
    assert page.headers["Content-Type"].split(";")[0] == ("text/html" if built else "text/plain")
    assert ('<div id="app">' if built else "make web") in page.text


def test_up_again_does_no_harm(up):
    before = up.pids(), up.env
    up.make("up")
    assert (up.pids(), up.env) == before


@pytest.mark.parametrize("server", ["postgres", "redis", "proxy"])
def test_what_died_is_started_again(up, server):
    pids = up.pids()
    os.kill(pids[server], signal.SIGKILL)
    eventually(lambda: not is_alive(pids[server]), what=f"{server} dead")
    up.make("up")
    assert up.pids()[server] != pids[server]
    assert requests.get(f"{up.env['BASE_URL']}/readyz", timeout=5).status_code == 200


def test_a_changed_binary_is_started_anew(up):
    pids = up.pids()
    with (up.directory / "proxy" / "main.c").open("a") as source:
        source.write("\nconst char timetrackr_built_again[] = \"again\";\n")
    up.make("up")
    after = up.pids()
    assert after["proxy"] != pids["proxy"]
    assert (after["postgres"], after["redis"]) == (pids["postgres"], pids["redis"])


def test_a_changed_extension_keeps_the_data(up):
    with psycopg.connect(up.env["OWNER_DATABASE_URL"]) as owner:
        before = owner.execute("SELECT count(*), sum(duration) FROM timetrackr.time_entries").fetchone()
    with (up.directory / "sql" / "50_grants.sql").open("a") as source:
        source.write(BRAND_NEW)
    up.make("up")
    with psycopg.connect(up.env["OWNER_DATABASE_URL"]) as owner:
        assert owner.execute("SELECT timetrackr.brand_new()").fetchone() == (42,)
        assert owner.execute("SELECT count(*), sum(duration) FROM timetrackr.time_entries").fetchone() == before
        assert owner.execute("SELECT * FROM timetrackr.verify()").fetchall() == []
    log_in(up.env, "DEMO")


def test_settings_reach_the_proxy_and_stay_until_down(up):
    up.make("up", ACCESS_TOKEN_TTL="60")
    assert log_in(up.env, "DEMO")["expires_in"] == 60
    pid = up.pids()["proxy"]
    up.make("up")
    assert up.pids()["proxy"] == pid
    up.make("down")
    up.make("up")
    assert log_in(up.env, "DEMO")["expires_in"] == 3600


def test_a_dot_env_file_is_honoured(up):
    dot_env = up.directory / ".env"
    dot_env.write_text("ACCESS_TOKEN_TTL='120'\n")
    try:
        up.make("up")
        assert log_in(up.env, "DEMO")["expires_in"] == 120
    finally:
        dot_env.unlink()
        up.make("up")


def test_a_wrong_setting_is_named_and_up_goes_on_afterwards(up):
    assert "WORKERS" in up.make("up", status=1, WORKERS="many")
    up.make("up", WORKERS="1")
    assert requests.get(f"{up.env['BASE_URL']}/readyz", timeout=5).status_code == 200
    up.make("up", WORKERS="")


@pytest.mark.parametrize("name", ["PORT", "PGPORT", "REDIS_PORT"])
def test_a_port_of_somebody_else_is_named(checkout, name):
    checkout.make("down")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        printed = checkout.make("up", status=1, **{name: port})
    lines = [line for line in printed.splitlines() if port in line and "taken" in line]
    assert len(lines) == 1 and name in lines[0], printed
    checkout.make("down")


def test_a_refused_port_leaves_everything_as_it_was(up):
    """What runs goes on, and a slip is not remembered."""
    pids = up.pids()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "taken" in up.make("up", status=1, PORT=str(taken.getsockname()[1]))
    assert up.pids() == pids
    settings = up.directory / ".run" / "settings"
    remembered = settings.read_text()
    assert "no port" in up.make("up", status=1, PORT="abc")
    assert settings.read_text() == remembered
    up.make("up")
    assert up.pids() == pids


def test_without_redis(up):
    up.make("up", REDIS_URL="")
    assert up.env["REDIS_URL"] == ""
    board = requests.get(f"{up.env['BASE_URL']}/leaderboard", timeout=5)
    assert board.status_code == 200 and len(board.json()) >= 10
    up.make("up", REDIS_URL="yes")
    assert up.env["REDIS_URL"].endswith(up.ports["REDIS_PORT"])


def test_down_ends_what_is_ours_and_nothing_else(up, tmp_path):
    """A stale pid file names a process of somebody else, even another Redis: it lives on."""
    pids = up.pids()
    bystander = Redis(tmp_path).start()
    try:
        os.kill(pids["redis"], signal.SIGKILL)
        eventually(lambda: not is_alive(pids["redis"]), what="Redis dead")
        (up.directory / ".run" / "redis" / "redis.pid").write_text(f"{bystander.pid}\n")
        up.make("down")
        assert bystander.is_running()
        assert not any(is_alive(pid) for pid in pids.values())
        assert not (up.directory / ".run" / "env").exists()
        up.make("down")
        up.make("up")
        log_in(up.env, "DEMO")
        assert bystander.is_running()
    finally:
        bystander.stop()


def test_reset_wipes_everything(up):
    pids = up.pids()
    up.make("reset")
    assert not (up.directory / ".run").exists()
    assert not any(is_alive(pid) for pid in pids.values())
    up.make("reset")
    up.make("up", DEMO="0")
    with psycopg.connect(up.env["OWNER_DATABASE_URL"]) as owner:
        assert owner.execute("SELECT count(*) FROM timetrackr.users").fetchone() == (0,)
        assert owner.execute("SELECT count(*) > 10 FROM timetrackr.badges").fetchone() == (True,)


@pytest.mark.parametrize("after", ["starting PostgreSQL", "installing the extension into the database", "demo data"])
def test_an_interrupted_up_can_be_run_again(checkout, after):
    """Ctrl-C, as a terminal sends it, at a step of the first make up."""
    checkout.make("reset")
    env = {"PATH": os.environ["PATH"], **checkout.ports}
    making = subprocess.Popen(
        ["make", "up"],
        cwd=checkout.directory,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )
    for line in making.stdout:
        if after in line:
            os.killpg(making.pid, signal.SIGINT)
            break
    making.stdout.read()
    assert making.wait(60) != 0
    checkout.make("up")
    log_in(checkout.env, "DEMO")
    with psycopg.connect(checkout.env["OWNER_DATABASE_URL"]) as owner:
        assert owner.execute("SELECT count(*) FROM timetrackr.users").fetchone() == (14,)
        assert owner.execute("SELECT * FROM timetrackr.verify()").fetchall() == []
