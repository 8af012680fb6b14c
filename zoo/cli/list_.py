"""`zoo list`: the registered models."""

from __future__ import annotations

import argparse
from typing import Any

from rich.text import Text

import zoo
from zoo.cli import output


def register(commands: Any) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser("list", help="list models", description="List the registered models.")
    parser.add_argument("pattern", nargs="?", default="*", metavar="PATTERN", help="wildcard over names, as 'e4net_*'")
    parser.add_argument("--task", help="only models for this task, as image-classification")
    parser.add_argument("--paper", help="only models of the paper with this key, as e4net")
    parser.add_argument("--pretrained", action="store_true", help="only models that have trained weights")
    output.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints one line a model."""
    pretrained = True if options.pretrained else None
    names = zoo.list_models(options.pattern, task=options.task, paper=options.paper, pretrained=pretrained)
    cards, damaged = _cards(names)
    if options.json:
        output.print_json([_row(card) for card in cards])
    elif not names:
        output.note(f"no model matches {options.pattern!r} and the filters; 'zoo list' shows all")
    else:
        output.show(_table(sorted(cards, key=lambda card: card.tag is None)), _counted(cards, options))
    for fault in damaged:
        output.note(fault)
    return 1 if damaged else 0


_SUMMARY = 30
"""Columns that a summary needs at least: it alone is broken into lines."""

_GAP = 3
"""Blanks between two columns of a table, and, less one, around all."""

_WANTED = ("model", "test error", "data", "parameters", "task", "weights, kB", "summary")
"""Columns in the order in which they get a place where a terminal is narrow."""


def _table(cards: list[Any]) -> Any:
    """The columns that fit whole; of the summary alone lines are broken."""
    rows = [_cells(card) for card in cards]
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]}
    widths["summary"] = _SUMMARY
    room, chosen = output.width() + 1, set[str]()
    for name in _WANTED:
        if widths[name] + _GAP <= room or not chosen:
            chosen.add(name)
            room -= widths[name] + _GAP
    columns = [name for name in widths if name in chosen]
    numbers = ("test error", "parameters", "weights, kB")
    table = output.table(*columns, right=numbers, whole=tuple(name for name in columns if name != "summary"))
    for row in rows:
        table.add_row(*(Text(row[name]) for name in columns))
    return table


def _cells(card: Any) -> dict[str, str]:
    errors = [one for one in card.metrics if (one["name"], one["split"]) == ("error", "test")]
    return {
        "model": card.full_name,
        "task": card.task.replace("-classification", "").replace("-", " "),
        "data": (card.dataset or {}).get("name") or "-",
        "test error": card.measured(errors[0], spread=False) if errors else "-",
        "parameters": f"{card.architecture['parameters']:,}",
        "weights, kB": f"{card.weights_size / 1000:,.0f}" if card.tag else "-",
        "summary": card.summary,
    }


def _counted(cards: list[Any], options: argparse.Namespace) -> str:
    trained = sum(card.tag is not None for card in cards)
    rest = (
        "" if options.pretrained or trained == len(cards) else "; the others are architectures to train or convert into"
    )
    return f"{trained} of {len(cards)} have weights{rest}"


def _cards(names: list[str]) -> tuple[list[Any], list[str]]:
    """The readable cards, and what is wrong with the others: one damaged file does not hide all models."""
    cards, damaged = [], []
    for name in names:
        try:
            cards.append(zoo.card(name))
        except (ValueError, OSError) as error:
            damaged.append(f"{name} is left out: {error}")
    return cards, damaged


def _row(card: Any) -> dict[str, Any]:
    return {
        "name": card.name,
        "tag": card.tag,
        "task": card.task,
        "paper": (card.paper or {}).get("key"),
        "parameters": card.architecture["parameters"],
        "summary": card.summary,
        "metrics": card.metrics,
        "recipe": _has_recipe(card.name),
    }


def _has_recipe(name: str) -> bool:
    try:
        zoo.hub.find_recipe(name)
    except ValueError:
        return False
    return True
