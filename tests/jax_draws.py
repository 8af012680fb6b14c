"""Random numbers drawn by NumPy for tests on JAX, which compiles a program for each shape of a weight that is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from keras.src.backend.jax import random


def draw_by_numpy() -> None:
    """Has Keras draw by NumPy where a test asks for numbers at once; compiled programs draw by JAX, as always."""

    def normal(generator: np.random.Generator, shape: Any, mean: float = 0.0, stddev: float = 1.0) -> np.ndarray:
        return mean + stddev * generator.standard_normal(shape)

    def uniform(generator: np.random.Generator, shape: Any, minval: float = 0.0, maxval: float = 1.0) -> np.ndarray:
        return generator.uniform(minval, maxval, shape)

    def truncated(generator: np.random.Generator, shape: Any, mean: float = 0.0, stddev: float = 1.0) -> np.ndarray:
        values = generator.standard_normal(shape)
        while (far := np.abs(values) > 2).any():  # what lies beyond two deviations is drawn again
            values = np.where(far, generator.standard_normal(shape), values)
        return mean + stddev * values

    for name, draw in {"normal": normal, "uniform": uniform, "truncated_normal": truncated}.items():
        setattr(random, name, _at_once(draw, getattr(random, name)))


def _at_once(draw: Callable[..., np.ndarray], original: Callable[..., Any]) -> Callable[..., Any]:
    def drawn(shape: Any, *args: Any, dtype: Any = None, seed: Any = None, **options: Any) -> Any:
        key = random.jax_draw_seed(seed)
        numbers = [*args, *options.values()]
        if isinstance(key, jax.core.Tracer) or not all(isinstance(number, (int, float)) for number in numbers):
            return original(shape, *args, dtype=dtype, seed=key, **options)
        generator = np.random.default_rng(np.asarray(key).astype("uint32").tolist())
        return jnp.asarray(draw(generator, tuple(shape), *args, **options), dtype or keras.config.floatx())

    return drawn
