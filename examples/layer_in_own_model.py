"""A layer of zoo in a model of your own: a network whose answer does not change when the picture is turned.

    python examples/layer_in_own_model.py [--epochs 60] [--smoke]

Lifting and group convolutions in an ordinary functional Keras model, trained on the forty shipped digits.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from pathlib import Path

import zoo

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # with zoo above: TensorFlow's start-up lines stay off the terminal

import keras
import numpy as np

from zoo.layers import GBatchNormalization, GConv2D, GroupPooling, LiftingConv2D

IMAGES = Path(__file__).parent / "images" / "mnistrot"


def network(width: int = 8) -> keras.Model:
    """Three convolutions on the group p4: quarter turns."""
    inputs = keras.Input((28, 28, 1))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = LiftingConv2D(width, 3, group="p4", name="lifting")(x)
    for number in (1, 2):
        x = GConv2D(width, 3, group="p4", name=f"conv{number}")(x)
        x = GBatchNormalization(group="p4", name=f"norm{number}")(x)
        x = keras.layers.ReLU(name=f"relu{number}")(x)
        x = keras.layers.MaxPooling2D(name=f"pool{number}")(x)
    x = GroupPooling(group="p4", name="pooling")(x)
    x = keras.layers.GlobalMaxPooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(10, name="head")(x), name="mine")


def main(arguments: list[str] | None = None) -> None:
    """Trains a little, and turns the pictures."""
    parser = argparse.ArgumentParser(description="Use zoo's layers in a Keras model.")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--smoke", action="store_true", help="one epoch")
    options = parser.parse_args(arguments)
    if options.smoke:
        print("smoke run: it shows that this works, and its numbers mean nothing", file=sys.stderr)
    keras.utils.set_random_seed(0)
    with open(IMAGES / "labels.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    x = zoo.datasets.read_images([IMAGES / row["file"] for row in rows], (28, 28, 1))
    y = np.array([int(row["label"]) for row in rows])
    model = network()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"], jit_compile=False)
    history = model.fit(x, y, batch_size=20, epochs=1 if options.smoke else options.epochs, verbose=0)
    turned = np.rot90(x, axes=(1, 2))
    change = np.abs(model.predict(x, verbose=0) - model.predict(turned, verbose=0)).max()
    accuracy = history.history["accuracy"][-1]
    print(f"accuracy on the forty digits, which it learns from: {accuracy:.0%} after {len(history.epoch)} epochs")
    print(f"a quarter turn changes the logits by {change:.1g} at most")


if __name__ == "__main__":
    main()
