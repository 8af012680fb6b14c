"""Optimizers as the papers used them.

Keras' own decay their weights apart from the gradient, know a variable's name but not its path, and have one learning
rate for all variables. These two differ in that, and are otherwise what PyTorch and TensorFlow 1 compute. A moving
average is kept beside the weights, which `fit` leaves as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from zoo import _keras
from zoo.losses import soft_threshold
from zoo.optimizers._rates import find_rates


class _ByPath(_keras.AveragesItself):
    """Adds to an optimizer: decay and learning rate by words in a variable's path, and an average that is left alone.

    Everything happens in `update_step`, which every backend and every strategy calls once a variable.
    """

    def __init__(
        self,
        learning_rate: Any,
        *,
        decay: float = 0.0,
        decay_kind: str = "decoupled",
        decay_exclude: Sequence[str] = (),
        multipliers: Mapping[str, float] | None = None,
        layer_decay: float | None = None,
        proximal: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)  # type: ignore[call-arg]
        self.decay, self.decay_kind, self.decay_exclude = decay, decay_kind, tuple(decay_exclude)
        self.multipliers, self.proximal = dict(multipliers or {}), dict(proximal or {})
        self.layer_decay = layer_decay

    def build(self: Any, variables: list[Any]) -> None:
        """Looks the words up in the paths.

        Raises:
            ValueError: a word of the multipliers or thresholds is in no path.
        """
        if self.built:
            return
        super().build(variables)  # type: ignore[misc]
        paths = [variable.path for variable in variables]
        unused = sorted(word for word in self.proximal if not any(word in path for path in paths))
        if unused:
            raise ValueError(f"proximal: no trained variable's path contains {', '.join(unused)}.")
        self._rates = find_rates(paths, self.multipliers, self.layer_decay)
        self._thresholds = tuple(sum(v for word, v in self.proximal.items() if word in path) for path in paths)
        self._decays = tuple(not any(word in path for word in self.decay_exclude) for path in paths)

    def update_step(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Decays the variable or its gradient, steps with the variable's own learning rate, then shrinks it."""
        index = _keras.place_in(self, variable)
        rate = ops.cast(learning_rate, variable.dtype) * self._rates[index]
        gradient = ops.cast(gradient, variable.dtype)
        if self.decay and self._decays[index]:
            if self.decay_kind == "l2":
                gradient = gradient + self.decay * variable
            else:
                self.assign_sub(variable, variable * (rate * self.decay))
        self._step(index, gradient, variable, rate)
        if self._thresholds[index]:
            self.assign(variable, soft_threshold(variable, rate * self._thresholds[index]))

    def averages(self: Any) -> list[tuple[Any, Any]]:
        """Pairs of a variable and its moving average; empty where no average is kept."""
        return _keras.averaged(self) if self.use_ema else []

    def finalize_variable_values(self, var_list: list[Any]) -> None:
        """Keeps the weights: Keras would put the averages in their place at the end of every `fit`."""

    def update_averages(self: Any, pairs: list[tuple[Any, Any]]) -> None:
        """The averages follow the weights, by as much as `ema_momentum` says, once for each update of the weights."""
        # Keras counts steps, also those that only add to the accumulated gradient: the average would forget too fast.
        every = self.gradient_accumulation_steps or 1
        done = _keras.steps_taken(self) + 1
        momentum = ops.where(done % every == 0, self.ema_momentum, 1.0)
        momentum = ops.where(done <= every, 0.0, momentum)
        for variable, average in pairs:
            share = ops.cast(momentum, variable.dtype)
            average.assign(share * average + (1 - share) * variable)

    def get_config(self) -> dict[str, Any]:
        """Arguments that make the same optimizer again."""
        own = {name: getattr(self, name) for name in ("decay", "decay_kind", "decay_exclude")}
        own |= {"multipliers": self.multipliers, "layer_decay": self.layer_decay, "proximal": self.proximal}
        return super().get_config() | own  # type: ignore[misc]


@keras.saving.register_keras_serializable(package="zoo")
class SGD(_ByPath, keras.optimizers.Optimizer):
    """Stochastic gradient descent with momentum, as in PyTorch and TensorFlow 1.

        m = momentum m + g,   w = w - rate m          (with nesterov: w = w - rate (g + momentum m))

    The rate stands outside of the momentum. In Keras it stands inside, which differs where the rate changes.

    Args:
        learning_rate: a number or schedule.
        momentum: from 0 up to 1.
        nesterov: look ahead.
        **kwargs: `decay`, `decay_kind`, `decay_exclude`, `multipliers` and `layer_decay` as of
            `zoo.optimizers.LayerWise`, `proximal`, and those of every Keras optimizer.

    Example:
        >>> optimizer = SGD(0.1, decay=5e-4, decay_kind="l2")
        >>> optimizer.get_config()["decay_kind"]
        'l2'
    """

    def __init__(
        self, learning_rate: Any = 0.1, *, momentum: float = 0.9, nesterov: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.momentum, self.nesterov = momentum, nesterov

    def build(self, variables: list[Any]) -> None:
        """Makes a momentum for each variable."""
        if self.built:
            return
        super().build(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum")

    def _step(self, index: int, gradient: Any, variable: Any, rate: Any) -> None:
        momentum = self._momentums[index]
        self.assign(momentum, self.momentum * momentum + gradient)
        self.assign_sub(variable, rate * (gradient + self.momentum * momentum if self.nesterov else momentum))

    def get_config(self) -> dict[str, Any]:
        """Arguments that make the same optimizer again."""
        return super().get_config() | {"momentum": self.momentum, "nesterov": self.nesterov}


@keras.saving.register_keras_serializable(package="zoo")
class Adam(_ByPath, keras.optimizers.Adam):
    """Keras' Adam; `decay_kind="decoupled"` makes it AdamW.

    Args:
        learning_rate: a number or schedule.
        **kwargs: `decay`, `decay_kind`, `decay_exclude`, `multipliers`, `layer_decay`, `proximal`; those of
            `keras.optimizers.Adam`.

    Example:
        >>> optimizer = Adam(0.01, multipliers={"kernel": 0.1})
        >>> optimizer.get_config()["multipliers"]
        {'kernel': 0.1}
    """

    def _step(self, index: int, gradient: Any, variable: Any, rate: Any) -> None:
        keras.optimizers.Adam.update_step(self, gradient, variable, rate)
