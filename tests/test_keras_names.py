"""Names that Keras keeps for itself stand in one file, `zoo/_keras.py`, so that a change in Keras is mended there."""

import re
from pathlib import Path

import keras
import pytest

from zoo import _keras

pytestmark = pytest.mark.once  # the names are those of Keras on TensorFlow, which has the most
ONE_PLACE = "zoo/_keras.py"
OWN = r"self\.(_\w+)(?:: [^=\n]+)? = |def (_\w+)\(|^(_\w+)(?:: [^=\n]+)? ="
"""A name that zoo gives to something of its own."""


def private_names() -> set[str]:
    """What begins with an underscore in models, layers, optimizers and what else of Keras zoo handles."""
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.BatchNormalization()(inputs))
    model.compile("sgd", "mse")
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(use_ema=True))
    row = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.5)])
    things = [model, row, *model.layers, *row.layers, inputs, scaled, scaled.inner_optimizer, model.optimizer]
    things += [model.layers[1]._inbound_nodes[0], keras.metrics.Mean(), keras.losses.Loss(), keras.Variable(1.0)]
    things += [keras.callbacks.Callback(), keras.callbacks.CallbackList(model=model), keras.random.SeedGenerator(1)]
    return {name for thing in things for name in dir(thing) if name.startswith("_") and not name.startswith("__")}


def uses(text: str, names: set[str]) -> list[str]:
    words = re.findall(r"\.(_[a-z]\w+)\b|[\"'](_[a-z]\w+)[\"']", text)
    return sorted({word for pair in words for word in pair} & names)


def test_uses_are_found() -> None:
    names = private_names()
    assert {"_nodes_by_depth", "_flatten_layers", "_keras_history", "_trainable_variables", "_symbolic_build"} <= names
    assert {"_all_reduce_sum_gradients", "_iterations", "_compile_loss", "_seed_generators"} <= names
    assert uses("model._nodes_by_depth; vars(layer)['_iterations']; own._mine", names) == [
        "_iterations",
        "_nodes_by_depth",
    ]


def test_one_file_touches_private_names(root: Path) -> None:
    texts = {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in (root / "zoo").rglob("*.py")}
    others = (text for name, text in texts.items() if name != ONE_PLACE)
    own = {word for text in others for words in re.findall(OWN, text, re.MULTILINE) for word in words}
    names = private_names() - own - {"_path"}  # of a package, in zoo/_plugins.py
    found = {name: uses(text, names) for name, text in texts.items()}
    found = {name: words for name, words in found.items() if words}
    assert found.pop(ONE_PLACE)
    assert found == {}, f"call functions of {ONE_PLACE} instead"


def test_graphs_are_read() -> None:
    inputs = keras.Input((4,), name="x")
    dense = keras.layers.Dense(4, name="dense")
    dropped = keras.layers.Dropout(0.5, name="drop")(dense(dense(inputs)), training=True)
    model = keras.Model(inputs, dropped)
    nodes = _keras.nodes(model)
    assert [node.operation.name for node in nodes] == ["x", "dense", "dense", "drop"]
    assert nodes[-1].kwargs == {"training": True} and nodes[-1].inputs[0] is nodes[2].outputs[0]
    assert _keras.maker(dropped).operation.name == "drop" and _keras.is_symbolic(dropped)
    assert [layer.name for layer in _keras.sublayers(model)] == ["x", "dense", "drop"]
    assert [variable.name for variable in _keras.own_variables(dense)] == ["kernel", "bias"]
    assert len(_keras.own_variables(model.get_layer("drop"))) == 1


@pytest.mark.parametrize("built", [True, False])
def test_functional_models_are_told_from_others(built: bool) -> None:
    class Own(keras.Model):
        def call(self, inputs):
            return inputs

    row = keras.Sequential([keras.Input((4,))] * built + [keras.layers.Dense(2)])
    assert (_keras.functional_of(row) is not None) == built
    assert not _keras.is_functional(row) and not _keras.is_functional(Own()) and not _keras.is_functional("model")
