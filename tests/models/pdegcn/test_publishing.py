"""From a recipe to published weights with their graph, on a graph of twelve nodes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo import cli, datasets
from zoo.hub import paths, registry
from zoo.math import to_undirected

pytestmark = pytest.mark.once

NODES = 12


def tiny(name: str, split: str, **_: object) -> tuple:
    x = np.random.default_rng(0).random((1, NODES, 1433), "float32") / 700
    edges = to_undirected([(n, (n + s) % NODES) for n in range(NODES) for s in (1, 2)])[None]
    part = {"train": slice(0, 4), "validation": slice(4, 8), "test": slice(8, 12)}[split]
    weights = np.zeros((1, NODES), "float32")
    weights[0, part] = 1.0
    return {"x": x, "edges": edges}, np.arange(NODES)[None] % 7, weights


def test_train_publish_verify_predict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(datasets, "load", tiny)
    preset = registry.find_preset("pdegcn_m_cora")  # smaller: the 16 steps take JAX long to compile
    small = dataclasses.replace(preset, config=dataclasses.replace(preset.config, depth=2, width=8))
    monkeypatch.setitem(registry.presets(), preset.name, small)
    run = zoo.train("pdegcn_m_cora", out=tmp_path / "run", epochs=2, progress=False)
    root = tmp_path / "weights"
    folder = zoo.publish(run, "v1", root=root)
    assert (folder / "graph.npz").is_file()
    monkeypatch.setattr(paths, "weights_root", lambda: root)
    assert [result.problems for result in zoo.verify("pdegcn_m_cora")] == [()]
    result = zoo.evaluate("pdegcn_m_cora", progress=False)
    metric = zoo.card("pdegcn_m_cora").metrics[0]
    assert result["nodes"] == 4 and metric["value"] == pytest.approx(result["error_percent"])
    assert cli.main(["predict", "pdegcn_m_cora", "--node", "5"]) == 0
    label = zoo.predict("pdegcn_m_cora", nodes=[5], top=1)[0][0].label
    assert label in capsys.readouterr().out
