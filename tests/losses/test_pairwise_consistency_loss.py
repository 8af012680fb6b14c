"""The pairwise losses against the NumPy formulas of our reading, and their identities."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from tests.losses.compiled import MODES, in_mode
from zoo.losses import KINDS, PairwiseConsistencyLoss
from zoo.losses.pairwise_consistency_loss import split_kl
from zoo.testing import load_golden

GOLDEN = load_golden(Path(__file__).parents[1] / "golden" / "scene" / "pair_losses.npz")
Z, ERASED, LABELS = (
    GOLDEN["z"].astype("float32"),
    GOLDEN["z_erased"].astype("float32"),
    GOLDEN["labels"].astype("int32"),
)


def values(loss: PairwiseConsistencyLoss, mode: str = "eager", original=Z, erased=ERASED) -> np.ndarray:
    return ops.convert_to_numpy(in_mode(lambda z, e: loss((LABELS, z), e), mode)(original, erased))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("temperature", [1, 2, 4])
def test_golden(temperature, mode):
    def measured(kind: str, **arguments: object) -> np.ndarray:
        return values(PairwiseConsistencyLoss(kind, temperature=temperature, reduction=None, **arguments), mode)

    expected = {name: GOLDEN[f"{name}_T{temperature}"] for name in ("kl", "symkl", "js", "target_kl", "nontarget_kl")}
    for kind in ("kl", "symkl", "js"):
        np.testing.assert_allclose(measured(kind), expected[kind], rtol=2e-5, atol=2e-6)
    for top in (2, 3):
        np.testing.assert_allclose(
            measured("topk", top=top), GOLDEN[f"topk{top}_kl_T{temperature}"], rtol=2e-5, atol=2e-6
        )
    both = expected["target_kl"] + expected["nontarget_kl"]
    np.testing.assert_allclose(measured("relevance"), both, rtol=2e-5, atol=2e-6)
    weighted = 0.5 * expected["target_kl"] + 3.0 * expected["nontarget_kl"]
    np.testing.assert_allclose(
        measured("relevance", target_weight=0.5, other_weight=3.0), weighted, rtol=2e-5, atol=2e-6
    )


@pytest.mark.parametrize("mode", MODES)
def test_golden_without_a_temperature(mode):
    for kind in ("mse_logits", "mse_probs"):
        found = values(PairwiseConsistencyLoss(kind, reduction=None), mode)
        np.testing.assert_allclose(found, GOLDEN[kind], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("temperature", [1, 2, 4])
def test_gradient_of_kl(temperature):
    """T (q - p) for the erased image's logits, and through a stopped gradient nothing for the original's."""
    loss = PairwiseConsistencyLoss("kl", temperature=temperature, reduction="sum")
    to_original, to_erased = gradients(lambda z, e: loss((LABELS, ops.stop_gradient(z)), e))
    np.testing.assert_allclose(to_erased, GOLDEN[f"grad_kl_wrt_z_erased_T{temperature}"], atol=2e-6)
    assert to_original is None or not to_original.any()


def gradients(function) -> list[np.ndarray | None]:
    """Of a number that depends on both logits, one backend's way at a time."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return [np.asarray(g) for g in jax.grad(function, argnums=(0, 1))(Z, ERASED)]
    if backend == "torch":
        inputs = [ops.convert_to_tensor(v).requires_grad_() for v in (Z, ERASED)]
        function(*inputs).backward()
        return [None if v.grad is None else v.grad.cpu().numpy() for v in inputs]
    import tensorflow as tf

    inputs = [tf.convert_to_tensor(v) for v in (Z, ERASED)]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        result = function(*inputs)
    return [None if g is None else g.numpy() for g in tape.gradient(result, inputs)]


@pytest.mark.parametrize("kind", KINDS)
def test_equal_answers_are_no_distance_apart(kind):
    loss = PairwiseConsistencyLoss(kind, reduction=None)
    np.testing.assert_allclose(values(loss, erased=Z), 0.0, atol=1e-5)
    assert values(loss)[:-1].max() > 1e-3 and np.isfinite(values(loss)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_large_logits_stay_finite(kind):
    found = values(PairwiseConsistencyLoss(kind, reduction=None), original=1e3 * Z, erased=-1e3 * ERASED)
    assert np.isfinite(found).all()


def test_kl_splits_at_the_label():
    for temperature in (1.0, 0.1):  # at 0.1 the label's probability is nearly 1 in some rows
        log_p, log_q = (ops.log_softmax(z / temperature) for z in (Z, ERASED))
        target, other = (ops.convert_to_numpy(part) for part in split_kl(log_p, log_q, LABELS))
        p = np.exp(ops.convert_to_numpy(log_p)[np.arange(len(Z)), LABELS])
        kl = values(PairwiseConsistencyLoss("kl", temperature=temperature, reduction=None)) / temperature**2
        np.testing.assert_allclose(target + (1 - p) * other, kl, rtol=2e-5, atol=2e-5)


def test_rank_counts_exchanged_neighbours():
    original = np.array([[3.0, 2.0, 1.0, 0.0]], "float32")
    erased = np.array([[1.0, 1.5, 0.5, 9.0]], "float32")
    loss = PairwiseConsistencyLoss("rank", top=3, reduction=None)
    assert float(loss((np.array([0]), original), erased)[0]) == pytest.approx(0.25)  # (0.5 + 0) / 2
    wide = PairwiseConsistencyLoss("rank", top=3, margin=1.0, reduction=None)
    assert float(wide((np.array([0]), original), erased)[0]) == pytest.approx(0.75)  # (1.5 + 0) / 2


def test_weights_of_images():
    loss = PairwiseConsistencyLoss("kl", reduction="sum")
    weights = np.arange(6, dtype="float32")
    each = values(PairwiseConsistencyLoss("kl", reduction=None))
    assert float(loss((LABELS, Z), ERASED, sample_weight=weights)) == pytest.approx(float(weights @ each), rel=1e-5)


def test_config():
    loss = PairwiseConsistencyLoss("topk", temperature=3.0, top=4, reduction="sum", name="mine")
    again = PairwiseConsistencyLoss.from_config(loss.get_config())
    assert again.get_config() == loss.get_config()
    config = keras.saving.serialize_keras_object(loss)
    assert keras.saving.deserialize_keras_object(config).kind == "topk"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "class_features"])
def test_labels_that_are_no_class(kind):
    loss, labels = PairwiseConsistencyLoss(kind, reduction=None), np.array([0, 7, -1, 255, 6, 1])
    with pytest.raises(ValueError, match=r"Expected labels from 0 to 6, .*got \[-1, 7, 255\]|\[-1.0, 7.0, 255.0\]"):
        loss((labels, Z), ERASED)
    if keras.backend.backend() != "torch":
        values = in_mode(lambda y: loss((y, Z), ERASED), "compiled")(labels)
        assert np.isnan(keras.ops.convert_to_numpy(values)).tolist() == [False, True, True, True, False, False]


def test_one_logit_has_no_distribution():
    z = np.array([[1.0], [2.0]], "float32")
    with pytest.raises(ValueError, match=r"at least 2 classes; got 1 logit.*Dense\(2\)"):
        PairwiseConsistencyLoss()((np.array([0, 1]), z), z)
    assert float(PairwiseConsistencyLoss("mse_logits")((np.array([0, 0]), z), z + 1)) == 1
    assert PairwiseConsistencyLoss(dtype="float16").dtype == "float32"


def test_errors():
    with pytest.raises(ValueError, match="`kind` to be one of .*; got 'l2'"):
        PairwiseConsistencyLoss("l2")
    with pytest.raises(ValueError, match="`temperature` to be a number above 0"):
        PairwiseConsistencyLoss(temperature=0)
    with pytest.raises(ValueError, match=r"hard labels, one integer an image; got an array of shape \(6, 7\)"):
        PairwiseConsistencyLoss()((np.eye(7, dtype="float32")[LABELS], Z), ERASED)


def test_labels_alone_are_no_pair():
    with pytest.raises(ValueError, match=r"as the pair \(labels, original logits\)"):
        PairwiseConsistencyLoss("kl")(np.zeros(3, "int32"), np.zeros((3, 4), "float32"))
