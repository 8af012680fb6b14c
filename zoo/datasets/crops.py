"""Random crops, mirror images and erased squares: image augmentations `f(batch, rng) -> batch`.

As all augmentations: pure functions of a uint8 batch `(B, H, W, C)` and a generator, the shape kept.
"""

from __future__ import annotations

import math

import numpy as np

from zoo.datasets.rotation import check_batch

_CHUNK = 8  # images resized at a time, so that the intermediate arrays stay in the cache


def move(batch: np.ndarray, rng: np.random.Generator, reach: int) -> np.ndarray:
    """Moves each image by its own whole number of pixels, uniform in -reach..reach along both axes; zeros move in.

    Args:
        batch: uint8 of shape `(B, H, W, C)`.
        rng: the source of the moves.
        reach: the largest move, in pixels.

    Returns:
        A new uint8 array of the same shape.

    Raises:
        ValueError: the batch is not uint8 of rank 4, or `reach` is negative.
    """
    check_batch(batch)
    if reach < 0:
        raise ValueError(f"Expected a reach of at least 0 pixels; got {reach}.")
    height, width = batch.shape[1:3]
    border = (reach, reach)
    padded = np.pad(batch, ((0, 0), border, border, (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    down, right = rng.integers(0, 2 * reach + 1, (2, len(batch)))
    return np.ascontiguousarray(windows[np.arange(len(batch)), down, right].transpose(0, 2, 3, 1))


def pad_crop(batch: np.ndarray, rng: np.random.Generator, *, padding: int = 4) -> np.ndarray:
    """Pads each image with zeros on all sides and cuts its size out at a random place, as customary for CIFAR.

    Args:
        batch: uint8 of shape `(B, H, W, C)`; not changed.
        rng: the source of the places.
        padding: pixels on each side; 0 leaves the images as they are.

    Returns:
        A new uint8 array of the same shape.

    Raises:
        ValueError: the batch is not uint8 of rank 4, or `padding` is negative.

    Example:
        >>> import numpy as np
        >>> pad_crop(np.zeros((2, 32, 32, 3), "uint8"), np.random.default_rng(0)).shape
        (2, 32, 32, 3)
    """
    return move(batch, rng, padding)


def flip(batch: np.ndarray, rng: np.random.Generator, *, probability: float = 0.5) -> np.ndarray:
    """Mirrors each image, left to right, with the given probability.

    Args:
        batch: uint8 of shape `(B, H, W, C)`; not changed.
        rng: decides which.
        probability: 0 leaves the images as they are.

    Returns:
        A new uint8 array of the same shape.

    Raises:
        ValueError: the batch is not uint8 of rank 4, or the probability lies outside [0, 1].

    Example:
        >>> import numpy as np
        >>> images = np.arange(3, dtype="uint8").reshape(1, 1, 3, 1)
        >>> flip(images, np.random.default_rng(0), probability=1.0).ravel().tolist()
        [2, 1, 0]
    """
    check_batch(batch)
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"Expected a probability in [0, 1]; got {probability}.")
    chosen = rng.random(len(batch)) < probability
    result = batch.copy()
    result[chosen] = batch[chosen, :, ::-1]
    return result


def random_resized_crop(
    batch: np.ndarray,
    rng: np.random.Generator,
    *,
    area: tuple[float, float] = (0.35, 1.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
) -> np.ndarray:
    """Cuts a random rectangle out of each image and stretches it to the image's size, bilinearly.

    Args:
        batch: uint8 of shape `(B, H, W, C)`; not changed.
        rng: the source of the rectangles.
        area: bounds of the rectangle's part of the image, drawn uniformly.
        ratio: bounds of its width over its height relative to the image's, drawn uniformly in the logarithm. A side
            that would be longer than the image's is cut to it. `(1, 1)` for both leaves the images as they are.

    Returns:
        A new uint8 array of the same shape.

    Raises:
        ValueError: the batch is not uint8 of rank 4, or bounds that are not `0 < low <= high` (of the area: `<= 1`).

    Example:
        >>> import numpy as np
        >>> random_resized_crop(np.zeros((2, 96, 96, 3), "uint8"), np.random.default_rng(0)).shape
        (2, 96, 96, 3)
    """
    check_batch(batch)
    if not 0 < area[0] <= area[1] <= 1 or not 0 < ratio[0] <= ratio[1]:
        raise ValueError(f"Expected bounds 0 < low <= high, of the area at most 1; got area={area}, ratio={ratio}.")
    count, height, width = batch.shape[:3]
    scale = np.sqrt(rng.uniform(*area, count))
    stretch = np.exp(rng.uniform(math.log(ratio[0]), math.log(ratio[1]), count) / 2)
    rows = _line(height, np.minimum(scale / stretch, 1.0), rng.random((count, 1)))
    columns = _line(width, np.minimum(scale * stretch, 1.0), rng.random((count, 1)))
    result = np.empty_like(batch, order="C")
    for start in range(0, count, _CHUNK):
        part = slice(start, start + _CHUNK)
        chunk = _resample_rows(batch[part].astype(np.float32), *(values[part] for values in rows))
        chunk = _resample_rows(_turned(chunk), *(values[part] for values in columns))
        chunk += 0.5
        result[part] = chunk.swapaxes(1, 2)  # the cast truncates, which is floor: nothing here is negative
    return result


def cutout(batch: np.ndarray, rng: np.random.Generator, *, size: int | None = None) -> np.ndarray:
    """Paints a square around a random pixel of each image in the image's mean colour.

    The square is cut at the image's rim, so that most images lose less than its area.

    Args:
        batch: uint8 of shape `(B, H, W, C)`; not changed.
        rng: the source of the places.
        size: side of the square in pixels; by default half of the image's shorter side. 0 leaves the images as they
            are.

    Returns:
        A new uint8 array of the same shape.

    Raises:
        ValueError: the batch is not uint8 of rank 4, or `size` is negative.

    Example:
        >>> import numpy as np
        >>> cutout(np.zeros((2, 32, 32, 3), "uint8"), np.random.default_rng(0), size=8).shape
        (2, 32, 32, 3)
    """
    check_batch(batch)
    count, height, width = batch.shape[:3]
    size = min(height, width) // 2 if size is None else size
    if size < 0:
        raise ValueError(f"Expected a square of at least 0 pixels a side; got {size}.")
    rows, columns = rng.integers(0, height, (count, 1)), rng.integers(0, width, (count, 1))
    side = np.full((count, 1), size)
    inside = box_mask((height, width), rows - size // 2, columns - size // 2, side, side)
    # A product and not a mean: NumPy sums three interleaved channels ten times slower.
    sums = np.ones((1, height * width)) @ batch.reshape(count, height * width, batch.shape[3])
    mean = np.floor(sums / (height * width) + 0.5).astype(np.uint8)[:, :, None]
    return np.where(inside[..., None], mean, batch)


def box_mask(
    shape: tuple[int, int], top: np.ndarray, left: np.ndarray, heights: np.ndarray, widths: np.ndarray
) -> np.ndarray:
    """Which pixels lie inside each image's box; boxes may reach over the rim.

    Args:
        shape: height and width of the images.
        top: first row of each box, `(B, 1)`.
        left: first column.
        heights: number of rows.
        widths: number of columns.

    Returns:
        bool of shape `(B, height, width)`.

    Example:
        >>> import numpy as np
        >>> one = np.array([[1]])
        >>> box_mask((3, 3), one, one, one, one * 5).astype(int).tolist()
        [[[0, 0, 0], [0, 1, 1], [0, 0, 0]]]
    """
    rows, columns = np.arange(shape[0]), np.arange(shape[1])
    down = (rows >= top) & (rows < top + heights)
    across = (columns >= left) & (columns < left + widths)
    return down[:, :, None] & across[:, None, :]


def _line(size: int, part: np.ndarray, place: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each image and output pixel along an axis: the two source pixels and the weight of the second."""
    part = part[:, None]
    source = place * (1.0 - part) * size + (np.arange(size) + 0.5) * part - 0.5  # pixels are squares: centres at a half
    np.clip(source, 0, size - 1, out=source)
    first = source.astype(np.intp)
    return first, np.minimum(first + 1, size - 1), (source - first).astype(np.float32)


def _resample_rows(images: np.ndarray, first: np.ndarray, second: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Blends two rows of each image into every output row; whole rows are copied, which is fast."""
    count, height = images.shape[:2]
    rows = images.reshape(count * height, -1)
    offset = (np.arange(count) * height)[:, None]
    low, high = rows.take(first + offset, axis=0), rows.take(second + offset, axis=0)
    high -= low
    high *= weight[:, :, None]
    high += low
    return high.reshape(images.shape)


def _turned(images: np.ndarray) -> np.ndarray:
    """Rows as columns, so that `_resample_rows` serves both."""
    return np.ascontiguousarray(images.swapaxes(1, 2))
