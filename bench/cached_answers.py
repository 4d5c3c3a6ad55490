"""Answers to visitors: the proxy with its cache and without, and a bare
libmicrohttpd server that sends the same bytes (bare_http.c), one thread each,
in turns. Prints requests a second and the server's CPU time a request.

usage: bench/run cached_answers [ROUNDS [SECONDS OF EACH]]; needs wrk"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import requests
from harness import Postgres, Proxy, Redis, free_port
from harness.process import Process, eventually

USERS = 60


class Bare(Process):
    def __init__(self, directory, program, answer):
        super().__init__("bare", directory)
        self.port = free_port()
        (self.directory / "answer").write_bytes(answer)
        self.launch([program, str(self.port), str(self.directory / "answer")])
        self.url = f"http://127.0.0.1:{self.port}"
        self.wait_until(self._answers)

    def _answers(self):
        try:
            return requests.get(self.url, timeout=5).status_code == 200
        except requests.RequestException:
            return False


def populate(proxy):
    start = datetime.now(timezone.utc).replace(hour=8, minute=0, second=0, microsecond=0)
    for number in range(USERS):
        name = f"bench{number:04d}"
        body = {"email": f"{name}@example.com", "password": "correct horse battery", "username": name}
        client = proxy.client(token=proxy.client().post("/auth/signup", body).expect(201)["access_token"])
        project_id = client.post("/projects", {"name": f"{name}'s", "visibility": "public"}).expect(201)["project_id"]
        for day in range(1, 4):
            begin = start - timedelta(days=day)
            times = {
                "start_time": begin.isoformat(),
                "end_time": (begin + timedelta(minutes=60 + number)).isoformat(),
            }
            client.post("/time-entries", {"project_id": project_id, **times}).expect(201)


def raw_answer(url, path, encoding):
    """An answer as it comes over the wire."""
    headers = ["-H", f"Accept-Encoding: {encoding}"]
    return subprocess.run(["curl", "-s", "-i", "--raw", *headers, url + path], check=True, capture_output=True).stdout


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(process, url, encoding, seconds, clients=16, headers=()):
    """(requests a second, CPU µs a request)"""
    before = cpu_seconds(process.pid)
    out = subprocess.run(
        ["wrk", "-t1", f"-c{clients}", f"-d{seconds}", "-H", f"Accept-Encoding: {encoding}", *headers, url],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    spent = cpu_seconds(process.pid) - before
    assert "Non-2xx" not in out, out
    count = int(re.search(r"(\d+) requests in", out)[1])
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), spent / count * 1e6


def measure(directory, program, servers, path, encoding, rounds, seconds):
    cached = servers["cached"]
    bare = Bare(directory / f"bare{len(list(directory.iterdir()))}", program, raw_answer(cached.url, path, encoding))
    urls = {**{name: (proxy, proxy.url + path) for name, proxy in servers.items()}, "bare": (bare, bare.url)}
    figures = {name: [] for name in urls}
    try:
        for _ in range(rounds):
            for name, (process, url) in urls.items():
                figures[name].append(load(process, url, encoding, seconds))
    finally:
        bare.end()
    for name, pairs in figures.items():
        rate, cpu = (statistics.median(column) for column in zip(*pairs))
        print(f"{path:20} {encoding:9} {name:9} {rate:9.0f} /s {cpu:7.2f} µs", flush=True)
    ratios = [cached[0] / bare[0] for cached, bare in zip(figures["cached"], figures["bare"])]
    work = [bare[1] / cached[1] for cached, bare in zip(figures["cached"], figures["bare"])]
    print(f"{'':20} {'':9} cached/bare: {statistics.median(ratios):.2f} of the rate,", end="")
    print(f" {statistics.median(work):.2f} by CPU", flush=True)


def main(rounds=3, seconds=2):
    directory = Path(tempfile.mkdtemp(prefix="cached-", dir=os.environ.get("TMPDIR")))
    program = directory / "bare_http"
    source = Path(__file__).with_name("bare_http.c")
    subprocess.run(["cc", "-O2", "-o", program, source, "-lmicrohttpd"], check=True)
    postgres, redis = Postgres(directory / "postgres"), Redis(directory / "redis")
    started = [postgres.start(), redis.start()]
    try:
        postgres.install("timetrackr")
        settings = {"DATABASE_URL": postgres.proxy_url(), "REDIS_URL": redis.url, "WORKERS": 1}
        servers = {
            "cached": Proxy(directory / "cached", **settings),
            "uncached": Proxy(directory / "uncached", CACHE_BYTES=0, **settings),
        }
        for proxy in servers.values():
            started.append(proxy.start())
        populate(servers["cached"])
        with postgres.connect() as db:
            eventually(lambda: db.execute("SELECT count(*) FROM timetrackr.outbox").fetchone() == (0,), 30)
        for path in ("/users/1/profile", "/leaderboard", "/badges"):
            for encoding in ("identity", "gzip"):
                measure(directory, program, servers, path, encoding, rounds, seconds)
    finally:
        for process in reversed(started):
            process.stop()


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
