"""What is generated in docs/ is what `make docs` would write now; what the pages name is there."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from harness import Proxy

TOP = Path(__file__).parents[2]
DOCS = TOP / "docs"


def test_the_table_of_settings_is_that_of_the_program(postgres, tmp_path):
    program = Proxy(tmp_path, DATABASE_URL=postgres.proxy_url()).program
    printed = subprocess.run([TOP / "deploy/describe-settings", "page", program], check=True, capture_output=True, text=True).stdout
    assert printed.count("\n| `") > 30 and "| `JWT_SECRET` | required |" in printed
    assert printed == (DOCS / "configuring.md").read_text(), "run make docs"


def test_the_sql_reference_is_what_the_database_says(postgres):
    """In a database of its own: tests may change the shared one."""
    postgres.install("described")
    env = {
        "PATH": f"{postgres.bin}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(postgres.port),
        "PGUSER": "owner",
        "PGPASSWORD": postgres.password,
        "PGDATABASE": "described",
    }
    printed = subprocess.run([TOP / "deploy/describe-sql"], env=env, check=True, capture_output=True, text=True).stdout
    assert printed.count("\n### ") > 80 and "`409 entry_overlaps`" in printed
    assert printed == (DOCS / "sql-reference.md").read_text(), "run make docs"


def pages():
    return sorted(DOCS.glob("*.md")) + [TOP / "README.md"]


def anchors(page):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        if not other.exists() or (anchor and anchor not in anchors(other)):
            broken.append(target)
    assert broken == []


def test_the_index_names_every_page():
    index = (DOCS / "README.md").read_text()
    missing = [page.name for page in DOCS.glob("*.md") if page.name != "README.md" and f"({page.name}" not in index]
    assert missing == []


def test_the_readme_is_one_page():
    assert len((TOP / "README.md").read_text().splitlines()) <= 130
