from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from zoo.testing import assert_close, load_golden

pytestmark = pytest.mark.once


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "case.npz"
    arrays = {"input": np.ones((2, 3)), "weights/a": np.zeros(1), "weights/b.c": np.arange(3)}
    np.savez(file, config='{"kernel_size": 5}', **arrays)
    return file


def test_load_golden(path: Path) -> None:
    golden = load_golden(path)
    assert golden.config == {"kernel_size": 5}
    assert sorted(golden) == ["input", "weights/a", "weights/b.c"]
    assert golden["input"].shape == (2, 3)
    assert list(golden.group("weights")) == ["a", "b.c"]


def test_unknown_name_lists_the_known_ones(path: Path) -> None:
    with pytest.raises(KeyError, match="no 'output'; it holds input, weights/a"):
        load_golden(path)["output"]


def test_pickles_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "bad.npz", x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="pickle"):
        load_golden(tmp_path / "bad.npz")


def test_close_is_relative_to_the_largest_value() -> None:
    expected = np.array([1000.0, 0.001])
    assert_close(keras.ops.convert_to_tensor([1000.0, 0.002]), expected, rel=1e-5)
    with pytest.raises(AssertionError, match=r"logits: differs by 1e-05 .*Worst at \(1,\): expected 0.001, got 0.011"):
        assert_close(expected + [0, 0.01], expected, rel=9e-6, name="logits")


@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        (np.zeros((2, 1)), np.zeros(2), r"expected shape \(2,\), got \(2, 1\)"),
        (np.array([1.0, np.nan]), np.ones(2), "1 actual values are not finite"),
        (np.ones(2), np.array([np.inf, 1.0]), "1 expected values are not finite"),
        (np.full(2, 1e-3), np.zeros(2), "2 of 2 values"),
    ],
)
def test_failures(actual: np.ndarray, expected: np.ndarray, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        assert_close(actual, expected)


def test_nothing_and_zeros() -> None:
    assert_close(np.zeros((0, 3)), np.zeros((0, 3)))
    assert_close(np.zeros(3), np.zeros(3))
