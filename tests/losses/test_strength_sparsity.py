"""Penalty and proximal step against the golden file."""

from pathlib import Path

import keras
import numpy as np

from zoo.losses import StrengthSparsity, soft_threshold
from zoo.testing import assert_close, load_golden

GOLDEN = load_golden(Path(__file__).parents[1] / "golden" / "synaptic" / "strength.npz")


def test_l1_is_the_golden_penalty():
    strengths = GOLDEN["rep_s"].astype("float32")
    assert_close(StrengthSparsity(float(GOLDEN["lam"]))(strengths), GOLDEN["l1_penalty"], 1e-6)


def test_the_group_term_is_a_sum_of_norms_of_rows():
    strengths = np.array([[3.0, 4.0], [0.0, 0.0], [0.0, -2.0]], "float32")
    assert_close(StrengthSparsity(group=2.0)(strengths), 14.0, 1e-6)


def test_the_proximal_step():
    strengths = GOLDEN["rep_s"].astype("float32")
    found = keras.ops.convert_to_numpy(soft_threshold(strengths, float(GOLDEN["prox_step"])))
    assert_close(found, GOLDEN["prox_s"], 1e-6)
    assert ((found == 0) == (GOLDEN["prox_s"] == 0)).all()


def test_it_survives_serialization():
    penalty = StrengthSparsity(0.5, 0.25)
    again = keras.regularizers.deserialize(keras.regularizers.serialize(penalty))
    assert isinstance(again, StrengthSparsity) and again.get_config() == penalty.get_config()
