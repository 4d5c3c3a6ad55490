"""A client of the HTTP API that checks, at every answer, what every answer
must have."""

import json

import requests

PROBLEM_MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}


class Answer:
    """Status, headers and decoded body of one answer."""

    def __init__(self, response):
        self.status = response.status_code
        self.headers = response.headers
        self.content = response.content
        self.type = response.headers.get("Content-Type", "").split(";")[0]
        self.body = response.json() if response.content and "json" in self.type else None
        self._check()
        self._check_violations()

    def _check_violations(self):
        """What Prism found, where it stands in front. A request may be as wrong as it likes, but must be refused."""
        found = json.loads(self.headers.get("sl-violations", "[]"))
        wrong = [one for one in found if one["location"][0] == "response" or self.status < 400]
        assert wrong == [], f"against docs/openapi.json: {self.status} {self.content!r}"

    def _check(self):
        assert self.headers.get("X-Request-Id"), "an answer without X-Request-Id"
        if self.status < 400:
            return
        assert self.type == "application/problem+json", f"{self.status} is {self.type!r}: {self.content!r}"
        assert PROBLEM_MEMBERS <= self.body.keys(), self.body
        assert self.body["status"] == self.status
        assert self.body["request_id"] == self.headers["X-Request-Id"]

    def expect(self, status, code=None, field=None):
        """Check status, code and field; returns the body."""
        assert self.status == status, f"{self.status} {self.content.decode(errors='replace')}"
        if code is not None:
            assert self.body["code"] == code, self.body
        if field is not None:
            assert self.body.get("field") == field, self.body
        return self.body

    @property
    def next_page(self):
        """Path of the next page, from the Link header; None on the last page."""
        link = requests.utils.parse_header_links(self.headers.get("Link", ""))
        return next((one["url"] for one in link if one.get("rel") == "next"), None)


class Client:
    def __init__(self, base_url, token=None, front=None, verify=True):
        """front: the URL of a Prism, which takes no HEAD and OPTIONS."""
        self.base_url = base_url
        self.front = front
        self.token = token
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = verify

    def call(self, method, path, body=None, headers=None, **options):
        headers = dict(headers or {})
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        options.setdefault("timeout", 30)
        goes_past = self.front is None or method in ("HEAD", "OPTIONS")
        base = self.base_url if goes_past else self.front
        return Answer(self.session.request(method, base + path, json=body, headers=headers, **options))

    def get(self, path, **options):
        return self.call("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.call("POST", path, body, **options)

    def put(self, path, body=None, **options):
        return self.call("PUT", path, body, **options)

    def patch(self, path, body=None, **options):
        return self.call("PATCH", path, body, **options)

    def delete(self, path, body=None, **options):
        return self.call("DELETE", path, body, **options)

    def pages(self, path):
        """Every page of a list, following Link."""
        while path is not None:
            answer = self.get(path)
            yield answer.expect(200)
            path = answer.next_page
