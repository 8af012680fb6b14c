"""From the reference implementation's PyTorch weights and NCHW tensors to ours."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from zoo.models.conversion import NORM
from zoo.models.e4net import E4NetConfig, E4ResNet18Config
from zoo.models.e4net.convert import _E4, convert, e4_tensor, group_kernel, lifting

__all__ = [
    "batch_norm",
    "digits_network",
    "e4",
    "free_norm",
    "group_kernel",
    "lifting",
    "nhwc",
    "residual_block",
    "residual_network",
]


def nhwc(array: np.ndarray) -> np.ndarray:
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


def e4(weights: dict[str, np.ndarray], prefix: str, *, order: int, kernel_size: int, gradient: bool = False) -> dict:
    """Weights (or gradients) of one E4 layer by our names; a shared vector's gradient is the sum over the group."""
    settings = {"order": order, "kernel_size": kernel_size, "reduce": np.sum if gradient else np.mean}
    names = {ours: prefix + theirs.replace("\\", "") for theirs, ours in _E4.items()}
    return {ours: e4_tensor(ours, weights[theirs], **settings) for ours, theirs in names.items()}


def batch_norm(weights: dict[str, np.ndarray], prefix: str) -> dict:
    return {ours: weights[prefix + theirs] for theirs, ours in NORM.items() if prefix + theirs in weights}


def digits_network(weights: dict[str, np.ndarray], *, gradient: bool = False) -> dict[str, np.ndarray]:
    """All weights (or gradients) of the seven-layer network by variable path."""
    return _network(E4NetConfig(), weights, gradient)


def residual_network(weights: dict[str, np.ndarray], *, gradient: bool = False) -> dict[str, np.ndarray]:
    """All weights (or gradients) of the p4 E4 ResNet-18 by variable path."""
    return _network(E4ResNet18Config(), weights, gradient)


def residual_block(weights: dict[str, np.ndarray], prefix: str, name: str, *, gradient: bool = False) -> dict:
    """One residual E4 block (kernel size 3) by variable path; `name` is our block's name."""
    inside = {f"conv2_x.0.{theirs.removeprefix(prefix)}": value for theirs, value in weights.items()}
    found = _network(E4ResNet18Config(), inside, gradient)
    return {path.replace("stage1_block1", name): value for path, value in found.items()}


def _network(config: Any, weights: dict[str, np.ndarray], gradient: bool) -> dict[str, np.ndarray]:
    found = convert(config, weights, reduce=np.sum if gradient else np.mean)
    assert not found.left_over
    return found.tensors


def free_norm(layer, scale, offset):
    """The generator's norm of an E4 layer with the reference's scale and offset, one a field and element (Cr * n,)."""
    standard = layer._normalize  # gives (B, n, Cr, positions)
    scale, offset = (values.reshape(layer.width, -1).T[..., None] for values in (scale, offset))
    return lambda *maps: standard(*maps) * keras.ops.convert_to_tensor(scale) + keras.ops.convert_to_tensor(offset)
