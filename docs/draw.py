"""Draws the pictures of the pages anew, for light and for dark pages, into docs/images.

    python docs/draw.py [NAME ...] [--data DIR]

Numbers come from published weights, from the data sets (`--data`, or ZOO_DATA) or from the tables of the pages. The
turned digit needs a network that is trained for it: `python examples/turning.py --out docs/images/turning.png`.
"""

from __future__ import annotations

import argparse
import functools
import os
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import zoo
from zoo import cli
from zoo.evaluation import center_correlation, effective_receptive_field, region_means
from zoo.math import log_polar_map

DOCS = Path(__file__).resolve().parent
IMAGES = DOCS / "images"
EXAMPLES = DOCS.parent / "examples"
LOG_POLAR = {"log-polar": "lpsc_resnet20_cifar10", "plain": "lpsc_plain_resnet20_cifar10"}
DRAWN = (
    "e4net_mnistrot",
    "lpsc_resnet20_cifar10",
    "pdegcn_cora",
    "scene_resnet18_narrow_sun16",
    "shared_basis_resnet32_s16u1_double_cifar10",
    "synaptic_vgg16_narrow_compact_cifar10",
)
"""The networks whose layers the pages of the families show."""


def plot(*words: str | Path) -> Callable[[Path, argparse.Namespace], None]:
    """What a command of `zoo plot` draws."""

    def draw(path: Path, options: argparse.Namespace) -> None:
        dark = ["--dark"] if path.stem.endswith("-dark") else []
        data = ["--data", options.data] if options.data else []
        if cli.main(["plot", *map(str, words), "--out", str(path), *dark, *data]):
            raise SystemExit(f"zoo plot {' '.join(map(str, words))} failed")

    return draw


def digits(path: Path, options: argparse.Namespace) -> None:
    """Ten of the shipped digits with their answers, drawn by the demonstration."""
    dark = ["--dark"] if path.stem.endswith("-dark") else []
    runpy.run_path(str(EXAMPLES / "demo.py"))["main"](["--first", "10", "--columns", "5", "--out", str(path), *dark])


def photographs(path: Path, options: argparse.Namespace) -> None:
    """What two networks look at, drawn by the example that the page names."""
    runpy.run_path(str(EXAMPLES / "scene_maps.py"))["main"](["--out", str(path)])


def regions(path: Path, options: argparse.Namespace) -> None:
    """The cells of a log-polar window."""
    found = log_polar_map(11, levels=3, angles=8, growth=2)
    zoo.visual.plot_regions(found, path=path, title="11x11, 3 rings, 8 sectors, growth 2")


@functools.cache
def _photographs(data: str | None) -> np.ndarray:
    return np.asarray(zoo.datasets.load("cifar10", "train", data=data)[0])


@functools.cache
def _correlation(data: str | None) -> np.ndarray:
    return region_means(center_correlation(_photographs(data)), log_polar_map(11, levels=3, angles=8, growth=2))


def correlation(path: Path, options: argparse.Namespace) -> None:
    """How like its pixels are to the middle one."""
    scores = _correlation(options.data)
    zoo.visual.plot_region_scores(scores, path=path, title="Correlation with the middle pixel")


@functools.cache
def _fields(data: str | None) -> dict[str, np.ndarray]:
    fields = {}
    keras.utils.set_random_seed(0)
    for what, name in LOG_POLAR.items():
        for when, network in (("untrained", zoo.build(name)), ("trained", zoo.load(name))):
            seen = effective_receptive_field(network, _photographs(data)[:32], "stage1_block3_relu")
            fields[f"{what}, {when}"] = seen
    return fields


def fields(path: Path, options: argparse.Namespace) -> None:
    """What the middle of a feature map reacts to."""
    zoo.visual.plot_receptive_fields(_fields(options.data), path=path, title="Effective receptive fields")


def basis(path: Path, options: argparse.Namespace) -> None:
    """Shared filters before and after training."""
    name = "shared_basis_resnet32_s16u1_double_cifar10"
    keras.utils.set_random_seed(0)
    networks = {"before training": zoo.build(name), "trained": zoo.load(name)}
    kernels = {when: network.get_layer("stage1_basis").kernel for when, network in networks.items()}
    zoo.visual.plot_basis(kernels, path=path)


def depth(path: Path, options: argparse.Namespace) -> None:
    """The table of the page of PDE-GCN."""
    rows = table("pdegcn.md", "| Layers | 2 ")
    zoo.visual.plot_series(
        {name: ([2, 4, 8, 16, 32, 64], [float(cell) for cell in cells]) for name, *cells in rows},
        path=path,
        labels=("layers", "test accuracy, %"),
        title="Cora: test accuracy over depth, one seed",
        logarithmic=True,
    )


def pruning(path: Path, options: argparse.Namespace) -> None:
    """The table of the page of Synaptic Strength, before fine-tuning."""
    rows = table("synaptic.md", "| ranked by |")
    ratios = [30, 50, 70, 80, 85, 90, 93, 96, 98]
    lines = {}
    for name, *cells in rows:
        if not name.startswith("strength (scale"):  # nearly the line of the norm
            known = [(at, float(cell.split("/")[0])) for at, cell in zip(ratios, cells, strict=True) if cell != "-"]
            lines[name] = tuple(zip(*known, strict=True))
    labels = ("connections pruned, %", "validation accuracy, %")
    zoo.visual.plot_series(lines, path=path, labels=labels, title="Before fine-tuning")


def table(page: str, begin: str) -> list[list[str]]:
    """The rows of a page's table, cell by cell, without its head."""
    lines = (DOCS / page).read_text("utf-8").splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(begin))
    rows = []
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def shrink(path: Path) -> None:
    """A picture in 256 colours: a third of the bytes, and the same to the eye."""
    from PIL import Image

    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG)
    small.save(path, optimize=True)


PICTURES: dict[str, Callable[[Path, argparse.Namespace], Any]] = {
    **{name: plot(name, "architecture") for name in DRAWN},
    "digits": digits,
    "lpsc_regions": regions,
    "lpsc_correlation": correlation,
    "lpsc_fields": fields,
    "pdegcn_depth": depth,
    "pdegcn_features": plot("pdegcn_cora", "features"),
    "pdegcn_energy": plot("pdegcn_cora", "energy"),
    "pruned_layers": plot("synaptic_vgg16_narrow_p96_cifar10", "pruned"),
    "pruning_curve": pruning,
    "scene_photographs": photographs,
    "shared_basis_stage1": basis,
    "curves": plot("resnet32_cifar10", "curves"),
    "confusion": plot("resnet32_cifar10", "confusion"),
    "mistakes": plot("e4net_mnistrot", "mistakes"),
    "size": plot("resnet32_cifar10", "size"),
}


def main() -> None:
    """Draws what is named, or everything."""
    parser = argparse.ArgumentParser(description="Draw the pictures of the pages.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PICTURES)} (default: all)")
    parser.add_argument("--data", help="folder with the data sets (default: ZOO_DATA)")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(PICTURES))
    if unknown:
        parser.error(f"no picture {', '.join(unknown)}")
    for name in options.names or PICTURES:
        for theme, path in (("light", IMAGES / f"{name}.png"), ("dark", IMAGES / f"{name}-dark.png")):
            with zoo.visual.theme(theme):
                PICTURES[name](path, options)
            if name != "scene_photographs":  # whose colours run into one another
                shrink(path)
        print(name, flush=True)


if __name__ == "__main__":
    main()
