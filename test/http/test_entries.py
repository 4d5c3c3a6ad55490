"""Time entries: the timer, manual entries, reading, editing, deleting."""

from datetime import datetime, timedelta, timezone

from conftest import days_ago, rfc3339

ENTRY = {
    "entry_id",
    "project_id",
    "start_time",
    "end_time",
    "duration_seconds",
    "timezone",
    "note",
    "tags",
    "source",
    "flagged",
    "created_at",
    "updated_at",
}


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_the_timer_starts_now_and_is_current(user):
    project_id = user.project()
    started = user.start(project_id, note="digging", tags=["garden", "spring"])
    assert started["stopped_entry_id"] is None
    assert abs(moment(started["start_time"]) - datetime.now(timezone.utc)) < timedelta(seconds=30)
    current = user.get("/time-entries/current").expect(200)
    assert ENTRY <= current.keys()
    assert current["entry_id"] == started["entry_id"]
    assert current["end_time"] is None and current["duration_seconds"] is None
    assert current["note"] == "digging" and current["tags"] == ["garden", "spring"]
    assert current["source"] == "timer"


def test_without_a_timer_there_is_no_current_entry(user):
    answer = user.get("/time-entries/current")
    answer.expect(204)
    assert answer.content == b""


def test_stopping_tells_the_duration(user):
    project_id = user.project()
    begin = days_ago(1)
    entry_id = user.start(project_id, start_time=rfc3339(begin))["entry_id"]
    stopped = user.stop(entry_id, end_time=rfc3339(begin + timedelta(hours=2, seconds=5)))
    assert stopped["entry_id"] == entry_id
    assert stopped["duration_seconds"] == 7205
    assert stopped["flagged"] is False
    assert stopped["current_streak_days"] == 1
    assert {"badge_id", "name"} == set(stopped["badges_awarded"][0])
    user.get("/time-entries/current").expect(204)


def test_stopping_again_gives_the_same_answer(user):
    project_id = user.project()
    begin = days_ago(1)
    entry_id = user.start(project_id, start_time=rfc3339(begin))["entry_id"]
    end = rfc3339(begin + timedelta(hours=1))
    first = user.stop(entry_id, end_time=end)
    assert user.stop(entry_id, end_time=end)["duration_seconds"] == first["duration_seconds"] == 3600
    assert user.stop(entry_id)["duration_seconds"] == 3600
    body = user.put(f"/time-entries/{entry_id}/end", {"end_time": rfc3339(begin + timedelta(hours=3))}).expect(
        409, "entry_already_ended"
    )
    assert body["entry_id"] == entry_id and moment(body["end_time"]) == moment(end)


def test_stopping_a_timer_without_times_always_succeeds(user):
    project_id = user.project()
    entry_id = user.start(project_id)["entry_id"]
    stopped = user.stop(entry_id)
    assert stopped["duration_seconds"] >= 1


def test_a_second_timer_ends_the_first_at_its_start(user):
    project_id = user.project()
    begin = days_ago(1)
    first = user.start(project_id, start_time=rfc3339(begin))["entry_id"]
    second = user.start(project_id, start_time=rfc3339(begin + timedelta(hours=1)))
    assert second["stopped_entry_id"] == first
    entry = user.get(f"/time-entries/{first}").expect(200)
    assert moment(entry["end_time"]) == begin + timedelta(hours=1)
    assert entry["duration_seconds"] == 3600


def test_a_second_timer_must_start_later(user):
    project_id = user.project()
    begin = days_ago(1)
    running = user.start(project_id, start_time=rfc3339(begin))["entry_id"]
    body = {"project_id": project_id, "start_time": rfc3339(begin)}
    user.post("/time-entries", body).expect(409, "start_not_later")
    assert user.get("/time-entries/current").expect(200)["entry_id"] == running


def test_a_manual_entry_has_both_times_and_counts_at_once(user):
    project_id = user.project()
    logged = user.entry(project_id, days_ago(1), 5400)
    assert logged["duration_seconds"] == 5400
    assert [set(badge) for badge in logged["badges_awarded"]] == [{"badge_id", "name"}] * len(
        logged["badges_awarded"]
    )
    entry = user.get(f"/time-entries/{logged['entry_id']}").expect(200)
    assert entry["source"] == "manual"
    assert user.get("/users/me").expect(200)["total_seconds"] == 5400


def test_back_to_back_entries_do_not_overlap(user):
    project_id = user.project()
    user.entry(project_id, days_ago(1, 10), 3600)
    user.entry(project_id, days_ago(1, 11), 3600)
    user.entry(project_id, days_ago(1, 9), 3600)


def test_fractions_of_a_second_are_cut_off(user):
    project_id = user.project()
    day = rfc3339(days_ago(1))[:10]
    body = {"project_id": project_id, "start_time": f"{day}T10:00:00.9Z", "end_time": f"{day}T10:00:05.2Z"}
    logged = user.post("/time-entries", body).expect(201)
    assert logged["duration_seconds"] == 5
    assert logged["start_time"] == f"{day}T10:00:00Z"


def test_any_offset_is_read_and_utc_is_written(user):
    project_id = user.project()
    day = rfc3339(days_ago(1))[:10]
    body = {"project_id": project_id, "start_time": f"{day}T12:30:00+05:30", "end_time": f"{day}T10:00:00+02:00"}
    logged = user.post("/time-entries", body).expect(201)
    assert logged["start_time"] == f"{day}T07:00:00Z"
    assert logged["duration_seconds"] == 3600


def test_a_forgotten_timer_is_kept_whole_and_counts_nothing(user):
    project_id = user.project()
    begin = days_ago(5)
    entry_id = user.start(project_id, start_time=rfc3339(begin))["entry_id"]
    stopped = user.stop(entry_id, end_time=rfc3339(begin + timedelta(hours=30)))
    assert stopped["flagged"] is True and stopped["duration_seconds"] == 108000
    assert user.get("/users/me").expect(200)["total_seconds"] == 0
    edited = user.patch(f"/time-entries/{entry_id}", {"end_time": rfc3339(begin + timedelta(hours=2))}).expect(200)
    assert edited["flagged"] is False and edited["duration_seconds"] == 7200
    assert user.get("/users/me").expect(200)["total_seconds"] == 7200


def test_editing_corrects_every_figure(user):
    first, second = user.project("first"), user.project("second")
    entry_id = user.entry(first, days_ago(3), 3600)["entry_id"]
    edited = user.patch(
        f"/time-entries/{entry_id}",
        {
            "project_id": second,
            "start_time": rfc3339(days_ago(2)),
            "end_time": rfc3339(days_ago(2) + timedelta(hours=3)),
            "note": "later",
            "tags": ["moved"],
        },
    ).expect(200)
    assert ENTRY <= edited.keys()
    assert edited["duration_seconds"] == 10800
    assert (edited["project_id"], edited["note"], edited["tags"]) == (second, "later", ["moved"])
    assert user.get(f"/projects/{first}").expect(200)["total_seconds"] == 0
    assert user.get(f"/projects/{second}").expect(200)["total_seconds"] == 10800
    me = user.get("/users/me").expect(200)
    assert me["total_seconds"] == 10800
    assert me["contributions"] == [{"project_id": second, "name": "second", "total_seconds": 10800}]


def test_an_edit_changes_only_the_fields_given(user):
    project_id = user.project()
    entry_id = user.entry(project_id, days_ago(1), 3600, note="kept", tags=["kept"])["entry_id"]
    edited = user.patch(f"/time-entries/{entry_id}", {"note": "new"}).expect(200)
    assert edited["tags"] == ["kept"] and edited["duration_seconds"] == 3600
    assert user.patch(f"/time-entries/{entry_id}", {"tags": []}).expect(200)["tags"] == []


def test_deleting_corrects_every_figure(user):
    project_id = user.project()
    kept = user.entry(project_id, days_ago(3), 3600)["entry_id"]
    gone = user.entry(project_id, days_ago(2), 1800)["entry_id"]
    answer = user.delete(f"/time-entries/{gone}")
    answer.expect(204)
    user.get(f"/time-entries/{gone}").expect(404, "entry_not_found")
    user.delete(f"/time-entries/{gone}").expect(404, "entry_not_found")
    assert user.get("/users/me").expect(200)["total_seconds"] == 3600
    assert [one["entry_id"] for one in user.get("/time-entries").expect(200)] == [kept]


def test_entries_of_others_do_not_exist(user, other):
    entry_id = user.entry(user.project(), days_ago(1), 600)["entry_id"]
    path = f"/time-entries/{entry_id}"
    other.get(path).expect(404, "entry_not_found")
    other.patch(path, {"note": "mine"}).expect(404, "entry_not_found")
    other.put(f"{path}/end", {}).expect(404, "entry_not_found")
    other.delete(path).expect(404, "entry_not_found")


def test_the_list_is_filtered(user):
    first, second = user.project("first"), user.project("second")
    one = user.entry(first, days_ago(3), 600, tags=["a"])["entry_id"]
    two = user.entry(second, days_ago(2), 600, tags=["a", "b"])["entry_id"]
    three = user.entry(first, days_ago(1), 600)["entry_id"]

    def listed(query):
        return [entry["entry_id"] for entry in user.get(f"/time-entries{query}").expect(200)]

    assert listed("") == [three, two, one]
    assert listed(f"?project_id={first}") == [three, one]
    assert listed("?tag=b") == [two]
    assert listed("?tag=a") == [two, one]
    assert listed(f"?from={rfc3339(days_ago(2))}") == [three, two]
    assert listed(f"?to={rfc3339(days_ago(2))}") == [one]
    assert listed(f"?from={rfc3339(days_ago(2))}&to={rfc3339(days_ago(1))}") == [two]


def test_activity_sums_per_project(user):
    project_id = user.project("Beds", visibility="public")
    first = user.entry(project_id, days_ago(3), 600)["entry_id"]
    second = user.entry(project_id, days_ago(2), 900)["entry_id"]
    activity = user.get(f"/users/{user.id}/activity").expect(200)
    assert activity["projects"] == [{"project_id": project_id, "name": "Beds", "total_time_spent": 1500}]
    assert activity["total_seconds"] == 1500
    recent = activity["recent_entries"]
    assert [one["entry_id"] for one in recent] == [second, first]
    assert set(recent[0]) == {"entry_id", "project_id", "start_time", "end_time", "duration_seconds"}


def test_a_day_is_the_users_own(new_user, db):
    """23:30 to 00:30 in Kolkata is two days there, and one in UTC."""
    user = new_user(timezone="Asia/Kolkata")
    project_id = user.project()
    begin = days_ago(3, 18)
    user.entry(project_id, begin, 3600)
    days = db.execute(
        "SELECT day, seconds FROM timetrackr.day_totals WHERE user_id = %s ORDER BY day", [user.id]
    ).fetchall()
    assert days == [(begin.date(), 1800), (begin.date() + timedelta(days=1), 1800)]


def test_the_timezone_is_frozen_on_the_entry(new_user):
    user = new_user(timezone="America/New_York")
    project_id = user.project()
    entry_id = user.entry(project_id, days_ago(2), 600)["entry_id"]
    user.patch("/users/me", {"timezone": "Asia/Tokyo"}).expect(200)
    assert user.get(f"/time-entries/{entry_id}").expect(200)["timezone"] == "America/New_York"
