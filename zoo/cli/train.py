"""`zoo train`: train a registered model by its recipe."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import zoo
from zoo.cli import output


def register(commands: Any) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser("train", help="train a model", description="Train a model by its recipe.")
    parser.add_argument("name", metavar="NAME", help="registered model")
    parser.add_argument("--recipe", metavar="NAME", help="another one than the model's own, as faithful")
    parser.add_argument("--seed", type=int, default=0, help="fixes the run (default: %(default)s)")
    parser.add_argument(
        "--out", metavar="FOLDER", help="folder of the run (default: runs/NAME-seedSEED, or NAME-RECIPE-seedSEED)"
    )
    parser.add_argument("--data", metavar="FOLDER", help="folder with the data sets (default: ZOO_DATA)")
    parser.add_argument("--start", metavar="WEIGHTS", help="begin with these: a folder, or a model that has weights")
    parser.add_argument("--epochs", type=int, metavar="N", help="instead of the recipe's")
    parser.add_argument(
        "--strategy",
        default="auto",
        metavar="NAME",
        help=f"where it runs: {', '.join(zoo.training.strategies.NAMES)} (default: %(default)s)",
    )
    parser.add_argument(
        "--linear-scaling", action="store_true", help="batch size and learning rate times the number of replicas"
    )
    parser.add_argument(
        "--precision",
        default="float32",
        choices=("float32", "mixed_bfloat16", "mixed_float16"),
        help="of the computation; weights are float32 (default: %(default)s)",
    )
    parser.add_argument("--no-xla", action="store_true", help="TensorFlow without XLA: on CPUs often faster")
    parser.add_argument(
        "--steps-per-execution", type=int, default=1, metavar="N", help="steps in one compiled call (default: 1)"
    )
    parser.add_argument(
        "--checkpoint-steps", type=int, metavar="N", help="save after so many steps too, not only after each epoch"
    )
    parser.add_argument("--smoke", action="store_true", help="one epoch on a few images, to see that everything works")
    parser.add_argument("--publish", metavar="TAG", help="store the trained weights under this tag, as v1")
    output.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Trains, and publishes the run when asked to."""
    words = [options.name, *([options.recipe] if options.recipe else []), f"seed{options.seed}"]
    out = Path(options.out or f"runs/{'-'.join(words)}")
    zoo.train(
        options.name,
        out=out,
        recipe=options.recipe,
        seed=options.seed,
        data=options.data,
        start=options.start,
        strategy=options.strategy,
        linear_scaling=options.linear_scaling,
        precision=options.precision,
        xla=not options.no_xla,
        epochs=options.epochs,
        smoke=options.smoke,
        publish=options.publish,
        steps_per_execution=options.steps_per_execution,
        checkpoint_steps=options.checkpoint_steps,
        progress=not options.json,
    )
    published = f"{options.name}.{options.publish}" if options.publish else None
    if options.json:
        output.print_json({"name": options.name, "seed": options.seed, "run": out, "published": published})
    else:
        output.show(output.facts({"run": out, "published": published}))
    return 0
