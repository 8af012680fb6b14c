"""From finished runs to weights with a card that says how to make them again."""

import dataclasses
import json

import keras
import numpy as np
import pytest

import zoo
from tests.training import toy
from zoo import hub
from zoo.training import publishing

pytestmark = pytest.mark.once


def edit(run, **changes):
    facts = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(facts | changes))


def test_the_seed_of_best_validation_is_shipped(tmp_path, change):
    change(epochs=1)
    runs = [zoo.train("dots", out=tmp_path / str(seed), seed=seed, progress=False) for seed in (0, 1)]
    edit(runs[1], validation={"accuracy": 2.0, "loss": 0.0, "epoch": 1, "examples": 30})  # sure to win
    folder = zoo.publish(runs, "v1")
    assert folder == tmp_path / "weights" / "dots" / "v1"
    card = zoo.card("dots")
    metric = card.metrics[0]
    assert metric["seeds"] == [0, 1] and (metric["paper_value"], metric["paper_note"]) == (1.5, "a guess")
    assert metric["value"] == metric["values"][1] == zoo.evaluate("dots")["error_percent"]
    assert metric["mean"] == pytest.approx(np.mean(metric["values"]))
    assert metric["std"] == pytest.approx(np.std(metric["values"], ddof=1))
    assert card.training["seed"] == 1 and card.training["command"] == "zoo train dots --seed 1"
    assert card.training["selection"] == (
        "weights after the last epoch; of 2 seeds the one with the highest validation accuracy"
    )
    assert zoo.training.Recipe(**card.recipe) == toy.RECIPES["dots"]
    assert zoo.load("dots").get_layer("dropout").rate == 0.5  # the registered model, not the recipe's override
    assert all(result.ok for result in zoo.verify())
    with pytest.raises(ValueError, match="different seeds"):
        zoo.publish([runs[0], runs[0]], "v2")
    with pytest.raises(FileExistsError):
        zoo.publish(runs, "v1")


def test_train_publishes_what_it_trained(tmp_path):
    zoo.train(
        "thorough",
        out=tmp_path / "run",
        seed=3,
        precision="mixed_bfloat16",
        xla=False,
        epochs=2,
        publish="v1",
        progress=False,
    )
    card = zoo.card("thorough")
    assert card.training["command"] == "zoo train thorough --seed 3 --epochs 2 --no-xla --precision mixed_bfloat16"
    epoch = card.training["validation"]["epoch"]
    assert card.training["selection"] == (
        f"of 2 epochs the one with the highest validation accuracy (epoch {epoch}); "
        "moving average of the weights with momentum 0.8"
    )
    assert zoo.load("thorough").count_params() > 0 and card.metrics[0]["std"] is None


def test_kernels_rounded_to_half_precision(tmp_path, change):
    change(epochs=1)
    run = zoo.train("dots", out=tmp_path / "run", progress=False)
    zoo.publish(run, "v1")
    zoo.publish(run, "v2", half=True)
    full, half = (zoo.load(f"dots.{tag}") for tag in ("v1", "v2"))
    for before, after in zip(full.weights, half.weights, strict=True):
        value = keras.ops.convert_to_numpy(before)
        expected = value.astype("float16").astype("float32") if value.ndim > 1 else value
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(after), expected)
    sizes = [zoo.card(f"dots.{tag}").files["model.safetensors"].size for tag in ("v1", "v2")]
    assert sizes[1] < sizes[0]
    card = zoo.card("dots.v2")
    assert "rounded to float16" in card.training["selection"]
    assert card.metrics[0]["value"] == zoo.evaluate("dots.v2")["error_percent"]
    assert all(result.ok for result in zoo.verify("dots.v2"))
    model = zoo.load(run)
    model.get_layer("head").kernel.assign(model.get_layer("head").kernel + 1e5)
    with pytest.raises(ValueError, match="beyond the range of float16"):
        hub.round_to_half(model)


def test_images_that_may_not_be_passed_on_are_not(tmp_path, monkeypatch):
    images = toy.load("dots", "validation")[0]
    run = zoo.train("dots", out=tmp_path / "run", smoke=False, epochs=1, progress=False)
    for tag, shareable in (("v1", False), ("v2", True)):
        source = dataclasses.replace(toy.find_dataset("mnist_rot"), shareable=shareable)
        monkeypatch.setattr(publishing.datasets, "find_dataset", lambda name, source=source: source)
        with np.load(zoo.publish(run, tag) / "golden.npz") as golden:
            shipped = [any(np.array_equal(image, other) for other in images) for image in golden["input"]]
        assert shipped == [shareable] * len(shipped)


def test_a_model_of_graphs(tmp_path, monkeypatch):
    monkeypatch.setattr(publishing, "evaluate", lambda *_, **__: {"error_percent": 12.5, "accuracy": 0.875})
    zoo.train("ring", out=tmp_path / "run", epochs=2, publish="v1", progress=False)
    card = zoo.card("ring")
    assert card.metrics[0]["value"] == 12.5 and card.symmetry is None and card.architecture["macs"] is None
    assert all(result.ok for result in zoo.verify())
    with np.load(tmp_path / "weights" / "ring" / "v1" / "golden.npz") as golden:
        assert np.array_equal(golden["input.edges"], toy.load("rings", "test")[0]["edges"])


def test_runs_that_are_not_published(tmp_path, change):
    with pytest.raises(ValueError, match="finished training run"):
        zoo.publish(tmp_path, "v1")
    with pytest.raises(ValueError, match="at least one run folder"):
        zoo.publish([], "v1")
    smoke = zoo.train("dots", out=tmp_path / "smoke", smoke=True, progress=False)
    with pytest.raises(ValueError, match="Expected full runs"):
        zoo.publish(smoke, "v1")
    run = zoo.train("dots", out=tmp_path / "run", epochs=1, progress=False)
    with pytest.raises(ValueError, match="differ in 'smoke' too"):
        zoo.publish([run, smoke], "v1")
    change(learning_rate=0.5)
    with pytest.raises(ValueError, match=r"'dots' has changed since this run: learning_rate 0.01 \(now 0.5\)"):
        zoo.publish(run, "v1")
    assert not (tmp_path / "weights").exists()


def test_the_command_names_the_recipe(tmp_path):
    zoo.train("dots", recipe="faithful", out=tmp_path / "run", publish="v1", progress=False)
    assert zoo.card("dots").training["command"].startswith("zoo train dots --seed 0 --recipe faithful")


def test_runs_that_validated_nothing(tmp_path, change):
    change(epochs=1, split="train+validation")
    runs = [zoo.train("dots", out=tmp_path / str(seed), seed=seed, progress=False) for seed in (1, 0)]
    zoo.publish(runs, "v1")
    card = zoo.card("dots")
    assert card.training["seed"] == 1 and card.training["selection"].endswith("of 2 seeds the first")
    assert card.dataset["split"] == "train+validation" and card.metrics[0]["seeds"] == [1, 0]


def test_a_run_of_an_older_version_has_fewer_facts(tmp_path, change):
    """Fields that came later mean what was done before them."""
    change(epochs=1)
    run = zoo.train("dots", out=tmp_path / "run", progress=False)
    facts = json.loads((run / "run.json").read_text())
    old = {
        "dataset",
        "epochs",
        "batch_size",
        "learning_rate",
        "weight_decay",
        "label_smoothing",
        "augmentation",
        "overrides",
    }
    recipe = {name: value for name, value in facts["recipe"].items() if name in old}
    kept = {name: value for name, value in facts.items() if name not in ("precision", "strategy", "replicas")}
    validation = {"accuracy": 0.5, "loss": 1.0, "images": 30}
    (run / "run.json").write_text(json.dumps(kept | {"recipe": recipe, "validation": validation}))
    zoo.publish(run, "v1")
    card = zoo.card("dots")
    assert zoo.training.Recipe(**card.recipe) == toy.RECIPES["dots"] and card.training["validation"] == validation


def test_check_tag(tmp_path):
    publishing.check_tag("dots", "v1")
    with pytest.raises(ValueError, match="tag like v1 or v12; got 'latest'"):
        publishing.check_tag("dots", "latest")
    with pytest.raises(ValueError, match="smoke run"):
        publishing.check_tag("dots", "v1", smoke=True)
    (tmp_path / "elsewhere" / "dots" / "v1").mkdir(parents=True)
    with pytest.raises(FileExistsError):
        publishing.check_tag("dots", "v1", root=tmp_path / "elsewhere")
