"""Pictures at Cloudinary: what it may be sent, and what is believed that it has
said. test/openapi/test_cloudinary_signatures.py asks its own library whether the signatures are right."""

import hashlib
import json
import time

import pytest
from conftest import sign_up
from harness import Proxy
from harness.pictures import png

pytestmark = pytest.mark.raw
SECRET = "abcdefghijklmnopqrstuvwxyz1"
CLOUD = {
    "CLOUDINARY_CLOUD_NAME": "demo-cloud",
    "CLOUDINARY_API_KEY": "123456789012345",
    "CLOUDINARY_API_SECRET": SECRET,
    "CLOUDINARY_NOTIFICATION_URL": "https://api.example.com/media/callback",
}
AVATAR = "/users/me/avatar"


def signed(text, hash_name="sha1"):
    return hashlib.new(hash_name, (text + SECRET).encode()).hexdigest()


@pytest.fixture(scope="module")
def cloud(postgres, tmp_path_factory):
    server = Proxy(tmp_path_factory.mktemp("cloud"), **postgres.proxy_settings(), WORKERS=1, **CLOUD)
    try:
        yield server.start()
    finally:
        server.stop()
        assert SECRET not in server.log.read_text()


@pytest.fixture
def user(cloud):
    return sign_up(cloud)


@pytest.fixture
def admin(cloud, db):
    user = sign_up(cloud)
    db.execute("UPDATE timetrackr.users SET role = 'admin' WHERE id = %s", [user.id])
    return user


def answered(public_id, version=1700000000, hash_name="sha1", **changes):
    """What Cloudinary answers, as far as it is handed on."""
    signature = signed(f"public_id={public_id}&version={version}", hash_name)
    return {"public_id": public_id, "version": version, "signature": signature, **changes}


def own(user):
    return f"timetrackr/avatars/{user.id}"


def avatar_of(user):
    return user.get("/users/me").expect(200)["avatar_url"]


def notify(cloud, body, age=0, **headers):
    raw, timestamp = json.dumps(body, indent=1), str(int(time.time()) - age)
    given = {"Content-Type": "application/json", "X-Cld-Timestamp": timestamp, "X-Cld-Signature": signed(raw + timestamp)}
    return cloud.client().post("/media/callback", data=raw, headers={**given, **headers})


def upload_of(user, version):
    return {"notification_type": "upload", "resource_type": "image", "public_id": own(user), "version": version, "bytes": 1000}


def test_what_is_signed_is_for_the_user_alone(user):
    fields = user.post("/media/signature", {"purpose": "avatar"}).expect(200)
    assert fields.pop("upload_url") == "https://api.cloudinary.com/v1_1/demo-cloud/image/upload"
    assert fields.pop("api_key") == CLOUD["CLOUDINARY_API_KEY"]
    assert (fields["public_id"], fields["overwrite"]) == (own(user), "true")
    assert fields["notification_url"] == CLOUD["CLOUDINARY_NOTIFICATION_URL"]
    assert abs(fields["timestamp"] - time.time()) < 60
    signature = fields.pop("signature")
    assert signature == signed("&".join(f"{name}={fields[name]}" for name in sorted(fields)))
    assert SECRET not in str(fields)


def test_a_badge_gets_a_new_place_from_an_admin_alone(user, admin):
    user.post("/media/signature", {"purpose": "badge"}).expect(403, "not_admin")
    places = {admin.post("/media/signature", {"purpose": "badge"}).expect(200)["public_id"] for _ in range(2)}
    assert len(places) == 2 and all(place.startswith("timetrackr/badges/") for place in places)


@pytest.mark.parametrize("hash_name", ["sha1", "sha256"])
def test_what_cloudinary_answered_becomes_the_avatar(user, hash_name):
    kept = user.put(AVATAR, data=png(seed=hash(hash_name)), headers={"Content-Type": "image/png"}).expect(200)["avatar_url"]
    url = user.put(AVATAR, answered(own(user), hash_name=hash_name)).expect(200)["avatar_url"]
    assert url == (
        "https://res.cloudinary.com/demo-cloud/image/upload/c_fill,g_face,w_256,h_256,f_auto,q_auto"
        f"/v1700000000/timetrackr/avatars/{user.id}"
    )
    assert avatar_of(user) == url
    user.client.get(kept).expect(404)
    user.delete(AVATAR).expect(204)
    assert avatar_of(user) is None


def test_what_it_did_not_answer_does_not(user, cloud):
    other = sign_up(cloud)
    good = answered(own(user))
    for changes in ({"version": 1700000001}, {"signature": "0" * 40}, {"signature": ""}, {"signature": good["signature"].upper()},
                    {"signature": good["signature"][:-1]}, {"signature": good["signature"] * 2}, {"public_id": own(other)}):  # fmt: skip
        user.put(AVATAR, {**good, **changes}).expect(403, "bad_signature")
    for missing in good:
        user.put(AVATAR, {name: value for name, value in good.items() if name != missing}).expect(422, "missing_field", missing)
    # signed, and somebody else's, or of no avatar
    for public_id in (own(other), "sample", "timetrackr/badges/00000000-0000-4000-8000-000000000000", own(user) + "/x"):
        user.put(AVATAR, answered(public_id)).expect(403, "foreign_upload", "public_id")
    user.put(AVATAR, answered(own(user), version=0)).expect(422, "invalid_version", "version")
    assert avatar_of(user) is None


def test_a_badge_takes_what_an_admin_uploaded(admin, user, db):
    body = {"name": f"Of {admin.username}", "criteria": {"metric": "entry_count", "gte": 10**9}}
    badge = admin.post("/badges", body).expect(201)["badge_id"]
    place = admin.post("/media/signature", {"purpose": "badge"}).expect(200)["public_id"]
    url = admin.put(f"/badges/{badge}/image", answered(place)).expect(200)["image_url"]
    assert url.startswith("https://res.cloudinary.com/demo-cloud/image/upload/c_fit,") and url.endswith(place)
    user.put(f"/badges/{badge}/image", answered(place)).expect(403, "not_admin")
    admin.put(f"/badges/{badge}/image", answered(own(admin))).expect(403, "foreign_upload")
    db.execute("DELETE FROM timetrackr.badges WHERE id = %s", [badge])


def test_a_notification_sets_the_avatar_once(user, cloud):
    notify(cloud, upload_of(user, 1700000100)).expect(204)
    assert "/v1700000100/" in avatar_of(user)
    notify(cloud, upload_of(user, 1700000050)).expect(204)
    assert "/v1700000100/" in avatar_of(user)
    user.delete(AVATAR).expect(204)
    notify(cloud, upload_of(user, 1700000100)).expect(204)
    assert avatar_of(user) is None
    notify(cloud, upload_of(user, 1700000101), age=7000).expect(204)
    assert "/v1700000101/" in avatar_of(user)


def test_a_notification_of_anything_else_changes_nothing(user, cloud):
    for body in (
        {}, {"notification_type": "delete"}, {**upload_of(user, 1700000100), "notification_type": "rename"},
        {**upload_of(user, 1700000100), "resource_type": "video"}, {**upload_of(user, 1700000100), "version": "x"},
        {**upload_of(user, 1700000100), "public_id": "timetrackr/avatars/999999999999"},
        {**upload_of(user, 1700000100), "public_id": ["x"]},
    ):  # fmt: skip
        notify(cloud, body).expect(204)
    assert avatar_of(user) is None


def test_nobody_else_notifies(user, cloud):
    body = upload_of(user, 1700000100)
    for headers in ({"X-Cld-Signature": "0" * 40}, {"X-Cld-Signature": None}, {"X-Cld-Timestamp": None}, {"X-Cld-Timestamp": ""},
                    {"X-Cld-Timestamp": "1e9"}, {"X-Cld-Timestamp": "9" * 30}, {"X-Cld-Signature": ""}):  # fmt: skip
        notify(cloud, body, **headers).expect(403, "bad_signature")
    notify(cloud, body, age=7300).expect(403, "bad_signature")
    notify(cloud, body, age=-3600).expect(403, "bad_signature")
    assert avatar_of(user) is None
    cloud.client().post("/media/callback", data=b"").expect(400, "empty_body")
    notify(cloud, body, **{"Content-Type": "text/plain"}).expect(415)


def test_the_secret_is_in_no_log_of_the_database(user, postgres):
    user.post("/media/signature", {"purpose": "avatar"}).expect(200)
    user.put(AVATAR, answered(own(user))).expect(200)
    assert SECRET not in postgres.log.read_text()
