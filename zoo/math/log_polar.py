"""Log-polar regions of a window: which pixels share a weight in log-polar space convolution.

A window is cut into rings whose squared radii grow geometrically, and every ring into equal sectors. Rows run down and
columns to the right; angles run counter-clockwise as seen, 0 is right and pi/2 is up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from zoo.math.values import check_number, check_pair, check_whole

_TINY = 1e-6  # in sectors: no pixel of a window below 500 comes that close below a boundary


@dataclass(frozen=True)
class LogPolarMap:
    """The regions of a window, numbered `ring * angles + sector` from the innermost ring and from "right".

    Attributes:
        levels: rings L.
        angles: sectors A of each ring.
        level: ring of every cell (kh, kw), 0 innermost.
        angle: sector of every cell (kh, kw), counter-clockwise.
        region: region of every cell (kh, kw), -1 where a cell is in none.
        radii: outer radius of each ring in pixels along the longer axis, (L,); what lies beyond the last one is
            part of the last ring, unless corners are clipped.
    """

    levels: int
    angles: int
    level: np.ndarray
    angle: np.ndarray
    region: np.ndarray
    radii: np.ndarray

    @property
    def regions(self) -> int:
        """Number of regions R = L * A."""
        return self.levels * self.angles

    @property
    def center(self) -> tuple[int, int]:
        """Row and column of the middle cell."""
        height, width = self.region.shape
        return (height - 1) // 2, (width - 1) // 2

    @property
    def counts(self) -> np.ndarray:
        """Number of cells of each region, (R,)."""
        return np.bincount(self.region[self.region >= 0], minlength=self.regions)

    @property
    def empty(self) -> list[int]:
        """Regions without a cell."""
        return np.flatnonzero(self.counts == 0).tolist()

    def membership(self) -> np.ndarray:
        """Matrix (kh * kw, R) that holds 1 where a cell belongs to a region."""
        return (self.region.reshape(-1, 1) == np.arange(self.regions)).astype("float64")


def log_polar_map(
    kernel_size: int | tuple[int, int],
    levels: int,
    angles: int,
    growth: float,
    *,
    center_in_region: bool = True,
    clip_corners: bool = False,
    rotation: float = 0.0,
    ratio: float | None = None,
    reference_map: bool = False,
) -> LogPolarMap:
    """Cuts a window into log-polar regions.

    With the squared distance q of a cell from the middle, measured along the longer axis of the ellipse,

        ring   = first l with q <= T_l, else L - 1     T_l = max(d / growth^(2 (L - 1)), 2) growth^(2 l)
        sector = floor(theta A / 2 pi)                 d = ((max(kh, kw) - 1) // 2)^2

    A cell on the line between two sectors belongs to the next one counter-clockwise; the middle cell has angle 0. The
    first radius is never below sqrt(2), so that small windows do not honour `growth` and may leave regions empty.

    Args:
        kernel_size: window size, or (height, width). Of an even one the middle is the cell above and left of the true
            middle; `LogPolarConv2D` takes odd ones only.
        levels: rings L.
        angles: sectors A of each ring.
        growth: ratio of successive radii, above 1.
        center_in_region: the middle cell belongs to region 0; else to none.
        clip_corners: cells beyond the last radius belong to no region; else to the last ring.
        rotation: turns ellipse and sectors counter-clockwise, in radians.
        ratio: vertical over horizontal axis of the ellipse; None takes kh / kw.
        reference_map: the authors' code to the letter where it is inconsistent: `rotation` turns the sectors the other
            way, a pixel that lands on 2 pi is in the last sector, and upright ellipses are measured along their shorter
            axis, so that the first ring is far too large.

    Returns:
        The map.

    Raises:
        ValueError: sizes, levels or angles below 1, `growth` not above 1, `ratio` not above 0.

    Example:
        >>> regions = log_polar_map(9, levels=2, angles=6, growth=3)
        >>> regions.counts.tolist()
        [3, 1, 1, 2, 1, 1, 14, 11, 11, 14, 11, 11]

    Source: Su and Wen, Log-Polar Space Convolution Layers, NeurIPS 2022; the rule is that of the authors' code.
    """
    height, width = check_pair("kernel_size", kernel_size)
    levels, angles = check_whole("levels", levels), check_whole("angles", angles)
    growth = check_number("growth", growth, above=1, reason=", for rings to grow")
    if ratio is not None:
        ratio = check_number("ratio", ratio, above=0, reason=", or None for height over width")
    rotation = check_number("rotation", rotation, reason=", in radians")
    rows, columns = np.mgrid[:height, :width].astype("float64")
    up, right = (height - 1) // 2 - rows, columns - (width - 1) // 2
    thresholds = _thresholds(max(height, width), levels, growth)
    distance = _squared_distance(up, right, rotation, ratio or height / width, reference_map)
    level = np.minimum((distance[..., None] > thresholds).sum(axis=-1), levels - 1)
    angle = _sectors(up, right, angles, rotation, reference_map)
    region = level * angles + angle
    if clip_corners:
        region[distance > thresholds[-1]] = -1
    if not center_in_region:
        region[(height - 1) // 2, (width - 1) // 2] = -1
    return LogPolarMap(levels, angles, level, angle, region, np.sqrt(thresholds.astype("float64")))


def _thresholds(size: int, levels: int, growth: float) -> np.ndarray:
    """Squared outer radii, rounded to float32 as in the authors' code."""
    first = max(((size - 1) // 2) ** 2 / growth ** (2 * (levels - 1)), 2.0)
    return np.array([first * growth ** (2 * level) for level in range(levels)], "float32")


def _squared_distance(up: np.ndarray, right: np.ndarray, rotation: float, ratio: float, reference: bool) -> np.ndarray:
    turn = float(np.float32(rotation))
    along = right * math.cos(turn) + up * math.sin(turn)
    across = up * math.cos(turn) - right * math.sin(turn)
    squared = along**2 + across**2 / ratio**2
    # In float32 as the thresholds, so that a cell that lies on a circle stays there when the map is turned.
    return squared if reference else (squared * max(ratio, 1.0) ** 2).astype("float32")


def _sectors(up: np.ndarray, right: np.ndarray, angles: int, rotation: float, reference: bool) -> np.ndarray:
    theta = np.arctan2(up, right) % (2 * math.pi)
    if not reference:
        middle = (up == 0) & (right == 0)
        turned = np.where(middle, 0.0, theta - rotation)
        return np.floor(turned * angles / (2 * math.pi) + _TINY).astype(int) % angles
    theta = theta + rotation
    theta = np.where(theta > 2 * math.pi, theta - 2 * math.pi, theta)
    theta = np.where(theta < 0, theta + 2 * math.pi, theta)
    bounds = (2 * math.pi * np.arange(1, angles) / angles - _TINY).astype("float32")
    return (theta[..., None] > bounds).sum(axis=-1)


def log_polar_from_folded(weight: np.ndarray) -> np.ndarray:
    """The kernel (R, Cin, Cout) of a weight in the authors' layout (Cout, Cin, 2 L, A / 2).

    There the upper half of the disc lies unrolled from left to right, the outer ring on top, and the lower half below
    it with the outer ring at the bottom.

    Example:
        >>> log_polar_from_folded(np.zeros((8, 3, 4, 3))).shape
        (12, 3, 8)
    """
    weight = np.asarray(weight)
    if weight.ndim != 4 or weight.shape[2] % 2:
        raise ValueError(f"Expected a weight of shape (Cout, Cin, 2 L, A / 2); got {weight.shape}.")
    levels = weight.shape[2] // 2
    upper, lower = weight[:, :, levels - 1 :: -1, ::-1], weight[:, :, levels:]
    rings = np.concatenate([upper, lower], axis=3)  # (Cout, Cin, L, A)
    return rings.transpose(2, 3, 1, 0).reshape(-1, weight.shape[1], weight.shape[0])


def log_polar_to_folded(kernel: np.ndarray, levels: int) -> np.ndarray:
    """The weight (Cout, Cin, 2 L, A / 2) in the authors' layout of a kernel (R, Cin, Cout).

    Example:
        >>> log_polar_to_folded(np.zeros((12, 3, 8)), levels=2).shape
        (8, 3, 4, 3)
    """
    kernel = np.asarray(kernel)
    levels = check_whole("levels", levels)
    if kernel.ndim != 3 or kernel.shape[0] % (2 * levels):
        raise ValueError(f"Expected a kernel of shape ({levels} A, Cin, Cout) with an even A; got {kernel.shape}.")
    regions, inputs, outputs = kernel.shape
    half = regions // levels // 2
    rings = kernel.reshape(levels, 2 * half, inputs, outputs).transpose(3, 2, 0, 1)
    return np.concatenate([rings[:, :, ::-1, half - 1 :: -1], rings[:, :, :, half:]], axis=2)
