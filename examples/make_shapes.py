"""Draws the circles, squares and triangles under `examples/images/shapes`, a folder to try fine-tuning on.

    python examples/make_shapes.py [--out FOLDER] [--each 40]

Places, sizes and colours come from a fixed seed, so that the same files are drawn each time.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

FOLDER = Path(__file__).parent / "images" / "shapes"
SIDE = 32


def draw(shape: str, rng: np.random.Generator) -> Image.Image:
    """One shape at a random place, light on dark."""
    picture = Image.new("RGB", (SIDE, SIDE), tuple(rng.integers(0, 90, 3).tolist()))
    side, color = int(rng.integers(10, 18)), tuple(rng.integers(150, 256, 3).tolist())
    x, y = rng.integers(2, SIDE - 2 - side, 2).tolist()
    pen = ImageDraw.Draw(picture)
    if shape == "triangle":
        pen.polygon([(x + side / 2, y), (x, y + side), (x + side, y + side)], fill=color)
    else:
        {"circle": pen.ellipse, "square": pen.rectangle}[shape]((x, y, x + side, y + side), fill=color)
    return picture


def main(arguments: list[str] | None = None) -> None:
    """Writes a sub-folder of PNG files for each class."""
    parser = argparse.ArgumentParser(description="Draw a folder of pictures with a sub-folder for each class.")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write (default: examples/images/shapes)")
    parser.add_argument("--each", type=int, default=40, help="pictures a class (default: %(default)s)")
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(0)
    for shape in ("circle", "square", "triangle"):
        (options.out / shape).mkdir(parents=True, exist_ok=True)
        for number in range(options.each):
            draw(shape, rng).save(options.out / shape / f"{number:02d}.png", optimize=True)
    print(f"{3 * options.each} pictures of 3 classes in {options.out}")


if __name__ == "__main__":
    main()
