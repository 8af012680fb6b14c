"""Every `>>>` example in a docstring of zoo runs and prints what it says."""

from __future__ import annotations

import doctest
import importlib
import os
import re
import types
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class ShapeChecker(doctest.OutputChecker):
    """Takes the shape of a TensorFlow or torch tensor for the tuple that the example shows."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        def as_tuple(match: re.Match[str]) -> str:
            return str(tuple(None if side == "None" else int(side) for side in match[1].split(", ") if side))

        plain = re.sub(r"(?:TensorShape|torch\.Size)\(\[(.*?)\]\)", as_tuple, got)
        return super().check_output(want, plain, optionflags)


def modules_with_examples() -> list[str]:
    """Modules that can be imported without an extra."""
    names = []
    for path in sorted((ROOT / "zoo").rglob("*.py")):
        if ">>>" in path.read_text("utf-8") and "builders" not in path.parts:
            names.append(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    return names


def run_examples(module: types.ModuleType) -> doctest.TestResults:
    runner = doctest.DocTestRunner(checker=ShapeChecker(), optionflags=FLAGS)
    for example in doctest.DocTestFinder(exclude_empty=True).find(module):
        runner.run(example)
    return runner.summarize()


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Examples name the shipped images by their path in the checkout, and may write files.
    for folder in ("examples", "tests"):
        if (ROOT / folder).is_dir():
            os.symlink(ROOT / folder, tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    assert run_examples(module).failed == 0, capsys.readouterr().out


def test_a_wrong_example_is_found() -> None:
    module = types.ModuleType("made_up")
    module.__doc__ = ">>> 1 + 1\n3\n"
    assert run_examples(module).failed == 1


@pytest.mark.parametrize("got", ["TensorShape([2, None])", "torch.Size([2, None])", "(2, None)"])
def test_shapes_of_every_backend(got: str) -> None:
    assert ShapeChecker().check_output("(2, None)\n", got + "\n", FLAGS)
    assert not ShapeChecker().check_output("(3, None)\n", got + "\n", FLAGS)
