"""Badges as admins make them over HTTP, what their owners see of it, and the
pictures of the catalogue. Backfill's dates are test_backfill.py's."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import days_ago, sign_up

PICTURES = Path(__file__).parents[2] / "web" / "badges"
HOUR = {"metric": "total_seconds", "gte": 3600}


@pytest.fixture
def admin(proxy, db):
    user = sign_up(proxy)
    db.execute("UPDATE timetrackr.users SET role = 'admin' WHERE id = %s", [user.id])
    return user


@pytest.fixture
def new_badge(admin, db):
    """Create a badge; it goes with the test."""
    made = []

    def make(name, criteria=HOUR, **fields):
        made.append(
            admin.post("/badges", {"name": name, "criteria": criteria, **fields}).expect(201)["badge_id"]
        )
        return made[-1]

    yield make
    db.execute("DELETE FROM timetrackr.badges WHERE id = ANY (%s)", [made])


def listed(client, badge_id):
    return next((badge for badge in client.get("/badges").expect(200) if badge["badge_id"] == badge_id), None)


def owned(user):
    return {badge["badge_id"] for badge in user.get(f"/users/{user.id}/badges").expect(200)}


REQUESTS = [
    ("POST", "/badges", {"name": "Mine", "criteria": HOUR}),
    ("PUT", "/badges/1", {"name": "Mine"}),
    ("DELETE", "/badges/1", None),
    ("POST", "/badges/preview", {"criteria": HOUR}),
    ("POST", "/badges/1/backfill", None),
    ("GET", "/badges/all", None),
]


@pytest.mark.parametrize("method, path, body", REQUESTS)
def test_only_an_admin_may(method, path, body, anyone, user):
    anyone.call(method, path, body).expect(401)
    user.client.call(method, path, body).expect(403, "not_admin")


def test_an_admin_who_is_one_no_longer_may_not(admin, db):
    """The token still says so, the table does not."""
    db.execute("UPDATE timetrackr.users SET role = 'user' WHERE id = %s", [admin.id])
    admin.post("/badges", {"name": "Late", "criteria": HOUR}).expect(403, "not_admin")


def test_a_new_badge_is_listed_and_earned(new_badge, user, anyone):
    badge_id = new_badge("An hour", description="Track an hour.", tier="silver", image_url="/x/hour.svg")
    badge = listed(anyone, badge_id)
    assert (badge["name"], badge["description"], badge["tier"]) == ("An hour", "Track an hour.", "silver")
    assert (badge["criteria"], badge["image_url"], badge["earned_by"]) == (HOUR, "/x/hour.svg", 0)
    logged = user.entry(user.project(), days_ago(1), 3600)
    assert badge_id in {badge["badge_id"] for badge in logged["badges_awarded"]}


@pytest.mark.parametrize(
    "fields, code, field",
    [
        ({}, "missing_field", "name"),
        ({"name": "x"}, "missing_field", "criteria"),
        ({"name": " ", "criteria": HOUR}, "missing_field", "name"),
        ({"name": "x" * 101, "criteria": HOUR}, "too_long", "name"),
        ({"name": "x", "criteria": HOUR, "image_url": "javascript:x"}, "invalid_url", "image_url"),
        ({"name": "x", "criteria": {"all": []}}, "invalid_criteria", "criteria"),
    ],
)
def test_a_wrong_field_is_named(admin, fields, code, field):
    admin.post("/badges", fields).expect(422, code, field)


def test_a_wrong_tier_or_field_is_refused(admin):
    admin.post("/badges", {"name": "x", "criteria": HOUR, "tier": "iron"}).expect(422)
    admin.post("/badges", {"name": "x", "criteria": HOUR, "price": 1}).expect(422, "unknown_field")


def test_a_fault_in_criteria_has_its_path(admin):
    criteria = {"all": [HOUR, {"metric": "entry_count", "gte": "many"}]}
    for path in ("/badges", "/badges/preview"):
        fields = {"criteria": criteria} if "preview" in path else {"name": "x", "criteria": criteria}
        problem = admin.post(path, fields).expect(422, "invalid_criteria", "criteria")
        assert problem["path"] == "$.all[1].gte"


def test_a_name_is_taken_once(new_badge, admin):
    new_badge("Taken")
    other = new_badge("Free")
    admin.post("/badges", {"name": "Taken", "criteria": HOUR}).expect(409, "badge_name_taken", "name")
    admin.put(f"/badges/{other}", {"name": "Taken"}).expect(409, "badge_name_taken", "name")


def test_put_changes_what_is_given(new_badge, admin, anyone):
    badge_id = new_badge("Changing", image_url="https://example.com/a.png", description="Old")
    changed = admin.put(f"/badges/{badge_id}", {"tier": "gold", "image_url": None}).expect(200)
    assert changed == {
        "badge_id": badge_id,
        "name": "Changing",
        "description": "Old",
        "criteria": HOUR,
        "tier": "gold",
        "image_url": None,
        "enabled": True,
        "revocable": False,
    }
    admin.put(f"/badges/{badge_id}", {"criteria": None}).expect(422, "missing_field", "criteria")
    admin.put(f"/badges/{badge_id}", {"enabled": False}).expect(200)
    assert listed(anyone, badge_id) is None


def test_all_badges_are_those_that_are_disabled_too(new_badge, admin, anyone):
    hidden = new_badge("Hidden", enabled=False)
    strict = new_badge("Strict", revocable=True, tier="gold")
    every = {badge.pop("badge_id"): badge for badge in admin.get("/badges/all").expect(200)}
    shared = {"description": "", "criteria": HOUR, "image_url": None, "earned_by": 0}
    assert every[hidden] == {"name": "Hidden", "tier": "bronze", "enabled": False, "revocable": False, **shared}
    assert every[strict] == {"name": "Strict", "tier": "gold", "enabled": True, "revocable": True, **shared}
    for badge in anyone.get("/badges").expect(200):
        assert every[badge.pop("badge_id")].items() >= badge.items()
    admin.put(f"/badges/{hidden}", {"enabled": True}).expect(200)
    assert listed(anyone, hidden) is not None


def test_a_badge_that_is_not_there_is_404(admin):
    for method, path, body in REQUESTS[1:3] + REQUESTS[4:5]:
        admin.client.call(method, path.replace("1", "999999999"), body).expect(404, "badge_not_found")


def test_deleting_takes_everything_back(new_badge, user, admin, db):
    badge_id = new_badge("Passing")
    user.entry(user.project(), days_ago(1), 3600)
    assert badge_id in owned(user)
    admin.delete(f"/badges/{badge_id}").expect(204)
    assert badge_id not in owned(user)
    events = user.get(f"/users/{user.id}/timeline").expect(200)
    assert {"badge_id": badge_id} not in [event["event_data"] for event in events]
    counted, left = db.execute(
        "SELECT t.badges, (SELECT count(*) FROM timetrackr.notifications AS n WHERE n.user_id = t.user_id"
        " AND (n.payload ->> 'badge_id')::bigint = %s) FROM timetrackr.user_totals AS t WHERE t.user_id = %s",
        [badge_id, user.id],
    ).fetchone()
    assert (counted, left) == (len(owned(user)), 0)


def test_preview_counts_without_awarding(admin, user, db):
    project_id = user.project()
    user.entry(project_id, days_ago(1), 60)
    criteria = {"metric": "project_seconds", "project_id": project_id, "gte": 60}
    rows = "SELECT (SELECT count(*) FROM timetrackr.user_badges), (SELECT sum(revision) FROM timetrackr.user_totals)"
    before = db.execute(rows).fetchone()
    preview = admin.post("/badges/preview", {"criteria": criteria}).expect(200)
    assert preview == {"users": 1, "sample": [{"user_id": user.id, "username": user.username}]}
    assert db.execute(rows).fetchone() == before


def told(db, user, badge_id):
    """Notifications and live events of an award."""
    return db.execute(
        "SELECT count(*) FROM timetrackr.notifications WHERE user_id = %s"
        " AND payload @> jsonb_build_object('badge_id', %s::bigint)",
        [user.id, badge_id],
    ).fetchone()[0]


@pytest.mark.parametrize("days, notified", [(1, 1), (5, 0)])
def test_an_award_is_told_unless_it_is_of_long_ago(new_badge, admin, user, db, days, notified):
    project_id = user.project()
    criteria = {"metric": "project_seconds", "project_id": project_id, "gte": 3600}
    live = new_badge("Told live", criteria)
    user.entry(project_id, days_ago(days), 3600)
    assert live in owned(user)
    assert told(db, user, live) == notified
    late = new_badge("Told late", criteria)
    assert admin.post(f"/badges/{late}/backfill").expect(200) == {"awarded": 1}
    assert late in owned(user)
    assert told(db, user, late) == notified


def test_progress_is_ones_own_and_nearest_first(new_badge, user, other, anyone):
    user.entry(user.project(), days_ago(1), 900)
    near = new_badge("Near", {"metric": "total_seconds", "gte": 1000})
    path = f"/users/{user.id}/badges/progress"
    progress = user.get(path).expect(200)
    assert [badge["fraction"] for badge in progress] == sorted(
        (badge["fraction"] for badge in progress), reverse=True
    )
    (mine,) = (badge for badge in progress if badge["badge_id"] == near)
    assert mine == {
        "badge_id": near,
        "name": "Near",
        "fraction": 0.9,
        "remaining": [{"metric": "total_seconds", "have": 900, "need": 1000, "compare": "gte"}],
    }
    assert not owned(user) & {badge["badge_id"] for badge in progress}
    anyone.get(path).expect(401)
    other.get(path).expect(403, "not_self")
    user.get("/users/999999999/badges/progress").expect(404, "user_not_found")


def test_every_badge_of_the_catalogue_has_a_small_picture(postgres):
    postgres.create_database("pictures")
    with postgres.connect("pictures") as connection:
        connection.execute("CREATE EXTENSION timetrackr CASCADE")
        connection.execute("SELECT timetrackr.install()")
        names = [name for (name,) in connection.execute("SELECT name FROM timetrackr.badges")]
    drawn = set()
    for name in names:
        picture = PICTURES / (re.sub(r"[^a-z0-9]+", "-", name.lower()) + ".svg")
        drawn.add(picture.name)
        assert picture.stat().st_size < 2048
        root = ElementTree.parse(picture).getroot()
        assert root.get("aria-label") == name
        assert root.find("{http://www.w3.org/2000/svg}title").text == name
    assert len(names) >= 20
    assert drawn == {picture.name for picture in PICTURES.glob("*.svg")}
