"""What a proxy tells Prometheus: fetched, parsed, and looked up by name and labels."""

import re

import requests

SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="([^"]*)"')


class Metrics:
    """One scrape."""

    def __init__(self, text):
        self.text = text
        self.samples = {}
        self.types = {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                assert name not in self.types, f"{name} comes twice"
                self.types[name] = kind
            elif not line.startswith("#"):
                name, labels, value = SAMPLE.match(line).groups()
                key = (name, frozenset(LABEL.findall(labels or "")))
                assert key not in self.samples, f"{line} comes twice"
                self.samples[key] = float(value)

    def all(self, name, **labels):
        """Samples of this name that have these labels: {labels: value}."""
        wanted = {(label, str(value)) for label, value in labels.items()}
        return {found: value for (one, found), value in self.samples.items() if one == name and wanted <= found}

    def sum(self, name, **labels):
        return sum(self.all(name, **labels).values())

    def names(self):
        return {name for name, _ in self.samples}

    def label_sets(self, name, without=()):
        """Of each series of a family its labels, but for some."""
        return {frozenset(label for label in found if label[0] not in without) for found in self.all(name)}


def scrape(address):
    answer = requests.get(f"http://{address}/metrics", timeout=30)
    assert answer.status_code == 200, answer.text
    return Metrics(answer.text)
