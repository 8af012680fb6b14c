"""`zoo evaluate`: a model's error on a data set."""

from __future__ import annotations

import argparse
from typing import Any

import zoo
from zoo._counting import counted, short
from zoo._suggestions import did_you_mean
from zoo.cli import options as common
from zoo.cli import output

MEASURES = ("accuracy", "class_mean_accuracy", "focus_area", "erased_accuracy")
"""`zoo.evaluation.MEASURES`, whose import loads a backend; a test holds them equal."""


def register(commands: Any) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser("evaluate", help="measure a model", description="Measure a model on a data set.")
    output.add_name(parser)
    parser.add_argument(
        "--data",
        metavar="DATA",
        help="folder with the data sets (default: ZOO_DATA), or a folder or table of pictures, or a graph, of your own",
    )
    common.add_prepare(parser)
    parser.add_argument("--dataset", metavar="NAME", help="data set (default: the one the model is registered for)")
    parser.add_argument("--split", help="split of the data (default: test; of a folder the part that was set aside)")
    parser.add_argument("--batch-size", type=int, default=256, metavar="N", help="images a step (default: %(default)s)")
    parser.add_argument(
        "--measures",
        metavar="NAMES",
        help=f"with commas, of {', '.join(MEASURES)} (default: those in the model's card)",
    )
    output.add_json(parser)
    parser.set_defaults(run=run, check=check)


def check(options: argparse.Namespace) -> None:
    """What is wrong with words and numbers, before a backend is loaded."""
    if options.batch_size < 1:
        raise ValueError(f"Expected --batch-size of at least 1; got {options.batch_size}.")
    common.check_split(options.split)
    for name in _measures(options) or ():
        if name not in MEASURES:
            raise ValueError(
                f"Unknown measure {name!r}.{did_you_mean(name, MEASURES)} Expected some of: {', '.join(MEASURES)}."
            )


def _measures(options: argparse.Namespace) -> list[str] | None:
    return None if options.measures is None else [name for name in options.measures.split(",") if name]


def run(options: argparse.Namespace) -> int:
    """Prints error, accuracy and loss."""
    result = common.with_data(
        options,
        lambda: zoo.evaluate(
            options.name,
            dataset=options.dataset,
            split=options.split,
            data=options.data,
            batch_size=options.batch_size,
            measures=_measures(options),
            progress=output.progress(options),
        ),
        dataset=options.dataset or common.dataset_of(options.name),
        own=options.dataset is None,
    )
    if options.json:
        output.print_json(result)
        return 0
    what = next(word for word in ("images", "nodes", "examples") if word in result)
    rows = {
        "model": result["model"],
        "data": f"{result['dataset']}, {result['split']}: {counted(result[what], what.removesuffix('s'))}",
        "error": f"{result['error_percent']:.3f} % ({result[what] - result['correct']:,} wrong)",
        "accuracy": f"{100 * result['accuracy']:.3f} %",
        "loss": short(result["loss"], 5),
    }
    taken = {name: value for name, value in result.get("measures", {}).items() if name not in rows}
    rows |= {name.replace("_", " "): f"{value:.3f} %" for name, value in taken.items()}
    if result.get("chose_weights"):
        rows["note"] = "this split chose the weights: new examples are answered a little worse"
    output.show(output.facts(rows))
    return 0
