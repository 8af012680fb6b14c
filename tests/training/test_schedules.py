"""Learning rates at single steps, against the formulas."""

import math

import pytest

from zoo.models.recipe import Recipe
from zoo.training.schedules import make_schedule

pytestmark = pytest.mark.once


def rates(steps_per_epoch=10, **fields):
    recipe = Recipe(**{"dataset": "d", "epochs": 10, "batch_size": 1, "learning_rate": 0.4} | fields)
    schedule = make_schedule(recipe, steps_per_epoch=steps_per_epoch)
    return lambda *steps: [float(schedule(step)) for step in steps]


def test_one_cycle_rises_in_a_line_and_falls_along_half_a_cosine():
    rate = rates(schedule="one_cycle", warmup=0.2)
    assert rate(0, 5, 20) == pytest.approx([0, 0.1, 0.4])
    assert rate(40, 60, 100) == pytest.approx([0.2 * (1 + math.cos(math.pi / 4)), 0.2, 0], abs=1e-7)


def test_one_cycle_without_warmup_starts_at_the_peak():
    assert rates(schedule="one_cycle", warmup=0.0)(0, 50) == pytest.approx([0.4, 0.2])


def test_cosine_falls_from_the_start():
    expected = [0.4, 0.2 * (1 + math.cos(math.pi / 4)), 0.2, 0]
    assert rates(schedule="cosine")(0, 25, 50, 100) == pytest.approx(expected, abs=1e-7)


def test_steps_fall_with_the_first_step_of_a_milestone():
    rate = rates(schedule="step", milestones=(3, 7), decay_factor=0.2)
    assert rate(0, 29, 30, 69, 70, 99) == pytest.approx([0.4, 0.4, 0.08, 0.08, 0.016, 0.016])


@pytest.mark.parametrize(("epochs", "expected"), [(20, (10, 15)), (600, (300, 450)), (2, (1, 2)), (1, (1,))])
def test_another_number_of_epochs_moves_the_milestones(epochs, expected):
    recipe = Recipe(dataset="d", epochs=300, batch_size=1, schedule="step", milestones=(150, 225))
    moved = recipe.with_epochs(epochs)
    assert (moved.epochs, moved.milestones) == (epochs, expected)
    assert recipe.with_epochs(300) == recipe


def test_constant_stays():
    assert rates(schedule="constant")(0, 1, 57, 1000) == pytest.approx([0.4] * 4)


def test_one_step_in_all():
    assert rates(schedule="one_cycle", epochs=1, steps_per_epoch=1)(0) == pytest.approx([0.4])
