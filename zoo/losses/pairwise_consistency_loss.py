"""How far the answer to an erased image is from the answer to the whole one."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from zoo.losses._common import check_classes, exist, widened
from zoo.math.values import Tensor, check_choice, check_number, check_whole, wide

KINDS = (
    "relevance",
    "kl",
    "symkl",
    "js",
    "topk",
    "rank",
    "mse_logits",
    "mse_probs",
    "l1_probs",
    "class_features",
)
"""What `PairwiseConsistencyLoss` can measure."""


@keras.saving.register_keras_serializable(package="zoo")
class PairwiseConsistencyLoss(keras.losses.Loss):
    """A distance of the logits z' of an erased image to the logits z of the original.

    The paper's body is not known to us: the kinds are our readings of "category-relevance information" and ordinary
    distances to compare them with; none is the paper's formula. With p = softmax(z / T), q = softmax(z' / T) and the
    label y:

        kl             T² sum_c p_c log(p_c / q_c)
        symkl          (kl + kl with p and q exchanged) / 2
        js             T² (KL(p | m) + KL(q | m)) / 2,  m = (p + q) / 2
        relevance      T² (a TKL + b NKL): TKL of (p_y, 1 - p_y), NKL of the others, p_c / (1 - p_y)
        topk           kl of the two distributions over the k classes of the largest z alone
        rank           mean of max(0, margin + z'_j - z'_i) over neighbours i, j in the order of the k largest z
        mse_logits     mean_c (z_c - z'_c)²
        mse_probs      sum_c (p_c - q_c)² with T = 1
        l1_probs       sum_c |p_c - q_c| with T = 1
        class_features |u - u'|² of the unit vectors along W_y mean(f), one factor a channel, of both images

    It holds KL = TKL + (1 - p_y) NKL: in plain `kl` the order of the other classes hardly counts for an image that the
    network is sure of; `relevance` gives it a weight of its own. All are 0 where both answers are the same.

    Args:
        kind: one of `zoo.losses.KINDS`.
        temperature: T.
        target_weight: a of `relevance`.
        other_weight: b of `relevance`.
        top: k of `topk` and `rank`; more than there are classes means all.
        margin: of `rank`.
        reduction: as of Keras' losses; None gives a value an image.
        name: of the loss.
        dtype: of its computation, float32 or better: 16 bits are taken for float32, as they hold no labels above 256.

    Call arguments:
        y_true: the pair (labels, original): integers (B,) and logits (B, C), for `class_features` class-weighted mean
            features (B, K).
        y_pred: the same of the erased images.

    Raises:
        ValueError: an unknown kind, a temperature that is not above 0, soft labels, a single logit, or labels that are
            no number of a logit. In compiled code, which sees no values, the distance of such a label is NaN.

    Example:
        >>> import numpy as np
        >>> z, labels = np.array([[2.0, 1.0, 0.0]], "float32"), np.array([0])
        >>> float(PairwiseConsistencyLoss("kl")((labels, z), z))
        0.0
    """

    def __init__(
        self,
        kind: str = "relevance",
        *,
        temperature: float = 2.0,
        target_weight: float = 1.0,
        other_weight: float = 1.0,
        top: int = 10,
        margin: float = 0.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "pairwise_consistency",
        dtype: Any = None,
    ) -> None:
        dtype = wide(keras.dtype_policies.get(dtype or keras.config.floatx()).compute_dtype)
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.kind = check_choice("kind", kind, KINDS)
        self.temperature = check_number("temperature", temperature, above=0)
        self.top, self.margin = check_whole("top", top, 2), check_number("margin", margin)
        self.target_weight = check_number("target_weight", target_weight)
        self.other_weight = check_number("other_weight", other_weight)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Distances (B,)."""
        if not isinstance(y_true, tuple | list) or len(y_true) != 2:
            raise ValueError("Expected y_true as the pair (labels, original logits); got labels or logits alone.")
        labels, original = y_true
        labels = _hard(labels)
        original, erased = widened(original), widened(y_pred)
        if self.kind == "class_features":
            return ops.sum(ops.square(_unit(original) - _unit(erased)), axis=-1)
        classes = erased.shape[-1]
        if classes < 2 and self.kind != "mse_logits":
            raise ValueError(
                f"Expected logits of at least 2 classes; got {classes} logit: its softmax is always 1, and every "
                f"distance of kind {self.kind!r} 0. Use a head of 2 outputs, Dense(2), or kind='mse_logits'."
            )
        check_classes(labels, classes, "labels")
        distance = self._distance(labels, original, erased)
        return ops.where(exist(labels, classes), distance, ops.cast(float("nan"), distance.dtype))

    def _distance(self, labels: Tensor, original: Tensor, erased: Tensor) -> Tensor:
        if self.kind == "mse_logits":
            return ops.mean(ops.square(original - erased), axis=-1)
        if self.kind in ("mse_probs", "l1_probs"):
            difference = ops.softmax(original) - ops.softmax(erased)
            return ops.sum(ops.square(difference) if self.kind == "mse_probs" else ops.abs(difference), axis=-1)
        if self.kind == "rank":
            first = self._largest(original)
            values = ops.take_along_axis(erased, first, axis=-1)
            return ops.mean(ops.relu(self.margin + values[:, 1:] - values[:, :-1]), axis=-1)
        if self.kind == "topk":
            first = self._largest(original)
            original, erased = (ops.take_along_axis(z, first, axis=-1) for z in (original, erased))
        log_p, log_q = (ops.log_softmax(z / self.temperature) for z in (original, erased))
        if self.kind == "relevance":
            target, other = split_kl(log_p, log_q, labels)
            distance = self.target_weight * target + self.other_weight * other
        else:
            distance = {"symkl": _symkl, "js": _js}.get(self.kind, _kl)(log_p, log_q)
        return self.temperature**2 * distance

    def _largest(self, logits: Tensor) -> Tensor:
        return ops.top_k(logits, min(self.top, logits.shape[-1]), sorted=True)[1]

    def get_config(self) -> dict[str, Any]:
        """Arguments that make the same loss again."""
        own = ("kind", "temperature", "target_weight", "other_weight", "top", "margin")
        return super().get_config() | {name: getattr(self, name) for name in own}


def split_kl(log_p: Tensor, log_q: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The parts of KL(p | q): of the label against all others, and among the others, `KL = TKL + (1 - p_y) NKL`.

    Args:
        log_p: logarithms of probabilities, (B, C), C at least 2.
        log_q: the same.
        labels: integers (B,).

    Returns:
        TKL (B,) and NKL (B,).
    """
    is_label = ops.cast(ops.one_hot(labels, log_p.shape[-1]), "bool")
    parts = []
    for log in (log_p, log_q):
        others = ops.where(is_label, -1e9, log)
        rest = ops.logsumexp(others, axis=-1, keepdims=True)  # log(1 - p_y), exact also where p_y is nearly 1
        label = ops.sum(ops.where(is_label, log, 0.0), axis=-1)
        parts.append((label, rest[:, 0], others - rest))
    (label_p, rest_p, others_p), (label_q, rest_q, others_q) = parts
    target = ops.exp(label_p) * (label_p - label_q) + ops.exp(rest_p) * (rest_p - rest_q)
    gaps = ops.where(is_label, 0.0, others_p - others_q)
    return target, ops.sum(ops.exp(others_p) * gaps, axis=-1)


def _kl(log_p: Tensor, log_q: Tensor) -> Tensor:
    return ops.sum(ops.exp(log_p) * (log_p - log_q), axis=-1)


def _symkl(log_p: Tensor, log_q: Tensor) -> Tensor:
    return (_kl(log_p, log_q) + _kl(log_q, log_p)) / 2


def _js(log_p: Tensor, log_q: Tensor) -> Tensor:
    middle = ops.logaddexp(log_p, log_q) - math.log(2)
    return (_kl(log_p, middle) + _kl(log_q, middle)) / 2


def _unit(vectors: Tensor) -> Tensor:
    """Vectors of length 1; the zero vector stays, with a finite gradient."""
    squares = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    return vectors * ops.rsqrt(ops.maximum(squares, 1e-12))


def _hard(labels: Tensor) -> Tensor:
    shape = labels.shape
    if len(shape) == 2 and shape[-1] == 1:
        labels, shape = ops.squeeze(labels, axis=-1), shape[:1]
    if len(shape) != 1:
        raise ValueError(
            f"Expected hard labels, one integer an image; got an array of shape {tuple(shape)}. Take the argmax "
            "of soft labels first, or wrap the model by PairwiseConsistency(..., soft_labels='argmax')."
        )
    return ops.cast(labels, "int32")
