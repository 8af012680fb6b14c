"""Lets the reference show `Example:` sections as code: the parser of docstrings knows only `Examples:`."""

from __future__ import annotations

import re
from typing import Any

import griffe


class ExampleSections(griffe.Extension):
    """Renames the heading in what the parser sees; the sources keep it."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Handles one module, class, function or attribute."""
        if obj.docstring:
            obj.docstring.value = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)
