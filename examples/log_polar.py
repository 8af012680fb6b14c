"""Pictures of log-polar convolution: regions, trained kernels, receptive fields, and why the regions make sense.

    python examples/log_polar.py [--out out] [--data DIR] [--smoke]

Draws `lpsc_regions.png`, `lpsc_kernels.png` (the first layer of a trained network as an ordinary kernel),
`lpsc_fields.png` (effective receptive fields of a log-polar and a plain network, untrained and trained), and
`lpsc_correlation.png`: for each log-polar region of an 11x11 window, how well its pixels correlate with the middle one
on the training images of CIFAR-10. `--smoke` needs neither weights nor data: the networks are untrained and the images
are noise.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import zoo

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # with zoo above: TensorFlow's start-up lines stay off the terminal

import keras
import numpy as np

from zoo.evaluation import center_correlation, effective_receptive_field, region_means
from zoo.math import log_polar_map
from zoo.visual import plot_kernels, plot_receptive_fields, plot_region_scores, plot_regions

NETWORKS = {"log-polar": "lpsc_resnet20_cifar10", "plain": "lpsc_plain_resnet20_cifar10"}
LAYER = "stage1_block3_relu"  # the end of the first stage, before the map is halved


def main(arguments: list[str] | None = None) -> int:
    """Draws the pictures; returns the exit code."""
    parser = argparse.ArgumentParser(description="Draw what log-polar convolutions do.")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder of the pictures (default: %(default)s)")
    parser.add_argument("--data", help="folder with the data sets (default: ZOO_DATA)")
    parser.add_argument("--smoke", action="store_true", help="untrained networks and noise")
    options = parser.parse_args(arguments)
    if options.smoke:
        print("smoke run: it shows that this works, and its numbers mean nothing", file=sys.stderr)
    images = read_images(options)
    options.out.mkdir(parents=True, exist_ok=True)
    regions = log_polar_map(11, levels=3, angles=8, growth=2)
    plot_regions(regions, path=options.out / "lpsc_regions.png", title="11x11, 3 rings, 8 sectors, growth 2")
    scores = region_means(center_correlation(images), regions)
    plot_region_scores(scores, path=options.out / "lpsc_correlation.png", title="Correlation with the middle pixel")
    draw_networks(images[: 4 if options.smoke else 32], options)
    for ring in scores:
        print(" ".join(f"{score:.3f}" for score in ring))
    print(f"pictures: {options.out}")
    return 0


def read_images(options: argparse.Namespace) -> np.ndarray:
    """Training images of CIFAR-10, or noise."""
    if options.smoke:
        return np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), "uint8")
    return zoo.datasets.load("cifar10", "train", data=options.data)[0]


def draw_networks(images: np.ndarray, options: argparse.Namespace) -> None:
    """Kernels of the log-polar network, and receptive fields of both."""
    fields = {}
    keras.utils.set_random_seed(0)  # the untrained networks are the same each time
    for what, name in NETWORKS.items():
        fields[f"{what}, untrained"] = effective_receptive_field(zoo.build(name), images, LAYER)
        if not options.smoke:
            fields[f"{what}, trained"] = effective_receptive_field(zoo.load(name), images, LAYER)
    plot_receptive_fields(fields, path=options.out / "lpsc_fields.png", title="Effective receptive fields")
    network = zoo.build(NETWORKS["log-polar"]) if options.smoke else zoo.load(NETWORKS["log-polar"])
    title = "First layer as 9x9 kernels"
    plot_kernels(network.get_layer("stem"), path=options.out / "lpsc_kernels.png", title=title)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError) as error:  # such as a path that is not there
        sys.exit(f"{Path(__file__).name}: {error}")
