"""The penalty against its formula in NumPy."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from tests.layers.equivariant import normal
from zoo.losses import Orthogonality


def rows(kernel: np.ndarray) -> np.ndarray:
    return kernel.reshape(-1, kernel.shape[-1]).T.astype("float64")


def square(kernel: np.ndarray) -> np.ndarray:
    return (rows(kernel) @ rows(kernel).T - np.eye(kernel.shape[-1])) ** 2


@pytest.mark.parametrize(
    ("arguments", "factor"),
    [({}, 1 / 25), ({"reduction": "sum"}, 1), ({"entries": 7}, 1 / 7), ({"reduction": "sum", "entries": 7}, 1)],
)
def test_of_one_kernel(arguments: dict, factor: float) -> None:
    kernel = normal(3, 3, 4, 5)
    expected = 3 * factor * square(kernel).sum()
    assert float(Orthogonality(3.0, **arguments)(kernel)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("reduction", "factor"), [("mean", 1 / 10), ("sum", 1)])
def test_between_two_kernels(reduction: str, factor: float) -> None:
    one, two = normal(3, 3, 4, 5), normal(3, 3, 4, 2, seed=2)
    expected = 3 * factor * ((rows(one) @ rows(two).T) ** 2).sum()
    assert float(Orthogonality(3.0, reduction=reduction).cross(one, two)) == pytest.approx(expected, rel=1e-5)


def test_more_filters_than_weights() -> None:
    """The smaller matrix has no floor, and the same gradient: the two differ by the filters that are too many."""
    kernel = normal(1, 1, 4, 24) / 3
    large = float(Orthogonality(1.0, reduction="sum", side="filters")(kernel))
    small = float(Orthogonality(1.0, reduction="sum")(kernel))
    assert large == pytest.approx(square(kernel).sum(), rel=1e-5)
    assert large - small == pytest.approx(24 - 4, rel=1e-5)
    orthonormal = np.linalg.qr(normal(24, 4))[0].T.reshape(1, 1, 4, 24)
    assert float(Orthogonality(1.0)(orthonormal)) < 1e-10


def test_half_precision_is_widened() -> None:
    kernel = keras.ops.cast(normal(3, 3, 4, 5), "bfloat16")
    penalty = Orthogonality()(kernel)
    assert keras.backend.standardize_dtype(penalty.dtype) == "float32"


def test_serialises() -> None:
    penalty = Orthogonality(2.0, reduction="sum", entries=3, side="filters")
    written = json.loads(json.dumps(keras.regularizers.serialize(penalty)))
    assert keras.regularizers.deserialize(written).get_config() == penalty.get_config()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"strength": -1.0}, "`strength` to be a number of at least 0; got -1.0"),
        ({"strength": float("nan")}, "`strength` to be a number of at least 0; got nan"),
        ({"reduction": "max"}, '"mean", "sum"; got .max'),
        ({"entries": 0}, "`entries` to be a positive integer; got 0"),
        ({"side": "rows"}, '"auto", "filters"; got .rows'),
    ],
)
def test_errors(arguments: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Orthogonality(**arguments)
