"""From the reference implementation's PyTorch names and layouts to ours."""

from __future__ import annotations

import re
import zlib
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
RESNEXT = (
    (r"residual_function\.0\.", "conv1."),
    (r"residual_function\.3\.", "conv2."),
    (r"residual_function\.6\.", "conv3."),
    (r"residual_function\.1\.", "bn1."),
    (r"residual_function\.4\.", "bn2."),
    (r"residual_function\.7\.", "bn3."),
    *RESNET,
)
DENSENET = (
    (r"^conv1\.", "stem."),
    (r"^features\.bn\.", "final_norm."),
    (r"^linear\.", "head."),
    (r"^shared_basis_4\.", "stage4_basis."),
    (
        r"^features\.dense_block_layer_(\d)\.bottle_neck_layer_0\.shared_basis\.",
        lambda found: f"stage{int(found[1]) + 1}_basis.",
    ),
    (
        r"^features\.dense_block_layer_(\d)\.bottle_neck_layer_(\d+)\.",
        lambda found: f"stage{int(found[1]) + 1}_block{int(found[2]) + 1}_",
    ),
    (r"^features\.transition_layer_(\d)\.down_sample\.0\.", lambda f: f"stage{int(f[1]) + 2}_transition_input_norm."),
    (r"^features\.transition_layer_(\d)\.down_sample\.1\.", lambda f: f"stage{int(f[1]) + 2}_transition."),
    (r"_bn0\.", "_input_norm."),
    *RESNET[5:9],
)
MOBILENET = (
    (r"^pre\.0\.", "stem."),
    (r"^pre\.1\.", "stem_norm."),
    (r"^conv1\.0\.", "last."),
    (r"^conv1\.1\.", "last_norm."),
    (r"^(conv2|classifier\.1)\.", "head."),
    (r"^shared_basis_(\d)_2\.weight$", lambda found: f"stage{int(found[1]) + 2}_basis_project.kernel"),
    (r"^shared_basis_(\d)(_1)?\.weight$", lambda found: f"stage{int(found[1]) + 2}_basis_expand.kernel"),
    (r"^stage(\d)\.(\d)\.", lambda found: f"stage{found[1]}_block{int(found[2]) + 1}_"),
    (r"^stage(\d)\.", r"stage\1_block1_"),
    (r"_conv1\.", "_expand."),
    (r"_conv2\.", "_depthwise."),
    (r"_conv3\.", "_project."),
    (r"_bn1\.", "_expand_norm."),
    (r"_bn2\.", "_depthwise_norm."),
    (r"_bn3\.", "_project_norm."),
    (r"_chan_attention\.conv\.", "_attention."),
    *RESNET[9:],
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


def layout(path: str, array: np.ndarray) -> np.ndarray:
    """(out, in, k, k) to (k, k, in, out), of a depthwise convolution to (k, k, channels, 1), (out, in) to (in, out)."""
    if path.startswith("head") and array.ndim == 4:
        array = array[:, :, 0, 0]
    if array.ndim != 4:
        return array.T
    return array.transpose(2, 3, 0, 1) if path.endswith("_depthwise/kernel") else array.transpose(2, 3, 1, 0)


def convert(weights: Mapping[str, np.ndarray], rules: tuple = RESNET) -> dict[str, np.ndarray]:
    """Weights (or gradients) by our variable paths."""
    names = {path_of(name, rules): np.asarray(array) for name, array in weights.items()}
    paths = {path: layout(path, array) for path, array in names.items()}
    for path in [path for path in paths if path.endswith("kernel_1")]:
        second = f"{path[:-1]}2"
        paths[path[:-2]] = np.concatenate([paths.pop(path), paths.pop(second)], axis=-1)
    return paths


def formula(name: str, shape: tuple[int, ...], kind: str) -> np.ndarray:
    """The weights of the large fixtures, which do not hold them."""
    normal = np.random.RandomState(zlib.crc32(name.encode()) & 0x7FFFFFFF).standard_normal(shape)
    values = {
        "conv": lambda: normal * (1 / np.prod(shape[1:])) ** 0.5,
        "linear": lambda: normal * (1 / shape[-1]) ** 0.5,
        "bias": lambda: 0.05 * normal,
        "gamma": lambda: 1 + 0.1 * normal,
        "beta": lambda: 0.1 * normal,
        "mean": lambda: 0.1 * normal,
        "var": lambda: 0.8 + 0.2 * np.abs(normal),
    }
    return values[kind]().astype("float32")
