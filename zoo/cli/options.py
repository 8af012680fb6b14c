"""Options that several commands have in common."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zoo
from zoo import _writing
from zoo._suggestions import did_you_mean
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
    name = _registered(options.name)
    changed = zoo.training.resolve_recipe(name, options.recipe).changed(**changes)
    return zoo.training.resolve_recipe(name, changed)


def check_recipe(options: argparse.Namespace) -> Any:
    """The recipe that a command will take, where it makes none itself; what is wrong with it is said at once."""
    recipe = chosen_recipe(options)
    return zoo.training.resolve_recipe(_registered(options.name), recipe)


def _registered(name: str) -> str | None:
    """The registered model whose recipes a name may take."""
    if name.endswith(".keras"):
        return None
    known = zoo.card(name).name
    return known if known in zoo.list_models() else None


def add_overwrite(parser: argparse.ArgumentParser) -> None:
    """Gives a command that writes a model `--overwrite`."""
    parser.add_argument("--overwrite", action="store_true", help="also where there is a model of that name already")


def check_out(options: argparse.Namespace) -> None:
    """A model that is there already is not overwritten unasked, and that is said before anything slow begins."""
    out = Path(options.out)
    _writing.check_target(out.parent if out.is_file() else out, "the model")
    if (out.is_file() or (out / "card.json").exists()) and not options.overwrite:
        kind = "file" if out.is_file() else "folder"
        raise ValueError(f"{out} holds a model already: name another {kind}, or replace it with --overwrite")


def add_prepare(parser: argparse.ArgumentParser) -> None:
    """Gives a command `--prepare`."""
    parser.add_argument(
        "--prepare",
        action="store_true",
        help="get the data set if it is not there, as zoo data prepare does (on a terminal the command asks)",
    )


def with_data(
    options: argparse.Namespace,
    work: Callable[[], Any],
    *,
    dataset: str | zoo.hub.OwnData | None = None,
    own: bool = True,
) -> Any:
    """Does some work; where its data set is missing and the user wants it, gets the set and does it again.

    Args:
        options: of the command.
        work: to do, which loads a backend.
        dataset: that it reads where `--data` is no data of the user's own, or the user's own that `--data` has to
            name; None looks at nothing before the work.
        own: whether `--data` may be that.
    """

    def checked() -> Any:
        if isinstance(dataset, zoo.hub.OwnData):
            _check_own(options.data, dataset)
        elif dataset is not None or options.data is not None:
            zoo.datasets.check_place(options.data, dataset, own=own)
        return work()

    try:
        return checked()
    except zoo.datasets.MissingData as error:
        if not (options.prepare or _agrees(options, error)):
            raise
        zoo.datasets.prepare(error.name, data=error.root, progress=output.progress(options))
    return checked()


def _check_own(data: str | None, own: zoo.hub.OwnData) -> None:
    """Data to measure a model with that learned from data of the user's own: named, and there."""
    if data is None:
        raise ValueError(own.ask)
    if data not in zoo.datasets.list_datasets() and not Path(data).expanduser().exists():
        raise FileNotFoundError(f"No such folder or file: {data}. {own.ask}")
    try:
        zoo.datasets.check_place(data)
    except ValueError as error:
        raise ValueError(f"{error}\n{own.ask}") from error


def dataset_of(name: str) -> str | zoo.hub.OwnData | None:
    """The data that a model learned from: a data set, as a rule that which it is registered for, or the user's own."""
    found = zoo.hub.learned_from(name)
    if isinstance(found, zoo.hub.OwnData) or found in zoo.datasets.list_datasets():
        return found
    known = _registered(name)
    return None if known is None else zoo.hub.find_preset(known).dataset


_SPLITS = ("train", "validation", "test", "all")


def check_split(split: str | None) -> None:
    """A `ValueError` for the name of a split that no data has; those of graphs have a slash, of joined ones a plus."""
    if split is not None and split not in _SPLITS and not set("/+") & set(split):
        hint = did_you_mean(split, _SPLITS)
        raise ValueError(f"Unknown split {split!r}.{hint} Expected one of: {', '.join(_SPLITS)}.")


def _agrees(options: argparse.Namespace, error: zoo.datasets.MissingData) -> bool:
    if options.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(f"zoo: {error}\nGet it now? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def add_run(parser: argparse.ArgumentParser, *, epochs: str = "instead of the recipe's") -> None:
    """Gives a command the options of how a run is carried out."""
    parser.add_argument("--seed", type=int, default=0, help="fixes the run (default: %(default)s)")
    parser.add_argument("--epochs", type=int, metavar="N", help=epochs)
    parser.add_argument(
        "--strategy",
        default="auto",
        choices=zoo.training.strategies.NAMES,
        metavar="NAME",
        help=f"where it runs: {', '.join(zoo.training.strategies.NAMES)} (default: %(default)s)",
    )
    parser.add_argument("--no-xla", action="store_true", help="TensorFlow without XLA in any case")
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
