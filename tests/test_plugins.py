"""What other people's packages and programs add to zoo: listed, checked, trained, exported like zoo's own."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zoo
from zoo import _plugins
from zoo.datasets import DataSource, augment, sources
from zoo.hub import registry

pytestmark = pytest.mark.once

OWN = registry.FAMILIES

SCRIPT = """
import contextlib, io, json, sys
from pathlib import Path
from zoo.cli import main

def command(*words):
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = main(words)
    return [code, said.getvalue()]

found = {
    "list": command("list", "ringed_*", "--json"),
    "info": command("info", "ringed_rings", "--json"),
    "data": command("data", "list", "--json"),
}
found["keras"] = "keras" in sys.modules
import numpy as np, zoo
from zoo_plugin.layers import GainConv2D

zoo.testing.check_family("ringed")
zoo.testing.check_layer(
    GainConv2D, {"filters": 3}, (2, 6, 6, 2), expected_output_shape=(2, 4, 4, 3), expected_weights=57,
    dynamic_shape=(None, None, None, 2),
)
out = Path(sys.argv[1])
run = zoo.train("ringed_rings", out=out / "run", progress=False)
found["recipe"] = json.loads((run / "run.json").read_text())["recipe"]
model = zoo.load(run)
for name in ("gain", "kernel"):
    weight = getattr(model.get_layer("conv"), name)
    weight.assign(weight + 0.1)
images = zoo.datasets.load("rings", "test")[0]
folded = zoo.fold(model)
found["layers"] = [type(layer).__name__ for layer in folded.layers]
found["difference"] = float(np.abs(folded.predict(images, verbose=0) - model.predict(images, verbose=0)).max())
found["macs"] = zoo.evaluation.count_macs(model)
found["accuracy"] = zoo.evaluate(run)["accuracy"]
found["run"] = str(run)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the sample package is installed."""
    folder = tmp_path_factory.mktemp("plugin")
    shutil.copytree(root / "tests" / "plugin", folder / "source")
    words = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target", str(folder / "site")]
    subprocess.run([sys.executable, "-m", "pip", "install", *words, str(folder / "source")], check=True)
    return folder / "site"


@pytest.fixture(scope="module")
def environment(site: Path) -> dict[str, str]:
    """That of a program that has the sample package, and no data."""
    root = str(Path(zoo.__file__).parents[1])
    known = {name: value for name, value in os.environ.items() if name != "ZOO_DATA"}
    return known | {"PYTHONPATH": os.pathsep.join([root, str(site)]), "KERAS_BACKEND": "tensorflow"}


@pytest.fixture(scope="module")
def found(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What such a program finds."""
    folder = tmp_path_factory.mktemp("runs")
    command = [sys.executable, "-W", "error::UserWarning:zoo", "-c", SCRIPT, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_the_package_is_listed_without_a_backend(found: dict[str, Any]) -> None:
    code, listed = found["list"]
    rows = {row["name"]: row for row in json.loads(listed)}
    assert code == 0 and sorted(rows) == ["ringed_rings", "ringed_wide_rings"]
    assert all(row["recipe"] for row in rows.values()) and rows["ringed_wide_rings"]["parameters"] == 114
    card = json.loads(found["info"][1])
    assert (card["family"], card["labels"], card["recipe"]["dataset"]) == ("ringed", ["ring", "disc"], "rings")
    data = {row["name"]: row for row in json.loads(found["data"][1])}
    assert data["rings"]["classes"] == ["ring", "disc"] and "mnist_rot" in data
    assert not found["keras"]


def test_the_package_trains_and_evaluates(found: dict[str, Any]) -> None:
    assert found["recipe"]["augmentation"] == ["mirror"]
    assert 0.5 <= found["accuracy"] <= 1


def test_its_layer_folds_and_is_counted(found: dict[str, Any]) -> None:
    assert "GainConv2D" not in found["layers"] and "BatchNormalization" not in found["layers"]
    assert "Conv2D" in found["layers"] and found["difference"] < 1e-4
    assert found["macs"] == 14 * 14 * 9 * 4 + 4 * 2


@pytest.mark.large
def test_it_is_exported(found: dict[str, Any], environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "zoo", "export", found["run"], "--out", str(tmp_path), "--fold"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (file,) = tmp_path.rglob("zoo.json")
    facts = json.loads(file.read_text("utf-8"))
    assert facts["labels"] == ["ring", "disc"] and facts["max_difference"] <= 1e-5


PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import keras, zoo, zoo_plugin.data
zoo.register_dataset(zoo_plugin.data.RINGS)
zoo.register_family("ringed", "zoo_plugin.ringed")
zoo.export(zoo.build("ringed_rings"), sys.argv[2])
"""


@pytest.mark.large
def test_a_family_of_a_program_is_exported(root: Path, tmp_path: Path) -> None:
    """The processes that export know it, too, though nothing is installed."""
    environment = os.environ | {"PYTHONPATH": str(root), "KERAS_BACKEND": "tensorflow"}
    command = [sys.executable, "-c", PROGRAM, str(root / "tests" / "plugin"), str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.rglob("saved_model.pb"))) == 1


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Nothing is registered yet; what a test registers goes again."""
    monkeypatch.setattr(registry, "FAMILIES", ("tests.hub.toy",))
    monkeypatch.setattr(registry, "_registered", [])
    monkeypatch.setattr(sources, "_known", dict(sources._known))
    monkeypatch.setattr(augment, "AUGMENTATIONS", dict(augment.AUGMENTATIONS))
    monkeypatch.setattr(augment, "_owners", {})
    monkeypatch.setattr(_plugins, "_said", set())
    caches = (registry._index, sources._add_installed, augment._add_installed)
    for cache in caches:
        cache.cache_clear()
    yield monkeypatch
    for cache in caches:
        cache.cache_clear()


def install(folder: Path, name: str, entries: str, source: str = "") -> Path:
    """A package as pip leaves it."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entries)
    (folder / f"{name}.py").write_text(source)
    return folder


def test_a_broken_package_is_one_warning(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    groups = ("families", "presets", "datasets", "augmentations")
    entries = "".join(f"[zoo.{group}]\nthing = broken_thing\n" for group in groups)
    fresh.syspath_prepend(install(tmp_path, "broken_thing", entries, "raise RuntimeError('half written')"))
    with pytest.warns(
        UserWarning, match="'thing' of the package broken_thing .* is left out: RuntimeError: half"
    ) as said:
        assert "toy_w4_shelf" in zoo.list_models() and zoo.list_models()
        assert "mnist_rot" in zoo.datasets.list_datasets() and "flip" in zoo.datasets.augmentations()
    assert len(said) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert zoo.datasets.list_datasets() and zoo.datasets.augmentations() and zoo.list_models()


def test_a_package_whose_preset_is_wrong_is_left_out(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = "from tests.hub.toy import *\nimport dataclasses\n"
    source += "PRESETS = [dataclasses.replace(PRESETS[0], paper='Rings, 2026')]\n"
    fresh.syspath_prepend(install(tmp_path, "stringy", "[zoo.families]\nstringy = stringy\n", source))
    with pytest.warns(
        UserWarning, match="left out: TypeError: Expected paper of the preset .* to be a Paper; got 'Rin"
    ):
        assert [*registry.families()] == ["toy"]


def test_a_package_with_a_name_of_ours_is_left_out(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = "from tests.hub.toy import *\nimport dataclasses\n"
    source += "PRESETS = [dataclasses.replace(PRESETS[0], summary='another')]\n"
    fresh.syspath_prepend(install(tmp_path, "twin", "[zoo.families]\ntwin = twin\n", source))
    with pytest.warns(
        UserWarning,
        match=r"called 'toy_w10_shelf': that of zoo \(tests.hub.toy\), and that of the package twin \(twin\)",
    ):
        assert registry.find_preset("toy_w10_shelf").summary == "a toy of width 10"
    assert [*registry.families()] == ["toy"]


def module(name: str, preset: zoo.models.Preset | None = None) -> types.ModuleType:
    """A family whose presets have a configuration class of their own."""
    from tests.hub import toy

    @dataclasses.dataclass(frozen=True)
    class OtherConfig(toy.ToyConfig):
        pass

    made = types.ModuleType(name)
    made.RECIPES, made.build = {}, toy.build
    made.PRESETS = (dataclasses.replace(toy.PRESETS[1], name=f"{name}_x", config=OtherConfig(name=f"{name}_x")),)
    return made


def test_a_family_of_a_program(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = module("shelf")
    zoo.register_family("shelf", made)
    zoo.register_family("shelf", made)  # once more changes nothing
    assert zoo.list_models("shelf*") == ["shelf_x"] and registry.family_of(made.PRESETS[0].config) == "shelf"
    assert zoo.build("shelf_x").count_params() and zoo.hub.registered_families() == {"shelf": "shelf"}
    with pytest.raises(
        ValueError, match="two families are called 'shelf': that of this program, and that of this prog"
    ):
        zoo.register_family("shelf", module("shelf"))
    with pytest.raises(
        ValueError, match=r"two families are called 'toy': that of zoo \(tests.hub.toy\), and that of this"
    ):
        zoo.register_family("toy", module("other"))
    with pytest.raises(ValueError, match=r"PRESETS, RECIPES and build; 'bare' lacks \['PRESETS', 'RECIPES', 'build'\]"):
        zoo.register_family("bare", types.ModuleType("bare"))
    (tmp_path / "folder_alone").mkdir()
    fresh.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"'empty' lacks .*\. Its folder has no __init__\.py"):
        zoo.register_family("empty", "folder_alone")
    with pytest.raises(ValueError, match="cannot be called 'custom'"):
        zoo.register_family("custom", module("another"))
    twin, config = module("twin"), type(made.PRESETS[0].config)(name="twin_x")
    twin.PRESETS = (dataclasses.replace(made.PRESETS[0], name="twin_x", config=config),)
    with pytest.raises(ValueError, match="OtherConfig, which the family 'shelf' builds"):
        zoo.register_family("twin", twin)
    assert "twin_x" not in zoo.list_models()


def test_a_preset_of_a_program(fresh: pytest.MonkeyPatch) -> None:
    known = registry.find_preset("toy_w4_shelf")
    mine = dataclasses.replace(known, name="toy_mine", config=dataclasses.replace(known.config, name="toy_mine"))
    recipe = zoo.training.Recipe(epochs=1, batch_size=4)
    zoo.register_preset(mine, recipe=recipe)
    assert registry.find_recipe("toy_mine") is recipe and zoo.card("toy_mine").family == "toy"
    with pytest.raises(ValueError, match="two presets are called 'toy_mine'"):
        zoo.register_preset(dataclasses.replace(mine, summary="another"))
    stranger = module("stranger").PRESETS[0]
    with pytest.raises(ValueError, match="'stranger_x' of this program has a configuration that no family builds"):
        zoo.register_preset(stranger)


def test_a_data_set_and_an_augmentation_of_a_program(fresh: pytest.MonkeyPatch) -> None:
    def read(folder, split):
        return np.zeros((4, 8, 8, 1), "uint8"), np.arange(4) % 2

    source = DataSource(name="squares", read=read, license="CC0-1.0", note="Four.", classes=("a", "b"))
    zoo.register_dataset(source)
    data = zoo.datasets.open_data("squares")
    assert data.classes == ("a", "b") and len(data.train[0]) == 4
    with pytest.raises(ValueError, match="two data sets are called 'mnist_rot': that of zoo, and that of this program"):
        zoo.register_dataset(dataclasses.replace(source, name="mnist_rot"))
    with pytest.raises(TypeError, match="DataSource from this program; got dict"):
        zoo.register_dataset({"name": "squares"})
    with pytest.raises(ValueError, match="snake case; got 'My Data'"):
        dataclasses.replace(source, name="My Data")

    def invert(batch, rng, *, share=1.0):
        return 255 - batch

    zoo.register_augmentation("invert", invert)
    assert zoo.datasets.augmentation("invert", share=0.5).keywords == {"share": 0.5}
    with pytest.raises(ValueError, match="two augmentations are called 'mixup': that of zoo, and that of this program"):
        zoo.register_augmentation("mixup", invert)
    with pytest.raises(ValueError, match=r"'one' of this program to be a function f\(batch, rng\)"):
        zoo.register_augmentation("one", lambda batch: batch)


def test_the_page_runs(fresh: pytest.MonkeyPatch, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fresh.setattr(registry, "FAMILIES", OWN)
    text = (root / "docs" / "extend.md").read_text("utf-8")
    scope: dict[str, object] = {}
    for block in re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL):
        exec(compile(block, "docs/extend.md", "exec"), scope)
    said = capsys.readouterr().out
    assert "'gcnn_letters'" in said and "[0 1 0 1 0 1 0 1]" in said and "('invert',)" in said
    assert "['image', 'conv'] 3888" in said
    (little,) = scope["PRESETS"]
    assert scope["build"](little.config).count_params() == little.parameters
    zoo.testing.check_preset("gcnn_letters")


def test_the_page_shows_the_package(root: Path) -> None:
    """But for its comment and the summary, and the dependency that is installed already."""
    page = (root / "docs" / "extend.md").read_text("utf-8")
    source = (root / "tests" / "plugin" / "pyproject.toml").read_text("utf-8")
    lines = [line for line in source.splitlines() if line and not line.startswith(("#", "description"))]
    assert [line for line in lines if line not in page] == []
