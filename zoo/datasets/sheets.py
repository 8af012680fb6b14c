"""Image sets stored as sheets: pictures made of square tiles, with the labels in `labels.npz` beside them.

Image k of a sheet is its tile in row `k // columns`, column `k % columns`; sheets follow each other in the order of
their file names, and spare tiles at the end of the last one are left out.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.datasets.arrays import read_npz
from zoo.datasets.picture_files import open_image

LABELS = "labels.npz"


@dataclass(frozen=True, kw_only=True)
class Sheets:
    """How an image set is cut into sheets.

    Attributes:
        name: of the set, for errors.
        suffix: of the sheets' files, which are called `train_00`, `train_01`, ... and `test_00`, ...
        tile: side of an image in pixels.
        rows: of tiles on a sheet.
        columns: of tiles on a sheet.
        channels: 1 (grey) or 3 (colour).
        classes: number of classes.
        train: images in the training half.
        learn: how many of them come before the validation tail.
        test: images in the test half.
        repeated: name of the array in `labels.npz` with the places of test images that are training images too.
    """

    name: str
    suffix: str
    tile: int
    rows: int
    columns: int
    channels: int
    classes: int
    train: int
    learn: int
    test: int
    repeated: str | None = None

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits; `test+repeated` only where the test half repeats training images."""
        return ("train", "validation", "train+validation", "test", *(["test+repeated"] if self.repeated else []))


CIFAR10 = Sheets(
    name="cifar10",
    suffix="webp",
    tile=32,
    rows=25,
    columns=40,
    channels=3,
    classes=10,
    train=50_000,
    learn=45_000,
    test=10_000,
)
SCENE15 = Sheets(
    name="scene15",
    suffix="webp",
    tile=128,
    rows=20,
    columns=25,
    channels=1,
    classes=15,
    train=1_500,
    learn=1_200,
    test=2_985,
    repeated="test_dup_of_train",
)
SUN16 = Sheets(
    name="sun16",
    suffix="jpg",
    tile=96,
    rows=20,
    columns=20,
    channels=3,
    classes=16,
    train=2_360,
    learn=1_888,
    test=781,
)


def read(folder: Path, sheets: Sheets, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Reads one split of an image set; only the sheets that hold it are opened.

    The tail of the training half is the validation split: the sets are stored in a shuffled order. Test images that
    are training images too are left out of `test`; `test+repeated` holds them all.

    Args:
        folder: holds the sheets and `labels.npz`.
        sheets: how the set is cut.
        split: one of `sheets.splits`.

    Returns:
        Images, uint8 of shape `(N, tile, tile, channels)`, and labels, int64 of shape `(N,)`.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: unknown split, a damaged file, or a file of another size.

    Example:
        >>> x, y = read(Path("data/cifar10"), CIFAR10, "validation")  # doctest: +SKIP
        >>> x.shape  # doctest: +SKIP
        (5000, 32, 32, 3)
    """
    if split not in sheets.splits:
        raise ValueError(f"Unknown split {split!r} of {sheets.name}. Expected one of: {', '.join(sheets.splits)}.")
    half = "test" if split.startswith("test") else "train"
    labels = _labels(folder, sheets, half)
    start, stop = {"train": (0, sheets.learn), "validation": (sheets.learn, sheets.train)}.get(split, (0, len(labels)))
    images, labels = _images(folder, sheets, half, start, stop), labels[start:stop]
    if split == "test" and sheets.repeated:
        repeated = read_npz(folder / LABELS, [sheets.repeated])[sheets.repeated]
        return np.delete(images, repeated, axis=0), np.delete(labels, repeated)
    return images, labels


def _labels(folder: Path, sheets: Sheets, half: str) -> np.ndarray:
    path, count = folder / LABELS, getattr(sheets, half)
    if not path.is_file():
        raise FileNotFoundError(
            f"No {sheets.name} data in {folder}: expected {LABELS} and the sheets train_00.{sheets.suffix}, ..., "
            f"test_00.{sheets.suffix}, ..."
        )
    labels = read_npz(path, [f"y_{half}"])[f"y_{half}"]
    if labels.shape != (count,) or not np.isin(labels, np.arange(sheets.classes)).all():
        raise ValueError(
            f"Expected {count} labels in 0..{sheets.classes - 1} as y_{half} in {path}; got shape {labels.shape}. The "
            "file is damaged or of another set."
        )
    return labels.astype(np.int64)


def _images(folder: Path, sheets: Sheets, half: str, start: int, stop: int) -> np.ndarray:
    size = sheets.rows * sheets.columns
    first, last = start // size, -(-stop // size)
    paths = [folder / f"{half}_{number:02d}.{sheets.suffix}" for number in range(first, last)]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise FileNotFoundError(f"Sheets of {sheets.name} are missing in {folder}: {', '.join(missing)}.")
    images = np.empty((len(paths) * size, sheets.tile, sheets.tile, sheets.channels), np.uint8)

    def fill(index: int) -> None:
        images[index * size : (index + 1) * size] = _tiles(paths[index], sheets)

    with ThreadPoolExecutor(4) as pool:  # Pillow decodes outside Python's lock
        list(pool.map(fill, range(len(paths))))
    return images[start - first * size : stop - first * size]


def _tiles(path: Path, sheets: Sheets) -> np.ndarray:
    image = open_image(path).convert("L" if sheets.channels == 1 else "RGB")
    rows, columns, tile = sheets.rows, sheets.columns, sheets.tile
    if image.size != (columns * tile, rows * tile):
        raise ValueError(
            f"Expected a sheet of {columns * tile}x{rows * tile} pixels in {path}; got {image.width}x{image.height}."
        )
    pixels = np.asarray(image).reshape(rows, tile, columns, tile, sheets.channels)
    return pixels.swapaxes(1, 2).reshape(rows * columns, tile, tile, sheets.channels)
