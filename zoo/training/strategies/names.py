"""The names of the strategies, for those who only list them."""

from __future__ import annotations

OFFERED: dict[str, tuple[str, ...]] = {
    "tensorflow": ("single", "mirrored", "multi_worker"),
    "jax": ("single", "data_parallel", "model_parallel", "tpu"),
}
"""Strategies of the backends; any other backend has `single` alone."""

NAMES = ("auto", "single", "mirrored", "multi_worker", "data_parallel", "model_parallel", "tpu")
"""What `choose` takes."""
