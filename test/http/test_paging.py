"""Lists: limit, cursor and Link, the same for every list."""

import itertools

import pytest
from conftest import days_ago

LISTS = {
    "/time-entries": "entry_id",
    "/projects?scope=mine": "project_id",
    "/users/{user_id}/timeline": "event_id",
}


@pytest.fixture
def busy(user):
    """Somebody with seven projects and an entry on each, all starting at the same few times."""
    for number in range(7):
        user.entry(user.project(f"number {number}"), days_ago(20 - number // 2, 8 + number % 2), 600)
    return user


def path_of(path, user):
    return path.format(user_id=user.id)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_add_up_to_the_whole_list(busy, path, limit):
    path = path_of(path, busy)
    whole = busy.get(path).expect(200)
    mark = "&" if "?" in path else "?"
    pages = list(busy.pages(f"{path}{mark}limit={limit}"))
    assert list(itertools.chain.from_iterable(pages)) == whole
    assert all(len(page) == limit for page in pages[:-1])


@pytest.mark.parametrize("path", LISTS)
def test_the_last_page_has_no_link(busy, path):
    answer = busy.get(path_of(path, busy))
    assert answer.expect(200)
    assert answer.next_page is None


def test_the_next_page_keeps_the_filters(busy):
    mark = busy.get("/time-entries").expect(200)[2]["start_time"]
    answer = busy.get(f"/time-entries?limit=1&from={mark}")
    answer.expect(200)
    assert "from=" in answer.next_page
    assert len(list(busy.pages(f"/time-entries?limit=1&from={mark}"))) >= 3


def test_a_new_row_neither_repeats_nor_skips_others(busy):
    whole = busy.get("/time-entries").expect(200)
    first = busy.get("/time-entries?limit=3")
    busy.entry(busy.project(), days_ago(1), 60)
    rest = list(itertools.chain.from_iterable(busy.pages(first.next_page)))
    assert first.body + rest == whole


@pytest.mark.parametrize("limit", ["0", "101", "-1"])
def test_a_limit_outside_1_to_100_is_refused(busy, limit):
    for path in LISTS:
        mark = "&" if "?" in path else "?"
        busy.get(f"{path_of(path, busy)}{mark}limit={limit}").expect(422, "out_of_range", "limit")


@pytest.mark.parametrize("cursor", ["x", "W10", "WyIxIl0", "eyJhIjoxfQ", "W251bGxd", "a" * 3000])
def test_a_made_up_cursor_is_refused(busy, cursor):
    answer = busy.get(f"/time-entries?cursor={cursor}")
    assert answer.status in (400, 422), answer.content
    assert answer.body["field"] == "cursor"
