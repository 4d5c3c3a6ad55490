"""Where one is signed in, and ending that."""

from uuid import uuid4

import pytest
from conftest import PASSWORD
from harness import Proxy

SESSIONS = "/auth/sessions"


def log_in(client, user, **options):
    return client.post("/auth/login", {"email": user.email, "password": PASSWORD}, **options).expect(200)


def refresh(client, session, **options):
    return client.post("/auth/refresh", {"refresh_token": session["refresh_token"]}, **options)


def test_a_login_is_a_session(anyone, user):
    (first,) = user.get(SESSIONS).expect(200)
    assert first.keys() == {"session_id", "created_at", "last_used_at", "expires_at", "address"}
    assert first["address"] == "127.0.0.1"
    assert first["created_at"] == first["last_used_at"] < first["expires_at"]
    log_in(anyone, user)
    newest, oldest = user.get(SESSIONS).expect(200)
    assert oldest == first
    assert newest["session_id"] != first["session_id"]


def test_a_refresh_keeps_the_session(anyone, user):
    (before,) = user.get(SESSIONS).expect(200)
    refresh(anyone, user.session).expect(200)
    (after,) = user.get(SESSIONS).expect(200)
    assert (after["session_id"], after["created_at"]) == (before["session_id"], before["created_at"])
    assert after["last_used_at"] > before["last_used_at"]
    assert after["expires_at"] > before["expires_at"]


def test_one_session_is_ended(anyone, user):
    (first,) = user.get(SESSIONS).expect(200)
    second = log_in(anyone, user)
    user.delete(f"{SESSIONS}/{first['session_id']}").expect(204)
    refresh(anyone, user.session).expect(401, "refresh_token_invalid")
    refresh(anyone, second).expect(200)
    assert len(user.get(SESSIONS).expect(200)) == 1
    user.delete(f"{SESSIONS}/{first['session_id']}").expect(404, "session_not_found")


def test_somebody_elses_session_is_not_there(anyone, user, other):
    (theirs,) = other.get(SESSIONS).expect(200)
    user.delete(f"{SESSIONS}/{theirs['session_id']}").expect(404, "session_not_found")
    refresh(anyone, other.session).expect(200)


@pytest.mark.parametrize("name", ["2f1c7d9e-3b64-4f0a-9c55-8f1e0d6a7b43", "1", "%00", "'--", "a" * 500])
def test_what_is_no_session_is_not_found(user, name):
    assert user.delete(f"{SESSIONS}/{name}").status in (400, 404)


def test_ended_and_expired_sessions_are_not_listed(anyone, user, db):
    user.post("/auth/logout", {"refresh_token": user.session["refresh_token"]}).expect(204)
    log_in(anyone, user)
    db.execute(
        "UPDATE timetrackr.refresh_tokens SET expires_at = now() - interval '1 second' WHERE user_id = %s", [user.id]
    )
    assert user.get(SESSIONS).expect(200) == []


def test_sessions_come_in_pages(anyone, user):
    for _ in range(4):
        log_in(anyone, user)
    whole = user.get(SESSIONS).expect(200)
    assert len(whole) == 5
    pages = list(user.pages(f"{SESSIONS}?limit=2"))
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [row for page in pages for row in page] == whole


def test_it_needs_a_token(anyone):
    anyone.get(SESSIONS).expect(401, "missing_token")
    anyone.delete(f"{SESSIONS}/{uuid4()}").expect(401, "missing_token")


@pytest.mark.parametrize(
    "address, place",
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_a_session_tells_the_network_it_comes_from(postgres, redis, tmp_path, user, address, place):
    """Of IPv6 no more than the network: the rest of an address follows a device around."""
    proxy = Proxy(tmp_path, **postgres.proxy_settings(), REDIS_URL=redis.url, TRUST_PROXY="true")
    proxy.start()
    try:
        session = log_in(proxy.client(), user, headers={"X-Forwarded-For": address})
        assert user.get(SESSIONS).expect(200)[0]["address"] == place
        refresh(proxy.client(), session, headers={"X-Forwarded-For": "192.0.2.77"}).expect(200)
        assert user.get(SESSIONS).expect(200)[0]["address"] == "192.0.2.77"
    finally:
        proxy.stop()
