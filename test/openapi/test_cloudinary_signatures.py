"""Signatures before Cloudinary's own library: it would sign an upload as the
proxy does, and the proxy believes what that library, and nobody else, has signed."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from conftest import sign_up
from harness import Proxy

HERE = Path(__file__).parent
SECRET = "h7-Rk_2bQ9x&=zLm"


def library(algorithm, *calls):
    """What functions of the library's utils return."""
    asked = {"secret": SECRET, "algorithm": algorithm, "calls": calls}
    ended = subprocess.run(
        ["node", "cloudinary.mjs"], cwd=HERE, env={"PATH": os.environ["PATH"]}, input=json.dumps(asked),
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return json.loads(ended.stdout)


@pytest.fixture(scope="module", params=["sha1", "sha256"])
def cloud(request, postgres, tmp_path_factory):
    server = Proxy(
        tmp_path_factory.mktemp(f"cloud-{request.param}"),
        **postgres.proxy_settings(),
        WORKERS=1,
        CLOUDINARY_CLOUD_NAME="demo-cloud",
        CLOUDINARY_API_KEY="1",
        CLOUDINARY_API_SECRET=SECRET,
        CLOUDINARY_NOTIFICATION_URL="https://api.example.com/media/callback",
        CLOUDINARY_SIGNATURE_ALGORITHM=request.param,
    )
    server.algorithm = request.param
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def user(cloud):
    return sign_up(cloud)


def test_an_upload_is_signed_as_the_library_signs_it(cloud, user):
    fields = user.post("/media/signature", {"purpose": "avatar"}).expect(200)
    signature = fields.pop("signature")
    signed = {name: value for name, value in fields.items() if name not in ("upload_url", "api_key")}
    (expected, url) = library(cloud.algorithm, ["api_sign_request", signed, SECRET], ["api_url", "upload"])
    assert (signature, fields["upload_url"]) == (expected, url)


def test_what_the_library_takes_for_an_answer_is_taken(cloud, user):
    public_id, version = f"timetrackr/avatars/{user.id}", 1795378446
    signature, *_ = library(cloud.algorithm, ["api_sign_request", {"public_id": public_id, "version": version}, SECRET])
    (taken,) = library(cloud.algorithm, ["verify_api_response_signature", public_id, version, signature])
    assert taken is True
    answer = {"public_id": public_id, "version": version, "signature": signature}
    url = user.put("/users/me/avatar", answer).expect(200)["avatar_url"]
    # the library writes the parts of a transformation in another order
    form = {"width": 256, "height": 256, "crop": "fill", "gravity": "face", "fetch_format": "auto", "quality": "auto"}
    (delivered,) = library(cloud.algorithm, ["url", public_id, {**form, "version": version, "analytics": False, "urlAnalytics": False}])
    assert [set(part.split(",")) for part in url.split("/")] == [set(part.split(",")) for part in delivered.split("/")]


def test_what_the_library_takes_for_a_notification_is_taken(cloud, user):
    body = json.dumps(
        {"notification_type": "upload", "public_id": f"timetrackr/avatars/{user.id}", "version": 1795378447, "é": "ü"}, ensure_ascii=False
    )
    now = int(time.time())
    (signature,) = library(cloud.algorithm, ["webhook_signature", body, now, {"api_secret": SECRET, "signature_algorithm": cloud.algorithm}])
    (taken,) = library(cloud.algorithm, ["verifyNotificationSignature", body, now, signature])
    assert taken is True
    headers = {"Content-Type": "application/json", "X-Cld-Timestamp": str(now), "X-Cld-Signature": signature}
    cloud.client().post("/media/callback", data=body.encode(), headers=headers).expect(204)
    assert "/v1795378447/" in user.get("/users/me").expect(200)["avatar_url"]
    cloud.client().post("/media/callback", data=body.replace("8447", "8448").encode(), headers=headers).expect(403, "bad_signature")
