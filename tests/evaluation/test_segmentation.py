"""Scores of segmentations."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from zoo.evaluation import segmentation_scores


def test_segmentation_scores() -> None:
    truth = np.array([[[0, 0, 1], [1, 255, 1]]])
    logits = np.eye(4)[[[[0, 1, 1], [1, 2, 0]]]]
    scores = segmentation_scores(logits, truth)
    assert scores["pixels"] == 5 and scores["accuracy"] == 3 / 5
    np.testing.assert_allclose(scores["iou"], [1 / 3, 2 / 4, np.nan, np.nan])
    assert abs(scores["mean_iou"] - (1 / 3 + 1 / 2) / 2) < 1e-12
    truth[truth == 255] = 2
    assert segmentation_scores(logits, truth, ignore=None)["accuracy"] == 4 / 6
    with pytest.raises(ValueError, match="No pixel counts"):
        segmentation_scores(logits, np.full_like(truth, 255))
    with pytest.raises(ValueError, match="labels from 0 to 3"):
        segmentation_scores(logits, truth + 2)
    with pytest.raises(ValueError, match="integer labels of shape"):
        segmentation_scores(logits, truth[0])


def test_data_sets_of_label_maps_are_unknown() -> None:
    inputs = keras.Input((4, 4, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(2, 1)(inputs), name="pixels")
    with pytest.raises(ValueError, match="'pixels' classifies pixels.*segmentation_scores"):
        zoo.evaluate(model, dataset="cifar10")
