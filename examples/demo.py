"""Classifies the digits under `examples/images/mnistrot` and draws the result.

    python examples/demo.py [--out out/demo.png] [--first 10] [--columns 5] [--dark]

The exit code is 1 when fewer than 95 % are right.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from pathlib import Path

import zoo

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # with zoo above: TensorFlow's start-up lines stay off the terminal

from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).parent / "images" / "mnistrot"
REQUIRED = 0.95


def shipped_digits(folder: Path = FOLDER) -> tuple[list[Path], list[str]]:
    """The image files and their true labels."""
    with open(folder / "labels.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [folder / row["file"] for row in rows], [row["label"] for row in rows]


def results(files: list[Path], truth: list[str], predictions: list[list]) -> Table:
    """A line an image."""
    table = Table("file", "truth", "prediction", "probability", "", box=None, header_style="bold")
    for file, label, (best, *_) in zip(files, truth, predictions, strict=True):
        mark = "[green]right[/green]" if best.label == label else "[bold red]WRONG[/bold red]"
        table.add_row(file.name, label, best.label, f"{best.percent:>8}", mark)
    return table


def main(arguments: list[str] | None = None) -> int:
    """Runs the demonstration; returns the exit code."""
    parser = argparse.ArgumentParser(description="Classify the shipped digits.")
    parser.add_argument("--model", default="e4net_mnistrot", help="model to use (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("out/demo.png"), help="picture (default: %(default)s)")
    parser.add_argument("--first", type=int, help="only so many of the forty")
    parser.add_argument("--columns", type=int, default=10, help="digits in a row of the picture (default: %(default)s)")
    parser.add_argument("--dark", action="store_true", help="a picture for dark pages")
    options = parser.parse_args(arguments)

    files, truth = (all_of[: options.first] for all_of in shipped_digits())
    model = zoo.load(options.model)
    images = zoo.datasets.read_images(files, model.input_shape[1:])
    predictions = zoo.predict(model, images)
    right = sum(row[0].label == label for row, label in zip(predictions, truth, strict=True))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with zoo.visual.theme("dark" if options.dark else "light"):
        zoo.visual.plot_predictions(images, predictions, truth, path=options.out, columns=options.columns)

    console = Console()
    console.print(results(files, truth, predictions))
    console.print(f"\n{options.model}: {right} of {len(truth)} right ({100 * right / len(truth):.1f} %)")
    console.print(f"picture: {options.out}", highlight=False)
    return 0 if right >= REQUIRED * len(truth) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError) as error:  # such as a path that is not there
        sys.exit(f"{Path(__file__).name}: {error}")
