"""The public names, exactly, and what each owes its reader."""

from __future__ import annotations

import inspect
import re
import types
from pathlib import Path

import pytest

import zoo

FUNCTIONS = {
    "build",
    "card",
    "decode",
    "evaluate",
    "export",
    "features",
    "fold",
    "list_models",
    "load",
    "predict",
    "predict_files",
    "publish",
    "save",
    "serve",
    "train",
    "verify",
}
MODULES = {"compression", "datasets", "evaluation", "layers", "losses", "serving", "testing", "visual"}
OTHERS = {"__version__"}


def public_names() -> set[str]:
    return set(zoo.__all__)


def test_the_list_is_exact() -> None:
    expected = FUNCTIONS | MODULES | OTHERS
    assert public_names() == expected, (
        f"missing: {sorted(expected - public_names())}; not announced: {sorted(public_names() - expected)}. "
        "A change of the public names goes into this test, CHANGELOG.md and docs/reference.md."
    )


def test_modules_are_modules() -> None:
    assert [name for name in sorted(MODULES) if not isinstance(getattr(zoo, name), types.ModuleType)] == []


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_functions_are_typed_and_documented(name: str) -> None:
    check_function(getattr(zoo, name), name)


@pytest.mark.parametrize("name", sorted(set(zoo.layers.__all__)))
def test_layers_are_documented(name: str) -> None:
    layer = getattr(zoo.layers, name)
    documentation = inspect.getdoc(layer) or ""
    assert ">>>" in documentation, f"zoo.layers.{name}: the docstring needs an example that runs (>>>)"
    assert "Args:" in documentation, f"zoo.layers.{name}: the docstring needs its arguments (Args:)"
    assert layer.__init__.__annotations__, f"zoo.layers.{name}: the arguments need types"


def test_the_reference_is_complete(root: Path) -> None:
    functions = (root / "docs/reference/functions.md").read_text("utf-8")
    layers = (root / "docs/reference/layers.md").read_text("utf-8")
    lacking = [name for name in sorted(FUNCTIONS) if not re.search(rf"^::: zoo\..*\.{name}$", functions, re.MULTILINE)]
    lacking += [name for name in zoo.layers.__all__ if f"::: zoo.layers.{name}\n" not in layers]
    assert not lacking, f"docs/reference lacks {lacking}"


def check_function(function: types.FunctionType, name: str) -> None:
    documentation = inspect.getdoc(function) or ""
    assert ">>>" in documentation, f"zoo.{name}: the docstring needs an example that runs (>>>)"
    signature = inspect.signature(function)
    untyped = [p.name for p in signature.parameters.values() if p.annotation is inspect.Parameter.empty]
    assert not untyped, f"zoo.{name}: these arguments have no type: {untyped}"
    assert signature.return_annotation is not inspect.Signature.empty, f"zoo.{name}: the result has no type"
    positional = [p for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert len(positional) <= 3, f"zoo.{name}: arguments after the first ones should be keyword-only"


def test_an_undocumented_function_is_found() -> None:
    def bare(x):  # type: ignore[no-untyped-def]
        return x

    with pytest.raises(AssertionError, match="needs an example"):
        check_function(bare, "bare")
    bare.__doc__ = ">>> bare(1)"
    with pytest.raises(AssertionError, match="no type"):
        check_function(bare, "bare")
