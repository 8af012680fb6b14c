"""Trained weights for pictures of other channels: grey ones, or ones of more bands."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo._counting import counted
from zoo.hub import store

_KERNELS = ("kernel", "center_kernel")
"""Weights by which a layer adds up its input's channels; these are their last axis but one."""
_CONSTANTS = ("mean", "std")
"""Fields of a configuration with a number for each channel."""


def follow(config: Any, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The constants of the normalization for another number of channels: fields of the configuration.

    One channel gets the mean of all; more get those that there are, again and again.

    Args:
        config: a model's configuration.
        overrides: what is changed of it.
    """
    old, new = _channels(config, overrides.get("input_shape"))
    known = {name: getattr(config, name, None) for name in _CONSTANTS}
    return {
        name: (float(np.mean(values)),) if new == 1 else tuple(values[i % old] for i in range(new))
        for name, values in known.items()
        if old != new and isinstance(values, tuple) and len(values) == old and name not in overrides
    }


def adapt(tensors: store.Tensors, variables: Mapping[str, Any], old: Any, new: Any, *, source: str) -> store.Tensors:
    """The weights of one configuration for the same network on other channels.

    For one channel the first kernel is summed, each channel's part by how much its deviation differs from the mean
    one; so a grey picture gives what it gives as a picture of equal channels, but for the means. For more channels the
    parts are repeated and scaled, so that equal channels add up to what they did.

    Args:
        tensors: by path.
        variables: of the new model, by path.
        old: the configuration of the weights.
        new: that of the new model.
        source: where the weights come from, for the error.

    Raises:
        ValueError: a weight that depends on the channels in another way; names it.
    """
    before, after = _channels(old, getattr(new, "input_shape", None))
    if before == after:
        return tensors
    deviations = getattr(old, "std", None) or (1.0,) * before
    share = np.mean(deviations) / np.asarray(deviations) if len(deviations) == before else np.ones(before)
    changed: store.Tensors = {}
    for path, tensor in sorted(tensors.items()):  # a file has them in no order, and messages name them
        if path not in variables or tuple(variables[path].shape) == tensor.shape:
            continue
        wanted = (*tensor.shape[:-2], after, *tensor.shape[-1:])
        fits = tensor.ndim > 1 and tensor.shape[-2] == before and tuple(variables[path].shape) == wanted
        if not fits or path.rpartition("/")[2] not in _KERNELS:
            raise ValueError(
                f"the weights in {source} are for {counted(before, 'channel')} and cannot be taken for {after}: {path} "
                f"{tensor.shape} is no kernel that adds them up. Give pictures of {counted(before, 'channel')}, as by "
                f"np.repeat(grey, {before}, axis=-1), or load without weights: weights=None"
            )
        if after == 1:
            changed[path] = np.sum(tensor * share[:, None], axis=-2, keepdims=True).astype(tensor.dtype)
        else:
            changed[path] = tensor[..., np.arange(after) % before, :] * tensor.dtype.type(before / after)
    if changed:
        how = "summed" if after == 1 else f"repeated and scaled by {before}/{after}"
        warnings.warn(
            f"the weights in {source} are for pictures of {counted(before, 'channel')}; for {after} the first kernel "
            f"({', '.join(changed)}) is {how}, and the constants of the normalization follow",
            stacklevel=5,
        )
    return tensors | changed


def _channels(config: Any, shape: Any) -> tuple[int, int]:
    """The channels of a configuration's pictures and those of another shape; equal ones where there are no pictures."""
    own: tuple[Any, ...] = getattr(config, "input_shape", ())
    if shape is None or len(own) != 3 or len(shape) != 3:
        return 0, 0
    return own[-1], shape[-1]
