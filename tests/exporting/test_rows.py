"""Whether the rows of a batch depend on each other, as the check of an exported file finds it."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.exporting._check import _independent

pytestmark = pytest.mark.once

RNG = np.random.default_rng(0)
X, Z = (RNG.standard_normal((4, 3)).astype("float32") for _ in range(2))


def softmax(x):
    odds = np.exp(x)
    return odds / odds.sum(axis=1, keepdims=True)


@np.errstate(divide="ignore", invalid="ignore")
def independent(function, **inputs):
    cases = {f"{case}.in.{name}": value[:rows] for case, rows in enumerate((1, 4)) for name, value in inputs.items()}
    return _independent({"serving_default": lambda given: {"y": function(**given)}}, cases)


@pytest.mark.parametrize(
    ("function", "known"),
    [
        (lambda x: x @ np.ones((3, 2), np.float32), True),
        (lambda x: softmax(x), True),
        (lambda x: (x > 0).sum(axis=1), True),
        (lambda x: x - x.mean(axis=0), False),
        (lambda x: x / x.std(axis=0), False),
        (lambda x: x @ x.T, False),
        (lambda x: np.sort(x, axis=0), False),
        (lambda x: x[::-1], False),
        (lambda x: np.cumsum(x, axis=0), False),
        (lambda x: x + np.arange(len(x))[:, None], False),
        (lambda x: x.sum(), False),
        (lambda x: x.mean(axis=0), False),
        (lambda x: x[:1], False),
        (lambda x: np.array([2.0]), False),
    ],
)
def test_one_input(function, known):
    assert independent(function, x=X) == known


def test_several_inputs():
    assert independent(lambda x, z: x + z, x=X, z=Z)
    assert not independent(lambda x, z: x + z[0], x=X, z=Z)
    assert not independent(lambda x, z: x + z, x=X, z=np.float32(1) * np.ones((1, 3), np.float32))


def test_what_cannot_be_known():
    run = {"serving_default": lambda given: {"y": given["x"]}}
    assert not _independent(run, {"0.in.x": X[:1]})
    assert not _independent(run, {"0.in.x": np.float32(1)})

    def one_size(given):
        if len(given["x"]) != 4:
            raise RuntimeError("four rows expected")
        return {"y": given["x"]}

    assert not _independent({"serving_default": one_size}, {"0.in.x": X})
