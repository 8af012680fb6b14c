"""How the networks are trained: shortly by a recipe of ours, and as the authors did."""

from __future__ import annotations

from zoo.models.recipe import Recipe
from zoo.models.shared_basis.presets import PRESETS

_CIFAR10 = [preset.name for preset in PRESETS if preset.dataset == "cifar10"]


def _one_cycle(name: str) -> Recipe:
    """One recipe for shared and plain networks; what the penalty holds at unit norm is not decayed."""
    held = ("basis", "unique_kernel") if name.startswith("shared_basis_") else ()
    return Recipe(
        dataset="cifar10",
        epochs=30,
        batch_size=128,
        optimizer="sgd",
        learning_rate=0.2,
        schedule="one_cycle",
        warmup=0.2,
        weight_decay=5e-4,
        decay_kind="l2",
        decay_exclude=("bias", "gamma", "beta", *held),
        augmentation=("pad_crop", "flip"),
    )


def _faithful(name: str) -> Recipe:
    """The authors' settings, bases decayed and pulled to unit norm at once; kept is the last epoch, not the best."""
    return Recipe(
        dataset="cifar10",
        epochs=300,
        batch_size=256,
        optimizer="sgd",
        learning_rate=0.1,
        schedule="step",
        milestones=(150, 225),
        weight_decay=5e-4,
        decay_kind="l2",
        decay_exclude=(),
        augmentation=("pad_crop", "flip"),
        overrides={"reference_init": True},
    )


RECIPES = {name: _one_cycle(name) for name in _CIFAR10}
RECIPES["shared_basis_tiny_cifar10"] = RECIPES["shared_basis_tiny_cifar10"].with_epochs(8)

OTHER_RECIPES = {"faithful": {name: _faithful(name) for name in _CIFAR10}}
