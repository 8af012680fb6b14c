"""From the reference implementation's PyTorch names and layouts to ours."""

from __future__ import annotations

import json
import re
import zlib

import numpy as np

from zoo.math import log_polar_from_folded

NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
# The authors' layers, ours, and what each holds: conv, lpsc, center (of the log-polar layer), norm or dense. The
# first pattern that fits decides.
ALEXNET = [
    (r"logp1\.1", "conv1", "lpsc"),
    (r"centerconv1", "conv1", "center"),
    (r"logconv2", "conv2", "lpsc"),
    (r"centerconv2", "conv2", "center"),
    (r"highfeatures\.2", "conv3", "conv"),
    (r"highfeatures\.4", "conv4", "conv"),
    (r"highfeatures\.6", "conv5", "conv"),
    (r"classifier", "head", "dense"),
]
RESNET = [
    (r"layer(\d)\.(\d+)\.lpsc1", r"stage\1_block\2_conv1_lpsc", "lpsc"),
    (r"layer(\d)\.(\d+)\.centerconv2", r"stage\1_block\2_conv1_lpsc", "center"),
    (r"layer(\d)\.(\d+)\.bn(\d)", r"stage\1_block\2_conv\3_norm", "norm"),
    (r"layer(\d)\.(\d+)\.downsample\.0", r"stage\1_block\2_shortcut", "conv"),
    (r"layer(\d)\.(\d+)\.downsample\.1", r"stage\1_block\2_shortcut_norm", "norm"),
    (r"layer(\d)\.(\d+)\.conv(\d)", r"stage\1_block\2_conv\3", "conv"),
    (r"bn1", "stem_norm", "norm"),
    (r"fc", "head", "dense"),
]
STEM = [(r"conv1", "stem", "lpsc"), (r"centerconv1", "stem", "center"), *RESNET]
CROSS = [
    (r"conv1", "stem_plain", "conv"),
    (r"lpsc1", "stem_lpsc", "lpsc"),
    (r"centerconv1", "stem_lpsc", "center"),
    (r"layer1\.(\d+)\.conv1", r"stage1_block\1_conv1_plain", "conv"),
    *RESNET,
]


def vgg(stages: tuple[int, ...]) -> list[tuple[str, str, str]]:
    """Layers of a VGG with normalization, which the authors number through."""
    found, place = [], 0
    for stage, depth in enumerate(stages, start=1):
        for index in range(1, depth + 1):
            found.append((rf"features\.{place}", f"conv{stage}_{index}", "conv"))
            found.append((rf"features\.{place + 1}", f"conv{stage}_{index}_norm", "norm"))
            place += 3
        place += 1
    stem = [(r"pre\.1", "stem", "lpsc"), (r"centerconv", "stem", "center"), (r"post\.0", "stem_norm", "norm")]
    return [*found, *stem, (r"classifier", "head", "dense")]


def find(name: str, layers: list[tuple[str, str, str]]) -> tuple[str, str, str]:
    """Our path of one of the authors' tensors, what kind of layer it is in, and which of its tensors it is."""
    layer, _, part = name.rpartition(".")
    for pattern, ours, kind in layers:
        if match := re.fullmatch(pattern, layer):
            path = re.sub(r"_block(\d+)", lambda block: f"_block{int(block[1]) + 1}", match.expand(ours))
            return f"{path}/{_variable(kind, part)}", kind, part
    raise KeyError(name)


def _variable(kind: str, part: str) -> str:
    if kind == "norm":
        return NORM[part]
    own = {"weight": "kernel", "bias": "bias"}[part]
    return f"center_{own}" if kind == "center" else own


def layout(value: np.ndarray, kind: str, part: str) -> np.ndarray:
    """The tensor in our layout."""
    if part != "weight" or kind == "norm":
        return value
    if kind == "lpsc":
        return log_polar_from_folded(value)
    if kind == "center":
        return value[:, :, 0, 0].T
    return value.T if kind == "dense" else value.transpose(2, 3, 1, 0)


def regenerate(golden, layers: list[tuple[str, str, str]], paths: set[str]) -> dict[str, np.ndarray]:
    """All weights of the authors' network by our paths, drawn anew as the fixture was made."""
    found = {}
    for name, shape, kind in zip(golden["names"], golden["shapes"], golden["kinds"], strict=True):
        path, layer, part = find(str(name), layers)
        found[only_bias(path, paths)] = layout(draw(str(name), json.loads(str(shape)), str(kind)), layer, part)
    return found


def only_bias(path: str, paths: set[str]) -> str:
    """The authors' layers without a bias of the pooled branch have the centre's: here it is the layer's only one."""
    return path if path in paths else path.replace("center_bias", "bias")


def draw(name: str, shape: list[int], kind: str) -> np.ndarray:
    z = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    values = {
        "weight": lambda: z * np.sqrt(2 / np.prod(shape[1:])),
        "bn_gamma": lambda: 1 + 0.1 * z,
        "bn_var": lambda: 1 + 0.1 * np.abs(z),
    }
    return values.get(kind, lambda: 0.1 * z)().astype("float32")
