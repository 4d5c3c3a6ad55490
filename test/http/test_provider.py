"""Users of an identity provider: accounts made at first sight, and nobody
else's account taken over. And the change of our own secret."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from time import time

import pytest
from conftest import PASSWORD, sign_up
from harness import Closed, Live, Proxy, eventually
from harness.proxy import JWT_SECRET
from harness.tokens import AUDIENCE, ISSUER, EcKey, RsaKey, hs, own_claims, provider_token, public_pem, signed

OTHER_SECRET = "the-secret-that-comes-next-is-long-enough-too"


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    keys = RsaKey(), EcKey()
    file = tmp_path_factory.mktemp("keys") / "provider.pem"
    file.write_bytes(b"".join(public_pem(key) for key in keys))
    return file, *keys


@pytest.fixture(scope="module")
def provider(keys):
    """The RSA key that signs for it."""
    return keys[1]


@pytest.fixture(scope="module")
def start(postgres, redis, keys, tmp_path_factory):
    """Start a proxy that knows the provider; settings on top."""
    started = []

    def make(**settings):
        settings = {**postgres.proxy_settings(), "REDIS_URL": redis.url, "JWT_PUBLIC_KEY_FILE": keys[0],
                    "JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE, "WORKERS": 2, **settings}
        proxy = Proxy(tmp_path_factory.mktemp("proxy"), **settings)
        started.append(proxy)
        return proxy.start()

    yield make
    for proxy in started:
        if proxy.is_running():
            proxy.stop()


@pytest.fixture(scope="module")
def server(start):
    return start()


@pytest.fixture
def arrive(server, provider, request):
    """Come with a token of the provider's: arrive("ada", email=…) -> client."""

    def make(subject, key=provider, **claims):
        return server.client(token=provider_token(key, f"{request.node.name}-{subject}", **claims))

    return make


def me(client):
    return client.get("/users/me").expect(200)


def test_an_account_is_made_at_first_sight(arrive, db):
    claims = {"preferred_username": "first.ada", "name": "Ada L.", "email": "first.ada@example.com", "email_verified": True}
    profile = me(arrive("ada", **claims))
    assert profile["username"] == "first.ada" and profile["email"] == "first.ada@example.com"
    assert profile["role"] == "user"
    assert me(arrive("ada", **claims))["user_id"] == profile["user_id"]
    stored = db.execute("SELECT password_hash, external_id FROM timetrackr.users WHERE id = %s", [profile["user_id"]])
    password, external_id = stored.fetchone()
    assert password is None and external_id.startswith(f"{ISSUER} ") and external_id.endswith("-ada")


def test_the_account_is_like_any_other(arrive):
    client = arrive("worker", preferred_username="worker")
    project = client.post("/projects", {"name": "By a newcomer"}).expect(201)["project_id"]
    entry = client.post("/time-entries", {"project_id": project}).expect(201)
    assert client.put(f"/time-entries/{entry['entry_id']}/end", {}).expect(200)["entry_id"] == entry["entry_id"]


def test_the_role_is_ours_to_give(arrive, db):
    client = arrive("boss", role="admin", roles=["admin"], groups=["admin"])
    assert me(client)["role"] == "user"
    client.post("/badges", {"name": "x", "criteria": {"metric": "entry_count", "gte": 1}}).expect(403)
    db.execute("UPDATE timetrackr.users SET role = 'admin' WHERE id = %s", [me(client)["user_id"]])
    assert me(client)["role"] == "admin"


def test_an_email_that_is_not_verified_is_not_believed(arrive):
    for number, verified in enumerate([{}, {"email_verified": False}, {"email_verified": "true"}, {"email_verified": 1}]):
        profile = me(arrive(number, email=f"unverified{number}@example.com", **verified))
        assert profile["email"].endswith("@external.invalid")


def test_nobody_takes_an_account_over_by_its_email(arrive, user):
    claims = {"email": user.email.upper(), "email_verified": True, "preferred_username": user.username}
    profile = me(arrive("thief", **claims))
    assert profile["user_id"] != user.id
    assert profile["email"].endswith("@external.invalid")
    assert profile["username"].startswith(f"{user.username}-")
    assert me(user)["email"] == user.email


def test_an_account_without_password_cannot_be_logged_in_to(arrive, anyone):
    email = "nopassword@example.com"
    me(arrive("x", email=email, email_verified=True))
    for password in ("", PASSWORD):
        anyone.post("/auth/login", {"email": email, "password": password}).expect(401, "bad_credentials")


USELESS = [
    {}, {"preferred_username": ""}, {"preferred_username": 7}, {"preferred_username": "a\u202eb"}, {"name": "\t\n"},
     {"preferred_username": "x" * 300}, {"name": "\u00fc" * 60}, {"email": "no email", "email_verified": True},
     {"email": ["a@example.com"], "email_verified": True}, {"preferred_username": None, "name": "Jos\u00e9 N\u00fa\u00f1ez"},
]


@pytest.mark.parametrize("number", range(len(USELESS)))
def test_what_cannot_be_used_is_replaced(arrive, number):
    profile = me(arrive("x", **USELESS[number]))
    assert 1 <= len(profile["username"]) <= 50 and "@" in profile["email"]


def test_the_same_name_many_times(arrive):
    names = {me(arrive(number, name="John Smith"))["username"] for number in range(12)}
    assert len(names) == 12 and all(name.startswith("John Smith") for name in names)


def test_first_requests_at_once_make_one_account(server, provider, db, request):
    for round in range(5):
        subject = f"{request.node.name}-{round}"
        token = provider_token(provider, subject, preferred_username="racer")

        def ask(_):
            return server.client(token=token).get("/users/me").expect(200)["user_id"]

        with ThreadPoolExecutor(12) as pool:
            assert len(set(pool.map(ask, range(24)))) == 1
        assert db.execute("SELECT count(*) FROM timetrackr.users WHERE external_id LIKE %s", [f"%{subject}"]).fetchone() == (1,)


def test_new_keys_of_the_provider_are_taken_on_sighup(start, provider, tmp_path, request):
    file, incoming = tmp_path / "keys.pem", RsaKey()
    file.write_bytes(public_pem(provider))
    server = start(JWT_PUBLIC_KEY_FILE=file, WORKERS=2)
    old, new = (server.client(token=provider_token(key, request.node.name)) for key in (provider, incoming))
    user_id = me(old)["user_id"]
    new.get("/users/me").expect(401, "invalid_token")

    def reload(content, event):
        before = server.log.read_text().count(event)
        file.write_bytes(content)
        server.popen.send_signal(signal.SIGHUP)
        eventually(lambda: server.log.read_text().count(event) > before)

    def statuses(client):
        """Of connections that end at any of the workers."""
        return {server.client(token=client.token).get("/users/me").status for _ in range(20)}

    reload(public_pem(provider) + public_pem(incoming), '"reloaded"')
    eventually(lambda: statuses(new) == {200})
    assert me(new)["user_id"] == user_id and statuses(old) == {200}
    reload(b"no key", '"reload_failed"')
    assert statuses(new) == statuses(old) == {200}
    reload(public_pem(incoming), '"reloaded"')
    eventually(lambda: statuses(old) == {401})
    assert statuses(new) == {200}


def test_a_subject_of_another_key_is_the_same_user(arrive, keys):
    assert me(arrive("one"))["user_id"] == me(arrive("one", key=keys[2]))["user_id"]


def test_a_deleted_user_stays_deleted(arrive, db):
    client = arrive("gone")
    user_id = me(client)["user_id"]
    db.execute("DELETE FROM timetrackr.users WHERE id = %s", [user_id])
    for _ in range(20):  # whichever worker answers, and whether it knew of him or not
        client.get("/users/me").expect(401, "invalid_token")
        client.post("/projects", {"name": "too late"}).expect(401, "invalid_token")
    assert "error=\"invalid_token\"" in client.get("/users/me").headers["WWW-Authenticate"]
    assert db.execute("SELECT count(*) FROM timetrackr.users WHERE external_id LIKE '%gone'").fetchone() == (0,)
    # whoever signs in anew, later, is welcome: as somebody new
    db.execute("UPDATE timetrackr.erased_identities SET erased_at = now() - interval '1 hour'")
    anew = arrive("gone", iat=int(time()))
    eventually(lambda: anew.get("/users/me").status == 200, 10, "the old user forgotten")
    assert me(anew)["user_id"] != user_id


def test_linking_gives_an_existing_account(arrive, user, db, request):
    subject = f"{request.node.name}-linked"
    db.execute("SELECT timetrackr.link_external_id(%s, %s, %s)", [user.id, ISSUER, subject])
    assert me(arrive("linked"))["user_id"] == user.id
    # the link ends, and with it what proxies remember
    db.execute("SELECT timetrackr.link_external_id(%s, NULL, NULL)", [user.id])
    eventually(lambda: me(arrive("linked"))["user_id"] != user.id, 10, "the link forgotten")


def test_a_live_connection_by_subprotocol(server, provider, request):
    token = provider_token(provider, f"{request.node.name}-x")
    with Live(server, token=token) as live:
        assert live.status == 101
        assert live.hear()["topic"]
    user_id = me(server.client(token=token))["user_id"]
    assert user_id > 0


def test_a_live_connection_by_first_message(server, provider, request, db):
    for round in range(3):  # unknown at first, then known to one worker or both
        with Live(server) as live:
            live.say(token=provider_token(provider, f"{request.node.name}-y"))
            assert live.hear()["topic"]
    assert db.execute("SELECT count(*) FROM timetrackr.users WHERE external_id LIKE '%first_message-y'").fetchone() == (1,)


def test_a_live_connection_of_a_deleted_user(server, provider, request, db):
    token = provider_token(provider, f"{request.node.name}-z")
    user_id = me(server.client(token=token))["user_id"]
    db.execute("DELETE FROM timetrackr.users WHERE id = %s", [user_id])
    for _ in range(4):
        with Live(server) as live:
            live.say(token=token)
            with pytest.raises(Closed) as closed:
                while True:
                    live.hear()
            assert closed.value.code == 4401


def test_where_it_makes_no_difference_nobody_is_created(server, provider, request, db):
    client = server.client(token=provider_token(provider, f"{request.node.name}-n"))
    client.get("/healthz").expect(200)
    client.get("/openapi.json").expect(200)
    client.post("/auth/login", {"email": "nobody@example.com", "password": PASSWORD}).expect(401, "bad_credentials")
    client.get("/nothing").expect(404)
    client.put("/badges", {}).expect(405)
    assert db.execute("SELECT count(*) FROM timetrackr.users WHERE external_id LIKE '%created-n'").fetchone() == (0,)


def test_our_own_users_are_as_ever(server):
    user = sign_up(server)
    assert me(user)["user_id"] == user.id


def test_without_a_provider_its_tokens_are_nothing(proxy, provider):
    proxy.client(token=provider_token(provider, "whoever")).get("/users/me").expect(401, "invalid_token")


def test_without_an_audience_any_will_do(start, provider, request):
    server = start(JWT_AUDIENCE="")
    for number, aud in enumerate(["another", ["x", "y"], None]):
        me(server.client(token=provider_token(provider, f"{request.node.name}-{number}", aud=aud)))


def test_the_secret_can_be_changed(start, new_user):
    """Old tokens stay good until they end or the previous secret is taken away."""
    user = new_user()
    before = user.client.token
    server = start(JWT_SECRET=OTHER_SECRET, JWT_SECRET_PREVIOUS=JWT_SECRET)
    assert me(server.client(token=before))["user_id"] == user.id
    short = signed({"alg": "HS256"}, own_claims(user.id, exp=int(time()) + 5), hs(JWT_SECRET))
    me(server.client(token=short))
    after = server.client().post("/auth/login", {"email": user.email, "password": PASSWORD}).expect(200)["access_token"]
    me(server.client(token=after))
    # issued with the new one alone
    user.client.call("GET", "/users/me", headers={"Authorization": f"Bearer {after}"}).expect(401, "invalid_token")
    eventually(lambda: server.client(token=short).get("/users/me").status == 401, 20, "the end of a token")
    server.stop()
    server = start(JWT_SECRET=OTHER_SECRET)
    server.client(token=before).get("/users/me").expect(401, "invalid_token")
    me(server.client(token=after))


def test_no_token_and_no_name_is_logged(start, provider, request):
    server = start(LOG_LEVEL="debug")
    token = provider_token(provider, f"{request.node.name}-secret", email="logged@example.com", email_verified=True)
    me(server.client(token=token))
    server.client(token=token[:-4] + "AAAA").get("/users/me").expect(401)
    server.stop()
    log = server.log.read_text()
    assert "users/me" in log
    for secret in [*token.split("."), "logged@example.com", json.dumps(ISSUER)]:
        assert secret not in log
