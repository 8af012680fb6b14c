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
        table = output.table("model", "weights", "parameters", "result", "summary", right=("parameters",))
        for card in cards:
            result = output.metric_text(card.metrics[0]) if card.metrics else "-"
            cells = (card.name, card.tag or "-", f"{card.architecture['parameters']:,}", result, card.summary)
            table.add_row(*map(Text, cells))
        output.show(table)
    for fault in damaged:
        output.note(fault)
    return 1 if damaged else 0


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
