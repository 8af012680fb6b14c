"""Training step and inference of a model in this checkout and in another one, measured in turns.

    python benchmarks/checkouts.py OTHER [--model e4net_mnistrot] [--backend jax] [--batch 64] [--rounds 9] [--quick]

OTHER is the folder of another checkout, of an earlier commit for example (`git worktree add OTHER COMMIT`). Each has a
process of its own; they take turns, so that what else the machine does falls on both. Times are milliseconds an image,
the medians of the rounds, by the clock and of the processor (of all threads together), which depends less on others.
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

HERE = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, nargs="?", default=HERE)
    parser.add_argument("--model", default="e4net_mnistrot")
    parser.add_argument("--backend", default="jax", choices=["tensorflow", "jax", "torch"])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--quick", action="store_true", help="one round of a small batch, to see that it runs")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.batch, options.rounds = 2, 1
    if options.worker:
        serve(options.model, options.batch)
        return
    compare(options)


def compare(options: argparse.Namespace) -> None:
    workers = [start(folder, options) for folder in (options.other.resolve(), HERE)]
    rounds = [[ask(worker) for worker in workers] for _ in range(options.rounds)]
    for worker in workers:
        worker.communicate()
    print(f"{options.model} on {options.backend}, batch {options.batch}, {options.rounds} rounds; ms an image")
    print(f"{'':28}{'other':>9}{'here':>9}{'ratio':>7}")
    for row, name in enumerate(("step", "step, processor", "inference", "inference, processor")):
        other, here = (statistics.median(found[side][row] for found in rounds) for side in (0, 1))
        print(f"{name:28}{other:9.3f}{here:9.3f}{here / other:7.2f}")


def start(folder: Path, options: argparse.Namespace) -> subprocess.Popen:
    settings = {"KERAS_BACKEND": options.backend, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(folder)}
    command = [sys.executable, __file__, "--worker", "--model", options.model, "--batch", str(options.batch)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=os.environ | settings, stdin=pipe, stdout=pipe, text=True, cwd=folder)


def ask(worker: subprocess.Popen) -> list[float]:
    worker.stdin.write("\n")
    worker.stdin.flush()
    answer = worker.stdout.readline()
    if not answer:
        sys.exit("A process ended before it had measured; what it said is above.")
    return json.loads(answer)


def serve(name: str, batch: int) -> None:
    """Measures once for each line it reads."""
    import keras
    import numpy as np

    import zoo

    model = zoo.build(name)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (batch, *model.input_shape[1:])).astype("float32")
    y = rng.integers(0, model.output_shape[-1], batch)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, jit_compile=keras.backend.backend() != "torch")
    steps = (lambda: float(model.train_on_batch(x, y)), lambda: np.asarray(model.predict_on_batch(x)))
    for step in steps:
        step()  # compiles
    for _ in sys.stdin:
        times = []
        for step in steps:
            clock, processor = time.perf_counter(), time.process_time()
            step()
            times += [time.perf_counter() - clock, time.process_time() - processor]
        print(json.dumps([1000 * value / batch for value in times]), flush=True)


if __name__ == "__main__":
    main()
