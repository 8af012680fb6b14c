"""Models that zoo does not know, trained by a recipe file: `python -m tests.training.own MODEL FOLDER` is slow."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

RECIPE = """\
# three epochs of four steps
epochs: 3
batch_size: 8
optimizer: sgd
learning_rate: 1e-2
schedule: constant
ema: 0.9
augmentation: [flip]
"""
CLASSES = ("bright", "dark", "grey")


def mobilenet() -> keras.Model:
    """Of keras.applications, its weights drawn by a seed; ends in a softmax."""
    keras.utils.set_random_seed(5)
    return keras.applications.MobileNet(alpha=0.25, input_shape=(32, 32, 3), weights=None, classes=3)


def sequential() -> keras.Model:
    """With dropout and batch statistics, under Keras' automatic names."""
    keras.utils.set_random_seed(6)
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, strides=2),
            keras.layers.BatchNormalization(),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


MODELS = {"mobilenet": mobilenet, "sequential": sequential}


def data(side: int) -> Any:
    """Forty pictures of three shades."""
    from zoo.datasets import DataSet

    labels = np.arange(40) % 3
    images = (
        np.random.default_rng(0).integers(0, 60, (40, side, side, 3))
        + np.array([190, 0, 90])[labels][:, None, None, None]
    )
    parts = [(images[part].astype("uint8"), labels[part]) for part in (slice(0, 32), slice(32, 40))]
    return DataSet(train=parts[0], validation=parts[1], classes=CLASSES)


class Recorder(keras.callbacks.Callback):
    """Counts as a tracker of experiments would, and says its state."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self.losses: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.steps += 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.losses.append(logs["val_loss"])

    def get_state(self) -> dict[str, Any]:
        return {"steps": self.steps, "losses": self.losses}

    def set_state(self, state: dict[str, Any]) -> None:
        self.steps, self.losses = state["steps"], list(state["losses"])


def run(name: str, folder: Path) -> tuple[Path, list[Any]]:
    """Trains, or goes on; gives the run and its callbacks."""
    import zoo

    folder.parent.mkdir(parents=True, exist_ok=True)
    recipe = folder.parent / "recipe.yaml"
    recipe.write_text(RECIPE)
    model = MODELS[name]()
    callbacks = [Recorder(), keras.callbacks.EarlyStopping("val_loss", patience=50, restore_best_weights=True)]
    path = zoo.train(
        model,
        out=folder,
        recipe=recipe,
        data=data(model.input_shape[1]),
        callbacks=callbacks,
        settings=zoo.training.RunSettings(checkpoint_steps=3, xla=False, strategy="single", progress=False),
    )
    return path, callbacks


def main(name: str, folder: str) -> None:
    if os.environ["KERAS_BACKEND"] == "torch":
        import torch  # noqa: F401  (before TensorFlow, as in tests/conftest.py)
    if os.environ["KERAS_BACKEND"] == "jax":
        from tests.jax_draws import draw_by_numpy

        draw_by_numpy()  # the same first weights as in the test's own process
    from tests.training.killed import STEP_SECONDS, slow_down
    from zoo.training.batches import TrainingBatches

    slow_down(TrainingBatches, "__getitem__", STEP_SECONDS)
    run(name, Path(folder))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
