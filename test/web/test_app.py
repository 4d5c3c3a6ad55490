"""The web app in a real browser on real servers: its whole story, its single
promises, and every page as a picture, looked at by axe."""

import gzip
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from harness import Proxy
from harness.process import Process

HERE = Path(__file__).parent
TOP = HERE.parents[1]
APP = TOP / "web" / "app"
DIST = APP / "dist"
FIRST_LOAD = 150_000
LOGINS = {
    "DEMO_EMAIL": "demo@timetrackr.example",
    "DEMO_PASSWORD": "demo-password-1",
    "ADMIN_EMAIL": "admin@timetrackr.example",
    "ADMIN_PASSWORD": "admin-password-1",
}
CLOUD = {"CLOUDINARY_CLOUD_NAME": "demo-cloud", "CLOUDINARY_API_KEY": "1", "CLOUDINARY_API_SECRET": "abcdefghijk"}
CHECKS = re.findall(r'^  async "([^"]+)"', (HERE / "checks.mjs").read_text(), re.MULTILINE)


class Browser(Process):
    """One Chromium for all scripts."""

    def __init__(self, directory):
        super().__init__("browser", directory)

    def start(self):
        env = {**os.environ, "HOME": str(self.directory)}
        self.launch(["node", str(HERE / "server.mjs")], env=env)
        self.wait_until(lambda: "ws://" in self.log_end())
        return self

    @property
    def address(self):
        return re.search(r"ws://\S+", self.log_end()).group()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    server = Browser(tmp_path_factory.mktemp("browser"))
    try:
        yield server.start()
    finally:
        server.end(signal.SIGTERM)


@pytest.fixture(scope="module")
def site(postgres, redis, tmp_path_factory):
    """The app on a database of its own with the demo data."""
    assert (DIST / "index.html").exists(), "web/app/dist was not built: see test/results/web-build.log"
    postgres.install("web")
    values = [f"{name.lower()}={value}" for name, value in LOGINS.items()]
    options = [word for value in values for word in ("-v", value)]
    postgres.program("psql", "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", *options, "-f", TOP / "deploy" / "demo.sql", database="web")
    proxy = Proxy(tmp_path_factory.mktemp("proxy"), DATABASE_URL=postgres.proxy_url("web"), REDIS_URL=redis.url, WEB_ROOT=DIST)
    try:
        yield proxy.start()
        with postgres.connect("web") as connection:
            assert connection.execute("SELECT * FROM timetrackr.verify()").fetchall() == []
    finally:
        proxy.stop()


@pytest.fixture
def cloud_site(site, postgres, tmp_path):
    """The same with an account at Cloudinary."""
    proxy = Proxy(tmp_path / "cloud", DATABASE_URL=postgres.proxy_url("web"), WEB_ROOT=DIST, WORKERS=1, **CLOUD)
    try:
        yield proxy.start()
    finally:
        proxy.stop()


@pytest.fixture
def script(site, browser, tmp_path):
    """Run one of the scripts beside this file, and show what it said when it fails."""
    shots = Path(os.environ.get("TIMETRACKR_SHOTS", tmp_path))
    shots.mkdir(parents=True, exist_ok=True)

    def run(*arguments, seconds=180, at=site, **more):
        env = {**os.environ, **LOGINS, **more, "TIMETRACKR_URL": at.url, "TIMETRACKR_BROWSER": browser.address, "TIMETRACKR_SHOTS": str(shots)}
        done = subprocess.run(["node", *arguments], cwd=HERE, env=env, capture_output=True, text=True, timeout=seconds)
        assert done.returncode == 0, done.stdout + done.stderr
        return shots

    return run


def test_the_arithmetic_is_right():
    """Days over changes of clocks, streaks, dragging, criteria: Vitest's tests."""
    done = subprocess.run(["node", "node_modules/vitest/vitest.mjs", "run"], cwd=APP, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_whole_story(script):
    script("story.mjs")


@pytest.mark.parametrize("check", CHECKS)
def test_it_keeps_its_promises(script, check):
    script("checks.mjs", check)


def test_a_picture_goes_to_cloudinary_where_that_is_set(script, cloud_site):
    script("avatar.mjs", at=cloud_site, **CLOUD)


@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_every_page_is_whole_and_open_to_all(script, size):
    shots = script("pages.mjs", size, seconds=300)
    for scheme in ("light", "dark"):
        assert len(list(shots.glob(f"*-{size}-{scheme}.png"))) >= 20


def test_the_first_load_is_small(site):
    """What a browser fetches before it shows today: the page, its script, its style."""
    page = (DIST / "index.html").read_text()
    names = re.findall(r'(?:src|href)="(/[^"]+)"', page)
    assert any(name.startswith("/assets/") and name.endswith(".js") for name in names)
    sizes = {name: len(gzip.compress((DIST / name[1:]).read_bytes())) for name in names}
    assert sum(sizes.values()) + len(gzip.compress(page.encode())) < FIRST_LOAD, sizes
    for name in names:
        answer = site.client().get(name)
        assert answer.status == 200
        assert ("immutable" in answer.headers["Cache-Control"]) == name.startswith("/assets/")


def test_the_page_needs_no_weaker_policy(site):
    page = site.client().get("/app/anything", headers={"Accept": "text/html"})
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert b"style=" not in page.content and b"<style" not in page.content
    assert re.findall(rb"<script(?![^>]*\bsrc=)", page.content) == []


def test_every_lock_is_free_of_addresses():
    for folder in (APP, HERE):
        lock = json.loads((folder / "package-lock.json").read_text())
        assert [name for name, one in lock["packages"].items() if "resolved" in one] == []
