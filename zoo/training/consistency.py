"""A recipe's field `consistency`: checked, and turned into the model that trains with pairwise consistency."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import keras

from zoo._suggestions import did_you_mean
from zoo.datasets import MIXERS
from zoo.losses import ErasePolicy
from zoo.models.recipe import Recipe
from zoo.training.pairwise import PairwiseConsistency
from zoo.training.strategies import Strategy

_POLICY = {field.name for field in fields(ErasePolicy)}
_LOSS = {"kind", "temperature", "target_weight", "other_weight", "margin"}
_WRAPPER = {"consistency_weight", "erased_ce_weight", "stop_gradient_original", "erased_bn", "soft_labels"}
_PARTS = {"warmup": "warmup_steps", "ramp": "ramp_steps"}


def wrap(model: keras.Model, recipe: Recipe, *, steps: int, seed: int = 0) -> keras.Model:
    """The model that `fit` trains: the model itself where a recipe's `consistency` is empty, else the wrapper.

    Args:
        model: what is trained.
        recipe: its `consistency` has arguments of `ErasePolicy`, `PairwiseConsistencyLoss` (`top` goes to both) and
            `PairwiseConsistency` in one mapping; `warmup` and `ramp` are fractions of all steps.
        steps: of the whole run.
        seed: of the run.

    Returns:
        One of the two.

    Raises:
        ValueError: an unknown argument, or a model without a head on averaged features.
    """
    if not recipe.consistency:
        return model
    given = check_consistency(recipe)
    policy = {name: given[name] for name in _POLICY & given.keys()}
    loss = {name: given[name] for name in (_LOSS | {"top"}) & given.keys()}
    chosen = {name: given[name] for name in _WRAPPER & given.keys()}
    chosen |= {name: round(given.get(part, 0.0) * steps) for part, name in _PARTS.items()}
    return PairwiseConsistency(model, policy=policy, loss=loss, seed=seed, **chosen)


def check_consistency(recipe: Recipe) -> dict[str, Any]:
    """The recipe's `consistency`, if it can be meant.

    Raises:
        ValueError: an unknown argument, or labels that the augmentation mixes.
    """
    given = dict(recipe.consistency)
    known = sorted(_POLICY | _LOSS | _WRAPPER | _PARTS.keys())
    unknown = sorted(given.keys() - set(known))
    if unknown:
        hint = did_you_mean(unknown[0], known)
        raise ValueError(f"Unknown argument of consistency: {', '.join(unknown)}.{hint} They are {', '.join(known)}.")
    mixers = [name for name in recipe.augmentation if name in MIXERS]
    if mixers and given.get("soft_labels") != "argmax":
        raise ValueError(
            f"Pairwise consistency needs hard labels, and {', '.join(mixers)} mixes them: leave it out, or set "
            "consistency's soft_labels to 'argmax'."
        )
    return given


def one_device(recipe: Recipe, devices: Strategy, *, chosen: bool) -> Strategy:
    """Where a recipe with `consistency` is trained: on one device of one process.

    Args:
        recipe: with a `consistency`.
        devices: what there is.
        chosen: whether somebody asked for these devices.

    Returns:
        The strategy `single`.

    Raises:
        ValueError: several processes, several devices that were asked for, or a `consistency` that cannot be meant.
    """
    check_consistency(recipe)
    if devices.processes > 1 or (chosen and devices.name != "single"):
        raise ValueError(
            f"Pairwise consistency trains on one device; got the strategy {devices.name!r}. Use strategy='single' "
            "(--strategy single)."
        )
    if devices.name == "single":
        return devices
    single = Strategy()
    single.devices = f"one device of {devices.replicas}, as pairwise consistency does"
    return single
