"""How the weights of convolutional networks begin. A new one at each call: one serves one variable only."""

from __future__ import annotations

from keras import initializers


def he_fan_out() -> initializers.Initializer:
    """Normal with variance 2 / (kh kw Cout); for a log-polar layer 2 / (R Cout)."""
    return initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")


def torch_default() -> initializers.Initializer:
    """Uniform within 1 / sqrt(fan in), as torch's convolutions begin."""
    return initializers.VarianceScaling(1 / 3, "fan_in", "uniform")


def torch_bias(fan_in: int) -> initializers.Initializer:
    """The same bounds for a bias, whose shape does not tell the fan."""
    return initializers.RandomUniform(-(fan_in**-0.5), fan_in**-0.5)
