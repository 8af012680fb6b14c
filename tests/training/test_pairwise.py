"""Training with pairwise consistency: what the wrapper computes, that runs resume, and clear refusals."""

from __future__ import annotations

import dataclasses
import json

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests.training import toy_scene
from zoo import datasets, hub
from zoo.datasets import find_dataset
from zoo.hub import registry
from zoo.losses import ErasePolicy, PairwiseConsistencyLoss
from zoo.models import class_maps
from zoo.models.recipe import Recipe
from zoo.training import PairwiseConsistency, consistency, epochs, pairwise
from zoo.training.objective import CrossEntropy, accuracy_metric
from zoo.training.strategies import Strategy

JIT = keras.backend.backend() != "torch"
FAST = keras.backend.backend() == "jax"  # compiling takes longer than a few steps do, but on JAX
NAME, SHAPE, CLASSES = toy_scene.NAME, toy_scene.SHAPE, toy_scene.CLASSES
X = np.random.default_rng(0).integers(0, 256, (16, *SHAPE)).astype("float32")
Y = np.arange(16) % CLASSES


def network(seed: int = 0) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return toy_scene.build(toy_scene.CONFIG)


def compiled(trainer: keras.Model, *, jit: bool = FAST) -> keras.Model:
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    trainer.compile(optimizer=optimizer, loss=loss, weighted_metrics=["accuracy"], jit_compile=jit)
    return trainer


def values(model: keras.Model) -> list[np.ndarray]:
    return [np.array(ops.convert_to_numpy(variable)) for variable in model.variables]


def test_it_trains_compiled_and_counts_batch_statistics_twice():
    model = network()
    trainer = compiled(PairwiseConsistency(model, erased_ce_weight=0.3), jit=JIT)
    before = values(model)
    history = trainer.fit(X, Y, batch_size=8, epochs=6, verbose=0).history
    assert bool(trainer.jit_compile) == JIT
    assert history["loss"][-1] < history["loss"][0] and np.isfinite(history["loss"]).all()
    assert all(not np.array_equal(a, b) for a, b in zip(before, values(model), strict=True))
    assert float(trainer.steps) == 12
    np.testing.assert_allclose(trainer.predict(X, verbose=0)["logits"], model.predict(X, verbose=0), atol=1e-5)
    compiled(model)
    assert trainer.evaluate(X, Y, verbose=0) == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-4)


@pytest.mark.parametrize("arguments", [{}, {"erased_bn": "inference"}])
def test_moving_statistics_per_step(arguments):
    """A pass moves them by a tenth towards the batch's, so two passes over the same images by 19 hundredths."""
    moved = {}
    for name, weight in (("plain", 0.0), ("wrapped", 1.0)):
        model = network()
        trainer = compiled(PairwiseConsistency(model, consistency_weight=weight, warmup_steps=9, **arguments))
        trainer.train_on_batch(X, Y)
        moved[name] = ops.convert_to_numpy(model.get_layer("group1_conv1_norm").moving_mean)
    factor = 1.0 if arguments else 1.9
    np.testing.assert_allclose(moved["wrapped"], factor * moved["plain"], rtol=1e-3, atol=1e-5)


def test_without_weights_it_is_plain_training_and_one_pass(monkeypatch):
    plain, model = compiled(network(), jit=JIT), network()
    trainer = compiled(PairwiseConsistency(model, consistency_weight=0.0), jit=JIT)
    assert trainer.is_plain
    monkeypatch.setattr(pairwise, "class_maps", None)  # nothing of a second pass may run
    for each in (plain, trainer):
        each.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    for one, two in zip(values(plain), values(model), strict=True):
        np.testing.assert_array_equal(one, two)


def by_hand(trainer: PairwiseConsistency, x: np.ndarray, y: np.ndarray) -> float:
    """The loss of a batch in the formulas of the docstring; batch statistics are the stored ones."""
    model, policy = trainer.model, trainer.policy
    logits, classes = model(x, training=False), y
    maps = zoo.visual.cam(model, x, classes=classes)
    erased = np.where((maps >= policy.threshold)[..., None], class_maps.find_normalization(model)[0], x)
    other = model(erased.astype("float32"), training=False)
    entropy = CrossEntropy()
    consistency = PairwiseConsistencyLoss("relevance", temperature=2.0)((y, logits), other)
    return float(entropy(y, logits) + 0.5 * entropy(y, other) + 2.0 * consistency)


def test_the_loss_by_hand():
    trainer = compiled(PairwiseConsistency(network(), consistency_weight=2.0, erased_ce_weight=0.5))
    trainer.fit(X, Y, epochs=3, verbose=0)
    for layer in trainer.model.layers:
        layer.trainable = layer.trainable and not layer.name.endswith("_norm")  # so that training=True changes nothing
    y_pred = trainer(X, training=True)
    found = trainer.compute_loss(x=ops.convert_to_tensor(X), y=ops.convert_to_tensor(Y), y_pred=y_pred, training=True)
    assert float(found) == pytest.approx(by_hand(trainer, X, Y), rel=1e-4)
    plain = trainer.compute_loss(x=X, y=ops.convert_to_tensor(Y), y_pred=y_pred, training=False)
    assert float(plain) == pytest.approx(float(CrossEntropy()(Y, trainer.model(X, training=False))), rel=1e-5)


def test_warm_up_and_ramp():
    """Nothing is added before, half in the middle of the ramp, all after it."""
    model = network()
    trainer = compiled(PairwiseConsistency(model, warmup_steps=2, ramp_steps=2, erased_bn="inference"))
    for layer in model.layers:
        layer.trainable = layer.trainable and not layer.name.endswith("_norm")
    added = []
    for _ in range(5):
        y_pred = trainer(X, training=True)
        loss = trainer.compute_loss(x=ops.convert_to_tensor(X), y=ops.convert_to_tensor(Y), y_pred=y_pred)
        added.append(float(loss) - float(CrossEntropy()(Y, y_pred["logits"])))
    assert added[0] == added[1] == 0 and float(trainer.steps) == 5
    assert added[2] == pytest.approx(added[3] / 2, rel=1e-3) and added[4] == pytest.approx(added[3], rel=1e-3)
    assert added[4] > 0


@pytest.mark.parametrize(
    ("policy", "loss"),
    [
        ({"level": "feature"}, {"kind": "kl"}),
        ({"cam_class": "top", "top": 2, "dilate": 1}, {"kind": "topk", "top": 3}),
        ({"cam_class": "predicted", "random_threshold": (0.3, 0.7), "probability": 0.5}, {"kind": "class_features"}),
        ({"fill": "noise", "shuffle": True, "rounds": 2}, {"kind": "rank"}),
    ],
)
def test_options_train(policy, loss):
    model = network()
    trainer = compiled(PairwiseConsistency(model, policy=policy, loss=loss, stop_gradient_original=False))
    before = values(model)
    loss_value = trainer.train_on_batch(X[:8], Y[:8])[0]
    assert np.isfinite(loss_value)
    assert not np.array_equal(before[0], values(model)[0])
    assert all(np.isfinite(value).all() for value in values(model))


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_black_images_in_half_precision(precision):
    with hub.settings.dtype_policy(precision):
        model = network()
    trainer = compiled(PairwiseConsistency(model))
    loss = trainer.train_on_batch(np.zeros((4, *SHAPE), "float32"), Y[:4])[0]
    assert np.isfinite(loss) and all(np.isfinite(value).all() for value in values(model))


def test_the_wrapper_is_saved_and_loaded(tmp_path):
    trainer = compiled(PairwiseConsistency(network(), policy=ErasePolicy(threshold=0.3), warmup_steps=1))
    trainer.fit(X, Y, epochs=2, verbose=0)
    trainer.save(tmp_path / "wrapper.keras")
    again = keras.saving.load_model(tmp_path / "wrapper.keras")
    assert again.policy == trainer.policy and float(again.steps) == 2
    np.testing.assert_array_equal(again.predict(X, verbose=0)["logits"], trainer.predict(X, verbose=0)["logits"])
    np.testing.assert_array_equal(again.model.predict(X, verbose=0), trainer.model.predict(X, verbose=0))


def test_labels():
    soft = np.eye(CLASSES, dtype="float32")[Y] * 0.9 + 0.1 / CLASSES
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    refusing = PairwiseConsistency(network())
    refusing.compile(optimizer="sgd", loss=loss, jit_compile=FAST)
    with pytest.raises(ValueError, match=r"Expected hard labels.*soft_labels='argmax'"):
        refusing.fit(X, soft, verbose=0)
    taking = PairwiseConsistency(network(), soft_labels="argmax")
    taking.compile(optimizer="sgd", loss=loss, jit_compile=FAST)
    assert np.isfinite(taking.fit(X, soft, verbose=0).history["loss"]).all()
    column = compiled(PairwiseConsistency(network()))
    assert np.isfinite(column.train_on_batch(X, Y[:, None])[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"consistency_weight": -1}, "weights and steps of at least 0"),
        ({"erased_bn": "frozen"}, "erased_bn to be one of .*; got 'frozen'"),
        ({"soft_labels": "mean"}, "soft_labels to be one of"),
        ({"policy": {"threshold": 3}}, r"threshold` to be a number in \[0, 1\]"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        PairwiseConsistency(network(), **arguments)


def test_only_networks_with_averaged_features():
    inputs = keras.Input((4, 4, 1))
    flat = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs)))
    with pytest.raises(ValueError, match="ends with GlobalAveragePooling2D and one Dense layer.*InputLayer"):
        PairwiseConsistency(flat)


@pytest.fixture
def change(monkeypatch, tmp_path):
    """The tiny scene family in an otherwise empty zoo; changes fields of its recipe."""

    def apply(**changes):
        monkeypatch.setitem(toy_scene.RECIPES, NAME, dataclasses.replace(toy_scene.RECIPES[NAME], **changes))

    monkeypatch.setattr(registry, "FAMILIES", ("tests.training.toy_scene",))
    monkeypatch.setattr(datasets, "load", toy_scene.load)
    monkeypatch.setattr(datasets, "find_dataset", find_dataset)  # those of the toys are in their place
    monkeypatch.setenv("ZOO_WEIGHTS", str(tmp_path / "weights"))
    return apply


def train(**arguments):
    return zoo.train(NAME, xla=False, progress=False, **arguments)


def test_a_run_is_resumed_bit_equal_with_its_step_counter(tmp_path, monkeypatch, change):
    noisy = {"random_threshold": [0.3, 0.6], "warmup": 0.5, "ramp": 0.3, "kind": "kl"}
    change(consistency=noisy)
    whole = train(out=tmp_path / "whole")
    save, saved = epochs.Checkpoints.save, []

    def interrupt(self, progress):
        save(self, progress)
        saved.append((progress.epoch, progress.step))
        if saved[-1] == (1, 2):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(epochs.Checkpoints, "save", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(out=tmp_path / "broken", checkpoint_steps=2)
    keras.utils.set_random_seed(99)
    broken = train(out=tmp_path / "broken", checkpoint_steps=2)
    assert (whole / "history.csv").read_text() == (broken / "history.csv").read_text()
    one, two = zoo.load(whole), zoo.load(broken)
    assert all(np.array_equal(a, b) for a, b in zip(values(one), values(two), strict=True))
    assert "pairwise" not in " ".join(variable.path for variable in one.variables)


def test_published_with_focus_area_beside_the_error(tmp_path, change):
    change(epochs=1)
    train(out=tmp_path / "run", publish="v1")
    card = zoo.card(NAME)
    assert zoo.training.Recipe(**card.recipe) == zoo.training.resolve_recipe(NAME)
    names = [metric["name"] for metric in card.metrics]
    assert names[0] == "error" and {"accuracy", "class_mean_accuracy", "focus_area", "erased_accuracy"} <= set(names)
    result = zoo.evaluate(NAME)
    assert {metric["command"] for metric in card.metrics} == {f"zoo evaluate {NAME}.v1"}
    for metric in card.metrics[1:]:
        assert metric["value"] == pytest.approx(result["measures"][metric["name"]], abs=1e-3)
    assert "research use" in card.license and "research use" in card.dataset["license"]


def test_recipes_that_cannot_be(tmp_path, change):
    out = tmp_path / "run"
    change(consistency={"tau": 0.5})
    with pytest.raises(ValueError, match="Unknown argument of consistency: tau. They are .*threshold"):
        train(out=out)
    change(augmentation=("mixup",), consistency={"kind": "kl"})
    with pytest.raises(ValueError, match="needs hard labels, and mixup mixes them"):
        train(out=out)
    assert not out.exists()


def test_one_device_alone():
    recipe = Recipe(dataset="sun16", epochs=1, batch_size=8, consistency={"kind": "kl"})
    several = Strategy()
    several.name, several.replicas = "mirrored", 2
    assert consistency.one_device(recipe, several, chosen=False).name == "single"
    with pytest.raises(ValueError, match="trains on one device; got the strategy 'mirrored'"):
        consistency.one_device(recipe, several, chosen=True)


def test_runs_from_before_a_field_of_the_recipe_go_on(tmp_path, change):
    change(consistency={}, epochs=1)
    run = train(out=tmp_path / "run")
    facts = json.loads((run / "run.json").read_text())
    del facts["recipe"]["consistency"]
    (run / "run.json").write_text(json.dumps(facts))
    assert train(out=run) == run


def test_smoothed_labels_are_hard_labels():
    trainer = PairwiseConsistency(network())
    trainer.compile(optimizer="sgd", loss=CrossEntropy(0.1), weighted_metrics=[accuracy_metric()], jit_compile=FAST)
    assert np.isfinite(trainer.train_on_batch(X, Y)[0])
