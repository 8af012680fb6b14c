"""The reference implementation's names, and the weights of its fixtures."""

from __future__ import annotations

import json
import zlib

import numpy as np

from zoo.models.lpsc.convert import ALEXNET, CROSS, STEM, find, layout, vgg

__all__ = ["ALEXNET", "CROSS", "STEM", "draw", "find", "layout", "named", "only_bias", "regenerate", "vgg"]


def named(golden) -> dict[str, np.ndarray]:
    """All weights of the authors' network by their names, drawn anew as the fixture was made."""
    rows = zip(golden["names"], golden["shapes"], golden["kinds"], strict=True)
    return {str(name): draw(str(name), json.loads(str(shape)), str(kind)) for name, shape, kind in rows}


def regenerate(golden, layers, paths: set[str]) -> dict[str, np.ndarray]:
    """The same by our paths."""
    found = {}
    for name, value in named(golden).items():
        path, kind, part = find(name, layers)
        found[only_bias(path, paths)] = layout(value, kind, part)
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
