"""Requests to webhooks before a library of others for Standard Webhooks."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from conftest import sign_up
from harness import Receiver, eventually
from harness.stage import Stage

HERE = Path(__file__).parent


@pytest.fixture
def received(postgres, tmp_path):
    """A ping and an event, signed with two secrets, and these."""
    stage, receiver = Stage(postgres, tmp_path), Receiver()
    try:
        ann = sign_up(stage.proxy(redis=False, WEBHOOKS_ALLOW_PRIVATE="true"))
        hook = ann.post("/webhooks", {"url": receiver.url(), "topics": ["project_created"]}).expect(201)
        path = f"/webhooks/{hook['webhook_id']}"
        rotated = ann.post(f"{path}/secret").expect(200)
        ann.post(f"{path}/test").expect(202)
        ann.project('Zoë\'s "garden"')
        eventually(lambda: len(receiver.deliveries) == 2, what="two requests")
        yield receiver.deliveries, (hook["secret"], rotated["secret"])
    finally:
        stage.end()
        receiver.stop()


def verdicts(requests):
    lines = [json.dumps({"secret": secret, "headers": dict(headers), "body": body.decode()}) for secret, headers, body in requests]
    ended = subprocess.run(
        ["node", "webhooks.mjs"], cwd=HERE, env={"PATH": os.environ["PATH"]}, input="\n".join(lines),
        capture_output=True, text=True, timeout=60, check=True,
    )
    return ended.stdout.splitlines()


def test_requests_are_what_standard_webhooks_says(received):
    deliveries, secrets = received
    requests = [(secret, delivery.headers, delivery.body) for delivery in deliveries for secret in secrets]
    assert sorted(verdicts(requests)) == ["genuine ping"] * 2 + ["genuine project_created"] * 2


def test_what_was_altered_is_noticed(received):
    (delivery, *_), (secret, _) = received
    headers = dict(delivery.headers)
    altered = [
        (secret, headers, delivery.body + b" "),
        (secret, {**headers, "webhook-id": "evt_1"}, delivery.body),
        (secret, {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1)}, delivery.body),
        ("whsec_" + "A" * 43 + "=", headers, delivery.body),
    ]
    assert all("genuine" not in verdict for verdict in verdicts(altered))
