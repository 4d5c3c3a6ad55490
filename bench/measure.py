"""What benchmarks measure with: CPU time and memory of processes, figures taken
in turns, medians, and the machine they were taken on."""

import os
import platform
import re
import resource
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def _cpu_ticks(pid):
    """Of the process, and of those children of its that have ended."""
    fields = [int(field) for field in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]]
    return fields[0] + fields[1], fields[2] + fields[3]


def cpu_seconds(pid):
    return _cpu_ticks(pid)[0] / TICK


def cpu_seconds_of_all(pid):
    """Of a process and its children, dead ones included: a PostgreSQL server and its backends."""
    # A child that ends meanwhile is counted by its parent, which is therefore read last.
    living = 0
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            living += _cpu_ticks(child)[0]
        except (FileNotFoundError, ProcessLookupError):
            pass
    return (sum(_cpu_ticks(pid)) + living) / TICK


def cpu_seconds_of_ended():
    """Of the children of this process that it has waited for: load generators."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def resident(pid):
    """Bytes of the process that are in memory."""
    return int(re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1]) * 1024


class Meter:
    """CPU seconds that processes spend. parts: the name of each, and what tells its total."""

    def __init__(self, **parts):
        self.parts = parts
        self.begin()

    def begin(self):
        self.begun = {name: total() for name, total in self.parts.items()}

    def spent(self):
        return {name: total() - self.begun[name] for name, total in self.parts.items()}


@dataclass
class Load:
    """What a load generator did: a second, and for each. p50 and p99 are seconds, None where not known."""

    rate: float
    count: float
    p50: float | None = None
    p99: float | None = None
    cpu: dict = field(default_factory=dict)

    def per(self, part):
        """CPU µs of a part for each."""
        return self.cpu[part] / self.count * 1e6


def in_turns(rounds, ways):
    """Call each of the ways once a round: {name: [what it returned, …]}."""
    results = {name: [] for name in ways}
    for _ in range(rounds):
        for name, measure in ways.items():
            results[name].append(measure())
    return results


def ratio(figures, references):
    """The median of the ratios within each round: what slows a whole round down cancels out."""
    return statistics.median(figure / reference for figure, reference in zip(figures, references))


def median(loads, figure):
    """figure: of a load, such as lambda load: load.rate."""
    return statistics.median(figure(load) for load in loads)


def rate(loads):
    return median(loads, lambda load: load.rate)


def rate_ratio(loads, references):
    return ratio([load.rate for load in loads], [load.rate for load in references])


def cpu_text(loads, **parts):
    """CPU µs for each of what was done: part=the name to print."""
    figures = ((name, median(loads, lambda load: load.per(part))) for part, name in parts.items())
    return "CPU µs: " + ", ".join(f"{name} {amount:.1f}" for name, amount in figures)


def spread(figures):
    """The median, and between what the figures lie."""
    return f"{statistics.median(figures):,.0f} ({min(figures):,.0f}-{max(figures):,.0f})"


def sync_milliseconds(tries=50):
    """How long a write of 8 KiB takes to be on the disk: what every commit waits for."""
    times = []
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(tries):
            began = time.perf_counter()
            os.pwrite(file.fileno(), bytes(8192), 0)
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def machine():
    """One line about the hardware and the system."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    return (
        f"{os.cpu_count()} cores ({cpu[1] if cpu else platform.machine()}), {int(memory[1]) / 2**20:.0f} GiB,"
        f" Linux {platform.release().split('-')[0]}"
    )


def load_average():
    return os.getloadavg()[0]
