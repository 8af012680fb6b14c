"""Rotated MNIST: readers of the two file layouts, and the recipe that makes the set anew from MNIST.

Two sets share the name. The classic one (Larochelle et al. 2007) is a pair of text files; the regenerated one is an
npz made from MNIST by `regenerate`, with the same sizes and the same idea but other images. Say which one a number
was measured on: "MNIST-rot (regenerated)" for the npz.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo.datasets import arrays
from zoo.datasets.rotation import rotate_images

NPZ = "mnist_rot.npz"
CLASSIC_TRAIN = "mnist_all_rotation_normalized_float_train_valid.amat"
CLASSIC_TEST = "mnist_all_rotation_normalized_float_test.amat"
TRAIN, LEARN, TEST = 12_000, 10_000, 50_000
"""Images in the training half, how many of them come before the validation tail, and in the test half."""
SPLITS = ("train", "validation", "train+validation", "test")
_PIXELS = 28 * 28

Arrays = tuple[np.ndarray, np.ndarray]


def read(folder: Path, split: str) -> Arrays:
    """Reads one split from a folder that holds either layout; the npz is taken when both are there.

    The last sixth of the training images (2,000 of 12,000) is the validation split.

    Args:
        folder: holds `mnist_rot.npz` or the two classic `.amat` files.
        split: one of `SPLITS`.

    Returns:
        Images, uint8 of shape `(N, 28, 28, 1)`, and labels, int64 of shape `(N,)`.

    Raises:
        FileNotFoundError: the folder holds neither layout.
        ValueError: unknown split, or a file that is damaged or of another kind.
    """
    if split not in SPLITS:
        raise ValueError(f"Unknown split {split!r} of mnist_rot. Expected one of: {', '.join(SPLITS)}.")
    half = "test" if split == "test" else "train"
    classic = folder / (CLASSIC_TEST if half == "test" else CLASSIC_TRAIN)
    if (folder / NPZ).is_file():
        x, y = read_npz(folder / NPZ, half)
    elif classic.is_file():
        x, y = read_amat(classic)
    else:
        raise FileNotFoundError(
            f"No mnist_rot data in {folder}. Put {NPZ} there (zoo.datasets.mnist_rot.regenerate makes its arrays from "
            f"MNIST), or the classic files {CLASSIC_TRAIN} and {CLASSIC_TEST}."
        )
    learn = len(x) * LEARN // TRAIN
    part = {"train": slice(0, learn), "validation": slice(learn, None)}.get(split, slice(None))
    return x[part], y[part]


def read_npz(path: Path, half: str) -> Arrays:
    """Reads one half of the regenerated set.

    Args:
        path: the npz with `x_train` (N, 28, 28) uint8, `y_train` (N,), `x_test`, `y_test`.
        half: `"train"` or `"test"`.

    Returns:
        Images, uint8 of shape `(N, 28, 28, 1)`, and labels, int64 of shape `(N,)`.

    Raises:
        ValueError: the file is no npz, is damaged, or lacks these arrays.
    """
    stored = arrays.read_npz(path, [f"x_{half}", f"y_{half}"])
    x, y = stored[f"x_{half}"], stored[f"y_{half}"]
    if x.dtype != np.uint8 or x.shape[1:] != (28, 28):
        raise ValueError(f"Expected x_{half} of shape (N, 28, 28) uint8 in {path}; got {x.shape} {x.dtype}.")
    return x[..., None], _labels(y, len(x), path)


def read_amat(path: Path) -> Arrays:
    """Reads one of the classic text files: a line an image, 784 floats in [0, 1] and then the label.

    The 784 numbers are taken in row-major order and scaled to whole numbers in 0..255. Whether the authors wrote rows
    or columns first is not documented with the files, and they were not at hand when this was written: look at an
    image. Should the digits appear mirrored at the diagonal, transpose with `x.swapaxes(1, 2)`. The accuracy of a
    network that treats all directions alike does not depend on it, but weights trained on one orientation need the
    same orientation at prediction time.

    Args:
        path: the `.amat` file.

    Returns:
        Images, uint8 of shape `(N, 28, 28, 1)`, and labels, int64 of shape `(N,)`.

    Raises:
        ValueError: the file is not such a table.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "one.amat"
        >>> _ = path.write_text(" ".join(["0.5"] * 784 + ["7"]))
        >>> x, y = read_amat(path)
        >>> x.shape, int(x[0, 0, 0, 0]), int(y[0])
        ((1, 28, 28, 1), 128, 7)
    """
    try:
        table = np.loadtxt(path, dtype=np.float32, ndmin=2)
    except ValueError as error:  # includes undecodable bytes
        raise ValueError(f"{path} is no table of numbers: {error}. Expected the classic MNIST-rot file.") from error
    if table.shape[1] != _PIXELS + 1 or len(table) == 0:
        raise ValueError(f"Expected {_PIXELS} pixels and a label a line in {path}; got {table.shape[1]} columns.")
    pixels = table[:, :_PIXELS]
    if not (pixels.min() >= 0.0 and pixels.max() <= 1.0):
        raise ValueError(f"Expected pixels in [0, 1] in {path}; got {pixels.min()} to {pixels.max()}.")
    x = np.floor(pixels * 255.0 + 0.5).astype(np.uint8).reshape(-1, 28, 28, 1)
    return x, _labels(table[:, _PIXELS], len(x), path)


def regenerate(images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Makes the regenerated set from MNIST.

    NumPy's `RandomState(2021)` draws a permutation of the 70,000 digits, of which the first 62,000 are used, and then
    62,000 angles in [0, 360) degrees; the first 12,000 are the training set. Each digit is turned anticlockwise by
    `rotate_images`. The order of the draws, the sizes and the turning are tested; that real MNIST in gives the
    published file byte for byte is not, because MNIST is not part of the test data.

    Args:
        images: MNIST's 60,000 training images followed by its 10,000 test images, uint8 `(70000, 28, 28)`.
        labels: their digits, `(70000,)`.

    Returns:
        The arrays of `mnist_rot.npz`: `x_train`, `y_train`, `angle_train`, `source_train` and the same for `test`;
        write them with `np.savez_compressed`.

    Raises:
        ValueError: the arrays are not those of MNIST.
    """
    images, labels = np.asarray(images), np.asarray(labels)
    if images.shape != (70_000, 28, 28) or images.dtype != np.uint8 or labels.shape != (70_000,):
        raise ValueError(
            "Expected MNIST's training images followed by its test images, uint8 (70000, 28, 28), and (70000,) labels; "
            f"got {images.dtype} {images.shape} and {labels.shape}."
        )
    rng = np.random.RandomState(2021)
    source = rng.permutation(70_000)[: TRAIN + TEST]
    angle = rng.uniform(0, 360, TRAIN + TEST)
    turned = rotate_images(images[source][..., None], angle)[..., 0]
    columns = {"x": turned, "y": labels[source].astype(np.uint8), "angle": angle, "source": source.astype(np.int32)}
    train = {f"{key}_train": value[:TRAIN] for key, value in columns.items()}
    return train | {f"{key}_test": value[TRAIN:] for key, value in columns.items()}


def _labels(y: np.ndarray, count: int, path: Path) -> np.ndarray:
    if y.shape != (count,) or not np.isin(y, np.arange(10)).all():
        raise ValueError(f"Expected {count} labels in 0..9 in {path}; got shape {y.shape}. The file is damaged.")
    return y.astype(np.int64)
