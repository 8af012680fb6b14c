"""The reference: a page for each public name, under the path that users write, and one for the command line.

Names come from `__all__` and the stubs, docstrings from the sources: nothing of zoo is imported but its command line,
which loads no backend. A name that becomes public gets its page by itself.
"""

from __future__ import annotations

import argparse
import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
MODULES = (
    "layers",
    "losses",
    "optimizers",
    "models",
    "datasets",
    "training",
    "evaluation",
    "compression",
    "visual",
    "math",
    "hub",
    "serving",
    "testing",
)
"""Sub-packages in the order of the reference; those that are no public name of zoo are left out."""

_BEHIND = "search: {boost: 0.5}\n"
"""Who searches for a task finds its guide before the names that it uses."""


def public_names() -> dict[str, list[str]]:
    """The public names by module, `"zoo"` first; modules themselves and `__version__` left out."""
    package = _package()
    modules = [name for name in MODULES if name in package.exports and _is_module(package[name])]
    modules += sorted(name for name in package.exports if _is_module(package[name]) and name not in modules)
    top = [name for name in package.exports if name not in modules and name != "__version__"]
    names = {"zoo": sorted(top)}
    for module in modules:
        exported = package[module].exports or []
        names[f"zoo.{module}"] = [name for name in exported if not _is_module(package[module][name])]
    return {module: found for module, found in names.items() if found}


@functools.cache
def _package() -> Any:
    import griffe

    return griffe.load("zoo", search_paths=[ROOT], resolve_aliases=True)


def _is_module(found: Any) -> bool:
    return bool(getattr(found, "is_module", False))


def _summary(path: str) -> str:
    """The first sentence of a docstring, on one line."""
    found = _package()[path.removeprefix("zoo.")] if path != "zoo" else _package()
    text = (found.docstring.value if found.docstring else "").strip().split("\n\n")[0]
    return " ".join(text.split()).replace("|", "\\|")


def name_page(path: str) -> str:
    """The page of one public name."""
    return (
        f"---\ntitle: {path}\nhide: [navigation]\n{_BEHIND}---\n\n"
        f"::: {path}\n    options:\n      heading: {path}\n      heading_level: 1\n\n"
        f"[All public names](index.md)\n"
    )


def index_page(names: dict[str, list[str]]) -> str:
    """The list of all public names with their first sentences."""
    parts = ["# Reference", "Every public name under the path that you write. See also the [command line](cli.md)."]
    for module, found in names.items():
        parts.append(f"## {module}")
        if module != "zoo":
            parts.append(_summary(module))
        rows = ["| Name | What it is |", "| --- | --- |"]
        rows += [f"| [`{name}`]({module}.{name}.md) | {_summary(f'{module}.{name}')} |" for name in found]
        parts.append("\n".join(rows))
    return "\n\n".join(parts) + "\n"


def command_page() -> str:
    """The help texts of the command line."""
    os.environ["COLUMNS"] = "100"
    from zoo.cli.app import make_parser

    parts = [f"---\n{_BEHIND}---\n\n# Command line", "What `zoo --help` and the help of each command print."]
    for title, parser in _parsers(make_parser(), "zoo"):
        parts += [f"## {title}", f"```text\n{parser.format_help()}```"]
    return "\n\n".join(parts) + "\n"


def _parsers(parser: argparse.ArgumentParser, title: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    yield title, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield from _parsers(inner, f"{title} {name}")


def on_files(files: Any, config: Any) -> Any:
    """Adds the pages; MkDocs calls this once a build."""
    from mkdocs.structure.files import File

    names = public_names()
    pages = {"reference/index.md": index_page(names), "reference/cli.md": command_page()}
    for module, found in names.items():
        pages |= {f"reference/{module}.{name}.md": name_page(f"{module}.{name}") for name in found}
    for uri, content in pages.items():
        files.append(File.generated(config, uri, content=content))
    return files
