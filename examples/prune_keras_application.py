"""A network of keras.applications made smaller, and written for serving.

    python examples/prune_keras_application.py [--ratio 0.5] [--export] [--smoke]

The convolutions of VGG16 with a new head, and random weights, for nothing is downloaded here; put `weights="imagenet"`
and your own fine-tuning where the comments say. Of each convolution the share `--ratio` of its channels is pruned: the
network after `compress` has that many fewer, in stock layers, so that every runtime is faster with it.
"""

from __future__ import annotations

import argparse
import os
import sys

import zoo

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # with zoo above: TensorFlow's start-up lines stay off the terminal

import keras
import numpy as np


def main(arguments: list[str] | None = None) -> None:
    """Prunes channels, builds the smaller network, compares the two."""
    parser = argparse.ArgumentParser(description="Prune a network of keras.applications.")
    parser.add_argument("--ratio", type=float, default=0.5, help="of the channels (default: %(default)s)")
    parser.add_argument("--export", action="store_true", help="also write an ONNX file, compared with the network")
    parser.add_argument("--smoke", action="store_true", help="the first four convolutions alone")
    options = parser.parse_args(arguments)
    if options.smoke:
        print("smoke run: it shows that this works, and its numbers mean nothing", file=sys.stderr)
    keras.utils.set_random_seed(0)
    size = 32 if options.smoke else 96
    body = keras.applications.VGG16(weights=None, include_top=False, input_shape=(size, size, 3))  # weights="imagenet"
    last = body.get_layer("block2_pool" if options.smoke else "block5_pool").output
    pooled = keras.layers.GlobalAveragePooling2D(name="pooled")(last)
    plain = keras.Model(body.input, keras.layers.Dense(10, name="head")(pooled), name="vgg16")
    # Train the head here, with plain.compile and plain.fit.
    model = zoo.compression.to_synaptic(plain)  # the same outputs; every convolution has a mask
    filters = {layer.name: layer.filters for layer in plain.layers if isinstance(layer, keras.layers.Conv2D)}
    keep = {name: max(1, round(count * (1 - options.ratio))) for name, count in filters.items()}
    zoo.compression.prune_channels(model, keep)
    # Fine-tune here, with model.compile and model.fit: masks are weights and stay.
    small = zoo.compression.compress(model, "compact")
    images = 255 * np.random.default_rng(0).random((4, size, size, 3)).astype("float32")
    pruned, built = model.predict(images, verbose=0), small.predict(images, verbose=0)
    difference = np.abs(pruned - built).max() / np.abs(pruned).max()
    print(f"channels: {sum(filters.values()):,} before, {sum(keep.values()):,} after")
    print(f"numbers: {plain.count_params():,} before, {small.count_params():,} after")
    print(f"the pruned network and the smaller one differ by {difference:.1g} of the largest output")
    if options.export:
        print("written:", zoo.export(small, "exports", name="small_vgg16", format="onnx"))


if __name__ == "__main__":
    main()
