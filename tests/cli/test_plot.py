"""`zoo plot`: one picture for each kind, and what it refuses before it loads anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import zoo
from tests.evaluation import toy
from zoo.cli.plot import KINDS, _spread
from zoo.visual.learning import read_epochs

pytestmark = pytest.mark.once


@pytest.mark.parametrize("kind", ["architecture", "curves", "size"])
def test_without_data(zoo_command: Callable[..., Any], tmp_path: Path, kind: str) -> None:
    done = zoo_command("plot", "e4net_mnistrot", kind, "--out", tmp_path / "a.svg", "--dark")
    assert done.code == 0, done.err
    assert "a.svg" in done.out and "#1f2129" in (tmp_path / "a.svg").read_text()


def test_own_pictures(
    zoo_command: Callable[..., Any], bars: str, pictures: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for label in (3, 7):
        folder = tmp_path / "mine" / str(label)
        folder.mkdir(parents=True)
        Image.fromarray(toy.bars(np.array([label]))[0, ..., 0]).save(folder / "a.png")
    (tmp_path / "mine" / "3").rename(tmp_path / "mine" / "5")  # one picture lies in the wrong folder
    mine = ["--data", "mine"]
    kinds = (("architecture", []), ("confusion", mine), ("mistakes", mine), ("turning", pictures[:1]))
    for kind, more in kinds:
        done = zoo_command("plot", bars, kind, *more, "--json")
        assert done.code == 0, done.err
        assert done.json["picture"] == f"{bars}-{kind}.png" and Path(done.json["picture"]).stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["e4net_mnistro", "curves"], "Did you mean 'e4net_mnistrot'"),
        (["e4net_mnistrot", "curves", "--out", "a.gif"], r"ends in .png or .svg"),
        (["e4net_mnistrot", "curves", "a.png"], "takes no images"),
        (["e4net_mnistrot", "curves", "--against", "resnet32_cifar10"], "draws one model"),
        (["e4net_mnistrot", "turning", "--against", "e4net_mnistro"], "Did you mean"),
        (["e4net_mnistrot", "mistakes", "--count", "0"], "--count of at least 1"),
        (["e4net_mnistrot", "pie"], "invalid choice"),
        (["pdegcn_cora", "maps", "a.png"], "maps is of networks that take images, and pdegcn_cora takes graphs"),
        (["e4net_mnistrot", "energy"], "energy is of graph networks, and e4net_mnistrot takes images"),
        (["e4net_mnistrot", "turning", "a.png", "b.png"], "turning takes at most 1 image; got 2"),
        (["e4net_mnistrot", "turning", "."], "turning takes one image file, and . is a folder: name one of its files"),
        (["scene_resnet18_narrow_sun16", "maps", "empty"], "No images in the folder empty"),
        (["scene_resnet18_narrow_sun16", "maps", *["a.png"] * 25], "maps takes at most 24 images; got 25. Name some"),
        (["lpsc_tiny_cifar10", "turning"], "Which image? zoo plot lpsc_tiny_cifar10 turning photo.png"),
        (["lpsc_tiny_cifar10", "pruned"], "has no pruned connection"),
    ],
)
def test_refusals(
    zoo_command: Callable[..., Any], words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    done = zoo_command("plot", *words)
    assert done.code == 2 and message in done.err


def test_maps_of_a_folder(zoo_command: Callable[..., Any], root: Path, tmp_path: Path) -> None:
    photos = root / "examples" / "images" / "photos"
    done = zoo_command("plot", "scene_tiny_scene15", "maps", photos, "--out", tmp_path / "a.png")
    assert done.code == 0, done.err
    one = zoo_command("plot", "scene_tiny_scene15", "maps", next(photos.glob("*.jpg")), "--out", tmp_path / "b.png")
    assert one.code == 0, one.err
    wide, narrow = (Image.open(tmp_path / name).size[0] for name in ("a.png", "b.png"))
    assert wide > narrow  # all five stand side by side


def test_of_many_pictures_some_of_each_folder_are_drawn() -> None:
    found = [Path(folder, f"{number:02}.png") for folder, count in (("a", 3), ("b", 40)) for number in range(count)]
    shown = _spread(found)
    assert len(shown) == 24 and shown[:3] == found[:3]
    assert [path.stem for path in shown[3:6]] == ["00", "01", "03"] and shown[-1].stem == "38"
    assert _spread(found[:3]) == found[:3]


def test_a_folder_of_many_pictures_is_said_to_be_shown_in_part(
    zoo_command: Callable[..., Any], root: Path, tmp_path: Path
) -> None:
    picture = Image.open(next((root / "examples" / "images" / "photos").glob("*.jpg"))).resize((8, 8))
    for name in ("a", "b"):
        (tmp_path / "many" / name).mkdir(parents=True)
        for number in range(13):
            picture.save(tmp_path / "many" / name / f"{number}.png")
    done = zoo_command("plot", "scene_tiny_scene15", "maps", tmp_path / "many", "--out", tmp_path / "a.png")
    assert done.code == 0 and "24 of 26 images" in done.err and "spread over its 2 folders" in done.err


def test_curves_of_a_run(zoo_command: Callable[..., Any], tmp_path: Path, bars: str) -> None:
    rows = "epoch,loss,accuracy,val_loss,val_accuracy\n0,1.0,0.5,1.1,0.4\n1,0.5,0.75,0.9,0.6\n"
    run = tmp_path / "run"
    zoo.save(zoo.load(bars), run)
    (run / "head").mkdir()
    for part in (run, run / "head"):
        (part / "history.csv").write_text(rows)
    done = zoo_command("plot", run, "curves", "--out", tmp_path / "a.svg")
    assert done.code == 0, done.err
    found, marks = read_epochs(run)
    assert [row["epoch"] for row in found] == [0, 1, 2, 3] and marks == {"then all layers": 2}
    (run / "history.csv").write_text(rows + "2,0.4\n")
    done = zoo_command("plot", run, "curves", "--out", tmp_path / "a.svg")
    assert done.code == 2 and "is not a readable history of a training run" in done.err


def test_every_kind_is_in_the_help(zoo_command: Callable[..., Any]) -> None:
    done = zoo_command("plot", "--help")
    assert all(f"  {kind} " in done.out for kind in KINDS)
