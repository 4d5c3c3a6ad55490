"""The access matrix of docs/access.md, and the people and things that its cells
are tried with."""

import itertools
import json
import re
from pathlib import Path

import psycopg
from conftest import PASSWORD, days_ago, sign_up
from harness.pictures import png

TABLE = Path(__file__).parents[2] / "docs" / "access.md"
CALLERS = ("anonymous", "stranger", "viewer", "contributor", "manager", "owner", "admin")
ROLES = {"viewer": "viewer", "contributor": "contributor", "member": "contributor", "manager": "manager", "deputy": "manager"}
SECRET = "Xylophone"  # in all that only the project's members may see
CSV = "project,start_time,end_time\r\n,2025-03-04T10:00:00Z,2025-03-04T11:00:00Z\r\n"

_numbers = itertools.count(1)


class Row:
    """A row of the table: what to send, and the status for each caller."""

    def __init__(self, line):
        endpoint, given, *cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        self.method, self.path = endpoint.strip("`").split(" ")
        self.id = f"{self.method} {self.path} {given}".strip()
        spans = re.findall(r"`([^`]*)`", given)
        self.query = next((span for span in spans if span.startswith("?")), "")
        self.body = next((span for span in spans if not span.startswith("?")), None)
        self.words = re.sub(r"`[^`]*`", "", given).strip(" ,")
        self.cells = dict(zip(CALLERS, map(self._statuses, cells), strict=True))
        # Writes that have to do with no project are tried once.
        of_project = self.method == "GET" or "project_id" in self.path + given
        self.visibilities = ("private", "public") if of_project else ("private",)
        # What one caller does to his own things is nothing to the next.
        self.is_shared = "{" in self.path and self.words != "own"

    @staticmethod
    def _statuses(cell):
        private, _, public = cell.partition(" · ")
        return {"private": int(private), "public": int(public or private)}

    def owner_of_things(self, caller):
        """Whose the things named by the path are."""
        owners = {"own": caller, "own project": caller, "a manager's": "deputy", "the owner's": "owner"}
        return owners.get(self.words, "member")


def rows():
    table = TABLE.read_text().split("## Every endpoint")[1]
    return [Row(line) for line in table.splitlines() if line.startswith("| `")]


class Scene:
    """A project with members of all roles, and others; each has an entry on a
    project of his own, but `member` has his on the project."""

    def __init__(self, proxy, db, visibility):
        name = f"{SECRET} {next(_numbers)}"
        self.users = {
            who: sign_up(proxy, f"{who}{next(_numbers)}") for who in ("owner", *ROLES, "stranger", "admin")
        }
        db.execute("UPDATE timetrackr.users SET role = 'admin' WHERE id = %s", [self.users["admin"].id])
        (self.badge_id,) = db.execute(
            "INSERT INTO timetrackr.badges (name, criteria) VALUES (%s, %s) RETURNING id",
            [f"Badge {next(_numbers)}", json.dumps({"metric": "entry_count", "gte": 50})],
        ).fetchone()
        (self.media_id,) = db.execute(
            "INSERT INTO timetrackr.media (bytes) VALUES (%s) RETURNING id", [png(seed=next(_numbers))]
        ).fetchone()
        db.execute("UPDATE timetrackr.badges SET image_url = '/media/' || %s WHERE id = %s", [self.media_id, self.badge_id])
        self.project_id = self.users["owner"].project(name, description=name, visibility=visibility)
        for who, role in ROLES.items():
            db.execute(
                "INSERT INTO timetrackr.project_members (project_id, user_id, role) VALUES (%s, %s, %s)",
                [self.project_id, self.users[who].id, role],
            )
        self.projects = {who: user.project("Own") for who, user in self.users.items()}
        self.entries = {
            who: user.entry(self.projects[who], days_ago(2), 600)["entry_id"] for who, user in self.users.items()
        }
        self.sessions = {
            who: user.get("/auth/sessions").expect(200)[0]["session_id"] for who, user in self.users.items()
        }
        self.webhooks = {who: self._webhook(user) for who, user in self.users.items()}
        self.deliveries = {
            who: db.execute(
                "INSERT INTO timetrackr.webhook_deliveries (user_id, webhook_id, message_id, topic, payload, status)"
                " VALUES (%s, %s, 'evt_1', 'entries_imported', '{}', 'failed') RETURNING id",
                [user.id, self.webhooks[who]],
            ).fetchone()[0]
            for who, user in self.users.items()
        }
        noted = self.users["member"].entry(self.project_id, days_ago(3), 3600, note=name, tags=[SECRET])
        self.entries["member"] = noted["entry_id"]

    @staticmethod
    def _webhook(user):
        """One that hears of next to nothing, and leads where the proxy does not go."""
        body = {"url": "https://127.0.0.1:9/", "topics": ["entries_imported"]}
        return user.post("/webhooks", body).expect(201)["webhook_id"]

    def path(self, row, caller):
        who = row.owner_of_things(caller)
        return row.path.format(
            project_id=self.projects[who] if row.words == "own project" else self.project_id,
            user_id=self.users[who].id,
            entry_id=self.entries[who],
            badge_id=self.badge_id,
            media_id=self.media_id,
            session_id=self.sessions[who],
            webhook_id=self.webhooks[who],
            delivery_id=self.deliveries[who],
            subscription="no-such-one",
        )

    def fill(self, text, caller):
        """The request with its placeholders filled; a picture as bytes."""
        if text == "<png>":
            return png(seed=next(_numbers))
        user = self.users[caller]
        values = {
            "project_id": self.project_id,
            "own_project_id": self.projects[caller],
            "email": user.email,
            "password": PASSWORD,
            "refresh_token": user.session["refresh_token"],
            "new": f"new{next(_numbers)}",
            "csv": CSV,
        }
        return re.sub(r"<(\w+)>", lambda match: str(values[match[1]]), text)


def clear(db):
    """Whoever and whatever the last scene, and what was done in it, left behind."""
    ((distributed,),) = db.execute("SELECT timetrackr.is_distributed()").fetchall()
    while True:
        try:
            if distributed:
                for table in ("time_entries", "projects", "users"):
                    db.execute(f"DELETE FROM timetrackr.{table}")
            else:
                db.execute("TRUNCATE timetrackr.users, timetrackr.projects CASCADE")
            break
        except psycopg.errors.DeadlockDetected:
            pass  # the relay and the sender lock these tables, too, in another order
    db.execute("DELETE FROM timetrackr.badges WHERE name ~ '^(Badge |new)[0-9]+$'")
