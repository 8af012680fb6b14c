"""Every example runs with `--smoke`, and the README of the examples names each."""

from __future__ import annotations

import importlib.util
import re
import runpy
import sys
import types
from pathlib import Path

import keras
import pytest

pytestmark = pytest.mark.once

SAYS = {
    "backends": "tensorflow: ",
    "batch": "path,label,probability,error",
    "convert_checkpoint": "variables filled",
    "layer_in_own_model": "a quarter turn changes the logits by",
    "on_device": "logits differ from Keras by",
    "own_folder": "set aside\ncircle/",
    "own_graph": "other nodes right",
    "prune_keras_application": "channels: 384 before, 192 after",
    "scene_maps": "of the pictures looked at",
    "turning": "a quarter turn changes a logit by",
}
"""What each prints. `finetune`, `log_polar` and `pruning` are tried by tests of their own subjects."""

LONG = {"own_folder", "on_device", "turning"}
"""Training or exporting in processes: minutes on a busy machine."""


def load_example(root: Path, name: str) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", root / "examples" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="once is enough")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.large) if name in LONG else name for name in sorted(SAYS)]
)
def test_it_runs(
    name: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if name == "on_device":
        pytest.importorskip("onnxruntime", reason="needs zoo[onnx]")
    monkeypatch.chdir(tmp_path)
    load_example(root, name).main(["--smoke"])
    said = capsys.readouterr()
    assert SAYS[name] in said.out
    assert said.err.splitlines()[0] == "smoke run: it shows that this works, and its numbers mean nothing"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("turning --data gone", "The data folder gone does not exist"),
        ("make_images --data gone", "The data folder gone does not exist"),
        ("log_polar --data gone", "The data folder gone does not exist"),
        ("turning --digit gone.png", "No such image file: gone.png"),
        ("scene_maps gone.jpg", "No such image file: gone.jpg"),
        ("own_folder gone", "No such folder or file: gone"),
        ("convert_checkpoint gone.pth", "gone.pth"),
        ("pruning --run gone", "No such folder: gone"),
        ("demo --model gone", "Unknown model 'gone'"),
        ("on_device --model gone", "Unknown model 'gone'"),
        ("batch gone", "2"),  # of argparse, which says it itself
    ],
)
def test_what_is_not_there_is_said_in_words(
    words: str, said: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, *arguments = words.split()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *arguments])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(root / "examples" / f"{name}.py"), run_name="__main__")
    assert said in str(end.value.code)
    assert not any(tmp_path.iterdir())


def test_the_readme_names_each(root: Path) -> None:
    text = (root / "examples" / "README.md").read_text("utf-8")
    named = set(re.findall(r"\((\w+)\.py\)", text))
    assert named == {path.stem for path in (root / "examples").glob("*.py")}


def test_each_says_how_it_is_called(root: Path) -> None:
    for path in (root / "examples").glob("*.py"):
        assert f"python examples/{path.name}" in path.read_text("utf-8"), path.name
