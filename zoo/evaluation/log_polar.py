"""How much the pixels of a neighbourhood say about its middle, and the means of that over log-polar regions."""

from __future__ import annotations

import numpy as np

from zoo.math import LogPolarMap
from zoo.math.values import check_odd

_CHUNK = 256
_ROUNDING = 1e-10  # a variance below this share of the mean square is what rounding leaves of none


def center_correlation(images: np.ndarray, kernel_size: int = 11, *, per_image: bool = False) -> np.ndarray:
    """Correlation of every pixel of a window with the middle one, over all windows that lie whole in an image.

    For an offset d, one sample is a window and a channel: the middle pixel and the pixel at d. The score is Pearson's
    correlation of the two over all samples.

    Args:
        images: shape (N, H, W, C), at least as large as the window. For grey values hand in grey images.
        kernel_size: odd window size k.
        per_image: the mean of the correlations within each image, in place of one correlation over all of them. Images
            without any contrast at an offset do not count there.

    Returns:
        float64 (k, k); 1 in the middle, NaN where no image has contrast.

    Raises:
        ValueError: an even window, no images, or images that are smaller than it or without any contrast.

    Example:
        >>> images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 1))
        >>> scores = center_correlation(images, 3)
        >>> float(scores[1, 1].round(6)), bool(abs(scores[0, 0]) < 0.1)
        (1.0, True)

    Source: Su and Wen, Log-Polar Space Convolution Layers, NeurIPS 2022, appendix A.1, of which the kind of
    correlation, the colours and the borders were not read: they are choices of ours.
    """
    images = np.asarray(images)
    kernel_size = check_odd(kernel_size)
    if images.ndim != 4 or min(images.shape[1:3]) < kernel_size or not images.size:
        raise ValueError(
            f"Expected images (N, H, W, C) of at least {kernel_size}x{kernel_size} pixels; got {images.shape}."
        )
    if not np.isfinite(images).all() or images.min() == images.max():
        raise ValueError(f"Expected finite pixels that differ; they lie between {images.min()} and {images.max()}.")
    axes = (1, 2, 3) if per_image else (0, 1, 2, 3)
    means = np.broadcast_to(images.mean(axes, "float64", keepdims=True), (len(images), 1, 1, 1))
    chunks = [slice(start, start + _CHUNK) for start in range(0, len(images), _CHUNK)]
    parts = [_moments(images[chunk] - means[chunk], kernel_size) for chunk in chunks]
    # Sums for every image: of the pixels at d, their squares, and their products with the middle.
    sums, squares, products = (np.concatenate(moment, axis=-1) for moment in zip(*parts, strict=True))
    height, width = (side - kernel_size + 1 for side in images.shape[1:3])
    count = height * width * images.shape[3]
    if not per_image:
        sums, squares, products = (moment.sum(axis=-1, keepdims=True) for moment in (sums, squares, products))
        count *= len(images)
    middle = kernel_size // 2
    variance = squares - sums**2 / count
    covariance = products - sums * sums[middle, middle] / count
    contrast = variance > _ROUNDING * squares
    counted = contrast & contrast[middle, middle]
    spread = np.sqrt(np.where(counted, variance * variance[middle, middle], 1))
    totals = np.where(counted, covariance / spread, 0).sum(axis=-1)
    numbers = counted.sum(axis=-1)
    return np.divide(totals, numbers, out=np.full(totals.shape, np.nan), where=numbers > 0)


def _moments(pixels: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sums, squares and products, each (k, k, images), of pixels whose mean is near 0: then the sums keep digits."""
    height, width = (side - k + 1 for side in pixels.shape[1:3])
    middle = pixels[:, k // 2 : k // 2 + height, k // 2 : k // 2 + width].reshape(len(pixels), -1)
    found = np.empty((3, k, k, len(pixels)))
    for row in range(k):
        for column in range(k):
            shifted = pixels[:, row : row + height, column : column + width].reshape(len(pixels), -1)
            found[0, row, column] = shifted.sum(axis=1)
            found[1, row, column] = np.einsum("np,np->n", shifted, shifted)
            found[2, row, column] = np.einsum("np,np->n", shifted, middle)
    return found[0], found[1], found[2]


def region_means(scores: np.ndarray, regions: LogPolarMap) -> np.ndarray:
    """Means of a window's scores over the regions of a log-polar map, without the middle cell.

    The middle cell would raise the first region, for it correlates perfectly with itself.

    Args:
        scores: shape (kh, kw).
        regions: a map of that size.

    Returns:
        float64 (L, A), NaN for regions without another cell.

    Raises:
        ValueError: other sizes.

    Example:
        >>> from zoo.math import log_polar_map
        >>> region_means(np.ones((11, 11)), log_polar_map(11, 3, 8, 2)).shape
        (3, 8)
    """
    scores = np.asarray(scores)
    if not isinstance(regions, LogPolarMap):
        raise ValueError(f"Expected a LogPolarMap, such as the `regions` of a layer; got {type(regions).__name__}.")
    if scores.shape != regions.region.shape:
        raise ValueError(f"Expected scores of the map's shape {regions.region.shape}; got {scores.shape}.")
    chosen = regions.region >= 0
    chosen[regions.center] = False
    members = regions.region[chosen]
    totals = np.bincount(members, weights=scores[chosen], minlength=regions.regions)
    counts = np.bincount(members, minlength=regions.regions)
    means = np.divide(totals, counts, out=np.full(len(totals), np.nan), where=counts > 0)
    return means.reshape(regions.levels, regions.angles)
