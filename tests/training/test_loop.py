"""Runs: complete folders, exact resumption in the process, selection, precision, clear refusals."""

import hashlib
import json
import os
import re
import shutil

import keras
import numpy as np
import pytest

import zoo
from tests.training import toy
from zoo.testing import assert_close
from zoo.training import epochs, record
from zoo.training.events import EventWriter

XLA = keras.backend.backend() != "torch"


def weights(folder):
    return [np.array(keras.ops.convert_to_numpy(weight)) for weight in zoo.load(folder).weights]


def history(folder):
    return np.genfromtxt(folder / "history.csv", delimiter=",", names=True)


def facts(folder):
    return json.loads((folder / "run.json").read_text())


def same(one, other):
    assert (one / "history.csv").read_text() == (other / "history.csv").read_text()
    assert all(np.array_equal(a, b) for a, b in zip(weights(one), weights(other), strict=True))


def test_a_run_folder_is_complete_and_loads(tmp_path, capsys):
    run = zoo.train("dots", out=tmp_path / "run", seed=3)
    known = facts(run)
    assert known["finished"] and known["seed"] == 3 and known["recipe"]["overrides"] == {"dropout": 0.2}
    assert zoo.training.Recipe(**known["recipe"]) == toy.RECIPES["dots"]
    assert known["validation"]["examples"] == 30 and known["validation"]["epoch"] == 3
    assert {"versions", "commit", "changes", "hardware", "date", "minutes", "precision", "backend"} <= set(known)
    rows = history(run)
    assert list(rows["epoch"]) == [0, 1, 2] and rows["loss"][2] < rows["loss"][0]
    assert known["validation"]["accuracy"] == rows["val_accuracy"][2]
    expected = {"run.json", "history.csv", "checkpoints", "card.json", "golden.npz"}
    assert expected | {"model.safetensors", "head.safetensors"} <= {path.name for path in run.iterdir()}
    assert not [path for path in run.rglob("*") if path.suffix in (".part", ".tmp")]
    model = zoo.load(run)
    assert model.predict(toy.load("mnist_rot", "test")[0], verbose=0).shape == (40, 10)
    assert "epoch 3/3: accuracy" in capsys.readouterr().err


def test_validation_examples_are_learned_too(tmp_path):
    recipe = toy.THOROUGH.changed(split="train+validation", selection="last")
    run = zoo.train("dots", recipe=recipe, out=tmp_path / "run", progress=False)
    assert history(run).dtype.names == ("epoch", "accuracy", "loss")
    assert facts(run)["validation"] == {"accuracy": None, "loss": None, "epoch": 3, "examples": 0}
    splits = (toy.load("", part) for part in ("train", "validation"))
    joined = tuple(np.concatenate(arrays) for arrays in zip(*splits, strict=True))
    data = zoo.datasets.DataSet(train=joined, validation=joined, classes=tuple("0123456789"))
    plain = recipe.changed(split="train")
    other = zoo.train("dots", recipe=plain, data=data, out=tmp_path / "joined", progress=False)
    assert all(np.array_equal(a, b) for a, b in zip(weights(run), weights(other), strict=True))


def test_what_cannot_learn_from_validation_examples(tmp_path):
    with pytest.raises(ValueError, match="nothing is left to choose by"):
        toy.THOROUGH.changed(split="train+validation")
    with pytest.raises(ValueError, match="Join them yourself"):
        recipe = toy.RECIPES["ring"].changed(split="train+validation")
        zoo.train("ring", recipe=recipe, out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_another_recipe_by_its_name(tmp_path):
    run = zoo.train("dots", recipe="faithful", out=tmp_path / "run", progress=False)
    known = facts(run)
    assert zoo.training.Recipe(**known["recipe"]) == toy.OTHER_RECIPES["faithful"]["dots"]
    assert known["recipe_name"] == "faithful" and len(history(run)) == 2
    with pytest.raises(ValueError, match="holds another run: .*recipe_name is 'faithful' there and None here"):
        zoo.train("dots", out=run, epochs=2, progress=False)
    with pytest.raises(ValueError, match=r"no recipe called 'fatihful'; besides its own it has \['faithful'\]"):
        zoo.train("dots", recipe="fatihful", out=tmp_path / "other")


def test_events_of_tensorboard(tmp_path):
    pytest.importorskip("tensorboard", reason="writes the events")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = zoo.train("dots", out=tmp_path / "run", progress=False)
    events = EventAccumulator(str(run / "events")).Reload().Scalars("val_loss")
    assert [event.step for event in events] == [0, 1, 2]
    assert [event.value for event in events] == pytest.approx(history(run)["val_loss"])


def test_events_are_written_anew_when_a_run_goes_on(tmp_path):
    pytest.importorskip("tensorboard", reason="writes the events")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    rows = [{"epoch": 0, "loss": 2.0}, {"epoch": 1, "loss": 1.0}]
    for done in (0, 1):
        events = EventWriter(tmp_path, rows[:done], say=print)
        events.write(rows[done])
        events.close()
    found = EventAccumulator(str(tmp_path / "events")).Reload().Scalars("loss")
    assert [(event.step, event.value) for event in found] == [(0, 2.0), (1, 1.0)]


def test_without_tensorboard_it_says_what_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "tensorboard.summary.writer.record_writer", None)
    run = zoo.train("dots", out=tmp_path / "run", epochs=1)
    assert 'pip install "zoo[train]"' in capsys.readouterr().err and not (run / "events").exists()


def test_a_finished_run_is_returned_as_it_is(tmp_path):
    run = zoo.train("dots", out=tmp_path / "run", progress=False)
    before = (run / "model.safetensors").stat().st_mtime_ns
    assert zoo.train("dots", out=run, progress=False) == run
    assert (run / "model.safetensors").stat().st_mtime_ns == before


@pytest.mark.parametrize("name", [pytest.param("dots", marks=pytest.mark.large), "thorough"])
def test_a_run_interrupted_in_an_epoch_ends_bit_equal(tmp_path, monkeypatch, name):
    whole = zoo.train(name, out=tmp_path / "whole", progress=False)
    save, saved = epochs.Checkpoints.save, []

    def interrupt(self, progress):
        save(self, progress)
        saved.append((progress.epoch, progress.step))
        if saved[-1] == (1, 3):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(epochs.Checkpoints, "save", interrupt)
        with pytest.raises(KeyboardInterrupt):
            zoo.train(name, out=tmp_path / "broken", checkpoint_steps=3, progress=False)
    assert saved == [(0, 0), (0, 3), (1, 0), (1, 3)]
    keras.utils.set_random_seed(99)
    same(whole, zoo.train(name, out=tmp_path / "broken", checkpoint_steps=3, progress=False))


@pytest.mark.large
def test_runs_repeat_and_seeds_differ(tmp_path):
    runs = [zoo.train("dots", out=tmp_path / str(i), seed=i // 2, epochs=1, progress=False) for i in range(3)]
    same(runs[0], runs[1])
    assert not np.array_equal(weights(runs[0])[0], weights(runs[2])[0])


def measure(folder, split="validation"):
    """Accuracy of what was saved."""
    images, labels = toy.load("mnist_rot", split)
    return float(np.mean(zoo.load(folder).predict(images, verbose=0).argmax(-1) == labels))


@pytest.mark.parametrize("selection", ["last", "best"])
def test_selection(tmp_path, change, monkeypatch, selection):
    change(selection=selection, learning_rate=0.02, epochs=5)
    write, keep = epochs.RunTrainer._end_epoch, []

    def fake(self, logs):  # the validation split measures the second epoch as the best
        evaluate = self.trainer.evaluate
        with monkeypatch.context() as patch:
            worse = 0.5 if self.done.epoch == 1 else 0.0
            patch.setattr(self.trainer, "evaluate", lambda *a, **k: evaluate(*a, **k) | {"accuracy": worse})
            write(self, logs)
        keep.append([np.array(keras.ops.convert_to_numpy(weight)) for weight in self.model.weights])

    monkeypatch.setattr(epochs.RunTrainer, "_end_epoch", fake)
    run = zoo.train("dots", out=tmp_path / "run", progress=False)
    chosen = 1 if selection == "best" else 4
    assert facts(run)["validation"]["epoch"] == chosen + 1
    shapes = [w.shape for w in weights(run)]
    wanted = [w for w in keep[chosen] if w.dtype == "float32" and w.shape in shapes]
    assert all(any(np.array_equal(got, w) for w in wanted) for got in weights(run) if got.dtype == "float32")


@pytest.mark.parametrize("selection", ["last", "best"])
def test_the_moving_average_is_what_is_measured_and_kept(tmp_path, change, selection):
    change(ema=0.9, selection=selection, epochs=4)
    run = zoo.train("dots", out=tmp_path / "run", progress=False)
    assert facts(run)["validation"]["accuracy"] == pytest.approx(measure(run))
    change(ema=None, selection=selection, epochs=4)
    plain = zoo.train("dots", out=tmp_path / "plain", progress=False)
    assert np.array_equal(history(run)["loss"], history(plain)["loss"])  # the averages lead nowhere astray
    assert not np.array_equal(weights(run)[0], weights(plain)[0])


def test_accumulated_steps_are_one_large_step(tmp_path, change):
    """Without what depends on the single batch: dropout, batch statistics and augmentation."""
    common = {"dataset": "rings", "epochs": 1, "schedule": "constant", "optimizer": "sgd", "label_smoothing": 0.0}
    change("ring", **common, batch_size=1, gradient_accumulation_steps=1)
    one = zoo.train("ring", out=tmp_path / "one", progress=False)
    change(
        "ring", **common | {"epochs": 2}, batch_size=1, gradient_accumulation_steps=2
    )  # the one graph twice, then a step
    two = zoo.train("ring", out=tmp_path / "two", progress=False)
    for a, b in zip(weights(one), weights(two), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(tmp_path, change, precision):
    change(epochs=4)
    whole = zoo.train("dots", out=tmp_path / "run", precision=precision, progress=False)
    rows = history(whole)
    assert facts(whole)["precision"] == precision and rows["loss"][-1] < rows["loss"][0]
    assert {weight.dtype.name for weight in weights(whole)} <= {"float32", "uint32", "int64"}
    assert zoo.load(whole).dtype_policy.name == "float32" == keras.config.dtype_policy().name
    single = zoo.train("dots", out=tmp_path / "single", progress=False)
    assert rows["val_loss"][-1] == pytest.approx(history(single)["val_loss"][-1], rel=0.1)
    with pytest.raises(ValueError, match="another run: precision is 'mixed_b?float16' there and 'float32' here"):
        zoo.train("dots", out=whole, progress=False)


@pytest.mark.large
def test_float16_resumes_with_its_loss_scale(tmp_path, monkeypatch):
    whole = zoo.train("dots", out=tmp_path / "whole", precision="mixed_float16", epochs=2, progress=False)
    monkeypatch.setattr(record, "close_run", lambda *_, **__: None)  # never finished
    arguments = {"out": tmp_path / "run", "precision": "mixed_float16", "epochs": 2, "progress": False}
    zoo.train("dots", **arguments)
    for path in (tmp_path / "run" / "checkpoints").glob("epoch000002*"):
        path.unlink()
    same(whole, zoo.train("dots", **arguments))


@pytest.mark.skipif(not XLA, reason="torch runs one step at a time")
def test_several_steps_in_one_call(tmp_path):
    one = zoo.train("dots", out=tmp_path / "one", progress=False)
    several = zoo.train("dots", out=tmp_path / "several", steps_per_execution=3, progress=False)  # 3 and 1 of 4 steps
    for a, b in zip(weights(one), weights(several), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(history(one)["loss"], history(several)["loss"], rtol=1e-4)


def test_several_steps_in_one_call_are_refused_on_torch(tmp_path, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(ValueError, match="and 1 on torch; got 2"):
        zoo.train("dots", out=tmp_path / "run", steps_per_execution=2, strategy="single", progress=False)


def test_a_graph_with_weights_of_its_nodes(tmp_path):
    run = zoo.train("ring", out=tmp_path / "run", progress=False)
    rows = history(run)
    assert rows["accuracy"][-1] == 1 and rows["val_accuracy"][-1] == 1 and rows["loss"][-1] < 0.2
    assert facts(run)["validation"]["examples"] == 3  # nodes of the split
    inputs, labels, _ = toy.load("rings", "test")
    assert np.mean(zoo.load(run).predict(inputs, verbose=0).argmax(-1) == labels) > 0.9


def test_smoke_is_short(tmp_path, change):
    change(epochs=50)
    run = zoo.train("dots", out=tmp_path / "run", smoke=True, progress=False)
    assert facts(run)["smoke"] and facts(run)["recipe"]["epochs"] == 1 and len(history(run).shape) == 0


def test_nan_stops_the_run_and_keeps_the_checkpoint_before(tmp_path, change, monkeypatch):
    rest = zoo.training.batches.TrainingBatches.__getitem__

    def spoil(self, index):
        inputs, labels = rest(self, index)
        spoiled = self._epoch == 1 and self._start + index == 2
        return (inputs * np.float32("nan") if spoiled else inputs), labels

    monkeypatch.setattr(zoo.training.batches.TrainingBatches, "__getitem__", spoil)
    with pytest.raises(
        FloatingPointError, match="loss became nan in step 3 of epoch 2; the checkpoint before it is kept"
    ):
        zoo.train("dots", out=tmp_path / "run", checkpoint_steps=2, progress=False)
    newest = max((tmp_path / "run" / "checkpoints").glob("epoch*.npz"))
    assert newest.name == "epoch000001-step00000002.npz" and not facts(tmp_path / "run")["finished"]
    with np.load(newest) as arrays:
        assert all(np.isfinite(arrays[name]).all() for name in arrays.files if arrays[name].dtype.kind == "f")


def test_nan_from_the_start_is_refused(tmp_path):
    with pytest.raises(FloatingPointError, match="in head/kernel"):
        zoo.train("bad", out=tmp_path / "run", progress=False)


def test_refusals(tmp_path, monkeypatch):
    def train(name="dots", out="a", **arguments):
        return zoo.train(name, out=tmp_path / out, progress=False, **arguments)

    with pytest.raises(ValueError, match="dots"):
        train("dot")
    with pytest.raises(ValueError, match="'bare' has no training recipe"):
        train("bare")
    with pytest.raises(ValueError, match="`precision` to be one of .*\"mixed_float16\"; got 'float64'"):
        train(precision="float64")
    with pytest.raises(ValueError, match="smoke run"):
        train(smoke=True, publish="v1")
    with pytest.raises(ValueError, match="tag like v1"):
        train(publish="best")
    (tmp_path / "weights" / "dots" / "v1").mkdir(parents=True)
    with pytest.raises(FileExistsError, match="never change"):
        train(publish="v1")
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        train(out="file")
    with pytest.raises(NotADirectoryError, match="Expected a folder for the run; .*file is a file"):
        train(out="file/below/run")
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda *_: False)
        with pytest.raises(PermissionError, match=f"No permission to write to {tmp_path}. Choose another folder"):
            train(out="closed/run")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("")
    with pytest.raises(ValueError, match="not empty and holds no training run"):
        train(out="full")
    monkeypatch.setattr(toy, "load", None)
    assert not (tmp_path / "a").exists()  # nothing was claimed


@pytest.mark.parametrize(
    ("name", "values", "bounds"),
    [
        ("epochs", (0, 1.5, "3", True), "a positive integer"),
        ("checkpoint_steps", (0, 1.5, False), "a positive integer"),
        ("steps_per_execution", (0, None, 2.0), "a positive integer"),
        ("seed", (-1, True, 1.5, None, 2**32), "an integer from 0 to 4294967295"),
    ],
)
def test_numbers_are_whole(tmp_path, name, values, bounds):
    for value in values:
        text = f"Expected `{name}` to be {bounds}; got {value!r}."
        with pytest.raises(ValueError, match=re.escape(text)):
            zoo.train("dots", out=tmp_path / "run", progress=False, **{name: value})
    with pytest.raises(TypeError, match="Expected out to be the path of the run folder; got None"):
        zoo.train("dots", out=None, progress=False)
    assert not (tmp_path / "run").exists()


def test_missing_data_is_reported_before_anything_is_written(tmp_path, monkeypatch):
    def gone(*_, **__):
        raise FileNotFoundError("no data")

    monkeypatch.setattr(zoo.datasets, "load", gone)
    with pytest.raises(FileNotFoundError, match="no data"):
        zoo.train("dots", out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_another_run_is_refused(tmp_path):
    zoo.train("dots", out=tmp_path / "run", epochs=1, progress=False)
    with pytest.raises(ValueError, match="another run: seed is 0 there and 1 here; epochs is 1 there and 2 here"):
        zoo.train("dots", out=tmp_path / "run", epochs=2, seed=1, progress=False)


@pytest.fixture
def no_steps(monkeypatch):
    def fail(*_, **__):
        raise AssertionError("training has started")

    monkeypatch.setattr(keras.Model, "fit", fail)


def test_a_full_disk_is_reported_before_training(tmp_path, monkeypatch, no_steps):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 0))
    with pytest.raises(OSError, match="No room on the disk"):
        zoo.train("dots", out=tmp_path / "run", progress=False)


def test_an_unwritable_folder_is_reported_before_training(tmp_path, monkeypatch, no_steps):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", str(tmp_path / "run"))

    if os.geteuid():  # root may write everywhere
        (tmp_path / "closed").mkdir(mode=0o500)
        with pytest.raises(PermissionError):
            zoo.train("dots", out=tmp_path / "closed" / "run", progress=False)
    monkeypatch.setattr(np, "savez", refuse)  # the run folder is there, and the disk has become read-only
    with pytest.raises(PermissionError):
        zoo.train("dots", out=tmp_path / "run", progress=False)


def test_a_run_begins_with_given_weights(tmp_path, change):
    first = zoo.train("dots", out=tmp_path / "first", progress=False)
    change(learning_rate=1e-12)
    again = zoo.train("dots", out=tmp_path / "again", start=first, epochs=1, progress=False)
    for old, new in zip(zoo.load(first).trainable_weights, zoo.load(again).trainable_weights, strict=True):
        assert_close(new, keras.ops.convert_to_numpy(old), 1e-6)
    recorded = facts(again)["start"]
    digest = hashlib.sha256((first / "model.safetensors").read_bytes()).hexdigest()
    assert (recorded["name"], recorded["tag"], recorded["sha256"]["model.safetensors"]) == ("dots", None, digest)
    with pytest.raises(ValueError, match="another run: start is .* there and None here"):
        zoo.train("dots", out=again, epochs=1, progress=False)


def test_weights_that_do_not_fit_are_refused_before_anything_is_written(tmp_path):
    other = zoo.save(zoo.build("dots", input_shape=(12, 12, 1)), tmp_path / "other")
    with pytest.raises(ValueError, match="do not fit the model.*\n.*head/kernel"):
        zoo.train("dots", out=tmp_path / "run", start=other, progress=False)
    with pytest.raises(ValueError, match="no trained weights"):
        zoo.train("dots", out=tmp_path / "run", start="thorough", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_recipe_may_need_given_weights(tmp_path, change):
    change(needs_start=True)
    with pytest.raises(ValueError, match="'dots' is trained further from given weights"):
        zoo.train("dots", out=tmp_path / "run", progress=False)
