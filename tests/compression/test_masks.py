"""Which connections go: golden thresholds, ties, guard rails."""

from pathlib import Path

import numpy as np
import pytest

from zoo.compression import choose_masks, cubic_ratio
from zoo.testing import load_golden

pytestmark = pytest.mark.once


GOLDEN = load_golden(Path(__file__).parents[1] / "golden" / "synaptic" / "threshold.npz")
SCORES = {str(index): np.abs(GOLDEN[f"s{index}"]) for index in range(3)}
KINDS = {"exact": ("exact", 0), "slim": ("slimming", 0), "min1": ("exact", 1)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ratio", [0.25, 0.5, 0.9, 0.96])
def test_masks_are_the_golden_ones(ratio, kind):
    rule, min_keep = KINDS[kind]
    masks = choose_masks(SCORES, ratio, rule=rule, min_keep=min_keep)
    for name, mask in masks.items():
        assert np.array_equal(mask, GOLDEN[f"keep{name}_{kind}_{ratio}"])
    if kind == "exact":
        assert sum(int((~mask).sum()) for mask in masks.values()) == int(GOLDEN[f"k_{ratio}"])


def test_zero_keeps_all_and_masks_shrink_with_the_ratio():
    before = choose_masks(SCORES, 0.0)
    assert all(mask.all() for mask in before.values())
    for ratio in np.linspace(0.01, 0.99, 40):
        masks = choose_masks(SCORES, float(ratio))
        assert all((masks[name] <= before[name]).all() for name in masks)
        before = masks


def test_each_layer_for_itself():
    masks = choose_masks(SCORES, 0.5, scope="layer")
    assert [int(mask.sum()) for mask in masks.values()] == [12, 18, 24]


def test_what_is_pruned_stays_pruned_and_counts():
    gone = {"0": np.ones((4, 6), bool)}
    masks = choose_masks(SCORES, 0.5, pruned=gone)
    assert not masks["0"].any() and sum(int((~mask).sum()) for mask in masks.values()) == 54


def test_every_count_is_exact():
    scores = {"a": np.arange(100.0).reshape(10, 10)}
    for percent in range(100):
        assert int((~choose_masks(scores, percent / 100, min_keep=0)["a"]).sum()) == percent


@pytest.mark.parametrize("ratio", [-0.1, 1.0, 1.5, float("nan"), "0.5"])
def test_ratios_outside_are_refused(ratio):
    with pytest.raises(ValueError, match=r"in \[0, 1\); got"):
        choose_masks(SCORES, ratio)


def test_unknown_words_are_refused():
    for name, value in (("scope", "net"), ("rule", "rough"), ("min_keep", -1), ("min_keep", "1")):
        with pytest.raises(ValueError, match=f"Expected `{name}` to be .*; got {value!r}"):
            choose_masks(SCORES, 0.5, **{name: value})


def test_the_cubic_schedule():
    assert cubic_ratio(0, 0.9, 0.1) == pytest.approx(0.1) and cubic_ratio(1, 0.9, 0.1) == 0.9
    assert cubic_ratio(0.5, 0.8) == pytest.approx(0.7)
