"""`zoo prune` and `zoo compress` on a small network of the real family."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from zoo.hub import registry

SMALL = {"widths": ((6, 6), (8,)), "input_shape": (8, 8, 3)}
pytestmark = [
    pytest.mark.once,
    pytest.mark.filterwarnings("ignore:pruning. "),
]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(registry, "FAMILIES", ("zoo.models.synaptic",))
    return zoo.save(zoo.build("synaptic_vgg16_narrow_cifar10", **SMALL), tmp_path / "run")


def test_prune_then_compress(zoo_command, run, tmp_path):
    out = tmp_path / "pruned"
    outcome = zoo_command("prune", run, "--ratio", 0.5, "--scope", "layer", "--out", out, "--json")
    assert outcome.code == 0 and outcome.json["ratio"] >= 0.5 and outcome.json["connections"] == 84
    assert zoo.compression.sparsity_report(zoo.load(out)).kept == outcome.json["kept"]
    outcome = zoo_command("compress", out, "--out", tmp_path / "new" / "small.keras", "--json")
    small = keras.saving.load_model(tmp_path / "new" / "small.keras")
    x = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype("float32")
    assert outcome.code == 0 and outcome.json["values_after"] == small.count_params() < outcome.json["values_before"]
    np.testing.assert_allclose(small.predict(x, verbose=0), zoo.load(out).predict(x, verbose=0), rtol=1e-4, atol=1e-5)
    packed = ("compress", out, "--mode", "packed", "--out", tmp_path / "small.safetensors")
    outcome = zoo_command(*packed)
    assert outcome.code == 0 and "small.safetensors" in outcome.out
    again = {"file": packed, "folder": ("prune", run, "--ratio", 0.25, "--out", out)}
    for kind, words in again.items():
        outcome = zoo_command(*words)
        assert outcome.code == 2 and f"holds a model already: name another {kind}, or replace it" in outcome.err
        assert zoo_command(*words, "--overwrite").code == 0


def test_a_dry_run_prints_the_table(zoo_command, run):
    outcome = zoo_command("prune", run, "--ratio", 0.25, "--dry-run")
    assert outcome.code == 0 and "stage1_conv1 (left alone)" in outcome.out and "nothing was written" in outcome.out


def test_refusals(zoo_command, run, tmp_path):
    out = tmp_path / "out"
    for words, text in {
        ("prune", run, "--ratio", 1, "--out", out): "in [0, 1), the share of the connections to prune; got 1",
        ("prune", run, "--ratio", 0.5): "--out FOLDER",
        ("prune", run, "--ratio", 0.5, "--as", "synaptic_resnet20_cifar10", "--out", out): "have other shapes",
        ("compress", run, "--out", tmp_path / "model.onnx"): "with .keras, got",
        ("compress", run, "--mode", "zip", "--out", tmp_path / "model.zip"): "Choose from mask, compact, packed",
    }.items():
        outcome = zoo_command(*words)
        assert outcome.code == 2 and text in outcome.err
    assert not out.exists()
