"""sql/upgrade.awk: what an update script is made of."""

import subprocess
from pathlib import Path

TOP = Path(__file__).parents[2]

OLD = r"""
\echo Use "CREATE EXTENSION timetrackr" to load this file. \quit
CREATE TYPE timetrackr.colour AS ENUM ('red');
CREATE VIEW timetrackr.shown AS
SELECT 1 AS one;

-- A comment; with a semicolon.
CREATE FUNCTION timetrackr.same(a integer, b text DEFAULT ';')
RETURNS integer
LANGUAGE sql
AS $$
    SELECT ';$x$'; -- '
$$;
COMMENT ON FUNCTION timetrackr.same(integer, text) IS
'It''s the same; as ever.';

CREATE FUNCTION timetrackr.other(a integer)
RETURNS integer
LANGUAGE sql
AS $$ SELECT 1; $$;
COMMENT ON FUNCTION timetrackr.other(integer) IS
'Other.';
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA timetrackr FROM PUBLIC;
"""


def generate(tmp_path, new, step="", old=OLD):
    files = {}
    for name, text in {"old": old, "new": new, "step": step}.items():
        files[name] = tmp_path / f"{name}.sql"
        files[name].write_text(text)
    return subprocess.run(
        ["awk", "-f", TOP / "sql/upgrade.awk", "-v", f"step={files['step']}", files["old"], files["new"]],
        capture_output=True,
        text=True,
    )


def script(tmp_path, *arguments, **options):
    done = generate(tmp_path, *arguments, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def complaint(tmp_path, *arguments):
    done = generate(tmp_path, *arguments)
    assert done.returncode != 0
    return done.stderr


def test_what_looks_the_same_is_replaced_in_place(tmp_path):
    made = script(tmp_path, OLD)
    assert made.count("CREATE OR REPLACE FUNCTION") == 2 and made.count("CREATE OR REPLACE VIEW") == 1
    for word in ("DROP", "TYPE", "GRANT", "REVOKE", "CREATE FUNCTION", "CREATE EXTENSION"):
        assert word not in made
    assert "SELECT ';$x$'; -- '" in made and "'It''s the same; as ever.'" in made


def test_what_takes_or_returns_something_else_is_made_anew(tmp_path):
    made = script(tmp_path, OLD.replace("other(a integer)\nRETURNS integer", "other(a integer)\nRETURNS bigint"))
    assert made.index("DROP FUNCTION timetrackr.other(integer);") < made.index("CREATE FUNCTION timetrackr.other(a integer)")
    assert "REVOKE ALL ON FUNCTION timetrackr.other(integer) FROM PUBLIC;" in made
    assert "DROP FUNCTION timetrackr.same" not in made
    made = script(tmp_path, OLD.replace("other(a integer)", "other(a integer, b integer)").replace("other(integer)", "other(integer, integer)"))
    assert "DROP FUNCTION timetrackr.other(integer);" in made
    assert "REVOKE ALL ON FUNCTION timetrackr.other(integer, integer) FROM PUBLIC;" in made


def test_what_is_gone_is_dropped(tmp_path):
    start = OLD.index("CREATE FUNCTION timetrackr.other")
    made = script(tmp_path, OLD[:start].replace("shown", "seen").replace("colour", "tint"))
    assert made.index("DROP VIEW timetrackr.shown;") < made.index("DROP FUNCTION timetrackr.other(integer);")
    assert made.index("CREATE TYPE timetrackr.tint") < made.index("DROP TYPE timetrackr.colour;")


def test_what_the_build_cannot_know_must_be_written_by_hand(tmp_path):
    new = OLD.replace("('red')", "('red', 'blue')")
    assert "type timetrackr.colour has changed" in complaint(tmp_path, new)
    made = script(tmp_path, new, "ALTER TYPE timetrackr.colour ADD VALUE 'blue';\n")
    assert made.index("ALTER TYPE timetrackr.colour") < made.index("CREATE OR REPLACE FUNCTION")
    assert "no rule for: CREATE CAST" in complaint(tmp_path, OLD + "CREATE CAST (a AS b) WITHOUT FUNCTION;\n")
    assert "has no comment" in complaint(tmp_path, OLD.replace("COMMENT ON FUNCTION timetrackr.other(integer) IS\n'Other.';\n", ""))
