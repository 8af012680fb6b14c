"""Images a second that the input pipeline gives, by augmentation and number of worker threads.

    python benchmarks/pipeline.py [--workers 0 1 2 4] [--seconds 2] [--quick]

A row is a pipeline of a recipe on random images: shuffled batches of `zoo.training.batches.TrainingBatches` through
`zoo.training.prefetch.Prefetch`, with nothing behind them. 0 workers make each batch when it is asked for. Compare with
the images a second of a training step, which `benchmarks/training.py` measures: the pipeline keeps up if it is faster.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

PIPELINES = {
    "mnist_rot, no augmentation": ((28, 28, 1), 128, ()),
    "mnist_rot, rotate": ((28, 28, 1), 128, ("rotate",)),
    "cifar10, pad_crop + flip": ((32, 32, 3), 128, ("pad_crop", "flip")),
    "cifar10, pad_crop + flip + cutout": ((32, 32, 3), 128, ("pad_crop", "flip", "cutout")),
    "cifar10, pad_crop + flip + mixup": ((32, 32, 3), 128, ("pad_crop", "flip", "mixup")),
    "cifar10, pad_crop + flip + cutmix": ((32, 32, 3), 128, ("pad_crop", "flip", "cutmix")),
    "sun16, random_resized_crop + flip": ((96, 96, 3), 64, ("random_resized_crop", "flip")),
    "scene15, random_resized_crop + flip": ((128, 128, 1), 64, ("random_resized_crop", "flip")),
}
IMAGES = 2048


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", nargs="+", type=int, default=[0, 1, 2, 4])
    parser.add_argument("--seconds", type=float, default=2.0, help="time for each cell (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="a few batches a cell, to see that it runs")
    options = parser.parse_args()
    seconds = 0.05 if options.quick else options.seconds
    print(f"{os.cpu_count()} cores; images a second")
    print(f"{'':38}" + "".join(f"{f'{count} workers':>12}" for count in options.workers))
    for name, (shape, batch_size, augment) in PIPELINES.items():
        rates = [rate(shape, batch_size, augment, workers, seconds) for workers in options.workers]
        print(f"{name:38}" + "".join(f"{value:12,.0f}" for value in rates))


def rate(shape: tuple[int, ...], batch_size: int, augment: tuple[str, ...], workers: int, seconds: float) -> float:
    """Images a second over whole epochs, without the first one."""
    import numpy as np

    from zoo.training.batches import TrainingBatches
    from zoo.training.prefetch import Prefetch

    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (IMAGES, *shape), dtype=np.uint8), np.arange(IMAGES) % 10
    count, started, epoch = 0, time.perf_counter(), 0
    while epoch < 2 or time.perf_counter() - started < seconds:
        data = TrainingBatches(images, labels, batch_size=batch_size, seed=0, augment=augment, classes=10, epoch=epoch)
        ahead = Prefetch(data, workers=workers)
        if epoch == 1:
            count, started = 0, time.perf_counter()
        for index in range(len(ahead)):
            count += len(ahead[index][1])
        epoch += 1
    return count / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
