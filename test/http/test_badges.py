"""Badges and the timeline: earned in the answer that earns them."""

from datetime import timedelta

import pytest
from conftest import days_ago, rfc3339


def names(badges):
    return {badge["name"] for badge in badges}


def ten_hours(user, project_id):
    """Two entries that make ten hours on a project; the answer to the second."""
    user.entry(project_id, days_ago(3, 8), 5 * 3600)
    return user.entry(project_id, days_ago(2, 8), 5 * 3600)


def test_the_catalogue_is_there(anyone):
    catalogue = anyone.get("/badges").expect(200)
    assert len(catalogue) >= 15
    for badge in catalogue:
        assert {"badge_id", "name", "description", "criteria", "tier", "image_url", "earned_by"} <= badge.keys()
        assert isinstance(badge["criteria"], dict)


def test_a_badge_is_in_the_answer_that_earns_it(user):
    project_id = user.project()
    user.entry(project_id, days_ago(3, 8), 5 * 3600)
    begin = days_ago(2, 8)
    entry_id = user.start(project_id, start_time=rfc3339(begin))["entry_id"]
    stopped = user.stop(entry_id, end_time=rfc3339(begin + timedelta(hours=5)))
    awarded = names(stopped["badges_awarded"])
    assert awarded
    owned = user.get(f"/users/{user.id}/badges").expect(200)
    assert awarded <= names(owned)
    assert {"badge_id", "name", "awarded_at", "image_url", "tier"} <= owned[0].keys()


@pytest.fixture
def ten_hours_badge(anyone):
    """The catalogue's badge for ten hours on a project."""
    criteria = {"metric": "project_seconds", "gte": 36000}
    (name,) = names(badge for badge in anyone.get("/badges").expect(200) if badge["criteria"] == criteria)
    return name


def test_ten_hours_on_one_project_earn_a_badge(user, ten_hours_badge):
    assert ten_hours_badge in names(ten_hours(user, user.project())["badges_awarded"])


def test_ten_hours_on_two_projects_do_not(user, ten_hours_badge):
    user.entry(user.project(), days_ago(3, 8), 5 * 3600)
    user.entry(user.project(), days_ago(2, 8), 5 * 3600)
    assert ten_hours_badge not in names(user.get(f"/users/{user.id}/badges").expect(200))


def test_a_badge_is_awarded_once(user):
    project_id = user.project()
    first = names(user.entry(project_id, days_ago(3), 3600)["badges_awarded"])
    second = names(user.entry(project_id, days_ago(3, 12), 3600)["badges_awarded"])
    assert first and not first & second


def test_badges_are_in_profile_and_catalogue(user, anyone):
    ten_hours(user, user.project())
    profile = anyone.get(f"/users/{user.id}/profile").expect(200)
    assert {"badge_id", "name", "image_url", "awarded_at"} <= profile["badges"][0].keys()
    earned = {badge["badge_id"] for badge in profile["badges"]}
    counted = {badge["badge_id"]: badge["earned_by"] for badge in anyone.get("/badges").expect(200)}
    assert all(counted[badge_id] >= 1 for badge_id in earned)


def test_a_revocable_badge_is_taken_back(user, db):
    (badge_id,) = db.execute(
        "INSERT INTO timetrackr.badges (name, criteria, revocable)"
        " VALUES ('Two hours, for as long as it lasts', '{\"metric\": \"total_seconds\", \"gte\": 7200}', true)"
        " RETURNING id"
    ).fetchone()
    try:
        logged = user.entry(user.project(), days_ago(1), 7200)
        assert badge_id in [badge["badge_id"] for badge in logged["badges_awarded"]]
        user.delete(f"/time-entries/{logged['entry_id']}").expect(204)
        owned = user.get(f"/users/{user.id}/badges").expect(200)
        assert badge_id not in [badge["badge_id"] for badge in owned]
    finally:
        db.execute("DELETE FROM timetrackr.badges WHERE id = %s", [badge_id])


def test_the_timeline_tells_the_story_newest_first(user):
    project_id = user.project("Story", visibility="public")
    logged = user.entry(project_id, days_ago(0, 0) - timedelta(hours=2), 3600)
    events = user.get(f"/users/{user.id}/timeline").expect(200)
    assert {"event_id", "event_type", "event_data", "timestamp"} <= events[0].keys()
    kinds = [event["event_type"] for event in events]
    for kind in ("user_joined", "project_created", "time_entry_completed", "badge_earned"):
        assert kind in kinds
    stamps = [event["timestamp"] for event in events]
    assert stamps == sorted(stamps, reverse=True)
    done = next(event for event in events if event["event_type"] == "time_entry_completed")
    assert done["event_data"]["entry_id"] == logged["entry_id"]
    assert done["event_data"]["duration_seconds"] == 3600


def test_deleting_an_entry_removes_its_event(user):
    logged = user.entry(user.project(), days_ago(1), 3600)
    user.delete(f"/time-entries/{logged['entry_id']}").expect(204)
    events = user.get(f"/users/{user.id}/timeline").expect(200)
    assert "time_entry_completed" not in [event["event_type"] for event in events]


def test_joining_and_publishing_are_on_the_timeline(user, other):
    project_id = user.project()
    user.put(f"/projects/{project_id}/visibility", {"visibility": "public"}).expect(200)
    other.post(f"/projects/{project_id}/join").expect(201)
    kinds = [event["event_type"] for event in user.get(f"/users/{user.id}/timeline").expect(200)]
    assert "visibility_changed" in kinds
    kinds = [event["event_type"] for event in other.get(f"/users/{other.id}/timeline").expect(200)]
    assert "project_joined" in kinds


def test_a_streak_counts_back_from_yesterday(user):
    project_id = user.project()
    for days in (5, 4, 3, 2, 1):
        user.entry(project_id, days_ago(days), 900)
    me = user.get("/users/me").expect(200)
    assert me["current_streak_days"] == me["longest_streak_days"] == 5


def test_a_day_below_the_minimum_breaks_the_streak(user):
    project_id = user.project()
    for days, seconds in ((4, 900), (3, 899), (2, 900), (1, 900)):
        user.entry(project_id, days_ago(days), seconds)
    me = user.get("/users/me").expect(200)
    assert me["current_streak_days"] == 2


def test_editing_the_past_recomputes_the_streak(user):
    project_id = user.project()
    entries = [user.entry(project_id, days_ago(days), 900)["entry_id"] for days in (3, 2, 1)]
    user.delete(f"/time-entries/{entries[1]}").expect(204)
    me = user.get("/users/me").expect(200)
    assert (me["current_streak_days"], me["longest_streak_days"]) == (1, 1)
    user.entry(project_id, days_ago(2), 900)
    assert user.get("/users/me").expect(200)["current_streak_days"] == 3
