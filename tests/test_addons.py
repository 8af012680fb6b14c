"""Every figure on the page about tensorflow-addons, against numbers that tensorflow-addons 0.23 itself computed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests.datasets.test_tensors import compiled


@pytest.fixture(scope="module")
def golden(root: Path) -> dict[str, np.ndarray]:
    with np.load(root / "tests/golden/addons/tfa_0_23.npz") as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def stated(root: Path) -> dict[str, float]:
    """The figure of each row of the page's table, by the name in its first column."""
    rows = re.findall(
        r"^\| `([\w.]+)`[^|]*\|[^|]*\| [^|]*?`(\d\S*)`[^|]*\|$",
        (root / "docs/tensorflow-addons.md").read_text("utf-8"),
        re.MULTILINE,
    )
    return {name: float(figure) for name, figure in rows}


def difference(result: Any, expected: np.ndarray) -> float:
    result = ops.convert_to_numpy(result)
    assert result.shape == expected.shape
    return float(np.abs(result.astype("float64") - expected).max())


def steps(optimizer: keras.optimizers.Optimizer, golden: dict[str, np.ndarray]) -> Any:
    """Five updates of `W` by the gradients `Gs`."""
    variable = keras.Variable(golden["W"])
    optimizer.build([variable])
    for gradient in golden["Gs"]:
        optimizer.apply([ops.convert_to_tensor(gradient)], [variable])
    return variable


def inside_of_blur(golden: dict[str, np.ndarray]) -> float:
    blurred = ops.image.gaussian_blur(golden["img"], (5, 5), (1.0, 1.0), data_format="channels_last")
    return difference(blurred[:, 2:-2, 2:-2], golden["gauss"][:, 2:-2, 2:-2])


def focal(golden: dict[str, np.ndarray]) -> float:
    loss = keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True, reduction=None)
    return difference(5 * ops.convert_to_numpy(loss(golden["y"], golden["p"])) / golden["focal"], np.ones(16))


MEASURES = {
    "image.rotate": lambda g: max(
        difference(compiled(zoo.datasets.rotate_tensor)(g["img"], np.float32(0.4)), g["rot"]),
        difference(zoo.datasets.rotate_tensor(g["img"], np.float32(0.4)), g["rot"]),
    ),
    "image.gaussian_filter2d": inside_of_blur,
    "layers.GroupNormalization": lambda g: difference(keras.layers.GroupNormalization(3)(g["img"]), g["gn"]),
    "layers.InstanceNormalization": lambda g: difference(keras.layers.GroupNormalization(-1)(g["img"]), g["inn"]),
    "layers.AdaptiveAveragePooling2D": lambda g: difference(
        keras.layers.AdaptiveAveragePooling2D(4, data_format="channels_last")(g["img"]), g["aap"]
    ),
    "optimizers.AdamW": lambda g: difference(
        steps(keras.optimizers.AdamW(1e-2, weight_decay=1e-2), g).value, g["adamw"]
    ),
    "losses.SigmoidFocalCrossEntropy": focal,
}


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_the_figure_holds(name, golden, stated):
    assert MEASURES[name](golden) <= stated[name]


def test_the_page_states_no_other_figure(stated):
    assert set(stated) == {*MEASURES, "optimizers.LAMB"}


def test_nearest_rotation_is_exact(golden):
    turned = zoo.datasets.rotate_tensor(golden["img"], np.float32(0.4), interpolation="nearest")
    np.testing.assert_array_equal(ops.convert_to_numpy(turned), golden["rotn"])


def test_lamb_is_another_one(golden, stated):
    found = difference(steps(keras.optimizers.Lamb(1e-2, weight_decay=1e-2), golden).value, golden["lamb"])
    assert 0.5 * stated["optimizers.LAMB"] < found <= stated["optimizers.LAMB"]


def test_blur_differs_at_the_rim(golden):
    blurred = ops.image.gaussian_blur(golden["img"], (5, 5), (1.0, 1.0), data_format="channels_last")
    assert 0.3 < difference(blurred, golden["gauss"]) < 0.4


def test_decay_of_adamw_needs_its_conversion(golden):
    unconverted = steps(keras.optimizers.AdamW(1e-2, weight_decay=1e-4), golden).value
    assert difference(unconverted, golden["adamw"]) > 1e-3
