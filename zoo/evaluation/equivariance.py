"""How far a layer or network is from commuting with a symmetry group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from zoo.math import Group, get_group
from zoo.math.values import check_choice

KINDS = ("image", "fields", "invariant")


def equivariance_error(
    model: Callable[[Any], Any], x: Any, group: str = "p4", *, inputs: str = "image", outputs: str | None = None
) -> np.ndarray:
    """Relative error of `model(g x) = g model(x)` for every element g of a group.

        error[g] = max |model(g x) - g model(x)| / max |model(x)|

    An equivariant network in float32 on a grid that allows it has errors of about 1e-6. An image is turned and
    mirrored; a feature map on the group is also re-indexed along its group axis (`zoo.math.Group.act_on_fields`); a
    vector must not change at all. The model is called in inference mode.

    Args:
        model: a layer, model or function of one tensor.
        x: its input, (B, H, W, channels).
        group: `"p4"` or `"p4m"`.
        inputs: what x is: `"image"` or `"fields"` (a feature map on the group, channel = field * n + element).
        outputs: what the output is: `"image"`, `"fields"` or `"invariant"`; None takes vectors (B, K) as invariant and
            maps (B, H', W', channels) as fields.

    Returns:
        float64 (n,), the error of each element; that of the first, the identity, is that of calling the model twice.

    Raises:
        ValueError: unknown group or kind, an input that is not 4-D or not finite.

    Example:
        >>> import numpy as np, zoo
        >>> model = zoo.build("e4net_mnistrot")
        >>> images = np.random.default_rng(0).uniform(0, 255, (2, 28, 28, 1)).astype("float32")
        >>> bool(zoo.evaluation.equivariance_error(model, images).max() < 1e-5)
        True
    """
    symmetry, x = get_group(group), np.asarray(keras.ops.convert_to_numpy(x))
    check_choice("inputs", inputs, KINDS[:2])
    check_choice("outputs", outputs, (None, *KINDS))
    if x.ndim != 4 or not np.isfinite(x).all():
        raise ValueError(f"Expected a finite input (batch, height, width, channels); got shape {x.shape}.")
    expected = _call(model, x)
    kind = outputs or ("invariant" if expected.ndim == 2 else "fields")
    scale = np.abs(expected).max() or 1.0
    errors = []
    for element in range(symmetry.order):
        moved = _call(model, _act(symmetry, x, element, inputs))
        target = _act(symmetry, expected, element, kind)
        if moved.shape != target.shape:
            raise ValueError(f"The output changed its shape to {moved.shape} where {target.shape} was expected.")
        errors.append(np.abs(moved - target).max() / scale)
    return np.asarray(errors)


def _act(group: Group, x: np.ndarray, element: int, kind: str) -> np.ndarray:
    if kind == "invariant":
        return x
    return group.act_on_image(x, element) if kind == "image" else group.act_on_fields(x, element)


def _call(model: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    # Copied: turned arrays are views with negative strides, which torch refuses.
    x = np.ascontiguousarray(x)
    if isinstance(model, keras.Model):
        outputs = model.predict_on_batch(x)  # compiled once for all elements
    else:
        arguments = {"training": False} if isinstance(model, keras.layers.Layer) else {}
        outputs = model(keras.ops.convert_to_tensor(x), **arguments)
    return np.asarray(keras.ops.convert_to_numpy(outputs), dtype="float64")
