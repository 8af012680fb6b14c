"""`zoo verify`: check stored weights."""

from __future__ import annotations

import argparse
from typing import Any

from rich.text import Text

import zoo
from zoo.cli import output


def register(commands: Any) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "verify",
        help="check stored weights",
        description="Check cards, hashes, a strict load and the stored output of weights. Exit code 1 if any fails.",
    )
    parser.add_argument(
        "pattern", nargs="?", default="*", metavar="PATTERN", help="model, model.tag, wildcard, folder, hf://owner/name"
    )
    output.add_json(parser)
    parser.set_defaults(run=run, check=check)


def check(options: argparse.Namespace) -> None:
    """A misspelt model is said before a backend is loaded."""
    if not (set("*?[/.~") & set(options.pattern)):
        zoo.card(options.pattern)


def run(options: argparse.Namespace) -> int:
    """Prints a line for each set of weights; 1 unless there is one and all are well."""
    results = zoo.verify(options.pattern)
    good = bool(results) and all(result.ok for result in results)
    if options.json:
        output.print_json([{**vars(result), "ok": result.ok} for result in results])
    elif results:
        table = output.table("weights", "", "output error", "problems", right=("output error",))
        for result in results:
            error = "-" if result.golden_error is None else f"{result.golden_error:.1e}"
            mark = Text("ok", "green") if result.ok else Text("FAILED", "bold red")
            table.add_row(Text(result.name), mark, error, Text("\n".join(result.problems)))
        output.show(table)
    if not results:
        output.note(f"nothing was checked: no stored weights match {options.pattern!r}")
    return 0 if good else 1
