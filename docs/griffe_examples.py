"""Lets the reference show `Example:` sections as code, and the values of defaults that the sources give by name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import griffe


class ExampleSections(griffe.Extension):
    """Renames the heading in what the parser sees, which knows only `Examples:`; the sources keep it."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Handles one module, class, function or attribute."""
        if obj.docstring:
            obj.docstring.value = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)


class DefaultValues(griffe.Extension):
    """Shows `share=0.2` where a signature says `share=SHARE`: a reader of the reference has no other way to the value.

    Only numbers, words and tuples of them are shown; what else a name stands for keeps the name.
    """

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        """Handles the functions and the fields of classes of a package that has been read."""
        for found in _members(pkg):
            if isinstance(found, griffe.Function):
                for parameter in found.parameters:
                    parameter.default = _value(found, parameter.default)
            elif isinstance(found, griffe.Attribute) and found.parent is not None and found.parent.is_class:
                found.value = _value(found, found.value)

    on_package_loaded = on_package  # its name in griffe 1.5


def _members(found: griffe.Object) -> Iterator[griffe.Object]:
    """What modules and classes hold themselves, not what they import."""
    for member in found.members.values():
        if not member.is_alias:
            yield member
            if member.is_module or member.is_class:
                yield from _members(member)


def _value(found: griffe.Object, default: Any) -> Any:
    """The text of the value that a default names; the default itself if it names no plain value."""
    if not isinstance(default, griffe.ExprName) or not default.name.lstrip("_").isupper():
        return default
    try:
        named = found.modules_collection[default.canonical_path]
        text = str(named.final_target.value if named.is_alias else named.value)
        ast.literal_eval(text)
    except (KeyError, AttributeError, ValueError, SyntaxError, griffe.AliasResolutionError):
        return default
    return text
