from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

import zoo

pytestmark = pytest.mark.once

REPORT = {
    "format": "savedmodel",
    "inputs": {"image": {"dtype": "float32", "shape": [None, 8, 8, 1]}},
    "outputs": {"logits": {"dtype": "float32", "shape": [None, 3]}},
    "signatures": {"serving_default": {}, "serving_bytes": {}},
    "checks": [
        {
            "signature": "serving_default",
            "inputs": {"image": [4, 8, 8, 1]},
            "max_difference": {"logits": 2.5e-7},
            "mean_difference": {"logits": 1e-8},
        }
    ],
    "tolerance": ["max_difference", 1e-5],
    "stored_values": 1234,
    "bytes": 5678,
    "files": {"saved_model.pb": 5678},
}


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Stands in for `zoo.export`, which tests/exporting runs for real."""
    made: list[tuple[Any, ...]] = []

    def export(model: str, path: str, /, **options: Any) -> Path:
        made.append((model, path, options))
        (tmp_path / "assets.extra").mkdir()
        (tmp_path / "assets.extra" / "zoo.json").write_text(json.dumps(REPORT))
        return tmp_path

    monkeypatch.setattr(zoo, "export", export)
    return made


def test_the_report_is_a_table(zoo_command, calls, tmp_path):
    outcome = zoo_command("export", "e4net_mnistrot", "--out", "there", "--fold", "--warmup", "--data", "d")
    assert outcome.code == 0
    for word in (str(tmp_path), "image: float32 (any, 8, 8, 1)", "1,234", "5,678", "4x8x8x1", "2.5e-07", "1e-05"):
        assert word in outcome.out
    options = {"name": None, "format": "savedmodel", "fold": True, "quantize": None, "warmup": True, "data": "d"}
    options |= {"io": None, "opset": None, "samples": None}
    assert calls == [("e4net_mnistrot", "there", options)]


def test_a_terminal_shows_what_is_done(zoo_command, monkeypatch):
    shown = []

    def export(*_, **__):
        logging.getLogger("zoo.export").info("checking")
        raise ValueError("enough")

    monkeypatch.setattr(zoo, "export", export)
    monkeypatch.setattr("rich.status.Status.update", lambda self, text: shown.append(text))
    assert zoo_command("export", "e4net_mnistrot").code == 2 and shown == ["checking e4net_mnistrot as savedmodel"]
    assert not logging.getLogger("zoo.export").handlers


def test_json(zoo_command, calls, tmp_path):
    outcome = zoo_command("export", "e4net_mnistrot", "--format", "litert", "--quantize", "int8", "--json")
    assert outcome.json == {"folder": str(tmp_path), **REPORT}
    assert calls[0][2]["quantize"] == "int8"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["e4net_mnistrt"], "Did you mean 'e4net_mnistrot'"),
        (["e4net_mnistrot", "--format", "onxx"], "Did you mean 'onnx'"),
        (["e4net_mnistrot", "--format", "ONNX"], "Did you mean 'onnx'"),
        (["e4net_mnistrot", "--name", "My digits"], "Expected a name of lower-case words"),
        (["e4net_mnistrot", "--quantize", "int8"], "format='litert' only"),
        (["e4net_mnistrot", "--opset", "18"], "for format='onnx' only"),
        (["e4net_mnistrot", "--format", "onnx", "--opset", "99"], "Expected opset of 13 to 18"),
        (["e4net_mnistrot", "--format", "litert", "--io", "int8"], "for quantize='int8' only"),
        (["e4net_mnistrot", "--out", "gs://bucket/models"], "gs://bucket/models is an address"),
    ],
)
def test_wrong_input_is_one_line(zoo_command, words, message):
    outcome = zoo_command("export", *words)
    assert outcome.code == 2 and message in outcome.err and outcome.err.count("\n") == 1
