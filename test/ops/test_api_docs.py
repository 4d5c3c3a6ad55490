"""The page at /api-docs, the pictures of the standard badges, and files that are sent as they are: only those that
were there at the start, under their own names."""

import gzip
import os
import re
import socket
from pathlib import Path

import pytest
from harness import Proxy

TOP = Path(__file__).parents[2]
SCRIPT = "// " + "a line that compresses well; " * 200


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "page"
    (folder / "img").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>x</title>")
    (folder / "app-4f1c9a2b.js").write_text(SCRIPT)
    (folder / "app.js").write_text(SCRIPT)
    (folder / "empty.txt").write_text("")
    (folder / "unknown.xyz").write_bytes(b"\0\1\2")
    (folder / "img" / "a.png").write_bytes(b"\x89PNG")
    (folder / ".secret").write_text("secret")
    (folder / "a b.txt").write_text("blank")
    (tmp_path / "outside.txt").write_text("outside")
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    (folder / "up").symlink_to(tmp_path)
    os.mkfifo(folder / "fifo.txt")
    return folder


@pytest.fixture
def serve(postgres, tmp_path):
    proxies = []

    def start(**settings):
        proxy = Proxy(tmp_path / "proxy", DATABASE_URL=postgres.proxy_url(), **settings)
        proxies.append(proxy.start())
        return proxy

    yield start
    for proxy in proxies:
        proxy.stop()


@pytest.fixture
def page(serve, folder):
    return serve(API_DOCS_ROOT=folder).client()


@pytest.mark.parametrize(
    "path, kind, content",
    [
        ("/api-docs", "text/html", b"<!doctype html><title>x</title>"),
        ("/api-docs/app.js", "text/javascript", SCRIPT.encode()),
        ("/api-docs/empty.txt", "text/plain", b""),
        ("/api-docs/unknown.xyz", "application/octet-stream", b"\0\1\2"),
        ("/api-docs/img/a.png", "image/png", b"\x89PNG"),
        ("/api-docs?x=%41", "text/html", b"<!doctype html><title>x</title>"),
    ],
)
def test_a_file_is_served_as_what_it_is(page, path, kind, content):
    answer = page.get(path)
    assert (answer.status, answer.type, answer.content) == (200, kind, content)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    head = page.call("HEAD", path)
    assert head.status == 200 and head.content == b""


@pytest.mark.parametrize(
    "path",
    [
        "/api-docs/",
        "/api-docs/index.html",
        "/api-docs/.secret",
        "/api-docs/link.txt",
        "/api-docs/up/outside.txt",
        "/api-docs/fifo.txt",
        "/api-docs/a%20b.txt",
        "/api-docs/img",
        "/api-docs/../outside.txt",
        "/api-docs/%2e%2e/outside.txt",
        "/api-docs/..%2foutside.txt",
        "/api-docs/img/../app.js",
        "/api-docs//app.js",
        "/api-docs/app%2ejs",
        "/api-docs/app.js%00",
        "/app.js",
    ],
)
def test_nothing_else_is(page, path):
    """The path goes out as it is written: a client would mend it."""
    host, port = page.base_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400")), answer
    assert b"application/problem+json" in answer and b"outside" not in answer.partition(b"\r\n\r\n")[2]


def test_a_long_file_is_compressed_when_asked(page):
    plain = page.get("/api-docs/app.js", headers={"Accept-Encoding": "identity"})
    short = page.get("/api-docs/app.js", headers={"Accept-Encoding": "gzip"}, stream=True)
    assert "Content-Encoding" not in plain.headers and plain.content.decode() == SCRIPT
    assert short.headers["Content-Encoding"] == "gzip" and short.content.decode() == SCRIPT
    assert int(short.headers["Content-Length"]) < len(gzip.compress(SCRIPT.encode())) * 2 < len(SCRIPT)
    assert "Accept-Encoding" in short.headers["Vary"]


def test_a_name_with_a_version_is_kept_for_ever_and_others_are_asked_for(page):
    assert "immutable" in page.get("/api-docs/app-4f1c9a2b.js").headers["Cache-Control"]
    for path in ("/api-docs", "/api-docs/app.js"):
        answer = page.get(path)
        assert answer.headers["Cache-Control"] == "public, no-cache"
        again = page.get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status == 304 and again.content == b""


def test_other_methods_are_told_which_there_are(page):
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = page.call(method, "/api-docs")
        answer.expect(405, "method_not_allowed")
        assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert page.call("OPTIONS", "/api-docs").headers["Allow"] == "GET, HEAD, OPTIONS"


def test_a_page_may_take_nothing_from_elsewhere(page):
    policy = page.get("/api-docs").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "http" not in policy and "*" not in policy


def test_a_changed_file_is_that_of_the_start(page, folder):
    (folder / "app.js").write_text("changed")
    (folder / "new.js").write_text("new")
    assert page.get("/api-docs/app.js").content.decode() == SCRIPT
    page.get("/api-docs/new.js").expect(404)


def test_without_a_page_it_says_how_to_get_one(serve, tmp_path):
    (tmp_path / "empty").mkdir()
    answer = serve(API_DOCS_ROOT=tmp_path / "empty").client().get("/api-docs")
    assert (answer.status, answer.type) == (200, "text/plain")
    assert b"/openapi.json" in answer.content and b"make api-docs" in answer.content


def test_a_folder_that_is_too_much_stops_the_start(postgres, tmp_path):
    folder = tmp_path / "much"
    folder.mkdir()
    with (folder / "a.bin").open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    proxy = Proxy(tmp_path / "proxy", DATABASE_URL=postgres.proxy_url(), API_DOCS_ROOT=folder)
    status, said = proxy.run_to_end()
    assert status > 0 and said.startswith("API_DOCS_ROOT: ") and said.count("\n") == 1


def test_the_page_of_the_sources_names_no_other_host():
    for name in ("index.html", "api-docs.js"):
        text = (TOP / "web" / "api-docs" / name).read_text()
        assert not re.search(r"https?://|//[a-z]+\.", text)
        assert "<style" not in text and "<script>" not in text and "style=" not in text


def test_every_standard_badge_has_its_picture(serve):
    client = serve(BADGES_ROOT=TOP / "web" / "badges").client()
    paths = [badge["image_url"] for badge in client.get("/badges").expect(200)]
    assert len(paths) >= 20
    for path in paths:
        answer = client.get(path)
        assert (answer.status, answer.type) == (200, "image/svg+xml"), path
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    client.get("/media/badges/nothing.svg").expect(404)
