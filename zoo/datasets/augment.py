"""Random changes of image batches: pure NumPy functions `f(batch, rng) -> batch` for the input pipeline.

They work on whole batches and draw from the generator they are given, so that a seed fixes a run. Keeping them out of
the model keeps the model compilable: Keras's own random rotation switches XLA off for the whole network.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable

import numpy as np

from zoo.datasets.crops import cutout, flip, move, pad_crop, random_resized_crop
from zoo.datasets.mixing import MIXERS
from zoo.datasets.rotation import check_batch, rotate_images

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


AUGMENTATIONS: dict[str, Augmentation] = {
    "cutout": cutout,
    "flip": flip,
    "pad_crop": pad_crop,
    "random_resized_crop": random_resized_crop,
    "rotate": rotate,
    "shift": shift,
}
"""Every augmentation of images alone, by the name recipes use; those that mix labels are in `MIXERS`."""


def augmentation(name: str) -> Augmentation:
    """The augmentation called `name`.

    Args:
        name: a key of `AUGMENTATIONS`.

    Returns:
        A function `f(batch, rng) -> batch`.

    Raises:
        ValueError: there is none of that name, or it is one of `MIXERS`.

    Example:
        >>> augmentation("rotate").__name__
        'rotate'
    """
    if name in AUGMENTATIONS:
        return AUGMENTATIONS[name]
    if name in MIXERS:
        raise ValueError(f"{name!r} mixes labels as well as images: take it from zoo.datasets.MIXERS.")
    names = sorted((*AUGMENTATIONS, *MIXERS))
    near = difflib.get_close_matches(str(name), names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"Unknown augmentation {name!r}.{hint} Expected one of: {', '.join(names)}.")
