"""Functions of tensors, eager and compiled, on the backend of the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

MODES = ("eager", "compiled")


def in_mode(function: Callable[..., Any], mode: str) -> Callable[..., Any]:
    """The function itself, or compiled by XLA where the backend has it (torch has not, and is traced nowhere else)."""
    backend = keras.backend.backend()
    if mode == "eager" or backend == "torch":
        return function
    if backend == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    return tf.function(function, jit_compile=True)
