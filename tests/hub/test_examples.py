"""Models with a dict of inputs: example, golden file, save, publish, verify, assets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.hub.conftest import randomise
from zoo import hub
from zoo.hub import examples, registry, store

pytestmark = pytest.mark.once


@pytest.fixture
def graph_model(monkeypatch: pytest.MonkeyPatch) -> keras.Model:
    monkeypatch.setattr(registry, "FAMILIES", ("tests.hub.toy", "tests.hub.toy_graph"))
    return randomise(hub.build("toygraph_ring"))


def test_images_are_the_example_of_a_family_that_gives_none(toy: keras.Model) -> None:
    images = hub.example_inputs(toy)
    assert isinstance(images, np.ndarray) and images.shape == (2, 8, 8, 1) and images.dtype == np.uint8


def test_a_family_gives_its_own_example(graph_model: keras.Model) -> None:
    inputs = hub.example_inputs(graph_model)
    assert {name: value.shape for name, value in inputs.items()} == {"x": (1, 5, 3), "edges": (1, 4, 2)}
    assert graph_model.predict_on_batch(inputs).shape == (1, 5, 2)


def test_save_and_load_with_an_asset(graph_model: keras.Model, tmp_path: Path) -> None:
    folder = hub.save(graph_model, tmp_path / "run", assets={"graph.npz": b"edges"})
    assert all(result.ok for result in hub.verify(folder))
    inputs = hub.example_inputs(graph_model)
    again = hub.load(folder)
    assert np.allclose(again.predict_on_batch(inputs), graph_model.predict_on_batch(inputs), rtol=1e-6)
    assert hub.asset(folder, "graph.npz").read_bytes() == b"edges"
    golden = store.arrays_from_bytes((folder / "golden.npz").read_bytes())
    assert sorted(golden) == ["input.edges", "input.x", "logits"]


def test_an_altered_asset_is_refused(graph_model: keras.Model, tmp_path: Path) -> None:
    folder = hub.save(graph_model, tmp_path / "run", assets={"graph.npz": b"edges"})
    (folder / "graph.npz").write_bytes(b"other")
    with pytest.raises(ValueError, match="damaged or altered"):
        hub.asset(folder, "graph.npz")
    with pytest.raises(ValueError, match="lists no nodes.npz"):
        hub.asset(folder, "nodes.npz")


def test_assets_have_names_of_their_own(graph_model: keras.Model, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"model\.safetensors"):
        hub.save(graph_model, tmp_path / "run", assets={"model.safetensors": b""})


def test_publish_a_graph_model(graph_model: keras.Model, facts: dict[str, Any], weights_root: Path) -> None:
    inputs = hub.example_inputs(graph_model)
    hub.publish(graph_model, "v1", card=facts, inputs=inputs, history="epoch\n", assets={"graph.npz": b"edges"})
    assert [result.problems for result in hub.verify("toygraph_ring")] == [()]
    assert hub.asset("toygraph_ring", "graph.npz") == weights_root / "toygraph_ring/v1/graph.npz"


def test_packed_inputs_come_back() -> None:
    inputs = {"x": np.zeros((1, 2)), "edges": np.ones((1, 3), "int32")}
    again = examples.unpack_inputs(examples.pack_inputs(inputs) | {"logits": np.zeros(1)})
    assert isinstance(again, dict) and sorted(again) == ["edges", "x"] and again["edges"].dtype == np.int32
    with pytest.raises(ValueError, match="leading"):
        examples.pack_inputs({"x": np.zeros((1, 2)), "edges": np.ones((2, 3))})
