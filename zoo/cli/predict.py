"""`zoo predict`: classify image files."""

from __future__ import annotations

import argparse
from typing import Any

from rich.text import Text

import zoo
from zoo.cli import output

DEFAULT_MODEL = "e4net_mnistrot"


def register(commands: Any) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser("predict", help="classify images", description="Classify image files.")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="image files (PNG, JPEG, ...)")
    parser.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME", help="model to use (default: %(default)s)")
    parser.add_argument("--top", type=int, default=3, metavar="K", help="classes an image (default: %(default)s)")
    parser.add_argument("--plot", metavar="FILE.png", help="also draw the images with their predictions")
    output.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints the most probable classes of each image."""
    if options.top < 1:
        raise ValueError(f"--top must be at least 1; got {options.top}.")
    model = zoo.load(options.model)
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
    table = output.table("file", "prediction", "probability", "then", right=("probability",))
    for file, row in zip(options.images, predictions, strict=True):
        others = ", ".join(f"{other.label} {output.percent(other.probability)}" for other in row[1:])
        table.add_row(Text(file), Text(row[0].label, "bold"), output.percent(row[0].probability), Text(others))
    output.show(table)
    if options.plot:
        output.show(f"picture: {options.plot}")
    return 0
