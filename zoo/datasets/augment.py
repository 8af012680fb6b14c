"""Random changes of image batches: pure NumPy functions `f(batch, rng) -> batch` for the input pipeline.

They work on whole batches and draw from the generator they are given, so that a seed fixes a run. Keeping them out of
the model keeps the model compilable: Keras's own random rotation switches XLA off for the whole network.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from zoo import _plugins
from zoo._suggestions import did_you_mean
from zoo.datasets.crops import cutout, flip, move, pad_crop, random_resized_crop
from zoo.datasets.keras_layers import LAYERS, KerasLayer
from zoo.datasets.mixing import MIXERS
from zoo.datasets.rotation import check_batch, rotate_images, turning, warp_images

Augmentation = Callable[[np.ndarray, np.random.Generator], np.ndarray]

MAX_SHIFT = 2
"""Largest translation by `shift`, in pixels."""


def rotate(batch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turns each image about its centre by its own angle, uniform in [0, 360) degrees.

    Bilinear, zero outside the frame, rounded half up: see `zoo.datasets.rotation.rotate_images`.

    Args:
        batch: uint8 of shape `(B, H, W, C)`; not changed.
        rng: the source of the angles.

    Returns:
        A new uint8 array of the same shape.

    Raises:
        ValueError: the batch is not uint8 of rank 4.

    Example:
        >>> import numpy as np
        >>> rotate(np.zeros((2, 28, 28, 1), "uint8"), np.random.default_rng(0)).shape
        (2, 28, 28, 1)
    """
    check_batch(batch)
    return rotate_images(batch, rng.uniform(0.0, 360.0, len(batch)))


def shift(batch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Moves each image by its own whole number of pixels, uniform in -2..2 along both axes; zeros move in.

    Args:
        batch: uint8 of shape `(B, H, W, C)`; not changed.
        rng: the source of the moves.

    Returns:
        A new uint8 array of the same shape.

    Raises:
        ValueError: the batch is not uint8 of rank 4.

    Example:
        >>> import numpy as np
        >>> shift(np.zeros((2, 28, 28, 1), "uint8"), np.random.default_rng(0)).shape
        (2, 28, 28, 1)
    """
    return move(batch, rng, MAX_SHIFT)


def affine(
    batch: np.ndarray,
    rng: np.random.Generator,
    *,
    degrees: float = 180.0,
    scale: float = 0.06,
    shear: float = 0.08,
    elastic: float = 0.0,
) -> np.ndarray:
    """Turns, stretches and shears each image about its centre, and may bend it, in one bilinear warp.

    The output is the image stretched along both axes, sheared along the rows, then turned; zero outside the frame. One
    interpolation for all of it keeps the image sharper than one after another.

    Args:
        batch: uint8 of shape `(B, H, W, C)`; not changed.
        rng: the source of all that is drawn, for each image apart.
        degrees: largest angle; angles are uniform in both directions. 180 turns by any angle.
        scale: strength of the stretching: each axis by `exp(N(0, scale))`.
        shear: strength of the shearing: `N(0, shear)` pixels along the rows a row.
        elastic: strength of the bending: every pixel moves by `N(0, elastic)` pixels along both axes, smoothly, by
            cubic B-splines over four squares along each axis.

    Returns:
        A new uint8 array of the same shape.

    Raises:
        ValueError: the batch is not uint8 of rank 4, or a strength is negative or not finite.

    Example:
        >>> import numpy as np
        >>> affine(np.zeros((2, 28, 28, 1), "uint8"), np.random.default_rng(0), elastic=0.5).shape
        (2, 28, 28, 1)
    """
    check_batch(batch)
    for name, value in {"degrees": degrees, "scale": scale, "shear": shear, "elastic": elastic}.items():
        if not 0 <= value < np.inf:
            raise ValueError(f"Expected {name} of at least 0; got {value}.")
    count, height, width = batch.shape[:3]
    turn = turning(rng.uniform(-degrees, degrees, len(batch)))
    bend = np.zeros((count, 2, 2))
    bend[:, [0, 1], [0, 1]] = np.exp(rng.normal(0.0, scale, (count, 2)))
    bend[:, 0, 1] = rng.normal(0.0, shear, count)
    moves = _smooth_moves(rng, elastic, (count, height, width)) if elastic else None
    return warp_images(batch, bend @ turn, moves)  # from output to input: back from the turn first


_CELLS = 4  # squares along each axis in which an elastic move is one polynomial


def _smooth_moves(rng: np.random.Generator, strength: float, shape: tuple[int, int, int]) -> np.ndarray:
    """Random moves (B, 2, H, W) that are smooth in space, each normal with this standard deviation."""
    count, height, width = shape
    points = rng.normal(0.0, strength, (count, 2, _CELLS + 3, _CELLS + 3))
    return _splines(height) @ points @ _splines(width).T


@functools.cache
def _splines(length: int) -> np.ndarray:
    """Weights (length, control points) of cubic B-splines at the pixels, each row of Euclidean norm 1."""
    place = (np.arange(length) + 0.5) * (_CELLS / length) + 1.0
    far = np.abs(place[:, None] - np.arange(_CELLS + 3))
    weights = np.where(far < 1, 2 / 3 - far**2 + far**3 / 2, np.maximum(2 - far, 0) ** 3 / 6)
    return weights / np.linalg.norm(weights, axis=1, keepdims=True)


AUGMENTATIONS: dict[str, Augmentation] = {
    "affine": affine,
    "cutout": cutout,
    "flip": flip,
    "pad_crop": pad_crop,
    "random_resized_crop": random_resized_crop,
    "rotate": rotate,
    "shift": shift,
    **{name: KerasLayer(name) for name in LAYERS},
}
"""Our augmentations of images alone, by the name recipes use; those that mix labels are in `MIXERS`."""

_owners: dict[str, str] = {}
"""Who brought those that are not ours."""


def register_augmentation(name: str, function: Augmentation) -> None:
    """Adds an augmentation: recipes, fine-tuning and training know it by its name.

    It holds in this process. A package that is installed says the same by an entry point of the group
    `zoo.augmentations` that names the function.

    Args:
        name: in snake case.
        function: `function(batch, rng)` gives a new batch, uint8 `(B, H, W, C)` like `batch`, and draws from the
            generator `rng` alone, so that a seed fixes a run. Its keyword-only arguments are the options that recipes
            may set.

    Raises:
        ValueError: a name that is taken (both owners are said) or not in snake case, or a function that cannot be
            called so.

    Example:
        >>> import zoo
        >>> def invert(batch, rng):
        ...     return 255 - batch
        >>> zoo.register_augmentation("invert", invert)  # doctest: +SKIP
    """
    _add_installed()
    _add(name, function, _plugins.HERE)


def augmentations() -> dict[str, Augmentation]:
    """Every augmentation of images alone by name: ours, those of installed packages, and those of this program."""
    _add_installed()
    return AUGMENTATIONS


def _add(name: str, function: Any, owner: str) -> None:
    if not re.fullmatch(_plugins.SNAKE_CASE, str(name)):
        raise ValueError(f"Expected the name of an augmentation in snake case; got {name!r} from {owner}.")
    try:
        inspect.signature(function).bind("batch", "rng")
    except TypeError as error:
        raise ValueError(f"Expected {name!r} of {owner} to be a function f(batch, rng): {error}.") from None
    known = AUGMENTATIONS.get(name, MIXERS.get(name))
    if not _plugins.check_same("augmentations", name, known, function, _owners.get(name, "zoo"), owner):
        AUGMENTATIONS[name], _owners[name] = function, owner


@functools.cache
def _add_installed() -> None:
    _plugins.add_installed("zoo.augmentations", _add)


def augmentation(name: str, **options: Any) -> Augmentation:
    """The augmentation called `name`.

    Args:
        name: a key of `AUGMENTATIONS`, or of one that a package or program has added.
        **options: its strengths, where they are not to be the defaults.

    Returns:
        A function `f(batch, rng) -> batch`.

    Raises:
        ValueError: there is none of that name, or it is one of `MIXERS`, or it has no such option.

    Example:
        >>> augmentation("rotate").__name__
        'rotate'
        >>> augmentation("affine", shear=0.1).keywords
        {'shear': 0.1}
    """
    if name in augmentations():
        return with_options(name, AUGMENTATIONS[name], options)
    if name in MIXERS:
        raise ValueError(f"{name!r} mixes labels as well as images: take it from zoo.datasets.MIXERS.")
    names = sorted((*AUGMENTATIONS, *MIXERS))
    raise ValueError(f"Unknown augmentation {name!r}.{did_you_mean(name, names)} Expected one of: {', '.join(names)}.")


def with_options(name: str, function: Any, options: dict[str, Any]) -> Any:
    """An augmentation or mixer with some of its keyword arguments fixed; itself if there are none.

    Raises:
        ValueError: it has no such argument.
    """
    parameters = inspect.signature(function).parameters.values()
    known = [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    if unknown := sorted(set(options) - set(known)):
        hint = did_you_mean(unknown[0], known)
        raise ValueError(
            f"The augmentation {name!r} has no option {', '.join(map(repr, unknown))}.{hint} Expected some of: "
            f"{', '.join(known) or 'none'}."
        )
    return functools.partial(function, **options) if options else function
