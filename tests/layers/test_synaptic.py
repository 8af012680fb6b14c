"""The convolution with strengths: its definition, its gradients, its mask."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from tests.layers.equivariant import gradients, normal
from zoo.layers import SynapticConv2D
from zoo.losses import StrengthSparsity
from zoo.testing import assert_close, load_golden

FOLDER = Path(__file__).parents[1] / "golden" / "synaptic"


class KernelOf(keras.layers.Layer):
    """Puts out the kernel of a layer, so that its gradients can be asked for."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.built = layer, True

    def call(self, inputs):
        return self.layer.kernel + 0.0 * ops.sum(inputs)


def made(**arguments):
    layer = SynapticConv2D(**{"filters": 5, "kernel_size": 3, "padding": "same", "use_bias": False, **arguments})
    layer.build((None, 8, 8, 4))
    return layer


def golden_layer():
    golden = load_golden(FOLDER / "strength.npz")
    layer = made()
    layer.direction.assign(golden["rep_v"].astype("float32"))
    layer.strength.assign(golden["rep_s"].astype("float32"))
    return layer, golden


def test_kernel_and_gradients_are_those_of_the_golden_file():
    layer, golden = golden_layer()
    kernel, _, found = gradients(
        KernelOf(layer), np.zeros(1, "float32"), cotangent=golden["upstream_grad"].astype("float32")
    )
    assert_close(kernel, golden["rep_kernel"], 1e-6)
    assert_close(layer.strengths(), np.abs(golden["rep_s"]), 1e-7)
    for name, expected in {"strength": golden["grad_s"], "direction": golden["grad_v"]}.items():
        actual = next(value for path, value in found.items() if path.endswith(name))
        assert_close(actual, expected, 2e-6, name=name)


def test_product_form_gives_the_golden_strengths():
    golden = load_golden(FOLDER / "strength.npz")
    layer = made(form="product")
    layer.direction.assign(golden["kernel_hwio"].astype("float32"))
    layer.scale.assign(golden["gamma_in"].astype("float32"))
    assert_close(layer.strengths(), golden["strength_l2"], 1e-6)
    assert_close(layer.kernel, golden["kernel_hwio"] * golden["gamma_in"][:, None], 1e-6)


@pytest.mark.parametrize("form", ["parameter", "product"])
def test_a_fresh_layer_is_the_plain_convolution(form):
    initializer = keras.initializers.HeNormal(seed=3)
    layer = made(form=form, kernel_initializer=initializer, strides=2)
    plain = keras.layers.Conv2D(5, 3, 2, "same", use_bias=False, kernel_initializer=initializer.clone())
    x = normal(2, 8, 8, 4)
    assert_close(layer(x), ops.convert_to_numpy(plain(x)), 1e-6)


@pytest.mark.parametrize("form", ["parameter", "product"])
def test_pruned_connections_get_no_gradient_and_stay_zero(form):
    layer = made(form=form, strength_regularizer=StrengthSparsity(1e-2, 1e-2))
    mask = (np.random.default_rng(0).uniform(size=(4, 5)) < 0.5).astype("float32")
    mask[2] = 0  # a whole input channel
    layer.mask.assign(mask)
    model = keras.Sequential([keras.Input((8, 8, 4)), layer, keras.layers.GlobalAveragePooling2D()])
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse", jit_compile=keras.backend.backend() != "torch")
    model.fit(normal(16, 8, 8, 4), normal(16, 5), batch_size=8, epochs=2, verbose=0)
    kernel = ops.convert_to_numpy(layer.kernel)
    assert np.isfinite(kernel).all()
    assert (np.abs(kernel).sum((0, 1)) > 0).tolist() == (mask > 0).tolist()
    assert ops.convert_to_numpy(layer.mask).tolist() == mask.tolist()


@pytest.mark.parametrize("form", ["parameter", "product"])
def test_the_penalty_is_part_of_the_loss(form):
    layer = made(form=form, strength_regularizer=StrengthSparsity(0.25, 0.5))
    layer(normal(1, 8, 8, 4))
    strengths = ops.convert_to_numpy(layer.strengths())
    expected = 0.25 * strengths.sum() + 0.5 * np.sqrt((strengths**2).sum(1)).sum()
    assert_close(sum(layer.losses), expected, 1e-6)


@pytest.mark.parametrize("form", ["parameter", "product"])
def test_pruned_connections_are_zero_in_half_precision(form):
    """The squared floor under the norm of a direction is 0 in float16."""
    layer = made(form=form, dtype="float16")
    keep = np.eye(4, 5, dtype="float16")
    layer.direction.assign(ops.convert_to_numpy(layer.direction) * keep)
    layer.mask.assign(keep)
    kernel = ops.convert_to_numpy(ops.cast(layer.kernel, "float32"))
    assert np.array_equal(np.abs(kernel).sum((0, 1)) > 0, keep > 0)
    assert keras.backend.standardize_dtype(layer(normal(1, 8, 8, 4).astype("float16")).dtype) == "float16"


def test_strengths_may_be_kept_from_becoming_negative():
    layer = made(nonneg=True)
    assert float(ops.min(layer.strength.constraint(ops.convert_to_tensor([[-1.0, 2.0]])))) == 0.0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: made(form="sum"), "`form` to be one of .parameter., .product.; got 'sum'"),
        (lambda: made(groups=2), "neither groups nor LoRA"),
        (lambda: made(lora_rank=2), "neither groups nor LoRA"),
        (lambda: made().enable_lora(2), "no LoRA"),
        (lambda: made(norm_epsilon=0.0), "`norm_epsilon` to be a number above 0; got 0.0"),
        (lambda: SynapticConv2D(3, 3).build((None, 8, 8, None)), "known number of channels"),
        (lambda: made(norm_epsilon=float("nan")), "`norm_epsilon` to be a number above 0; got nan"),
        (lambda: StrengthSparsity(-1.0), "`l1` to be a number of at least 0; got -1.0"),
        (lambda: StrengthSparsity(group=float("nan")), "`group` to be a number of at least 0; got nan"),
    ],
)
def test_errors(make, words):
    with pytest.raises(ValueError, match=words):
        make()
    with pytest.raises(AttributeError, match="kernel"):
        _ = SynapticConv2D(3, 3).kernel
    with pytest.raises(AttributeError, match="build the layer before accessing `strengths`"):
        SynapticConv2D(3, 3).strengths()


@pytest.mark.parametrize("form", ["parameter", "product"])
def test_the_kernel_in_numpy_is_the_kernel(form):
    layer = made(form=form)
    for weight in layer.weights:
        weight.assign(normal(*weight.shape, seed=len(weight.shape)))
    layer.mask.assign((normal(4, 5) > 0).astype("float32"))
    assert_close(layer.plain_kernel(), ops.convert_to_numpy(layer.kernel), 1e-6)
    assert (layer.plain_kernel(masked=False) != 0).all()
