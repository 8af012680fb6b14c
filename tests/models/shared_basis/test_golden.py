"""Networks against what the authors' modules and loss functions computed: outputs, gradients, statistics, penalty."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from tests.models.shared_basis import reference
from tests.models.shared_basis.losses import gradients
from zoo.models.shared_basis import BasicResNetConfig, build
from zoo.testing import assert_close, load_golden

FOLDER = Path(__file__).parents[2] / "golden" / "dsfb"
RAW = {"mean": (0.0,) * 3, "std": (1.0,) * 3}


def assign(model, weights):
    missing = {variable.path for variable in model.weights} ^ set(weights)
    assert not missing, sorted(missing)
    for variable in model.weights:
        variable.assign(weights[variable.path])


def test_network_with_two_bases():
    """Every tensor of ResNet-20 S8U1 double: logits, all gradients of the loss with the penalty, moving averages."""
    golden = load_golden(FOLDER / "net_cifar10_resnet20_double_S8U1.npz")
    model = build(BasicResNetConfig(shared=8, unique=1, bases=2, blocks=(3, 3, 3), **RAW))
    weights = reference.convert(golden.group("w"))
    x = reference.nhwc(golden["x"])
    assign(model, weights)
    core = keras.Model(model.layers[1].output, model.output)
    assert_close(core.predict(x, verbose=0), golden["eval/logits"], 1e-5, name="eval logits")
    logits, penalty, found = gradients(core, x)
    assert_close(logits, golden["train/logits"], 1e-5, name="train logits")
    assert_close(np.array(penalty / 10), golden["ortho/avg_sim"], 1e-5, name="penalty")
    check_gradients(found, reference.convert(golden.group("train/g")), 1e-4)
    check_statistics(model, weights, reference.convert(golden.group("train/after")), rows=2 * 32 * 32)


def check_gradients(found, expected, rel):
    assert set(found) == set(expected)
    for path, value in found.items():  # that of an offset before a second normalization is nothing but rounding
        floor = np.full(1, 0.1, "float32")
        assert_close(np.append(value, floor), np.append(expected[path], floor), rel, name=path)


def check_statistics(model, before, after, rows):
    """Moving averages; torch keeps the unbiased variance, n / (n - 1) times ours in the part that is new."""
    for variable in model.non_trainable_variables:
        path = variable.path
        expected = after[path]
        if path.endswith("variance"):
            stage = int(path[5]) - 1 if path.startswith("stage") else 0
            count = rows // 4**stage
            expected = 0.9 * before[path] + (expected - 0.9 * before[path]) * (count - 1) / count
        assert_close(variable, expected, 1e-5, name=path)
