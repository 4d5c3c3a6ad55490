"""The queries of docs/analytics.md, run as they stand there by an analyst on
the demo data."""

import re
from pathlib import Path

import psycopg
import pytest

TOP = Path(__file__).parents[2]
DOCUMENT = TOP / "docs" / "analytics.md"
DATABASE = "analytics"
ROLE = "analytics_reader"

# What the demo data has and no analyst may see.
UNLISTED = "yuki"
PRIVATE = ("Client: Harbour", "Thesis", "House")


def queries():
    """Every sql block with the bold question above it."""
    block = r"^\*\*(\d+\. [^*]+)\*\*(?:(?!^```).)*?^```sql\n(.*?)^```"
    found = re.findall(block, DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    return [pytest.param(query, id=question) for question, query in found]


@pytest.fixture(scope="module")
def analyst(postgres):
    """An analyst's connection to a database with the demo data."""
    postgres.install(DATABASE)
    postgres.program(
        "psql",
        *("-X", "-q", "-1", "-v", "ON_ERROR_STOP=1"),
        *("-v", "demo_email=demo@example.com", "-v", "demo_password=correct horse battery"),
        *("-v", "admin_email=admin@example.com", "-v", "admin_password=correct horse battery"),
        *("-f", TOP / "deploy" / "demo.sql"),
        database=DATABASE,
    )
    with postgres.connect(DATABASE) as owner:
        owner.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{postgres.password}'")
        owner.execute(f"SELECT timetrackr.grant_analyst('{ROLE}')")
    with psycopg.connect(postgres.url(DATABASE, ROLE), autocommit=True) as connection:
        yield connection


def test_there_are_ten_queries_and_no_other_sql():
    assert len(queries()) == 10
    assert DOCUMENT.read_text().count("```sql\n") == 10


@pytest.mark.parametrize("query", queries())
def test_a_query_of_the_document(analyst, query):
    rows = analyst.execute(query).fetchall()
    assert rows
    shown = {str(value) for row in rows for value in row}
    assert not shown & {UNLISTED, *PRIVATE}


def test_no_cell_of_any_view_tells_of_what_is_hidden(analyst):
    views = [
        name
        for (name,) in analyst.execute(
            "SELECT table_name FROM information_schema.views WHERE table_schema = 'timetrackr' ORDER BY 1"
        )
    ]
    assert len(views) == 8
    for view in views:
        rows = analyst.execute(f"SELECT to_jsonb(v)::text FROM timetrackr.{view} AS v").fetchall()
        assert rows, view
        text = "\n".join(row for (row,) in rows)
        for hidden in (UNLISTED, *PRIVATE, "@"):
            assert hidden not in text, f"{hidden} in {view}"


def test_the_demo_data_has_what_must_be_hidden(postgres, analyst):
    with postgres.connect(DATABASE) as owner:
        (unlisted,) = owner.execute(
            "SELECT count(*) FROM timetrackr.time_entries AS e JOIN timetrackr.users AS u ON u.id = e.user_id"
            " JOIN timetrackr.projects AS p ON p.id = e.project_id"
            " WHERE u.username = %s AND NOT u.listed AND p.visibility = 'public'",
            [UNLISTED],
        ).fetchone()
        (private,) = owner.execute(
            "SELECT count(DISTINCT p.name) FROM timetrackr.time_entries AS e"
            " JOIN timetrackr.projects AS p ON p.id = e.project_id"
            " WHERE p.name = ANY (%s) AND p.visibility = 'private'",
            [list(PRIVATE)],
        ).fetchone()
    assert unlisted > 0
    assert private == len(PRIVATE)
