"""`zoo predict`: classify image files, or nodes of the graph that a model was trained on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.text import Text

import zoo
from zoo.cli import output

DEFAULT_MODEL = "e4net_mnistrot"


def register(commands: Any) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "predict",
        help="classify images or nodes",
        description="Classify image files; or, as in `zoo predict pdegcn_cora --node 5`, nodes of the graph that ships "
        "with a model's weights. Your own graphs, features and edges, are classified in Python: zoo.predict(model, "
        '{"x": features, "edges": pairs}).',
    )
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="image files (PNG, JPEG, ...); with --node a model")
    parser.add_argument("--model", metavar="NAME", help=f"model to use (default: {DEFAULT_MODEL})")
    parser.add_argument("--node", type=int, nargs="+", metavar="N", help="nodes of the graph beside the weights")
    parser.add_argument("--top", type=int, default=3, metavar="K", help="classes an image (default: %(default)s)")
    parser.add_argument("--plot", metavar="FILE.png", help="also draw the images with their predictions")
    output.add_json(parser)
    parser.set_defaults(run=run, wrong_usage=parser.error)


def run(options: argparse.Namespace) -> int:
    """Prints the most probable classes of each image."""
    if options.top < 1:
        raise ValueError(f"--top must be at least 1; got {options.top}.")
    if options.node is not None:
        return _run_nodes(options)
    if not options.images:
        options.wrong_usage("name image files, or nodes of a model's graph: zoo predict NAME --node 5")
    if options.model is None and len(options.images) == 1:
        _refuse_model(options.images[0])
    model = zoo.load(options.model or DEFAULT_MODEL)
    if zoo.evaluation.takes_graphs(model):
        raise ValueError(f"{options.model} takes graphs, not images: zoo predict {options.model} --node 5")
    images = zoo.datasets.read_images(options.images, model.input_shape[1:])
    predictions = zoo.predict(model, images, top=options.top)
    if options.plot:
        zoo.visual.plot_predictions(images, predictions, path=options.plot)
    if options.json:
        output.print_json(
            [
                {"file": file, "predictions": [vars(prediction) for prediction in row]}
                for file, row in zip(options.images, predictions, strict=True)
            ]
        )
        return 0
    output.show(_table("file", options.images, predictions))
    if options.plot:
        output.show(f"picture: {options.plot}")
    return 0


def _refuse_model(name: str) -> None:
    """A model where an image file is expected: says what to give besides."""
    if not (Path(name) / "card.json").is_file() and name.split(".")[0] not in zoo.list_models():
        return
    if zoo.card(name).task.startswith("node-"):
        raise ValueError(f"{name} is a model that classifies nodes: say which, as in zoo predict {name} --node 5")
    raise ValueError(f"{name} is a model: name image files, too, as in zoo predict digit.png --model {name}")


def _run_nodes(options: argparse.Namespace) -> int:
    names = [*options.images, *([options.model] if options.model else [])]
    if len(names) != 1:
        raise ValueError(f"--node goes with one model's name, as in zoo predict NAME --node 5; got {names}.")
    if options.plot:
        raise ValueError("--plot draws images: leave it out with --node.")
    predictions = zoo.predict(names[0], nodes=options.node, top=options.top)
    if options.json:
        pairs = zip(options.node, predictions, strict=True)
        output.print_json([{"node": node, "predictions": [vars(found) for found in row]} for node, row in pairs])
    else:
        output.show(_table("node", [str(node) for node in options.node], predictions))
    return 0


def _table(what: str, names: list[str], predictions: Any) -> Any:
    table = output.table(what, "prediction", "probability", "then", right=("probability",))
    for name, row in zip(names, predictions, strict=True):
        others = ", ".join(f"{other.label} {output.percent(other.probability)}" for other in row[1:])
        table.add_row(Text(name), Text(row[0].label, "bold"), output.percent(row[0].probability), Text(others))
    return table
