"""What the project ships and loads: nothing that a file could run, and a licence for everything."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from zoo.models import recipe_files

pytestmark = pytest.mark.once

SOURCES = ("zoo", "examples", "benchmarks", "docs", ".ci")
FORBIDDEN_KEYWORDS = {"weights_only": False, "safe_mode": False, "allow_pickle": True, "shell": True}
FORBIDDEN_CALLS = {"eval", "exec", "os.system", "os.popen", "keras.config.enable_unsafe_deserialization"}
FORBIDDEN_CALLS |= {f"yaml.{name}" for name in ("full_load", "unsafe_load", "load_all", "full_load_all")}
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
ALLOWED = {
    ("zoo/batch/ray_engine.py", "pickle"): "between the processes of one program, by what they wrote themselves",
    ("zoo/datasets/pickles.py", "pickle"): "an unpickler that knows a list of harmless names",
    ("zoo/hub/checkpoints.py", "pickle"): "the error that torch.load(weights_only=True) raises",
    ("zoo/models/recipe_files.py", "yaml.load"): "with a loader derived from the safe one",
}


@pytest.fixture(scope="module")
def trees(root: Path) -> dict[str, ast.Module]:
    files = [path for folder in SOURCES for path in (root / folder).rglob("*.py")]
    return {path.relative_to(root).as_posix(): ast.parse(path.read_text("utf-8")) for path in files}


def called(node: ast.Call) -> str:
    return ast.unparse(node.func)


def calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def test_nothing_is_loaded_that_could_run(trees: dict[str, ast.Module]) -> None:
    found = set()
    for file, tree in trees.items():
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found |= {(file, name) for name in names if name.split(".")[0] in FORBIDDEN_MODULES}
        for call in calls(tree):
            found |= {(file, called(call)) for _ in [0] if called(call) in FORBIDDEN_CALLS | {"yaml.load"}}
            for keyword in call.keywords:
                value = getattr(keyword.value, "value", None)
                if keyword.arg in FORBIDDEN_KEYWORDS and value is FORBIDDEN_KEYWORDS[keyword.arg]:
                    found.add((file, f"{keyword.arg}={value}"))
    assert found == set(ALLOWED)


def test_loaders_say_what_they_refuse(trees: dict[str, ast.Module]) -> None:
    wanted = {"np.load": "allow_pickle", "numpy.load": "allow_pickle", "torch.load": "weights_only"}
    seen = set()
    for file, tree in trees.items():
        for call in calls(tree):
            if called(call) in wanted and file.startswith("zoo/"):
                seen.add(called(call))
                assert wanted[called(call)] in [word.arg for word in call.keywords], f"{file}:{call.lineno}"
    assert seen == {"np.load", "torch.load"}  # the test looks for the names that the code uses


def test_the_allowed_uses_are_what_they_are_allowed_for(root: Path) -> None:
    text = (root / "zoo/hub/checkpoints.py").read_text("utf-8")
    assert set(re.findall(r"\bpickle\.(\w+)", text)) == {"UnpicklingError"}
    import yaml

    assert issubclass(recipe_files._loader(), yaml.SafeLoader)


@pytest.mark.parametrize("word", ["!!python/object/apply:os.system ['true']", "!!python/name:os.system", "!!set {a}"])
def test_a_recipe_builds_no_objects(tmp_path: Path, word: str) -> None:
    (tmp_path / "r.yaml").write_text(f"epochs: 1\nbatch_size: 1\ndataset: {word}\n")
    with pytest.raises(ValueError, match=r"r\.yaml"):
        recipe_files.read_recipe(tmp_path / "r.yaml")


def hostile_network() -> str:
    """A configuration as `CustomConfig` has it, with a function of Python's in it."""
    inputs = keras.Input((2,))
    network = keras.Model(inputs, keras.layers.Dense(2, name="head")(keras.layers.Lambda(lambda x: x)(inputs)))
    return json.dumps(keras.saving.serialize_keras_object(network))


def test_a_network_in_a_card_runs_nothing() -> None:
    from zoo.models.custom import CustomConfig

    config = CustomConfig(name="hostile", architecture=hostile_network(), input_shape=(2,), num_classes=2)
    with pytest.raises(ValueError, match="cannot be made from its configuration.*[Ll]ambda"):
        zoo.build(config)


def test_arrays_of_objects_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "graph.npz"
    np.savez(path, x=np.eye(3), edges=np.array([[0, 1]]), labels=np.array(["a", None, "b"], object))
    with pytest.raises(ValueError, match="graph.npz"):
        zoo.datasets.open_data(path)


def test_every_weight_has_a_licence_and_its_data_too(root: Path) -> None:
    folders = {path.parent for path in (root / "weights").rglob("*.safetensors")}
    assert len(folders) > 20
    for folder in folders:
        card = json.loads((folder / "card.json").read_text("utf-8"))
        assert card["license"] and card["dataset"]["license"] and card["citation"], folder
        assert {path.name for path in folder.iterdir()} <= {*card["files"], "card.json"}, folder
        if card.get("source"):  # somebody else's: what their licence wants said
            assert card["source"]["license"] and card["source"]["notice"] and card["source"]["origin"], folder


def test_every_shipped_picture_has_a_licence(root: Path) -> None:
    for folder in (root / "examples" / "images").iterdir():
        text = (folder / "README.md").read_text("utf-8")
        assert "icence" in text and "http" in text, folder
        if folder.name == "photos":
            assert all(f"`{path.name}`" in text for path in folder.glob("*.jpg"))
    kinds = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif")
    shipped = {path.parent.relative_to(root).as_posix() for path in (root / "zoo").rglob("*") if path.suffix in kinds}
    assert shipped == set()  # the wheel has no pictures but those in weights, which cards describe


def test_the_package_has_a_licence(root: Path) -> None:
    assert "Apache License" in (root / "LICENSE").read_text("utf-8")
    assert "license = Apache-2.0" in (root / "setup.cfg").read_text("utf-8")
    wanted = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    assert wanted == ["setuptools>=77"]  # the one program that runs when the package is built
