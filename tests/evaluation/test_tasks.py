"""What logits mean, and that everything which shows probabilities asks the same place."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest

import zoo
from zoo.exporting.interface import interface_of
from zoo.hub import registry, tasks
from zoo.models.pdegcn.config import PDEGCNConfig

LOGITS = np.array([[3.0, -1.0, 0.5]])
SIGMOIDS = 1 / (1 + np.exp(-LOGITS))
SHARES = np.exp(LOGITS) / np.exp(LOGITS).sum()


@pytest.mark.parametrize("task", tasks.TASKS)
def test_arrays_and_tensors_agree_on_every_task(task):
    expected = SIGMOIDS if "labelling" in task else SHARES
    for shape in ((1, 3), (1, 1, 3), (1, 1, 1, 3)):
        values = LOGITS.reshape(shape)
        np.testing.assert_allclose(tasks.probabilities(task, values), expected.reshape(shape), rtol=1e-12)
        tensor = tasks.probabilities(task, keras.ops.convert_to_tensor(values, "float32"))
        np.testing.assert_allclose(keras.ops.convert_to_numpy(tensor), expected.reshape(shape), rtol=1e-6)
    one = tasks.probabilities(task, np.array([[2.0], [-800.0]]))
    np.testing.assert_allclose(one, [[1 / (1 + np.exp(-2.0))], [0]], atol=1e-300)


def test_sixteen_bit_logits_give_probabilities_that_add_up():
    logits = keras.ops.cast(np.random.default_rng(0).normal(size=(4, 1000)), "bfloat16")
    found = tasks.probabilities("image-classification", logits)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found).sum(axis=1), 1, rtol=1e-5)


def test_answers_have_the_form_of_labels():
    assert tasks.answers("node-classification", LOGITS).tolist() == [0]
    assert tasks.answers("node-labelling", LOGITS).tolist() == [[1, 0, 1]]
    assert tasks.answers("image-classification", np.array([[2.0], [-1.0]])).tolist() == [1, 0]


def test_every_registered_model_has_a_known_task():
    assert {preset.task for preset in registry.presets().values()} <= set(tasks.TASKS)


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match=r"unknown task 'tidying': .* expected one of image-classification"):
        tasks.probabilities("tidying", LOGITS)
    with pytest.raises(ValueError, match="unknown task 'tidying'"):
        zoo.build("e4net_mnistrot", task="tidying")
    with pytest.raises(
        ValueError, match=r"task 'semantic-segmentation' has outputs of 4 axes, .* \(None, 10\): .* image"
    ):
        zoo.build("e4net_mnistrot", task="semantic-segmentation")


def _mine(**fields):
    return PDEGCNConfig(name="mine", input_shape=(None, 4), num_classes=3, depth=1, width=4, **fields)


GRAPH = {"x": np.eye(4, dtype="float32"), "edges": np.array([[0, 1], [1, 0]])}


@pytest.mark.parametrize(
    ("build", "sums"),
    [
        (lambda: zoo.build(_mine(), task="node-labelling"), False),
        (lambda: zoo.build(_mine()), True),
        (lambda: zoo.build("pdegcn_ppi", input_shape=(None, 4), num_classes=3, depth=1, width=4), False),
        (lambda: zoo.build("pdegcn_ppi", input_shape=(None, 4), num_classes=1, depth=1, width=4), False),
        (lambda: zoo.build("pdegcn_cora", input_shape=(None, 4), num_classes=1, depth=1, width=4), False),
    ],
)
def test_predicted_and_exported_probabilities_are_the_same(build, sums, tmp_path):
    model = build()
    again = zoo.load(zoo.save(model, tmp_path / "run"), compile=False)  # what an export reads
    inputs = {name: value[None] for name, value in GRAPH.items()}
    exported = interface_of(again, zoo.card(tmp_path / "run")).call(inputs)
    exported = keras.ops.convert_to_numpy(exported["probabilities"])[0]
    for one in (model, again, tmp_path / "run"):
        predicted = zoo.predict(one, GRAPH, top=3)
        for row, shares in zip(predicted, exported, strict=True):
            for found in row:
                assert found.probability == pytest.approx(shares[found.index], rel=1e-5)
    assert np.allclose(exported.sum(axis=-1), 1) == sums
    assert (exported < 1).all() and (exported > 0).all()


def test_a_configuration_may_hold_its_task():
    @dataclasses.dataclass(frozen=True)
    class Own:
        name: str = "own"
        task: str = "image-labelling"

    assert tasks.task_of_config(Own()) == "image-labelling"


def test_images_with_several_labels(tmp_path):
    model = zoo.build("e4net_mnistrot", num_classes=3, task="image-labelling")
    run = zoo.save(model, tmp_path / "run", card={"labels": ["red", "round", "small"]})
    assert zoo.card(run).task == "image-labelling"
    row = zoo.decode(run, LOGITS)[0]
    assert [(one.label, round(one.probability, 6)) for one in row] == [
        ("red", 0.952574),
        ("small", 0.622459),
        ("round", 0.268941),
    ]
    assert isinstance(zoo.load(run).loss, keras.losses.BinaryCrossentropy)
