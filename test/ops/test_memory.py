"""Long answers are streamed: the proxy holds a page of them, however slowly a client reads."""

import json

import pytest
import requests
from conftest import sign_up

PAGE = 12 * 1024


@pytest.fixture
def proxy(stage):
    return stage.proxy(WORKERS=1)


def fill(stage, user, count, note):
    """So many finished entries, a minute each, every two minutes, the last one two minutes ago."""
    stage.query(
        "INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, note, source)"
        " SELECT %s, %s, t, t + interval '1 minute', %s, 'import' FROM generate_series(1, %s) i,"
        " LATERAL (SELECT date_trunc('minute', now()) - i * interval '2 minutes') s (t)",
        user.id, user.project(), note, count,
    )


def streamed(proxy, user, path):
    """The body, read in pieces, and how much more the proxy held meanwhile than before, in KiB."""
    user.get("/users/me").expect(200)
    before = most = proxy.memory()
    body = []
    headers = {"Authorization": f"Bearer {user.client.token}"}
    with requests.get(proxy.url + path, headers=headers, stream=True, timeout=60) as response:
        assert response.headers["Transfer-Encoding"] == "chunked"
        for piece in response.iter_content(256 * 1024):
            body.append(piece)
            most = max(most, proxy.memory())
    return b"".join(body), most - before


def test_entries_as_csv_stay_out_of_memory(stage, proxy):
    user = sign_up(proxy)
    fill(stage, user, 12000, "x" * 1700)
    body, more = streamed(proxy, user, "/time-entries/export.csv")
    assert len(body) > 20_000_000
    assert more < PAGE, f"{more} KiB more"


def test_everything_of_an_account_stays_out_of_memory(stage, proxy):
    user = sign_up(proxy)
    fill(stage, user, 30000, "n")
    body, more = streamed(proxy, user, "/users/me/export")
    assert len(body) > 8_000_000
    assert len(json.loads(body)["entries"]) == 30000
    assert more < PAGE, f"{more} KiB more"
