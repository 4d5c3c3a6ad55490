"""The proxy under test as a process of its own."""

import os
import signal
import ssl
import subprocess

import requests

from .client import Client
from .process import Process, free_port

JWT_SECRET = "a-secret-for-tests-that-is-long-enough"


class Proxy(Process):
    def __init__(self, directory, **settings):
        """Settings are those of the environment; PORT and JWT_SECRET have values when not given. One worker, as each
        has a dozen connections, and to begin these is most of what a short test costs."""
        super().__init__("proxy", directory)
        self.program = os.environ["TIMETRACKR_PROXY"]
        self.settings = {
            "HOST": "127.0.0.1",
            "PORT": str(free_port()),
            "JWT_SECRET": JWT_SECRET,
            "RATE_LIMIT_PER_MINUTE": "0",
            "AUTH_RATE_LIMIT_PER_MINUTE": "0",
            "WORKERS": "1",
        }
        self.settings.update((name, str(value)) for name, value in settings.items())
        self.front = None

    @property
    def env(self):
        """Nothing of the caller's environment but the path and the sanitizers' options."""
        kept = ("PATH", "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS")
        return {**{name: os.environ[name] for name in kept if name in os.environ}, **self.settings}

    @property
    def url(self):
        scheme = "https" if "TLS_CERT" in self.settings else "http"
        return f"{scheme}://127.0.0.1:{self.settings['PORT']}"

    @property
    def context(self):
        """How to speak TLS with it, trusting its certificate of the start; None without."""
        if "TLS_CERT" not in self.settings:
            return None
        return ssl.create_default_context(cafile=self.settings["TLS_CERT"])

    def start(self):
        self.launch([self.program], env=self.env)
        self.wait_until(self._is_ready)
        return self

    def stop(self):
        """End it gracefully; a status other than 0 is a failure, be it the sanitizers'."""
        status = self.end(signal.SIGTERM)
        assert status in (0, None), f"the proxy ended with {status}:\n{self.log_end()}"

    def kill(self):
        self.end(signal.SIGKILL)

    def run_to_end(self, *arguments, seconds=30):
        """Start it and expect it to end by itself: (exit status, all output)."""
        ended = subprocess.run(
            [self.program, *arguments],
            cwd=self.directory,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
        )
        return ended.returncode, ended.stdout

    def client(self, **options):
        return Client(self.url, front=self.front, verify=self._verify, **options)

    @property
    def _verify(self):
        return self.settings.get("TLS_CERT", True)

    def _is_ready(self):
        """Every worker tells of its own connections: enough new ones have met both."""
        try:
            return all(
                requests.get(f"{self.url}/readyz", timeout=5, verify=self._verify).status_code == 200 for _ in range(12)
            )
        except requests.RequestException:
            return False
