"""The reference: a page for each public name, under the path that users write, and one for the command line.

Names come from `__all__` and the stubs, docstrings from the sources: nothing of zoo is imported but its command line,
which loads no backend. A name that becomes public gets its page by itself, and stands in a group of `reference.toml`.
"""

from __future__ import annotations

import argparse
import fnmatch
import functools
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
GROUPS = Path(__file__).with_name("reference.toml")
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
_HIDDEN = "search: {exclude: true}\n"


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


def name_page(path: str, *, again: bool = False) -> str:
    """The page of one public name; the search leaves out what is found under a shorter one."""
    return (
        f"---\ntitle: {path}\n{_HIDDEN if again else _BEHIND}---\n\n"
        f"::: {path}\n    options:\n      heading: {path}\n      heading_level: 1\n\n"
        f"[All public names](index.md){{ data-search-exclude }}\n"
    )


def groups() -> list[dict[str, Any]]:
    """The groups by what a person does, as they are written down: title, sentence, names and patterns."""
    return list(tomllib.loads(GROUPS.read_text("utf-8"))["group"])


def grouped(names: dict[str, list[str]]) -> tuple[dict[str, list[str]], list[str]]:
    """Paths by the title of their group, and those that are a module's name for what is public in zoo itself.

    A path that is named belongs where it is named, any other to the first pattern that it fits.
    """
    first = {_target(f"zoo.{name}") for name in names["zoo"]}
    paths = [f"{module}.{name}" for module, found in names.items() for name in found]
    again = [path for path in paths if path.count(".") > 1 and _target(path) in first]
    left = [path for path in paths if path not in again]
    entries = [(group["title"], name) for group in groups() for name in group["names"]]
    fits: dict[tuple[str, str], list[str]] = {}
    for entry in sorted(entries, key=lambda entry: "*" in entry[1]):
        fits[entry] = [path for path in left if fnmatch.fnmatchcase(path, entry[1])]
        left = [path for path in left if path not in fits[entry]]
    found: dict[str, list[str]] = {title: [] for title, _ in entries}
    for entry in entries:
        found[entry[0]] += sorted(fits[entry], key=lambda path: path.rpartition(".")[2].isupper())  # constants last
    return found | ({"More": left} if left else {}), again


def _target(path: str) -> str:
    """Where a name is defined."""
    found = _package()[path.removeprefix("zoo.")]
    return str(found.final_target.path if found.is_alias else found.path)


def index_page(names: dict[str, list[str]]) -> str:
    """All public names with their first sentences, by what a person does with them."""
    sentences = {group["title"]: group["says"].strip() for group in groups()}
    found, again = grouped(names)
    parts = [
        "# Reference",
        "Every public name under the path that you write, by what you do with it. "
        "The same from a shell: the [command line](cli.md).",
    ]
    for title, paths in found.items():
        rows = ["| Name | What it is |", "| --- | --- |"]
        rows += [f"| {_link(path)} | {_summary(path)} |" for path in paths]
        parts += [f"## {title}", sentences.get(title, ""), "\n".join(rows)]
    if again:
        said = "The modules that define what stands in `zoo` itself have it under their own names too."
        parts += ["## The same under other names", f"{said} {', '.join(_link(path) for path in again)}."]
    return "\n\n".join(part for part in parts if part) + "\n"


def _link(path: str) -> str:
    """A link whose name may break after a dot or an underscore, and nowhere else."""
    return f"[<code>{path.replace('.', '.<wbr>').replace('_', '_<wbr>')}</code>]({path}.md)"


def navigation(names: dict[str, list[str]]) -> list[dict[str, Any]]:
    """The groups as a part of the navigation, of which one is open; a name stands there without its module."""
    found, _ = grouped(names)
    pages = {
        title: [{path.rpartition(".")[2]: f"reference/{path}.md"} for path in paths] for title, paths in found.items()
    }
    return [{"Names": [{title: inside} for title, inside in pages.items()]}]


def command_page() -> str:
    """The help texts of the command line."""
    os.environ["COLUMNS"] = "88"
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


def on_config(config: Any) -> Any:
    """Adds the groups to the navigation, beside the pages that mkdocs.yml names."""
    section = next(section["Reference"] for section in config.nav if "Reference" in section)
    section += navigation(public_names())
    return config


def on_files(files: Any, config: Any) -> Any:
    """Adds the pages; MkDocs calls this once a build."""
    from mkdocs.structure.files import File

    names = public_names()
    _, again = grouped(names)
    pages = {"reference/index.md": index_page(names), "reference/cli.md": command_page()}
    for path in (f"{module}.{name}" for module, found in names.items() for name in found):
        pages[f"reference/{path}.md"] = name_page(path, again=path in again)
    for uri, content in pages.items():
        files.append(File.generated(config, uri, content=content))
    return files
