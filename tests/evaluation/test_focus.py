"""Focus area and erased accuracy: by the golden numbers through a real model, options, measures of cards."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from zoo import datasets
from zoo.evaluation import FocusArea, erased_accuracy, focus_area
from zoo.evaluation.measures import measure
from zoo.losses import ErasePolicy
from zoo.testing import load_golden

GOLDEN = load_golden(Path(__file__).parents[1] / "golden" / "scene" / "cam_focus.npz")
KERNEL, BIAS = GOLDEN["head_kernel"].astype("float32"), GOLDEN["head_bias"].astype("float32")
SCALE = 20.0  # features go up to 12, pixels to 255


FEATURES = (SCALE * GOLDEN["features"]).astype("float32").repeat(4, 1).repeat(4, 2)


def golden_model() -> keras.Model:
    """Images of 28x28 pixels, four of which on each side are one golden feature; then pooling and head alone."""
    inputs = keras.Input((28, 28, 8), name="image")
    x = keras.layers.AveragePooling2D(4, data_format="channels_last")(inputs)
    x = keras.layers.Rescaling(1 / SCALE)(x)
    x = keras.layers.GlobalAveragePooling2D(data_format="channels_last")(x)
    model = keras.Model(inputs, keras.layers.Dense(5, name="head")(x))
    model.get_layer("head").set_weights([KERNEL, BIAS])
    return model


@pytest.mark.parametrize("normalization", ["relumax", "minmax"])
@pytest.mark.parametrize(
    ("grid", "order", "key"),
    [
        ("native", "normalize_first", "native"),
        ("image", "normalize_first", "up"),
        ("image", "resize_first", "up_then_norm"),
    ],
)
def test_golden(normalization, grid, order, key):
    model = golden_model()
    found = focus_area(
        model,
        FEATURES,
        classes=GOLDEN["labels"],
        thresholds=GOLDEN["taus"],
        normalization=normalization,
        grid=grid,
        order=order,
        batch_size=3,
    )
    areas = np.stack([found.areas[float(threshold)] for threshold in GOLDEN["taus"]], axis=-1)
    np.testing.assert_allclose(areas, GOLDEN[f"focus_{key}_{normalization}"], atol=1e-7)
    maps = GOLDEN[f"{'norm' if key == 'native' else key}_{normalization}"]
    np.testing.assert_allclose(found.mean_map, maps.mean((1, 2)), atol=1e-5)


def test_predicted_classes_by_default():
    assert GOLDEN["pred"].tolist() == golden_model().predict(FEATURES, verbose=0).argmax(1).tolist()
    given, default = (focus_area(golden_model(), FEATURES, classes=c) for c in (GOLDEN["pred"], None))
    np.testing.assert_array_equal(given.mean_map, default.mean_map)


def test_names_of_the_means():
    found = FocusArea(areas={0.2: np.array([0.5, 1.0]), 0.05: np.zeros(2)}, mean_map=np.array([0.25, 0.75]))
    assert found.means() == {"focus_area": 0.5, "focus_area_20": 0.75, "focus_area_5": 0.0}


TINY = {"input_shape": (32, 32, 3), "widths": (4, 4, 4, 8), "blocks": (1, 1, 1, 1), "num_classes": 4}


def small() -> tuple[keras.Model, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    model = zoo.build("scene_resnet18_narrow_sun16", **TINY)
    return model, rng.integers(0, 256, (6, 32, 32, 3), dtype=np.uint8), np.arange(6) % 4


def test_options():
    model, images, labels = small()
    default = focus_area(model, images, batch_size=4)
    assert all(((area >= 0) & (area <= 1)).all() for area in default.areas.values())
    assert (default.areas[0.2] >= default.areas[0.3]).all() and (default.areas[0.3] >= default.areas[0.5]).all()
    united = focus_area(model, images, top=3)
    assert all((united.areas[t] >= default.areas[t] - 1e-9).all() for t in default.areas)
    predicted = model.predict(images, verbose=0).argmax(1)
    np.testing.assert_allclose(focus_area(model, images, classes=predicted).mean_map, default.mean_map, atol=1e-5)


def test_the_mean_of_the_map_is_the_mean_area_over_all_thresholds():
    model, images, _ = small()
    found = focus_area(model, images, thresholds=(np.arange(200) + 0.5) / 200)
    np.testing.assert_allclose(np.mean(list(found.areas.values()), axis=0), found.mean_map, atol=3e-3)


@pytest.mark.parametrize("normalization", ["relumax", "minmax"])
def test_images_of_one_colour_have_no_area(normalization):
    model, images, _ = small()
    images[1], images[2] = 0, (10, 200, 30)
    found = focus_area(model, images, thresholds=(0.0, 0.5), normalization=normalization)
    for area in (*found.areas.values(), found.mean_map):
        assert area[1] == area[2] == 0 and np.isfinite(area).all()
    assert found.areas[0.0][0] == 1


def test_erased_accuracy():
    model, images, labels = small()
    nothing = ErasePolicy(cam_class="predicted", probability=0.0)
    plain = float((model.predict(images, verbose=0).argmax(1) == labels).mean())
    assert erased_accuracy(model, images, labels, policy=nothing, batch_size=4) == pytest.approx(plain)
    everything = ErasePolicy(cam_class="label", threshold=0.0, fill="constant", constant=9.0)
    other = model.predict(np.full_like(images, 9), verbose=0).argmax(1)
    maps = zoo.visual.cam(model, images, classes=labels)
    expected = np.where(maps.max((1, 2)) > 0, other, model.predict(images, verbose=0).argmax(1))
    found = erased_accuracy(model, images, labels, policy=everything, batch_size=4)
    assert found == pytest.approx(float((expected == labels).mean()))


def test_measures():
    model, images, labels = small()
    logits = model.predict(images, verbose=0)
    names = ("accuracy", "class_mean_accuracy", "focus_area", "erased_accuracy")
    found = measure(names, model, images, labels, logits)
    assert found["accuracy"] == pytest.approx(100 * (logits.argmax(1) == labels).mean())
    by_class = [(logits.argmax(1) == labels)[labels == c].mean() for c in range(4)]
    assert found["class_mean_accuracy"] == pytest.approx(100 * np.mean(by_class))
    area = focus_area(model, images).means()
    assert found["focus_area_20"] == pytest.approx(100 * area["focus_area_20"], abs=1e-3)
    assert found["erased_accuracy"] == pytest.approx(100 * erased_accuracy(model, images, labels))
    with pytest.raises(ValueError, match="Unknown measure: size. Expected some of: accuracy, "):
        measure(("size",), model, images, labels, logits)
    with pytest.raises(ValueError, match=r"as a list, as measures=\['accuracy'\]"):
        measure("accuracy", model, images, labels, logits)


def test_evaluate_takes_the_measures_of_the_preset(monkeypatch):
    _, images, labels = small()
    monkeypatch.setattr(datasets, "load", lambda name, split, *, data=None: (images, labels))
    model = zoo.load("scene_resnet18_narrow_sun16", weights=None, input_shape=(32, 32, 3))
    result = zoo.evaluate(model, progress=False)
    assert result["measures"]["accuracy"] == pytest.approx(100 * result["accuracy"])
    assert {"focus_area", "focus_area_minmax", "erased_accuracy"} <= set(result["measures"])
    assert "measures" not in zoo.evaluate(model, measures=(), progress=False)
    assert list(zoo.evaluate(model, measures=["accuracy"], progress=False)["measures"]) == ["accuracy"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"thresholds": (0.2, 1.1)}, r"threshold` to be a number in \[0, 1\].*; got 1.1"),
        ({"normalization": "max"}, "normalization to be one of"),
        ({"grid": "cells"}, "grid to be one of .*; got 'cells'"),
        ({"order": "first"}, "order to be one of"),
        ({"top": 0}, "top of at least 1"),
        ({"classes": [1, 2]}, r"one class for each of 6 images; got shape \(2,\)"),
    ],
)
def test_errors(arguments, message):
    model, images, _ = small()
    with pytest.raises(ValueError, match=message):
        focus_area(model, images, **arguments)


def test_policies_that_measure_nothing():
    model, images, labels = small()
    with pytest.raises(ValueError, match="erases images in one round"):
        erased_accuracy(model, images, labels, policy=ErasePolicy(level="feature"))
