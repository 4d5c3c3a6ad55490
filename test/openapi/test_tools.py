"""docs/openapi.json before the tools of others, and those tools before documents
that are wrong: they must see it."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from conftest import DOCUMENT, PASSWORD
from harness import Prism

HERE = Path(__file__).parent
NODE_MODULES = HERE / "node_modules"


def run(*command):
    ended = subprocess.run(
        ["node", *map(str, command)],
        cwd=HERE,
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    return ended.returncode, ended.stdout


def spectral(document):
    program = NODE_MODULES / "@stoplight/spectral-cli/dist/index.js"
    return run(program, "lint", "--ruleset=spectral.yaml", "--fail-severity=hint", document)


def redocly(document):
    return run("redocly.mjs", document)


@pytest.fixture
def altered(tmp_path):
    """A copy of the document with one fault."""

    def alter(fault):
        document = json.loads(DOCUMENT.read_text())
        fault(document)
        path = tmp_path / "openapi.json"
        path.write_text(json.dumps(document))
        return path

    return alter


def profile_of(document):
    content = document["paths"]["/users/{user_id}/profile"]["get"]["responses"]["200"]["content"]
    return content["application/json"]


def lose_a_bound(document):
    del profile_of(document)["schema"]["properties"]["username"]["maxLength"]


def lie_in_an_example(document):
    profile_of(document)["example"]["total_seconds"] = "many"


def repeat_an_id(document):
    document["paths"]["/badges"]["get"]["operationId"] = "profile"


@pytest.mark.parametrize("tool", [spectral, redocly])
def test_a_tool_finds_nothing(tool):
    status, said = tool(DOCUMENT)
    assert status == 0, said


@pytest.mark.parametrize(
    "tool, fault, rule",
    [
        (spectral, lose_a_bound, "owasp:api4:2023-string-limit"),
        (spectral, lie_in_an_example, "oas3-valid-media-example"),
        (redocly, repeat_an_id, "operation-operationId-unique"),
        (redocly, lie_in_an_example, "no-invalid-media-type-examples"),
    ],
)
def test_a_tool_finds_a_fault(altered, tool, fault, rule):
    status, said = tool(altered(fault))
    assert status == 1 and rule in said, said


def mistype(document):
    profile_of(document)["schema"]["properties"]["username"]["type"] = "integer"


def require_more(document):
    profile_of(document)["schema"]["required"].append("shoe_size")


def forget_a_code(document):
    for response in document["paths"]["/users/{user_id}/profile"]["get"]["responses"].values():
        for content in response.get("content", {}).values():
            codes = content["schema"].get("allOf", [{}, {"properties": {}}])[1]["properties"].get("code")
            if codes is not None:
                codes["enum"] = ["other_code"]


def ask_for_less(document):
    body = document["paths"]["/auth/login"]["post"]["requestBody"]["content"]["application/json"]
    body["schema"]["properties"]["password"]["maxLength"] = 5


@pytest.mark.parametrize("fault", [mistype, require_more, forget_a_code, ask_for_less])
def test_prism_in_front_of_the_tests_finds_a_fault(proxy, user, altered, tmp_path, fault):
    prism = Prism(tmp_path, altered(fault), proxy.url)
    client = proxy.client()
    try:
        client.front = prism.start().url
        with pytest.raises(AssertionError, match="against docs/openapi.json"):
            client.get(f"/users/{user.id}/profile")
            client.get("/users/999999999/profile")
            client.post("/auth/login", {"email": user.email, "password": PASSWORD})
    finally:
        prism.stop()
