"""The warning about penalties that cannot do anything."""

import warnings

import pytest

from zoo.losses import penalty_budget
from zoo.models.recipe import Recipe
from zoo.models.synaptic import VGGConfig, build
from zoo.training.budget import check_budget

pytestmark = pytest.mark.once

BASE = {"dataset": "cifar10", "epochs": 24, "batch_size": 64, "optimizer": "sgd", "learning_rate": 0.1}


def model(strength_l1):
    return build(VGGConfig(name="m", input_shape=(8, 8, 3), widths=((8, 8),), strength_l1=strength_l1))


def test_the_budget_of_network_slimming():
    rates = 160 * 782 * (0.5 * 0.1 + 0.25 * 0.01 + 0.25 * 0.001)
    assert penalty_budget(1e-4, rates) == pytest.approx(6.6, abs=0.05)
    assert penalty_budget(1e-4, rates, momentum=0.0) == pytest.approx(0.66, abs=0.005)


def test_a_weak_penalty_is_told():
    with pytest.warns(UserWarning, match="too weak for so few steps: it can move strengths by 0.0024, and 100 % of"):
        check_budget(model(1e-5), Recipe(**BASE), steps_per_epoch=20)
    with pytest.warns(UserWarning, match="too weak"):
        check_budget(model(0.0), Recipe(**BASE, proximal={"strength": 1e-4}), steps_per_epoch=20)


def test_others_are_not():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        check_budget(model(1e-2), Recipe(**BASE), steps_per_epoch=20)
        check_budget(model(0.0), Recipe(**BASE), steps_per_epoch=20)
        check_budget(model(0.0), Recipe(**BASE, proximal={"strength": 0.1}), steps_per_epoch=20)
        check_budget(model(1e-5), Recipe(**BASE | {"optimizer": "adam"}), steps_per_epoch=20)
