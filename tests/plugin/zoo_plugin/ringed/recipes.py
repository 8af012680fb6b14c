from __future__ import annotations

from zoo.models.recipe import Recipe

RECIPES = {
    "ringed_rings": Recipe(
        dataset="rings",
        epochs=2,
        batch_size=32,
        learning_rate=0.03,
        augmentation=("mirror",),
        augmentation_options={"mirror": {"share": 0.25}},
    )
}
