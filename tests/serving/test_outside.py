"""No name of a model leads to a folder, or to a file, that is not served."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.serving import artifacts
from tests.serving.clients import Client

pytestmark = pytest.mark.once

NAMES = (
    "..",
    "../secret",
    "net/../../secret",
    "%2e%2e%2fsecret",
    "..%2Fsecret",
    "%2e%2e/secret",
    "net%2F..%2F..%2Fsecret",
)
NAMES += ("secret", "%2Fetc%2Fpasswd", "//etc/passwd", "net%00", "net\\..\\..\\secret", ".", "net%2f1", "NET", "*")
ENDS = ("", "/metadata", "/versions/1", "/versions/1/metadata", "/labels/x", ":predict", "/versions/..%2f..:predict")


def test_names_lead_nowhere(start: Callable, tmp_path: Path) -> None:
    artifacts.write_onnx(tmp_path / "models" / "net")
    artifacts.write_onnx(tmp_path / "secret", version=2)
    server = start()
    client = Client(server.port)
    body = {"instances": artifacts.images(1).tolist()}
    for name in NAMES:
        for end in ENDS:
            path = f"/v1/models/{name}{end}"
            answer = (
                client.predict(body, path.removesuffix(":predict")) if end.endswith("predict") else client.get(path)
            )
            assert answer.status in (400, 404) and answer.error, path
            assert b"logits" not in answer.body and b"root:" not in answer.body
    assert client.predict(body).status == 200
    client.close()


@pytest.mark.parametrize(
    "path", ["/../secret/1/model.onnx", "/net/1/model.onnx", "/%2e%2e/secret", "/models/net", "/etc"]
)
def test_no_path_is_a_file(client: Client, path: str) -> None:
    assert client.get(path).status in (400, 404)
