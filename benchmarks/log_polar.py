"""LogPolarConv2D in both implementations against Conv2D of the same window and of 3x3.

    python benchmarks/log_polar.py [--backends tensorflow tensorflow-graph jax torch] [--shapes NAME ...] [--quick]

Rows: milliseconds of the forward pass, and of a training step (forward, and the gradients of sum(y^2) for all weights;
`+ input` for the input too, as every layer but the first needs it), and the ratio of the implementation that the layer
chooses to the plain convolution of the same window. `tensorflow` compiles by XLA, `tensorflow-graph` does not, `jax`
compiles, `torch` runs eagerly. Every number is the best of several runs that take turns.

The last table says how often the automatic choice was the faster one, and what it costs where it was not.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BACKENDS = ("tensorflow", "tensorflow-graph", "jax", "torch")
# Batch, side, input channels, filters, window, levels, angles, growth, strides.
SHAPES = {
    "13x13 3->64": (32, 32, 3, 64, 13, 3, 8, 2, 1),
    "9x9 3->16, ResNet-20 stem": (32, 32, 3, 16, 9, 2, 6, 3, 1),
    "5x5 3->64, VGG stem": (32, 32, 3, 64, 5, 2, 6, 3, 1),
    "5x5 3->32, half VGG stem": (32, 32, 3, 32, 5, 2, 6, 3, 1),
    "11x11/4 3->64, AlexNet stem": (32, 32, 3, 64, 11, 3, 8, 2, 4),
    "9x9 64->192, AlexNet second": (32, 4, 64, 192, 9, 2, 6, 3, 1),
    "5x5 16->8, LPSC-CC": (32, 32, 16, 8, 5, 2, 6, 3, 1),
    "9x9 64->64": (8, 16, 64, 64, 9, 2, 6, 3, 1),
    "9x9/2 3->64, ImageNet stem": (2, 224, 3, 64, 9, 3, 8, 2, 2),
    "9x9 320->256, DeepLab": (1, 33, 320, 256, 9, 2, 8, 2, 1),
}
LAYERS = ("3x3", "plain", "dense", "shift")
STEPS = ("forward", "training", "training + input")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=list(BACKENDS))
    parser.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=list(SHAPES), metavar="NAME")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="small shapes and one repetition, to see that it runs")
    parser.add_argument("--json", type=Path, help="also write all numbers to this file")
    parser.add_argument("--worker", choices=BACKENDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.repeats = 1
    if options.worker:
        print(json.dumps(measure_all(options)))
        return
    found = {backend: numbers for backend in options.backends if (numbers := start(options, backend))}
    for backend, numbers in found.items():
        show(backend, numbers)
    show_choice(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2), "utf-8")


def start(options: argparse.Namespace, backend: str) -> dict[str, Any] | None:
    """The numbers of a backend, measured in a process of its own; None and a line on the screen if it failed."""
    root = str(Path(__file__).resolve().parents[1])
    keras_backend = backend.removesuffix("-graph")
    environment = os.environ | {"KERAS_BACKEND": keras_backend, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": root}
    command = [sys.executable, __file__, "--worker", backend, "--repeats", str(options.repeats)]
    command += ["--shapes", *options.shapes, *(["--quick"] if options.quick else [])]
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode:
        print(f"{backend}: not measured, its messages are above")
        return None
    return json.loads(result.stdout.splitlines()[-1])


def show(backend: str, numbers: dict[str, Any]) -> None:
    for step in STEPS:
        print(f"\n{backend}, {step}, ms")
        print(f"{'':30}{'3x3':>9}{'k x k':>9}{'dense':>9}{'shift':>9}   chosen   / (k x k)")
        for shape, row in numbers.items():
            times = row[step]
            cells = "".join(f"{times[layer]:9.2f}" for layer in LAYERS)
            print(f"{shape:30}{cells}   {row['chosen']:6} {times[row['chosen']] / times['plain']:11.2f}")


def show_choice(found: dict[str, Any]) -> None:
    """How the automatic choice did against the other implementation."""
    print(f"\n{'automatic choice':30}{'training':>12}{'faster':>9}{'worst case':>14}")
    for backend, numbers in found.items():
        for step in STEPS[1:]:
            ratios = []
            for row in numbers.values():
                times, chosen = row[step], row["chosen"]
                ratios.append(times[chosen] / times["shift" if chosen == "dense" else "dense"])
            faster = sum(ratio <= 1 for ratio in ratios)
            what = "all" if "input" in step else "weights"
            print(f"{backend:30}{what:>12}{faster:>5} of {len(ratios):<2}{max(ratios):11.2f} x")


def measure_all(options: argparse.Namespace) -> dict[str, Any]:
    return {name: measure(SHAPES[name], options) for name in options.shapes}


def measure(shape: tuple[Any, ...], options: argparse.Namespace) -> dict[str, Any]:
    """Milliseconds of every layer and step for one shape."""
    import numpy as np

    batch, side, channels, filters, *rest = shape
    if options.quick:
        batch, side, channels, filters = min(batch, 2), min(side, 16), min(channels, 8), min(filters, 8)
    layers = make_layers(filters, *rest)
    x = np.random.default_rng(0).normal(size=(batch, side, side, channels)).astype("float32")
    steps = {}
    for name, layer in layers.items():
        layer.build(x.shape)
        for step, function in zip(STEPS, make_steps(layer, x, options.worker), strict=True):
            steps[step, name] = function
    best = dict.fromkeys(steps, float("inf"))
    for function in steps.values():
        function()  # compiles
    for _ in range(options.repeats):
        for key, function in steps.items():
            started = time.perf_counter()
            function()
            best[key] = min(best[key], 1000 * (time.perf_counter() - started))
    found: dict[str, Any] = {step: {name: best[step, name] for name in LAYERS} for step in STEPS}
    layers["shift"].implementation = "auto"
    return found | {"chosen": layers["shift"].form}


def make_layers(filters: int, window: int, levels: int, angles: int, growth: float, strides: int) -> dict[str, Any]:
    import keras

    from zoo.layers import LogPolarConv2D

    def plain(size: int) -> Any:
        return keras.layers.Conv2D(filters, size, strides, padding="same", data_format="channels_last")

    def ours(implementation: str) -> Any:
        return LogPolarConv2D(filters, window, levels, angles, growth, strides=strides, implementation=implementation)

    return {"3x3": plain(3), "plain": plain(window), **{name: ours(name) for name in LAYERS[2:]}}


def make_steps(layer: Any, x: Any, backend: str) -> list[Callable[[], Any]]:
    """Forward, gradients of the weights, and gradients of weights and input; each waits for its result."""
    make = {"jax": steps_on_jax, "torch": steps_on_torch}.get(backend)
    return make(layer, x) if make else steps_on_tensorflow(layer, x, jit=backend == "tensorflow")


def steps_on_tensorflow(layer: Any, x: Any, jit: bool) -> list[Callable[[], Any]]:
    import tensorflow as tf

    inputs = tf.constant(x)
    weights = [variable.value for variable in layer.trainable_variables]

    def gradients(tensor: Any, also_input: bool) -> Any:
        with tf.GradientTape() as tape:
            if also_input:
                tape.watch(tensor)
            value = tf.reduce_sum(tf.square(layer(tensor)))
        return tape.gradient(value, [*weights, tensor] if also_input else weights)

    bodies = [layer, lambda tensor: gradients(tensor, False), lambda tensor: gradients(tensor, True)]
    compiled = [tf.function(body, jit_compile=jit) for body in bodies]

    def wait(found: Any) -> None:
        for tensor in tf.nest.flatten(found):
            tensor.numpy()

    return [lambda step=step: wait(step(inputs)) for step in compiled]


def steps_on_jax(layer: Any, x: Any) -> list[Callable[[], Any]]:
    import jax

    inputs = jax.numpy.asarray(x)
    weights = [variable.value for variable in layer.trainable_variables]

    def forward(values: Any, tensor: Any) -> Any:
        return layer.stateless_call(values, [], tensor)[0]

    def loss(values: Any, tensor: Any) -> Any:
        return (forward(values, tensor) ** 2).sum()

    compiled = [jax.jit(forward), jax.jit(jax.grad(loss)), jax.jit(jax.grad(loss, argnums=(0, 1)))]
    return [lambda step=step: jax.block_until_ready(step(weights, inputs)) for step in compiled]


def steps_on_torch(layer: Any, x: Any) -> list[Callable[[], Any]]:
    import torch

    weights = [variable.value for variable in layer.trainable_variables]

    def forward() -> None:
        with torch.no_grad():
            layer(torch.tensor(x))

    def gradients(also_input: bool) -> None:
        inputs = torch.tensor(x, requires_grad=also_input)
        value = layer(inputs).square().sum()
        torch.autograd.grad(value, [*weights, inputs] if also_input else weights)

    return [forward, lambda: gradients(False), lambda: gradients(True)]


if __name__ == "__main__":
    main()
