"""Every goal: runs the benchmarks that contribute to the table, one after the other,
and prints it. A benchmark that fails is named, and does not keep others from
running. Their results go into bench/results as they come: JSON, the table as
Markdown, charts.

usage: bench/run all [--rounds 5] [--seconds 3] [--only WORDS]: WORDS are the
beginnings of words in benchmarks' names, such as "cached wake" """

import argparse
import importlib
import sys
import time
import traceback
from dataclasses import replace

import measure
import results
from line import Scale, markdown_table, text_table

MODULES = (
    "cached_answers",
    "uncached_reads",
    "start_stop",
    "wake",
    "bulk_load",
    "memory",
    "live_connections",
    "concurrency",
    "growth",
    "express",
)
# Has its own command.
LONG = ("memory_soak",)


def chosen(words):
    """Modules in whose names one of these words begins; all of them without any."""

    def has(module, word):
        return any(part.startswith(word) for part in (module, *module.split("_")))

    for word in words:
        if not any(has(module, word) for module in MODULES):
            sys.exit(f"no benchmark is called {word}: {' '.join(MODULES)}")
    return [module for module in MODULES if not words or any(has(module, word) for word in words)]


def run(module, scale):
    """Its lines, saved; None when it failed."""
    load, began = measure.load_average(), time.monotonic()
    print(f"==> {module}", flush=True)
    try:
        lines = importlib.import_module(module).lines(scale)
    except Exception:
        traceback.print_exc()
        return None
    took = time.monotonic() - began
    results.save_lines(module, lines, load, took)
    print(f"    {took:.0f} s, load before {load:.1f}", flush=True)
    return lines


def kept():
    """What is too long for a run of all, as it was measured last."""
    for benchmark in LONG:
        result = results.load_lines(benchmark)
        for line in result["lines"] if result else []:
            yield replace(line, work=f"{line.work}; {result['ended']}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=Scale.rounds)
    parser.add_argument("--seconds", type=int, default=Scale.seconds)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    modules = chosen(options.only.split())
    print(measure.machine(), flush=True)
    found = {module: run(module, Scale(options.rounds, options.seconds)) for module in modules}
    table = [line for lines in found.values() for line in lines or []] + list(kept())
    results.save("table.md", markdown_table(table))
    print(f"\n{text_table(table)}", end="")
    failed = [module for module, lines in found.items() if lines is None]
    missed = sum(line.met is False for line in table)
    print(f"{sum(line.met is True for line in table)} goals met, {missed} missed", end="")
    print(f"; failed: {' '.join(failed)}" if failed else "")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
