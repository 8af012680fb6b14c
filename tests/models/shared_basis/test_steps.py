"""Six steps of the authors' training: cross-entropy and penalty, momentum, decay of everything."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.models.shared_basis import reference
from zoo.models.shared_basis import BasicResNetConfig, build
from zoo.optimizers import SGD
from zoo.testing import assert_close, load_golden
from zoo.training.objective import CrossEntropy

FOLDER = Path(__file__).parents[2] / "golden" / "dsfb"


def kind(name: str, array: np.ndarray) -> str:
    if array.ndim > 1:
        return "conv" if array.ndim == 4 else "linear"
    if name.startswith("fc."):
        return "bias"
    return {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "var"}[name.rpartition(".")[2]]


@pytest.fixture
def float64():
    """In float32 rounding grows a thousandfold in these six steps, which are large ones on random images."""
    before, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")  # the one that layers before have settled stays otherwise
    wide(True)
    yield
    wide(False)
    keras.config.set_floatx(before)
    keras.config.set_dtype_policy(policy)


def wide(switch: bool) -> None:
    if keras.backend.backend() == "jax":
        import jax

        jax.config.update("jax_enable_x64", switch)


def test_six_steps(float64):
    net = load_golden(FOLDER / "net_cifar10_resnet20_double_S8U1.npz").group("w")
    golden = load_golden(FOLDER / "steps_cifar10_resnet20_double_S8U1.npz")
    settings = golden.config
    weights = {name: reference.formula(name, array.shape, kind(name, array)) for name, array in net.items()}
    values = reference.convert(weights)
    raw = {"mean": (0.0,) * 3, "std": (1.0,) * 3}
    model = build(BasicResNetConfig(shared=8, unique=1, bases=2, blocks=(3, 3, 3), **raw))
    for variable in model.weights:
        variable.assign(values[variable.path])
    decay = {"decay": settings["weight_decay"], "decay_kind": "l2"}
    compiled = keras.backend.backend() == "jax"  # which without it runs operation by operation
    model.compile(SGD(settings["lr"], momentum=settings["momentum"], **decay), CrossEntropy(), jit_compile=compiled)
    x = reference.nhwc(np.random.RandomState(31).standard_normal((8, 3, 32, 32)).astype("float32"))
    history = model.fit(x, np.arange(8) % 10, batch_size=8, epochs=settings["steps"], shuffle=False, verbose=0)
    # On torch Keras' matrix products return float32 for float64, so that rounding grows there.
    narrow = keras.backend.backend() == "torch"
    losses = np.array(history.history["loss"])
    assert_close(losses[:3], golden["loss"][:3], 1e-3 if narrow else 1e-6, name="loss of the first steps")
    assert_close(losses, golden["loss"], 1e-2 if narrow else 1e-6, name="loss")
    found = {variable.path: variable for variable in model.weights}
    for path, expected in reference.convert(golden.group("after")).items():
        # torch keeps the unbiased variance of 8 x 32 x 32 values
        rel = 5e-2 if narrow else 1e-4 if path.endswith("variance") else 1e-5
        assert_close(found[path], expected, rel, name=path)
