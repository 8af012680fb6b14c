"""What a training step costs: compiled or not, on one device or two, and whether the input pipeline keeps up.

    python benchmarks/training.py [--backends tensorflow jax torch] [--model NAME] [--batch 64] [--quick]

Every row is measured in a process of its own, as the median of several epochs of `fit` through the strategy's trainer,
after one epoch that compiles. Two devices are two GPUs where there are any, else two parts of the CPU, which share its
cores: that shows what dividing costs, and no gain. The input pipeline is NumPy in one thread; "of the model" compares
with the fastest row above.
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

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
VARIANTS = {
    "tensorflow": {"compiled": ("single", 1), "not compiled": ("single", 0), "two devices": ("mirrored", 1)},
    "jax": {"compiled": ("single", 1), "not compiled": ("single", 0), "two devices": ("data_parallel", 1)},
    "torch": {"not compiled": ("single", 0)},
}
ARRAYS = {"mnist_rot-like, 28x28x1": (28, 28, 1), "CIFAR-like, 32x32x3": (32, 32, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backends", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--model", help="default: e4net_mnistrot, with --quick gcnn_mnistrot")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--quick", action="store_true", help="few steps of a small batch, to see that it runs")
    parser.add_argument("--worker", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.model = options.model or ("gcnn_mnistrot" if options.quick else "e4net_mnistrot")
    options.batch = 8 if options.quick else options.batch
    options.steps, options.epochs = (2, 1) if options.quick else (10, 5)
    if options.worker:
        kind, *arguments = options.worker
        found = measure_step(options, *arguments) if kind == "step" else measure_pipeline(options)
        print(json.dumps(found))
        return
    console = Console()
    fastest = show_steps(console, options)
    show_pipeline(console, options, fastest)


def show_steps(console: Console, options: argparse.Namespace) -> float | None:
    """Prints the table of steps; the most images a second, None where nothing was measured."""
    table = Table(title=f"Training step of {options.model}, batch {options.batch}", title_justify="left")
    for name in ("backend", "step", "devices"):
        table.add_column(name)
    for name in ("ms a step", "images a second", "ratio", "s, first epoch"):
        table.add_column(name, justify="right")
    rates = []
    for backend in options.backends:
        first = None
        for name, (strategy, compiled) in VARIANTS[backend].items():
            console.print(f"[dim]measuring {backend}, {name} ...[/]")
            found = run_worker(["step", strategy, str(compiled)], backend, options)
            if isinstance(found, str):
                table.add_row(backend, name, f"not measured: {found}")
                continue
            first = first or found["ms"]
            rates.append(1000 * options.batch / found["ms"])
            numbers = (f"{found['ms']:.1f}", f"{rates[-1]:.0f}", f"{found['ms'] / first:.2f}", f"{found['first']:.1f}")
            table.add_row(backend, name, found["devices"], *numbers)
    console.print(table)
    return max(rates, default=None)


def show_pipeline(console: Console, options: argparse.Namespace, fastest: float | None) -> None:
    table = Table(title=f"Input pipeline, batch {options.batch}", title_justify="left")
    table.add_column("arrays")
    table.add_column("augmentation")
    for name in ("images a second", "of the model"):
        table.add_column(name, justify="right")
    found = run_worker(["pipeline"], options.backends[0], options)
    if isinstance(found, str):
        console.print(f"Input pipeline not measured: {found}")
        return
    for arrays, augmentation, rate in found:
        table.add_row(arrays, augmentation, f"{rate:.0f}", f"{rate / fastest:.1f} x" if fastest else "-")
    console.print(table)


def run_worker(arguments: list[str], backend: str, options: argparse.Namespace):
    """What a process of this script found, or the last line of its complaint."""
    command = [sys.executable, __file__, "--model", options.model, "--batch", str(options.batch)]
    command += (["--quick"] if options.quick else []) + ["--worker", *arguments]
    settings = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    if arguments[1:2] == ["data_parallel"]:
        settings["JAX_NUM_CPU_DEVICES"] = "2"
    result = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True)
    if result.returncode:
        return (result.stderr.strip().splitlines() or ["?"])[-1]
    return json.loads(result.stdout.splitlines()[-1])


def measure_step(options: argparse.Namespace, strategy_name: str, compiled: str) -> dict:
    """Milliseconds a step, the seconds of the first epoch, and what it ran on."""
    import keras
    import numpy as np

    import zoo
    from zoo.training import strategies
    from zoo.training.batches import TrainingBatches

    if strategy_name == "mirrored":
        split_cpu()
    strategy = strategies.choose(strategy_name, devices=2 if strategy_name != "single" else None)
    rng = np.random.default_rng(0)
    with strategy.scope():
        model = zoo.build(options.model)
        trainer = strategy.trainer(model)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        trainer.compile("adamw", loss, jit_compile=bool(int(compiled)), run_eagerly=eager(compiled))
        count = options.batch * options.steps
        images = rng.integers(0, 256, (count, *model.input_shape[1:]), dtype="uint8")
        labels = rng.integers(0, model.output_shape[-1], count)
        batches = strategy.share(TrainingBatches(images, labels, batch_size=options.batch, seed=0))

        def epoch() -> float:
            start = time.perf_counter()
            trainer.fit(batches, epochs=1, shuffle=False, verbose=0)
            return time.perf_counter() - start

        first = epoch()
        seconds = statistics.median(epoch() for _ in range(options.epochs))
    return {"ms": 1000 * seconds / options.steps, "first": first, "devices": strategy.devices}


def eager(compiled: str) -> bool:
    """JAX without its compiler is eager; TensorFlow still has its graph, and torch is as it is."""
    import keras

    return keras.backend.backend() == "jax" and not int(compiled)


def split_cpu() -> None:
    import tensorflow as tf

    if len(tf.config.list_physical_devices("GPU")) < 2:
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def measure_pipeline(options: argparse.Namespace) -> list:
    """Rows of arrays, augmentation, images a second."""
    import numpy as np

    from zoo.datasets import AUGMENTATIONS
    from zoo.training.batches import TrainingBatches

    rows = []
    rng = np.random.default_rng(0)
    count = options.batch * (2 if options.quick else 50)
    for name, shape in ARRAYS.items():
        images = rng.integers(0, 256, (count, *shape), dtype="uint8")
        labels = rng.integers(0, 10, count)
        for augment in ((), *((key,) for key in AUGMENTATIONS)):
            batches = TrainingBatches(images, labels, batch_size=options.batch, seed=0, augment=augment)
            batches[0]
            start = time.perf_counter()
            for index in range(len(batches)):
                batches[index]
            rows.append([name, augment[0] if augment else "none", count / (time.perf_counter() - start)])
    return rows


if __name__ == "__main__":
    main()
