"""A learning rate of its own for each layer, around any optimizer of Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from zoo import _keras
from zoo.math.values import check_number
from zoo.optimizers._rates import find_rates

_COMMON = (
    *("weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema", "ema_momentum"),
    *("ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps"),
)
"""What every optimizer of Keras does around the step itself: here the wrapper does it."""


@keras.saving.register_keras_serializable(package="zoo")
class LayerWise(keras.optimizers.Optimizer):
    """Another optimizer, whose learning rate is multiplied by a factor for each variable.

        rate of a variable = rate * product of its multipliers * layer_decay ** (groups after its own)

    Everything else is what the other optimizer does: steps, schedule, clipping, moving averages, accumulation. Its
    weight decay, which goes with the rate, goes with the variable's own rate. It saves and loads with the model.

    Groups of layers follow each other from the input to the output; the last one, the head, has the full rate. By
    default a group is what the names of layers begin with, up to the first number: `stem`, `stage1`, `stage2`, ...,
    `head` in zoo's models, `conv2`, `conv3`, ... in a ResNet of `keras.applications`, and each layer in a model without
    names of its own.

    Args:
        optimizer: an optimizer of Keras that has not trained yet, or its name.
        multipliers: factors by words; a variable has those of all words in its path (`"stage1_block2_conv1/kernel"`).
            0 keeps variables as they are.
        layer_decay: factor from one group of layers to the one before it, in (0, 1], as 0.75.
        groups: words in the paths of the groups, from the input to the output, where the names do not tell.
        name: of the optimizer.

    Raises:
        TypeError: no optimizer.
        ValueError: one that has trained, a factor below 0, and, when the variables are known, a word that is in no
            path or variables in no group.

    Example:
        >>> import zoo
        >>> model = zoo.build("resnet32_cifar10", num_classes=3)
        >>> optimizer = zoo.optimizers.LayerWise(keras.optimizers.AdamW(1e-3), {"head": 3.0}, layer_decay=0.75)
        >>> model.compile(optimizer, loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        >>> optimizer.build(model.trainable_variables)
        >>> {path.split("_")[0].split("/")[0]: round(rate, 3) for path, rate in optimizer.rates().items()}
        {'stem': 0.316, 'stage1': 0.422, 'stage2': 0.562, 'stage3': 0.75, 'head': 3.0}
    """

    def __init__(
        self,
        optimizer: Any,
        multipliers: Mapping[str, float] | None = None,
        *,
        layer_decay: float | None = None,
        groups: Sequence[str] = (),
        name: str | None = None,
    ) -> None:
        optimizer = keras.optimizers.get(optimizer) if isinstance(optimizer, str) else optimizer
        if not isinstance(optimizer, keras.optimizers.Optimizer) or hasattr(optimizer, "inner_optimizer"):
            raise TypeError(
                f"Expected an optimizer such as keras.optimizers.AdamW(1e-3); got {type(optimizer).__name__}. A "
                "LossScaleOptimizer goes around this one."
            )
        if optimizer.built:
            raise ValueError(f"{optimizer.name!r} has been built for a model already: pass a new one.")
        if layer_decay is not None:
            check_number("layer_decay", layer_decay, above=0, most=1)
        if isinstance(groups, str):
            raise ValueError(f"Expected groups as a list of words; got {groups!r}.")
        factors = {word: float(factor) for word, factor in (multipliers or {}).items()}
        if not all(0 <= factor < float("inf") for factor in factors.values()):
            raise ValueError(f"Expected factors of at least 0; got {factors}.")
        rate = _keras.rate_or_schedule(optimizer)
        common = {key: getattr(optimizer, key) for key in _COMMON}
        super().__init__(learning_rate=rate, name=name or f"layer_wise_{optimizer.name}", **common)
        self.multipliers, self.layer_decay, self.groups = factors, layer_decay, tuple(groups)
        self.inner_optimizer = optimizer
        self._decay, self.weight_decay = common["weight_decay"], None
        optimizer.use_ema, optimizer.gradient_accumulation_steps = False, None  # the wrapper's variables serve

    def build(self, variables: list[Any]) -> None:
        """Finds the factors, and makes the variables of both optimizers."""
        if self.built:
            return
        self._rates = find_rates([v.path for v in variables], self.multipliers, self.layer_decay, self.groups)
        inner = self.inner_optimizer
        _keras.share_count(self, inner)  # Adam corrects by it
        inner.build(variables)
        inner.gradient_accumulation_steps = self.gradient_accumulation_steps
        super().build(variables)

    @property
    def variables(self) -> list[Any]:
        """The variables of both."""
        return [*self._variables, *self.inner_optimizer.variables]

    def rates(self) -> dict[str, float]:
        """The factor of every variable by its path, once the optimizer is built: after the first `fit`, or `build`."""
        if not self.built:
            raise ValueError("The factors are known when the variables are: call build(model.trainable_variables).")
        return {v.path: rate for v, rate in zip(_keras.trained_variables(self), self._rates, strict=True)}

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """A step of the other optimizer at the variable's own rate, its decay before it."""
        rate = ops.cast(learning_rate, variable.dtype) * self._rates[_keras.place_in(self, variable)]
        if self._decay and _keras.is_decayed(self.inner_optimizer, variable):
            self.assign_sub(variable, variable * (rate * self._decay))
        self.inner_optimizer.update_step(gradient, variable, rate)

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """As of Keras' optimizers."""
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def get_config(self) -> dict[str, Any]:
        """Arguments that make the same optimizer again."""
        inner = keras.saving.serialize_keras_object(self.inner_optimizer)
        own = super().get_config()
        inner["config"] |= {key: own[key] for key in ("learning_rate", *_COMMON)} | {"weight_decay": self._decay}
        return {
            "optimizer": inner,
            "multipliers": dict(self.multipliers),
            "layer_decay": self.layer_decay,
            "groups": list(self.groups),
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> LayerWise:
        """The optimizer of such arguments."""
        inner = keras.saving.deserialize_keras_object(config["optimizer"], custom_objects)
        return cls(inner, **{key: value for key, value in config.items() if key != "optimizer"})
