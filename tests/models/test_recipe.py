"""Recipes from dictionaries, YAML and JSON: strict, and with clear errors."""

from __future__ import annotations

import json

import numpy as np
import pytest

from zoo.models.recipe import Recipe
from zoo.models.recipe_files import parse_settings, read_recipe, write_recipe

pytestmark = pytest.mark.once
FULL = Recipe(
    dataset="cifar10",
    epochs=30,
    batch_size=128,
    learning_rate=1e-5,
    schedule="step",
    milestones=(10, 20),
    augmentation=("pad_crop", "flip"),
    learning_rate_multipliers={"head": 0.5},
    overrides={"dropout": 0.3, "shape": (3, 3)},
    ema=0.99,
)


@pytest.fixture
def write(tmp_path):
    def make(text, name="mine.yaml"):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path / name

    return make


def test_what_is_written_is_read_back(write):
    again = read_recipe(write(write_recipe(FULL)))
    assert again == FULL.changed(overrides={"dropout": 0.3, "shape": [3, 3]})
    assert read_recipe(write(json.dumps(FULL.to_dict()), "mine.json")) == again
    assert Recipe.from_dict({"epochs": 1, "batch_size": 2}) == Recipe(epochs=1, batch_size=2)


def test_yaml_is_read_by_the_rules_of_its_version_1_2(write):
    recipe = read_recipe(write("epochs: 5\nbatch_size: 8\nlearning_rate: 1e-3\nweight_decay: .5\nclip_norm: 2\n"))
    assert (recipe.learning_rate, recipe.weight_decay, recipe.global_clipnorm) == (0.001, 0.5, 2.0)
    for value in ("yes", "on", "1"):
        with pytest.raises(ValueError, match="nesterov to be true or false"):
            read_recipe(write(f"epochs: 5\nbatch_size: 8\nnesterov: {value}\n"))
    with pytest.raises(ValueError, match="epochs to be a whole number; got '010'"):
        read_recipe(write("epochs: 010\nbatch_size: 8\n"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epochs: 5\n\tbatch_size: 8\n", "mine.yaml, line 2: .*The line holds a tab: YAML takes spaces alone"),
        ("epochs:\t5\nbatch_size: 8\n", "mine.yaml, line 1: .*tab"),
        ("epochs: 5\nepochs: 6\nbatch_size: 8\n", "line 2: .*'epochs' stands twice"),
        ("batch_size: 8\nepochs: many\n", "mine.yaml, line 2: Expected epochs to be a whole number; got 'many'"),
        ("epochs: 5\nbatch_size: 8\nlearning_rte: 1\n", "line 3: A recipe has no field 'learning_rte'"),
        ("epochs: 5\nbatch_size: -8\n", "line 2: .*at least 1; got epochs=5, batch_size=-8"),
        ("epochs: 5\nbatch_size: 8\nproximal: {a: 1, a: 2}\n", "line 3: .*'a' stands twice"),
        ("epochs: 5\nbatch_size: 8\nlearning_rte: 1\n", "no field 'learning_rte'. Did you mean 'learning_rate'"),
        ("epochs: 5\nbatch-size: 8\n", "no field 'batch-size'. Did you mean 'batch_size'"),
        ("epochs: 5\n", "A recipe needs batch_size"),
        ("epochs: five\nbatch_size: 8\n", "epochs to be a whole number; got 'five'"),
        ("epochs: 5.0\nbatch_size: 8\n", "epochs to be a whole number; got 5.0"),
        ("epochs: true\nbatch_size: 8\n", "epochs to be a whole number; got True"),
        ("epochs: 5\nbatch_size: 8\naugmentation: flip\n", r"augmentation to be a list; got 'flip'"),
        ("epochs: 5\nbatch_size: 8\nmilestones: [a]\nschedule: step\n", "each of milestones to be a whole number"),
        ("epochs: 5\nbatch_size: 8\noverrides: [1]\n", "overrides to be a mapping"),
        ("epochs: 5\nbatch_size: 8\nproximal: {a: b}\n", r"proximal\['a'\] to be a number; got 'b'"),
        ("epochs: 5\nbatch_size: 8\noptimizer: sdg\n", "optimizer to be one of"),
        ("- epochs\n", "a field a line .*; got list"),
        ("", "a field a line .*; got an empty file"),
        ("epochs: [5\n", "no YAML that can be read"),
        (b"epochs: \xff", "no UTF-8 text"),
    ],
)
def test_files_that_cannot_be_meant(write, text, words):
    with pytest.raises(ValueError, match=words):
        read_recipe(write(text))


def test_json_that_cannot_be_meant(write):
    with pytest.raises(ValueError, match="line 2: no JSON that can be read"):
        read_recipe(write('{"epochs": 5,\n "batch_size" 8}', "a.json"))
    with pytest.raises(ValueError, match="'epochs' stands twice"):
        read_recipe(write('{"epochs": 5, "epochs": 6}', "a.json"))


def test_paths_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError, match="No recipe file .*zoo recipe NAME > gone.yaml"):
        read_recipe(tmp_path / "gone.yaml")
    with pytest.raises(ValueError, match=r"ending in .yaml, .yml, .json; got .*mine.txt"):
        read_recipe(tmp_path / "mine.txt")


def test_single_fields():
    old = Recipe(epochs=5, batch_size=8).changed(accumulation=2)
    assert old.gradient_accumulation_steps == 2 and "accumulation" not in old.to_dict()
    assert Recipe(epochs=5, batch_size=8, clip_norm=2.0, accumulation=3).gradient_accumulation_steps == 3
    with pytest.raises(ValueError, match="one of two names of a field; got clip_norm and global_clipnorm"):
        Recipe.from_dict({"epochs": 5, "batch_size": 8, "clip_norm": 1.0, "global_clipnorm": 1.0})
    found = parse_settings(["learning_rate=1e-2", "augmentation=[flip]", "clip_norm=null", "proximal={a: 1}"])
    assert found == {"learning_rate": 0.01, "augmentation": ["flip"], "clip_norm": None, "proximal": {"a": 1}}
    assert FULL.changed(**found).augmentation == ("flip",)
    for words, text in ((["epochs"], "FIELD=VALUE"), (["a=1", "a=2"], "set twice"), (["a=[1"], "no YAML")):
        with pytest.raises(ValueError, match=text):
            parse_settings(words)


def test_numbers_of_numpy_become_plain_ones():
    recipe = Recipe(epochs=np.int64(3), batch_size=2, learning_rate=np.float32(0.5))
    assert type(recipe.epochs) is int and json.dumps(recipe.to_dict())
    with pytest.raises(ValueError, match="learning_rate to be finite; got inf"):
        Recipe(epochs=1, batch_size=1, learning_rate=float("inf"))


def test_options_of_augmentations_are_mappings_within_a_mapping() -> None:
    given = {"dataset": "d", "epochs": 1, "batch_size": 1, "augmentation": ["affine"]}
    options = {"affine": {"scale": 0.1, "shear": 0}}
    assert Recipe(**given, augmentation_options=options).augmentation_options == options
    with pytest.raises(ValueError, match=r"augmentation_options\['affine'\] to be a mapping"):
        Recipe(**given, augmentation_options={"affine": 0.1})
