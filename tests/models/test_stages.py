"""Maps of stages, freezing, and the recorded channels and strides."""

from __future__ import annotations

import copy
import json

import keras
import numpy as np
import pytest

import zoo
from tests.sweeping import swept
from zoo.hub import find_preset, stages_of
from zoo.models.preset import Stage

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def model():
    return zoo.build("resnet32_cifar10", num_classes=3)


@pytest.mark.parametrize("name", swept(zoo.list_models()))
def test_what_is_recorded_is_what_is_built(name):
    """The stages are those on record, and every layer has a name: both at once, as to build all models takes long."""
    built, stages = zoo.build(name), find_preset(name).stages
    zoo.testing.check_names(built)
    line = f'"{name}": {json.dumps([list(stage) for stage in stages_of(built)])}'
    assert stages_of(built), f"{name}: no layer is named as a stage: see `zoo.hub.stages_of`"
    assert stages_of(built) == stages, f"the line of zoo/models/stages.json has to be\n  {line},"
    maps = zoo.features(built, stages="all").output
    assert list(maps) == [stage.name for stage in stages]
    for stage in stages:
        shape = maps[stage.name].shape
        assert shape[-1] == stage.channels
        sides = built.inputs[0].shape[1:3] if len(shape) == 4 else (None, None)
        for side, found in zip(sides, shape[1:3], strict=True):
            # a border around the picture, as MobileNetV2 of small pictures has, makes maps larger by 2 at most
            assert None in (side, found) or "lite0" in name or -1 < found - side / stage.stride <= 2, stage


def test_maps_are_those_of_the_model(model):
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("float32")
    found = zoo.features(model, stages=[0, "stage2", -1, "stage1_block1_relu"])
    assert list(found.output) == ["stem", "stage1_block1_relu", "stage2", "stage3"]  # in the network's order
    maps = found(images)
    wanted = keras.Model(model.input, model.get_layer("stage2_block5_relu").output)(images)
    np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (maps["stage2"], wanted)))
    means = keras.ops.mean(maps["stage3"], axis=(1, 2))
    np.testing.assert_allclose(*map(keras.ops.convert_to_numpy, (means, zoo.features(model)(images))), rtol=1e-5)
    assert all(any(weight is own for own in model.weights) for weight in found.weights)


def test_copies_and_changed_models_have_the_same_stages(model):
    wanted = stages_of(model)
    assert wanted == (Stage("stem", 16, 1), Stage("stage1", 16, 1), Stage("stage2", 32, 2), Stage("stage3", 64, 4))
    reset = zoo.reset_head(model, 5)
    for each in (copy.deepcopy(model), zoo.features(model), reset, zoo.fold(model)):
        assert stages_of(each) == wanted
        assert list(zoo.features(each, stages="all").output) == [stage.name for stage in wanted]


def test_models_of_other_houses_have_stages_by_name():
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", name="block1_conv")(inputs)
    x = keras.layers.MaxPooling2D(name="block1_pool")(x)
    own = keras.Model(inputs, keras.layers.Conv2D(8, 3, padding="same", name="block2_conv")(x))
    assert stages_of(own) == (Stage("block1", 4, 2), Stage("block2", 8, 4))


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ("stage4", "no stage or layer 'stage4'. Did you mean 'stage.'.* Its stages are stem, stage1, stage2, stage3"),
        ([4], "no stage or layer 4"),
        ([True], "no stage or layer True"),
        ([], "at least one stage"),
    ],
)
def test_stages_that_are_not_there_are_errors(model, stages, message):
    with pytest.raises(ValueError, match=message):
        zoo.features(model, stages=stages)


def learning(model):
    return {variable.path.split("_")[0].split("/")[0] for variable in model.trainable_variables}


def test_freezing_up_to_a_stage_and_back(model):
    model = copy.deepcopy(model)
    for until, wanted in {
        "head": {"head"},
        "stage2": {"stage3", "head"},
        "stem_norm": {"stage1", "stage2", "stage3", "head"},
        None: {"stem", "stage1", "stage2", "stage3", "head"},
    }.items():
        zoo.freeze(model, until=until)
        assert learning(model) == wanted, until
    model.trainable = False
    zoo.freeze(model)
    assert learning(model) == {"head"}
    with pytest.raises(ValueError, match="Did you mean 'stage2'"):
        zoo.freeze(model, until="stge2")
    with pytest.raises(ValueError, match="has no head"):
        zoo.freeze(zoo.features(model))


def small():
    inputs = keras.Input((4,))
    x = keras.layers.Dense(3, name="stage1_dense")(inputs)
    return keras.Model(inputs, keras.layers.Dense(2, name="head")(x))


def test_a_compiled_model_trains_what_is_free_now():
    model, x, y = small(), np.ones((4, 4), "float32"), np.zeros(4)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.5, momentum=0.9), loss=loss, run_eagerly=True)
    for until, moves in (("head", {"head"}), (None, {"head", "stage1_dense"}), ("head", {"head"})):
        before = {weight.path: keras.ops.convert_to_numpy(weight).copy() for weight in model.weights}
        zoo.freeze(model, until=until)
        model.fit(x, y, verbose=0)
        changed = {
            w.path.split("/")[0] for w in model.weights if (keras.ops.convert_to_numpy(w) != before[w.path]).any()
        }
        assert changed == moves and model.optimizer.get_config()["momentum"] == 0.9


def test_what_lora_adds_to_stays_frozen():
    model = small()
    model.get_layer("stage1_dense").enable_lora(1)
    zoo.freeze(model)
    assert learning(model) == {"head"}
    zoo.freeze(model, until=None)
    names = {v.name for v in model.get_layer("stage1_dense").trainable_variables}
    assert names == {"lora_kernel_a", "lora_kernel_b", "bias"}
