"""Exported files hold shared filters once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import zoo
from tests.exporting.conftest import report
from zoo.hub import find_preset

pytestmark = pytest.mark.once

NAME = "shared_basis_resnet32_s16u1_double_cifar10"


def test_onnx(tmp_path: Path) -> None:
    """Four bytes a parameter and a twentieth more, for a graph of 80 convolutions; and every filter in it once."""
    onnx = pytest.importorskip("onnx", reason="reads the file")
    folder = zoo.export(zoo.build(NAME), tmp_path, format="onnx")
    assert report(folder)["max_difference"] <= 1e-5
    file = folder / "model.onnx"
    assert file.stat().st_size <= 1.05 * 4 * find_preset(NAME).parameters
    graph = onnx.load(str(file)).graph
    shared = [value for value in graph.initializer if tuple(value.dims) == (64, 64, 3, 3)]
    assert len(shared) == 3  # two bases of 64 filters, and the first block's second convolution
    users = [sum(value.name in node.input for node in graph.node) for value in shared]
    assert sorted(users) == [1, 4, 4]
    names = [name for node in graph.node for name in (node.name, *node.input, *node.output)]
    assert not any("StatefulPartitionedCall/" in name for name in names)


@pytest.mark.large
def test_onnx_of_the_network_with_the_longest_graph_for_its_size(tmp_path: Path) -> None:
    name = "shared_basis_resnet56_s8u1_cifar10"
    file = zoo.export(zoo.build(name), tmp_path, format="onnx") / "model.onnx"
    assert file.stat().st_size <= 1.05 * 4 * find_preset(name).parameters


@pytest.mark.large
@pytest.mark.parametrize("fold", [False, "bn"])
def test_saved_model(fold: bool | str, tmp_path: Path) -> None:
    model = zoo.build(NAME)
    found = report(zoo.export(model, tmp_path, fold=fold))
    assert found["max_difference"] <= 1e-5
    variables = next(size for name, size in found["files"].items() if "variables.data" in name)
    values = sum(int(np.prod(weight.shape)) for weight in model.weights)
    assert variables <= 1.05 * 4 * values


def test_an_unknown_mode_of_folding(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Unknown mode of folding 'kernels'. Did you mean 'kernel'"):
        zoo.export(NAME, tmp_path, fold="kernels")
