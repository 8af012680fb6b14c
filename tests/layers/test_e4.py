"""The aggregation of the E4 layer: its gradient against the derived one, its layout, 16-bit numbers."""

import keras
import numpy as np
import pytest

from tests.layers.equivariant import gradients, normal, randomize
from zoo.layers import E4Conv2D, _e4
from zoo.testing import assert_close


def plain(layer, x):
    """The layer's equation, position by position, in NumPy with double precision."""
    n, k, pad = layer.group.order, layer.kernel_size, layer.kernel_size // 2
    weights = {v.path.rsplit("/", 1)[-1]: keras.ops.convert_to_numpy(v).astype("float64") for v in layer.weights}

    def mixed(kernel):  # (B, H, W, n, fields): sum over fields i and elements h of w[relative[g, h], i, o]
        fields = x.reshape(*x.shape[:3], -1, n).astype("float64")
        table = kernel[0, 0][layer.group.relative]  # (g, h, Cin, C)
        return np.einsum("bxyih,ghio->bxygo", fields, table)

    a = mixed(weights["generator_kernel"])
    a = a - a.mean(axis=(1, 2, 3), keepdims=True)
    a = a / np.sqrt((a**2).mean(axis=(1, 2, 3), keepdims=True) + layer.epsilon)
    a = np.maximum(a * weights["generator_gamma"] + weights["generator_beta"], 0)
    values = np.pad(mixed(weights["value_kernel"]), ((0, 0), (pad, pad), (pad, pad), (0, 0), (0, 0)))
    out = np.zeros((*x.shape[:3], layer.filters, n))
    shared = layer.filters // layer.slices
    for g in range(n):
        head = layer.group.transform(weights["head_kernel"], g)
        bias = layer.group.transform(weights["head_bias"], g)
        for i in range(k):
            for j in range(k):
                kernels = np.repeat(a[:, :, :, g] @ head[i, j] + bias[i, j], shared, axis=-1)
                out[..., g] += kernels * values[:, i : i + x.shape[1], j : j + x.shape[2], g]
    return out.reshape(*x.shape[:3], -1)


@pytest.mark.parametrize(
    ("group", "kernel_size", "slices", "reduction"), [("p4", 5, 2, 1), ("p4m", 3, 1, 2), ("p4", 1, 3, 1)]
)
def test_the_layer_is_its_equation(group, kernel_size, slices, reduction):
    layer = E4Conv2D(6, kernel_size, slices=slices, reduction=reduction, group=group)
    x = normal(3, 4, 7, 4 * layer.group.order)
    layer.build(x.shape)
    randomize(layer)
    assert_close(layer(x), plain(layer, x), 5e-6)


@pytest.mark.parametrize(("group", "kernel_size"), [("p4", 5), ("p4m", 3), ("p4", 1)])
def test_the_written_gradient_is_the_derived_one(monkeypatch, group, kernel_size):
    layer = E4Conv2D(4, kernel_size, slices=2, group=group)
    x = normal(2, 5, 3, 2 * layer.group.order)
    cotangent = normal(2, 5, 3, 4 * layer.group.order, seed=2)
    layer.build(x.shape)
    randomize(layer)
    written = gradients(layer, x, cotangent=cotangent)
    monkeypatch.setattr(_e4, "aggregate", _e4.mix)
    derived = gradients(layer, x, cotangent=cotangent)
    assert_close(written[0], derived[0], 1e-6)
    assert_close(written[1], derived[1], 1e-5)
    for path, expected in derived[2].items():
        assert_close(written[2][path], expected, 1e-5, name=path)


def test_images_lie_apart():
    """A pixel of one image reaches no other, however large the kernel."""
    rows = _e4.Rows(2, 3, 5)
    laid = keras.ops.convert_to_numpy(rows.lay(np.arange(1.0, 13.0, dtype="float32").reshape(2, 2, 3, 1)))[..., 0]
    assert laid.shape == (2, 2 * 5 + 2 * 12) and rows.core == 10
    assert laid[1].tolist() == [0] * 12 + [7, 8, 9, 0, 0, 10, 11, 12, 0, 0] + [0] * 12
    core = rows.lift(keras.ops.convert_to_tensor(laid[:, 12:22, None]))
    assert keras.ops.convert_to_numpy(core).ravel().tolist() == list(range(1, 13))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_taps_of_16_bits_are_summed_in_float32(dtype):
    rows = _e4.Rows(6, 6, 5)
    length = rows.core + 2 * rows.margin
    kernels, values = normal(2, 1, 25, length), normal(2, 1, 2, length, seed=3)
    small = [keras.ops.cast(array, dtype) for array in (kernels, values)]
    out = _e4.aggregate(*small, rows)
    exact = _e4.mix(*(keras.ops.cast(array, "float32") for array in small), rows)
    assert keras.backend.standardize_dtype(out.dtype) == dtype
    rounded = keras.ops.cast(keras.ops.cast(exact, dtype), "float32")
    assert_close(keras.ops.cast(out, "float32"), rounded, 1e-6)
