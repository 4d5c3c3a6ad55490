"""Avatars and badges' images as bytes: what is taken for a picture, how it is
given back, and that it goes when nobody shows it."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import PASSWORD, sign_up
from harness.pictures import HTML, KINDS, SVG, gif, jpeg, png, webp

pytestmark = pytest.mark.raw
AVATAR = "/users/me/avatar"
MEBIBYTE = 1024 * 1024


def send(user, data, kind="image/png", path=AVATAR, **options):
    return user.put(path, data=data, headers={"Content-Type": kind}, **options)


def upload(user, data, kind="image/png"):
    """Make it the user's avatar; returns its path."""
    url = send(user, data, kind).expect(200)["avatar_url"]
    assert re.fullmatch(r"/media/[1-9]\d*", url)
    return url


def avatar_of(user):
    return user.get(f"/users/{user.id}/profile").expect(200)["avatar_url"]


@pytest.fixture
def admin(new_user, db):
    user = new_user()
    db.execute("UPDATE timetrackr.users SET role = 'admin' WHERE id = %s", [user.id])
    return user


@pytest.fixture
def badge(admin, db):
    body = {"name": f"Of {admin.username}", "criteria": {"metric": "entry_count", "gte": 10**9}}
    badge_id = admin.post("/badges", body).expect(201)["badge_id"]
    yield badge_id
    db.execute("DELETE FROM timetrackr.badges WHERE id = %s", [badge_id])


@pytest.mark.parametrize(
    "kind, data",
    [
        *((kind, make(300, 200)) for kind, make in KINDS.items()),
        ("image/jpeg", jpeg(300, 200, sof=0xC2)),
        ("image/gif", gif(300, 200, version=b"GIF87a")),
        ("image/webp", webp(300, 200, kind=b"VP8 ")),
        ("image/webp", webp(300, 200, kind=b"VP8X")),
        ("IMAGE/PNG", png(4096, 4096)),
        ("image/png", png(1, 1)),
    ],
)
def test_a_picture_comes_back_as_it_was_sent(user, anyone, kind, data):
    url = upload(user, data, kind)
    assert avatar_of(user) == user.get("/users/me").expect(200)["avatar_url"] == url
    answer = anyone.get(url, headers={"Accept": "image/avif,image/*", "Accept-Encoding": "gzip"})
    answer.expect(200)
    assert answer.content == data and answer.headers["Content-Type"] == kind.lower()


def test_its_headers_let_every_page_keep_and_show_it_and_run_nothing(user, anyone):
    headers = anyone.get(upload(user, png(seed=1))).headers
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Content-Encoding" not in headers


def test_head_and_if_none_match(user, anyone):
    data = png(seed=2)
    url = upload(user, data)
    etag = anyone.get(url).headers["ETag"]
    head = anyone.call("HEAD", url)
    assert (head.status, head.content, head.headers["Content-Length"]) == (200, b"", str(len(data)))
    assert head.headers["ETag"] == etag and head.headers["Content-Type"] == "image/png"
    again = anyone.get(url, headers={"If-None-Match": etag})
    assert (again.status, again.content) == (304, b"")
    assert "immutable" in again.headers["Cache-Control"]
    anyone.get(url, headers={"If-None-Match": '"other"'}).expect(200)


@pytest.mark.parametrize(
    "data, kind, status, code",
    [
        (SVG, "image/png", 415, "not_an_image"),
        (HTML, "image/png", 415, "not_an_image"),
        (SVG, "image/svg+xml", 415, "unsupported_media_type"),
        (HTML, "text/html", 415, "unsupported_media_type"),
        (png(), "application/octet-stream", 415, "unsupported_media_type"),
        (png(), "image/png; charset=x", 415, "unsupported_media_type"),
        (png(), "image/jpeg", 415, "content_type_mismatch"),
        (gif(), "image/png", 415, "content_type_mismatch"),
        (png()[:32], "image/png", 422, "broken_image"),
        (jpeg()[:60], "image/jpeg", 422, "broken_image"),
        (gif()[:12], "image/gif", 422, "broken_image"),
        (webp()[:-1], "image/webp", 422, "broken_image"),
        (b"\xff\xd8\xff" + HTML, "image/jpeg", 422, "broken_image"),
        (b"GIF89a/*" + HTML, "image/gif", 422, "broken_image"),
        (png(0, 10), "image/png", 422, "broken_image"),
        (png(4097, 16), "image/png", 422, "bad_dimensions"),
        (webp(16, 16383), "image/webp", 422, "bad_dimensions"),
        (jpeg(65535, 65535), "image/jpeg", 422, "bad_dimensions"),
        (b"", "image/png", 400, "empty_body"),
    ],
)
def test_what_is_no_picture_is_refused(user, db, data, kind, status, code):
    url = upload(user, png(seed=3))
    before = db.execute("SELECT count(*) FROM timetrackr.media").fetchone()
    send(user, data, kind).expect(status, code)
    assert avatar_of(user) == url
    assert db.execute("SELECT count(*) FROM timetrackr.media").fetchone() == before


def test_a_refusal_tells_the_dimensions(user):
    problem = send(user, png(5000, 20)).expect(422, "bad_dimensions", "image")
    assert (problem["width"], problem["height"]) == (5000, 20)


def test_a_mebibyte_is_taken_and_a_byte_more_is_not(user, anyone):
    data = png(seed=4)
    data += bytes(MEBIBYTE - len(data))
    assert anyone.get(upload(user, data)).content == data
    send(user, data + b"x").expect(413, "body_too_large")
    send(user, iter([data, b"x"])).expect(413, "body_too_large")
    send(user, iter([data])).expect(200)


def test_whoever_polls_is_told_of_a_new_avatar(user):
    after = user.get("/events?after=0").expect(200)
    upload(user, png(seed=5))
    topics = {event["topic"] for event in user.get(f"/events?after={after[-1]['id'] if after else 0}&wait=10").expect(200)}
    assert "profile_changed" in topics


def test_the_same_bytes_are_kept_once_for_all_and_go_with_the_last(user, other, anyone):
    data = png(seed=6)
    url = upload(user, data)
    assert upload(user, data) == upload(other, data) == url
    upload(user, png(seed=7))
    anyone.get(url).expect(200)
    other.delete(AVATAR).expect(204)
    assert avatar_of(other) is None
    anyone.get(url).expect(404, "media_not_found")
    other.delete(AVATAR).expect(204)
    assert upload(other, data) != url


def test_an_avatar_that_is_replaced_or_whose_account_is_deleted_is_gone(new_user, anyone):
    user = new_user()
    first, second = upload(user, png(seed=8)), upload(user, png(seed=9))
    anyone.get(first).expect(404, "media_not_found")
    anyone.get(second).expect(200)
    user.delete("/users/me", {"password": PASSWORD}).expect(204)
    anyone.get(second).expect(404, "media_not_found")


def test_uploads_at_once_leave_one_picture_each(proxy, db, new_user):
    """Two who take each other's pictures lock them in opposite orders."""
    one, two = new_user(), new_user()
    pictures = [png(seed=10), png(seed=11)]

    def flip(user, turns):
        client = proxy.client(token=user.client.token)
        for turn in turns:
            answer = client.put(AVATAR, data=pictures[turn % 2], headers={"Content-Type": "image/png"})
            assert answer.status in (200, 503), answer.body

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(flip, [one, two, one, two], [range(12), range(1, 13), range(12), range(1, 13)]))
    shown = {upload(one, pictures[0]), upload(two, pictures[1])}
    kept = db.execute("SELECT '/media/' || id FROM timetrackr.media WHERE bytes = ANY (%s)", [pictures]).fetchall()
    assert {url for (url,) in kept} == shown


def test_a_media_id_is_one(anyone):
    anyone.get("/media/9223372036854775807").expect(404, "media_not_found")
    anyone.get("/media/x").expect(400, "invalid_parameter")
    anyone.get("/media/1?x=1").expect(422, "unknown_field")
    assert "GET" in anyone.call("OPTIONS", "/media/1").headers["Allow"]


def test_an_admin_gives_a_badge_its_picture(admin, badge, anyone, user):
    path = f"/badges/{badge}/image"
    first = send(admin, png(seed=12), path=path).expect(200)["image_url"]
    assert next(one for one in anyone.get("/badges").expect(200) if one["badge_id"] == badge)["image_url"] == first
    anyone.get(first).expect(200)
    second = send(admin, webp(90, 90), "image/webp", path=path).expect(200)["image_url"]
    anyone.get(first).expect(404)
    send(user, png(seed=12), path=path).expect(403, "not_admin")
    send(admin, SVG, path=path).expect(415, "not_an_image")
    send(admin, png(), path="/badges/999999999/image").expect(404, "badge_not_found")
    anyone.get(second).expect(200)
    admin.put(f"/badges/{badge}", {"image_url": None}).expect(200)
    anyone.get(second).expect(404)
    third = send(admin, png(seed=13), path=path).expect(200)["image_url"]
    admin.delete(f"/badges/{badge}").expect(204)
    anyone.get(third).expect(404)


def test_an_export_tells_of_the_avatar(user):
    assert user.get("/users/me/export").expect(200)["media"] == []
    url = upload(user, png(30, 20, seed=14))
    (told,) = user.get("/users/me/export").expect(200)["media"]
    assert (told["url"], told["content_type"], told["width"], told["height"]) == (url, "image/png", 30, 20)


def test_without_cloudinary_its_uploads_are_not_there(user, anyone, admin, badge):
    answer = {"public_id": f"timetrackr/avatars/{user.id}", "version": 1, "signature": "x" * 40}
    user.put(AVATAR, answer).expect(501, "not_configured")
    admin.put(f"/badges/{badge}/image", answer).expect(501, "not_configured")
    user.post("/media/signature", {"purpose": "avatar"}).expect(501, "not_configured")
    anyone.post("/media/callback", {"notification_type": "upload"}).expect(501, "not_configured")
    user.post("/media/signature", {"purpose": "passport"}).expect(422, "invalid_type", "purpose")
    user.put(AVATAR, {"public_id": "x"}).expect(422, "missing_field")
    user.put(AVATAR, {"image": "x"}).expect(422, "unknown_field", "image")
    user.put(AVATAR).expect(400, "malformed_json")


def test_a_board_shows_the_avatar(proxy, db):
    user = sign_up(proxy)
    url = upload(user, png(seed=15))
    board = user.get(f"/leaderboard/around/{user.id}?limit=1").expect(200)
    assert [row["avatar_url"] for row in board if row["user_id"] == user.id] in ([], [url])
