"""Cross-entropy and accuracy against NumPy, for every form of labels."""

import keras
import numpy as np
import pytest

from zoo.training.objective import CrossEntropy, accuracy_metric

RNG = np.random.default_rng(0)


def softmax_log(logits):
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def number(value):
    return float(keras.ops.convert_to_numpy(value))


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("shape", [(6,), (2, 5)], ids=["images", "nodes"])
def test_loss_of_integer_labels(smoothing, shape):
    logits = RNG.normal(size=(*shape, 4)).astype("float32")
    labels = RNG.integers(0, 4, shape)
    log_p = softmax_log(logits)
    expected = -(
        (1 - smoothing) * np.take_along_axis(log_p, labels[..., None], -1)[..., 0] + smoothing * log_p.mean(-1)
    )
    assert number(CrossEntropy(smoothing)(labels, logits)) == pytest.approx(expected.mean(), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_loss_of_mixed_labels(smoothing):
    logits = RNG.normal(size=(6, 4)).astype("float32")
    labels = RNG.dirichlet(np.ones(4), 6).astype("float32")
    expected = -(((1 - smoothing) * labels + smoothing / 4) * softmax_log(logits)).sum(-1).mean()
    assert number(CrossEntropy(smoothing)(labels, logits)) == pytest.approx(expected, rel=1e-5)


def test_weighted_loss_is_the_mean_over_what_counts():
    logits = RNG.normal(size=(1, 5, 3)).astype("float32")
    labels, weights = np.array([[0, 1, 2, 1, 0]]), np.array([[1, 0, 1, 0, 0]], "float32")
    losses = -np.take_along_axis(softmax_log(logits), labels[..., None], -1)[..., 0]
    loss = CrossEntropy()(labels, logits, sample_weight=weights)
    assert number(loss) == pytest.approx((losses * weights).sum() / 2, rel=1e-5)


def test_accuracy_of_every_form():
    logits = np.array([[3, 1, 0], [0, 1, 2], [5, 6, 1]], "float32")
    for labels in (np.array([0, 2, 0]), np.array([[0], [2], [0]]), np.eye(3)[[0, 2, 0]] * 0.6 + 0.1):
        metric = accuracy_metric()
        metric.update_state(labels, logits)
        assert number(metric.result()) == pytest.approx(2 / 3)
    metric = accuracy_metric()
    metric.update_state(np.array([[0, 2, 0]]), logits[None], sample_weight=np.array([[0.0, 1.0, 1.0]]))
    assert metric.name == "accuracy" and number(metric.result()) == 0.5


def test_a_loss_survives_its_configuration():
    copy = CrossEntropy.from_config(CrossEntropy(0.3).get_config())
    assert (copy.smoothing, copy.reduction, copy.name) == (0.3, "mean_with_sample_weight", "cross_entropy")
