"""Projects: creating, seeing, joining; private ones are invisible to others."""

from conftest import days_ago

PROJECT = {
    "project_id",
    "name",
    "description",
    "visibility",
    "owner_id",
    "archived",
    "created_at",
    "members",
    "total_seconds",
}


def test_a_new_project_is_private_and_has_its_owner(user):
    project_id = user.project("Garden", description="Beds and paths")
    project = user.get(f"/projects/{project_id}").expect(200)
    assert PROJECT <= project.keys()
    assert project["name"] == "Garden"
    assert project["description"] == "Beds and paths"
    assert project["visibility"] == "private"
    assert project["owner_id"] == user.id
    assert project["archived"] is False
    assert project["total_seconds"] == 0
    assert project["members"] == [{"user_id": user.id, "username": user.username, "role": "owner"}]


def test_a_private_project_is_invisible_to_others(user, other, anyone):
    project_id = user.project()
    other.get(f"/projects/{project_id}").expect(404, "project_not_found")
    anyone.get(f"/projects/{project_id}").expect(404, "project_not_found")
    other.post(f"/projects/{project_id}/join").expect(404, "project_not_found")
    other.post("/time-entries", {"project_id": project_id}).expect(404, "project_not_found")
    assert project_id not in [one["project_id"] for one in other.get("/projects").expect(200)]


def test_a_private_project_appears_nowhere_in_its_members_public_data(user, other):
    project_id = user.project("Secret garden")
    user.entry(project_id, days_ago(2), 3600)
    for path in ("profile", "activity", "timeline"):
        text = other.get(f"/users/{user.id}/{path}")
        text.expect(200)
        assert b"Secret garden" not in text.content
    timeline = other.get(f"/users/{user.id}/timeline").expect(200)
    assert not [event for event in timeline if event["event_data"].get("project_id") == project_id]
    activity = other.get(f"/users/{user.id}/activity").expect(200)
    assert activity["projects"] == [] and activity["recent_entries"] == []


def test_the_owner_makes_a_project_public(user, other, anyone):
    project_id = user.project()
    answer = user.put(f"/projects/{project_id}/visibility", {"visibility": "public"})
    assert answer.expect(200) == {"success": True}
    assert other.get(f"/projects/{project_id}").expect(200)["visibility"] == "public"
    assert anyone.get(f"/projects/{project_id}").expect(200)["visibility"] == "public"


def test_only_the_owner_sets_visibility(user, other):
    project_id = user.project(visibility="public")
    other.post(f"/projects/{project_id}/join").expect(201)
    other.put(f"/projects/{project_id}/visibility", {"visibility": "private"}).expect(403, "not_owner")


def test_anyone_may_join_a_public_project_and_log_on_it(user, other):
    project_id = user.project(visibility="public")
    other.post("/time-entries", {"project_id": project_id}).expect(403, "not_a_member")
    joined = other.post(f"/projects/{project_id}/join").expect(201)
    assert joined == {"project_id": project_id, "role": "contributor"}
    other.entry(project_id, days_ago(1), 600)
    project = user.get(f"/projects/{project_id}").expect(200)
    assert [member["user_id"] for member in project["members"]] == [user.id, other.id]
    assert project["total_seconds"] == 600


def test_joining_twice_is_refused(user, other):
    project_id = user.project(visibility="public")
    other.post(f"/projects/{project_id}/join").expect(201)
    other.post(f"/projects/{project_id}/join").expect(409, "already_member")


def test_a_viewer_cannot_log(user, other, db):
    project_id = user.project(visibility="public")
    other.post(f"/projects/{project_id}/join").expect(201)
    db.execute(
        "UPDATE timetrackr.project_members SET role = 'viewer' WHERE project_id = %s AND user_id = %s",
        [project_id, other.id],
    )
    other.post("/time-entries", {"project_id": project_id}).expect(403, "role_cannot_log")


def test_an_archived_project_takes_no_entries(user, db):
    project_id = user.project()
    db.execute("UPDATE timetrackr.projects SET archived_at = now() WHERE id = %s", [project_id])
    user.post("/time-entries", {"project_id": project_id}).expect(409, "project_archived")


def test_the_list_has_own_and_public_projects_newest_first(user, other):
    own = user.project("own")
    public = other.project("public", visibility="public")
    hidden = other.project("hidden")
    listed = [one["project_id"] for one in user.get("/projects?limit=100").expect(200)]
    assert own in listed and public in listed and hidden not in listed
    assert listed == sorted(listed, reverse=True)


def test_the_list_can_be_narrowed(user, other):
    own = user.project("own garden")
    public = other.project("public garden", visibility="public")
    mine = user.get("/projects?scope=mine").expect(200)
    assert [(one["project_id"], one["role"]) for one in mine] == [(own, "owner")]
    assert own not in [one["project_id"] for one in user.get("/projects?scope=public&limit=100").expect(200)]
    found = [one["project_id"] for one in user.get("/projects?q=GARDEN&limit=100").expect(200)]
    assert own in found and public in found
    assert user.get("/projects?q=no-such-name-anywhere").expect(200) == []


def test_a_search_takes_wildcards_literally(user):
    user.project("100% sure")
    assert [one["name"] for one in user.get("/projects?scope=mine&q=100%25").expect(200)] == ["100% sure"]
    assert user.get("/projects?scope=mine&q=1%25sure").expect(200) == []


def test_anonymous_callers_list_public_projects(other, anyone):
    public = other.project(visibility="public")
    hidden = other.project()
    listed = [one["project_id"] for one in anyone.get("/projects?limit=100").expect(200)]
    assert public in listed and hidden not in listed
