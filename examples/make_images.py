"""Draws the rotated digits under `examples/images/mnistrot` from the test split: 4 a class, by a fixed seed.

    python examples/make_images.py --data <folder with mnist_rot/>

The draw looks at labels only, never at a model's predictions.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import zoo.datasets

SEED = 2026
PER_CLASS = 4
FOLDER = Path(__file__).parent / "images" / "mnistrot"


def draw(labels: np.ndarray) -> np.ndarray:
    """Positions of the drawn test images, in a shuffled order."""
    rng = np.random.default_rng(SEED)
    chosen = [rng.choice(np.flatnonzero(labels == digit), PER_CLASS, replace=False) for digit in range(10)]
    return rng.permutation(np.concatenate(chosen))


def main() -> None:
    """Writes the PNG files and `labels.csv`."""
    parser = argparse.ArgumentParser(description="Draw the example digits from MNIST-rot's test split.")
    parser.add_argument("--data", help="folder that holds mnist_rot/ (default: ZOO_DATA)")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write (default: examples/images/mnistrot)")
    options = parser.parse_args()
    images, labels = zoo.datasets.load("mnist_rot", "test", data=options.data)
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, position in enumerate(draw(labels)):
        name = f"digit_{number:02d}.png"
        Image.fromarray(images[position, ..., 0]).save(options.out / name)
        rows.append((name, int(labels[position]), int(position)))
    with open(options.out / "labels.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("file", "label", "test_index"))
        writer.writerows(rows)
    print(f"{len(rows)} images in {options.out}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:  # such as a path that is not there
        sys.exit(f"{Path(__file__).name}: {error}")
