"""Recipes as files: YAML and JSON, read strictly."""

from __future__ import annotations

import functools
import json
import os
import re
from pathlib import Path
from typing import Any

from zoo._paths import expanded
from zoo.models.recipe import Recipe

SUFFIXES = (".yaml", ".yml", ".json")
"""How the names of recipe files end."""


def read_recipe(path: str | os.PathLike[str]) -> Recipe:
    r"""Reads a recipe from a YAML or JSON file.

    YAML is read by the rules of its version 1.2: `1e-3` is a number, `true` and `false` are the only words for yes and
    no, and a name that stands twice is an error.

    Args:
        path: a file whose name ends in `.yaml`, `.yml` or `.json`.

    Returns:
        The recipe; a field that the file does not name has its default.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: another suffix, a file that is no YAML or JSON (with the line), no mapping, an unknown field (with
            the nearest name), a missing one, or a value that cannot be meant.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "mine.yaml"
        >>> _ = path.write_text("epochs: 5\nbatch_size: 16\nlearning_rate: 1e-2\n")
        >>> read_recipe(path).learning_rate
        0.01
    """
    file = expanded(path)
    if file.suffix.lower() not in SUFFIXES:
        raise ValueError(f"Expected a recipe file ending in {', '.join(SUFFIXES)}; got {file}.")
    if not file.is_file():
        raise FileNotFoundError(f"No recipe file {file}. `zoo recipe NAME > {file.name}` writes one to begin with.")
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"The recipe file {file} is no UTF-8 text: {error}") from None
    values = _parse_json(text, file) if file.suffix.lower() == ".json" else parse_yaml(text, str(file))
    if not isinstance(values, dict):
        raise ValueError(f"Expected a field a line in {file}, as `epochs: 10`; got {_kind(values)}.")
    try:
        return Recipe.from_dict(values)
    except ValueError as error:
        raise ValueError(f"{file}{_place(text, values, error)}: {error}") from None


def _kind(value: Any) -> str:
    return "an empty file" if value is None else type(value).__name__


def _place(text: str, values: dict[str, Any], error: ValueError) -> str:
    """The line of the field that is wrong by itself; nothing where fields do not fit together."""
    reason = str(error).split(";")[0]
    for name, value in values.items():
        try:
            Recipe.from_dict({"epochs": 1, "batch_size": 1, name: value})
        except ValueError as alone:
            pattern = re.compile(rf"\s*[\"']?{re.escape(str(name))}[\"']?\s*:")
            line = next((number for number, row in enumerate(text.splitlines(), 1) if pattern.match(row)), None)
            if line is not None and str(alone).split(";")[0] == reason:
                return f", line {line}"
    return ""


def write_recipe(recipe: Recipe) -> str:
    """The text of a YAML file that `read_recipe` reads back.

    Args:
        recipe: what to write.

    Returns:
        A line a field.

    Example:
        >>> print(write_recipe(Recipe(epochs=5, batch_size=16))[:24])
        epochs: 5
        batch_size: 16
    """
    import yaml

    return yaml.safe_dump(recipe.to_dict(), sort_keys=False, default_flow_style=None, width=110, allow_unicode=True)


def parse_settings(words: list[str]) -> dict[str, Any]:
    """Fields of a recipe from words `name=value`, the values in YAML: `learning_rate=1e-2`, `augmentation=[flip]`.

    Args:
        words: as on the command line.

    Returns:
        Values by field.

    Raises:
        ValueError: a word without an equals sign, a name that stands twice, or a value that is no YAML.

    Example:
        >>> parse_settings(["learning_rate=1e-2", "augmentation=[flip]"])
        {'learning_rate': 0.01, 'augmentation': ['flip']}
    """
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.strip():
            raise ValueError(f"Expected FIELD=VALUE, such as learning_rate=0.01; got {word!r}.")
        if name.strip() in found:
            raise ValueError(f"The field {name.strip()!r} is set twice.")
        found[name.strip()] = parse_yaml(value, repr(word))
    return found


def parse_yaml(text: str, where: str) -> Any:
    """A YAML document's value; a `ValueError` says where the text is wrong."""
    import yaml

    try:
        return yaml.load(text, _loader())  # noqa: S506 (a subclass of the safe loader)
    except (RecursionError, ValueError, TypeError) as error:  # too deep; numbers and keys that Python refuses
        raise ValueError(f"{where}: no YAML that can be read: {error}.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
        place = f", line {mark.line + 1}" if mark else ""
        hint = " The line holds a tab: YAML takes spaces alone." if "\t" in line else ""
        raise ValueError(
            f"{where}{place}: no YAML that can be read: {getattr(error, 'problem', error)}.{hint}"
        ) from None


@functools.cache
def _loader() -> Any:
    """The safe loader with the words of YAML 1.2, which refuses two values under one name.

    By the rules of version 1.1, which PyYAML follows, `1e-3` is a text, `010` is 8 and `no` is false.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers: dict[str, Any] = {}

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            names = [self.construct_object(key, deep=True) for key, _ in getattr(node, "value", ())]
            twice = next((index for index, name in enumerate(names) if name in names[:index]), None)
            if twice is not None:
                mark = node.value[twice][0].start_mark
                raise yaml.constructor.ConstructorError(None, None, f"{names[twice]!r} stands twice", mark)
            return super().construct_mapping(node, deep)

    for tag, pattern, first in (
        ("null", r"~|null|", [*"~n", ""]),
        ("bool", r"true|false", [*"tf"]),
        ("int", r"[-+]?(0|[1-9][0-9]*)", [*"-+0123456789"]),
        ("float", r"[-+]?((\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)", [*"-+.0123456789"]),
    ):
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), first)
    return Loader


def _parse_json(text: str, file: Path) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        twice = next((name for index, name in enumerate(names) if name in names[:index]), None)
        if twice is not None:
            raise ValueError(f"{file}: {twice!r} stands twice.")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise ValueError(f"{file}, line {error.lineno}: no JSON that can be read: {error.msg}.") from None
    except RecursionError:
        raise ValueError(f"{file}: no JSON that can be read: too deep.") from None
