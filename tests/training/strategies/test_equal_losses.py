"""One seed, one device against several devices or processes: the same losses, batch statistics included."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from tests.training.strategies.processes import jax_cluster, run_all, tensorflow_cluster

BACKEND = keras.backend.backend()
STEPS = "tests.training.strategies.steps"
EQUAL = {
    "tensorflow": ["mirrored:2", "mirrored:4", "process 0 of 2", "process 1 of 2"],
    "jax": [
        "data_parallel:2",
        "data_parallel:4",
        "data_parallel",
        "model_parallel",
        "process 0 of 2",
        "process 1 of 2",
    ],
}
REPLICAS = {"mirrored:2": 2, "mirrored:4": 4, "data_parallel:2": 2, "data_parallel:4": 4, "data_parallel": 8}
pytestmark = pytest.mark.skipif(BACKEND not in EQUAL, reason="torch trains on one device here")


@pytest.fixture(scope="module")
def found() -> dict[str, dict]:
    """What small nets did under every strategy of this backend; all processes run at the same time."""
    if BACKEND == "tensorflow":
        # A TensorFlow process keeps the first number of replicas that it has used.
        alone = ["norm/single", "norm/mirrored:2", "plain/single", "plain/mirrored:2"]
        commands = [([STEPS, *alone], {}), ([STEPS, "norm/mirrored:4"], {})]
        commands += [([STEPS, "norm/multi_worker"], variables) for variables in tensorflow_cluster(2)]
    else:
        names = ["norm/single", *(f"norm/{name}" for name in EQUAL["jax"][:4])]
        commands = [([STEPS, *names], {"JAX_NUM_CPU_DEVICES": "8"})]
        commands += [([STEPS, "norm/data_parallel"], variables) for variables in jax_cluster(2, devices=2)]
    *alone, first, second = run_all(commands)
    results = {name: values for result in alone for name, values in result.items()}
    for number, result in enumerate((first, second)):
        (results[f"norm/process {number} of 2"],) = result.values()
    return results


def assert_equal(one: dict, other: dict) -> None:
    assert len(one["losses"]) == 20 and len(set(one["losses"])) == 20
    for key, tolerance in {"losses": 1e-4, "accuracies": 1e-6, "validation": 1e-4, "last": 1e-4}.items():
        np.testing.assert_allclose(other[key], one[key], atol=tolerance, rtol=0, err_msg=key)
    np.testing.assert_allclose(other["statistics"], one["statistics"], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", EQUAL.get(BACKEND, []))
def test_losses_are_those_of_one_device(found, name):
    assert_equal(found["norm/single"], found[f"norm/{name}"])
    assert found[f"norm/{name}"]["replicas"] == REPLICAS.get(name, 2 if BACKEND == "tensorflow" else 4)


def test_one_process_is_the_chief(found):
    assert [found[f"norm/process {number} of 2"]["chief"] for number in (0, 1)] == [True, False]


@pytest.mark.skipif(BACKEND != "jax", reason="model parallelism is JAX's")
def test_model_parallelism_cuts_kernels(found):
    assert found["norm/model_parallel"]["cut"] == ["conv/kernel", "head/kernel", "lift/kernel"]
    assert "cut" not in found["norm/data_parallel"]


@pytest.mark.skipif(BACKEND != "tensorflow", reason="on JAX the whole step is one program")
def test_xla_compiles_all_between_the_exchanges(found):
    """Without batch statistics one program a replica; with them every other layer, forward and backward."""
    assert_equal(found["plain/single"], found["plain/mirrored:2"])
    assert found["plain/mirrored:2"]["programs"] == 2
    layers = 5  # lift, relu, conv, pool and head; the two normalization layers exchange statistics
    assert found["norm/mirrored:2"]["programs"] == 2 * 2 * layers
    for name in ("plain/mirrored:2", "norm/mirrored:2"):
        assert found[name]["changed"] == found[name]["synchronized"] == []


@pytest.mark.skipif(BACKEND != "tensorflow", reason="statistics over replicas are TensorFlow's; JAX's are global")
def test_common_statistics_keep_the_digits_of_large_means():
    layer, maps = zoo.layers.GBatchNormalization("p4"), 1000 + np.random.default_rng(0).normal(size=(4, 5, 5, 8))
    alone = keras.ops.convert_to_numpy(layer(maps.astype("float32"), training=True))
    layer.synchronized = True
    together = keras.ops.convert_to_numpy(layer(maps.astype("float32"), training=True))
    np.testing.assert_allclose(together, alone, atol=1e-4)


@pytest.mark.large
@pytest.mark.timeout(1300)
def test_losses_of_a_zoo_model():
    several = {"tensorflow": "mirrored:2", "jax": "data_parallel:2"}[BACKEND]
    names = ["e4net_mnistrot/single", f"e4net_mnistrot/{several}"]
    (result,) = run_all([([STEPS, *names], {"JAX_NUM_CPU_DEVICES": "2"})], seconds=1200)
    one, other = (result[name] for name in names)
    assert len(one["losses"]) == 5
    np.testing.assert_allclose(other["losses"], one["losses"], atol=1e-4, rtol=0)
