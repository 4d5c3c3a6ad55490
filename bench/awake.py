"""Keeps the processors from going to sleep between calls. To wake one takes 50 to 150 µs on a virtual
machine, more than a short call needs, and some calls wait for that while others just miss it:
then a database seems to be twice as slow as another. Who runs is nobody when anybody else wants to."""

import contextlib
import os
import subprocess


def _step_back():
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


@contextlib.contextmanager
def processors():
    """Awake, all of them, inside the block."""
    command = ["sh", "-c", "while :; do :; done"]
    spinning = [subprocess.Popen(command, preexec_fn=_step_back) for _ in range(os.cpu_count())]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()
