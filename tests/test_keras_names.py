"""Names that Keras keeps for itself stand in one file, `zoo/_keras.py`, so that a change in Keras is mended there."""

import re
from pathlib import Path

import keras
import pytest

from zoo import _keras

PRIVATE = (
    *(
        "_nodes_by_depth",
        "_flatten_layers",
        "_keras_history",
        "_inbound_nodes",
        "_outbound_nodes",
        "_run_through_graph",
    ),
    *("_operations_by_depth", "_functional", "_trainable_variables", "_non_trainable_variables", "_seed_generators"),
    *("_compile_loss", "_get_variable_index", "_use_weight_decay", "_model_variables_moving_average"),
    "_update_model_variables_moving_average",
)
ONE_PLACE = "zoo/_keras.py"


def uses(text: str) -> list[str]:
    return [name for name in PRIVATE if re.search(rf"\.{name}\b|[\"']{name}[\"']|def {name}\(self", text)]


def test_one_file_touches_private_names(root: Path) -> None:
    found = {path.relative_to(root).as_posix(): uses(path.read_text("utf-8")) for path in (root / "zoo").rglob("*.py")}
    found = {name: names for name, names in found.items() if names}
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
