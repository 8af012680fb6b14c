"""Numbers of a classifier of pixels."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from zoo.hub.tasks import IGNORED_LABEL


def segmentation_scores(predictions: Any, labels: Any, *, ignore: int | None = IGNORED_LABEL) -> dict[str, Any]:
    """Compares predicted classes of pixels with label maps.

        IoU[c] = pixels of c that are predicted as c / pixels that are c or are predicted as c

    Args:
        predictions: logits or probabilities (N, H, W, classes), the greatest of which counts.
        labels: the true classes (N, H, W), integers.
        ignore: the label of pixels that do not count; None counts all.

    Returns:
        `pixels` (how many count), `accuracy` (0..1), `mean_iou` (over the classes that occur in truth or prediction)
        and `iou` (one a class, NaN for those that do not occur).

    Raises:
        ValueError: shapes that do not fit, labels that are no class, or no pixel that counts.

    Example:
        >>> logits = np.eye(3)[[[[0, 1], [1, 1]]]]
        >>> scores = segmentation_scores(logits, np.array([[[0, 1], [0, 255]]]))
        >>> round(scores["accuracy"], 3), scores["mean_iou"], scores["iou"][:2]
        (0.667, 0.5, [0.5, 0.5])
    """
    values, truth = (np.asarray(keras.ops.convert_to_numpy(given)) for given in (predictions, labels))
    if values.ndim != 4 or truth.shape != values.shape[:3] or truth.dtype.kind not in "ui":
        raise ValueError(
            "Expected predictions of shape (N, H, W, classes) and integer labels of shape (N, H, W); got "
            f"{values.shape} and {truth.shape} of type {truth.dtype}."
        )
    classes = values.shape[-1]
    if classes == 1:
        raise ValueError(
            "Expected predictions of two classes or more; of a single logit a pixel pass both classes: "
            "np.concatenate([0 * logits, logits], axis=-1)."
        )
    counted = np.ones(truth.shape, bool) if ignore is None else truth != ignore
    found, truth = values.argmax(axis=-1)[counted], truth[counted].astype("int64")
    if not truth.size:
        raise ValueError(f"No pixel counts: all labels are {ignore}.")
    if truth.min() < 0 or truth.max() >= classes:
        raise ValueError(f"Expected labels from 0 to {classes - 1} or {ignore}; got {truth.min()} to {truth.max()}.")
    confusion = np.bincount(truth * classes + found, minlength=classes**2).reshape(classes, classes)
    right, union = np.diag(confusion), confusion.sum(axis=0) + confusion.sum(axis=1) - np.diag(confusion)
    iou = np.where(union > 0, right / np.maximum(union, 1), np.nan)
    return {
        "pixels": int(truth.size),
        "accuracy": float(right.sum() / truth.size),
        "mean_iou": float(np.nanmean(iou)),
        "iou": iou.tolist(),
    }
