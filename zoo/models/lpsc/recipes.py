"""How the shipped LPSC networks and their plain counterparts are trained."""

from __future__ import annotations

from zoo.models.recipe import Recipe


def _cifar(weight_decay: float) -> Recipe:
    """The authors' optimizer, batch, decay and augmentation, with one cycle of 30 epochs for their 164."""
    return Recipe(
        dataset="cifar10",
        epochs=30,
        batch_size=128,
        optimizer="sgd",
        learning_rate=0.1,
        momentum=0.9,
        weight_decay=weight_decay,
        decay_kind="l2",
        decay_exclude=(),
        augmentation=("pad_crop", "flip"),
    )


RECIPES = {
    "lpsc_resnet20_cifar10": _cifar(1e-4),
    "lpsc_cc_resnet20_cifar10": _cifar(1e-4),
    "lpsc_plain_resnet20_cifar10": _cifar(1e-4),
    "lpsc_tiny_cifar10": _cifar(1e-4).with_epochs(8),
    "lpsc_vgg11_bn_half_cifar10": _cifar(5e-4),
    "lpsc_plain_vgg11_bn_half_cifar10": _cifar(5e-4),
}
