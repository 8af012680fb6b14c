"""Draws the pictures of the pages anew, for light and for dark pages, into docs/images.

    python docs/draw.py [NAME ...] [--data DIR]

Numbers come from published weights, from the data sets (`--data`, or ZOO_DATA) or from the tables of the pages. The
turned digit needs a network that is trained for it: `python examples/turning.py --out docs/images/turning.png`.
"""

from __future__ import annotations

import argparse
import csv
import functools
import os
import runpy
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import zoo
from zoo import cli
from zoo.models.class_maps import class_map_batches, find_normalization
from zoo.visual._figure import COLOURS, current, drawn, new_figure, write

DOCS = Path(__file__).resolve().parent
IMAGES = DOCS / "images"
EXAMPLES = DOCS.parent / "examples"
BENCHMARKS = DOCS.parent / "benchmarks"
DRAWN = (
    "e4net_mnistrot",
    "lpsc_resnet20_cifar10",
    "pdegcn_cora",
    "scene_resnet18_narrow_sun16",
    "shared_basis_resnet32_s16u1_double_cifar10",
    "synaptic_vgg16_narrow_compact_cifar10",
)
"""The networks whose layers the pages of the families show."""
SCENES = {
    ("efficientnet_lite0", "sun16"): "EfficientNet-Lite0, SUN-16",
    ("efficientnet_lite0", "scene15"): "EfficientNet-Lite0, Scene-15",
    ("resnet18_narrow", "sun16"): "narrow ResNet-18, SUN-16",
    ("resnet18_narrow", "scene15"): "narrow ResNet-18, Scene-15",
}
"""Networks and data sets of the pairs for scenes."""


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


@drawn
def covered(path: Path, options: argparse.Namespace) -> None:
    """A photograph without the region that a network uses most, and who still names the place, from the results."""
    model = zoo.load("scene_efficientnet_lite0_sun16")
    photograph = zoo.datasets.read_images([EXAMPLES / "images" / "photos" / "palace.jpg"], model.input_shape[1:])
    policy = zoo.losses.ErasePolicy(cam_class="predicted")  # as `zoo.evaluation.erased_accuracy` erases
    ((_, _, maps),) = class_map_batches(model, photograph)
    mean, _ = find_normalization(model)
    rest = policy.erase(photograph, policy.areas(maps, photograph.shape[1:3]), mean=mean)
    shown = {
        "a photograph": photograph,
        "what the network uses": zoo.visual.overlay(photograph, zoo.visual.cam(model, photograph)),
        "the same, covered": keras.ops.convert_to_numpy(rest).astype("uint8"),
    }
    figure = new_figure(7.2, 4.4, "constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(1.05, 1))
    for axes, (name, image) in zip(above.subplots(1, 3), shown.items(), strict=True):
        axes.imshow(image[0])
        axes.set_title(name, fontsize=10)
        axes.set_axis_off()
    axes, right, places = below.subplots(), results("erased_accuracy"), np.arange(len(SCENES))
    for label, middle, color, above_it in (
        ("plain", "", current().other, 0.18),
        ("pairwise consistency", "pc_", COLOURS[0], -0.18),
    ):
        values, deviations = np.transpose([right[f"scene_{network}_{middle}{data}"] for network, data in SCENES])
        at = places - above_it
        axes.barh(at, values, 0.34, xerr=deviations, ecolor=current().ink, color=color, label=label)
        for place, value, deviation in zip(at, values, deviations, strict=True):
            axes.text(value + deviation + 1, place, f"{value + 1e-9:.1f}", va="center", fontsize=8.5)
    axes.set(yticks=places, yticklabels=SCENES.values(), xlim=(0, 122), xticks=range(0, 101, 20))
    axes.set_title("Right once it is covered, % of the test set")
    axes.invert_yaxis()
    axes.legend(loc="center right")
    write(figure, path)


def results(metric: str) -> dict[str, tuple[float, float]]:
    """Mean and deviation over the seeds of each model, as `results/accuracy.csv` has them."""
    with (DOCS.parent / "results" / "accuracy.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == metric]
    return {row["model"]: (float(row["mean"]), float(row["std"] or 0)) for row in rows}


@functools.cache
def _log_polar(theme: str, data: str | None) -> tempfile.TemporaryDirectory[str]:
    """The pictures that the example of log-polar convolutions draws, in a folder that goes with the process."""
    folder = tempfile.TemporaryDirectory(prefix=theme)
    words = ["--data", data] if data else []
    runpy.run_path(str(EXAMPLES / "log_polar.py"))["main"](["--out", folder.name, *words])
    return folder


def log_polar(path: Path, options: argparse.Namespace) -> None:
    """One of the example's pictures."""
    theme = "dark" if path.stem.endswith("-dark") else "light"
    drawn = Path(_log_polar(theme, options.data).name) / f"{path.stem.removesuffix('-dark')}.png"
    shutil.copy(drawn, path)


def basis(path: Path, options: argparse.Namespace) -> None:
    """Shared filters before and after training, drawn by the benchmark of these networks."""
    sys.path.insert(0, str(BENCHMARKS))
    words = argparse.Namespace(name="shared_basis_resnet32_s16u1_double_cifar10", file=path, stage=1)
    runpy.run_path(str(BENCHMARKS / "shared_basis.py"))["picture"](words)
    sys.path.remove(str(BENCHMARKS))


def depth(path: Path, options: argparse.Namespace) -> None:
    """The table of the page of PDE-GCN."""
    (_, *depths), *rows = table("pdegcn.md", "| Layers | 2 ")
    curves = {name: {int(at): float(cell) for at, cell in zip(depths, cells, strict=True)} for name, *cells in rows}
    zoo.visual.plot_depths(curves, path=path, title="Cora: test accuracy over depth, one seed")


def pruning(path: Path, options: argparse.Namespace) -> None:
    """The table of the page of Synaptic Strength, before fine-tuning."""
    (_, *ratios), *rows = table("synaptic.md", "| ranked by |")
    lines = {}
    for name, *cells in rows:
        if not name.startswith("strength (scale"):  # nearly the line of the norm
            pairs = zip(ratios, cells, strict=True)
            known = [(float(at.removesuffix("%")), float(cell.split("/")[0])) for at, cell in pairs if cell != "-"]
            lines[name] = tuple(zip(*known, strict=True))
    labels = ("connections pruned, %", "validation accuracy, %")
    zoo.visual.plot_series(lines, path=path, labels=labels, title="Before fine-tuning")


def table(page: str, begin: str) -> list[list[str]]:
    """The rows of a page's table, cell by cell, its head first."""
    lines = (DOCS / page).read_text("utf-8").splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(begin))
    rows = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return [rows[0], *rows[2:]]  # without the line below the head


def shrink(path: Path) -> None:
    """A picture in 256 colours: a third of the bytes, and the same to the eye."""
    from PIL import Image

    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG)
    small.save(path, optimize=True)


PICTURES: dict[str, Callable[[Path, argparse.Namespace], Any]] = {
    **{name: plot(name, "architecture") for name in DRAWN},
    "digits": digits,
    **dict.fromkeys(("lpsc_regions", "lpsc_correlation", "lpsc_fields"), log_polar),
    "pdegcn_depth": depth,
    "pdegcn_features": plot("pdegcn_cora", "features"),
    "pdegcn_energy": plot("pdegcn_cora", "energy"),
    "pruned_layers": plot("synaptic_vgg16_narrow_p96_cifar10", "pruned"),
    "pruning_curve": pruning,
    "scene_covered": covered,
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
