"""Options that several commands have in common."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

import zoo
from zoo.cli import output


def add_recipe(parser: argparse.ArgumentParser, *, default: str) -> None:
    """Gives a command `--recipe` and `--set`."""
    parser.add_argument(
        "--recipe",
        metavar="NAME|FILE",
        help=f"a .yaml or .json file, another recipe of the model's, as faithful, or a model whose is wanted "
        f"(default: {default})",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="one field of the recipe, as learning_rate=0.01 or augmentation=[flip]; may be given several times",
    )


def chosen_recipe(options: argparse.Namespace) -> Any:
    """What `--recipe` and `--set` ask for: None, a name or file, or a recipe."""
    if not options.set:
        return options.recipe
    changes = zoo.training.parse_settings(options.set)
    name = options.name if options.name in zoo.list_models() else None
    changed = zoo.training.resolve_recipe(name, options.recipe).changed(**changes)
    return zoo.training.resolve_recipe(name, changed)


def add_prepare(parser: argparse.ArgumentParser) -> None:
    """Gives a command `--prepare`."""
    parser.add_argument(
        "--prepare",
        action="store_true",
        help="get the data set if it is not there, as zoo data prepare does (on a terminal the command asks)",
    )


def with_data(options: argparse.Namespace, work: Callable[[], Any]) -> Any:
    """Does some work; where its data set is missing and the user wants it, gets the set and does it again."""
    try:
        return work()
    except zoo.datasets.MissingData as error:
        if not (options.prepare or _agrees(options, error)):
            raise
        zoo.datasets.prepare(error.name, data=error.root, progress=output.progress(options))
    return work()


def _agrees(options: argparse.Namespace, error: zoo.datasets.MissingData) -> bool:
    if options.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(f"zoo: {error}\nGet it now? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def add_run(parser: argparse.ArgumentParser) -> None:
    """Gives a command the options of how a run is carried out."""
    parser.add_argument("--seed", type=int, default=0, help="fixes the run (default: %(default)s)")
    parser.add_argument("--epochs", type=int, metavar="N", help="instead of the recipe's")
    parser.add_argument(
        "--strategy",
        default="auto",
        metavar="NAME",
        help=f"where it runs: {', '.join(zoo.training.strategies.NAMES)} (default: %(default)s)",
    )
    parser.add_argument("--no-xla", action="store_true", help="TensorFlow without XLA: on CPUs often faster")
    parser.add_argument(
        "--checkpoint-steps", type=int, metavar="N", help="save after so many steps too, not only after each epoch"
    )
    parser.add_argument("--smoke", action="store_true", help="one epoch on a few images, to see that everything works")


def run_options(options: argparse.Namespace) -> dict[str, Any]:
    """What `add_run` has read, by the names of `zoo.training.RunSettings`."""
    return {
        "seed": options.seed,
        "epochs": options.epochs,
        "strategy": options.strategy,
        "xla": not options.no_xla,
        "checkpoint_steps": options.checkpoint_steps,
        "smoke": options.smoke,
        "progress": output.progress(options),
    }
