"""What `/openapi.json` says is what the server does."""

from __future__ import annotations

import json

import pytest

from tests.serving import artifacts

pytestmark = pytest.mark.once
IMAGES = {"instances": artifacts.images(1).tolist()}


def test_every_path_answers_as_described(client):
    described = client.get("/openapi.json").json
    assert described["openapi"] == "3.1.0"
    for path, operations in described["paths"].items():
        address = path.format(model="net", version="1", label="stable")
        (method,) = {"get", "post"} & set(operations)
        body = json.dumps(IMAGES).encode() if method == "post" else None
        answer = client.ask(method.upper(), address, body)
        assert answer.status == 200, (path, answer.body)
        (kind,) = operations[method]["responses"]["200"]["content"]
        assert answer.headers["content-type"].startswith(kind)
        missing = {"model": "none", "version": "9", "label": "none"}
        if "{" in path:
            answer = client.ask(method.upper(), path.format(**missing), body)
            assert str(answer.status) in operations[method]["responses"] and list(answer.json) == ["error"]


def test_schemas_are_all_there_and_used(client):
    described = client.get("/openapi.json").json
    named = {f'"#/components/schemas/{name}"' for name in described["components"]["schemas"]}
    text = json.dumps(described)
    assert all(name in text for name in named)
    assert text.count("#/components/schemas/") == sum(text.count(name) for name in named)
