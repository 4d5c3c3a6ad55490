"""Notifications: told in the transaction that causes them, read, counted, marked."""

from datetime import datetime, timedelta, timezone

import pytest


def kinds(rows):
    return [row["kind"] for row in rows]


def write(db, user, count=1):
    """Notifications of an application's own kind; their ids, oldest first."""
    rows = [
        db.execute(
            "INSERT INTO timetrackr.notifications (user_id, kind, payload) VALUES (%s, 'note', %s) RETURNING id",
            [user.id, f'{{"n": {n}}}'],
        ).fetchone()
        for n in range(count)
    ]
    return [notification_id for (notification_id,) in rows]


def unread(user):
    return user.get("/notifications/unread").expect(200)["unread"]


def recent(hours):
    return datetime.now(timezone.utc).replace(microsecond=0) - timedelta(hours=hours)


def test_a_badge_is_told_with_its_name(user):
    earned = user.entry(user.project(), recent(2), 3600)["badges_awarded"]
    rows = user.get("/notifications").expect(200)
    assert earned and {badge["name"] for badge in earned} <= {
        row["payload"]["name"] for row in rows if row["kind"] == "badge_awarded"
    }
    assert rows[0].keys() == {"notification_id", "kind", "payload", "created_at", "read_at"}
    assert rows[0]["read_at"] is None
    assert unread(user) == len(rows)


def test_a_forgotten_timer_is_told_until_it_is_put_right(user):
    project_id = user.project("Night watch")
    begin = recent(30)
    logged = user.entry(project_id, begin, 29 * 3600)
    (told,) = [row for row in user.get("/notifications").expect(200) if row["kind"] == "entry_flagged"]
    assert told["payload"] == {
        "project_id": project_id,
        "project_name": "Night watch",
        "entry_id": logged["entry_id"],
        "duration_seconds": 29 * 3600,
    }
    end = (begin + timedelta(hours=8)).isoformat()
    user.patch(f"/time-entries/{logged['entry_id']}", {"end_time": end}).expect(200)
    assert "entry_flagged" not in kinds(user.get("/notifications").expect(200))


def test_the_owner_is_told_who_joins(user, other):
    project_id = user.project("Open house", visibility="public")
    before = unread(user)
    other.post(f"/projects/{project_id}/join").expect(201)
    told = user.get("/notifications").expect(200)[0]
    assert told["kind"] == "member_joined"
    assert told["payload"] == {
        "project_id": project_id,
        "project_name": "Open house",
        "user_id": other.id,
        "username": other.username,
    }
    assert unread(user) == before + 1
    assert "member_joined" not in kinds(other.get("/notifications").expect(200))


def test_members_are_told_of_a_project_that_is_deleted(user, other):
    project_id = user.project("Short-lived", visibility="public")
    other.post(f"/projects/{project_id}/join").expect(201)
    user.delete(f"/projects/{project_id}").expect(204)
    assert other.get("/notifications").expect(200)[0]["kind"] == "project_deleted"
    assert "project_deleted" not in kinds(user.get("/notifications").expect(200))


def test_pages_go_from_the_newest_to_the_oldest(user, db):
    ids = write(db, user, 5)
    pages = [[row["notification_id"] for row in page] for page in user.pages("/notifications?limit=2")]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sum(pages, []) == ids[::-1]


def test_one_that_comes_between_two_pages_repeats_none(user, db):
    ids = write(db, user, 4)
    first = user.get("/notifications?limit=2")
    write(db, user)
    rest = user.get(first.next_page).expect(200)
    assert [row["notification_id"] for row in first.body + rest] == ids[::-1]


def test_some_are_marked_read(user, db):
    ids = write(db, user, 3)
    user.post("/notifications/read", {"ids": [ids[0], ids[2]]}).expect(204)
    assert unread(user) == 1
    left = user.get("/notifications?unread=true").expect(200)
    assert [row["notification_id"] for row in left] == [ids[1]]
    done = user.get("/notifications?unread=false").expect(200)
    assert [row["notification_id"] for row in done] == [ids[2], ids[0]]
    assert all(row["read_at"].endswith("Z") for row in done)


def test_marking_again_keeps_the_time(user, db):
    (one,) = write(db, user)
    user.post("/notifications/read", {"ids": [one]}).expect(204)
    first = user.get("/notifications").expect(200)
    user.post("/notifications/read", {"ids": [one, one]}).expect(204)
    assert user.get("/notifications").expect(200) == first


@pytest.mark.parametrize("body", [{}, None, {"ids": None}])
def test_all_are_marked_read(user, db, body):
    write(db, user, 3)
    user.post("/notifications/read", body).expect(204)
    assert unread(user) == 0


def test_no_ids_mark_none(user, db):
    write(db, user, 2)
    user.post("/notifications/read", {"ids": []}).expect(204)
    assert unread(user) == 2


@pytest.mark.raw  # JavaScript cannot count so far
def test_those_of_others_are_passed_over(user, other, db):
    theirs = write(db, other, 2)
    mine = write(db, user)
    user.post("/notifications/read", {"ids": [*theirs, *mine, 2**62]}).expect(204)
    assert (unread(user), unread(other)) == (0, 2)


@pytest.mark.parametrize("ids", ["1", 1, ["1"], [1.5], [None], [[1]], [True], [{"id": 1}]])
def test_ids_are_a_list_of_integers(user, ids):
    user.post("/notifications/read", {"ids": ids}).expect(422, "invalid_type", "ids")


def test_a_token_is_needed(anyone):
    for path in ("/notifications", "/notifications/unread"):
        anyone.get(path).expect(401, "missing_token")
    anyone.post("/notifications/read").expect(401, "missing_token")


def test_somebody_who_is_gone_is_refused(user, db):
    db.execute("DELETE FROM timetrackr.users WHERE id = %s", [user.id])
    for path in ("/notifications", "/notifications/unread"):
        user.get(path).expect(401, "invalid_token")
    user.post("/notifications/read").expect(401, "invalid_token")


@pytest.mark.one_server("events of other nodes come later")
def test_every_client_hears_of_marks_and_news(user, db):
    """The events carry what a client shows, and the relay knows their topics."""
    db.execute("CREATE TABLE IF NOT EXISTS public.heard (topic text, payload jsonb)")
    db.execute(
        "CREATE OR REPLACE FUNCTION public.hear() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO public.heard VALUES (new.topic, new.payload); RETURN NULL; END $$"
    )
    db.execute(
        "CREATE TRIGGER hear AFTER INSERT ON timetrackr.outbox FOR EACH ROW EXECUTE FUNCTION public.hear()"
    )
    try:
        write(db, user)
        user.post("/notifications/read").expect(204)
        heard = db.execute(
            "SELECT topic, payload FROM public.heard WHERE payload ->> 'user_id' = %s", [str(user.id)]
        ).fetchall()
    finally:
        db.execute("DROP TRIGGER hear ON timetrackr.outbox")
        db.execute("DROP FUNCTION public.hear")
        db.execute("DROP TABLE public.heard")
    (row,) = user.get("/notifications").expect(200)
    assert heard == [
        ("notification_created", {**row, "user_id": user.id, "read_at": None}),
        ("notifications_changed", {"user_id": user.id}),
    ]
