"""Every function that the API's role may call, called with what hostile users
send: each nasty value of each argument's type alone, then many at once. Only
errors that the function documents, or that PostgreSQL's data types raise, may
come out; nobody learns of a private project; and the data stays right."""

import random
import re
from contextlib import closing

import psycopg
import pytest

DATABASE = "fuzz"
SECRET = "Xylophone"
SEED = 20261122
MIXED_CALLS = 30  # of each function, with several nasty values at once

DEEP = "[" * 1000 + "]" * 1000
LAST_MOMENT = "294276-12-31 23:59:59.999999+00"
CONDITION = '{"metric": "entry_count", "gte": 1}'
NASTY = {
    "bigint": ["0", "-1", "-9223372036854775808", "9223372036854775807", "1", "4294967296"],
    "integer": ["0", "-1", "-2147483648", "2147483647", "1", "101"],
    "boolean": ["t", "f"],
    "text": [
        "", " ", "\t\n", "x", "x" * 1_000_000, "é" * 73, "\U0001f3b5" * 40, "\x01\x1b[31m", "' OR 1=1 --", '"', "\\", "%s%n",
        "%", "_", "null", "NaN", "{}", "../../etc/passwd", "posix/UTC", "UTC", "Europe/Paris", "utc-99", "{{user_id}}",
        "a@b.example", "a@b@c", "project,start_time,end_time\n,infinity,NaN", 'project\n"', ",\n" * 1000, "=1+1", "\u202eabc",
    ],
    "timestamp with time zone": [
        "infinity", "-infinity", "4714-11-24 00:00:00+00 BC", LAST_MOMENT, "epoch", "now",
        "1900-01-01Z", "2026-10-25 02:30:00 Europe/Berlin", "9999-12-31Z",
    ],
    "bytea": [r"\x", r"\x89504e470d0a1a0a", r"\xffd8ffff", r"\x474946383961", r"\x" + "00" * 2_000_000],
    "date": ["infinity", "-infinity", "4714-11-24 BC", "5874897-12-31", "today", "1900-01-01", "2026-02-28"],
    "jsonb": [
        "null", "{}", "[]", '"x"', "1e400", "true", DEEP, '{"all": []}', '{"not": {}}', '{"all": {"any": 1}}', CONDITION,
        '{"all": [%s]}' % ", ".join([CONDITION] * 65), '{"any": [%s]}' % ", ".join(['{"not": %s}' % CONDITION] * 64),
        '{"not": ' * 9 + CONDITION + "}" * 9, '{"metric": "entry_count", "gte": 1e131000}',
        '{"metric": "entry_count", "gte": 1e-400}', '{"metric": "entry_count", "gte": "1"}',
        '{"metric": "project_seconds", "gte": 1, "project_id": 9223372036854775808}',
        '{"metric": "total_seconds", "gte": 1, "last_days": 3661}', '{"metric": "%s", "gte": 1}' % ("x" * 100_000),
    ],
}  # fmt: skip
# How arrays of any type go wrong; {0} and {1} are values of the elements' type.
ARRAYS = ["{{}}", "{{NULL}}", "{{{{{0}}},{{{1}}}}}", "[5:6]={{{0},{1}}}", "{{{0},{0}}}", "{{{0},NULL}}"]
# What a call is like when nothing is wrong with it; others are null.
DECENT = {"limit": "10", "refresh_ttl": "60", "timezone": "UTC", "period": "all", "metric": "time", "visibility": "private",
          "name": "Fine", "username": "decent", "email": "decent@example.com", "password": "correct horse battery",
          "csv": "project,start_time,end_time\nOwn,2025-01-01T10:00:00Z,2025-01-01T11:00:00Z\n", "role": "viewer",
          "from": "2026-01-01", "to": "2026-02-01", "criteria": CONDITION, "group_by": "{project}"}  # fmt: skip
# SQLSTATE classes that PostgreSQL's own types and constraints raise, and the proxy answers with 4xx.
TYPES_OWN = ("22", "23")


class Function:
    def __init__(self, name, comment, parameters, is_endpoint):
        self.name = name
        self.comment = comment
        self.parameters = parameters  # (name, type, labels of an enum)
        self.is_endpoint = is_endpoint  # called with a viewer, or opens a session


@pytest.fixture(scope="module")
def database(postgres):
    postgres.install(DATABASE)
    with postgres.connect(DATABASE) as connection:
        yield connection


@pytest.fixture(scope="module")
def ids(database):
    """A stranger with a project and entries of his own; a private project of others."""
    one = {}
    for name, role in (("stranger", "user"), ("owner", "user"), ("admin", "admin")):
        (one[name],) = database.execute(
            "INSERT INTO timetrackr.users (email, username, role) VALUES (%s, %s, %s) RETURNING id",
            [f"{name}@example.com", name, role],
        ).fetchone()
    for project, owner, name in (("own", "stranger", "Own"), ("private", "owner", SECRET)):
        (one[project],) = database.execute(
            "SELECT timetrackr.create_project(%s, %s, %s)", [one[owner], name, f"about {name}"]
        ).fetchone()
        (one[f"{project} entry"],) = database.execute(
            "SELECT entry_id FROM timetrackr.start_entry(%s, %s, '2026-01-05 10:00Z', '2026-01-05 11:00Z', %s, %s)",
            [one[owner], one[project], f"note on {name}", [f"tag of {name}"]],
        ).fetchone()
    (one["badge"],) = database.execute("SELECT id FROM timetrackr.badges ORDER BY id LIMIT 1").fetchone()
    return one


@pytest.fixture(scope="module")
def functions(database):
    rows = database.execute(
        """
        SELECT p.proname, obj_description(p.oid, 'pg_proc'), array_agg(a.name ORDER BY a.place),
            array_agg(format_type(a.type, NULL) ORDER BY a.place),
            array_agg((SELECT string_agg(e.enumlabel, ',') FROM pg_enum e WHERE e.enumtypid = a.type) ORDER BY a.place)
        FROM pg_proc p
        CROSS JOIN LATERAL ROWS FROM (unnest(p.proargtypes::oid[]), unnest(p.proargnames)) WITH ORDINALITY a (type, name, place)
        WHERE p.pronamespace = 'timetrackr'::regnamespace
            AND has_function_privilege('proxy_login', p.oid, 'EXECUTE')
            AND a.type IS NOT NULL
        GROUP BY p.oid
        ORDER BY p.proname
        """
    ).fetchall()
    found = []
    for name, comment, names, types, labels in rows:
        parameters = [(one, kind, tuple(enum.split(",")) if enum else ()) for one, kind, enum in zip(names, types, labels)]
        found.append(Function(name, comment, parameters, names[0] == "viewer_id" or name in ("signup", "login", "refresh")))
    return found


class Fuzzer:
    def __init__(self, connection, functions, ids):
        self.connection = connection
        self.ids = ids
        self.comments = {one.name: one.comment for one in functions}
        self.random = random.Random(SEED)
        self.faults = {}
        self.calls = 0
        self.refusals = set()

    def nasty(self, parameter):
        """What may go wrong in an argument of this type."""
        name, kind, labels = parameter
        if kind == "record":
            return ["ROW()", "ROW(NULL)", "ROW(1, 'a', ARRAY[NULL, 'NaN'::numeric], 'infinity'::timestamptz)"]
        if kind.endswith("[]"):
            element = [*self.nasty((name, kind[:-2], labels))[:4], "1", "2"]
            quoted = ['"' + re.sub(r'(["\\])', r"\\\1", value) + '"' for value in element if value is not None]
            return [None, *(shape.format(quoted[0], quoted[1]) for shape in ARRAYS), "{" + ",".join(quoted * 500) + "}"]
        values = [None, *labels, *NASTY.get(kind, [])]
        if name == "viewer_id":
            # The proxy vouches for the viewer: he is no member of the private project.
            return [None, "0", "-1", "9223372036854775807", str(self.ids["stranger"]), str(self.ids["admin"])]
        if kind == "bigint":
            values += [str(one) for one in self.ids.values()]
        return values

    def decent(self, function, parameter):
        name, kind, labels = parameter
        viewer = "admin" if "badge" in function.name else "stranger"
        things = {"viewer_id": viewer, "user_id": "owner", "project_id": "own", "entry_id": "own entry", "badge_id": "badge"}
        if name in things:
            return str(self.ids[things[name]])
        if kind == "record":
            return "ROW(1)"
        if name in DECENT and not (labels and DECENT[name] not in labels):
            return DECENT[name]
        return labels[0] if labels else None

    def arguments(self, function):
        """Each nasty value alone, then several at once."""
        for parameter in function.parameters:
            for value in self.nasty(parameter):
                # A row a day: a hundred million of them, and no user's entry is that long.
                if function.name == "day_slices" and value == LAST_MOMENT:
                    continue
                yield {one: value if one == parameter else self.decent(function, one) for one in function.parameters}
        for _ in range(MIXED_CALLS if function.name != "day_slices" else 0):
            yield {
                one: self.random.choice(self.nasty(one)) if self.random.random() < 0.5 else self.decent(function, one)
                for one in function.parameters
            }

    def call(self, function, arguments):
        self.calls += 1
        listed = []
        values = []
        for (name, kind, _), value in arguments.items():
            if kind == "record":
                listed.append(f"{value or 'NULL'}")
                continue
            listed.append(f"%s::{kind}")
            values.append(value)
        statement = f"SELECT r::text FROM timetrackr.{function.name}({', '.join(listed)}) r"
        try:
            with self.connection.transaction(force_rollback=not function.is_endpoint):
                seen = str(self.connection.execute(statement, values).fetchall())
        except psycopg.Error as error:
            seen = self._judge(function, arguments, error)
        if SECRET in seen:
            self._fault(function, arguments, f"tells a stranger: {seen[:300]}")

    def _judge(self, function, arguments, error):
        """Only errors that are meant may come out. Returns all that they say."""
        code = error.diag.constraint_name
        state = error.sqlstate or "lost"
        if state.startswith("TT"):
            self.refusals.add((function.name, code))
            if not code or not self._documents(function, code):
                self._fault(function, arguments, f"{state} {code} is not documented: {error}")
        elif not state.startswith(TYPES_OWN) and not self._documents(function, state):
            self._fault(function, arguments, f"{state} {error}")
        return " ".join(filter(None, (str(error), error.diag.message_detail, error.diag.message_hint, error.diag.context)))

    def _documents(self, function, code):
        """In its comment, or that of a function which the comment refers to."""
        comments = [function.comment] + [
            comment for name, comment in self.comments.items() if re.search(rf"\b{name}\b", function.comment)
        ]
        return any(re.search(rf"\b{code}\b", comment) for comment in comments)

    def _fault(self, function, arguments, what):
        shown = {name: value if value is None or len(value) < 60 else value[:40] + "…" for (name, *_), value in arguments.items()}
        self.faults.setdefault(f"{function.name}: {what.splitlines()[0][:200]}", shown)


def test_no_call_does_harm(postgres, database, functions, ids):
    assert len(functions) > 60
    with closing(psycopg.connect(postgres.proxy_url(DATABASE), autocommit=True)) as connection:
        connection.execute("SET statement_timeout = '10s'")
        (backend,) = connection.execute("SELECT pg_backend_pid()").fetchone()
        fuzzer = Fuzzer(connection, functions, ids)
        for function in functions:
            for arguments in fuzzer.arguments(function):
                fuzzer.call(function, arguments)
        assert connection.execute("SELECT pg_backend_pid()").fetchone() == (backend,)
    assert not fuzzer.faults, "\n".join(f"{what}: {arguments}" for what, arguments in fuzzer.faults.items())
    assert fuzzer.calls > 3000 and len(fuzzer.refusals) > 50
    assert database.execute("SELECT * FROM timetrackr.verify()").fetchall() == []
    # What the stranger could not reach is as it was.
    assert database.execute(
        "SELECT name, visibility, owner_id FROM timetrackr.projects WHERE id = %s", [ids["private"]]
    ).fetchone() == (SECRET, "private", ids["owner"])
    assert database.execute(
        "SELECT note FROM timetrackr.time_entries WHERE user_id = %s", [ids["owner"]]
    ).fetchall() == [(f"note on {SECRET}",)]


def test_analysts_learn_nothing_of_a_private_project(postgres, database, ids):
    database.execute("CREATE ROLE fuzz_analyst")
    database.execute("SELECT timetrackr.grant_analyst('fuzz_analyst')")
    views = database.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'timetrackr'::regnamespace"
        " AND has_table_privilege('fuzz_analyst', oid, 'SELECT')"
    ).fetchall()
    assert len(views) >= 8
    with database.transaction(force_rollback=True):
        database.execute("SET LOCAL ROLE fuzz_analyst")
        for (view,) in views:
            seen = str(database.execute(f"SELECT v::text FROM timetrackr.{view} v").fetchall())
            assert SECRET not in seen and "@example.com" not in seen, view
