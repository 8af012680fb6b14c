from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.evaluation import toy
from zoo import hub
from zoo.cli import main
from zoo.hub import registry


@dataclass
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def zoo_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Runs a command in this process."""
    monkeypatch.delenv("ZOO_DEBUG", raising=False)

    def run(*words: object) -> Outcome:
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:  # argparse
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture
def bars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a trained toy, published as `v1` in an otherwise empty zoo."""
    monkeypatch.setattr(registry, "FAMILIES", ("tests.evaluation.toy",))
    monkeypatch.setenv("ZOO_WEIGHTS", str(tmp_path / "weights"))
    model = toy.teach(hub.build("bars_mnistrot"))
    metric = {"name": "error", "split": "test", "value": 1.25, "unit": "%", "seeds": [0, 1], "values": [1.25, 1.35]}
    metric |= {"mean": 1.3, "std": 0.05, "paper_value": 1.29, "paper_note": "[original] files", "command": "zoo ..."}
    training = {"seed": 0, "minutes": 2.5, "hardware": "a desk", "versions": {"keras": "3"}, "date": "2026-01-01"}
    card = {
        "dataset": {"name": "mnist_rot", "split": "train", "license": "CC BY-SA 3.0", "note": "Bars."},
        "metrics": [metric],
        "recipe": {
            "dataset": "mnist_rot",
            "epochs": 1,
            "batch_size": 5,
            "decay_exclude": ["bias"],
            "overrides": {"x": 2},
        },
        "training": training | {"commit": None, "selection": "last"},
        "symmetry": None,
        "license": "Apache-2.0",
    }
    hub.publish(model, "v1", card=card, inputs=toy.bars(np.arange(2)), history="epoch,loss\n1,0.5\n")
    return "bars_mnistrot"


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Files of the classes 7 and 5."""
    paths = [tmp_path / "7.png", tmp_path / "[5].png"]
    for path, label in zip(paths, (7, 5), strict=True):
        Image.fromarray(toy.bars(np.array([label]))[0, ..., 0]).save(path)
    return paths
