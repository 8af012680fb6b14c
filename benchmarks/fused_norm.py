"""Whether TensorFlow's fused batch normalization, or filling thin channels, makes training without XLA faster.

    KERAS_BACKEND=tensorflow python benchmarks/fused_norm.py [--model NAME] [--batch 128] [--rounds 7] [--quick]

Processor time of one step of the network with XLA, without it, and without it but with TensorFlow's fused kernel in the
place of each batch normalization, in turns; medians, and the largest difference of the losses. Below, forward and
backward of one 3x3 convolution, thin and with twice the channels, which is four times the arithmetic.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import zoo


class Fused(keras.layers.BatchNormalization):
    """Keras' layer with TensorFlow's fused kernel in training, for maps with channels last."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not training:
            return super().call(inputs, training=training, mask=mask)
        scale, offset = (keras.ops.convert_to_tensor(weight) for weight in (self.gamma, self.beta))
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(inputs, scale, offset, epsilon=self.epsilon)[:3]
        count = tf.cast(tf.size(inputs) // inputs.shape[-1], variance.dtype)
        biased = variance * (count - 1) / count  # the kernel gives the unbiased estimate, Keras keeps the biased one
        for average, value in ((self.moving_mean, mean), (self.moving_variance, biased)):
            average.assign(average * self.momentum + value * (1 - self.momentum))
        return outputs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="lpsc_plain_resnet20_cifar10")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="one round of a small batch, to see that it runs")
    options = parser.parse_args()
    if keras.backend.backend() != "tensorflow":
        parser.error("Expected the backend TensorFlow: set KERAS_BACKEND=tensorflow.")
    batch, rounds = (8, 1) if options.quick else (options.batch, options.rounds)
    steps = {
        "with XLA": trained(options.model, batch, xla=True),
        "without XLA": trained(options.model, batch),
        "without XLA, fused": trained(options.model, batch, fused=True),
    }
    losses, found = measure(steps, rounds)
    apart = max(float(np.max(np.abs(np.subtract(row, losses["without XLA"])))) for row in losses.values())
    show(f"{options.model}, a step of {batch}; losses of {rounds + 1} steps differ by at most {apart:.1e}", found)
    pairs = {(16, 32): "16 channels, 32x32", (32, 32): "32, 32x32", (32, 16): "32, 16x16", (64, 16): "64, 16x16"}
    convolutions = {name: convolution(batch, *sizes) for sizes, name in pairs.items()}
    show("one convolution, forward and backward", measure(convolutions, rounds)[1])


def trained(name: str, batch: int, *, fused: bool = False, xla: bool = False) -> Callable[[], Any]:
    """A training step; each model begins with the same weights and sees the same batch."""
    keras.utils.set_random_seed(0)
    model = zoo.build(name)
    if fused:
        weights = model.get_weights()
        model = keras.models.clone_model(model, clone_function=_fused)
        model.set_weights(weights)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=xla)
    x = np.random.default_rng(0).integers(0, 256, (batch, *model.input_shape[1:])).astype("float32")
    return lambda: model.train_on_batch(x, np.arange(batch) % model.output_shape[-1])


def _fused(layer: keras.Layer) -> keras.Layer:
    kind = Fused if type(layer) is keras.layers.BatchNormalization else type(layer)
    return kind.from_config(layer.get_config())


def convolution(batch: int, channels: int, side: int) -> Callable[[], Any]:
    """Gradients of a 3x3 convolution by maps and kernel."""
    x, kernel = tf.random.normal((batch, side, side, channels)), tf.random.normal((3, 3, channels, channels))

    @tf.function
    def step(x: Any, kernel: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            total = tf.reduce_sum(tf.nn.conv2d(x, kernel, 1, "SAME") ** 2)
        return tape.gradient(total, [x, kernel])

    return lambda: step(x, kernel)


def measure(steps: Mapping[str, Callable[[], Any]], rounds: int) -> tuple[dict[str, list[Any]], dict[str, float]]:
    """What each step gives, round by round, and the median of its processor time in milliseconds; in turns."""
    given: dict[str, list[Any]] = {name: [step()] for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            start = time.process_time()
            given[name].append(step())
            times[name].append(1e3 * (time.process_time() - start))
    return given, {name: statistics.median(values) for name, values in times.items()}


def show(title: str, found: Mapping[str, float]) -> None:
    """Prints milliseconds, and each as a multiple of the first."""
    print(title)
    first = next(iter(found.values()))
    for name, value in found.items():
        print(f"  {name:24}{value:9.1f} ms  {value / first:5.2f}")


if __name__ == "__main__":
    main()
