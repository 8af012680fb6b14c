"""Whether a layer does what it offers: a check for each protocol of `zoo.layers.protocol` that inputs can decide."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from zoo.layers.protocol import offers
from zoo.testing.golden import assert_close

_REL = 1e-4


def check_offers(layer: keras.layers.Layer, x: np.ndarray, others: Sequence[np.ndarray] = ()) -> None:
    """Checks what a layer offers to folding, counting, exporting and pruning.

    Args:
        layer: built; its state is changed.
        x: its first input.
        others: its further inputs.

    Raises:
        AssertionError: the layer does something else than it says.
    """
    for name, check in _CHECKS.items():
        if offers(layer, name):
            check(layer, x, others)


def _call(layer: Any, x: np.ndarray, others: Sequence[np.ndarray]) -> np.ndarray:
    known = inspect.signature(layer.call).parameters
    return keras.ops.convert_to_numpy(layer(x, *others, **({"training": False} if "training" in known else {})))


def _close(layer: Any, what: str, actual: Any, expected: Any) -> None:
    assert_close(actual, expected, _REL, name=f"{type(layer).__name__}: {what}")


def _require(layer: Any, condition: Any, message: str) -> None:
    if not condition:
        raise AssertionError(f"{type(layer).__name__}: {message}.")


def _check_convolution(layer: Any, x: np.ndarray, others: Sequence[np.ndarray]) -> None:
    found = layer.plain_convolution()
    if found is None:
        return
    kernel, bias, strides, pad = found
    rows, columns = (pad, pad) if isinstance(pad, int) else pad
    kernel, x = np.asarray(keras.ops.convert_to_numpy(kernel), "float32"), x.astype("float32")
    padded = np.pad(x, ((0, 0), (rows, rows), (columns, columns), (0, 0)))
    expected = keras.ops.conv(padded, kernel, strides=strides, padding="valid", data_format="channels_last")
    expected = keras.ops.convert_to_numpy(expected)
    if bias is not None:
        expected = expected + keras.ops.convert_to_numpy(bias)
    _close(layer, "output, and the convolution of plain_convolution()", _call(layer, x, others), expected)


def _check_affine(layer: Any, x: np.ndarray, others: Sequence[np.ndarray]) -> None:
    scale, offset = layer.affine()
    expected = x * np.asarray(scale) + np.asarray(offset)
    _close(layer, "output, and scale * x + offset of affine()", _call(layer, x, others), expected)


def _check_identity(layer: Any, x: np.ndarray, others: Sequence[np.ndarray]) -> None:
    if layer.identity_in_inference:
        _close(layer, "output of a layer with identity_in_inference, and its input", _call(layer, x, others), x)


def _check_macs(layer: Any, x: np.ndarray, others: Sequence[np.ndarray]) -> None:
    one, two = (layer.macs((batch, *x.shape[1:])) for batch in (1, 2))
    _require(layer, isinstance(one, int) and one >= 0, f"macs(input_shape) gives {one!r}; expected a count")
    _require(layer, one == two, f"macs(input_shape) gives {one} for a batch of 1 and {two} for 2: it is for one sample")


def _check_preparation(layer: Any, x: np.ndarray, others: Sequence[np.ndarray]) -> None:
    before = _call(layer, x, others)
    layer.prepare_export()
    _close(layer, "output after and before prepare_export()", _call(layer, x, others), before)


def _check_strengths(layer: Any, x: np.ndarray, others: Sequence[np.ndarray]) -> None:
    shape = tuple(layer.mask.shape)
    _require(layer, layer.plain_strengths().shape == shape, f"plain_strengths() is not of the mask's shape {shape}")
    mask = np.ones(shape, bool)
    mask[0, -1] = False
    layer.set_mask(mask)
    kernel = layer.plain_kernel()
    _require(layer, not kernel[..., 0, -1].any() and kernel.any(), "plain_kernel() has values where set_mask pruned")
    stock = keras.layers.Conv2D(**layer.plain_config(), use_bias=layer.use_bias)
    stock.build(x.shape)
    stock.set_weights([kernel, *([] if layer.bias is None else [layer.bias])])
    _close(layer, "output, and the Conv2D of plain_config() and plain_kernel()", _call(layer, x, others), stock(x))
    for variable in layer.masked_variables():
        pruned = np.asarray(keras.ops.convert_to_numpy(variable))[..., 0, -1]
        _require(layer, not pruned.any(), f"set_mask leaves values of a pruned connection in {variable.path}")


_CHECKS: dict[str, Callable[[Any, np.ndarray, Sequence[np.ndarray]], None]] = {
    "plain_convolution": _check_convolution,
    "affine": _check_affine,
    "identity_in_inference": _check_identity,
    "macs": _check_macs,
    "prepare_export": _check_preparation,
    "plain_strengths": _check_strengths,
}
