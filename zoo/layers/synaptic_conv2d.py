"""A convolution with one strength a connection."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.math.values import Tensor, check_choice, check_number, check_pair, check_whole

FORMS = ("parameter", "product")


@keras.saving.register_keras_serializable(package="zoo")
class SynapticConv2D(keras.layers.Conv2D):
    """Convolution whose connections, pairs of an input channel j and an output channel i, have strengths.

    With `form="parameter"` the strength is a weight of its own, and the kernel slice has a direction alone:

        K[:,:,j,i] = s[j,i] mask[j,i] V[:,:,j,i] / max(||V[:,:,j,i]||_2, norm_epsilon)

    With `form="product"` the connections of an input channel share a scale, the one that the batch normalization
    before this layer has otherwise, and the strength is a product:

        K[:,:,j,i] = g[j] mask[j,i] V[:,:,j,i],    s[j,i] = |g[j]| ||V[:,:,j,i]||_2

    Use normalizations without scale (`scale=False`) around it. A fresh layer computes what `Conv2D` with the same
    initializer computes. A connection is pruned where the mask is 0; `zoo.compression.prune` sets it, and training
    leaves it alone.

    Args:
        filters: output channels.
        kernel_size: as in `Conv2D`.
        form: `"parameter"` or `"product"`.
        strength_regularizer: penalty on the absolute strengths (Cin, Cout), for example
            `zoo.losses.StrengthSparsity(1e-4)`.
        nonneg: keep the strengths (the scales) from becoming negative.
        norm_epsilon: floor under the norm of a direction.
        **kwargs: those of `Conv2D`, without `groups` and LoRA; the kernel's initializer, regularizer and constraint
            are the direction's.

    Input shape: (B, H, W, Cin). Output shape: that of `Conv2D`. Weights: `direction` (k, k, Cin, Cout); `strength`
    (Cin, Cout) or, in product form, `scale` (Cin,); `mask` (Cin, Cout), not trained; `bias` (Cout,) if used.

    Raises:
        ValueError: an unknown form, groups, LoRA, or a floor that is not positive.

    Example:
        >>> import numpy as np
        >>> layer = SynapticConv2D(8, 3, padding="same", use_bias=False, strength_regularizer="l1")
        >>> layer(np.zeros((2, 6, 6, 4), "float32")).shape[1:], [tuple(weight.shape) for weight in layer.weights]
        ((6, 6, 8), [(3, 3, 4, 8), (4, 8), (4, 8)])

    In parameter form the direction of a 1x1 kernel is a sign and gets no gradient; its strength does all.

    Source: C. Lin et al., Synaptic Strength For Convolutional Neural Network, NeurIPS 2018. The method section was not
    read: parameter form, L2 norm and free signs are our reading.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        *,
        form: str = "parameter",
        strength_regularizer: Any = None,
        nonneg: bool = False,
        norm_epsilon: float = 1e-12,
        **kwargs: Any,
    ) -> None:
        groups = kwargs.pop("groups", 1)
        if groups != 1 or kwargs.get("lora_rank") is not None:
            raise ValueError(
                f"Expected neither groups nor LoRA of a layer with strengths: leave `groups` and `lora_rank` out; got "
                f"groups={groups}, lora_rank={kwargs.get('lora_rank')}."
            )
        for name in ("strides", "dilation_rate"):
            if name in kwargs:
                kwargs[name] = check_pair(name, kwargs[name])
        super().__init__(check_whole("filters", filters), check_pair("kernel_size", kernel_size), **kwargs)
        self.form, self.nonneg = check_form(form), nonneg
        self.norm_epsilon = check_number("norm_epsilon", norm_epsilon, above=0)
        self.strength_regularizer = keras.regularizers.get(strength_regularizer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates directions, strengths and mask for the number of input channels."""
        axis = -1 if self.data_format == "channels_last" else 1
        channels = input_shape[axis]
        if channels is None:
            raise ValueError(
                f"Layer {self.name!r} expects a known number of channels; got the input shape {input_shape}."
            )
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={axis: channels})
        self.compute_output_shape(input_shape)  # refuses sizes below the kernel's
        # The arithmetic of norms stays in the variables' own precision: autocast=False.
        self.direction = self.add_weight(
            name="direction",
            shape=(*self.kernel_size, channels, self.filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            autocast=False,
        )
        constraint = "non_neg" if self.nonneg else None
        pairs = (channels, self.filters)
        if self.form == "parameter":
            self.strength = self.add_weight(
                name="strength",
                shape=pairs,
                initializer=self._norms_of_directions,
                regularizer=self.strength_regularizer,
                constraint=constraint,
                autocast=False,
            )
        else:
            self.scale = self.add_weight(
                name="scale", shape=(channels,), initializer="ones", constraint=constraint, autocast=False
            )
        self.mask = self.add_weight(name="mask", shape=pairs, initializer="ones", trainable=False, autocast=False)
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.filters,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """Convolves."""
        if self.form == "product" and self.strength_regularizer is not None:
            self.add_loss(self.strength_regularizer(self.strengths()))
        return super().call(inputs)

    @property
    def kernel(self) -> Tensor:
        """The kernel of the ordinary convolution that this layer is, (k, k, Cin, Cout), with pruned slices 0."""
        self._check_built("kernel")
        factors = self.strength / self._norms() if self.form == "parameter" else self.scale[:, None]
        return ops.cast(self.mask * factors * self.direction, self.compute_dtype)

    def plain_kernel(self, *, masked: bool = True) -> np.ndarray:
        """The kernel in double precision, computed in NumPy; with `masked=False` as if nothing were pruned."""
        self._check_built("plain_kernel")
        weights = {weight.name: np.asarray(ops.convert_to_numpy(weight), np.float64) for weight in self.weights}
        direction = weights["direction"]
        if self.form == "parameter":
            norms = np.maximum(np.sqrt(np.square(direction).sum((0, 1))), self.norm_epsilon)
            kernel = direction * (weights["strength"] / norms)
        else:
            kernel = direction * weights["scale"][:, None]
        return np.where(weights["mask"], kernel, 0.0) if masked else kernel

    def plain_strengths(self) -> np.ndarray:
        """The same as `strengths` in double precision, computed in NumPy."""
        if self.form == "parameter":
            return np.abs(np.asarray(ops.convert_to_numpy(self.strength), np.float64))
        return np.sqrt(np.square(self.plain_kernel(masked=False)).sum((0, 1)))

    def masked_variables(self) -> list[Any]:
        """The variables whose last two axes are connections: directions, strengths if they are weights, and mask."""
        return [self.direction, *([self.strength] if self.form == "parameter" else []), self.mask]

    def set_mask(self, mask: np.ndarray) -> None:
        """Prunes to these connections, bool (Cin, Cout): all that belongs to the others becomes exactly 0."""
        self.mask.assign(np.asarray(mask).astype("float32"))
        for variable in self.masked_variables()[:-1]:
            variable.assign(np.where(mask, ops.convert_to_numpy(variable), 0.0))

    def macs(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-accumulates for one sample: those of `Conv2D`, whatever is pruned."""
        positions = math.prod(self.compute_output_shape(input_shape)[1:]) // self.filters
        channels = input_shape[-1 if self.data_format == "channels_last" else 1]
        return positions * math.prod(self.kernel_size) * channels * self.filters

    def strengths(self) -> Tensor:
        """Absolute strengths of all connections, pruned or not, (Cin, Cout)."""
        self._check_built("strengths")
        if self.form == "parameter":
            return ops.abs(self.strength)
        return ops.abs(self.scale)[:, None] * self._norms()

    def _check_built(self, what: str) -> None:
        if not self.built:
            raise AttributeError(f"You must build the layer before accessing `{what}`: call it, or build(input_shape).")

    def _norms(self) -> Tensor:
        # The maximum of squares and not of roots: the slope of the root at 0 is infinite. In float16 the floor is 0.
        direction = ops.convert_to_tensor(self.direction)
        wide = ops.cast(direction, keras.backend.result_type(direction.dtype, "float32"))
        squares = ops.sum(ops.square(wide), axis=(0, 1))
        return ops.sqrt(ops.maximum(squares, self.norm_epsilon**2))

    def _norms_of_directions(self, shape: tuple[int, ...], dtype: Any = None) -> Tensor:
        return ops.cast(self._norms(), dtype or self.variable_dtype)

    def plain_config(self) -> dict[str, Any]:
        """Arguments of the `Conv2D` that computes the same, but for its name, `use_bias` and `trainable`."""
        stock = keras.layers.Conv2D(self.filters, self.kernel_size).get_config()
        own = self.get_config()
        dropped = {"name", "use_bias", "trainable"} | {key for key in stock if key.startswith(("kernel_r", "kernel_c"))}
        return {key: own[key] for key in stock if key in own and key not in dropped}

    def enable_lora(self, *_: Any, **__: Any) -> None:
        """Refused: the kernel is made of directions and strengths.

        Raises:
            ValueError: always.
        """
        raise ValueError("A layer with strengths takes no LoRA: train its strengths alone instead.")

    def save_own_variables(self, store: Any) -> None:
        """Stores all weights, as any other layer does."""
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store: Any) -> None:
        """Reads all weights, as any other layer does."""
        keras.layers.Layer.load_own_variables(self, store)

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        config = super().get_config()
        config.pop("groups")
        return config | {
            "form": self.form,
            "strength_regularizer": keras.regularizers.serialize(self.strength_regularizer),
            "nonneg": self.nonneg,
            "norm_epsilon": self.norm_epsilon,
        }


def check_form(form: str) -> str:
    """The form, one of `FORMS`; a ValueError for another word."""
    return check_choice("form", form, FORMS)
