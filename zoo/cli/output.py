"""How commands print: rich tables for people, JSON for programs."""

from __future__ import annotations

import argparse
import json
import sys
from contextvars import ContextVar
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

import zoo

_WIDE = 160  # columns where nobody's terminal sets a limit


def add_json(parser: argparse.ArgumentParser) -> None:
    """Gives a command the options `--json` and `--quiet`."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    add_quiet(parser)


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Gives a command the option `--quiet`."""
    parser.add_argument("--quiet", "-q", action="store_true", help="the result and errors only: no progress, no notes")


def progress(options: argparse.Namespace) -> bool:
    """Whether a command may show how far it is."""
    return not (getattr(options, "json", False) or getattr(options, "quiet", False))


def add_name(
    parser: argparse.ArgumentParser, help: str = "model, model.tag, a folder such as ./run, or hf://owner/name"
) -> None:
    """Gives a command the argument NAME, which `main` checks before anything slow is loaded."""
    argument: Any = parser.add_argument("name", metavar="NAME", help=help)
    argument.completer = lambda **_: zoo.list_models()
    parser.set_defaults(checked_names="name")


def model_name(name: str) -> str:
    """What a command calls its model: a registered one with the tag of its weights, a folder as it was given."""
    card = zoo.card(name)
    return str(card.full_name) if card.tag else name


def print_json(value: Any) -> None:
    """Prints JSON to the standard output; what JSON lacks (paths) appears as text."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


quiet: ContextVar[bool] = ContextVar("quiet", default=False)
"""Whether the command that runs was told `--quiet`."""


def note(message: str) -> None:
    """Prints a line for the user that is not part of the result."""
    if not quiet.get():
        print(f"zoo: {message}", file=sys.stderr)


def show(*parts: Any) -> None:
    """Prints tables and text to the standard output, without reading `[...]` in text as markup."""
    console = Console() if sys.stdout.isatty() else Console(width=_WIDE)
    for part in parts:
        console.print(part, markup=False, highlight=False)


def table(*columns: str, right: tuple[str, ...] = (), title: str | None = None, whole: tuple[str, ...] = ()) -> Table:
    """An empty table; the columns named in `right` hold numbers, those in `whole` names that are copied."""
    made = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for column in columns:
        justify: Any = "right" if column in right else "left"
        made.add_column(column, justify=justify, overflow="fold", no_wrap=column in whole)
    return made


def width() -> int:
    """Columns that `show` has."""
    return Console().width if sys.stdout.isatty() else _WIDE


def facts(rows: dict[str, Any]) -> Table:
    """Two columns of names and values; empty values are left out."""
    made = Table(box=None, show_header=False, pad_edge=False)
    made.add_column(style="bold", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in rows.items():
        if value not in (None, "", (), [], {}):
            made.add_row(name, Text(str(value)))
    return made


def exit_code(errors: int, rows: int) -> int:
    """0 if every row has an answer, 1 if some hold an error instead, 2 if all do."""
    return 0 if not errors else 1 if errors < rows else 2
