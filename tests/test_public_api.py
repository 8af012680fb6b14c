"""The public names, exactly, and what each owes its reader."""

from __future__ import annotations

import importlib.util
import inspect
import re
import types
from pathlib import Path

import pytest

import zoo

pytestmark = pytest.mark.once


FUNCTIONS = {
    "build",
    "card",
    "convert",
    "decode",
    "evaluate",
    "export",
    "features",
    "finetune",
    "fold",
    "freeze",
    "list_models",
    "load",
    "predict",
    "predict_files",
    "publish",
    "push",
    "register_augmentation",
    "register_dataset",
    "register_family",
    "register_preset",
    "reset_head",
    "save",
    "serve",
    "train",
    "verify",
}
MODULES = {
    *("compression", "datasets", "evaluation", "hub", "layers", "losses"),
    *("math", "models", "optimizers", "serving", "testing", "training", "visual"),
}
OTHERS = {"__version__"}


def public_names() -> set[str]:
    return set(zoo.__all__)


def test_the_list_is_exact() -> None:
    expected = FUNCTIONS | MODULES | OTHERS
    assert public_names() == expected, (
        f"missing: {sorted(expected - public_names())}; not announced: {sorted(public_names() - expected)}. "
        "A change of the public names goes into this test, CHANGELOG.md and a group of docs/hooks/reference.toml."
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
    """The site makes a page for each public name; it reads the sources, so it is compared with what Python sees."""
    spec = importlib.util.spec_from_file_location("docs_reference", root / "docs" / "hooks" / "reference.py")
    assert spec and spec.loader
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    found = reference.public_names()
    assert set(found["zoo"]) == FUNCTIONS
    for module in sorted(MODULES - {"models"}):
        public = getattr(zoo, module)
        names = {name for name in public.__all__ if not isinstance(getattr(public, name), types.ModuleType)}
        assert set(found[f"zoo.{module}"]) == names, f"zoo.{module}"


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


def test_names_in_the_docs_are_there(root: Path) -> None:
    """What README and docs call, `zoo.x.y(...)`, is there under that path."""
    missing = set()
    for page in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        for path in set(re.findall(r"(?<![\w/.-])zoo((?:\.[A-Za-z]\w*)+)(?=\()", page.read_text("utf-8"))):
            found: object = zoo
            for name in path.removeprefix(".").split("."):
                found = getattr(found, name, None)
            if found is None:
                missing.add(f"{page.name}: zoo{path}")
    assert not missing, sorted(missing)


def test_a_misspelt_name():
    with pytest.raises(AttributeError, match="zoo has no 'predct'. Did you mean 'predict'?"):
        zoo.predct  # noqa: B018
    with pytest.raises(AttributeError):
        zoo.nothing_like_it  # noqa: B018
