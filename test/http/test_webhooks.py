"""Webhooks as their owner manages them: what may be registered, secrets shown once, bounds, and
nothing of it for others. Whether anything arrives is test/ops/test_webhook_delivery.py's."""

import base64

from harness import eventually

URL = "https://hooks.example.com:8443/timetrackr?key=7"
SHOWN = {
    "webhook_id", "url", "description", "topics", "project_ids", "enabled", "disabled_reason", "failing_since",
    "created_at", "updated_at",
}


def make(user, url=URL, **fields):
    return user.post("/webhooks", {"url": url, **fields}).expect(201)


def test_a_webhook_is_made_shown_changed_and_deleted(user):
    answer = user.post("/webhooks", {"url": URL})
    made = answer.expect(201)
    assert made.keys() == SHOWN | {"secret"}
    assert made["url"] == URL and made["enabled"] and made["topics"] is None and made["project_ids"] == []
    path = f"/webhooks/{made['webhook_id']}"
    assert answer.headers["Location"] == path
    shown = user.get(path).expect(200)
    assert shown == {name: made[name] for name in SHOWN}
    assert user.get("/webhooks").expect(200) == [shown]

    project = user.project()
    fields = {
        "url": "https://[2001:db8::1]/x", "description": "Chat", "topics": ["badge_awarded", "badge_awarded"],
        "project_ids": [project, project], "enabled": False,
    }
    changed = user.patch(path, fields).expect(200)
    assert {name: changed[name] for name in fields} == {**fields, "topics": ["badge_awarded"], "project_ids": [project]}
    assert user.patch(path, {}).expect(200)["description"] == "Chat"
    cleared = user.patch(path, {"topics": None, "description": None, "project_ids": None}).expect(200)
    assert (cleared["topics"], cleared["description"], cleared["project_ids"]) == (None, "", [])
    assert cleared["url"] == fields["url"]

    user.delete(path).expect(204)
    user.get(path).expect(404, "webhook_not_found")
    user.delete(path).expect(404, "webhook_not_found")
    assert user.get("/webhooks").expect(200) == []


def test_a_secret_is_random_and_shown_once(user, db):
    first, second = make(user), make(user)
    assert first["secret"].startswith("whsec_") and first["secret"] != second["secret"]
    assert len(base64.b64decode(first["secret"][6:], validate=True)) == 32
    path = f"/webhooks/{first['webhook_id']}"
    rotated = user.post(f"{path}/secret").expect(200)
    assert rotated.keys() == {"webhook_id", "secret", "previous_until"}
    assert rotated["secret"] not in (first["secret"], second["secret"])
    for text in (user.get(path).content, user.get("/webhooks").content, user.get("/users/me/export").content):
        for secret in (first["secret"], second["secret"], rotated["secret"]):
            assert secret.encode() not in text and secret[6:].encode() not in text


NO_ADDRESSES = [
    "", "x", "hooks.example.com", "ftp://example.com", "https://", "https:///x", "https://a b.example",
    "https://ä.example", "https://me:secret@example.com/", "https://me@example.com", "https://example.com/#x",
    "https://example.com:0/", "https://example.com:65536/", "https://example.com:/", "https://example.com:8o/",
    "https://[::1", "https://[]/", "https://[x]/", "https://example.com\r\nHost: x", "https://example.com/\tx",
    "https://example.com/\"", "https://example.com/" + "x" * 2000, "javascript:alert(1)", "https://exa%00mple.com/",
    "file:///etc/passwd",
]


def test_what_is_no_address_is_refused(user):
    for url in NO_ADDRESSES:
        user.post("/webhooks", {"url": url}).expect(422, "invalid_url", "url")
    assert user.get("/webhooks").expect(200) == []


def test_other_faults_are_refused(user, other):
    user.post("/webhooks", {}).expect(422, "missing_field", "url")
    user.post("/webhooks", {"url": None}).expect(422, "missing_field", "url")
    user.post("/webhooks", {"url": "http://example.com/"}).expect(422, "url_not_https", "url")
    user.post("/webhooks", {"url": URL, "topics": []}).expect(422, "no_topics", "topics")
    user.post("/webhooks", {"url": URL, "topics": ["ping"]}).expect(422, field="topics")
    user.post("/webhooks", {"url": URL, "topics": "badge_awarded"}).expect(422, field="topics")
    user.post("/webhooks", {"url": URL, "enabled": "yes"}).expect(422, field="enabled")
    user.post("/webhooks", {"url": URL, "description": "x" * 501}).expect(422, "too_long", "description")
    user.post("/webhooks", {"url": URL, "allow_private": True}).expect(422, "unknown_field", "allow_private")
    user.post("/webhooks", {"url": URL, "secret": "whsec_x"}).expect(422, "unknown_field", "secret")
    hidden = other.project("Hidden")
    user.post("/webhooks", {"url": URL, "project_ids": [hidden]}).expect(404, "project_not_found", "project_ids")
    user.post("/webhooks", {"url": URL, "project_ids": [2**62]}).expect(404, "project_not_found", "project_ids")
    many = [user.project(f"P{n}") for n in range(21)]
    user.post("/webhooks", {"url": URL, "project_ids": many}).expect(422, "too_many_projects", "project_ids")
    path = f"/webhooks/{make(user, project_ids=many[:20])['webhook_id']}"
    user.patch(path, {"url": None}).expect(422, "missing_field", "url")
    user.patch(path, {"enabled": None}).expect(422, "missing_field", "enabled")
    user.patch(path, {"url": "http://example.com/"}).expect(422, "url_not_https", "url")
    user.patch(path, {"topics": []}).expect(422, "no_topics", "topics")
    user.patch(path, {"project_ids": [hidden]}).expect(404, "project_not_found", "project_ids")


def test_nobody_has_more_than_ten(user):
    for _ in range(10):
        make(user)
    user.post("/webhooks", {"url": URL}).expect(409, "too_many_webhooks")
    user.delete(f"/webhooks/{user.get('/webhooks').expect(200)[0]['webhook_id']}").expect(204)
    make(user)


def test_a_webhook_is_its_owners_alone(user, other):
    made = make(user)
    path = f"/webhooks/{made['webhook_id']}"
    user.patch(path, {"enabled": False}).expect(200)
    for call in (
        other.get(path), other.patch(path, {"enabled": True}), other.delete(path), other.post(f"{path}/secret"),
        other.post(f"{path}/test"), other.get(f"{path}/deliveries"), other.post(f"{path}/deliveries/1/retry"),
    ):
        call.expect(404, "webhook_not_found")
    assert user.get(path).expect(200)["enabled"] is False


def test_a_test_into_a_private_network_fails_and_says_why(user):
    """The shared proxy does not allow it: the address is looked at, not the name."""
    for url in ("https://127.0.0.1:9/", "https://localhost:9/", "https://[::1]:9/", "https://10.0.0.1/", "https://169.254.169.254/"):
        path = f"/webhooks/{make(user, url)['webhook_id']}"
        sent = user.post(f"{path}/test").expect(202)
        told = eventually(lambda: [row for row in user.get(f"{path}/deliveries").expect(200) if row["last_error"]], what=url)
        assert told[0]["delivery_id"] == sent["delivery_id"] and told[0]["message_id"] == sent["message_id"]
        assert (told[0]["topic"], told[0]["status"], told[0]["attempts"], told[0]["last_status"]) == ("ping", "pending", 1, None)
        assert "not allowed" in told[0]["last_error"]
        assert user.get(path).expect(200)["failing_since"]
        user.delete(path).expect(204)


def test_deliveries_come_in_pages_and_can_be_sent_again(user, db):
    made = make(user, "https://127.0.0.1:9/")
    path = f"/webhooks/{made['webhook_id']}"
    ids = [user.post(f"{path}/test").expect(202)["delivery_id"] for _ in range(5)]
    pages = [[row["delivery_id"] for row in page] for page in user.pages(f"{path}/deliveries?limit=2")]
    assert pages == [ids[:2:-1], ids[2:0:-1], ids[:1]]
    db.execute("UPDATE timetrackr.webhook_deliveries SET status = 'failed', attempts = 10 WHERE id = %s", [ids[0]])
    user.post(f"{path}/deliveries/{ids[0]}/retry").expect(202)
    row = user.get(f"{path}/deliveries").expect(200)[-1]
    assert row["status"] == "pending" and row["attempts"] <= 1
    user.post(f"{path}/deliveries/{2**60}/retry").expect(404, "delivery_not_found")
    another = f"/webhooks/{make(user)['webhook_id']}"
    user.post(f"{another}/deliveries/{ids[0]}/retry").expect(404, "delivery_not_found")
    user.patch(path, {"enabled": False}).expect(200)
    user.post(f"{path}/test").expect(409, "webhook_disabled")
    user.post(f"{path}/deliveries/{ids[0]}/retry").expect(409, "webhook_disabled")


def test_the_export_has_webhooks_and_deliveries(user):
    made = make(user, "https://127.0.0.1:9/", description="Mine")
    user.post(f"/webhooks/{made['webhook_id']}/test").expect(202)
    document = user.get("/users/me/export").expect(200)
    assert [hook["description"] for hook in document["webhooks"]] == ["Mine"]
    assert "ping" in [row["topic"] for row in document["webhook_deliveries"]]
