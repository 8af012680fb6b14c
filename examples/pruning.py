"""Prunes the trained narrow VGG-16: writes what the pruned and the compact network begin their fine-tuning with.

    zoo train synaptic_vgg16_narrow_cifar10 --out runs/strengths
    python examples/pruning.py --run runs/strengths --out starts
    zoo train synaptic_vgg16_narrow_p90_cifar10 --start starts/p90 --out runs/p90
    zoo train synaptic_vgg16_narrow_p96_cifar10 --start starts/p96 --out runs/p96
    zoo train synaptic_vgg16_narrow_compact_cifar10 --start starts/compact --out runs/compact

The pruned networks keep their layers and have masks; the compact one has fewer channels, those of its preset. With
data (`--data`, `ZOO_DATA`) it prints the accuracy on the validation images before fine-tuning. `--smoke` prunes an
untrained network.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import zoo

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # with zoo above: TensorFlow's start-up lines stay off the terminal

import keras
import numpy as np

from zoo.hub import find_preset, start_from

NARROW = "synaptic_vgg16_narrow_cifar10"
PRUNED = {"p90": ("synaptic_vgg16_narrow_p90_cifar10", 0.90), "p96": ("synaptic_vgg16_narrow_p96_cifar10", 0.96)}
COMPACT = "synaptic_vgg16_narrow_compact_cifar10"


def pruned(name: str, ratio: float, run: Path | None, **how: Any) -> keras.Model:
    """The preset of this name with the weights of a run and a share of its connections pruned."""
    model = zoo.build(name)
    if run:
        start_from(model, run)
    print(zoo.compression.prune(model, ratio, **how))
    return model


def compacted(run: Path | None) -> keras.Model:
    """The compact preset with what is left of a run's weights."""
    model = zoo.build(NARROW)
    if run:
        start_from(model, run)
    widths = find_preset(COMPACT).config.widths
    keep = {
        f"stage{stage}_conv{index}": width
        for stage, row in enumerate(widths, start=1)
        for index, width in enumerate(row, start=1)
    }
    zoo.compression.prune_channels(model, keep)
    small = zoo.compression.compress(model, "compact", folded=False)
    found = {weight.path: weight for weight in small.weights}
    target = zoo.build(COMPACT)
    for weight in target.weights:  # a scale of 1 is what normalizations without scale have
        weight.assign(found[weight.path] if weight.path in found else np.ones(weight.shape))
    return target


def accuracy(model: keras.Model, data: str | None) -> str:
    """Accuracy on the validation images as text."""
    images, labels = zoo.datasets.load("cifar10", "validation", data=data)
    answers = model.predict(images, batch_size=250, verbose=0).argmax(1)
    return f"{100 * float((answers == labels).mean()):.2f} % right on the validation images"


def main(arguments: list[str] | None = None) -> None:
    """Prunes, measures and saves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help=f"folder of a run of {NARROW}")
    parser.add_argument("--out", type=Path, help="folder for the starts (default: a temporary one)")
    parser.add_argument("--scope", default="global", choices=("global", "layer"), help="how connections are ranked")
    parser.add_argument("--normalize", choices=("layer_max",), help="make the scales of layers alike first")
    parser.add_argument("--data", default=os.environ.get("ZOO_DATA"), help="folder with the data sets")
    parser.add_argument("--smoke", action="store_true", help="an untrained network, to see that it runs")
    options = parser.parse_args(arguments)
    if options.smoke:
        print("smoke run: it shows that this works, and its numbers mean nothing", file=sys.stderr)
    if not options.run and not options.smoke:
        parser.error("--run FOLDER is needed, or --smoke")
    scope = "layer" if options.smoke else options.scope  # strengths of untrained layers cannot be compared
    with tempfile.TemporaryDirectory() as scratch:
        out = options.out or Path(scratch)
        for key, (name, ratio) in PRUNED.items():
            ratio = ratio / 2 if options.smoke else ratio  # more would cut off whole channels of an untrained network
            save(pruned(name, ratio, options.run, scope=scope, normalize=options.normalize), out / key, options)
        save(compacted(options.run), out / "compact", options)


def save(model: keras.Model, folder: Path, options: argparse.Namespace) -> None:
    """Writes a start and says what it is."""
    zoo.save(model, folder)
    size = (folder / "model.safetensors").stat().st_size
    measured = "" if options.smoke or not options.data else f", {accuracy(model, options.data)}"
    print(f"{folder}: {model.name}, {size:,} bytes{measured}\n")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:  # such as a path that is not there
        sys.exit(f"{Path(__file__).name}: {error}")
