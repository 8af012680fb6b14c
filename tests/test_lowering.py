"""The training step of every family can be compiled for TPUs and for NVIDIA GPUs: lowered ahead of time on a CPU."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from zoo import _keras, hub
from zoo.hub import registry
from zoo.training.loop import compile_arguments

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="a TPU is used through JAX")
PLATFORMS = ("tpu", "cuda")


def smallest_preset(family):
    """The one with the fewest parameters, of those with a recipe where there are any."""
    presets = [preset for preset in family.PRESETS if preset.name in family.RECIPES] or family.PRESETS
    return min(presets, key=lambda preset: preset.parameters)


def arguments_of(preset, family):
    recipe = family.RECIPES.get(preset.name)
    if recipe is not None:
        return compile_arguments(recipe, steps_per_epoch=100)
    return {"optimizer": "adamw", "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True)}


def lower(model):
    """The whole training step, as `fit` compiles it, exported for `PLATFORMS`."""
    import jax

    inputs = keras.tree.map_structure(lambda array: np.asarray(array, array.dtype), hub.example_inputs(model))
    labels = np.zeros(model.predict_on_batch(inputs).shape[:-1], "int32")
    _keras.create_variables(model, (inputs, labels))
    state = model._get_jax_state(
        trainable_variables=True, non_trainable_variables=True, optimizer_variables=True, metrics_variables=True
    )
    step = jax.jit(lambda state, inputs, labels: model.train_step(state, (inputs, labels)))
    return jax.export.export(step, platforms=PLATFORMS)(state, inputs, labels), state


@pytest.mark.parametrize("name", sorted(registry.families()))
def test_the_training_step_lowers(name):
    family = registry.families()[name]
    preset = smallest_preset(family)
    model = zoo.build(preset.name)
    model.compile(**arguments_of(preset, family))
    exported, state = lower(model)
    assert set(exported.platforms) == set(PLATFORMS)
    updated = [aval.shape for aval in exported.out_avals][-len(keras.tree.flatten(state)) :]
    assert updated == [np.shape(value) for value in keras.tree.flatten(state)]  # the step gives back all variables
    assert len(exported.mlir_module()) > 10_000


def test_what_a_tpu_cannot_do_is_refused():
    """The export above says something: an operation without a TPU version stops it."""
    model = keras.Sequential([keras.Input((3, 3)), keras.layers.Lambda(lambda x: keras.ops.eig(x)[0].real)])
    import jax

    with pytest.raises(NotImplementedError, match="tpu"):
        jax.export.export(jax.jit(lambda x: model(x)), platforms=("tpu",))(np.ones((1, 3, 3), "float32"))
