"""Keras' own layers of random changes as augmentations: functions of a batch and a generator, like ours.

A layer is made anew for each batch, from a seed that the generator draws. So nothing is kept from batch to batch, and
a run that goes on sees the pictures that an uninterrupted one sees. `AugMix` is not among them: it draws from Python's
own random numbers.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from zoo.datasets.rotation import check_batch

_WITH_RANGE = {"value_range": (0, 255)}
_GEOMETRIC = {"fill_mode": "constant"}
LAYERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "auto_contrast": ({}, _WITH_RANGE),
    "equalization": ({}, _WITH_RANGE),
    "rand_augment": ({"num_ops": 2, "factor": 0.5}, _WITH_RANGE),
    "random_brightness": ({"factor": 0.2}, _WITH_RANGE),
    "random_color_degeneration": ({"factor": 0.5}, _WITH_RANGE),
    "random_color_jitter": (
        {"brightness_factor": 0.2, "contrast_factor": 0.2, "saturation_factor": 0.2, "hue_factor": 0.05},
        _WITH_RANGE,
    ),
    "random_contrast": ({"factor": 0.2}, _WITH_RANGE),
    "random_erasing": ({"factor": (0.5, 0.5), "scale": (0.02, 0.33), "fill_value": None}, _WITH_RANGE),
    "random_gaussian_blur": ({"factor": 0.5, "kernel_size": 3, "sigma": 1.0}, _WITH_RANGE),
    "random_grayscale": ({"factor": 0.2}, {}),
    "random_hue": ({"factor": 0.05}, _WITH_RANGE),
    "random_invert": ({"factor": 0.2}, _WITH_RANGE),
    "random_perspective": ({"factor": 0.5, "scale": 0.2}, {}),
    "random_posterization": ({"factor": 4}, _WITH_RANGE),
    "random_rotation": ({"factor": 0.05}, _GEOMETRIC),
    "random_saturation": ({"factor": 0.2}, _WITH_RANGE),
    "random_sharpness": ({"factor": 0.5}, _WITH_RANGE),
    "random_shear": ({"x_factor": 0.1, "y_factor": 0.1}, _GEOMETRIC),
    "random_translation": ({"height_factor": 0.1, "width_factor": 0.1}, _GEOMETRIC),
    "random_zoom": ({"height_factor": 0.2, "width_factor": None}, _GEOMETRIC),
    "solarization": ({"addition_factor": 0.0, "threshold_factor": 0.5}, _WITH_RANGE),
}
"""Layers by name in snake case: options with the values that they have here, and what is always given."""

_COLOUR = (
    *("rand_augment", "random_color_degeneration", "random_color_jitter"),
    *("random_grayscale", "random_hue", "random_saturation"),
)
"""Those that need red, green and blue."""


class KerasLayer:
    """An augmentation by a layer of Keras, with its options as keyword arguments.

    Of `rand_augment` all pictures of a batch get the same kinds of changes, each in a strength of its own.

    Args:
        name: a key of `LAYERS`.

    Example:
        >>> images = np.full((2, 8, 8, 3), 100, "uint8")
        >>> KerasLayer("random_brightness")(images, np.random.default_rng(0), factor=0.5).shape
        (2, 8, 8, 3)
    """

    def __init__(self, name: str) -> None:
        self.__name__ = name
        self._options, self._fixed = LAYERS[name]
        both = [inspect.Parameter(word, inspect.Parameter.POSITIONAL_OR_KEYWORD) for word in ("batch", "rng")]
        own = [inspect.Parameter(k, inspect.Parameter.KEYWORD_ONLY, default=v) for k, v in self._options.items()]
        self.__signature__ = inspect.Signature([*both, *own])

    def __call__(self, batch: np.ndarray, rng: np.random.Generator, **options: Any) -> np.ndarray:
        """A new batch.

        Args:
            batch: uint8 of shape `(B, H, W, C)`; not changed.
            rng: the source of the seed.
            **options: of the layer; those left out have the values in `LAYERS`.

        Returns:
            A new uint8 array of the same shape, rounded half to even.

        Raises:
            ValueError: the batch is not uint8 of rank 4, has other than the three channels that a change of colours
                needs, or an option has a value that the layer refuses.
        """
        check_batch(batch)
        if self.__name__ in _COLOUR and batch.shape[-1] != 3:
            raise ValueError(f"{self.__name__!r} is for colour pictures of 3 channels; got {batch.shape[-1]}.")
        if not len(batch):
            return batch.copy()  # of which some layers can make nothing
        import keras

        kind = getattr(keras.layers, "".join(word.capitalize() for word in self.__name__.split("_")), None)
        if kind is None:
            raise ValueError(f"Keras {keras.__version__} has no layer for {self.__name__!r}: a newer one has.")
        seed = int(rng.integers(2**31))
        arguments = self._fixed | self._options | options | {"data_format": "channels_last"}
        known = inspect.signature(kind).parameters
        arguments |= {"seed": seed} if "seed" in known else {}
        with keras.device("cpu"):
            layer = kind(name="augmentation", dtype="float32", **arguments)
            layer.build(batch.shape)
            images = keras.ops.convert_to_tensor(batch.astype("float32"))
            # A generator, not a number: with the latter all that a layer draws would be the same numbers.
            change = layer.get_random_transformation(
                images, training=True, seed=keras.random.SeedGenerator(seed, name="augmentation")
            )
            changed = keras.ops.convert_to_numpy(layer.transform_images(images, change, training=True))
        return np.clip(np.rint(changed), 0, 255).astype("uint8")
