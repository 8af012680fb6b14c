"""Whole runs under strategies: complete folders, written by one process, and resumed runs that end bit-equal."""

from __future__ import annotations

import keras
import pytest

from tests.training.strategies.processes import jax_cluster, run_all, tensorflow_cluster

BACKEND = keras.backend.backend()
RUNS = "tests.training.strategies.runs"
ONE = {"tensorflow": "mirrored", "jax": "model_parallel"}
TWO = {"tensorflow": "multi_worker", "jax": "data_parallel"}
pytestmark = pytest.mark.skipif(BACKEND not in ONE, reason="torch trains on one device here")


def check(found: dict, strategy: str, replicas: int) -> None:
    assert found["chief"] and found["broken"] and found["equal"]
    assert found["prediction"] == [3, 10]
    assert {"run.json", "history.csv", "model.safetensors", "card.json"} <= set(found["files"])
    facts = found["facts"]
    assert facts["finished"] and (facts["strategy"], facts["replicas"]) == (strategy, replicas)
    assert facts["recipe"]["batch_size"] == 64 * replicas  # linear scaling
    assert facts["recipe"]["learning_rate"] == pytest.approx(0.01 * replicas)


def test_two_processes_train_one_writes_and_both_resume(tmp_path, data):
    cluster = tensorflow_cluster(2) if BACKEND == "tensorflow" else jax_cluster(2, devices=1)
    strategy = TWO[BACKEND]
    chief, other = run_all([([RUNS, strategy, str(tmp_path / "run"), str(data)], each) for each in cluster])
    check(chief, strategy, replicas=2)
    assert not other["chief"] and other["broken"]


@pytest.mark.large
def test_one_process_with_two_devices_resumes(tmp_path, data):
    strategy = ONE[BACKEND]
    (found,) = run_all([([RUNS, strategy, str(tmp_path / "run"), str(data)], {"JAX_NUM_CPU_DEVICES": "2"})])
    check(found, strategy, replicas=1 if BACKEND == "jax" else 2)
