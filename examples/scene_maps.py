"""What is this place, and where in the picture does the network see it?

    python examples/scene_maps.py [IMAGE ...] [--out out/maps.png] [--smoke]

Draws the class maps of two networks, trained plainly and with pairwise consistency, over photographs; without images
over the shipped ones. The same on the command line: `zoo plot NAME maps IMAGE ... --against OTHER`.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import zoo

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # with zoo above: TensorFlow's start-up lines stay off the terminal

PHOTOS = Path(__file__).parent / "images" / "photos"


def main(arguments: list[str] | None = None) -> None:
    """Names the places and draws the maps."""
    parser = argparse.ArgumentParser(description="Draw what scene networks look at.")
    parser.add_argument("images", nargs="*", type=Path, help="photographs (default: the shipped ones)")
    parser.add_argument("--out", type=Path, default=Path("out/maps.png"), help="picture (default: %(default)s)")
    parser.add_argument("--smoke", action="store_true", help="one network, the smallest")
    options = parser.parse_args(arguments)
    if options.smoke:
        print("smoke run: it shows that this works, and its numbers mean nothing", file=sys.stderr)
    kind = "resnet18_narrow" if options.smoke else "efficientnet_lite0"
    names = {"plain": f"scene_{kind}_sun16", "pairwise consistency": f"scene_{kind}_pc_sun16"}
    if options.smoke:
        names.popitem()
    files = options.images or sorted(PHOTOS.glob("*.jpg"))
    rows, first = [], []  # the first network's answers: all rows show the evidence for these
    for how, name in names.items():
        model = zoo.load(name)
        images = zoo.datasets.read_images(files, model.input_shape[1:])
        best = [row[0] for row in zoo.predict(model, images, top=1)]
        first = first or best
        classes = [one.index for one in first]
        focus = zoo.evaluation.focus_area(model, images, classes=classes).means()["focus_area"]
        print(f"{how}: {', '.join(one.label.replace('_', ' ') for one in best)}; {focus:.0%} of the pictures looked at")
        rows.append((how, zoo.visual.cam(model, images, classes=classes)))
    titles = [one.label for one in first]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    zoo.visual.plot_cams(images, rows, path=options.out, titles=titles)
    print(f"picture: {options.out}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:  # such as a path that is not there
        sys.exit(f"{Path(__file__).name}: {error}")
