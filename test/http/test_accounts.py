"""Signing up, logging in, sessions and the own account."""

import base64
import hashlib
import hmac
import json
from time import time

import jwt
import pytest
from conftest import PASSWORD
from harness.proxy import JWT_SECRET

SESSION = {"access_token", "token_type", "expires_in", "refresh_token", "user_id", "username", "role"}


def test_signup_answers_with_a_session(anyone):
    body = {"email": "Ada@Example.com", "password": PASSWORD, "username": "ada"}
    session = anyone.post("/auth/signup", body).expect(201)
    assert SESSION <= session.keys()
    assert session["token_type"] == "Bearer"
    assert session["expires_in"] == 3600
    assert session["role"] == "user"
    assert session["username"] == "ada"
    assert len(session["refresh_token"]) == 43


def test_the_token_says_who_and_until_when(user):
    claims = jwt.decode(user.client.token, JWT_SECRET, algorithms=["HS256"], issuer="timetrackr")
    assert claims["sub"] == str(user.id)
    assert claims["role"] == "user"
    assert claims["exp"] - claims["iat"] == 3600


def test_login_with_the_right_password(anyone, user):
    session = anyone.post("/auth/login", {"email": user.email, "password": PASSWORD}).expect(200)
    assert SESSION <= session.keys()
    assert session["user_id"] == user.id


def test_login_does_not_care_for_case_of_the_email(anyone, user):
    session = anyone.post("/auth/login", {"email": user.email.upper(), "password": PASSWORD}).expect(200)
    assert session["user_id"] == user.id


def test_login_tells_nothing_about_which_accounts_exist(anyone, user):
    wrong = anyone.post("/auth/login", {"email": user.email, "password": "not the password"})
    unknown = anyone.post("/auth/login", {"email": "nobody@example.com", "password": PASSWORD})
    bodies = [answer.expect(401, "bad_credentials") for answer in (wrong, unknown)]
    for body in bodies:
        del body["request_id"]
    assert bodies[0] == bodies[1]


def test_login_of_an_account_without_password_fails_like_a_wrong_one(anyone, user, db):
    db.execute("UPDATE timetrackr.users SET password_hash = NULL WHERE id = %s", [user.id])
    anyone.post("/auth/login", {"email": user.email, "password": PASSWORD}).expect(401, "bad_credentials")


def test_a_hash_of_another_bcrypt_maker_is_accepted(anyone, user, db):
    db.execute(
        "UPDATE timetrackr.users SET password_hash = overlay(password_hash PLACING '$2b$' FROM 1 FOR 4)"
        " WHERE id = %s",
        [user.id],
    )
    anyone.post("/auth/login", {"email": user.email, "password": PASSWORD}).expect(200)


def test_the_password_is_stored_as_bcrypt_only(user, db):
    (stored,) = db.execute(
        "SELECT password_hash FROM timetrackr.users WHERE id = %s", [user.id]
    ).fetchone()
    assert stored.startswith("$2a$") and len(stored) == 60


def test_refresh_rotates(anyone, user):
    renewed = anyone.post("/auth/refresh", {"refresh_token": user.session["refresh_token"]}).expect(200)
    assert SESSION <= renewed.keys()
    assert renewed["user_id"] == user.id
    assert renewed["refresh_token"] != user.session["refresh_token"]
    anyone.post("/auth/refresh", {"refresh_token": renewed["refresh_token"]}).expect(200)


def test_a_reused_refresh_token_revokes_its_family(anyone, user):
    first = user.session["refresh_token"]
    second = anyone.post("/auth/refresh", {"refresh_token": first}).expect(200)["refresh_token"]
    anyone.post("/auth/refresh", {"refresh_token": first}).expect(401, "refresh_token_invalid")
    anyone.post("/auth/refresh", {"refresh_token": second}).expect(401, "refresh_token_invalid")


def test_an_expired_refresh_token_is_refused(anyone, user, db):
    db.execute(
        "UPDATE timetrackr.refresh_tokens SET expires_at = now() - interval '1 second' WHERE user_id = %s",
        [user.id],
    )
    anyone.post("/auth/refresh", {"refresh_token": user.session["refresh_token"]}).expect(
        401, "refresh_token_invalid"
    )


def test_refresh_tokens_are_stored_hashed(user, db):
    stored = db.execute(
        "SELECT token_sha256 = sha256(%s::bytea) FROM timetrackr.refresh_tokens WHERE user_id = %s",
        [user.session["refresh_token"].encode(), user.id],
    ).fetchall()
    assert stored == [(True,)]


def test_logout_ends_one_session(anyone, user):
    other = anyone.post("/auth/login", {"email": user.email, "password": PASSWORD}).expect(200)
    user.post("/auth/logout", {"refresh_token": user.session["refresh_token"]}).expect(204)
    anyone.post("/auth/refresh", {"refresh_token": user.session["refresh_token"]}).expect(401)
    anyone.post("/auth/refresh", {"refresh_token": other["refresh_token"]}).expect(200)


def test_logout_without_a_token_ends_all_sessions(anyone, user):
    other = anyone.post("/auth/login", {"email": user.email, "password": PASSWORD}).expect(200)
    user.post("/auth/logout", {}).expect(204)
    for session in (user.session, other):
        anyone.post("/auth/refresh", {"refresh_token": session["refresh_token"]}).expect(
            401, "refresh_token_invalid"
        )


def encode(part):
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def unsigned(header, claims):
    return f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}."


def bad_tokens(user_id):
    """Tokens that must not be believed, by what is wrong with them."""
    now = int(time())
    good = {"iss": "timetrackr", "sub": str(user_id), "iat": now, "exp": now + 600, "role": "user"}

    def signed(key=JWT_SECRET, algorithm="HS256", headers=None, **changes):
        claims = {name: value for name, value in {**good, **changes}.items() if value is not None}
        return jwt.encode(claims, key, algorithm=algorithm, headers=headers)

    return {
        "other key": signed(key="another-secret-that-is-long-enough-too"),
        "expired": signed(exp=now - 1),
        "no exp": signed(exp=None),
        "exp is text": jwt_with(good, exp=str(now + 600)),
        "not yet": signed(nbf=now + 300),
        "other issuer": signed(iss="somebody"),
        "no issuer": signed(iss=None),
        "sub is no number": signed(sub="me"),
        "sub is negative": signed(sub="-1"),
        "no sub": signed(sub=None),
        "HS384": signed(algorithm="HS384"),
        "HS512": signed(algorithm="HS512"),
        "none": unsigned({"alg": "none", "typ": "JWT"}, good),
        "alg in lower case": jwt_with(good, header={"alg": "hs256", "typ": "JWT"}),
        "critical extension": jwt_with(good, header={"alg": "HS256", "crit": ["x"], "x": 1}),
        "claims are an array": jwt_with([1, 2]),
        "claims are text": jwt_with("text"),
        "one segment": "abc",
        "two segments": signed().rsplit(".", 1)[0],
        "empty signature": signed().rsplit(".", 1)[0] + ".",
        "empty claims": signed().split(".")[0] + ".." + signed().split(".")[2],
        "empty header": "." + signed().split(".", 1)[1],
        "four segments": signed() + ".x",
        "dots": "..",
        "bytes that are no base64": "!!!.???.###",
        "long": "a" * 7000,
    }


def jwt_with(claims, header=None, **changes):
    """A token with a right signature over any header and any claims."""
    if changes:
        claims = {**claims, **changes}
    header = header or {"alg": "HS256", "typ": "JWT"}
    text = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}"
    return f"{text}.{encode(hmac.digest(JWT_SECRET.encode(), text.encode(), hashlib.sha256))}"


@pytest.mark.parametrize("wrong", sorted(bad_tokens(1)))
def test_a_bad_token_is_refused_everywhere(proxy, user, wrong):
    client = proxy.client(token=bad_tokens(user.id)[wrong])
    for path in ("/users/me", "/leaderboard", f"/users/{user.id}/profile"):
        answer = client.get(path)
        answer.expect(401, "invalid_token")
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_good_token_made_elsewhere_with_the_same_secret_is_believed(proxy, user):
    now = int(time())
    claims = {"iss": "timetrackr", "sub": str(user.id), "iat": now, "exp": now + 60, "role": "user"}
    client = proxy.client(token=jwt_with(claims))
    assert client.get("/users/me").expect(200)["user_id"] == user.id


def test_the_token_of_a_user_who_is_gone_is_refused(user, db):
    db.execute("DELETE FROM timetrackr.users WHERE id = %s", [user.id])
    for path in ("/users/me", "/leaderboard", "/badges"):
        user.get(path).expect(401, "invalid_token")
    user.post("/projects", {"name": "From beyond"}).expect(401, "invalid_token")


@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", "/users/me"),
        ("PATCH", "/users/me"),
        ("POST", "/auth/logout"),
        ("POST", "/projects"),
        ("PUT", "/projects/1/visibility"),
        ("POST", "/projects/1/join"),
        ("POST", "/time-entries"),
        ("PUT", "/time-entries/1/end"),
        ("GET", "/time-entries/current"),
        ("GET", "/time-entries"),
        ("GET", "/time-entries/1"),
        ("PATCH", "/time-entries/1"),
        ("DELETE", "/time-entries/1"),
    ],
)
def test_without_a_token_users_only_paths_answer_401(anyone, method, path):
    answer = anyone.call(method, path, {} if method != "GET" else None)
    answer.expect(401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_own_profile_has_everything(user):
    me = user.get("/users/me").expect(200)
    assert me["user_id"] == user.id
    assert me["email"] == user.email
    assert me["timezone"] == "UTC"
    assert me["listed"] is True
    assert me["badges"] == []
    assert me["contributions"] == []
    assert me["total_seconds"] == me["entry_count"] == 0
    assert me["current_streak_days"] == me["longest_streak_days"] == 0
    assert me["created_at"].endswith("Z")


def test_the_account_can_be_changed(user):
    changed = user.patch(
        "/users/me", {"username": f"renamed{user.id}", "timezone": "Asia/Tokyo", "bio": "I track.", "listed": False}
    ).expect(200)
    assert changed["username"] == f"renamed{user.id}"
    assert changed["timezone"] == "Asia/Tokyo"
    assert changed["bio"] == "I track."
    assert changed["listed"] is False
    assert user.get("/users/me").expect(200) == changed


def test_fields_that_are_absent_stay(user):
    user.patch("/users/me", {"bio": "First."}).expect(200)
    changed = user.patch("/users/me", {"timezone": "Europe/Paris"}).expect(200)
    assert changed["bio"] == "First."


def test_others_see_no_email(user, other, anyone):
    path = f"/users/{user.id}/profile"
    assert user.get(path).expect(200)["email"] == user.email
    assert other.get(path).expect(200)["email"] is None
    assert anyone.get(path).expect(200)["email"] is None


def test_an_admin_sees_the_email(user, other, db):
    db.execute("UPDATE timetrackr.users SET role = 'admin' WHERE id = %s", [other.id])
    assert other.get(f"/users/{user.id}/profile").expect(200)["email"] == user.email
