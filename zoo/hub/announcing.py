"""A first `fit` that says why nothing moves: the training step is being compiled."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import keras

from zoo._keras import allow_tracing


class SaysCompiling:
    """Has a model say when `fit` compiles its step, and how long that took, unless `verbose=0`.

    Torch compiles nothing, and neither does a model with `run_eagerly`.
    """

    name: str
    run_eagerly: bool
    optimizer: Any
    distribute_strategy: Any
    trainable_variables: list[Any]
    train_function: Any
    predict_function: Any
    _says = False

    def fit(self, **arguments: Any) -> Any:
        """As of `keras.Model`."""
        compiles = keras.backend.backend() != "torch" and not self.run_eagerly
        self._says = compiles and arguments.get("verbose", "auto") not in (0, "0")
        return super().fit(**arguments)  # type: ignore[misc]

    def make_train_function(self, force: bool = False) -> Any:
        """As of `keras.Model`, which calls it when a `fit` begins."""
        before = self.train_function
        self._build_optimizer()
        super().make_train_function(force)  # type: ignore[misc]
        if self._says and self.train_function is not before:
            self.train_function = _timed(self, self.train_function)
        return self.train_function

    def make_predict_function(self, force: bool = False) -> Any:
        """As of `keras.Model`, which calls it when something is predicted; TensorFlow says nothing of other models."""
        super().make_predict_function(force)  # type: ignore[misc]
        allow_tracing(self.predict_function)
        return self.predict_function

    def _build_optimizer(self) -> None:
        """Makes the optimizer's variables before TensorFlow writes the step down.

        A `tf.function` that makes variables is written down twice: half of the time of a first `fit`.
        """
        optimizer, variables = self.optimizer, self.trainable_variables
        if keras.backend.backend() == "tensorflow" and variables and not getattr(optimizer, "built", True):
            with self.distribute_strategy.scope():
                optimizer.build(variables)


def _timed(model: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which says before and after its first call what takes so long, and is itself from then on."""

    def first(*arguments: Any) -> Any:
        model.train_function = function
        print(f"{model.name}: compiling the training step, once ...", file=sys.stderr, flush=True)
        started = time.monotonic()
        outputs = function(*arguments)
        print(f"{model.name}: compiled in {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
        return outputs

    return first
