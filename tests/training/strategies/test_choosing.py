"""Names to strategies: the rule of `auto`, and what is said where a strategy does not fit."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

import zoo
from zoo.training import strategies
from zoo.training.strategies import NAMES, Strategy, choose, choosing, fitting, on_jax, on_tensorflow
from zoo.training.strategies.base import Share, cut

pytestmark = pytest.mark.once

BACKEND = keras.backend.backend()
CLUSTER = {"cluster": {"chief": ["a:1"], "worker": ["b:1", "c:1"]}, "task": {"type": "worker", "index": 1}}


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)


class Numbers(keras.utils.PyDataset):
    ended = 0

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return {"x": np.arange(6) + 10 * index, "y": np.ones((6, 2))}, np.arange(6)

    def on_epoch_end(self):
        self.ended += 1


def test_one_device_is_single():
    strategy = choose("single")
    assert (strategy.name, strategy.replicas, strategy.processes, strategy.is_chief) == ("single", 1, 1, True)
    model, batches = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]), Numbers()
    with strategy.scope():
        assert strategy.trainer(model) is model
    assert strategy.share(batches) is batches
    strategy.check_batch(7)


@pytest.mark.parametrize(
    ("backend", "cluster", "gpus", "devices", "expected"),
    [
        ("tensorflow", None, 0, 9, "single"),
        ("tensorflow", None, 1, 9, "single"),
        ("tensorflow", None, 2, 1, "mirrored"),
        ("tensorflow", CLUSTER, 2, 1, "multi_worker"),
        ("jax", CLUSTER, 2, 1, "single"),
        ("jax", None, 0, 2, "data_parallel"),
        ("torch", CLUSTER, 4, 4, "single"),
    ],
)
def test_the_rule_of_auto(monkeypatch, backend, cluster, gpus, devices, expected):
    if cluster:
        monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    monkeypatch.setattr(on_tensorflow, "count_gpus", lambda: gpus)
    monkeypatch.setattr(on_jax, "count_devices", lambda: devices)
    assert choosing._choose_name(backend) == expected


def test_auto_on_this_machine():
    assert choose().name == "single"  # test processes see one device


def test_unknown_names():
    with pytest.raises(ValueError, match="'mirored'. Did you mean 'mirrored'"):
        choose("mirored")
    with pytest.raises(ValueError, match="The strategies are auto, single, mirrored"):
        choose("horovod")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("auto", "single")])
def test_what_does_not_fit_is_told(name):
    offered = choosing.OFFERED.get(BACKEND, ("single",))
    if name not in offered:
        home = "jax" if name in choosing.OFFERED["jax"] else "tensorflow"
        expected = f"{name!r} needs the backend {home}; this process runs on {BACKEND}, which has {', '.join(offered)}"
    else:
        expected = {
            "mirrored": "needs at least two devices; TensorFlow found CPU:0",
            "multi_worker": "TF_CONFIG, which is not set",
            "tpu": "needs TPU devices; JAX found cpu:0",
        }.get(name, "needs at least 2 devices; JAX found cpu:0")
    with pytest.raises(ValueError, match=expected):
        choose(name)


def test_the_cluster_of_tf_config(monkeypatch):
    assert on_tensorflow.read_cluster() is None
    monkeypatch.setenv("TF_CONFIG", "{}")
    assert on_tensorflow.read_cluster() is None
    monkeypatch.setenv("TF_CONFIG", json.dumps(CLUSTER))
    assert on_tensorflow.read_cluster() == (["a:1", "b:1", "c:1"], 2)
    for wrong in (
        "{",
        json.dumps(CLUSTER | {"task": {"type": "worker", "index": 5}}),
        '{"cluster": {"worker": ["a"]}}',
    ):
        monkeypatch.setenv("TF_CONFIG", wrong)
        with pytest.raises(ValueError, match="Expected TF_CONFIG to be JSON"):
            on_tensorflow.read_cluster()


def test_shares_make_up_the_batch():
    batches = Numbers()
    shares = [Share(batches, process, 3) for process in range(3)]
    assert len(shares[0]) == 2
    inputs = [share[1][0]["x"].tolist() for share in shares]
    assert inputs == [[10, 11], [12, 13], [14, 15]] and shares[2][0][1].tolist() == [4, 5]
    shares[0].on_epoch_end()
    assert batches.ended == 1
    with pytest.raises(ValueError, match="4 processes or devices can share; got 6 rows"):
        cut(batches[0], 0, 4)


def test_a_batch_that_cannot_be_divided_is_refused():
    strategy = Strategy()
    strategy.name, strategy.replicas = "mirrored", 4
    strategy.check_batch(64)
    with pytest.raises(ValueError, match="4 equal parts, and the batch size 30 is no multiple of 4"):
        strategy.check_batch(30)


def test_auto_takes_one_device_where_the_batch_cannot_be_cut(tmp_path, monkeypatch, capsys):
    pair = Strategy()
    pair.name, pair.replicas = "data_parallel", 2
    assert fitting(pair, 64) is pair
    monkeypatch.setattr(strategies, "choose", lambda name: pair)
    zoo.train("ring", out=tmp_path / "run", epochs=1)
    assert "single: one device of 2, which cannot share batches of 1 evenly" in capsys.readouterr().err
    with pytest.raises(ValueError, match="no multiple of 2. Train on one device .*--strategy single"):
        zoo.train("ring", out=tmp_path / "other", strategy="data_parallel")
    pair.processes = 2
    assert fitting(pair, 1) is pair


def test_a_run_refuses_before_it_claims_a_folder(tmp_path, monkeypatch):
    out = tmp_path / "run"
    with pytest.raises(ValueError, match="Did you mean 'single'"):
        zoo.train("dots", out=out, strategy="singel")
    monkeypatch.setattr(Strategy, "replicas", 3)
    with pytest.raises(ValueError, match="3 equal parts, and the batch size 16 is no multiple"):
        zoo.train("dots", out=out, strategy="single")
    assert not out.exists()
