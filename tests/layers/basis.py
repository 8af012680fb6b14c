"""A basis that applies its own filters, so that its output has the batch that a layer's contract is about."""

from __future__ import annotations

from typing import Any

import keras

from zoo.layers import SharedFilterBasis


@keras.saving.register_keras_serializable(package="tests")
class AppliedBasis(SharedFilterBasis):
    """Convolves its input with its filters."""

    def call(self, inputs: Any) -> Any:
        kernel = keras.ops.cast(super().call(inputs), self.compute_dtype)
        return keras.ops.conv(keras.ops.cast(inputs, self.compute_dtype), kernel, padding="same")

    def compute_output_spec(self, inputs: Any) -> Any:
        return keras.KerasTensor((*inputs.shape[:-1], self.filters), dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> Any:
        return (*input_shape[:-1], self.filters)
