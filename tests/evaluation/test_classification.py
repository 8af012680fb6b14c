from __future__ import annotations

import json
import math

import keras
import numpy as np
import pytest

from zoo.evaluation import evaluate


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
    with pytest.raises(ValueError, match=r"at least 10 classes for this data set; got \(50, 9\)"):
        evaluate(plain, dataset="mnist_rot", data=data)


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
