"""A folder of pictures of your own: fine-tuned, measured, asked, and with --export written for serving.

    python examples/own_folder.py [FOLDER] [--epochs 5] [--out runs/shapes] [--export] [--smoke]

FOLDER has a sub-folder of pictures for each class. Without one, the circles, squares and triangles of
`examples/images/shapes` are taken. Without `--out` the run is thrown away. The same on the command line: `zoo finetune
resnet32_cifar10 FOLDER --out runs/shapes`, then `zoo evaluate` and `zoo export`.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
from pathlib import Path

import zoo

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # with zoo above: TensorFlow's start-up lines stay off the terminal

SHAPES = Path(__file__).parent / "images" / "shapes"


def main(arguments: list[str] | None = None) -> None:
    """Fine-tunes, measures, asks and exports."""
    parser = argparse.ArgumentParser(description="Fine-tune a network on a folder of pictures.")
    parser.add_argument("folder", nargs="?", type=Path, default=SHAPES, help="a sub-folder a class (default: shapes)")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--out", type=Path, help="folder of the run (default: a temporary one)")
    parser.add_argument("--export", action="store_true", help="also write an ONNX file for serving")
    parser.add_argument("--smoke", action="store_true", help="one epoch on few pictures")
    options = parser.parse_args(arguments)
    if options.smoke:
        print("smoke run: it shows that this works, and its numbers mean nothing", file=sys.stderr)
    with tempfile.TemporaryDirectory() as scratch:
        out = options.out or Path(scratch) / "run"
        epochs = 1 if options.smoke else options.epochs
        zoo.finetune("resnet32_cifar10", options.folder, out=out, epochs=epochs, smoke=options.smoke)
        measured = zoo.evaluate(out, data=options.folder, progress=False)
        print(f"{measured['correct']} of {measured['images']} right of those that were set aside")
        model = zoo.load(out)
        with open(out / "split.csv", newline="", encoding="utf-8") as file:  # which picture was for what
            aside = next(row for row in csv.DictReader(file) if row["split"] != "train")
        best = zoo.predict(model, [options.folder / aside["path"]], top=1)[0][0]
        print(f"{aside['path']}, one of them: {best.label}, {best.percent}; it is a {aside['label']}")
        if options.export:
            print("written:", zoo.export(model, "exports", name="shapes", format="onnx"))


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:  # such as a path that is not there
        sys.exit(f"{Path(__file__).name}: {error}")
