"""Nine hundred images of Fashion-MNIST, ninety a class: small, and under a licence that lets them be passed on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo.datasets.arrays import read_npz

FILE = "fashion_mnist_mini.npz"
CLASSES, OF_A_CLASS = 10, 90
SPLITS = {"all": (0, 90), "train": (0, 60), "validation": (60, 75), "train+validation": (0, 75), "test": (75, 90)}
"""Which of the ninety images of each class a split holds. The split is ours: the source has none."""


def read(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Reads one split; classes take turns, so that any ten images in a row hold each class once.

    Args:
        folder: holds `fashion_mnist_mini.npz` with `x` (900, 28, 28) uint8 and `y` (900,), sorted by class.
        split: one of `SPLITS`.

    Returns:
        Images, uint8 of shape `(N, 28, 28, 1)`, and labels, int64 of shape `(N,)`.

    Raises:
        FileNotFoundError: the file is not there.
        ValueError: unknown split, or another file.
    """
    if split not in SPLITS:
        raise ValueError(f"Unknown split {split!r} of fashion_mnist_mini. Expected one of: {', '.join(SPLITS)}.")
    path = folder / FILE
    if not path.is_file():
        raise FileNotFoundError(f"No fashion_mnist_mini data in {folder}: expected {FILE} with the arrays x and y.")
    stored = read_npz(path, ["x", "y"])
    x, y = stored["x"], stored["y"]
    if x.shape != (CLASSES * OF_A_CLASS, 28, 28) or x.dtype != np.uint8:
        raise ValueError(f"Expected x of shape (900, 28, 28) uint8 in {path}; got {x.shape} {x.dtype}.")
    if not np.array_equal(y, np.repeat(np.arange(CLASSES), OF_A_CLASS)):
        raise ValueError(f"Expected y in {path} to hold each of 0..9 ninety times, in this order.")
    start, stop = SPLITS[split]
    chosen = np.arange(len(x)).reshape(CLASSES, OF_A_CLASS).T[start:stop].reshape(-1)
    return x[chosen, :, :, None], y[chosen].astype(np.int64)
