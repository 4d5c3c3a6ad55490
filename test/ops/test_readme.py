"""The README's two sessions, run as they stand there."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from harness.stage import Stage

README = Path(__file__).parents[2] / "README.md"


def block(language, word):
    """The fenced block of a language that contains a word."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    found = [one for one in blocks if word in one]
    assert len(found) == 1, f"{len(found)} {language} blocks with {word!r} in the README"
    return found[0]


@pytest.fixture(scope="module")
def stage(postgres, tmp_path_factory):
    """A database in which nobody is called as they are."""
    stage = Stage(postgres, tmp_path_factory.mktemp("stage"))
    try:
        stage.proxy(CACHE_BYTES=16 << 20)
        yield stage
    finally:
        stage.end()


@pytest.fixture
def checkout(tmp_path, stage, postgres):
    """A directory with the .run/env that make up writes."""
    (tmp_path / ".run").mkdir()
    values = {
        "BASE_URL": stage.proxies[0].url,
        "OWNER_DATABASE_URL": postgres.url(stage.database),
        "DATABASE_URL": postgres.proxy_url(stage.database),
    }
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in values.items()]
    (tmp_path / ".run" / "env").write_text("".join(lines))
    return tmp_path


def run(script, checkout, postgres):
    env = {"PATH": f"{postgres.bin}:{os.environ['PATH']}", "LANG": "C.UTF-8"}
    done = subprocess.run(
        ["bash", "-eu", "-c", script], cwd=checkout, env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def test_the_curl_session(checkout, postgres, stage):
    output = run(block("sh", "/auth/signup"), checkout, postgres)
    (seconds,) = re.findall(r'"duration_seconds":(\d+)', output)[:1]
    assert 7200 <= int(seconds) <= 7230
    assert '"name":"First Steps"' in output
    assert '"event_type":"badge_earned"' in output
    board = output[output.index('"rank"') - 200 :]
    assert '"username":"ada"' in board
    score = stage.value(
        "SELECT t.seconds FROM timetrackr.user_totals AS t JOIN timetrackr.users AS u ON u.id = t.user_id"
        " WHERE u.username = 'ada'"
    )
    assert f'"score":{score}' in board


def test_the_sql_session(checkout, postgres):
    (command,) = re.findall(r"^psql .*$", README.read_text(), re.MULTILINE)
    script = f". .run/env\n{command} -X <<'END'\n{block('sql', 'timetrackr.signup')}\nEND\n"
    output = run(script, checkout, postgres)
    assert "ERROR" not in output
    assert "5400" in output and "First Steps" in output
    assert "badge_earned" in output
    assert re.search(r"\| grace +\|", output)
