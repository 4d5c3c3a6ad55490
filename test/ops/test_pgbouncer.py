"""Behind PgBouncer: in session mode it works; where transactions share sessions the start says why it does not."""

import pytest
from conftest import days_ago, sign_up
from harness import PgBouncer, Proxy


@pytest.fixture
def bouncer(stage, tmp_path):
    started = []

    def make(mode):
        started.append(PgBouncer(tmp_path / mode, stage.postgres, mode).start())
        return started[-1]

    yield make
    for one in started:
        one.stop()


def test_a_pool_of_transactions_is_refused_with_the_reason(stage, bouncer, tmp_path):
    url = bouncer("transaction").proxy_url(stage.database)
    direct = stage.postgres.proxy_url(stage.database)
    for name, settings in (
        ("DATABASE_URL", {"DATABASE_URL": url}),
        ("DATABASE_READ_URL", {"DATABASE_URL": direct, "DATABASE_READ_URL": url}),
    ):
        for arguments in ([], ["--check"]):
            status, said = Proxy(tmp_path / "refused", **settings).run_to_end(*arguments)
            assert status > 0 and f"{name}: a pooler" in said and "session mode" in said, said


def test_a_pool_of_sessions_works(stage, bouncer):
    proxy = stage.proxy(DATABASE_URL=bouncer("session").proxy_url(stage.database))
    user = sign_up(proxy)
    user.entry(user.project(), days_ago(1), 3600)
    assert user.get("/users/me").expect(200)["total_seconds"] == 3600
    stage.settled()
