"""Keras's global settings while one of zoo's models is built."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras


@contextmanager
def dtype_policy(dtype: str | None) -> Iterator[None]:
    """Make `dtype` Keras's policy while a model is built."""
    before = keras.config.dtype_policy()
    try:
        if dtype is not None:
            keras.config.set_dtype_policy(dtype)
            if "float" not in keras.config.dtype_policy().compute_dtype:
                raise ValueError(f"Expected a floating dtype policy such as 'mixed_bfloat16'; got {dtype!r}.")
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextmanager
def keras_settings(dtype: str | None) -> Iterator[None]:
    """The policy `dtype`, or Keras's own one for None, and for the rest what zoo's models are made for.

    Images are channels last. Inputs are float32, or float64 with such a policy: raw pixels and features are not rounded
    before the first layer.
    """
    floatx, layout = keras.config.floatx(), keras.config.image_data_format()
    with dtype_policy(dtype):
        wide = keras.config.dtype_policy().compute_dtype == "float64"
        try:
            keras.config.set_floatx("float64" if wide else "float32")
            keras.config.set_image_data_format("channels_last")
            yield
        finally:
            keras.config.set_floatx(floatx)
            keras.config.set_image_data_format(layout)
