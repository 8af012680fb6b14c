"""What can be said about the text of the project without running it, and about the names inside its models."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import keras
import pytest

from zoo.testing.family_contract import automatic_names, training_by_default

pytestmark = pytest.mark.once


FOLDERS = ("zoo", "tests", "docs", "examples", "benchmarks", "weights", ".ci")
SUFFIXES = {".py", ".md", ".cfg", ".toml", ".yml", ".json", ".txt", ""}
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
# In pieces, so that this file does not contain what it forbids.
FORBIDDEN = {
    "an unfinished spot": r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b",
    "a path of somebody's machine": r"(?<![\w.~/])/(?:work|root|home|Users|mnt)/" + r"\w",
    "a merge mark": r"^(?:<{7}|>{7}|={7})(?: |$)",
}


def text_files(root: Path) -> Iterator[tuple[str, str]]:
    tops = [path for path in root.iterdir() if path.is_file()]
    inside = [path for folder in FOLDERS for path in (root / folder).rglob("*") if path.is_file()]
    for path in sorted(tops + inside):
        name = path.relative_to(root).as_posix()
        if path.suffix in SUFFIXES and "__pycache__" not in name and path.name not in {".git", ".coverage"}:
            yield name, path.read_text("utf-8")


def find_forbidden(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        yield from ((number, what) for what, pattern in FORBIDDEN.items() if re.search(pattern, line))


def test_no_forbidden_words(root: Path) -> None:
    faults = [f"{name}:{line}: {what}" for name, text in text_files(root) for line, what in find_forbidden(text)]
    assert not faults, "\n" + "\n".join(faults)


@pytest.mark.parametrize("text", ["# TO" + "DO later", 'open("/ro' + 'ot/data")', "<<<<" + "<<< HEAD"])
def test_forbidden_words_are_found(text: str) -> None:
    assert [line for line, _ in find_forbidden(f"first\n{text}")] == [2]


def test_files_are_short(root: Path) -> None:
    sizes = {name: text.count("\n") for name, text in text_files(root) if name.endswith(".py")}
    long = [f"{name}: {size} lines" for name, size in sizes.items() if size > MAX_FILE_LINES]
    assert not long, f"at most {MAX_FILE_LINES} lines a file:\n" + "\n".join(long)


def test_functions_are_short(root: Path) -> None:
    long = []
    for name, text in text_files(root):
        if name.startswith("zoo/") and name.endswith(".py"):
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef) and code_lines(node) > MAX_FUNCTION_LINES:
                    long.append(f"{name}:{node.lineno}: {node.name} has {code_lines(node)} lines")
    assert not long, f"at most {MAX_FUNCTION_LINES} lines a function:\n" + "\n".join(long)


def code_lines(function: ast.FunctionDef) -> int:
    """Lines of a function without its docstring: explaining much should cost nothing."""
    first = function.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def test_layers_that_train_by_default_are_found() -> None:
    inputs = keras.Input((4, 4, 3), name="image")
    outputs = keras.layers.Resizing(8, 8, name="resize")(inputs)
    assert training_by_default(keras.Model(inputs, outputs, name="m")) == ["resize"]


def test_automatic_names_are_found() -> None:
    inputs = keras.Input((4, 4, 1), name="image")
    x = keras.layers.Conv2D(2, 3)(inputs)
    x = keras.layers.Flatten(name="flat")(x)
    (name,) = automatic_names(keras.Model(inputs, x, name="m"))
    assert name.startswith("conv2d")
