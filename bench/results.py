"""Where results are kept: a JSON file for each benchmark, and charts. What a
benchmark left stays until it is run again, so some can be repeated by themselves."""

import json
import os
import time
from dataclasses import asdict
from pathlib import Path

import measure
from line import Line


def folder():
    path = Path(os.environ.get("TIMETRACKR_RESULTS") or Path(__file__).with_name("results"))
    path.mkdir(parents=True, exist_ok=True)
    return path


def save(name, text):
    (folder() / name).write_text(text)


def save_lines(benchmark, lines, load, took):
    """load: the load average before it. took: seconds."""
    result = {
        "benchmark": benchmark,
        "ended": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "machine": measure.machine(),
        "load": round(load, 1),
        "sync_ms": round(measure.sync_milliseconds(), 1),
        "seconds": round(took),
        "lines": [asdict(line) for line in lines],
    }
    save(f"{benchmark}.json", json.dumps(result, indent=1, ensure_ascii=False) + "\n")


def load_lines(benchmark):
    """What save_lines() wrote, lines as Line; None when there is nothing."""
    try:
        result = json.loads((folder() / f"{benchmark}.json").read_text())
    except FileNotFoundError:
        return None
    return {**result, "lines": [Line(**line) for line in result["lines"]]}
