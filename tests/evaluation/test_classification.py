from __future__ import annotations

import json
import math

import keras
import numpy as np
import pytest

from zoo.evaluation import evaluate
from zoo.evaluation.classification import _score
from zoo.hub.tasks import find_task


@pytest.mark.parametrize("batch_size", [7, 256])
def test_numbers(model, data, batch_size):
    result = evaluate(model, data=data, batch_size=batch_size)
    assert result["model"] == "bars_mnistrot" and result["dataset"] == "mnist_rot" and result["split"] == "test"
    assert (result["images"], result["correct"]) == (50, 47)
    assert result["accuracy"] == pytest.approx(0.94) and result["error_percent"] == pytest.approx(6.0)
    json.dumps(result)  # plain types


def test_loss_is_the_mean_cross_entropy(model, data):
    # A bar gives its class the logit 20 * 2 * 0.2 = 8 and the others 0; three labels are wrong.
    rest = math.log(math.exp(8) + 9)
    assert evaluate(model, data=data)["loss"] == pytest.approx((47 * (rest - 8) + 3 * rest) / 50, rel=1e-5)


def test_by_name_with_the_environment(model, folder, data, monkeypatch):
    monkeypatch.setenv("ZOO_DATA", str(data))
    result = evaluate(folder, dataset="mnist_rot", split="validation")
    assert result["model"] == str(folder) and result["images"] == 9


def test_any_keras_model_when_the_data_set_is_named(data):
    plain = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    assert evaluate(plain, dataset="mnist_rot", data=data)["images"] == 50
    with pytest.raises(ValueError, match="Which data set"):
        evaluate(plain, data=data)


def test_too_few_classes(data):
    plain = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(9)])
    with pytest.raises(ValueError, match=r"label 9 is outside 0..8: the model has 9 classes"):
        evaluate(plain, dataset="mnist_rot", data=data)
    single = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match=r"label 9 is outside 0..1: expected 0 \(no\) or 1 \(yes\)"):
        evaluate(single, dataset="mnist_rot", data=data)


def test_other_image_size(data):
    plain = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(10)])
    with pytest.raises(ValueError, match=r"shape \(N, 32, 32, 3\); got \(50, 28, 28, 1\)"):
        evaluate(plain, dataset="mnist_rot", data=data)


def test_broken_weights(model, data):
    model.get_layer("head").set_weights([np.full((784, 10), np.nan), np.zeros(10)])
    with pytest.raises(ValueError, match="NaN or infinite values: check its weights"):
        evaluate(model, data=data)


def test_unknown_data_set_and_split(model, data):
    with pytest.raises(ValueError, match="Did you mean 'mnist_rot'"):
        evaluate(model, dataset="mnistrot", data=data)
    with pytest.raises(ValueError, match="Unknown split 'val'"):
        evaluate(model, split="val", data=data)


def test_each_task_is_scored_by_its_own_answers():
    logits = np.array([[2.0, -1.0], [-3.0, 0.5], [1.0, 4.0]])
    right, loss = _score(logits, np.array([0, 1, 0]), find_task("image-classification"))
    assert right.tolist() == [True, True, False]
    wanted = -np.log([1 / (1 + np.exp(-3)), 1 / (1 + np.exp(-3.5)), 1 / (1 + np.exp(3))]).mean()
    assert loss == pytest.approx(wanted)
    right, loss = _score(logits, np.array([[1, 0], [0, 0], [1, 1]]), find_task("node-labelling"))
    assert right.tolist() == [[True, True], [True, False], [True, True]]
    signs = np.array([[1, -1], [-1, -1], [1, 1]])
    assert loss == pytest.approx(np.log(1 + np.exp(-signs * logits)).mean())
    right, loss = _score(logits[:, :1], np.array([1, 1, 0]), find_task("image-classification"))
    assert right.tolist() == [True, False, False]
    assert loss == pytest.approx(np.log(1 + np.exp(-np.array([1, 1, -1]) * logits[:, 0])).mean())


@pytest.mark.parametrize(
    ("task", "labels", "message"),
    [
        ("image-classification", [0, 1, -1], "label -1 is outside 0..1"),
        ("image-classification", [0, 1, 2], "label 2 is outside 0..1"),
        ("image-classification", [[1, 0], [0, 1], [1, 0]], r"labels of shape \(3,\)"),
        ("image-labelling", [0, 1, 1], r"labels of shape \(3, 2\)"),
        ("image-labelling", [[0, 1], [1, 2], [0, 0]], "label 2 is outside 0..1"),
        ("image-labelling", [[0, 1], [1, 0.5], [0, 0]], "labels of 0 .no. or 1 .yes. for each logit"),
    ],
)
def test_labels_that_cannot_be_meant(task, labels, message):
    with pytest.raises(ValueError, match=message):
        _score(np.zeros((3, 2)), np.array(labels), find_task(task))
