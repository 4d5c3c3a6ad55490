"""The web app at /, of WEB_ROOT: its files, its page for the paths that only it
understands, and the API's paths, which keep their meaning."""

import gzip
import os

import pytest
from harness import Proxy
from harness.raw import exchange, request

pytestmark = pytest.mark.raw

PAGE = "<!doctype html><title>the app</title>"
SCRIPT = "// " + "a line that compresses well; " * 200
# What browsers send when somebody follows a link, opens a picture, or a script asks.
GOES = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
FETCHES = "application/json"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """An app with names that an API would like to have, and things that are none of it."""
    above = tmp_path_factory.mktemp("web")
    root = above / "dist"
    (root / "assets").mkdir(parents=True)
    (root / "assets" / "a-b").mkdir()
    (root / "badges").mkdir()
    (root / "index.html").write_text(PAGE)
    for name in ("index-DiwrgTda.js", "index-D-wr_Tda.js", "plain.js", "longish.js", "a-b/cdefgh.js"):
        (root / "assets" / name).write_text(SCRIPT)
    (root / "theme.js").write_text("1")
    (root / "badges" / "founder.svg").write_text("<svg/>")
    (root / "healthz").write_text("never")
    (root / "api-docs").write_text("never")
    (above / "outside.txt").write_text("outside")
    (root / "link.txt").symlink_to(above / "outside.txt")
    (root / "up").symlink_to(above)
    return root


@pytest.fixture(scope="module")
def served(postgres, root, tmp_path_factory):
    server = Proxy(tmp_path_factory.mktemp("proxy"), **postgres.proxy_settings(), WEB_ROOT=root, WORKERS=1)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def web(served):
    return served.client()


def go(web, path, accept=GOES, method="GET"):
    return web.call(method, path, headers={"Accept": accept})


@pytest.mark.parametrize(
    "path, kind, content",
    [
        ("/", "text/html", PAGE),
        ("/?next=%2F", "text/html", PAGE),
        ("/theme.js", "text/javascript", "1"),
        ("/assets/plain.js", "text/javascript", SCRIPT),
        ("/badges/founder.svg", "image/svg+xml", "<svg/>"),
    ],
)
def test_a_file_of_the_app_is_served_to_anybody(web, path, kind, content):
    for accept in (GOES, FETCHES, "*/*"):
        answer = go(web, path, accept)
        assert (answer.status, answer.type, answer.content.decode()) == (200, kind, content)
    head = go(web, path, method="HEAD")
    assert head.status == 200 and head.content == b"" and head.headers["ETag"] == answer.headers["ETag"]


@pytest.mark.parametrize("path", ["/app", "/app/projects/7", "/projects/7/settings", "/auth", "/app/x?y=a.b", "/app/%C3%A4"])
def test_a_path_of_nobodys_is_the_page_for_who_goes_there(web, path):
    answer = go(web, path)
    assert (answer.status, answer.type, answer.content.decode()) == (200, "text/html", PAGE)
    assert answer.headers["Cache-Control"] == "public, no-cache" and "Accept" in answer.headers["Vary"].split(", ")
    assert go(web, path, method="HEAD").status == 200
    for accept in (FETCHES, "*/*", "image/avif,image/webp,*/*;q=0.8", "text/html;q=0.4, application/json", "text/html;q=0"):
        go(web, path, accept).expect(404, "not_found")
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        go(web, path, method=method).expect(404, "not_found")


def test_a_name_with_a_dot_is_a_file_or_nothing(web):
    for path in ("/app.js", "/assets/index-0000.js", "/favicon.ico", "/app/v1.2", "/.env", "/link.txt", "/up/outside.txt"):
        go(web, path).expect(404, "not_found")


@pytest.mark.parametrize("path", ["/../outside.txt", "/%2e%2e/outside.txt", "/assets/..%2f..%2foutside.txt", "/up/%2e/outside.txt",
                                  "//outside.txt", "/assets/%00", "/index.html", "/theme%2ejs"])
def test_nothing_outside_is_reached(served, path):
    """The path goes out as it is written: a client would mend it."""
    answer = exchange(served, request("GET", path, Accept="*/*"))
    assert answer.status in (400, 404) and b"outside" not in answer.body
    assert b"outside" not in exchange(served, request("GET", path, Accept=GOES)).body


def test_paths_of_the_api_keep_their_meaning(web):
    assert go(web, "/healthz").body == {"status": "ok"}
    assert go(web, "/badges").type == "application/json"
    assert b"never" not in go(web, "/api-docs").content
    go(web, "/leaderboard", accept="text/html").expect(406)
    go(web, "/users/me", accept="application/json").expect(401)
    go(web, "/auth/login").expect(405, "method_not_allowed")
    go(web, "/projects/999999", accept="application/json").expect(404, "project_not_found")


def test_a_file_beside_a_path_of_the_api_adds_a_method_to_it(web):
    """PUT and DELETE of /badges/{badge_id} are there, and GET is the file's."""
    allow = web.call("OPTIONS", "/badges/founder.svg").headers["Allow"]
    assert set(allow.split(", ")) == {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}
    web.call("PUT", "/badges/founder.svg", {"name": "x"}).expect(401)
    web.call("POST", "/badges/founder.svg").expect(405)
    go(web, "/badges/none.svg").expect(405)


@pytest.mark.parametrize("name, kept", [("index-DiwrgTda.js", True), ("index-D-wr_Tda.js", True), ("plain.js", False),
                                        ("longish.js", False), ("a-b/cdefgh.js", False)])
def test_what_is_named_by_its_content_is_kept_for_ever(web, name, kept):
    cache = go(web, f"/assets/{name}").headers["Cache-Control"]
    assert cache == ("public, max-age=31536000, immutable" if kept else "public, no-cache")


def test_it_is_compressed_and_asked_for_again(web):
    answer = web.get("/assets/plain.js", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) < 2 * len(gzip.compress(SCRIPT.encode()))
    for path in ("/", "/app/anything", "/theme.js"):
        etag = go(web, path).headers["ETag"]
        again = web.get(path, headers={"Accept": GOES, "If-None-Match": etag})
        assert again.status == 304 and again.content == b""


def test_the_page_may_take_nothing_from_elsewhere(web):
    policy = go(web, "/app").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "style-src 'self'" in policy
    assert "unsafe" not in policy and "http" not in policy and "*" not in policy


def sources(answer):
    return {name: rest for name, *rest in (part.split() for part in answer.headers["Content-Security-Policy"].split(";"))}


def test_the_page_takes_pictures_from_cloudinary_where_that_is_set(web, postgres, root, tmp_path):
    """Those of this account, and sends its own there; the page at /api-docs does not."""
    cloud = {"CLOUDINARY_CLOUD_NAME": "Demo_1-x", "CLOUDINARY_API_KEY": "1", "CLOUDINARY_API_SECRET": "2"}
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.html").write_text(PAGE)
    proxy = Proxy(tmp_path / "proxy", **postgres.proxy_settings(), WEB_ROOT=root, API_DOCS_ROOT=tmp_path / "docs", WORKERS=1, **cloud).start()
    try:
        strict = sources(go(web, "/app"))
        for path in ("/", "/app/settings"):
            assert sources(go(proxy.client(), path)) == strict | {
                "img-src": ["'self'", "data:", "https://res.cloudinary.com/Demo_1-x/"],
                "connect-src": ["'self'", "https://api.cloudinary.com/v1_1/Demo_1-x/image/upload"],
            }
        assert sources(go(proxy.client(), "/api-docs")) == strict
        assert go(proxy.client(), "/assets/plain.js", "*/*").headers["Content-Security-Policy"] == go(web, "/assets/plain.js", "*/*").headers["Content-Security-Policy"]
    finally:
        proxy.stop()


def test_files_cost_no_request_of_the_rate_limit(postgres, root, tmp_path):
    proxy = Proxy(tmp_path, **postgres.proxy_settings(), WEB_ROOT=root, RATE_LIMIT_PER_MINUTE=1, WORKERS=1).start()
    try:
        assert [go(proxy.client(), "/app").status for _ in range(5)] == [200] * 5
    finally:
        proxy.stop()


def test_without_an_app_it_says_how_to_get_one(postgres, tmp_path):
    (tmp_path / "empty").mkdir()
    proxy = Proxy(tmp_path / "proxy", **postgres.proxy_settings(), WEB_ROOT=tmp_path / "empty", WORKERS=1).start()
    try:
        answer = go(proxy.client(), "/")
        assert (answer.status, answer.type) == (200, "text/plain")
        assert b"make web" in answer.content and b"WEB_ROOT" in answer.content and b"/api-docs" in answer.content
        go(proxy.client(), "/app").expect(404, "not_found")
    finally:
        proxy.stop()


def test_a_folder_that_is_too_much_stops_the_start(postgres, tmp_path):
    (tmp_path / "much").mkdir()
    with (tmp_path / "much" / "a.bin").open("wb") as file:
        os.truncate(file.fileno(), 65 * 1024 * 1024)
    proxy = Proxy(tmp_path / "proxy", **postgres.proxy_settings(), WEB_ROOT=tmp_path / "much")
    status, said = proxy.run_to_end()
    assert status > 0 and said.startswith("WEB_ROOT: ") and said.count("\n") == 1
