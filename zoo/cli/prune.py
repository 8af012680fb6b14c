"""`zoo prune`: mask the weakest connections of a model."""

from __future__ import annotations

import argparse
from typing import Any

import zoo
from zoo.cli import options as common
from zoo.cli import output


def register(commands: Any) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "prune",
        help="mask the weakest connections",
        description="Prune connections of a model with strengths and write a folder that zoo.load and "
        "zoo train --start read.",
    )
    output.add_name(parser)
    parser.add_argument("--ratio", type=float, required=True, help="share of the connections to prune, in [0, 1)")
    parser.add_argument("--out", metavar="FOLDER", help="where to write; needed unless --dry-run")
    parser.add_argument("--as", dest="target", metavar="MODEL", help="the registered model that the result is")
    parser.add_argument(
        "--criterion",
        default="strength",
        choices=("strength", "kernel_norm", "bn_scale", "random"),
        help="what is weak (default: %(default)s)",
    )
    parser.add_argument("--scope", default="global", choices=("global", "layer"), help="default: %(default)s")
    parser.add_argument("--normalize", choices=("layer_max",), help="layer_max: make the scales of layers alike first")
    parser.add_argument("--min-keep", type=int, default=1, metavar="N", help="connections a layer keeps (default: 1)")
    parser.add_argument("--seed", type=int, default=0, help="of random (default: %(default)s)")
    parser.add_argument("--dry-run", action="store_true", help="only report")
    common.add_overwrite(parser)
    output.add_json(parser)
    parser.set_defaults(run=run, check=check)


def check(options: argparse.Namespace) -> None:
    """What is wrong with names and numbers, before a backend is loaded."""
    if not options.out and not options.dry_run:
        raise ValueError("say where to write with --out FOLDER, or only look with --dry-run")
    if not 0 <= options.ratio < 1:
        raise ValueError(f"Expected --ratio in [0, 1), the share of the connections to prune; got {options.ratio:g}.")
    if options.target:
        zoo.hub.find_preset(options.target)
    if options.out and not options.dry_run:
        common.check_out(options)


def run(options: argparse.Namespace) -> int:
    """Prunes, saves and prints the report."""
    model = zoo.load(options.name, compile=False)
    if options.target:
        target = zoo.build(options.target)
        if [weight.shape for weight in target.weights] != [weight.shape for weight in model.weights]:
            raise ValueError(f"{options.target} is not built as {options.name} is: their weights have other shapes")
        target.set_weights(model.get_weights())
        model = target
    report = zoo.compression.prune(
        model,
        options.ratio,
        criterion=options.criterion,
        scope=options.scope,
        normalize=options.normalize,
        min_keep=options.min_keep,
        seed=options.seed,
        dry_run=options.dry_run,
    )
    folder = None if options.dry_run else zoo.save(model, options.out)
    if options.json:
        kept, weights = report.weights
        facts = {"connections": report.connections, "kept": report.kept, "ratio": report.ratio, "weights": weights}
        sizes = {"dense_bytes": report.dense_bytes, "packed_bytes": report.packed_bytes}
        output.print_json({"folder": folder} | facts | {"weights_kept": kept} | sizes)
    else:
        print(report)
        print(f"folder: {folder}" if folder else "nothing was written")
    return 0
