"""Runs: complete folders, exact resumption, clear refusals, publication."""

import json

import keras
import numpy as np
import pytest

import zoo
from zoo.hub import find_recipe
from zoo.training import record
from zoo.training.loop import compile_arguments, smoothed_crossentropy


@pytest.fixture
def quick(monkeypatch):
    """Fewer steps an epoch: the first 512 images."""
    read = zoo.datasets.load

    def load(name, split, *, data=None):
        images, labels = read(name, split, data=data)
        return images[:512], labels[:512]

    monkeypatch.setattr(zoo.datasets, "load", load)


def weights(folder):
    return [keras.ops.convert_to_numpy(weight) for weight in zoo.load(folder).weights]


def test_a_run_folder_is_complete_and_loads(tmp_path, data, quick):
    run = zoo.train("dots_mnistrot", out=tmp_path / "run", seed=3, data=data)
    facts = json.loads((run / "run.json").read_text())
    assert facts["finished"] and facts["seed"] == 3 and facts["recipe"]["overrides"] == {"dropout": 0.2}
    assert facts["validation"]["images"] == 512
    history = np.genfromtxt(run / "history.csv", delimiter=",", names=True)
    assert list(history["epoch"]) == [0, 1, 2] and history["loss"][2] < history["loss"][0]
    assert zoo.load(run).predict(np.zeros((1, 28, 28, 1)), verbose=0).shape == (1, 10)
    before = (run / "model.safetensors").stat().st_mtime_ns
    assert zoo.train("dots_mnistrot", out=run, seed=3, data=data) == run  # finished: nothing to do
    assert (run / "model.safetensors").stat().st_mtime_ns == before


def test_an_interrupted_run_ends_bit_equal(tmp_path, data, quick, monkeypatch):
    whole = zoo.train("dots_mnistrot", out=tmp_path / "whole", data=data)
    backup = keras.callbacks.BackupAndRestore.on_epoch_end

    def interrupt(self, epoch, logs=None):
        backup(self, epoch, logs)
        if epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(keras.callbacks.BackupAndRestore, "on_epoch_end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            zoo.train("dots_mnistrot", out=tmp_path / "broken", data=data)
    assert record.epochs_done(tmp_path / "broken") == 2
    keras.utils.set_random_seed(99)
    resumed = zoo.train("dots_mnistrot", out=tmp_path / "broken", data=data)
    assert all(np.array_equal(a, b) for a, b in zip(weights(whole), weights(resumed), strict=True))
    assert (whole / "history.csv").read_text() == (resumed / "history.csv").read_text()


def test_smoke_is_short(tmp_path, data):
    run = zoo.train("dots_mnistrot", out=tmp_path / "run", data=data, smoke=True)
    assert json.loads((run / "run.json").read_text())["recipe"]["epochs"] == 1
    with pytest.raises(ValueError, match="Expected full runs"):
        zoo.publish(run, "v1", data=data)


def test_nan_stops_the_run(tmp_path, data, quick):
    with pytest.raises(FloatingPointError, match="loss was nan in epoch 1"):
        zoo.train("bad_mnistrot", out=tmp_path / "run", data=data)
    assert record.epochs_done(tmp_path / "run") == 0


def test_refusals(tmp_path, data, quick):
    with pytest.raises(ValueError, match="dots_mnistrot"):
        zoo.train("dot_mnistrot", out=tmp_path / "a", data=data)
    with pytest.raises(ValueError, match="bare_mnistrot"):
        zoo.train("bare_mnistrot", out=tmp_path / "a", data=data)
    with pytest.raises(ValueError, match="at least one epoch; got 0"):
        zoo.train("dots_mnistrot", out=tmp_path / "a", data=data, epochs=0)
    with pytest.raises(FileNotFoundError):
        zoo.train("dots_mnistrot", out=tmp_path / "a", data=tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        zoo.train("dots_mnistrot", out=tmp_path / "file", data=data)
    zoo.train("dots_mnistrot", out=tmp_path / "run", data=data, epochs=1)
    with pytest.raises(ValueError, match="another run: recipe, seed differ"):
        zoo.train("dots_mnistrot", out=tmp_path / "run", data=data, epochs=2, seed=1)
    with pytest.raises(ValueError, match="not empty and holds no training run"):
        zoo.train("dots_mnistrot", out=tmp_path, data=data)
    with pytest.raises(ValueError, match="seed from 0"):
        zoo.train("dots_mnistrot", out=tmp_path / "b", data=data, seed=-1)
    assert not (tmp_path / "a").exists() and not (tmp_path / "b").exists()  # nothing was claimed
    with pytest.raises(ValueError, match="finished training run"):
        zoo.publish(tmp_path, "v1", data=data)


def test_publish_ships_the_seed_of_best_validation(tmp_path, data, quick):
    runs = [zoo.train("dots_mnistrot", out=tmp_path / str(seed), seed=seed, data=data, epochs=1) for seed in (0, 1)]
    facts = json.loads((runs[0] / "run.json").read_text())
    facts["validation"]["accuracy"] = 2.0  # sure to win
    (runs[0] / "run.json").write_text(json.dumps(facts))
    folder = zoo.publish(runs, "v1", data=data)
    assert folder == tmp_path / "weights" / "dots_mnistrot" / "v1"
    card = zoo.card("dots_mnistrot")
    metric = card.metrics[0]
    assert metric["seeds"] == [0, 1] and metric["paper_value"] == 1.5 and metric["paper_note"] == "a guess"
    assert metric["value"] == metric["values"][0] == zoo.evaluate("dots_mnistrot", data=data)["error_percent"]
    assert card.training["seed"] == 0 and "2 seeds" in card.training["selection"]
    assert all(result.ok for result in zoo.verify())
    with pytest.raises(ValueError, match="different seeds"):
        zoo.publish([runs[0], runs[0]], "v2", data=data)
    with pytest.raises(FileExistsError):
        zoo.publish(runs, "v1", data=data)


def test_the_rate_rises_and_falls():
    recipe = find_recipe("dots_mnistrot")
    rate = compile_arguments(recipe, steps=100)["optimizer"]._learning_rate
    values = [float(rate(step)) for step in range(101)]
    assert values[0] == 0 and max(values) == pytest.approx(0.01) and values.index(max(values)) == 20
    assert values[100] == pytest.approx(0, abs=1e-9)


def test_label_smoothing():
    logits = np.array([[2.0, 0.0, 0.0]], "float32")
    log_p = logits - np.log(np.exp(logits).sum())
    loss = smoothed_crossentropy(0.3)(np.array([0]), logits)
    assert float(keras.ops.mean(loss)) == pytest.approx(float(-(0.7 * log_p[0, 0] + 0.3 * log_p.mean())), rel=1e-5)
