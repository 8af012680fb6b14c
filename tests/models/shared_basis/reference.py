"""From the reference implementation's PyTorch names and layouts to ours."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

RESNET = (
    (r"^conv1\.", "stem."),
    (r"^bn1\.", "stem_norm."),
    (r"^(fc|linear)\.", "head."),
    (r"^shared_basis_(\d)(_\d)?\.weight$", r"stage\1_basis.kernel\2"),
    (r"^layer(\d)\.(\d+)\.", lambda found: f"stage{found[1]}_block{int(found[2]) + 1}_"),
    (r"_basis_conv(\d)\.weight$", r"_conv\1.unique_kernel"),
    (r"_coeff_conv(\d)\.weight$", r"_conv\1.coefficients"),
    (r"_basis_bn(\d)\.", r"_conv\1.norm."),
    (r"_bn(\d)\.", r"_conv\1_norm."),
    (r"_shortcut\.0\.", "_shortcut."),
    (r"_shortcut\.1\.", "_shortcut_norm."),
)
_VALUES = {"running_mean": "moving_mean", "running_var": "moving_variance", "bias": "beta", "weight": "gamma"}


def nhwc(array: np.ndarray) -> np.ndarray:
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


def path_of(name: str, rules: tuple) -> str:
    """Our variable path for a reference name; the sets of a double basis end with `_1` and `_2`."""
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    layer, _, value = name.rpartition(".")
    if layer.endswith("norm"):
        value = _VALUES[value]
    elif value == "weight":
        value = "kernel"
    return f"{layer}.{value}".replace(".", "/")


def layout(array: np.ndarray) -> np.ndarray:
    """(out, in, k, k) to (k, k, in, out), (out, in) to (in, out)."""
    return array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T


def convert(weights: Mapping[str, np.ndarray], rules: tuple = RESNET) -> dict[str, np.ndarray]:
    """Weights (or gradients) by our variable paths."""
    paths = {path_of(name, rules): layout(np.asarray(array)) for name, array in weights.items()}
    for path in [path for path in paths if path.endswith("kernel_1")]:
        second = f"{path[:-1]}2"
        paths[path[:-2]] = np.concatenate([paths.pop(path), paths.pop(second)], axis=-1)
    return paths
