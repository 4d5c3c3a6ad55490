"""What the benchmarks do with what wrk and pgbench print, and how their tables and
charts look; not how fast anything is."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

BENCH = Path(__file__).parents[2] / "bench"
sys.path.append(str(BENCH))

import command  # noqa: E402
import line  # noqa: E402
import measure  # noqa: E402
import pgbench  # noqa: E402
import svg  # noqa: E402
import wrk  # noqa: E402

WRK = """Running 3s test @ http://127.0.0.1:28982
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    28.74ms   17.62ms 142.21ms   73.23%
    Req/Sec     1.14k   392.61     1.99k    75.86%
  Latency Distribution
     50%  812.00us
     75%   36.60ms
     90%   52.04ms
     99%    1.21s 
  3390 requests in 3.01s, 6.33MB read
Requests/sec:   1127.88
Transfer/sec:      2.11MB
"""
PROGRESS = """progress: 1795916532.044 s, 31803.6 tps, lat 0.188 ms stddev 0.625, 0 failed
progress: 1795916533.044 s, 38433.0 tps, lat 0.157 ms stddev 0.484, 0 failed
progress: 1795916535.044 s, 39095.5 tps, lat 0.155 ms stddev 0.452, 0 failed
"""


def test_wrk_tells_of_rate_and_times():
    load = wrk.parse(WRK)
    assert (load.rate, load.count) == (1127.88, 3390)
    assert load.p50 == pytest.approx(0.000812)
    assert load.p99 == pytest.approx(1.21)


@pytest.mark.parametrize(
    "sign", ["  Non-2xx or 3xx responses: 682\n", "  Socket errors: connect 0, read 2, write 0, timeout 0\n"]
)
def test_a_run_of_wrk_with_failed_requests_is_none(sign):
    with pytest.raises(wrk.Failed):
        wrk.parse(WRK.replace("Requests/sec", sign + "Requests/sec"))


def test_a_run_of_wrk_without_a_request_is_none():
    with pytest.raises(wrk.Failed):
        wrk.parse(WRK.replace("3390 requests", "0 requests"))


def test_pgbench_is_counted_after_its_first_report():
    reports = [pgbench.parse_progress(text) for text in PROGRESS.splitlines()]
    count, took = pgbench.summed(reports)
    assert took == pytest.approx(3)
    assert count == pytest.approx(38433.0 + 2 * 39095.5)


def test_other_lines_of_pgbench_are_no_reports():
    assert pgbench.parse_progress("initial connection time = 60.456 ms\n") is None


def test_failed_transactions_of_pgbench_are_noticed():
    with pytest.raises(pgbench.Failed):
        pgbench.parse_progress(PROGRESS.splitlines()[1].replace(" 0 failed", " 1 failed"))


def test_a_client_of_pgbench_that_gave_up_is_noticed(tmp_path):
    """A stand-in that goes on after an error, as pgbench does with its other clients."""
    (tmp_path / "printed").write_text(
        "pgbench: error: client 1 script 0 aborted in command 0 query 0: ERROR:  division by zero\n" + PROGRESS
    )
    program = tmp_path / "pgbench"
    program.write_text(f"#!/bin/sh\nexec cat '{tmp_path}/printed'\n")
    program.chmod(0o755)
    with pytest.raises(pgbench.Failed, match="division by zero"):
        pgbench.run(([str(program)], {}), seconds=2)
    (tmp_path / "printed").write_text(PROGRESS)
    assert pgbench.run(([str(program)], {}), seconds=2).rate == pytest.approx((38433.0 + 2 * 39095.5) / 3)


def test_ways_take_turns():
    calls = []
    found = measure.in_turns(2, {name: lambda name=name: calls.append(name) or len(calls) for name in "ab"})
    assert calls == ["a", "b", "a", "b"]
    assert found == {"a": [1, 3], "b": [2, 4]}


def test_a_ratio_is_taken_within_each_round():
    """A round at half speed changes no ratio."""
    assert measure.ratio([100, 50, 100], [200, 100, 200]) == 0.5


def test_cpu_is_told_for_each_request():
    loads = [measure.Load(rate=1, count=1000, cpu={"proxy": seconds}) for seconds in (0.02, 0.03, 0.9)]
    assert measure.cpu_text(loads, proxy="the proxy") == "CPU µs: the proxy 30.0"


def test_cpu_of_a_server_includes_children_that_ended():
    before = measure.cpu_seconds_of_ended()
    subprocess.run([sys.executable, "-c", "sum(range(3_000_000))"], check=True)
    assert measure.cpu_seconds_of_ended() > before


def test_arguments_of_a_benchmark():
    scale, variants = command.scale_and_variants(["3", "2", "A=1,B=x", "A=2"])
    assert scale == line.Scale(rounds=3, seconds=2)
    assert variants == [{}, {"A": "1", "B": "x"}, {"A": "2"}]


LINES = [
    line.Line("a read; 8 connections", "1,000/s; CPU µs: proxy 20.0", "pgbench 2,000/s", 0.5, "≥ 0.7 ×", False),
    line.Line("idle | proxy", "14.0 MB", "", None, "< 20 MB", True),
]


def test_the_table_as_text():
    assert line.text_table(LINES).splitlines() == [
        "work           measured            reference        ratio  target",
        "a read         1,000/s             pgbench 2,000/s  0.50   ≥ 0.7 ×  missed",
        "8 connections  CPU µs: proxy 20.0",
        "idle | proxy   14.0 MB                                     < 20 MB  met",
    ]


def test_the_table_as_markdown():
    rows = line.markdown_table(LINES).splitlines()
    assert rows[2] == "| a read<br>8 connections | 1,000/s<br>CPU µs: proxy 20.0 | pgbench 2,000/s | 0.50 | ≥ 0.7 × | missed |"
    assert rows[3] == "| idle \\| proxy | 14.0 MB |  |  | < 20 MB | met |"


def drawn(**options):
    panels = [
        svg.Panel(title, "connections", [svg.Series("<ours>", [(1, 100), (16, 2500), (256, 9000)])], **options)
        for title in ("rate", "cost")
    ]
    return ElementTree.fromstring(svg.chart("A & B", panels))


@pytest.mark.parametrize("options", [{}, {"log_x": False, "log_y": False}])
def test_a_chart_puts_more_higher_and_later_further_right(options):
    places = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in drawn(**options).findall(".//{*}circle")][:3]
    assert places == sorted(places) and places[0][1] > places[1][1] > places[2][1]


def test_a_chart_names_a_series_once_for_all_panels():
    texts = [text.text for text in drawn().findall(".//{*}text")]
    assert texts.count("<ours>") == 1
    assert {"A & B", "rate", "cost", "connections", "256"} <= set(texts)


def test_ticks_are_round():
    assert svg.Axis([73, 9216], True, 0, 100).ticks == [50, 100, 200, 500, 1000, 2000, 5000, 10000]
    assert svg.Axis([3, 42], False, 0, 100).ticks == [0, 10, 20, 30, 40, 50]
    assert [svg.label(value) for value in (0.5, 20, 1500, 2e6)] == ["0.5", "20", "1.5k", "2M"]


def test_documenting_replaces_what_is_between_the_marks(tmp_path):
    shutil.copytree(BENCH, tmp_path / "bench", ignore=shutil.ignore_patterns("results", "__pycache__"))
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs" / "performance.md"
    begin, end = "<!-- goals: bench/document writes this -->\n", "<!-- goals end -->\n"
    page.write_text(f"before\n{begin}old\n{end}after\n")
    program = """
import results, line
results.save_lines("memory", [line.Line("idle", "14.0 MB", "", None, "< 20 MB", True)], 1.5, 3)
results.save("concurrency.svg", "<svg><title>By concurrency</title></svg>")
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path / "bench", env={}, check=True)
    subprocess.run([sys.executable, tmp_path / "bench" / "document"], env={}, check=True)
    text = page.read_text()
    assert text.startswith(f"before\n{begin}") and text.endswith(f"{end}after\n") and "old" not in text
    assert "| idle | 14.0 MB |  |  | < 20 MB | met |" in text
    assert "![By concurrency](performance-concurrency.svg)" in text
    assert (tmp_path / "docs" / "performance-concurrency.svg").exists()


def documented():
    texts = [path.read_text() for path in [*BENCH.parent.glob("*.md"), *BENCH.parent.glob("docs/*.md")]]
    return sorted({name for text in texts for name in re.findall(r"bench/run ([a-z_]+)", text)})


def test_every_benchmark_in_the_documents_can_be_run():
    """bench/run tells the names it takes."""
    usage = subprocess.run([BENCH / "run"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    names = usage.stdout.partition("usage:")[2].split(":")[-1].split()
    assert usage.returncode != 0 and "start_stop" in names
    assert set(documented()) <= set(names)
