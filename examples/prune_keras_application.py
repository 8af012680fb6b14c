"""A network of keras.applications made smaller, and written for serving.

    python examples/prune_keras_application.py [--ratio 0.5] [--export] [--smoke]

MobileNetV2 with random weights, for nothing is downloaded here; put `weights="imagenet"` and your own fine-tuning
where the comment says. What is pruned and how the outputs stay the same does not depend on the weights. The network
after `compress` has fewer channels and stock layers only, so that every runtime is faster with it.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import zoo


def main(arguments: list[str] | None = None) -> None:
    """Prunes channels, builds the smaller network, compares the two."""
    parser = argparse.ArgumentParser(description="Prune a network of keras.applications.")
    parser.add_argument("--ratio", type=float, default=0.5, help="of the connections (default: %(default)s)")
    parser.add_argument("--export", action="store_true", help="also write an ONNX file, compared with the network")
    parser.add_argument("--smoke", action="store_true", help="a smaller network")
    options = parser.parse_args(arguments)
    keras.utils.set_random_seed(0)
    size, alpha = (32, 0.35) if options.smoke else (96, 1.0)
    plain = keras.applications.MobileNetV2(
        weights=None, alpha=alpha, input_shape=(size, size, 3), classes=10, classifier_activation=None
    )
    model = zoo.compression.to_synaptic(plain)  # the same outputs; every ordinary convolution has a mask
    print(zoo.compression.prune(model, options.ratio, scope="layer"))
    # Fine-tune here, with model.compile and model.fit: masks are weights and stay.
    small = zoo.compression.compress(model, "compact")
    images = np.random.default_rng(0).random((4, size, size, 3)).astype("float32")
    difference = np.abs(model.predict(images, verbose=0) - small.predict(images, verbose=0)).max()
    print(
        f"{plain.count_params():,} numbers before, {small.count_params():,} after; outputs differ by {difference:.1g}"
    )
    if options.export:
        print("written:", zoo.export(small, "exports", name="small_mobilenet", format="onnx"))


if __name__ == "__main__":
    main()
