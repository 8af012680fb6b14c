"""What layers offer: found by name of the offer, checked by `check_layer`, and no other part names their classes."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import zoo
from zoo import layers
from zoo.layers import protocol
from zoo.testing.layer_offers import check_offers

MAKES_LAYERS = {"compression/converting.py"}  # to_synaptic, which is about one class


@pytest.mark.parametrize("part", ["compression", "evaluation", "exporting", "training"])
def test_no_class_of_a_layer_is_named(part: str, root: Path) -> None:
    found = []
    for path in sorted((root / "zoo" / part).rglob("*.py")):
        name = path.relative_to(root / "zoo").as_posix()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            used = getattr(node, "id", getattr(node, "attr", getattr(node, "name", "")))
            if used in layers.__all__ and name not in MAKES_LAYERS:
                found.append(f"{name}:{getattr(node, 'lineno', '?')}: {used}")
    assert not found, f"ask for what a layer offers, zoo.layers.protocol, and not for its class: {found}"


def test_what_our_layers_offer() -> None:
    names = [
        *("plain_convolution", "affine", "identity_in_inference", "macs", "prepare_export", "plain_strengths"),
        *("shared_filters", "sets", "energies", "stable_step"),
    ]
    found = {
        kind: [name for name in names if any(name in vars(each) for each in getattr(layers, kind).__mro__)]
        for kind in layers.__all__
    }
    assert {kind: offered for kind, offered in found.items() if offered} == {
        "BlockMaxPooling2D": ["macs"],
        "E4Conv2D": ["macs"],
        "GBatchNormalization": ["affine", "macs"],
        "GConv2D": ["plain_convolution", "macs"],
        "GDropout": ["identity_in_inference", "macs"],
        "GroupPooling": ["macs"],
        "LiftingConv2D": ["plain_convolution", "macs"],
        "LogPolarConv2D": ["plain_convolution", "macs", "prepare_export"],
        "PDEGCNBlock": ["energies", "stable_step"],
        "SharedBasisConv2D": ["macs", "shared_filters"],
        "SharedFilterBasis": ["macs", "sets"],
        "SynapticConv2D": ["macs", "plain_strengths"],
    }


class Halved(keras.layers.Layer):
    """Says that it does nothing, and halves."""

    identity_in_inference = True

    def call(self, inputs: Any) -> Any:
        return inputs / 2


class Offset(keras.layers.Layer):
    def affine(self) -> Any:
        return np.ones(2), np.zeros(2)

    def macs(self, input_shape: Any) -> int:
        return input_shape[0]

    def call(self, inputs: Any) -> Any:
        return inputs + 1.0


class Forgetful(layers.SynapticConv2D):
    def set_mask(self, mask: np.ndarray) -> None:
        """Keeps strengths."""
        self.mask.assign(mask.astype("float32"))


class Wrong(layers.GConv2D):
    def plain_convolution(self) -> Any:
        kernel, bias, strides, pad = super().plain_convolution()
        return 2 * kernel, bias, strides, pad


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Halved(), "Halved: output of a layer with identity_in_inference"),
        (Offset(), r"Offset: output, and scale \* x \+ offset"),
        (Forgetful(3, 3), "Forgetful: set_mask leaves values of a pruned connection"),
        (Wrong(2, 3, group="p4"), r"Wrong: output, and the convolution of plain_convolution\(\)"),
    ],
)
def test_false_offers_are_found(layer: keras.layers.Layer, message: str) -> None:
    x = np.random.default_rng(0).normal(size=(2, 5, 5, 4)).astype("float32")
    x = x[..., :2] if isinstance(layer, Offset) else x
    layer(x)
    with pytest.raises(AssertionError, match=message):
        check_offers(layer, x)


def test_counts_are_for_one_sample() -> None:
    class Counted(keras.layers.Layer):
        def macs(self, input_shape: Any) -> int:
            return input_shape[0]

    with pytest.raises(AssertionError, match="1 for a batch of 1 and 2 for 2"):
        check_offers(Counted(), np.zeros((2, 3), "float32"))


def test_a_subclass_with_a_call_of_its_own_offers_nothing() -> None:
    class Doubled(layers.GBatchNormalization):
        def call(self, inputs: Any, training: Any = None) -> Any:
            return 2 * super().call(inputs, training)

    assert protocol.offers(layers.GBatchNormalization(), "affine")
    assert not protocol.offers(Doubled(), "affine") and not protocol.offers(Doubled(), "macs")


def test_a_dropout_of_ones_own_goes() -> None:
    class Quiet(keras.layers.Layer):
        identity_in_inference = True

        def call(self, inputs: Any, training: bool = False) -> Any:
            return keras.random.dropout(inputs, 0.5, seed=1) if training else inputs

    inputs = keras.Input((4, 4, 3), name="image")
    outputs = keras.layers.Conv2D(2, 3, name="conv")(Quiet(name="quiet")(inputs))
    folded = zoo.fold(keras.Model(inputs, outputs, name="m"))
    assert [layer.name for layer in folded.layers] == ["image", "conv"]
