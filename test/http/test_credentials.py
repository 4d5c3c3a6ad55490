"""What a token alone is not enough for: changing the password, and deleting the account."""

import psycopg
import pytest
from conftest import PASSWORD, days_ago
from harness import eventually

NEW = "a new secret indeed"
PATH = "/auth/password"


def change(user, current=PASSWORD, new=NEW):
    return user.put(PATH, {"current_password": current, "new_password": new})


def log_in(anyone, user, password):
    return anyone.post("/auth/login", {"email": user.email, "password": password})


def test_the_password_is_changed(anyone, user):
    change(user).expect(204)
    log_in(anyone, user, PASSWORD).expect(401, "bad_credentials")
    log_in(anyone, user, NEW).expect(200)


def test_a_change_ends_every_session(anyone, user):
    second = log_in(anyone, user, PASSWORD).expect(200)
    change(user).expect(204)
    for session in (user.session, second):
        anyone.post("/auth/refresh", {"refresh_token": session["refresh_token"]}).expect(
            401, "refresh_token_invalid"
        )
    assert user.get("/auth/sessions").expect(200) == []


def test_the_access_token_outlives_the_change(user):
    change(user).expect(204)
    user.get("/users/me").expect(200)


def test_a_wrong_password_changes_nothing(anyone, user):
    change(user, current="not the password").expect(403, "wrong_password")
    log_in(anyone, user, PASSWORD).expect(200)
    anyone.post("/auth/refresh", {"refresh_token": user.session["refresh_token"]}).expect(200)


@pytest.mark.parametrize(
    "new", ["short", "x" * 73, "ü" * 37, "password123", "PassWord123", "email", "local", "username"]
)
def test_the_new_password_has_to_be_good(anyone, user, new):
    public = {"email": user.email.upper(), "local": user.email.split("@")[0], "username": user.username}
    change(user, new=public.get(new, new)).expect(422, "weak_password", "new_password")
    log_in(anyone, user, PASSWORD).expect(200)


@pytest.mark.parametrize("missing", ["current_password", "new_password"])
def test_both_passwords_are_needed(user, missing):
    body = {"current_password": PASSWORD, "new_password": NEW}
    del body[missing]
    user.put(PATH, body).expect(422, "missing_field", missing)


def test_it_needs_a_token(anyone):
    anyone.put(PATH, {"current_password": PASSWORD, "new_password": NEW}).expect(401, "missing_token")
    anyone.delete("/users/me", {"password": PASSWORD}).expect(401, "missing_token")


@pytest.fixture
def elsewhere(user, db):
    """An account of an identity provider's: it has no password."""
    db.execute("UPDATE timetrackr.users SET password_hash = NULL WHERE id = %s", [user.id])
    return user


def test_an_account_without_password_does_not_get_one(anyone, elsewhere):
    change(elsewhere).expect(409, "no_password")
    log_in(anyone, elsewhere, NEW).expect(401, "bad_credentials")


def test_the_account_is_deleted(anyone, user):
    user.delete("/users/me", {"password": PASSWORD}).expect(204)
    user.get("/users/me").expect(401, "invalid_token")
    user.delete("/users/me", {"password": PASSWORD}).expect(401, "invalid_token")
    log_in(anyone, user, PASSWORD).expect(401, "bad_credentials")
    anyone.post("/auth/refresh", {"refresh_token": user.session["refresh_token"]}).expect(
        401, "refresh_token_invalid"
    )
    anyone.get(f"/users/{user.id}/profile").expect(404, "user_not_found")
    body = {"email": user.email, "password": PASSWORD, "username": user.username}
    assert anyone.post("/auth/signup", body).expect(201)["user_id"] != user.id


def test_deletion_needs_the_password(user):
    user.delete("/users/me", {"password": "not the password"}).expect(403, "wrong_password")
    user.delete("/users/me", {}).expect(422, "missing_field", "password")
    user.delete("/users/me").expect(422, "missing_field", "password")
    user.get("/users/me").expect(200)


def test_a_password_is_never_taken_from_the_address(user):
    user.delete(f"/users/me?password={PASSWORD.replace(' ', '%20')}").expect(422, "unknown_field", "password")
    user.get("/users/me").expect(200)


def test_the_body_of_a_deletion_is_checked_like_any(user):
    user.delete("/users/me", {"password": PASSWORD, "sure": True}).expect(422, "unknown_field", "sure")
    user.delete("/users/me", [PASSWORD]).expect(400, "not_an_object")
    user.delete("/users/me", {"password": 12345678}).expect(422, "invalid_type", "password")
    answer = user.client.session.delete(
        user.client.base_url + "/users/me",
        data="password=x",
        headers={"Authorization": f"Bearer {user.client.token}", "Content-Type": "text/plain"},
        timeout=30,
    )
    assert answer.status_code == 415
    user.get("/users/me").expect(200)


def test_an_account_without_password_is_deleted_without_one(elsewhere):
    elsewhere.delete("/users/me", {"password": PASSWORD}).expect(403, "wrong_password")
    elsewhere.delete("/users/me").expect(204)
    elsewhere.get("/users/me").expect(401, "invalid_token")


def texts_of(db):
    """Every row of every table of the schema as text, by table."""
    tables = db.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'timetrackr'::regnamespace AND relkind = 'r'"
    ).fetchall()
    return {
        name: [row for (row,) in db.execute(f'SELECT t::text FROM timetrackr."{name}" t').fetchall()]
        for (name,) in tables
    }


READ_KEY = {
    "string": ["GET"],
    "hash": ["HGETALL"],
    "zset": ["ZRANGE", 0, -1],
    "set": ["SMEMBERS"],
    "none": None,  # it has gone meanwhile
}


def texts_of_redis(redis):
    texts = []
    for key in redis.command("KEYS", "*"):
        read = READ_KEY[redis.command("TYPE", key)]
        texts.append(f"{key} {read and redis.command(read[0], key, *read[1:])}")
    return texts


def test_a_deleted_account_leaves_no_trace(new_user, other, anyone, db, redis):
    user = new_user(username="evanescent-person")
    shared = user.project("Shared", visibility="public")
    other.post(f"/projects/{shared}/join").expect(201)
    other.entry(shared, days_ago(1), 3600)
    own = user.project("Evanescent-person's own", visibility="public")
    user.entry(own, days_ago(1), 36000, note="evanescent-person was here")
    user.entry(shared, days_ago(2), 3600)
    anyone.get(f"/users/{user.id}/profile").expect(200)
    anyone.get(f"/projects/{shared}").expect(200)
    anyone.get("/leaderboard").expect(200)
    eventually(
        lambda: any("evanescent-person" in text for text in texts_of_redis(redis)), what="the name in Redis"
    )
    user.delete("/users/me", {"password": PASSWORD}).expect(204)

    def found():
        return [
            (name, row)
            for name, rows in texts_of(db).items()
            for row in rows
            if "evanescent-person" in row.lower() or user.email in row
        ]

    assert found() == []
    anyone.get(f"/users/{user.id}/profile").expect(404)
    assert "evanescent-person" not in anyone.get(f"/projects/{shared}").content.decode()
    assert other.get(f"/projects/{shared}").expect(200)["owner_id"] == other.id
    eventually(
        lambda: not [text for text in texts_of_redis(redis) if "evanescent-person" in text.lower()],
        what="Redis without the name",
    )
    eventually(lambda: "evanescent-person" not in anyone.get("/leaderboard").content.decode(), what="the board")


def test_a_role_holds_at_once_for_tokens_issued_before(user, other, db):
    """The token's claim is for clients; what one may do is looked up, and what one was shown is not kept for long."""
    path, badges = f"/users/{other.id}/profile", {"name": "Made by an admin", "criteria": {"metric": "entry_count", "gte": 9}}
    user.post("/badges", badges).expect(403, "not_admin")
    assert user.get(path).expect(200)["email"] is None
    db.execute("SELECT timetrackr.set_role(%s::bigint, 'admin')", [user.id])
    badge_id = user.post("/badges", badges).expect(201)["badge_id"]
    eventually(lambda: user.get(path).expect(200)["email"] == other.email, 1.0, "an admin's view")
    db.execute("SELECT timetrackr.set_role(%s::text, 'user')", [user.email])
    user.delete(f"/badges/{badge_id}").expect(403, "not_admin")
    eventually(lambda: user.get(path).expect(200)["email"] is None, 1.0, "what was kept for the admin is gone")
    db.execute("DELETE FROM timetrackr.badges WHERE id = %s", [badge_id])


def test_the_proxys_role_makes_nobody_an_admin(postgres, user):
    with psycopg.connect(postgres.proxy_url(), autocommit=True) as connection:
        for statement in (
            f"SELECT timetrackr.set_role({user.id}, 'admin')",
            f"SELECT timetrackr.set_role('{user.email}', 'admin')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
