"""Every cell of the access matrix in docs/access.md, tried: the status is the
one it says, a refusal changes nothing, and nobody is told what only the members
of a private project may know. An endpoint without a row fails."""

import re

import pytest
from access import CALLERS, SECRET, Scene, clear, rows
from harness import Proxy
from harness.live import Live

DATABASE = "access"
# Others than the caller work on these: the relay, the sender, and whoever folds the standings.
OF_OTHERS = {"carried", "outbox", "relay", "stream", "standings", "standing_moves",
             "webhooks", "webhook_deliveries", "mails", "password_reset_requests", "password_resets"}
# Mails are asked for here, and none is sent: nobody listens.
MAIL = {"SMTP_URL": "smtp://127.0.0.1:1", "MAIL_FROM": "no-reply@timetrackr.example",
        "PUBLIC_URL": "https://api.timetrackr.example", "PASSWORD_RESET_URL": "https://app.timetrackr.example/{token}"}
# No project has it.
ABSENT = 9007199254740991

ROWS = rows()


class Stage:
    """A proxy on a database of its own, all of which is compared, and a scene
    of each visibility, made when it is asked for."""

    def __init__(self, proxy, db):
        self.proxy = proxy
        self.db = db
        self.scenes = {}

    def scene(self, visibility):
        if visibility not in self.scenes:
            self.scenes[visibility] = Scene(self.proxy, self.db, visibility)
        return self.scenes[visibility]

    def spoil(self):
        """The scenes are no longer what they were: make others."""
        clear(self.db)
        self.scenes = {}


@pytest.fixture(scope="module")
def stage(postgres, tmp_path_factory):
    postgres.install(DATABASE)
    server = Proxy(tmp_path_factory.mktemp("access"), **postgres.proxy_settings(DATABASE), **MAIL)
    with postgres.connect(DATABASE) as connection:
        try:
            yield Stage(server.start(), connection)
        finally:
            server.stop()


def contents(db):
    """A digest of each table."""
    tables = [
        name
        for (name,) in db.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'timetrackr'::regnamespace AND relkind = 'r'"
        )
        if name not in OF_OTHERS
    ]
    digest = "SELECT '{0}', md5(string_agg(t::text, ',' ORDER BY t::text)) FROM timetrackr.{0} t"
    return dict(db.execute(" UNION ALL ".join(digest.format(name) for name in tables)).fetchall())


class Trial:
    """Tries the cells of one row."""

    def __init__(self, stage, row, visibility):
        self.stage = stage
        self.proxy = stage.proxy
        self.row = row
        self.visibility = visibility
        self.faults = {}
        self.spoilt = False
        self._look()

    def _look(self):
        self.scene = self.stage.scene(self.visibility)
        self.before = contents(self.stage.db)

    def send(self, caller, path):
        """The answer's status and body."""
        client = self.proxy.client() if caller == "anonymous" else self.scene.users[caller].client
        # What a request needs of its own, an anonymous one takes from a member.
        who = "member" if caller == "anonymous" else caller
        row = self.row
        if row.words == "WebSocket":
            with Live(self.proxy, token=client.token, path=path) as live:
                return live.status, ""
        options = {}
        if row.body is not None:
            kind = {"<csv>": "text/csv", "<png>": "image/png"}.get(row.body, "application/json")
            options = {"data": self.scene.fill(row.body, who), "headers": {"Content-Type": kind}}
        answer = client.call(row.method, path + self.scene.fill(row.query, who), **options)
        return answer.status, answer.content.decode(errors="replace")

    def path(self, caller):
        return self.scene.path(self.row, "member" if caller == "anonymous" else caller)

    def fault(self, caller, what):
        self.faults.setdefault(f"{caller}, {self.visibility}", []).append(what)

    def try_cell(self, caller):
        expected = self.row.cells[caller][self.visibility]
        status, body = self.send(caller, self.path(caller))
        if status != expected:
            self.fault(caller, f"{status} instead of {expected}: {body[:200]}")
        if self.visibility == "private" and caller in ("anonymous", "stranger", "admin"):
            self._try_secrecy(caller, status, body)
        if self.row.method == "GET":
            return
        after = contents(self.stage.db)
        changed = {name for name, digest in after.items() if digest != self.before[name]}
        if status >= 400 and changed:
            self.fault(caller, f"refused, yet it changed {changed}")
        if changed and self.row.is_shared:
            self.stage.spoil()
        if changed:
            self._look()
            self.spoilt = True

    def _try_secrecy(self, caller, status, body):
        """What does not exist for the caller is no different from what does not exist."""
        if SECRET in body:
            self.fault(caller, f"tells of the project: {body[:500]}")
        if status != 404 or "{project_id}" not in self.row.path:
            return
        path = self.path(caller).replace(f"/{self.scene.project_id}", f"/{ABSENT}", 1)
        _, absent = self.send(caller, path)
        if self._without_ids(body) != self._without_ids(absent):
            self.fault(caller, f"{body} instead of {absent}")

    def _without_ids(self, body):
        body = re.sub(r'"request_id":"\w+"', "", body)
        return re.sub(rf"\b({ABSENT}|{self.scene.project_id})\b", "id", body)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_access(stage, row):
    faults = {}
    for visibility in row.visibilities:
        trial = Trial(stage, row, visibility)
        for caller in CALLERS:
            trial.try_cell(caller)
        faults.update(trial.faults)
        if trial.spoilt:
            stage.spoil()
    assert faults == {}
    assert stage.db.execute("SELECT * FROM timetrackr.verify()").fetchall() == []


def test_every_endpoint_has_a_row(anyone):
    paths = anyone.get("/openapi.json").expect(200)["paths"]
    # HEAD is what GET is.
    endpoints = {(method.upper(), path) for path, item in paths.items() for method in item if method != "head"}
    assert endpoints - {(row.method, row.path) for row in ROWS} == set()
    assert len(endpoints) > 40


def test_no_cell_is_tried_twice():
    assert len({row.id for row in ROWS}) == len(ROWS)
