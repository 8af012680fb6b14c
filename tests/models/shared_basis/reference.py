"""The reference implementation's names, and the weights of its large fixtures."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np

from zoo.models import conversion
from zoo.models.shared_basis.convert import DENSENET, INVERTED, MOBILENET, PARTS, RESNET, RESNEXT, SHORTCUT
from zoo.models.shared_basis.convert import convert as convert_tensors

BLOCK_PARTS = (*PARTS, *SHORTCUT)
__all__ = [
    "BLOCK_PARTS",
    "DENSENET",
    "INVERTED",
    "MOBILENET",
    "RESNET",
    "RESNEXT",
    "convert",
    "formula",
    "nhwc",
    "path_of",
]


def nhwc(array: np.ndarray) -> np.ndarray:
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


def path_of(name: str, rules: conversion.Rules) -> str:
    """Our variable path for a reference name; the sets of a double basis end with `_1` and `_2`."""
    path = conversion.path_of(name, rules)
    assert path is not None, name
    return path


def convert(weights: Mapping[str, np.ndarray], rules: conversion.Rules = RESNET) -> dict[str, np.ndarray]:
    """Weights (or gradients) by our variable paths."""
    found = convert_tensors(weights, rules)
    assert not found.left_over
    return found.tensors


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
