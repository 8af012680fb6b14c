"""Checkpoints: whole or not there, the newest readable one counts, and nothing broken is kept."""

import os
import shutil

import keras
import numpy as np
import pytest

from zoo.training.checkpoints import Checkpoints, Progress


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((3,))
    made = keras.Model(inputs, keras.layers.Dropout(0.5)(keras.layers.Dense(2, name="head")(inputs)))
    made.compile(keras.optimizers.Adam(use_ema=True))
    made.optimizer.build(made.trainable_variables)
    return made


@pytest.fixture
def checkpoints(model, tmp_path):
    made = Checkpoints(tmp_path / "c", model, model.optimizer)
    made.make_room()
    return made


def fill(model, value):
    for variable in model.trainable_variables:
        variable.assign(keras.ops.full(variable.shape, value))


def names(tmp_path):
    return sorted(path.name for path in (tmp_path / "c").iterdir())


def test_everything_comes_back(model, checkpoints):
    fill(model, 3.0)
    variables = [*model.variables, *model.optimizer.variables]
    model.optimizer.variables[-1].assign(keras.ops.full(model.optimizer.variables[-1].shape, 7))
    kept = [np.array(keras.ops.convert_to_numpy(v)) for v in variables]
    drawn = Progress(2, 5, 1.5, [{"epoch": 0, "loss": 0.1}], {"epoch": 0}, [np.array([4.0, 2.0])])
    checkpoints.save(drawn)
    first = model(np.ones((4, 3), "float32"), training=True)
    fill(model, 0.0)
    model.optimizer.variables[-1].assign(keras.ops.zeros(model.optimizer.variables[-1].shape))
    found = checkpoints.restore()
    assert (found.epoch, found.step, found.seconds, found.rows, found.best) == (2, 5, 1.5, drawn.rows, drawn.best)
    assert np.array_equal(found.metrics[0], [4.0, 2.0])
    for variable, value in zip(variables, kept, strict=True):
        assert np.array_equal(keras.ops.convert_to_numpy(variable), value), variable.path
    if keras.backend.backend() == "torch":
        return  # its generator is no variable, and seeded anew for every step
    again = model(np.ones((4, 3), "float32"), training=True)  # the same dropout
    assert np.array_equal(keras.ops.convert_to_numpy(first), keras.ops.convert_to_numpy(again))


def test_the_newest_two_stay(model, checkpoints, tmp_path):
    for epoch, step in ((0, 0), (0, 10), (1, 0), (1, 9)):
        checkpoints.save(Progress(epoch, step))
    assert names(tmp_path) == ["epoch000001-step00000000.npz", "epoch000001-step00000009.npz"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text"])
def test_a_damaged_file_is_passed_over_for_the_one_before(model, checkpoints, tmp_path, damage):
    for epoch in (1, 2):
        fill(model, float(epoch))
        checkpoints.save(Progress(epoch))
    path = tmp_path / "c" / "epoch000002-step00000000.npz"
    content = bytearray(path.read_bytes())
    start = content.index(np.float32(2).tobytes() * 6)  # the kernel
    content[start] ^= 1
    changed = {"cut": content[:-100], "flipped": content, "empty": b"", "text": b"no archive"}
    path.write_bytes(changed[damage])
    assert checkpoints.restore().epoch == 1
    assert np.array_equal(keras.ops.convert_to_numpy(model.trainable_variables[0]), np.ones((3, 2)))


def test_none_is_none(checkpoints):
    assert checkpoints.restore() is None


def test_numbers_that_are_none_are_not_kept(model, checkpoints, tmp_path):
    checkpoints.save(Progress(1))
    fill(model, float("nan"))
    with pytest.raises(FloatingPointError, match="after step 4 of epoch 2 in head/kernel, head/bias"):
        checkpoints.save(Progress(1, 4))
    assert names(tmp_path) == ["epoch000001-step00000000.npz"]


def test_a_write_that_breaks_off_leaves_the_one_before(model, checkpoints, tmp_path, monkeypatch):
    checkpoints.save(Progress(1))

    def full(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            checkpoints.save(Progress(2))
    assert names(tmp_path) == ["epoch000001-step00000000.npz"]
    (tmp_path / "c" / f".epoch000002-step00000000.npz.{'0' * 32}.tmp").write_text("what a killed process leaves")
    checkpoints.make_room()
    assert names(tmp_path) == ["epoch000001-step00000000.npz"] and checkpoints.restore().epoch == 1


def test_best_weights_come_back(model, checkpoints):
    fill(model, 1.0)
    checkpoints.save_selected()
    fill(model, 2.0)
    checkpoints.restore_selected()
    assert np.array_equal(keras.ops.convert_to_numpy(model.trainable_variables[0]), np.ones((3, 2)))


def test_a_full_disk_is_found_before_training(checkpoints, monkeypatch):
    free = shutil._ntuple_diskusage(10**9, 10**9 - 1000, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(OSError, match="No room on the disk: a run needs about 1 MB, 0 MB are free"):
        checkpoints.make_room()
