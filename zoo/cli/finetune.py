"""`zoo finetune`: train a model further on data of one's own."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import zoo
from zoo.cli import options as common
from zoo.cli import output


def register(commands: Any) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "finetune",
        help="train a model further on your pictures or graph",
        description="Train a model further on a folder of pictures, a table of pictures, or a graph of your own.",
    )
    output.add_name(
        parser, "model that has weights, a folder of one, hf://owner/name, or the .keras file of one of your own"
    )
    parser.add_argument(
        "data",
        metavar="DATA",
        help="folder CLASS/PICTURE, or with train, val and perhaps test of this layout; a .csv or .parquet table with "
        "the columns path and label; or an .npz graph with x, edges and labels",
    )
    parser.add_argument("--out", metavar="RUN", help="folder of the run (default: runs/NAME-DATA)")
    common.add_recipe(parser, default="one made for the size of the data")
    parser.add_argument("--size", type=int, metavar="PIXELS", help="of the pictures (default: the model's)")
    parser.add_argument(
        "--share", type=float, default=0.2, help="part of each class that is set aside (default: %(default)s)"
    )
    parser.add_argument(
        "--unreadable",
        choices=("stop", "skip"),
        default="stop",
        help="what to do about pictures that cannot be read (default: %(default)s)",
    )
    common.add_run(parser, epochs="of all layers, instead of the recipe's; those of the head before are quick and stay")
    output.add_json(parser)
    parser.set_defaults(run=run, check=check)


def check(options: argparse.Namespace) -> None:
    """What is wrong with recipe, numbers and folders, before a backend is loaded."""
    if options.recipe:
        common.check_recipe(options)
    else:
        some = zoo.training.Recipe(epochs=1, batch_size=1)
        zoo.training.resolve_recipe(None, some.changed(**zoo.training.parse_settings(options.set)))
    if not 0 < options.share < 1:
        raise ValueError(f"Expected --share between 0 and 1; got {options.share:g}.")
    zoo.training.RunSettings(**common.run_options(options))
    zoo.datasets.check_place(options.data)
    zoo.training.check_folder(_out(options))


def _out(options: argparse.Namespace) -> Path:
    return Path(options.out or f"runs/{Path(options.name).stem}-{Path(options.data).stem}")


def run(options: argparse.Namespace) -> int:
    """Trains, and prints what came out."""
    started = time.monotonic()
    recipe = common.chosen_recipe(options) if options.recipe else zoo.training.parse_settings(options.set) or None
    folder = zoo.finetune(
        options.name,
        options.data,
        out=_out(options),
        recipe=recipe,
        size=options.size,
        share=options.share,
        unreadable=options.unreadable,
        **common.run_options(options),
    )
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    if options.json:
        output.print_json({"run": folder, **report})
        return 0
    rows = {
        "run": folder,
        "classes": ", ".join(report["classes"]),
        report["split"]: f"{report['correct']} of {report['examples']} right ({100 * report['accuracy']:.1f} %)",
        "time": f"{time.monotonic() - started:.0f} s",
        "pictures": "curves.png, confusion.png",
    }
    output.show(output.facts(rows))
    return 0
