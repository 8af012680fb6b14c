"""Dropout that respects the group."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers._group import GroupLayer
from zoo.math.values import Tensor, check_number, check_seed


@keras.saving.register_keras_serializable(package="zoo")
class GDropout(GroupLayer):
    """Drops all n orientations of a field together.

        out[b, x, c, g] = in[b, x, c, g] * keep[b, x, c] / (1 - rate)

    An ordinary `Dropout` drops single orientations, so that a training step is not equivariant even on average over
    positions. With `spatial=True` whole fields are dropped (keep[b, c]): then every single step is exactly equivariant.

    Args:
        rate: fraction dropped in training, in [0, 1).
        group: `"p4"` (n = 4) or `"p4m"` (n = 8).
        spatial: drop a field everywhere or nowhere.
        seed: seed of the random numbers.
        data_format: `"channels_last"`; None takes the one Keras is set to, and refuses another.

    Input and output shape: (B, H, W, C * n), channel index = field * n + element.

    Raises:
        ValueError: rate outside [0, 1), unknown group, channels that are no multiple of n.

    Example:
        >>> GDropout(0.2, "p4")(keras.ops.ones((2, 7, 7, 64)), training=True).shape
        (2, 7, 7, 64)

    Source: Srivastava et al., Dropout, JMLR 2014; the sharing over the group is ours.
    """

    identity_in_inference = True

    def __init__(
        self, rate: float, group: str = "p4", *, spatial: bool = False, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(group, **kwargs)
        self.rate = check_number("rate", rate, least=0, below=1)
        self.spatial = spatial
        self.seed = check_seed(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed) if rate else None

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Checks that the channels are whole fields."""
        self.build_fields(input_shape)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Drops fields of feature maps (B, H, W, C * n) in training, else returns them as they are."""
        if not training or not self.rate:
            return inputs
        batch, height, width, channels = ops.shape(inputs)
        order = self.group.order
        fields = ops.reshape(inputs, (batch, height, width, channels // order, order))
        positions = (1, 1) if self.spatial else (height, width)
        noise_shape = (batch, *positions, channels // order, 1)
        dropped = keras.random.dropout(fields, self.rate, noise_shape=noise_shape, seed=self.seed_generator)
        return ops.reshape(dropped, (batch, height, width, channels))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the output for an input shape."""
        return input_shape

    def macs(self, input_shape: tuple[int, ...]) -> int:
        """No multiply-accumulates."""
        return 0

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        return {
            **super().get_config(),
            "rate": self.rate,
            "group": self.group.name,
            "spatial": self.spatial,
            "seed": self.seed,
        }
