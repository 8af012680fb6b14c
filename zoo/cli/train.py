"""`zoo train`: train a model by a recipe."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import zoo
from zoo.cli import options as common
from zoo.cli import output


def register(commands: Any) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser("train", help="train a model", description="Train a model by a recipe.")
    output.add_name(parser, "registered model, or the .keras file of one of your own")
    common.add_recipe(parser, default="the model's own")
    parser.add_argument(
        "--out", metavar="FOLDER", help="folder of the run (default: runs/NAME-seedSEED, or NAME-RECIPE-seedSEED)"
    )
    parser.add_argument(
        "--data",
        metavar="DATA",
        help="folder with the data sets (default: ZOO_DATA), the name of another data set, a folder of pictures "
        "CLASS/PICTURE, a .csv or .parquet table, or an .npz graph",
    )
    common.add_prepare(parser)
    parser.add_argument("--start", metavar="WEIGHTS", help="begin with these: a folder, or a model that has weights")
    common.add_run(parser)
    parser.add_argument(
        "--linear-scaling", action="store_true", help="batch size and learning rate times the number of replicas"
    )
    parser.add_argument(
        "--precision",
        default="float32",
        choices=("float32", "mixed_bfloat16", "mixed_float16"),
        help="of the computation; weights are float32 (default: %(default)s)",
    )
    parser.add_argument(
        "--steps-per-execution", type=int, default=1, metavar="N", help="steps in one compiled call (default: 1)"
    )
    parser.add_argument("--publish", metavar="TAG", help="store the trained weights under this tag, as v1")
    output.add_json(parser)
    parser.set_defaults(run=run, check=check)


def check(options: argparse.Namespace) -> None:
    """What is wrong with recipe, numbers and folders, before a backend is loaded."""
    options.dataset = common.check_recipe(options).dataset
    settings = common.run_options(options) | {"precision": options.precision, "publish": options.publish}
    zoo.training.RunSettings(**settings, steps_per_execution=options.steps_per_execution)
    zoo.training.check_folder(_out(options))
    if options.start is not None and not options.start.endswith(".keras"):
        zoo.card(options.start)


def _out(options: argparse.Namespace) -> Path:
    words = [Path(word).stem for word in (options.name, options.recipe) if word]
    return Path(options.out or f"runs/{'-'.join([*words, f'seed{options.seed}'])}")


def run(options: argparse.Namespace) -> int:
    """Trains, and publishes the run when asked to."""
    out, recipe = _out(options), common.chosen_recipe(options)
    common.with_data(
        options,
        lambda: zoo.train(
            options.name,
            out=out,
            recipe=recipe,
            data=options.data,
            start=options.start,
            linear_scaling=options.linear_scaling,
            precision=options.precision,
            publish=options.publish,
            steps_per_execution=options.steps_per_execution,
            **common.run_options(options),
        ),
        dataset=options.dataset,
    )
    published = f"{options.name}.{options.publish}" if options.publish else None
    if options.json:
        output.print_json({"name": options.name, "seed": options.seed, "run": out, "published": published})
    else:
        output.show(output.facts({"run": out, "published": published}))
    return 0
