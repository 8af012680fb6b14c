"""Fine-tunes the digit network on another question: does the digit have a closed loop (0, 6, 8, 9)?

    python examples/finetune.py [--epochs 20] [--out runs/loops]

The forty shipped images are the whole data, so this shows how, not how well, and only the new head is trained. To
train everything, leave out the line that freezes the features. `--smoke` runs two epochs on sixteen of them.
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

import numpy as np

IMAGES = Path(__file__).parent / "images" / "mnistrot"
LOOPS = {"0", "6", "8", "9"}


def loops() -> tuple[np.ndarray, np.ndarray]:
    """The images, and 1 where the digit has a loop."""
    with open(IMAGES / "labels.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    x = zoo.datasets.read_images([IMAGES / row["file"] for row in rows], (28, 28, 1))
    return x, np.array([row["label"] in LOOPS for row in rows], "int64")


def main(arguments: list[str] | None = None) -> None:
    """Loads, trains, saves and loads again."""
    parser = argparse.ArgumentParser(description="Fine-tune e4net_mnistrot on loops.")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--out", type=Path, help="folder for the weights (default: a temporary one)")
    parser.add_argument("--smoke", action="store_true", help="two epochs on sixteen images")
    options = parser.parse_args(arguments)
    if options.smoke:
        print("smoke run: it shows that this works, and its numbers mean nothing", file=sys.stderr)

    x, y = loops()
    if options.smoke:
        x, y, options.epochs = x[:16], y[:16], 2
    model = zoo.load("e4net_mnistrot", num_classes=2)
    zoo.features(model).trainable = False
    history = model.fit(x, y, batch_size=8, epochs=options.epochs, verbose=0)
    losses = history.history["loss"]
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}, accuracy {100 * history.history['accuracy'][-1]:.1f} %")

    with tempfile.TemporaryDirectory() as scratch:
        folder = zoo.save(model, options.out or scratch, card={"labels": ["no loop", "loop"]})
        best = zoo.predict(zoo.load(folder), x[:1], top=1)[0][0]
        print(f"first image: {best.label} ({best.percent}), truth: {'loop' if y[0] else 'no loop'}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:  # such as a path that is not there
        sys.exit(f"{Path(__file__).name}: {error}")
