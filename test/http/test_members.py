"""Members: added, given other roles, removed, leaving; the project handed over.
Who may what is in docs/access.md, and tried cell by cell in test_access.py."""

import pytest


@pytest.fixture
def project_id(user):
    return user.project("Garden")


def roles(user, project_id):
    return {one["user_id"]: one["role"] for one in user.get(f"/projects/{project_id}").expect(200)["members"]}


def news(user):
    return [(one["kind"], one["payload"]) for one in user.get("/notifications").expect(200) if "project_id" in one["payload"]]


def test_a_member_is_added_and_given_another_role(user, other, project_id):
    path = f"/projects/{project_id}/members/{other.id}"
    added = user.put(path, {"role": "viewer"}).expect(200)
    assert added == {"project_id": project_id, "user_id": other.id, "username": other.username, "role": "viewer"}
    other.post("/time-entries", {"project_id": project_id}).expect(403, "role_cannot_log")
    assert user.put(path, {"role": "contributor"}).expect(200)["role"] == "contributor"
    other.start(project_id)
    garden = {"project_id": project_id, "project_name": "Garden"}
    assert news(other) == [
        ("role_changed", garden | {"from": "viewer", "to": "contributor"}),
        ("member_added", garden | {"role": "viewer"}),
    ]
    assert news(user) == []


def test_who_is_removed_sees_it_no_more_and_ends_his_timer(user, other, project_id):
    path = f"/projects/{project_id}/members/{other.id}"
    user.put(path, {"role": "contributor"}).expect(200)
    entry_id = other.start(project_id)["entry_id"]
    assert user.delete(path).expect(204) is None
    user.delete(path).expect(404, "member_not_found", "user_id")
    other.get(f"/projects/{project_id}").expect(404, "project_not_found")
    other.post("/time-entries", {"project_id": project_id}).expect(404, "project_not_found")
    other.stop(entry_id)
    assert news(other)[0] == ("member_removed", {"project_id": project_id, "project_name": "Garden"})


def test_one_leaves_and_the_owner_is_told_but_stays(user, other, project_id):
    user.put(f"/projects/{project_id}/members/{other.id}", {"role": "manager"}).expect(200)
    other.delete(f"/projects/{project_id}/members/{other.id}").expect(204)
    assert [kind for kind, _ in news(user)] == ["member_left"]
    user.delete(f"/projects/{project_id}/members/{user.id}").expect(409, "owner_cannot_leave")
    user.put(f"/projects/{project_id}/members/{user.id}", {"role": "viewer"}).expect(409, "owner_cannot_leave")
    assert roles(user, project_id) == {user.id: "owner"}


def test_the_owner_hands_the_project_over(user, other, project_id):
    path = f"/projects/{project_id}/members"
    assert user.put(f"{path}/{other.id}", {"role": "owner"}).expect(200)["role"] == "owner"
    assert roles(other, project_id) == {user.id: "manager", other.id: "owner"}
    assert other.get(f"/projects/{project_id}").expect(200)["owner_id"] == other.id
    user.put(f"{path}/{user.id}", {"role": "owner"}).expect(403, "not_owner")
    assert news(other)[0][0] == "ownership_received"


def test_managers_look_after_contributors_and_viewers_only(user, other, new_user, project_id):
    third = new_user()
    path = f"/projects/{project_id}/members"
    user.put(f"{path}/{other.id}", {"role": "manager"}).expect(200)
    other.put(f"{path}/{third.id}", {"role": "manager"}).expect(403, "not_owner")
    other.put(f"{path}/{third.id}", {"role": "viewer"}).expect(200)
    other.put(f"{path}/{user.id}", {"role": "viewer"}).expect(403, "not_owner")
    user.put(f"{path}/{third.id}", {"role": "manager"}).expect(200)
    other.put(f"{path}/{third.id}", {"role": "viewer"}).expect(403, "not_owner")
    other.delete(f"{path}/{third.id}").expect(403, "not_owner")
    other.put(f"{path}/{other.id}", {"role": "contributor"}).expect(200)


def test_bad_members_are_refused(user, project_id):
    path = f"/projects/{project_id}/members"
    user.put(f"{path}/999999999", {"role": "viewer"}).expect(404, "user_not_found", "user_id")
    user.delete(f"{path}/999999999").expect(404, "user_not_found", "user_id")
    user.put(f"{path}/{user.id}", {}).expect(422, "missing_field", "role")
    user.put(f"{path}/{user.id}", {"role": None}).expect(422, "missing_field", "role")
    user.put(f"{path}/{user.id}", {"role": "king"}).expect(422, "invalid_type", "role")
    user.put(f"{path}/{user.id}", {"role": "viewer", "user_id": 1}).expect(422, "unknown_field", "user_id")
    user.put(f"{path}/me", {"role": "viewer"}).expect(400, "invalid_parameter", "user_id")


def test_a_change_shows_at_once_to_visitors(user, other, anyone):
    project_id = user.project(visibility="public")
    def seen():
        return roles(anyone, project_id)

    assert seen() == {user.id: "owner"}
    path = f"/projects/{project_id}/members/{other.id}"
    user.put(path, {"role": "viewer"}).expect(200)
    assert seen() == {user.id: "owner", other.id: "viewer"}
    user.delete(path).expect(204)
    assert seen() == {user.id: "owner"}
