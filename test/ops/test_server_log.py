"""PostgreSQL told to log whatever it can: no password and no token gets into
its log, nor into the proxy's, whether what they came with succeeds or fails."""

import pytest
from conftest import PASSWORD, sign_up
from harness import Postgres, Proxy, eventually
from harness.postgres import PROXY_ROLE

EVERYTHING = """
log_statement = 'all'
log_min_duration_statement = 0
log_min_error_statement = debug5
log_min_messages = debug1
log_error_verbosity = verbose
log_duration = on
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1
shared_preload_libraries = 'auto_explain'
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on
auto_explain.log_analyze = on
auto_explain.log_verbose = on
"""

NEW = "the second secret of them"
WRONG = "a guess that was wrong"
FIELD = "a secret in a wrong field"
BOUND = "what somebody has written"


@pytest.fixture(scope="module")
def talkative(tmp_path_factory):
    server = Postgres(tmp_path_factory.mktemp("talkative"))
    server._initdb()
    with (server.data / "postgresql.conf").open("a") as conf:
        conf.write(EVERYTHING)
    server.start()
    try:
        server.install("timetrackr")
        yield server
    finally:
        server.stop()


def start_proxy(server, directory, **settings):
    proxy = Proxy(directory, DATABASE_URL=server.proxy_url(), **settings)
    proxy.start()
    return proxy


def go_through_everything(proxy):
    """Sign up, in, wrongly in, refresh, change, fail; returns every secret that was on its way."""
    user = sign_up(proxy)
    anyone = proxy.client()
    secrets = [PASSWORD, NEW, WRONG, FIELD, BOUND, user.session["refresh_token"], user.client.token]

    def log_in(password, status):
        return anyone.post("/auth/login", {"email": user.email, "password": password}).expect(status)

    body = {"email": user.email, "password": PASSWORD, "username": "another"}
    anyone.post("/auth/signup", body).expect(409, "email_taken")
    anyone.post("/auth/signup", {**body, "email": "no address"}).expect(422, "invalid_email")
    anyone.post("/auth/signup", {**body, "email": "x@example.com", "timezone": FIELD}).expect(422)
    secrets.append(log_in(PASSWORD, 200)["refresh_token"])
    log_in(WRONG, 401)
    renewed = anyone.post("/auth/refresh", {"refresh_token": user.session["refresh_token"]}).expect(200)
    secrets += [renewed["refresh_token"], renewed["access_token"]]
    anyone.post("/auth/refresh", {"refresh_token": user.session["refresh_token"]}).expect(401)
    anyone.post("/auth/refresh", {"refresh_token": FIELD}).expect(401)
    user.post("/auth/logout", {"refresh_token": renewed["refresh_token"]}).expect(204)
    change = {"current_password": PASSWORD, "new_password": NEW}
    user.put("/auth/password", {**change, "current_password": WRONG}).expect(403)
    user.put("/auth/password", {**change, "new_password": WRONG + "x" * 72}).expect(422)
    user.put("/auth/password", change).expect(204)
    user.delete("/users/me", {"password": WRONG}).expect(403)
    project_id = user.project(BOUND, description=BOUND)
    user.start(project_id, note=BOUND, tags=[BOUND])
    user.post("/time-entries", {"project_id": project_id, "tags": [BOUND * 10]}).expect(422)
    user.patch("/users/me", {"bio": BOUND * 100}).expect(422, "too_long")
    user.get("/users/me", headers={"Authorization": f"Bearer {FIELD}"}).expect(401)
    user.get("/users/me/export").expect(200)
    user.delete("/users/me", {"password": NEW}).expect(204)
    return secrets


def test_no_secret_gets_into_any_log(talkative, tmp_path):
    proxy = start_proxy(talkative, tmp_path, LOG_LEVEL="debug")
    try:
        secrets = go_through_everything(proxy)
        with talkative.connect() as db:
            db.execute("SELECT 'this is the end'")
        eventually(lambda: "this is the end" in talkative.log.read_text(), what="the log's end")
    finally:
        proxy.stop()
    server_log, proxy_log = talkative.log.read_text(), proxy.log.read_text()
    # it did log: statements of ours, those within functions, plans, refusals
    for text in ("timetrackr.login(", "INSERT INTO timetrackr.refresh_tokens", "Query Text:", "this email has an account"):
        assert text in server_log, text
    for secret in secrets:
        assert secret not in server_log
        assert secret not in proxy_log
    assert "$2a$" not in server_log.replace("'$2a$", "")


def test_the_log_would_show_them_without_grant_api(talkative, tmp_path):
    """The test above sees what it looks for; and the proxy says so at its start."""
    with talkative.connect() as db:
        db.execute(f"ALTER ROLE {PROXY_ROLE} IN DATABASE timetrackr RESET log_parameter_max_length")
    proxy = start_proxy(talkative, tmp_path)
    try:
        sign_up(proxy)
        eventually(lambda: PASSWORD in talkative.log.read_text(), what="the password in the log")
    finally:
        proxy.stop()
        with talkative.connect() as db:
            db.execute(f"SELECT timetrackr.grant_api('{PROXY_ROLE}')")
    assert '"parameters_logged"' in proxy.log.read_text()


def test_the_proxy_says_nothing_when_all_is_well(talkative, tmp_path):
    proxy = start_proxy(talkative, tmp_path)
    proxy.stop()
    assert "parameters_logged" not in proxy.log.read_text()


def test_whoever_may_not_see_to_it_is_warned(talkative):
    """grant_api() by an owner who is no superuser: it grants, and says what is left to do."""
    notices = []
    with talkative.connect() as db:
        db.add_notice_handler(lambda notice: notices.append((notice.message_primary, notice.message_hint)))
        db.execute("CREATE ROLE plain_owner")
        db.execute("CREATE ROLE plain_proxy")
        db.execute("GRANT EXECUTE ON FUNCTION timetrackr.keep_parameters_unlogged(regrole) TO plain_owner")
        db.execute("GRANT USAGE ON SCHEMA timetrackr TO plain_owner")
        db.execute("SET ROLE plain_owner")
        db.execute("SELECT timetrackr.keep_parameters_unlogged('plain_proxy')")
        db.execute("RESET ROLE")
    (message, hint), = notices
    assert "plain_proxy" in message
    assert "ALTER ROLE plain_proxy IN DATABASE timetrackr SET log_parameter_max_length = 0" in hint
