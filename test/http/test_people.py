"""Finding people by the beginning of their names: those alone who are listed."""

import itertools

import pytest
from conftest import sign_up

_numbers = itertools.count(1)


@pytest.fixture
def word():
    """A beginning that no other test's names have."""
    return f"Zé{next(_numbers)}_"


@pytest.fixture
def people(proxy, word):
    """Of each ending somebody of that name."""
    return {ending: sign_up(proxy, email=f"people{next(_numbers)}@example.com", username=word + ending) for ending in ("Beta", "alpha", "GAMMA", "alp")}


def found(user, q, **query):
    return [one["username"] for one in user.get("/users", params={"q": q, **query}).expect(200)]


def test_names_are_found_by_their_beginning_whatever_its_case(user, people, word):
    in_order = [word + ending for ending in ("alp", "alpha", "Beta", "GAMMA")]
    for q in (word, word.upper(), word.lower()):
        assert found(user, q) == in_order
    assert found(user, word + "AL") == in_order[:2]
    assert found(user, word + "gamma") == in_order[3:]
    assert found(user, word + "gammas") == found(user, word[1:]) == found(user, "%" + word) == found(user, word.replace("_", "%")) == []


def test_what_is_told_is_what_boards_tell(user, people, word):
    (beta,) = user.get("/users", params={"q": f"{word}beta"}).expect(200)
    assert beta == {"user_id": people["Beta"].id, "username": f"{word}Beta", "avatar_url": None}


def test_who_is_not_listed_is_not_found(user, people, word):
    people["alp"].patch("/users/me", {"listed": False}).expect(200)
    assert found(user, f"{word}alp") == found(people["alp"], f"{word}alp") == [f"{word}alpha"]
    people["alp"].patch("/users/me", {"listed": True}).expect(200)
    assert found(user, f"{word}alp") == [f"{word}alp", f"{word}alpha"]
    people["alp"].patch("/users/me", {"username": f"{word}other"}).expect(200)
    assert found(user, f"{word}alp") == [f"{word}alpha"]


def test_emails_and_ends_of_names_find_nobody(user, people):
    assert found(user, people["Beta"].email) == found(user, "people") == []


@pytest.mark.raw
def test_an_empty_word_finds_nobody(user, people):
    """Prism takes it for a missing one."""
    assert found(user, "") == []


def test_pages_add_up_and_end_with_the_last_of_the_name(user, people, word):
    pages = list(user.pages(f"/users?q={word}&limit=3"))
    assert [len(page) for page in pages] == [3, 1]
    assert [one["username"] for page in pages for one in page] == found(user, word)
    assert len(list(user.pages(f"/users?q={word}alp&limit=1"))) == 2


def test_without_a_word_it_is_refused(user, anyone):
    user.get("/users").expect(422, "missing_field", "q")
    anyone.get("/users?q=a").expect(401)
