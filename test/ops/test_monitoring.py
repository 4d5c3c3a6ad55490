"""What operators are given to watch it with: metrics that promtool takes, rules
that fire, a dashboard of what there is, and numbers that follow what breaks."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from conftest import days_ago, sign_up
from harness import Live, Mailbox, eventually, free_port
from harness.metrics import scrape
from harness.postgres import PROXY_ROLE
from harness.stage import Stage

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
RULES = MONITORING / "timetrackr-alerts.yml"
NAME = re.compile(r"\b(?:timetrackr|process)_[a-z0-9_]+\b")


class Watched(Stage):
    """A database, a Redis, a mail server and a proxy of its own that keeps answers and is scraped."""

    cache_bytes = 1 << 20

    def __init__(self, postgres, directory):
        super().__init__(postgres, directory)
        self.address = f"127.0.0.1:{free_port()}"
        self.mailbox = Mailbox()
        self.watched = self.proxy(
            METRICS_LISTEN=self.address, WORKERS=2, REDIS_CHECK_RATE=20000, SMTP_URL=self.mailbox.url(), MAIL_FROM="a@b.example",
            PUBLIC_URL="https://api.example", PASSWORD_RESET_URL="https://app.example/{token}")

    def end(self):
        super().end()
        self.mailbox.stop()

    def look(self):
        return scrape(self.address)

    def comes_to(self, value, name, seconds=30, **labels):
        def there():
            found = self.look().all(name, **labels)
            return found and set(found.values()) == {value}

        eventually(there, seconds, f"{name} {labels} at {value}")

    def exercise(self):
        """Something of everything, so that every family has a sample."""
        user = sign_up(self.watched)
        user.entry(user.project(visibility="public"), days_ago(1), 3600)
        self.watched.client().get("/leaderboard").expect(200)
        self.watched.client().get("/nothing").expect(404)
        with Live(self.watched, user.client.token) as live:
            live.topic("ready")
        return user


@pytest.fixture(scope="module")
def watched(postgres, tmp_path_factory):
    stage = Watched(postgres, tmp_path_factory.mktemp("watched"))
    try:
        stage.exercise()
        yield stage
    finally:
        stage.end()


@pytest.fixture(scope="module")
def promtool():
    assert "TIMETRACKR_PROMTOOL" in os.environ, "there is no promtool: see deploy/program"

    def run(*arguments, **options):
        return subprocess.run(
            [os.environ["TIMETRACKR_PROMTOOL"], *map(str, arguments)],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, **options,
        )

    return run


def test_promtool_takes_the_metrics_without_a_word(watched, promtool):
    checked = promtool("check", "metrics", input=watched.look().text)
    assert (checked.returncode, checked.stdout) == (0, "")


def test_every_name_is_ours_or_what_others_call_it_too(watched):
    metrics = watched.look()
    assert all(name.startswith(("timetrackr_", "process_")) for name in metrics.types)
    counters = {name for name, kind in metrics.types.items() if kind == "counter"}
    assert counters == {name for name in metrics.types if name.endswith("_total")}
    helped = set(re.findall(r"^# HELP (\S+) \S", metrics.text, re.M))
    assert helped == set(metrics.types)


def test_promtool_takes_the_rules(promtool, tmp_path):
    for file in ("timetrackr-alerts.yml", "prometheus.yml"):
        (tmp_path / file).write_text((MONITORING / file).read_text())
    (tmp_path / "alerts.yml").write_text((ROOT / "test" / "ops" / "alerts.yml").read_text())
    for arguments in (
        ("check", "rules", "timetrackr-alerts.yml"),
        ("check", "config", "prometheus.yml"),
        ("test", "rules", "alerts.yml"),
    ):
        checked = promtool(*arguments, cwd=tmp_path)
        assert checked.returncode == 0 and "FAILED" not in checked.stdout, checked.stdout


def test_every_alert_is_tested_to_fire_and_not_to():
    alerts = re.findall(r"- alert: (\w+)", RULES.read_text())
    tested = (ROOT / "test" / "ops" / "alerts.yml").read_text()
    assert len(alerts) == len(set(alerts)) > 10
    for alert in alerts:
        assert tested.count(f"alertname: {alert}, exp_alerts: []") == 1, alert
        assert tested.count(f"alertname: {alert}\n") == 1, alert


def expressions():
    """Of the rules and of the dashboard, with where they stand."""
    for expression in re.findall(r"expr: (?:>-\n)?((?:.|\n)*?)\n        (?:for|labels):", RULES.read_text()):
        yield "rules", expression
    dashboard = json.loads((MONITORING / "timetrackr-dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def test_rules_and_dashboard_ask_for_what_there_is(watched):
    """A name that no proxy exports would be a rule that never fires, and an empty panel."""
    metrics = watched.look()
    asked = [(place, name, found) for place, found in expressions() for name in NAME.findall(found)]
    assert len(asked) > 60
    for place, name, expression in asked:
        assert name in metrics.names(), f"{place}: {name} in {expression}"
    for place, expression in expressions():
        for name, matchers in re.findall(r"\b((?:timetrackr|process)_[a-z0-9_]+)\{([^}]*)\}", expression):
            labels = {label for found in metrics.all(name) for label, _ in found}
            for label in re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", matchers):
                assert label in labels | {"job"}, f"{place}: {name} has no label {label}"


def test_panels_stand_beside_each_other():
    panels = json.loads((MONITORING / "timetrackr-dashboard.json").read_text())["panels"]
    taken = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken and at["x"] + at["w"] <= 24, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_the_documentation_has_each_metric_and_alert_and_no_other(watched):
    text = (ROOT / "docs" / "monitoring.md").read_text()
    documented = set(re.findall(r"^\| `((?:timetrackr|process)_[a-z0-9_]+)", text, re.M))
    assert documented == set(watched.look().types)
    assert set(re.findall(r"^\| `(TimeTrackr\w+)`", text, re.M)) == set(re.findall(r"- alert: (\w+)", RULES.read_text()))


def test_the_process_is_told_as_the_system_sees_it(watched):
    metrics, pid = watched.look(), watched.watched.pid
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    resident = metrics.sum("process_resident_memory_bytes")
    assert abs(resident - pages * os.sysconf("SC_PAGE_SIZE")) < 0.2 * resident
    eventually(
        lambda: abs(watched.look().sum("process_open_fds") - len(os.listdir(f"/proc/{pid}/fd"))) <= 1, what="open files"
    )
    assert metrics.sum("process_max_fds") > 100
    loops = metrics.all("timetrackr_worker_cpu_seconds_total")
    assert len(loops) == metrics.sum("timetrackr_workers") == 2
    assert 0 < sum(loops.values()) <= watched.look().sum("process_cpu_seconds_total")
    age = os.stat(watched.watched.log).st_mtime - metrics.sum("process_start_time_seconds")
    assert -1 < age < 3600
    version = subprocess.run([watched.watched.program, "--version"], capture_output=True, text=True).stdout.split()[1]
    assert metrics.sum("timetrackr_build_info", version=version, extension_version=version) == 1


def test_redis_that_goes_away_and_comes_back(watched):
    kinds = {dict(labels)["connection"] for labels in watched.look().all("timetrackr_redis_up")}
    assert kinds == {"leaderboard", "cache", "relay"}
    watched.comes_to(1, "timetrackr_redis_up")
    before = watched.look()
    watched.redis.stop()
    watched.comes_to(0, "timetrackr_redis_up")
    watched.comes_to(0, "timetrackr_ready")
    watched.redis.start()
    watched.comes_to(1, "timetrackr_redis_up")
    watched.comes_to(1, "timetrackr_ready")
    after = watched.look()
    for name, least in (("connects", 5), ("failures", 5), ("commands", 5)):
        name = f"timetrackr_redis_{name}_total"
        assert after.sum(name) - before.sum(name) >= least, name


def test_connections_to_postgresql_that_are_lost(watched):
    before = watched.look()
    wanted = before.all("timetrackr_database_connections_wanted")
    assert before.all("timetrackr_database_connections") == wanted and sum(wanted.values()) == 2 * (2 + 2 + 4 + 1 + 1)
    ended = watched.value(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name IN ('timetrackr read', 'timetrackr login')"
    )
    assert ended == 6

    def mended():
        now = watched.look()
        made = now.sum("timetrackr_database_connects_total") - before.sum("timetrackr_database_connects_total")
        return made == ended and now.all("timetrackr_database_connections") == wanted

    eventually(mended, 30, "connections made anew")
    assert watched.look().sum("timetrackr_database_connects_total", lane="write") == before.sum(
        "timetrackr_database_connects_total", lane="write"
    )


def test_statements_that_find_no_connection(watched):
    user = watched.exercise()
    before = watched.look()
    wanted = before.all("timetrackr_database_connections_wanted")
    rejected = "timetrackr_lane_rejected_total"
    with watched.postgres.connect("postgres") as admin:
        admin.execute(f"ALTER DATABASE {watched.database} ALLOW_CONNECTIONS false")
        try:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (watched.database,))
            watched.comes_to(0, "timetrackr_database_connections")
            watched.comes_to(0, "timetrackr_ready")
            watched.comes_to(0, "timetrackr_relay_leader")
            user.get("/users/me").expect(503)
            assert watched.look().sum(rejected, lane="read") > before.sum(rejected, lane="read")
        finally:
            admin.execute(f"ALTER DATABASE {watched.database} ALLOW_CONNECTIONS true")
    eventually(lambda: watched.look().all("timetrackr_database_connections") == wanted, 30, "all connections")
    watched.comes_to(1, "timetrackr_relay_leader")
    watched.comes_to(0, "timetrackr_lane_queued_statements")


def test_the_relay_that_leads_and_one_that_is_held_up(watched):
    watched.comes_to(1, "timetrackr_relay_leader")
    before = watched.look()
    watched.exercise()
    moved = "timetrackr_relay_events_total"
    eventually(lambda: watched.look().sum(moved) > before.sum(moved), what="events")
    watched.comes_to(0, "timetrackr_relay_lag_seconds")
    with watched.postgres.connect(watched.database) as blocker:
        with blocker.transaction():
            blocker.execute("SELECT FROM timetrackr.relay FOR UPDATE")
            sign_up(watched.watched)
            eventually(lambda: watched.look().sum("timetrackr_relay_lag_seconds") >= 1, what="a lag")
            watched.comes_to(0, "timetrackr_feed_current_workers")
    watched.comes_to(0, "timetrackr_relay_lag_seconds")
    watched.comes_to(2, "timetrackr_feed_current_workers")


def test_what_the_leader_reports_of_the_outbox(watched):
    watched.query(
        "INSERT INTO timetrackr.dead_events (id, topic, payload, created_at, attempts) VALUES (1, 'x', '{}', now(), 12)"
    )
    watched.query(
        "INSERT INTO timetrackr.outbox (topic, run_at, attempts) VALUES ('x', now() + interval '1 hour', 3)"
    )
    watched.comes_to(1, "timetrackr_dead_events")
    watched.comes_to(1, "timetrackr_outbox_retrying_events")
    watched.comes_to(1, "timetrackr_outbox_events")
    watched.comes_to(0, "timetrackr_outbox_age_seconds")
    watched.query("DELETE FROM timetrackr.dead_events")
    watched.query("DELETE FROM timetrackr.outbox WHERE topic = 'x'")
    watched.comes_to(0, "timetrackr_dead_events")
    watched.comes_to(0, "timetrackr_outbox_retrying_events")


def test_what_the_leader_reports_of_what_is_sent(watched):
    user = sign_up(watched.watched)
    hook = {"url": "https://127.0.0.1:9/", "topics": ["entries_imported"]}  # but for tests it hears of nothing
    failing, disabled = (user.post("/webhooks", hook).expect(201)["webhook_id"] for _ in range(2))
    watched.query("UPDATE timetrackr.webhooks SET enabled = false, disabled_reason = 'gone' WHERE id = %s", disabled)
    before = watched.look()
    user.post(f"/webhooks/{failing}/test").expect(202)
    user.post("/auth/password/forgot", {"email": user.email}).expect(202)
    watched.comes_to(1, "timetrackr_webhooks_failing")
    watched.comes_to(1, "timetrackr_webhooks_disabled")
    watched.comes_to(before.sum("timetrackr_mails_total") + 1, "timetrackr_mails_total")
    assert watched.look().sum("timetrackr_webhook_failures_total") > before.sum("timetrackr_webhook_failures_total")
    # what is tried again later waits, and is not late; nor are mails, of which none waits
    watched.comes_to(1, "timetrackr_webhook_deliveries_waiting")
    for name in ("timetrackr_webhook_late_seconds", "timetrackr_mail_late_seconds", "timetrackr_mails_waiting"):
        watched.comes_to(0, name)
    watched.mailbox.replies["MAIL"] = ["550 who?"]
    user.post("/auth/password/forgot", {"email": user.email}).expect(202)
    watched.comes_to(1, "timetrackr_mail_failures_total", cause="refusal")
    watched.comes_to(1, "timetrackr_mails_waiting")
    # a sender that may not do its work
    functions = "timetrackr.claim_deliveries(integer), timetrackr.claim_mails(integer)"
    watched.query(f"REVOKE EXECUTE ON FUNCTION {functions} FROM {PROXY_ROLE}")
    try:
        watched.query("UPDATE timetrackr.mails SET run_at = now() WHERE status = 'pending'")
        user.post(f"/webhooks/{failing}/test").expect(202)
        for name in ("timetrackr_webhook_late_seconds", "timetrackr_mail_late_seconds"):
            eventually(lambda: watched.look().sum(name) > 1, 40, name)
    finally:
        watched.query(f"GRANT EXECUTE ON FUNCTION {functions} TO {PROXY_ROLE}")
    watched.comes_to(0, "timetrackr_webhook_late_seconds")
    watched.comes_to(0, "timetrackr_mail_late_seconds")
    watched.comes_to(0, "timetrackr_mails_waiting")
    watched.query("DELETE FROM timetrackr.webhooks")
    watched.comes_to(0, "timetrackr_webhooks_failing")
    watched.comes_to(0, "timetrackr_webhooks_disabled")
    watched.comes_to(0, "timetrackr_webhook_deliveries_waiting")


def test_boards_are_compared_and_mended(watched):
    user = watched.exercise()
    watched.settled()
    before = watched.look()
    rounds, wrong = "timetrackr_board_rounds_total", "timetrackr_board_differences_total"
    eventually(lambda: watched.look().sum(rounds) > before.sum(rounds), what="a round")
    watched.redis.command("ZADD", "leaderboard:global", 99, user.id)
    eventually(lambda: watched.look().sum(wrong) > before.sum(wrong), 30, "a difference")


def test_a_monitoring_role_reads_the_health_of_the_database(watched):
    watched.query("CREATE ROLE health_reader; GRANT pg_monitor TO health_reader")
    try:
        watched.query("SELECT timetrackr.grant_monitor('pg_monitor')")
        watched.comes_to(1, "timetrackr_relay_leader")
        with watched.postgres.connect(watched.database) as connection:
            connection.execute("SET ROLE health_reader")
            rows = connection.execute("SELECT name, status, value, detail FROM timetrackr.health").fetchall()
            assert len({row[0] for row in rows}) == len(rows) >= 12
            assert all(row[1] == "ok" for row in rows if row[0] not in ("outbox_age", "dead_rows", "never_analyzed")), rows
            assert "ok" == dict((row[0], row[1]) for row in rows)["relay_leader"]
        text = (ROOT / "docs" / "monitoring.md").read_text()
        assert {row[0] for row in rows} <= set(re.findall(r"^\| `([a-z_]+)` \|", text, re.M))
    finally:
        watched.query("DROP ROLE health_reader")
