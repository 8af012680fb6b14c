"""`zoo info`: a model's card."""

from __future__ import annotations

import argparse
from typing import Any

from rich.text import Text

import zoo
from zoo.cli import output


def register(commands: Any) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser("info", help="show a model's card", description="Show what is known about a model.")
    parser.add_argument("name", metavar="NAME", help="model, model.tag, or a folder such as ./run")
    output.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints the card."""
    card = zoo.card(options.name)
    if options.json:
        output.print_json(card.to_dict())
        return 0
    output.show(output.facts(_facts(card)))
    if card.metrics:
        output.show(_metrics(card))
    if card.files:
        output.show(_files(card))
    return 0


def _facts(card: Any) -> dict[str, Any]:
    architecture, dataset, training = card.architecture, card.dataset or {}, card.training or {}
    config = architecture["config"]
    versions = ", ".join(f"{name} {version}" for name, version in training.get("versions", {}).items())
    macs = architecture.get("macs")
    return {
        "model": f"{card.name}.{card.tag}" if card.tag else f"{card.name} (no published weights)",
        "summary": card.summary,
        "task": card.task,
        "input": "x".join("any" if side is None else str(side) for side in config["input_shape"]) + ", pixels 0..255",
        "classes": f"{len(card.labels)}: {_shortened(card.labels)}",
        "parameters": f"{architecture['parameters']:,}",
        "multiply-adds": macs and f"{macs:,} ({architecture.get('flops_convention') or 'one input'})",
        "data": dataset and f"{dataset['name']}, {dataset['split']}. {dataset['note']}",
        "data licence": dataset.get("license"),
        "symmetry": _pairs(card.symmetry),
        "recipe": _pairs(card.recipe),
        "training": training
        and f"seed {training['seed']}, {training['minutes']:g} minutes, {training['hardware']}, {training['date']}",
        "selection": training.get("selection"),
        "versions": versions,
        "deviations": "\n".join(f"- {line}" for line in card.deviations),
        "weights licence": card.license,
        "paper": card.citation,
    }


def _shortened(labels: tuple[str, ...]) -> str:
    return ", ".join(labels[:12]) + (", ..." if len(labels) > 12 else "")


def _pairs(values: dict[str, Any] | None) -> str:
    return ", ".join(f"{name} {value}" for name, value in (values or {}).items() if value not in (None, [], ()))


def _metrics(card: Any) -> Any:
    table = output.table("measured", "split", "value", "paper", "command")
    for metric in card.metrics:
        paper = "-" if metric["paper_value"] is None else f"{metric['paper_value']:g}"
        if metric["paper_note"]:
            paper += f" ({metric['paper_note']})"
        cells = (metric["name"], metric["split"], output.metric_text(metric), paper, metric["command"])
        table.add_row(*map(Text, cells))
    return table


def _files(card: Any) -> Any:
    table = output.table("file", "bytes", "sha256", right=("bytes",))
    for name, known in card.files.items():
        table.add_row(Text(name), f"{known.size:,}", known.sha256)
    return table
