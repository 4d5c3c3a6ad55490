"""Prism in front of a proxy: it holds each request and each answer against the
description of the API, and says in a header what it found."""

import os
import signal

import requests

from .process import Process, free_port


class Prism(Process):
    def __init__(self, directory, document, upstream):
        super().__init__("prism", directory)
        self.port = free_port()
        self.command = [
            "node",
            os.environ["TIMETRACKR_PRISM"],
            "proxy",
            document,
            upstream,
            "--host=127.0.0.1",
            f"--port={self.port}",
            "--cors=false",
            "--verboseLevel=silent",
        ]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self.launch(self.command, env={"PATH": os.environ["PATH"]})
        self.wait_until(self._answers, seconds=60)
        return self

    def stop(self):
        self.end(signal.SIGTERM)

    def _answers(self):
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).status_code == 200
        except requests.RequestException:
            return False
