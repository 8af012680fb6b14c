"""How the networks with strengths are trained, and fine-tuned after pruning."""

from __future__ import annotations

from typing import Any

from zoo.models.recipe import Recipe

_COMMON: dict[str, Any] = {
    "dataset": "cifar10",
    "optimizer": "sgd",
    "decay_kind": "l2",
    "decay_exclude": ("bias", "gamma", "beta", "strength"),
    "augmentation": ("pad_crop", "flip"),
}


def _short(epochs: int, learning_rate: float, **fields: Any) -> Recipe:
    """One cycle of the learning rate, for a few epochs on a CPU."""
    return Recipe(
        epochs=epochs, batch_size=128, learning_rate=learning_rate, weight_decay=5e-4, **{**_COMMON, **fields}
    )


def _slimming(strength_l1: float) -> Recipe:
    """The published recipe of network slimming, which this paper extends; not run here."""
    return Recipe(
        epochs=160,
        batch_size=64,
        learning_rate=0.1,
        schedule="step",
        milestones=(80, 120),
        weight_decay=1e-4,
        overrides={"strength_l1": strength_l1},
        **_COMMON,
    )


# The penalty can move a strength by weight * sum(rates) / (1 - momentum) = 1.6 in 30 epochs; strengths begin at 0.1 to
# 0.3. Half or double the weight is worth a trial.
STRENGTH_L1 = 3e-4

RECIPES = {
    "synaptic_dense_vgg16_narrow_cifar10": _short(30, 0.1),
    # Proximal steps move a scale by threshold * sum(rates) = 2.6, and scales begin at 1.
    "synaptic_slimming_vgg16_narrow_cifar10": _short(30, 0.1, proximal={"gamma": 5e-3}),
    "synaptic_tiny_cifar10": _short(8, 0.1, overrides={"strength_l1": STRENGTH_L1}),
    "synaptic_vgg16_narrow_cifar10": _short(30, 0.1, overrides={"strength_l1": STRENGTH_L1}),
    # The learning rate goes up to where it was before pruning (Renda, Frankle and Carbin, ICLR 2020).
    "synaptic_vgg16_narrow_p90_cifar10": _short(15, 0.1, needs_start=True),
    "synaptic_vgg16_narrow_p96_cifar10": _short(30, 0.1, needs_start=True),
    "synaptic_vgg16_narrow_compact_cifar10": _short(30, 0.05, needs_start=True),
    "synaptic_vgg16_cifar10": _slimming(1e-4),
    "synaptic_vgg19_cifar10": _slimming(1e-4),
    "synaptic_resnet18_cifar10": _slimming(1e-5),
    "synaptic_resnet20_cifar10": _slimming(1e-5),
    "synaptic_resnet56_cifar10": _slimming(1e-5),
    "synaptic_densenet40_cifar10": _slimming(1e-5),
}
