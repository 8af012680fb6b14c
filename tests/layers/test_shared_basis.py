"""Shared filters: what the layers compute, how they begin, what they cost, and that there is one copy of them."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tests.layers.equivariant import normal, randomize
from zoo.layers import SharedBasisConv2D, SharedFilterBasis
from zoo.losses import Orthogonality
from zoo.testing import assert_close

to_numpy = keras.ops.convert_to_numpy


def stage(**policy):
    """Two layers that share the sets of a double basis, and a third with the first set."""
    inputs = keras.Input((6, 7, 4), name="image")
    penalty = Orthogonality(2.0)
    basis = SharedFilterBasis(5, bases=2, kernel_regularizer=penalty, name="basis", **policy)
    first, second = basis(inputs)
    x = SharedBasisConv2D(4, unique=2, orthogonality=penalty, name="conv1", **policy)(inputs, first, second)
    x = SharedBasisConv2D(4, unique=1, orthogonality=penalty, name="conv2", **policy)(x, second, first)
    x = SharedBasisConv2D(3, unique=0, name="conv3", **policy)(x, first)
    return keras.Model(inputs, x)


def test_a_layer_equals_its_definition():
    model = stage()
    randomize(model)
    x = normal(2, 6, 7, 4)
    layer, basis = model.get_layer("conv1"), to_numpy(model.get_layer("basis").kernel)
    kernel = np.concatenate([to_numpy(layer.unique_kernel), basis[..., :5]], axis=-1)
    responses = keras.ops.conv(x, kernel, padding="same")
    norm = layer.norm
    mean, variance, gamma, beta = (to_numpy(w) for w in (norm.moving_mean, norm.moving_variance, norm.gamma, norm.beta))
    responses = (to_numpy(responses) - mean) / np.sqrt(variance + 1e-5) * gamma + beta
    expected = responses @ to_numpy(layer.coefficients)[0, 0]
    assert_close(layer(x, basis[..., :5], training=False), expected, 1e-5)


def test_one_convolution_in_training_and_two_in_inference_are_the_same():
    layer = SharedBasisConv2D(None, unique=2)
    x, basis = normal(2, 6, 7, 4), normal(3, 3, 4, 5)
    assert_close(layer(x, basis, training=True), to_numpy(layer(x, basis, training=False)), 1e-6)


@pytest.mark.parametrize(("filters", "bases", "kernel_size", "channels"), [(5, 2, 3, 4), (12, 1, 1, 4)])
def test_all_sets_begin_orthonormal_together(filters, bases, kernel_size, channels):
    """Columns; or rows, where there are more filters than weights in one."""
    layer = SharedFilterBasis(filters, kernel_size, bases=bases)
    layer.build((None, 8, 8, channels))
    matrix = to_numpy(layer.kernel).reshape(-1, bases * filters)
    if matrix.shape[0] < matrix.shape[1]:
        matrix = matrix.T
    assert np.abs(matrix.T @ matrix - np.eye(matrix.shape[1])).max() < 1e-5


def test_unique_filters_begin_at_unit_norm():
    layer = SharedBasisConv2D(8, unique=3)
    layer.build((None, 8, 8, 16), (3, 3, 16, 4))
    matrix = to_numpy(layer.unique_kernel).reshape(-1, 3)
    assert np.abs(matrix.T @ matrix - np.eye(3)).max() < 1e-5


def test_the_penalty_takes_every_pair_once():
    model = stage()
    randomize(model)
    model(normal(1, 6, 7, 4))
    basis = to_numpy(model.get_layer("basis").kernel).reshape(-1, 10).astype("float64")
    expected = 2 * np.mean((basis.T @ basis - np.eye(10)) ** 2)
    for name, count in (("conv1", 2), ("conv2", 1)):
        unique = to_numpy(model.get_layer(name).unique_kernel).reshape(-1, count).astype("float64")
        expected += 2 * np.mean((unique.T @ unique - np.eye(count)) ** 2)
        expected += sum(2 * np.mean((part.T @ unique) ** 2) for part in (basis[:, :5], basis[:, 5:]))
    assert sum(float(loss) for loss in model.losses) == pytest.approx(expected, rel=1e-5)


def test_the_penalty_is_float32_under_mixed_precision():
    """In bfloat16 an orthonormal set would be off by a hundredth."""
    model = stage(dtype="mixed_bfloat16")
    outputs = model(normal(2, 6, 7, 4), training=True)
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    losses = [to_numpy(loss) for loss in model.losses]
    assert {loss.dtype for loss in losses} == {np.dtype("float32")}
    basis = to_numpy(model.get_layer("basis").kernel)
    assert float(Orthogonality(2.0)(basis)) < 1e-10 and min(losses) < 1e-10


def test_one_copy_survives_saving_and_cloning(tmp_path):
    model = stage()
    randomize(model)
    model.save(tmp_path / "model.keras")
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    paths = [weight.path for weight in model.weights]
    assert sum("basis" in path for path in paths) == 1
    x = normal(2, 6, 7, 4)
    expected = model.predict(x, verbose=0)
    for other in (keras.saving.load_model(tmp_path / "model.keras"), clone):
        assert [weight.path for weight in other.weights] == paths
        assert_close(other.predict(x, verbose=0), expected, 1e-6)


def test_training_moves_shared_filters_by_all_their_layers():
    model = stage()
    before = to_numpy(model.get_layer("basis").kernel).copy()
    # Keras compiles with another compiler on torch, which takes minutes the first time.
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=keras.backend.backend() != "torch")
    model.fit(normal(4, 6, 7, 4), normal(4, 6, 7, 3), epochs=2, batch_size=4, verbose=0)
    assert (np.abs(to_numpy(model.get_layer("basis").kernel) - before).max(axis=(0, 1, 2)) > 0).all()
