from __future__ import annotations

import numpy as np
import pytest

from zoo.datasets import MIXERS, soft_labels

pytestmark = pytest.mark.once


@pytest.fixture
def pairs() -> tuple[np.ndarray, np.ndarray]:
    """Each image has a colour of its own and a class of its own."""
    images = np.broadcast_to(np.arange(50, dtype=np.uint8)[:, None, None, None] * 5, (50, 16, 12, 2)).copy()
    return images, soft_labels(np.arange(50), 50)


@pytest.mark.parametrize("name", sorted(MIXERS))
def test_is_a_pure_function(name, pairs):
    images, labels = (array.copy() for array in pairs)
    first = MIXERS[name](*pairs, np.random.default_rng(5))
    second = MIXERS[name](*pairs, np.random.default_rng(5))
    other = MIXERS[name](*pairs, np.random.default_rng(6))
    for one, two, three in zip(first, second, other, strict=True):
        np.testing.assert_array_equal(one, two)
        assert (one != three).any()
    np.testing.assert_array_equal(pairs[0], images)
    np.testing.assert_array_equal(pairs[1], labels)


@pytest.mark.parametrize("name", sorted(MIXERS))
def test_alpha_zero_changes_nothing(name, pairs):
    images, labels = MIXERS[name](*pairs, np.random.default_rng(0), alpha=0.0)
    np.testing.assert_array_equal(images, pairs[0])
    np.testing.assert_array_equal(labels, pairs[1])


@pytest.mark.parametrize("name", sorted(MIXERS))
@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_labels_say_what_the_pixels_are_made_of(name, alpha, pairs):
    images, labels = MIXERS[name](*pairs, np.random.default_rng(1), alpha=alpha)
    assert labels.dtype == np.float32 and labels.min() >= 0
    np.testing.assert_allclose(labels.sum(axis=1), 1.0, atol=1e-6)
    assert ((labels > 0).sum(axis=1) <= 2).all()
    # The image's colour is its class times 5, so the mean colour must be the mean class times 5.
    np.testing.assert_allclose(images.mean(axis=(1, 2, 3)), 5 * (labels @ np.arange(50)), atol=2e-3)


def test_parts_follow_the_beta_distribution():
    rng = np.random.default_rng(0)
    images, labels = np.zeros((4000, 2, 2, 1), np.uint8), soft_labels(np.arange(4000), 4000)
    for alpha in (0.2, 1.0):
        kept = MIXERS["mixup"](images, labels, rng, alpha=alpha)[1].diagonal()
        assert abs(kept.mean() - 0.5) < 0.03
        assert abs(kept.var() - 1 / (4 * (2 * alpha + 1))) < 0.01


def test_cutmix_replaces_one_box(pairs):
    images = MIXERS["cutmix"](*pairs, np.random.default_rng(2))[0]
    assert images.dtype == np.uint8
    replaced = (images != pairs[0]).any(axis=-1)
    for mask in replaced:
        rows, columns = mask.any(axis=1), mask.any(axis=0)
        np.testing.assert_array_equal(mask, rows[:, None] & columns)
        assert (np.diff(np.flatnonzero(rows)) == 1).all() and (np.diff(np.flatnonzero(columns)) == 1).all()


def test_mixers_follow_each_other(pairs):
    rng = np.random.default_rng(3)
    images, labels = MIXERS["cutmix"](*MIXERS["mixup"](*pairs, rng), rng)
    assert images.dtype == np.float32
    np.testing.assert_allclose(labels.sum(axis=1), 1.0, atol=1e-6)


@pytest.mark.parametrize("name", sorted(MIXERS))
def test_refusals(name, pairs):
    images, labels = pairs
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="as soft_labels makes them; got .* and \\(50,\\)"):
        MIXERS[name](images, np.arange(50), rng)
    with pytest.raises(ValueError, match="as soft_labels makes them"):
        MIXERS[name](images[:3], labels, rng)
    for alpha in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="alpha of at least 0"):
            MIXERS[name](images, labels, rng, alpha=alpha)


@pytest.mark.parametrize("labels", [np.array([0, 3]), np.array([-1, 0]), np.array([0.0, 1.0]), np.zeros((2, 2), int)])
def test_soft_labels_refuse_what_is_no_class(labels):
    with pytest.raises(ValueError, match=r"integer labels of shape \(B,\) in 0\.\.2"):
        soft_labels(labels, 3)
