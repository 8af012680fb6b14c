"""Weights that are about to be assigned are not drawn on JAX; all others are, with the numbers they would have had."""

from __future__ import annotations

import threading

import keras
import numpy as np
import pytest

from zoo import _keras


def test_random_values_are_drawn_where_nothing_is_assigned() -> None:
    def made() -> list[keras.Variable]:
        keras.utils.set_random_seed(3)
        return [keras.Variable("glorot_uniform", (3, 4), name=name) for name in ("body", "head")]

    wanted = [keras.ops.convert_to_numpy(variable) for variable in made()]
    with _keras.undrawn():
        body, head = made()
        body.assign(np.zeros((3, 4)))  # the zeros that it has on JAX already
    assert wanted[0].std() > 0.1
    np.testing.assert_array_equal(body, np.zeros((3, 4)))
    np.testing.assert_array_equal(head, wanted[1])
    np.testing.assert_array_equal(made()[0], wanted[0])  # as before, outside


def test_a_failure_leaves_the_drawing_as_it_was() -> None:
    with pytest.raises(RuntimeError), _keras.undrawn():
        raise RuntimeError
    assert np.std(keras.Variable("glorot_uniform", (3, 4))) > 0.1


def test_other_threads_draw_at_once() -> None:
    found: list[float] = []
    with _keras.undrawn():
        other = threading.Thread(target=lambda: found.append(np.std(keras.Variable("glorot_uniform", (3, 4)))))
        other.start()
        other.join()
    assert found[0] > 0.1
