"""The staged PostgreSQL: an extension installed into it exists there only."""

import os
import subprocess
from pathlib import Path

TOP = Path(__file__).parents[2]


def pg_config(path, what):
    return subprocess.run([path, what], check=True, capture_output=True, text=True).stdout.strip()


def test_every_path_is_below_the_staged_directory():
    staged = os.environ["TIMETRACKR_PG_CONFIG"]
    bindir = pg_config(staged, "--bindir")
    top = bindir[: bindir.index("/usr/")] if "/usr/" in bindir else bindir
    for what in ("--pkglibdir", "--sharedir", "--pgxs", "--includedir-server"):
        assert pg_config(staged, what).startswith(top + "/"), what


def test_the_running_server_loads_the_extension_from_there(postgres, db):
    (loaded,) = db.execute(
        "SELECT setting FROM pg_config() WHERE name = 'PKGLIBDIR'"
    ).fetchone()
    assert loaded == pg_config(os.environ["TIMETRACKR_PG_CONFIG"], "--pkglibdir")
    assert Path(loaded, "timetrackr.so").exists()
    (pid,) = db.execute("SELECT pg_backend_pid()").fetchone()
    db.execute("SELECT timetrackr.streak_min()")
    assert f"{loaded}/timetrackr.so" in Path(f"/proc/{pid}/maps").read_text()


def test_staging_again_does_nothing(tmp_path):
    command = [TOP / "deploy" / "stage-postgres", tmp_path / "server"]
    environment = dict(os.environ, PG_CONFIG=os.environ["TIMETRACKR_PG_CONFIG"])
    first = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    marker = Path(first.strip()).stat().st_ino
    second = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    assert first == second
    assert Path(second.strip()).stat().st_ino == marker
