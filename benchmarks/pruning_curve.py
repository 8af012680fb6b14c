"""Accuracy against the share of pruned connections, before and after a short fine-tuning, for several criteria.

    python benchmarks/pruning_curve.py --strengths RUN --dense RUN [--slimming RUN] [--out FOLDER] [--quick]

The runs are folders of `zoo train`: of `synaptic_vgg16_narrow_cifar10` (penalty on the strengths), of
`synaptic_dense_vgg16_narrow_cifar10` (no penalty), and of `synaptic_slimming_vgg16_narrow_cifar10` (penalty on the
scales of the normalizations). Rows: strengths of the first; kernel norm, strength in its measured form (scale times
norm), scale, and random ones on the second; scale on the third. Accuracies are those on the validation images.
Fine-tuning is `--steps` steps of batch 128 with momentum SGD, the rate falling along half a cosine, masks fixed, no
penalty.
Writes `curve.csv`, `before.png` and
`after.png`, and prints a table. What stands in `curve.csv` already is not measured again.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import zoo
from zoo.compression import prune, to_synaptic
from zoo.training.batches import TrainingBatches

RATIOS = (0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.96, 0.98)
TUNED = (0.5, 0.8, 0.9, 0.96)
COLUMNS = ("method", "ratio", "pruned", "weights_kept", "before", "after")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strengths", type=Path, help="run with a penalty on the strengths")
    parser.add_argument("--dense", type=Path, help="run of the dense baseline")
    parser.add_argument("--slimming", type=Path, help="run with a penalty on the scales")
    parser.add_argument("--data", help="folder with the data sets (default: ZOO_DATA)")
    parser.add_argument("--out", type=Path, default=Path("runs/curve"))
    parser.add_argument("--steps", type=int, default=200, help="of fine-tuning; 0 leaves it out")
    parser.add_argument("--rate", type=float, default=0.02, help="first learning rate of fine-tuning")
    parser.add_argument("--scope", default="global", choices=("global", "layer"))
    parser.add_argument("--quick", action="store_true", help="small untrained networks on noise, to see that it runs")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message="pruning: ")
    splits = noise() if options.quick else read(options.data)
    ratios, tuned = ((0.5,), (0.5,)) if options.quick else (RATIOS, TUNED)
    options.steps = 2 if options.quick else options.steps
    rows = [] if options.quick else known(options.out)
    found = {row[:2] for row in rows}
    for method, (make, criterion) in methods(options).items():
        for ratio in (ratio for ratio in ratios if (method, ratio) not in found):
            rows.append(measure(method, make(), criterion, ratio, ratio in tuned, splits, options))
            print("  ".join(f"{name} {value}" for name, value in zip(COLUMNS, rows[-1], strict=True)), flush=True)
            write(rows, options.out)
    if not options.quick:
        draw(rows, options.out)
    print(table(rows))


def read(data: str | None) -> tuple:
    return tuple(zoo.datasets.load("cifar10", split, data=data) for split in ("train", "validation"))


def noise() -> tuple:
    rng = np.random.default_rng(0)
    return tuple((rng.integers(0, 256, (256, 8, 8, 3), dtype="uint8"), rng.integers(0, 10, 256)) for _ in range(2))


def methods(options: argparse.Namespace) -> dict:
    """By label: what makes the network afresh, and the criterion."""
    found = {}
    if options.strengths or options.quick:
        strong = maker(options.strengths, "synaptic_vgg16_narrow_cifar10", options, convert=False)
        found["strength, trained with its penalty"] = (strong, "strength")
    if options.dense or options.quick:
        dense = maker(options.dense, "synaptic_dense_vgg16_narrow_cifar10", options, convert=True)
        found |= {
            "strength (scale times norm), no penalty": (dense, "strength"),
            "kernel norm, no penalty": (dense, "kernel_norm"),
            "BN scale, no penalty": (dense, "bn_scale"),
            "random": (dense, "random"),
        }
    if options.slimming:
        slim = maker(options.slimming, "synaptic_slimming_vgg16_narrow_cifar10", options, convert=True)
        found["BN scale, trained with its penalty (slimming)"] = (slim, "bn_scale")
    return found


def maker(run: Path | None, name: str, options: argparse.Namespace, *, convert: bool):
    def make() -> keras.Model:
        if options.quick:
            small = {"widths": ((8, 8), (16,)), "input_shape": (8, 8, 3)}
            model = zoo.build(name, **small)
        else:
            model = zoo.load(run, compile=False)
        return to_synaptic(model, absorb=False) if convert else model

    return make


def measure(method, model, criterion, ratio, tuned, splits, options) -> tuple:
    train, validation = splits
    scope = "layer" if options.quick else options.scope
    try:
        report = prune(model, ratio, criterion=criterion, scope=scope)
    except ValueError as error:  # every path is cut: the network answers the same whatever it sees
        print(f"{method} at {ratio}: {error}")
        return (method, ratio, None, None, None, None)
    before = accuracy(model, validation)
    after = None
    if tuned and options.steps:
        fine_tune(model, train, options)
        after = accuracy(model, validation)
    kept, weights = report.weights
    return (method, ratio, round(report.ratio, 4), round(kept / weights, 4), before, after)


def accuracy(model: keras.Model, split: tuple) -> float:
    images, labels = split
    return round(float((model.predict(images, batch_size=250, verbose=0).argmax(1) == labels).mean()), 4)


def fine_tune(model: keras.Model, train: tuple, options: argparse.Namespace) -> None:
    rate = keras.optimizers.schedules.CosineDecay(options.rate, options.steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), loss, jit_compile=keras.backend.backend() == "jax")
    done = 0
    while done < options.steps:
        batches = TrainingBatches(*train, batch_size=128, seed=0, augment=("pad_crop", "flip"), epoch=done)
        steps = min(len(batches), options.steps - done)
        model.fit(batches, steps_per_epoch=steps, epochs=1, shuffle=False, verbose=0)
        done += steps


def known(folder: Path) -> list[tuple]:
    """The rows that a run before has written."""
    try:
        text = (folder / "curve.csv").read_text()
    except FileNotFoundError:
        return []
    rows = [row for row in csv.reader(text.splitlines()) if row][1:]
    return [(row[0], *(float(value) if value else None for value in row[1:])) for row in rows]


def write(rows: list[tuple], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=folder, newline="", delete=False) as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    os.replace(file.name, folder / "curve.csv")


def draw(rows: list[tuple], folder: Path) -> None:
    """A picture before fine-tuning and one after it."""
    labels = ("connections pruned, %", "validation accuracy, %")
    for column, name, title in ((4, "before", "Before fine-tuning"), (5, "after", "After a short fine-tuning")):
        lines: dict[str, tuple[list[float], list[float]]] = {}
        for row in rows:
            if row[column] is not None:
                x, y = lines.setdefault(row[0], ([], []))
                x.append(100 * row[1])
                y.append(100 * row[column])
        if lines:
            zoo.visual.plot_series(lines, path=folder / f"{name}.png", labels=labels, title=title)


def table(rows: list[tuple]) -> str:
    ratios = sorted({row[1] for row in rows})
    cells = {(row[0], row[1]): row[4:] for row in rows}
    lines = ["| ranked by | " + " | ".join(f"{100 * ratio:g} %" for ratio in ratios) + " |"]
    lines.append("| --- |" + " ---: |" * len(ratios))
    for method in dict.fromkeys(row[0] for row in rows):
        lines.append(f"| {method} | " + " | ".join(cell(cells.get((method, ratio))) for ratio in ratios) + " |")
    return "\n".join([*lines, "", "before / after fine-tuning; - : every path was cut"])


def cell(values: tuple | None) -> str:
    if not values or values[0] is None:
        return "-"
    before, after = values
    return f"{100 * before:.1f}" + (f" / {100 * after:.1f}" if after is not None else "")


if __name__ == "__main__":
    main()
