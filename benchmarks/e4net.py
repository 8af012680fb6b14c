"""The E4 layer and the E4-Nets against what one would use instead, each backend in a process of its own.

    python benchmarks/e4net.py [--backends tensorflow jax torch] [--batch 64] [--quick]

Rows: milliseconds an image of a training step (forward and backward) and of inference, compiled by XLA on TensorFlow
and JAX, eager on torch; the ratio is to the first row of its block. "Patches" is the same layer with the aggregation as
a product with all patches at once, as a straightforward port of the authors' `Unfold` would have it; "derived" has the
shifts, and the gradient that the backend derives from them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

REPEATS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax", "torch"])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--quick", action="store_true", help="one repetition of a small batch, to see that it runs")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(measure(4 if options.quick else options.batch, 1 if options.quick else REPEATS)))
        return
    for backend in options.backends:
        command = [sys.executable, __file__, "--worker", "--batch", str(options.batch)]
        root = str(Path(__file__).resolve().parents[1])
        environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": root}
        command += ["--quick"] if options.quick else []
        result = subprocess.run(command, env=environment, capture_output=True, text=True)
        if result.returncode:
            print(f"\n{backend}: not measured: {(result.stderr.strip().splitlines() or ['?'])[-1]}")
            continue
        show(backend, json.loads(result.stdout.splitlines()[-1]))


def show(backend: str, rows: list[list]) -> None:
    print(f"\n{backend}: milliseconds an image\n{'':34}{'train':>9}{'ratio':>7}{'infer':>9}{'ratio':>7}")
    first = {}
    for block, name, train, infer in rows:
        base = first.setdefault(block, (train, infer))
        print(f"{block + ': ' + name:34}{train:9.3f}{train / base[0]:7.2f}{infer:9.3f}{infer / base[1]:7.2f}")


def measure(batch: int, repeats: int) -> list[list]:
    """Rows of block, name, milliseconds an image of a training step and of inference."""
    import keras

    from zoo import build, layers
    from zoo.layers import _e4

    def patches(kernels, values, rows):
        """The aggregation as a product with all patches."""
        taken = keras.ops.stack([values[..., shift : shift + rows.core] for shift in rows.shifts], axis=3)
        kernels = kernels[:, :, None, :, rows.margin : rows.margin + rows.core]
        return keras.ops.sum(kernels * taken, axis=3)

    class Other(layers.E4Conv2D):
        """The layer with another aggregation."""

        def __init__(self, aggregate, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.aggregate = aggregate

        def call(self, inputs):
            with mock.patch.object(_e4, "aggregate", self.aggregate):
                return super().call(inputs)

    def single(layer):
        inputs = keras.Input((28, 28, 64))
        return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(layer(inputs)))

    models = {
        ("layer 28x28, 16 fields", "E4, shifts"): lambda: single(layers.E4Conv2D(16, 5, slices=2)),
        ("layer 28x28, 16 fields", "E4, derived"): lambda: single(Other(_e4.mix, 16, 5, slices=2)),
        ("layer 28x28, 16 fields", "E4, patches"): lambda: single(Other(patches, 16, 5, slices=2)),
        ("layer 28x28, 16 fields", "GConv2D 3x3"): lambda: single(layers.GConv2D(16, 3)),
        ("layer 28x28, 16 fields", "GConv2D 5x5"): lambda: single(layers.GConv2D(16, 5)),
        ("network", "e4net_mnistrot"): lambda: build("e4net_mnistrot"),
        ("network", "e4net_large_mnistrot"): lambda: build("e4net_large_mnistrot"),
        ("network", "gcnn_mnistrot"): lambda: build("gcnn_mnistrot"),
    }
    return [[*key, *times(make(), batch, repeats)] for key, make in models.items()]


def times(model, batch: int, repeats: int) -> tuple[float, float]:
    import keras
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (batch, *model.input_shape[1:])).astype("float32")
    y = rng.integers(0, model.output_shape[-1], batch)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, jit_compile=keras.backend.backend() != "torch")

    def median(step) -> float:
        step()  # compiles
        taken = []
        for _ in range(repeats):
            start = time.perf_counter()
            step()
            taken.append(time.perf_counter() - start)
        return 1000 * statistics.median(taken) / batch

    return median(lambda: float(model.train_on_batch(x, y))), median(lambda: np.asarray(model.predict_on_batch(x)))


if __name__ == "__main__":
    main()
