"""The original network in torch's functions, from the names and layouts of its file."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from zoo.models.efficientnet import FEATURES, STAGES, STEM


def shapes() -> dict[str, tuple[int, ...]]:
    """Every tensor of the file, counters apart."""
    found: dict[str, tuple[int, ...]] = {"_conv_stem.weight": (STEM, 3, 3, 3)} | _norm("_bn0", STEM)
    number, last = 0, STEM
    for width, count, size, _, expansion in STAGES:
        for _ in range(count):
            block, inner = f"_blocks.{number}", expansion * last
            if expansion > 1:
                found |= {f"{block}._expand_conv.weight": (inner, last, 1, 1)} | _norm(f"{block}._bn0", inner)
            found |= {f"{block}._depthwise_conv.weight": (inner, 1, size, size)} | _norm(f"{block}._bn1", inner)
            found |= {f"{block}._project_conv.weight": (width, inner, 1, 1)} | _norm(f"{block}._bn2", width)
            number, last = number + 1, width
    found |= {"_conv_head.weight": (FEATURES, last, 1, 1)} | _norm("_bn1", FEATURES)
    return found | {"_fc.weight": (1000, FEATURES), "_fc.bias": (1000,)}


def _norm(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.{part}": (channels,) for part in ("weight", "bias", "running_mean", "running_var")}


def random_tensors() -> dict[str, np.ndarray]:
    """Values for all of them, the same at every call; scales and variances are above 0."""
    found = {}
    for name, shape in shapes().items():
        values = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape).astype("float32")
        if len(shape) > 1:
            values *= (2 / np.prod(shape[1:])) ** 0.5
        else:
            values = 1 + 0.1 * np.abs(values) if name.endswith(("running_var", ".weight")) else 0.1 * values
        found[name] = values.astype("float32")
    return found


def logits(tensors: dict[str, np.ndarray], pixels: np.ndarray) -> np.ndarray:
    """What the original gives for pixels (n, h, w, 3) from 0 to 255."""
    import torch
    from torch.nn import functional

    state = {name: torch.from_numpy(np.array(value)) for name, value in tensors.items()}

    def conv(x: Any, name: str, strides: int = 1, groups: int = 1) -> Any:
        weight = state[f"{name}.weight"]
        missing = [max((-(-side // strides) - 1) * strides + weight.shape[-1] - side, 0) for side in x.shape[2:]]
        (top, bottom), (left, right) = ((n // 2, n - n // 2) for n in missing)
        return functional.conv2d(functional.pad(x, (left, right, top, bottom)), weight, None, strides, 0, 1, groups)

    def norm(x: Any, name: str) -> Any:
        mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        return functional.batch_norm(
            x, mean, variance, state[f"{name}.weight"], state[f"{name}.bias"], training=False, eps=1e-3
        )

    with torch.no_grad():
        x = (torch.from_numpy(np.array(pixels, "float32")).permute(0, 3, 1, 2) - 127) / 128
        x, number = functional.relu6(norm(conv(x, "_conv_stem", 2), "_bn0")), 0
        for _, count, _, first, expansion in STAGES:
            for index in range(count):
                block, strides = f"_blocks.{number}", first if index == 0 else 1
                y = x
                if expansion > 1:
                    y = functional.relu6(norm(conv(y, f"{block}._expand_conv"), f"{block}._bn0"))
                y = conv(y, f"{block}._depthwise_conv", strides, y.shape[1])
                y = norm(conv(functional.relu6(norm(y, f"{block}._bn1")), f"{block}._project_conv"), f"{block}._bn2")
                x, number = x + y if strides == 1 and y.shape == x.shape else y, number + 1
        x = functional.relu6(norm(conv(x, "_conv_head"), "_bn1"))
        return functional.linear(x.mean((2, 3)), state["_fc.weight"], state["_fc.bias"]).numpy()
