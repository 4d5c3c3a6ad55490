"""Rules about users, projects and their members, badges, and transactions."""

import json
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

import strategies as draw
from steps import (
    Steps,
    any_badges,
    any_joined,
    any_projects,
    few_badges,
    in_transaction,
    lost_users,
    many_badges,
    many_projects,
    many_users,
    may_begin,
    pick,
)
from tables import FIRST_IDS


class PeopleSteps(Steps):
    # Users, projects, members

    @rule(user=draw.picks, zone=draw.some_zones, by_function=st.booleans())
    def change_zone(self, user, zone, by_function):
        user = self.user(user)
        if by_function:
            outcome = self.db.run("SELECT user_id FROM timetrackr.update_me(%s, timezone => %s)", user, zone)
        else:
            outcome = self.db.run("UPDATE timetrackr.users SET timezone = %s WHERE id = %s", zone, user)
        self.settle(outcome, "change_zone", user, zone)

    def change(self, things, key, query, *arguments, **changes):
        """Something that nothing can refuse."""
        outcome = self.db.run(query, *arguments)
        assert outcome.refusal is None
        kept = getattr(self.model, things)
        self.model = self.model.copy()
        getattr(self.model, things)[key] = replace(kept[key], **changes)

    @rule(user=draw.picks, listed=st.booleans())
    def list_user(self, user, listed):
        user = self.user(user)
        query = "UPDATE timetrackr.users SET listed = %s WHERE id = %s"
        self.change("users", user, query, listed, user, listed=listed)

    @precondition(many_users)
    @rule(user=draw.picks)
    def delete_user(self, user):
        user = self.user(user)
        outcome = self.db.delete_user(user)
        owners = dict(self.db.all("SELECT id, owner_id FROM timetrackr.projects"))
        self.settle(outcome, "delete_user", user, owners)

    @precondition(lost_users)
    @rule(zone=draw.zones)
    def add_user(self, zone):
        self.model = self.model.copy()
        self.db.add_user(self.model, min(set(FIRST_IDS) - self.model.users.keys()), zone)

    @rule(user=draw.picks, public=st.booleans())
    def create_project(self, user, public):
        user = self.user(user)
        visibility = "public" if public else "private"
        outcome = self.db.run("SELECT timetrackr.create_project(%s, 'Another', visibility => %s)", user, visibility)
        self.settle(outcome, "new_project", user, outcome.row[0], public)

    @precondition(many_projects)
    @rule(user=draw.picks, project=draw.picks, heir=st.one_of(st.none(), draw.picks, draw.picks))
    def delete_project(self, user, project, heir):
        project = self.project(project)
        owner = self.model.projects[project].owner if project in self.model.projects else self.user(user)
        user = self.user(user) if user % 10 == 0 else owner
        heir = None if heir is None else self.project_of(user, heir)
        outcome = self.db.run("SELECT timetrackr.delete_project(%s, %s, %s)", user, project, heir)
        self.settle(outcome, "delete_project", user, project, heir)

    @precondition(many_projects)
    @rule(project=draw.picks)
    def remove_project(self, project):
        project = pick(self.model.projects, project)
        self.settle(self.db.run("DELETE FROM timetrackr.projects WHERE id = %s", project), "remove_project", project)

    @precondition(any_projects)
    @rule(project=draw.picks, user=draw.picks)
    def hand_over(self, project, user):
        project, user = pick(self.model.projects, project), self.user(user)
        query = "UPDATE timetrackr.projects SET owner_id = %s WHERE id = %s"
        self.settle(self.db.run(query, user, project), "hand_over", project, user)

    @precondition(any_projects)
    @rule(
        project=draw.picks,
        public=st.sampled_from([True, True, False]),
        archived=st.sampled_from([False, False, True]),
    )
    def change_project(self, project, public, archived):
        project = pick(self.model.projects, project)
        query = (
            "UPDATE timetrackr.projects SET visibility = %s,"
            " archived_at = CASE WHEN %s THEN now() END WHERE id = %s"
        )
        arguments = ("public" if public else "private", archived, project)
        self.change("projects", project, query, *arguments, public=public, archived=archived)

    @precondition(any_projects)
    @rule(user=draw.picks, project=draw.picks)
    def join(self, user, project):
        user, project = self.user(user), self.project(project)
        self.settle(self.db.run("SELECT timetrackr.join_project(%s, %s)", user, project), "join", user, project)

    @precondition(any_joined)
    @rule(member=draw.picks, role=st.sampled_from(["viewer", "contributor", "manager", None]))
    def change_member(self, member, role):
        """Raise, lower, or (None) throw out."""
        key = pick([key for key, had in self.model.members.items() if had != "owner"], member)
        self.model = self.model.copy()
        where = "WHERE project_id = %s AND user_id = %s"
        if role is None:
            outcome = self.db.run(f"DELETE FROM timetrackr.project_members {where}", *key)
            del self.model.members[key]
        else:
            outcome = self.db.run(f"UPDATE timetrackr.project_members SET role = %s {where}", role, *key)
            self.model.members[key] = role
        assert outcome.refusal is None

    # Badges

    @precondition(few_badges)
    @rule(criteria=draw.criteria, revocable=st.booleans())
    def add_badge(self, criteria, revocable):
        self.model = self.model.copy()
        number = 1 + max(self.model.badges, default=0)
        self.db.add_badge(self.model, number, criteria, revocable)

    @precondition(any_badges)
    @rule(badge=draw.picks, criteria=draw.criteria, enabled=st.booleans(), revocable=st.booleans())
    def change_badge(self, badge, criteria, enabled, revocable):
        outcome = self.db.run(
            "UPDATE timetrackr.badges SET criteria = %s, enabled = %s, revocable = %s WHERE id = %s",
            *(json.dumps(criteria), enabled, revocable, pick(self.model.badges, badge)),
        )
        assert outcome.refusal is None
        self.model = self.model.copy()
        number = pick(self.model.badges, badge)
        self.model.badges[number] = replace(
            self.model.badges[number], criteria=criteria, enabled=enabled, revocable=revocable
        )

    @precondition(many_badges)
    @rule(badge=draw.picks)
    def delete_badge(self, badge):
        number = pick(self.model.badges, badge)
        outcome = self.db.run("DELETE FROM timetrackr.badges WHERE id = %s", number)
        self.settle(outcome, "delete_badge", number)

    # Transactions

    @precondition(may_begin)
    @rule()
    def begin_transaction(self):
        self.db.connection.execute("BEGIN")
        self.db.connection.execute("SAVEPOINT before")
        self.before = self.model

    @precondition(in_transaction)
    @rule()
    def roll_back_to_savepoint(self):
        self.db.connection.execute("ROLLBACK TO SAVEPOINT before")
        self.model = self.before

    @precondition(in_transaction)
    @rule(commit=st.booleans())
    def end_transaction(self, commit):
        self.db.connection.execute("COMMIT" if commit else "ROLLBACK")
        self.model = self.model if commit else self.before
        self.before = None
