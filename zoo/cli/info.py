"""`zoo info`: a model's card and recipe."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from rich.text import Text

import zoo
from zoo.cli import output

_ALWAYS = {"dataset", "epochs", "batch_size", "optimizer", "learning_rate", "schedule", "weight_decay", "selection"}


def register(commands: Any) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser("info", help="show a model's card", description="Show what is known about a model.")
    output.add_name(parser)
    output.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints the card."""
    card = zoo.card(options.name)
    recipe = _find_recipe(card)
    if options.json:
        output.print_json(card.to_dict() | {"recipe": recipe and zoo.training.recipe_facts(recipe)})
        return 0
    output.show(output.facts(_facts(card, options.name)))
    if recipe:
        output.show(_recipe(recipe, said=set() if not (card.training or {}).get("selection") else {"selection"}))
    if card.metrics:
        output.show(_metrics(card))
    if card.files:
        output.show(_files(card))
    return 0


def _find_recipe(card: Any) -> Any:
    """The recipe that the weights were trained by, else the one that `zoo train` would take, else None."""
    if card.recipe:
        return zoo.training.Recipe.from_dict(card.recipe)
    if card.is_own:
        return None  # of a folder nobody knows how it was trained, and the registered recipe is another model's
    try:
        return zoo.hub.find_recipe(card.name)
    except ValueError:
        return None


def _facts(card: Any, name: str) -> dict[str, Any]:
    architecture, dataset, training = card.architecture, card.dataset or {}, card.training or {}
    config = architecture["config"]
    versions = ", ".join(f"{name} {version}" for name, version in training.get("versions", {}).items())
    macs = architecture.get("macs")
    whose = "architecture's " if card.is_own else ""
    return {
        "model": name if card.is_own else card.full_name if card.tag else f"{card.name} (no published weights)",
        "summary": card.summary,
        "architecture": card.is_own and card.name,
        "task": card.task,
        "input": _input(config.get("input_shape"), card.task),
        "expects": card.expects and card.expects["note"],
        "classes": f"{len(card.labels)}: {_shortened(card.labels)}",
        "parameters": f"{architecture['parameters']:,}",
        "multiply-adds": macs and f"{macs:,} ({architecture.get('flops_convention') or 'one input'})",
        "data": dataset and f"{dataset['name']}, {dataset['split']}. {dataset['note']}",
        "data licence": dataset.get("license"),
        "symmetry": _pairs(card.symmetry),
        "training": training
        and f"seed {training['seed']}, {training['minutes']:g} minutes, {training['hardware']}, {training['date']}",
        "selection": training.get("selection"),
        "converted": _pairs(card.source),
        "versions": versions,
        f"{whose}deviations": "\n".join(f"- {line}" for line in card.deviations),
        "weights licence": card.license,
        f"{whose}paper": card.citation,
    }


def _input(shape: list[int | None] | None, task: str) -> str | None:
    """The size of what goes in, in the words of the task; None where the configuration does not have it."""
    if shape is None:
        return None
    sides = ["any" if side is None else str(side) for side in shape]
    if task.startswith("node-"):
        nodes = "any number of nodes" if shape[0] is None else f"{shape[0]} nodes"
        return f"graph: {nodes} x {sides[1]} features, edges"
    if task.startswith("point-cloud-"):
        points = "any number of points" if shape[0] is None else f"{shape[0]} points"
        return f"point cloud: {points} x {sides[1]} coordinates, edges"
    return "x".join(sides) + ", pixels 0..255"


def _shortened(labels: tuple[str, ...]) -> str:
    return ", ".join(labels[:12]) + (", ..." if len(labels) > 12 else "")


def _pairs(values: dict[str, Any] | None) -> str:
    kept = {name: value for name, value in (values or {}).items() if value not in (None, [], ())}
    return ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in kept.items()
    )


def _recipe(recipe: Any, *, said: set[str]) -> Any:
    """What matters in every recipe, and whatever is not as usual; not again what is `said` above."""
    table = output.table("recipe", "value")
    usual = {field.name: field.default for field in dataclasses.fields(recipe)}
    for name, value in zoo.training.recipe_facts(recipe).items():
        if (
            value is not None
            and name not in said
            and (name in _ALWAYS or (value != usual[name] and value not in ({}, ())))
        ):
            words = _pairs(value) if isinstance(value, dict) else value
            words = ", ".join(map(str, words)) if isinstance(words, tuple) else words
            table.add_row(name, Text(str(words)))
    return table


def _metrics(card: Any) -> Any:
    table = output.table("measured", "split", "value", "paper", "command")
    for metric in card.metrics:
        paper = "-" if metric["paper_value"] is None else f"{metric['paper_value']:g}"
        if metric["paper_note"]:
            paper += f" ({metric['paper_note']})"
        cells = (metric["name"], metric["split"], card.measured(metric), paper, metric["command"])
        table.add_row(*map(Text, cells))
    return table


def _files(card: Any) -> Any:
    table = output.table("file", "bytes", "sha256", right=("bytes",))
    for name, known in card.files.items():
        table.add_row(Text(name), f"{known.size:,}", known.sha256)
    return table
