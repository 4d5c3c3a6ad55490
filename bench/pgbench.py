"""Runs pgbench against a server, and reads what it prints. Until its first report of
work it warms up: sessions start, prepare their statements and load what they need,
which the connections of a proxy have behind them; what is measured comes after that."""

import os
import re
import subprocess

from measure import Load, Meter, cpu_seconds

# What the proxy sets in its sessions.
SESSION = {
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    "search_path": "pg_catalog,pg_temp",
    "TimeZone": "UTC",
}

PROGRESS = re.compile(r"^progress: ([\d.]+) s, ([\d.]+) tps, lat .*, (\d+) failed$")

# Seconds within which all sessions must have started.
START_LIMIT = 60


class Failed(Exception):
    """Transactions failed: what was measured is not what was asked for."""


def parse_progress(line):
    """When it was, and transactions a second until then; None when the line tells of something else."""
    found = PROGRESS.match(line.strip())
    if found is None:
        return None
    if int(found[3]) > 0:
        raise Failed(line)
    return float(found[1]), float(found[2])


def summed(reports):
    """What was done after the first report: how many, and in how many seconds."""
    count = sum(tps * (now - before) for (before, _), (now, tps) in zip(reports, reports[1:]))
    return count, reports[-1][0] - reports[0][0]


def command(postgres, role, database, clients, script, settings=None, variables=None):
    """pgbench's command line, without an end, and its environment."""
    options = " ".join(f"-c {name}={value}" for name, value in {**SESSION, **(settings or {})}.items())
    env = dict(os.environ, PGHOST="127.0.0.1", PGPORT=str(postgres.port), PGUSER=role)
    env.update(PGPASSWORD=postgres.password, PGOPTIONS=options)
    words = [postgres.bin / "pgbench", "-n", "-M", "prepared", "-c", clients, "-j", min(clients, os.cpu_count())]
    for name, value in (variables or {}).items():
        words += ["-D", f"{name}={value}"]
    return [str(word) for word in [*words, "-f", script, database]], env


def run(arguments, seconds, **parts):
    """arguments: what command() gives. parts: of whose CPU time to tell, as Meter takes them; that of
    pgbench is `client`."""
    words, env = arguments
    words = [words[0], "-P", "1", "--progress-timestamp", "-T", str(seconds + START_LIMIT), *words[1:]]
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            reports, spent = _watch(process, seconds, parts)
        finally:
            process.terminate()
    count, took = summed(reports)
    return Load(rate=count / took, count=count, cpu=spent)


def _watch(process, seconds, parts):
    """Reports from the first one of work on, and the CPU seconds that were spent since."""
    meter = Meter(client=lambda: cpu_seconds(process.pid), **parts)
    printed, reports = "", []
    for line in process.stdout:
        printed += line
        report = parse_progress(line)
        if report is None or (not reports and report[1] == 0):
            continue
        reports.append(report)
        if len(reports) == 1:
            meter.begin()
        elif len(reports) > seconds:
            return _without_errors(printed, reports), meter.spent()
    raise Failed(printed)


def _without_errors(printed, reports):
    """A client whose statement failed gives up, and the others go on."""
    if "error:" in printed:
        raise Failed(printed)
    return reports
