"""Projects: creating, seeing, joining, editing, deleting, their boards; private
ones are invisible to others."""

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


def test_owner_and_managers_edit_a_project(user, other, db):
    project_id = user.project("Garden", visibility="public", description="Beds")
    other.post(f"/projects/{project_id}/join").expect(201)
    other.patch(f"/projects/{project_id}", {"name": "Mine"}).expect(403, "not_manager")
    edited = user.patch(f"/projects/{project_id}", {"name": " Park ", "archived": True}).expect(200)
    assert edited == user.get(f"/projects/{project_id}").expect(200)
    assert (edited["name"], edited["description"], edited["archived"]) == ("Park", "Beds", True)
    db.execute(
        "UPDATE timetrackr.project_members SET role = 'manager' WHERE project_id = %s AND user_id = %s",
        [project_id, other.id],
    )
    edited = other.patch(f"/projects/{project_id}", {"description": None, "archived": False}).expect(200)
    assert (edited["name"], edited["description"], edited["archived"]) == ("Park", "", False)


def test_an_archived_project_is_edited_back(user):
    project_id = user.project()
    user.patch(f"/projects/{project_id}", {"archived": True}).expect(200)
    user.post("/time-entries", {"project_id": project_id}).expect(409, "project_archived")
    user.patch(f"/projects/{project_id}", {"archived": False}).expect(200)
    user.start(project_id)


def test_bad_edits_of_a_project_are_refused(user, other, anyone):
    project_id = user.project()
    path = f"/projects/{project_id}"
    user.patch(path, {"name": " "}).expect(422, "missing_field", "name")
    user.patch(path, {"name": None}).expect(422, "missing_field", "name")
    user.patch(path, {"archived": None}).expect(422, "missing_field", "archived")
    user.patch(path, {"name": "x" * 201}).expect(422, "too_long", "name")
    user.patch(path, {"visibility": "public"}).expect(422, "unknown_field", "visibility")
    other.patch(path, {"name": "Mine"}).expect(404, "project_not_found")
    anyone.patch(path, {"name": "Mine"}).expect(401, "missing_token")


def test_a_project_is_deleted_when_it_is_empty(user, other):
    project_id = user.project(visibility="public")
    other.post(f"/projects/{project_id}/join").expect(201)
    other.delete(f"/projects/{project_id}").expect(403, "not_owner")
    assert user.delete(f"/projects/{project_id}").expect(204) is None
    user.get(f"/projects/{project_id}").expect(404, "project_not_found")
    user.delete(f"/projects/{project_id}").expect(404, "project_not_found")


def test_a_project_with_entries_is_deleted_once_they_move(user, other):
    old = user.project("Old", visibility="public")
    new = user.project("New", visibility="public")
    other.post(f"/projects/{old}/join").expect(201)
    own = user.entry(old, days_ago(2), 600)["entry_id"]
    others = other.entry(old, days_ago(2), 900)["entry_id"]
    user.delete(f"/projects/{old}").expect(409, "project_has_entries")
    user.delete(f"/projects/{old}?move_entries_to={old}").expect(422, "same_project", "move_entries_to")
    foreign = other.project(visibility="public")
    user.delete(f"/projects/{old}?move_entries_to={foreign}").expect(403, "not_manager", "move_entries_to")
    hidden = other.project()
    user.delete(f"/projects/{old}?move_entries_to={hidden}").expect(404, "project_not_found", "move_entries_to")
    user.delete(f"/projects/{old}?move_entries_to={new}").expect(204)
    assert user.get(f"/time-entries/{own}").expect(200)["project_id"] == new
    assert other.get(f"/time-entries/{others}").expect(200)["project_id"] == new
    project = user.get(f"/projects/{new}").expect(200)
    assert project["total_seconds"] == 1500
    assert [(one["user_id"], one["role"]) for one in project["members"]] == [(user.id, "owner")]
    other.post("/time-entries", {"project_id": new}).expect(403, "not_a_member")
    assert not [event for event in user.get(f"/users/{user.id}/timeline").expect(200)
                if event["event_data"].get("project_id") == old]


def test_a_projects_board(new_user, anyone):
    users = [new_user() for _ in range(4)]
    project_id = users[0].project(visibility="public")
    for member in users[1:]:
        member.post(f"/projects/{project_id}/join").expect(201)
    for member, seconds in zip(users, (60, 120, 60, 30)):
        member.entry(project_id, days_ago(1), seconds)
    users[3].patch("/users/me", {"listed": False}).expect(200)
    tied = sorted((users[0].id, users[2].id), key=str, reverse=True)
    board = anyone.get(f"/projects/{project_id}/leaderboard").expect(200)
    assert list(board[0]) == ["user_id", "username", "avatar_url", "score", "rank"]
    assert [(row["user_id"], row["score"], row["rank"]) for row in board] == [
        (users[1].id, 120, 1),
        (tied[0], 60, 2),
        (tied[1], 60, 2),
    ]
    pages = list(anyone.pages(f"/projects/{project_id}/leaderboard?limit=1"))
    assert [row for page in pages for row in page] == board and len(pages) == 3


def test_a_private_projects_board_is_its_members(user, other, anyone):
    project_id = user.project()
    path = f"/projects/{project_id}/leaderboard"
    assert user.get(path).expect(200) == []
    other.get(path).expect(404, "project_not_found")
    anyone.get(path).expect(404, "project_not_found")
    anyone.get("/projects/999999999/leaderboard").expect(404, "project_not_found")
