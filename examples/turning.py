"""A digit turned through 360 degrees: the logits of E4-Net and of a plain network of the same size.

    python examples/turning.py [--data DIR] [--out out/turning.png] [--epochs 12] [--smoke]

The plain network is trained first, on the training images that E4-Net has learned from, which lie in all positions; so
it has seen turned digits, too, for fewer epochs than E4-Net: the picture says how many. Printed is how much the logits
change under exact quarter turns of the shipped digits, and how often the answer stays. Beside the picture there is one
for dark pages, whose name ends in `-dark`. `--smoke` needs no data: the plain network stays untrained.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from pathlib import Path

import zoo

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # with zoo above: TensorFlow's start-up lines stay off the terminal

import keras
import numpy as np

FOLDER = Path(__file__).parent / "images" / "mnistrot"
DIGIT = "digit_38.png"
NAME = "e4net_mnistrot"


def plain_network(width: int = 20) -> keras.Model:
    """Seven convolutions as E4-Net has them, with ordinary kernels."""
    inputs = x = keras.Input((28, 28, 1))
    x = keras.layers.Rescaling(1 / 255)(x)
    for number in range(6):
        x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
        if number in (1, 3):
            x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Dense(10)(keras.layers.GlobalMaxPooling2D()(x))
    return keras.Model(inputs, x, name="plain")


def trained(data: str | None, epochs: int) -> keras.Model:
    """The plain network after so many epochs on the images that E4-Net has learned from."""
    images, labels = zoo.datasets.load("mnist_rot", zoo.card(NAME).dataset["split"], data=data)
    keras.utils.set_random_seed(0)
    model = plain_network()
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs * len(images) // 100)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    model.fit(images, labels, batch_size=100, epochs=epochs, verbose=0)
    test = zoo.datasets.load("mnist_rot", "test", data=data)
    print(f"plain network: {100 * (1 - model.evaluate(*test, batch_size=500, verbose=0)[1]):.2f} % test error")
    return model


def main(arguments: list[str] | None = None) -> None:
    """Trains, measures and draws."""
    parser = argparse.ArgumentParser(description="Turn a digit through 360 degrees.")
    parser.add_argument("--data", help="folder with the data sets (default: ZOO_DATA)")
    parser.add_argument("--out", type=Path, default=Path("out/turning.png"), help="picture (default: %(default)s)")
    parser.add_argument("--digit", type=Path, default=FOLDER / DIGIT, help="image file (default: a shipped one)")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--smoke", action="store_true", help="an untrained plain network, to see that it runs")
    options = parser.parse_args(arguments)
    if options.smoke:
        print("smoke run: it shows that this works, and its numbers mean nothing", file=sys.stderr)
    digit = zoo.datasets.read_images([options.digit], (28, 28, 1))[0]
    plain = plain_network() if options.smoke else trained(options.data, options.epochs)
    epochs = {"E4-Net": zoo.card(NAME).recipe["epochs"], "plain network": 0 if options.smoke else options.epochs}
    models = {
        f"{kind}, {epochs[kind]} epochs": model
        for kind, model in (("E4-Net", zoo.load(NAME)), ("plain network", plain))
    }
    sizes = {name: sum(math.prod(one.shape) for one in model.trainable_weights) for name, model in models.items()}
    print("; ".join(f"{name}: {size:,} parameters" for name, size in sizes.items()))

    files = sorted(FOLDER.glob("*.png"))[: 4 if options.smoke else None]
    images = zoo.datasets.read_images(files, (28, 28, 1))
    for name, model in models.items():
        here, turned = (model.predict(given, verbose=0) for given in (images, np.rot90(images, axes=(1, 2))))
        print(f"{name}: a quarter turn changes a logit by {np.abs(here - turned).max():.2g} at most")
    whole = np.concatenate([zoo.visual.turned(image) for image in images])
    for name, model in models.items():
        answers = model.predict(whole, batch_size=288, verbose=0).argmax(axis=-1).reshape(len(images), -1)
        same = (answers == answers[:, :1]).mean()
        print(f"{name}: the answer for the upright digit in {same:.1%} of {answers.shape[1]} positions")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    for theme, path in (("light", options.out), ("dark", options.out.with_stem(f"{options.out.stem}-dark"))):
        with zoo.visual.theme(theme):
            zoo.visual.plot_turning(digit, models, path=path)
    print(f"picture: {options.out}")
    if not options.smoke:
        plain.save(options.out.with_suffix(".keras"))


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:  # such as a path that is not there
        sys.exit(f"{Path(__file__).name}: {error}")
