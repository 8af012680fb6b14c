"""Keras callbacks in a run: the order of their events, stopping, learning rates, and states across interruptions."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

import zoo
from zoo.training import epochs
from zoo.training.callbacks import pack_states, unpack_states, why_stopped

ONE = {"strategy": "single", "xla": False, "progress": False}
HOOKS = [
    *("on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end", "on_train_batch_begin"),
    *("on_train_batch_end", "on_test_begin", "on_test_end", "on_test_batch_begin", "on_test_batch_end"),
]


class Log(keras.callbacks.Callback):
    """Writes every event down, with what Keras hands over."""

    def __init__(self, stop_after=None):
        super().__init__()
        self.lines, self.stop_after = [], stop_after

    def set_params(self, params):
        super().set_params(params)
        self.lines.append(("set_params", params["epochs"], params["steps"]))

    def set_model(self, model):
        super().set_model(model)
        self.lines.append(("set_model", model.name))

    def __getattribute__(self, name):
        if name not in HOOKS:
            return super().__getattribute__(name)

        def event(*arguments, logs=None):
            number = [value for value in arguments if isinstance(value, int)]
            logs = next((value for value in arguments if isinstance(value, dict)), logs)
            self.lines.append((name, *number, tuple(sorted(logs or ()))))
            if (name, *number) == self.stop_after:
                self.model.stop_training = True

        return event


@pytest.fixture
def plain(change):
    change(schedule="constant", augmentation=())


def train(folder, *callbacks, name="dots", **options):
    return zoo.train(name, out=folder, callbacks=list(callbacks), **ONE | options)


def test_events_come_as_from_keras_itself(tmp_path, plain):
    mine, kept = Log(), Log()
    train(tmp_path / "run", mine, epochs=2, checkpoint_steps=3)  # an epoch in two calls of fit
    model = zoo.build("dots")
    model.compile("sgd", "sparse_categorical_crossentropy", weighted_metrics=["accuracy"], jit_compile=False)
    x = np.zeros((64, 8, 8, 1)), np.zeros(64)
    model.fit(*x, batch_size=16, epochs=2, validation_data=tuple(a[:30] for a in x), validation_batch_size=30,
              callbacks=[kept], verbose=0)  # fmt: skip
    order = {"set_model": 0, "set_params": 1}
    begin = [sorted(log.lines[:2], key=lambda line: order[line[0]]) for log in (mine, kept)]
    assert begin[0] == begin[1] and mine.lines[2:] == kept.lines[2:]


@pytest.mark.parametrize(
    ("moment", "epochs_done", "steps"),
    [(("on_train_batch_end", 1), 1, 2), (("on_epoch_end", 1), 2, 8), (("on_epoch_begin", 1), 2, 5)],
)
def test_a_callback_ends_the_run(tmp_path, plain, moment, epochs_done, steps):
    log = Log(stop_after=moment)
    run = train(tmp_path / "run", log)
    rows = (run / "history.csv").read_text().splitlines()
    assert len(rows) == 1 + epochs_done and log.lines[-1][0] == "on_train_end"
    assert sum(line[0] == "on_train_batch_end" for line in log.lines) == steps
    assert json.loads((run / "run.json").read_text())["validation"]["epoch"] == epochs_done


def test_early_stopping_keeps_the_weights_that_it_restores(tmp_path, plain, change, capsys):
    change(learning_rate=3.0, optimizer="sgd", epochs=9)
    stop = keras.callbacks.EarlyStopping("val_accuracy", patience=1, restore_best_weights=True, mode="max")
    run = train(tmp_path / "run", stop, progress=True)
    rows = np.genfromtxt(run / "history.csv", delimiter=",", names=True)
    best, said = 1 + int(rows["val_accuracy"].argmax()), capsys.readouterr().err
    most = f"{rows['val_accuracy'].max():.4f} (epoch {best})"
    why = f"early stopping, as val_accuracy was no better than {most} for 1 epoch"
    assert f"ended after {len(rows)} of 9 epochs by {why}\n" in said
    assert f"kept: the weights of epoch {best}, those with the best val_accuracy\n" in said
    known = json.loads((run / "run.json").read_text())["validation"]
    assert len(rows) < 9 and known["accuracy"] == pytest.approx(rows["val_accuracy"].max())
    kept = [np.asarray(w) for w in stop.best_weights]
    assert all(any(np.array_equal(w, k) for k in kept) for w in zoo.load(run).get_weights())


def test_who_has_ended_a_run_is_said():
    assert why_stopped([Log()]) == "the callback Log"
    assert why_stopped([Log(), keras.callbacks.EarlyStopping()]) == "one of the callbacks Log, EarlyStopping"
    assert why_stopped([]) == "a callback"


@pytest.mark.parametrize("moment", [(1, 3), (2, 0)])
def test_states_survive_an_interruption(tmp_path, plain, monkeypatch, moment):
    """Early stopping counts on where it was, the learning rate that a callback has lowered is kept."""

    def callbacks():
        stop = keras.callbacks.EarlyStopping("val_loss", min_delta=9.0, patience=3)
        lower = keras.callbacks.ReduceLROnPlateau("val_loss", min_delta=9.0, patience=1, factor=0.5, min_lr=0.0)
        return [stop, lower]

    whole = train(tmp_path / "whole", *callbacks(), epochs=6)
    save = epochs.Checkpoints.save

    def interrupt(self, progress):
        save(self, progress)
        if (progress.epoch, progress.step) == moment:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(epochs.Checkpoints, "save", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "run", *callbacks(), epochs=6, checkpoint_steps=3)
    again = callbacks()
    with pytest.raises(ValueError, match="begun with 2 callbacks and goes on with 1"):
        train(tmp_path / "run", again[0], epochs=6, checkpoint_steps=3)
    with pytest.raises(ValueError, match="begun with 2 callbacks: pass them again"):
        train(tmp_path / "run", epochs=6, checkpoint_steps=3)
    run = train(tmp_path / "run", *again, epochs=6, checkpoint_steps=3)
    assert (run / "history.csv").read_text() == (whole / "history.csv").read_text()
    assert (run / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert len((run / "history.csv").read_text().splitlines()) == 5 and again[0].stopped_epoch == 3


def test_tensorboard_of_keras(tmp_path, plain):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("writes by TensorFlow")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(tmp_path / "run", keras.callbacks.TensorBoard(str(tmp_path / "board")), epochs=2)
    events = EventAccumulator(str(tmp_path / "board" / "validation"), size_guidance={"tensors": 0}).Reload()
    assert [event.step for event in events.Tensors("epoch_loss")] == [0, 1]


def test_refusals(tmp_path):
    backup = keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))
    plateau = keras.callbacks.ReduceLROnPlateau()
    for callback, words in (
        (backup, "BackupAndRestore is not needed"),
        (plateau, "sets the learning rate, and so does the recipe's schedule 'one_cycle'"),
    ):
        with pytest.raises(ValueError, match=words):
            train(tmp_path / "run", callback)
    with pytest.raises(TypeError, match="objects of their classes; got <class"):
        train(tmp_path / "run", keras.callbacks.EarlyStopping)
    assert not (tmp_path / "run").exists()


def test_states_as_values_and_arrays():
    state = {"f": keras.ops.less, "a": 1, "b": [np.arange(3), ("x", None)], "c": {"1": 0.5}, "d": np.float32(2)}
    values, arrays = pack_states([state, None])
    back, nothing = unpack_states(json.loads(json.dumps(values)), arrays)
    assert (
        nothing is None
        and back["f"] is keras.ops.less
        and back["a"] == 1
        and back["c"] == {"1": 0.5}
        and back["b"][1] == ("x", None)
    )
    assert np.array_equal(back["b"][0], [0, 1, 2]) and back["d"].dtype == np.float32
    with pytest.raises(TypeError, match="state of a callback as numbers"):
        pack_states([{"a": object()}])
