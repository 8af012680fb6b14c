"""Image sets stored as one npz of `x_train`, `y_train`, `x_test` and `y_test`, as `zoo data prepare` writes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.datasets import sheets
from zoo.datasets.arrays import read_npz

SPLITS = ("train", "validation", "train+validation", "test")


@dataclass(frozen=True, kw_only=True)
class ImageArrays:
    """What the npz of an image set holds.

    Attributes:
        name: of the set; its file is `<name>.npz`.
        shape: height, width and channels.
        classes: number of classes.
        train: images in the training half.
        learn: how many of them come before the validation tail.
        test: images in the test half.
    """

    name: str
    shape: tuple[int, int, int]
    classes: int
    train: int
    learn: int
    test: int

    @property
    def file(self) -> str:
        """The name of the npz."""
        return f"{self.name}.npz"

    def check(self, images: np.ndarray, labels: np.ndarray, half: str, where: object) -> None:
        """Raises ValueError if images and labels cannot be the half of this set."""
        count = getattr(self, half)
        fits = images.shape == (count, *self.shape) and images.dtype == np.uint8 and labels.shape == (count,)
        if not fits or not np.isin(labels, np.arange(self.classes)).all():
            raise ValueError(
                f"Expected {count} images of {self.name} for {half}, uint8 of shape {self.shape}, with labels in "
                f"0..{self.classes - 1} in {where}; got {images.dtype} {images.shape} and labels of shape "
                f"{labels.shape}. The file is damaged or of another set."
            )


CIFAR10 = ImageArrays(name="cifar10", shape=(32, 32, 3), classes=10, train=50_000, learn=45_000, test=10_000)
CIFAR100 = ImageArrays(name="cifar100", shape=(32, 32, 3), classes=100, train=50_000, learn=45_000, test=10_000)
FASHION_MNIST = ImageArrays(
    name="fashion_mnist", shape=(28, 28, 1), classes=10, train=60_000, learn=55_000, test=10_000
)


def read(folder: Path, kind: ImageArrays, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Reads one split; the tail of the training half is the validation split.

    Args:
        folder: holds `<name>.npz`.
        kind: which set.
        split: one of `SPLITS`.

    Returns:
        Images, uint8 of shape `(N, H, W, C)`, and labels, int64 of shape `(N,)`.

    Raises:
        FileNotFoundError: the file is not there.
        ValueError: unknown split, or a file that is damaged or of another kind.

    Example:
        >>> x, y = read(Path("data/cifar100"), CIFAR100, "validation")  # doctest: +SKIP
        >>> x.shape  # doctest: +SKIP
        (5000, 32, 32, 3)
    """
    if split not in SPLITS:
        raise ValueError(f"Unknown split {split!r} of {kind.name}. Expected one of: {', '.join(SPLITS)}.")
    path = folder / kind.file
    if not path.is_file():
        raise FileNotFoundError(f"No {kind.name} data in {folder}: expected {kind.file}.")
    half = "test" if split == "test" else "train"
    stored = read_npz(path, [f"x_{half}", f"y_{half}"])
    images, labels = stored[f"x_{half}"], stored[f"y_{half}"]
    kind.check(images, labels, half, path)
    part = {"train": slice(0, kind.learn), "validation": slice(kind.learn, None)}.get(split, slice(None))
    return images[part], labels[part].astype(np.int64)


def read_cifar10(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Reads a split of CIFAR-10 from the npz, or from sheets where there is none.

    Both have the same images in each split, in another order.

    Args:
        folder: holds `cifar10.npz`, or `labels.npz` and the sheets.
        split: one of `SPLITS`.

    Returns:
        As `read`.

    Raises:
        FileNotFoundError: neither is there.
        ValueError: as for `read`.
    """
    if (folder / CIFAR10.file).is_file():
        return read(folder, CIFAR10, split)
    if (folder / sheets.LABELS).is_file():
        return sheets.read(folder, sheets.CIFAR10, split)
    raise FileNotFoundError(
        f"No cifar10 data in {folder}: expected {CIFAR10.file}, or {sheets.LABELS} and sheets of images."
    )
