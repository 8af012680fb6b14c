"""How the shipped E4-Nets were trained."""

from __future__ import annotations

from dataclasses import replace

from zoo.models.recipe import Recipe


def _one_cycle(epochs: int, dropout: float) -> Recipe:
    """Short training on randomly turned digits, with less dropout than the 199 epochs of the authors' recipe have."""
    return Recipe(
        dataset="mnist_rot",
        epochs=epochs,
        batch_size=64,
        learning_rate=0.01,
        weight_decay=0.01,
        augmentation=("rotate",),
        overrides={"dropout": dropout},
    )


def _affine(epochs: int) -> Recipe:
    """Longer training on digits that are stretched and sheared as well as turned; the average of the weights is kept.

    On validation data this does better than dropout: the networks fit their training images in either case.
    """
    return replace(
        _one_cycle(epochs, dropout=0.0),
        augmentation=("affine",),
        augmentation_options={"affine": {"scale": 0.06, "shear": 0.08}},
        ema=0.998,
    )


RECIPES = {
    "e4net_mnistrot": _one_cycle(40, dropout=0.0),
    "e4net_tiny_mnistrot": _one_cycle(8, dropout=0.0),
    "e4net_large_mnistrot": _one_cycle(24, dropout=0.1),
    "gcnn_mnistrot": _one_cycle(40, dropout=0.0),
}


def _elastic(epochs: int) -> Recipe:
    """As `affine`, with digits that are bent as well.

    By the recipe `affine` the loss on validation images rises while the network still learns its training images. Twice
    the bending, with stronger stretching and shearing, was too much for the smallest network: see docs/e4net.md.
    """
    strengths = {"scale": 0.06, "shear": 0.08, "elastic": 0.5}
    return replace(_affine(epochs), augmentation_options={"affine": strengths})


OTHER_RECIPES = {
    "affine": {name: _affine(62) for name in RECIPES},
    "elastic": {name: _elastic(62) for name in RECIPES},
    "affine_all": {name: replace(_affine(62), split="train+validation") for name in RECIPES},
}
