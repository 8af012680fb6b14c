"""`zoo recipe`, `zoo finetune`, and recipes in `zoo train`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import zoo
from zoo.training import Recipe, read_recipe, resolve_recipe

pytestmark = pytest.mark.once

NAME = "resnet32_cifar10"


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """What the functions behind the commands are given."""
    given: dict = {}
    report = {"split": "validation", "examples": 8, "correct": 6, "accuracy": 0.75, "classes": ["a", "b"]}
    (tmp_path / "report.json").write_text(json.dumps(report))
    for name in ("train", "finetune"):
        monkeypatch.setattr(zoo, name, lambda *a, **k: given.update(k, arguments=a) or tmp_path)
    return given


def test_a_recipe_goes_into_a_file_and_back(zoo_command, tmp_path):
    text = zoo_command("recipe", NAME).out
    (tmp_path / "mine.yaml").write_text(text)
    assert text.startswith(f"# zoo train {NAME}") and read_recipe(tmp_path / "mine.yaml") == resolve_recipe(NAME)
    changed = zoo_command("recipe", NAME, "--recipe", tmp_path / "mine.yaml", "--set", "learning_rate=0.5").out
    assert yaml.safe_load(changed)["learning_rate"] == 0.5
    assert Recipe.from_dict(zoo_command("recipe", NAME, "--json").json) == resolve_recipe(NAME)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--set", "learning_rte=1"), "no field 'learning_rte'. Did you mean 'learning_rate'"),
        (("--set", "epochs"), "Expected FIELD=VALUE"),
        (("--set", "epochs=x"), "epochs to be a whole number; got 'x'"),
        (("--set", "augmentation=[flipp]"), "Unknown augmentation 'flipp'. Did you mean 'flip'"),
        (("--recipe", "mine.txt"), "Expected a recipe file ending in .yaml, .yml, .json; got mine.txt"),
        (("--recipe", "gone.yaml"), "No recipe file gone.yaml"),
    ],
)
def test_wrong_recipes(zoo_command, words, text):
    for command in ("recipe", "train"):
        outcome = zoo_command(command, NAME, *words)
        assert outcome.code == 2 and text in outcome.err and outcome.err.count("\n") == 1


def test_train_takes_files_and_single_fields(zoo_command, calls, tmp_path):
    shapes, file = tmp_path / "my" / "shapes", tmp_path / "mine.yaml"
    (shapes / "ring").mkdir(parents=True)
    (shapes / "ring" / "1.png").touch()
    file.write_text("epochs: 1\nbatch_size: 2\n")
    zoo_command("train", NAME, "--recipe", file, "--data", shapes)
    assert (calls["recipe"], calls["data"], calls["out"]) == (str(file), str(shapes), Path(f"runs/{NAME}-mine-seed0"))
    zoo_command("train", NAME, "--set", "learning_rate=1e-2", "--set", "batch_size=7", "--data", shapes)
    assert calls["recipe"] == resolve_recipe(NAME).changed(learning_rate=0.01, batch_size=7)


def test_finetune(zoo_command, calls, tmp_path):
    words = ("--unreadable", "skip", "--share", "0.5", "--epochs", "3", "--no-xla", "--set", "learning_rate=1e-4")
    shapes = tmp_path / "my" / "shapes"
    (shapes / "ring").mkdir(parents=True)
    (shapes / "ring" / "1.png").touch()
    outcome = zoo_command("finetune", NAME, shapes, *words)
    assert outcome.code == 0 and "6 of 8 right (75.0 %)" in outcome.out
    assert calls["arguments"] == (NAME, str(shapes)) and calls["recipe"] == {"learning_rate": 0.0001}
    assert (calls["unreadable"], calls["share"], calls["epochs"], calls["xla"]) == ("skip", 0.5, 3, False)
    assert calls["out"] == Path(f"runs/{NAME}-shapes")
    assert zoo_command("finetune", NAME, shapes, "--json").json["accuracy"] == 0.75 and calls["recipe"] is None
