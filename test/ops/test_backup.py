"""Backups as docs/backup.md says, with its own commands: a dump that is restored into an
empty server, and a base backup with an archive that goes back to before a disaster."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from conftest import days_ago, sign_up
from harness import Live, Postgres, Proxy
from harness.process import eventually
from harness.stage import Stage

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs/backup.md").read_text()


def commands(word):
    """The lines of the one block of the page with this word."""
    (found,) = [block for block in re.findall(r"^```\w*\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) if word in block]
    return found.splitlines()


class Machine:
    """A server with the scripts, in a directory that stands for /var/backups/timetrackr and /usr/lib/timetrackr."""

    def __init__(self, directory, backups, server=None):
        self.directory, self.backups = directory, backups
        self.server = server or Postgres(directory / "server")

    def here(self, line):
        """A line of the page, for this directory."""
        line = line.replace("/usr/lib/timetrackr/backup", str(TOP / "deploy/backup")).replace("/var/backups/timetrackr", str(self.backups))
        return line.replace("sudo -u postgres ", "").partition("  #")[0]

    def configure(self, lines):
        with (self.server.data / "postgresql.conf").open("a") as conf:
            conf.writelines(self.here(line) + "\n" for line in lines)

    def run(self, command, status=0, **settings):
        """A command of the page, or a script's name; what it prints."""
        env = {
            "PATH": f"{self.server.bin}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.server.port),
            "PGUSER": "owner",
            "PGPASSWORD": self.server.password,
            "PGDATABASE": "app",
            "BACKUP_DIR": str(self.backups),
            **settings,
        }
        done = subprocess.run(["bash", "-c", self.here(command)], env=env, capture_output=True, text=True, timeout=120)
        assert (done.returncode != 0) == (status != 0), done.stdout + done.stderr
        return (done.stdout if status == 0 else done.stderr).strip()

    def script(self, name, *arguments, **options):
        return self.run(" ".join([str(TOP / "deploy/backup" / name), *map(str, arguments)]), **options)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """A server that archives its WAL, and has a database `app`."""
    directory = tmp_path_factory.mktemp("machine")
    machine = Machine(directory, directory / "backups")
    (machine.backups / "wal").mkdir(parents=True)
    machine.server._initdb()
    machine.configure(commands("archive_command"))
    try:
        machine.server.start()
        machine.server.install("app")
        yield machine
    finally:
        machine.server.stop()


class AppStage(Stage):
    """A Redis and proxies, on the database `app`."""

    def new_database(self):
        return "app"


@pytest.fixture
def app(machine, tmp_path):
    stage = AppStage(machine.server, tmp_path)
    try:
        yield stage
    finally:
        stage.end()


def busy(proxy, name):
    """Somebody with a public project, entries and badges."""
    user = sign_up(proxy, name)
    user.project_id = user.project(visibility="public")
    for day in range(1, 5):
        user.entry(user.project_id, days_ago(day), 5000)
    return user


def archived(machine):
    """Everything so far is in the archive."""
    with machine.server.connect("app") as connection:
        (segment,) = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    eventually(lambda: (machine.backups / "wal" / f"{segment}.gz").exists(), 20, f"{segment} archived")


def test_a_dump_is_tried_and_makes_an_empty_server_the_same(machine, app, tmp_path):
    """Roles, rights and passwords with it; the proxy starts on it with its old settings, and Redis follows."""
    proxy = app.proxy()
    ann = busy(proxy, "dumped-ann")
    with machine.server.connect("app") as connection:
        connection.execute("CREATE ROLE \"An 'analyst'\" LOGIN")
        connection.execute("CREATE ROLE readers")
        connection.execute("GRANT readers TO \"An 'analyst'\"")
        connection.execute("SELECT timetrackr.grant_analyst('readers')")
    app.settled()
    dump = machine.script("dump")
    assert Path(dump).exists() and machine.backups in Path(dump).parents
    assert [p.name for p in Path(dump).parent.iterdir() if p.name.startswith(".")] == []
    assert Path(dump).stat().st_mode & 0o077 == 0
    before = ann.get("/leaderboard").body
    proxy.stop()

    other = Machine(tmp_path / "other", machine.backups)
    other.server.password = machine.server.password
    try:
        other.server.start()
        (line,) = commands("backup/restore ")
        line = re.sub(r"\S+\.dump", dump, line)
        assert "restored app" in other.run(line)
        assert "already" in other.run(line, status=1), "it is not restored over"
        with other.server.connect("app") as connection:
            assert connection.execute("SELECT * FROM timetrackr.verify()").fetchall() == []
            connection.execute("SET ROLE \"An 'analyst'\"")
            assert connection.execute("SELECT count(*) > 0 FROM timetrackr.report_entries").fetchone() == (True,)
        again = app.proxy(DATABASE_URL=other.server.proxy_url("app"))
        app.postgres = other.server
        app.settled()
        ann.client = again.client(token=ann.session["access_token"])
        assert ann.get("/leaderboard").body == before
        assert ann.entry(ann.project_id, days_ago(9), 60)["duration_seconds"] == 60
        assert '"parameters_logged"' not in again.log_end()
        again.stop()
    finally:
        app.postgres = machine.server
        other.server.stop()


def test_a_dump_of_an_older_version_is_brought_up_to_date(machine, tmp_path):
    """With the rights on functions that take something else by now."""
    machine.server.create_database("old")
    with machine.server.connect("old") as connection:
        connection.execute("CREATE EXTENSION timetrackr VERSION '1.0' CASCADE")
        connection.execute("SELECT timetrackr.install()")
        connection.execute("SELECT timetrackr.grant_api('proxy_login')")
        connection.execute("SELECT timetrackr.signup('old@example.com', 'correct horse battery', 'old')")
    dump = machine.script("dump", PGDATABASE="old")
    machine.script("restore", dump, "renewed")
    proxy = Proxy(tmp_path, DATABASE_URL=machine.server.proxy_url("renewed"))
    assert proxy.run_to_end("--check") == (0, "ok\n")


def test_a_dump_that_is_not_right_gets_no_name(machine):
    dumps = machine.backups / "dumps"
    before = sorted(dumps.glob("*.dump"))
    with machine.server.connect("app") as connection:
        connection.execute("INSERT INTO timetrackr.users (id, email, username) VALUES (987654, 'x@example.com', 'x')")
        connection.execute("UPDATE timetrackr.user_totals SET seconds = 7 WHERE user_id = 987654")
        assert "verify() finds" in machine.script("dump", status=1)
        assert sorted(dumps.glob("*.dump")) == before and list(dumps.glob(".*")) == []
        assert machine.script("dump", TRY_RESTORE="no").endswith(".dump")
        connection.execute("SELECT timetrackr.rebuild(987654)")
        connection.execute("DELETE FROM timetrackr.users WHERE id = 987654")
        assert connection.execute("SELECT * FROM timetrackr.verify()").fetchall() == []
        assert connection.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'timetrackr_trial%'").fetchone() == (0,)
    machine.script("dump", KEEP_DUMPS="1", TRY_RESTORE="no")
    assert len(list(dumps.glob("*.dump"))) == len(list(dumps.glob("*.roles.sql"))) == 1


def test_the_archive_never_writes_over_what_it_has(machine, tmp_path):
    segment, archive = tmp_path / "000000010000000000000001", tmp_path / "archive"
    archive.mkdir()
    segment.write_bytes(b"one" * 1000)
    machine.script("archive-wal", archive, segment)
    machine.script("archive-wal", archive, segment)
    segment.write_bytes(b"two" * 1000)
    assert "something else" in machine.script("archive-wal", archive, segment, status=1)
    machine.script("archive-wal", tmp_path / "nowhere", segment, status=1)
    assert [path.name for path in archive.iterdir()] == ["000000010000000000000001.gz"]


def leaders(proxy):
    return {row["username"] for row in proxy.client().get("/leaderboard").expect(200)}


def test_back_to_before_a_disaster(machine, app, tmp_path):
    """While the proxy runs, and Redis is ahead: both find back without being told."""
    proxy = app.proxy()
    ann, bob = busy(proxy, "kept-ann"), busy(proxy, "kept-bob")
    machine.script("base-backup")
    ann.entry(ann.project_id, days_ago(20), 7777)
    app.settled()
    with machine.server.connect("app") as connection:
        (moment,) = connection.execute("SELECT clock_timestamp()::text").fetchone()
        refreshed = proxy.client().post("/auth/refresh", {"refresh_token": bob.session["refresh_token"]}).expect(200)
        connection.execute("DELETE FROM timetrackr.users")
    late = busy(proxy, "late")
    eventually(lambda: late.get("/events?after=0&wait=0").expect(200), 20, "an event of the future")
    seen = late.get("/events?after=0&wait=0").expect(200)[-1]["id"]
    app.settled()
    assert leaders(proxy) == {"late"}
    archived(machine)
    machine.server.stop()

    (line,) = [line for line in commands("backup/recover") if "backup/recover" in line]
    data = tmp_path / "recovered"
    line = re.sub(r"recover '.*' \S+", f"recover '{moment}' {data}", line)
    machine.run(line)
    assert "not empty" in machine.run(line, status=1)
    machine.run(f"{TOP}/deploy/backup/recover '2001-01-01 00:00Z' {tmp_path}/none", status=1)
    broken, machine.server.data = machine.server.data, data
    try:
        machine.server.start()
        eventually(lambda: machine.run("psql -XAtc 'SELECT pg_is_in_recovery()'") == "f", 30, "recovered")
        assert app.query("SELECT * FROM timetrackr.verify()") == []
        names = {name for (name,) in app.query("SELECT username FROM timetrackr.users")}
        assert {"kept-ann", "kept-bob"} <= names and "late" not in names
        assert app.query("SELECT count(*) FROM timetrackr.time_entries WHERE duration = 7777") == [(1,)]

        app.settled()
        eventually(lambda: {"kept-ann", "kept-bob"} <= leaders(proxy), 10, "the board of then")
        assert "late" not in leaders(proxy)
        late.get("/users/me").expect(401)
        ann.get("/users/me").expect(200)
        eventually(lambda: proxy.client().get("/readyz").status == 200, 30, "all connections of the proxy")
        # what was exchanged later is good again, what it was exchanged for is not
        proxy.client().post("/auth/refresh", {"refresh_token": refreshed["refresh_token"]}).expect(401)
        proxy.client().post("/auth/refresh", {"refresh_token": bob.session["refresh_token"]}).expect(200)
        bob.entry(bob.project_id, days_ago(30), 60)
        app.settled()
        # what was seen of the lost time leads nowhere, although there are events before and after it
        ann.get(f"/events?after={seen}&wait=0").expect(410, "events_gone", "after")
        with Live(proxy, ann.client.token, path=f"/live?after={seen}") as live:
            assert "reset" in [message["topic"] for message in live.until(lambda message: message["topic"] == "ready")]
        # the new timeline is archived beside the old one, and can be backed up
        archived(machine)
        machine.script("base-backup", KEEP_BASES="1")
        assert len(list((machine.backups / "base").iterdir())) == 1
        assert not (machine.backups / "wal" / "000000010000000000000001.gz").exists()
        # the machine is lost: all that is in the archive comes back
        bob.entry(bob.project_id, days_ago(31), 61)
        archived(machine)
        machine.server.stop()
        machine.server.data = tmp_path / "latest"
        machine.script("recover", "latest", machine.server.data)
        machine.server.start()
        eventually(lambda: machine.run("psql -XAtc 'SELECT pg_is_in_recovery()'") == "f", 30, "recovered")
        assert app.query("SELECT count(*) FROM timetrackr.time_entries WHERE duration = 61") == [(1,)]
    finally:
        machine.server.stop()
        machine.server.data = broken
        machine.server.start()


def test_the_units_run_the_scripts(machine):
    for name in ("dump", "base-backup"):
        unit = TOP / "deploy/backup" / f"timetrackr-{name}.service"
        program = re.search(r"^ExecStart=/usr/lib/timetrackr/backup/(.*)$", unit.read_text(), re.M).group(1)
        assert os.access(TOP / "deploy/backup" / program, os.X_OK)
        for checked in (unit, unit.with_suffix(".timer")):
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", checked], capture_output=True, text=True)
            wrong = [line for line in done.stderr.splitlines() if checked.name in line and "not executable" not in line]
            assert wrong == []
    text = (TOP / "deploy/backup/backup.env").read_text()
    named = set(re.findall(r"^#?([A-Z_]+)=", text, re.M))
    read = set(re.findall(r"\$\{([A-Z_]+):-", (TOP / "deploy/backup/common.sh").read_text() + (TOP / "deploy/backup/dump").read_text()))
    assert {name for name in read if name != "PGOPTIONS"} <= named, "a setting that backup.env does not show"
