"""What LiteRT's float16 and int8 files cost in accuracy on real images.

    python benchmarks/quantization.py [NAME ...] --data FOLDER [--images 5000] [--quick]

Exports each model as LiteRT in float32, float16 and int8 (calibrated on the training images) and counts the errors of
the four, Keras included, on the same images of the test split.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich import print
from rich.progress import track
from rich.table import Table

import zoo
from zoo.datasets import load
from zoo.hub import find_preset, parse_name

KINDS = (None, "float16", "int8")
BATCH = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=["e4net_mnistrot", "e4net_large_mnistrot"])
    parser.add_argument("--data", help="folder with the data sets (default: ZOO_DATA)")
    parser.add_argument("--images", type=int, default=5000, help="test images, spread over the split")
    parser.add_argument("--quick", action="store_true", help="200 images, to see that it runs")
    options = parser.parse_args()
    for name in options.names:
        print(measure(name, options.data, 200 if options.quick else options.images))


def measure(name: str, data: str | None, count: int) -> Table:
    images, labels = load(find_preset(parse_name(name).model).dataset, "test", data=data)[:2]
    chosen = np.linspace(0, len(images) - 1, min(count, len(images))).astype(int)
    images, labels = images[chosen], labels[chosen]
    table = Table(
        "file", "bytes", "wrong", "error", "changed answers", "images/s", title=f"{name}, {len(labels)} images"
    )
    reference = zoo.load(name, compile=False).predict(images, batch_size=BATCH, verbose=0).argmax(1)
    add_row(table, "Keras", None, reference, labels, reference, None)
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            version = zoo.export(name, folder, format="litert", quantize=kind, data=data)
            start = time.perf_counter()
            answers = classify(version / "model.tflite", images)
            seconds = time.perf_counter() - start
            size = json.loads((version / "assets.extra" / "zoo.json").read_text("utf-8"))["bytes"]
        add_row(table, f"LiteRT {kind or 'float32'}", size, answers, labels, reference, len(labels) / seconds)
    return table


def add_row(table: Table, *row: Any) -> None:
    file, size, answers, labels, reference, speed = row
    wrong = int((answers != labels).sum())
    error = f"{100 * wrong / len(labels):.2f} %"
    changed = str(int((answers != reference).sum()))
    table.add_row(file, f"{size:,}" if size else "", str(wrong), error, changed, f"{speed:,.0f}" if speed else "")


def classify(file: Path, images: np.ndarray) -> np.ndarray:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        import tensorflow

        Interpreter = tensorflow.lite.Interpreter
    run = Interpreter(model_path=str(file), num_threads=2).get_signature_runner("serving_default")
    starts = track(range(0, len(images), BATCH), description=file.name, transient=True)
    logits = [run(image=images[start : start + BATCH].astype("float32"))["logits"] for start in starts]
    return np.concatenate(logits).argmax(1)


if __name__ == "__main__":
    main()
