"""A folder of pictures of your own: fine-tuned, measured, asked, and with --export written for serving.

    python examples/own_folder.py [FOLDER] [--epochs 5] [--out runs/shapes] [--export] [--smoke]

FOLDER has a sub-folder of pictures for each class. Without one, the circles, squares and triangles of
`examples/images/shapes` are taken. Without `--out` the run is thrown away. The same on the command line: `zoo finetune
resnet32_cifar10 FOLDER --out runs/shapes`, then `zoo evaluate` and `zoo export`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import zoo

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
    if not options.folder.is_dir():
        parser.error(f"no such folder: {options.folder}")
    with tempfile.TemporaryDirectory() as scratch:
        out = options.out or Path(scratch) / "run"
        epochs = 1 if options.smoke else options.epochs
        zoo.finetune("resnet32_cifar10", options.folder, out=out, epochs=epochs, smoke=options.smoke)
        measured = zoo.evaluate(out, data=options.folder, progress=False)
        print(f"{measured['correct']} of {measured['images']} right of those that were set aside")
        model = zoo.load(out)
        files = sorted(options.folder.rglob("*"))
        picture = next(path for path in files if path.suffix.lower() in (".png", ".jpg", ".jpeg"))
        best = zoo.predict(model, [picture], top=1)[0][0]
        print(f"{picture.parent.name}/{picture.name}: {best.label}, {best.probability:.1%}")
        if options.export:
            print("written:", zoo.export(model, "exports", name="shapes", format="onnx"))


if __name__ == "__main__":
    main()
