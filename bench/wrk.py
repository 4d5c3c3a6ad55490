"""Runs wrk against a server, and reads what it prints."""

import re
import subprocess
from pathlib import Path

from measure import Load, Meter, cpu_seconds_of_ended

UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


class Failed(Exception):
    """Requests failed: what was measured is not what was asked for."""


def parse(output):
    for sign in ("Non-2xx or 3xx responses", "Socket errors"):
        if sign in output:
            raise Failed(output)
    count = int(re.search(r"(\d+) requests in", output)[1])
    if count == 0:
        raise Failed(output)
    return Load(
        rate=float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1]),
        count=count,
        p50=_percentile(output, 50),
        p99=_percentile(output, 99),
    )


def _percentile(output, percent):
    number, unit = re.search(rf"^\s+{percent}%\s+([\d.]+)([a-z]+)\s*$", output, re.M).groups()
    return float(number) * UNITS[unit]


def script(name):
    return Path(__file__).with_name(name)


def run(url, connections, seconds, threads=1, headers=None, lua=None, arguments=(), **parts):
    """Send as many requests as come back, on so many connections, each with one at a time. lua: a
    script of this folder, and its arguments. parts: of whose CPU time to tell, as Meter takes them;
    that of wrk is `client`."""
    command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}", "--latency", "--timeout", "20"]
    for name, value in (headers or {}).items():
        command += ["-H", f"{name}: {value}"]
    if lua is not None:
        command += ["-s", script(lua)]
    command += [url, "--", *arguments]
    meter = Meter(client=cpu_seconds_of_ended, **parts)
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(done.stdout + done.stderr)
    load = parse(done.stdout)
    load.cpu = meter.spent()
    return load
