"""The description of the API: the committed copy is the server's, says nothing
of what clients cannot send, and its bounds are those that the server keeps."""

import json
from pathlib import Path

import pytest
from conftest import days_ago
from harness import Proxy

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"
DOCUMENT = json.loads(COMMITTED.read_text())
METHODS = ("get", "post", "put", "patch", "delete")

# Whoever signs in with what cannot be right is told no more than others are.
TOLD_NOTHING = {
    ("login", "email"),
    ("login", "password"),
    ("refresh", "refresh_token"),
    ("logout", "refresh_token"),
    ("change_password", "current_password"),
    ("delete_me", "password"),
    ("reset_password", "new_password"),
    # What is not signed is nothing.
    ("note_upload", "notification_type"),
    ("note_upload", "public_id"),
    ("set_avatar", "public_id"),
    ("set_avatar", "signature"),
    ("set_badge_image", "public_id"),
    ("set_badge_image", "signature"),
}

# What a row of x is no value of, however long.
NOT_FREE = {"email", "password", "new_password", "timezone", "image_url", "refresh_token", "token", "url"}


def operations():
    for path, methods in DOCUMENT["paths"].items():
        for method in METHODS:
            if method in methods:
                yield method, path, methods[method]


def body_fields():
    """Every (operation id, field) of a JSON body, with all that a request of it takes."""
    for method, path, operation in operations():
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        for name, schema in content["schema"]["properties"].items() if content else ():
            yield operation["operationId"], name, method, path, content["example"], schema


BOUNDED = {
    f"{id_}-{name}": (name, method, path, example, schema)
    for id_, name, method, path, example, schema in body_fields()
    if schema.get("maxLength", 10**6) < 10**4 and schema.get("format") not in ("date-time", "date")
    and (id_, name) not in TOLD_NOTHING
}


@pytest.fixture
def place(new_user, db):
    """A client who may do everything, and the ids of what is his."""
    admin = new_user()
    db.execute("UPDATE timetrackr.users SET role = 'admin' WHERE id = %s", [admin.id])
    project = admin.project()
    entry = admin.entry(project, days_ago(1), 3600)
    badge = {"name": f"Badge {admin.username}", "criteria": {"metric": "entry_count", "gte": 10**9}}
    ids = {
        "project_id": project,
        "entry_id": entry["entry_id"],
        "badge_id": admin.post("/badges", badge).expect(201)["badge_id"],
        "user_id": admin.id,
        "webhook_id": admin.post("/webhooks", {"url": "https://127.0.0.1:9/"}).expect(201)["webhook_id"],
        "project_ids": [project],
    }
    return admin, ids


def send(place, method, path, example, **fields):
    client, ids = place
    unique = {"email": f"new.{client.username}@example.com", "username": f"new {client.username}"}
    body = {
        name: ids.get(name, unique.get(name, value))
        for name, value in example.items()
    }
    if "start_time" in body:
        body["start_time"], body["end_time"] = "2020-01-01T10:00:00Z", "2020-01-01T11:00:00Z"
    for name, value in ids.items():
        path = path.replace(f"{{{name}}}", str(value))
    return client.call(method.upper(), path, {**body, **fields})


def test_the_committed_copy_is_what_the_proxy_prints(postgres, tmp_path):
    """`make openapi` rewrites it."""
    proxy = Proxy(tmp_path, DATABASE_URL=postgres.proxy_url())
    status, printed = proxy.run_to_end("--openapi")
    assert status == 0, printed
    assert COMMITTED.read_text() == json.dumps(json.loads(printed), ensure_ascii=False, indent=1) + "\n"
    assert proxy.run_to_end("--openapi") == (0, printed)


def test_the_proxy_serves_what_it_prints(anyone):
    assert anyone.get("/openapi.json").expect(200) == DOCUMENT


def test_what_clients_cannot_send_is_not_there():
    for _, path, operation in operations():
        names = {one["name"] for one in operation["parameters"] if "name" in one}
        for content in operation.get("requestBody", {}).get("content", {}).values():
            names |= set(content["schema"].get("properties", {}))
        hidden = {"viewer_id", "refresh_ttl", "given", "csv", "allow_private", "has_mail"}
        hidden |= {"image", "content_type", "cloud_name", "notification"}
        hidden |= {one for one in names if one.startswith("after_")}
        assert not names & hidden, path


def test_every_get_has_its_head():
    for path, methods in DOCUMENT["paths"].items():
        assert ("head" in methods) == ("get" in methods and path != "/live")


def test_every_operation_is_described():
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids)) > 40
    for _, path, operation in operations():
        assert operation["summary"] and operation["description"], path
        for status in ("400", "401", "500", "503"):
            assert status in operation["responses"], (path, status)


@pytest.mark.parametrize("case", BOUNDED.values(), ids=BOUNDED.keys())
def test_what_is_too_long_or_too_short_is_refused(place, case):
    name, method, path, example, schema = case
    wrong = ["x" * (schema["maxLength"] + 1)] + [""] * (schema.get("minLength", 0) > 0)
    for value in wrong:
        answer = send(place, method, path, example, **{name: value})
        answer.expect(422, field=name)


@pytest.mark.parametrize(
    "case", [case for case in BOUNDED.values() if case[0] not in NOT_FREE],
    ids=[key for key, case in BOUNDED.items() if case[0] not in NOT_FREE],
)
def test_the_longest_and_the_shortest_are_taken(place, case):
    name, method, path, example, schema = case
    for length in (schema["maxLength"], schema.get("minLength", 0)):
        answer = send(place, method, path, example, **{name: "y" * length})
        assert answer.status in (200, 201, 409), answer.body
        if method == "post":
            break


@pytest.mark.parametrize("tags, status", [(["x"] * 21, 422), (["x" * 51], 422), ([""], 422)])
def test_tags_keep_their_bounds(place, tags, status):
    schema = DOCUMENT["paths"]["/time-entries/{entry_id}"]["patch"]["requestBody"]["content"]["application/json"]["schema"]
    bounds = schema["properties"]["tags"]
    assert (bounds["maxItems"], bounds["items"]["minLength"], bounds["items"]["maxLength"]) == (20, 1, 50)
    send(place, "patch", "/time-entries/{entry_id}", {}, tags=tags).expect(status, "invalid_tags")
    send(place, "patch", "/time-entries/{entry_id}", {}, tags=["x" * 50] + ["y"] * 19).expect(200)


def test_limits_keep_their_bounds(user):
    limited = 0
    webhook = user.post("/webhooks", {"url": "https://127.0.0.1:9/"}).expect(201)["webhook_id"]
    for method, path, operation in operations():
        for one in operation["parameters"]:
            if one.get("name") != "limit":
                continue
            url = path.replace("{user_id}", str(user.id)).replace("{project_id}", str(user.project()))
            url = url.replace("{webhook_id}", str(webhook))
            assert (one["schema"]["minimum"], one["schema"]["maximum"]) == (1, 100)
            url += "?q=a&limit=" if path == "/users" else "?limit="
            assert user.get(f"{url}100").status == user.get(f"{url}1").status == 200
            for wrong in (0, 101):
                user.get(f"{url}{wrong}").expect(422, "out_of_range", "limit")
            limited += 1
    assert limited > 5


def test_criteria_have_the_metrics_that_there_are(db):
    metrics = DOCUMENT["components"]["schemas"]["Metric"]["enum"]
    for metric in metrics:
        db.execute("SELECT timetrackr.check_criteria(%s)", [json.dumps({"metric": metric, "gte": 1})])
    used = db.execute("SELECT DISTINCT criteria ->> 'metric' FROM timetrackr.badges WHERE criteria ? 'metric'")
    assert {metric for metric, in used} <= set(metrics)
