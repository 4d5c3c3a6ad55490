"""A server process: started, waited for, ended by pid. What kind of server it
is stays with the subclasses."""

import random
import signal
import socket
import subprocess
import time
from pathlib import Path


def free_port():
    """A loopback port that nobody listens on; below the range of outgoing connections."""
    for port in random.sample(range(20000, 32000), 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port between 20000 and 32000")


def eventually(condition, seconds=10.0, what="condition"):
    """Call until the answer is true and return it; the last answer is in the failure. To ask is work for what
    is waited for: the longer it takes, the more seldom."""
    began = time.monotonic()
    while True:
        answer = condition()
        if answer:
            return answer
        waited = time.monotonic() - began
        if waited > seconds:
            raise AssertionError(f"{what} not within {seconds} s; last: {answer!r}")
        time.sleep(min(0.02 + waited / 20, 0.2))


class Process:
    """One process whose output goes to a log file in its directory."""

    def __init__(self, name, directory):
        self.name = name
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log = self.directory / f"{name}.log"
        self.popen = None

    def launch(self, command, env=None, pass_fds=()):
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                command,
                cwd=self.directory,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=pass_fds,
            )

    @property
    def pid(self):
        return self.popen.pid

    def memory(self, what="VmRSS"):
        """What is resident now, or with VmHWM was at most, in KiB."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(what))

    def is_running(self):
        return self.popen is not None and self.popen.poll() is None

    def wait_until(self, ready, seconds=30.0):
        """Wait until `ready()`; the log's end is in the failure when it never is."""

        def ready_or_dead():
            assert self.is_running(), f"{self.name} ended:\n{self.log_end()}"
            return ready()

        try:
            eventually(ready_or_dead, seconds, f"{self.name} ready")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log_end()}") from None

    def end(self, how=signal.SIGTERM, seconds=30.0):
        """Send the signal and wait; returns the exit status (negative: the signal)."""
        if self.popen is None:
            return None
        if self.is_running():
            self.popen.send_signal(how)
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait(10)
            raise AssertionError(f"{self.name} did not end in {seconds} s") from None

    def log_end(self, size=4000):
        return self.log.read_text(errors="replace")[-size:] if self.log.exists() else ""
