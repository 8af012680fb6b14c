"""Keras callbacks of the user's in a run that is made of many calls of `fit`."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from types import FunctionType
from typing import Any

import keras
import numpy as np

from zoo._counting import counted, short
from zoo.models.recipe import Recipe

State = dict[str, Any]


def check_callbacks(callbacks: Any, recipe: Recipe) -> list[keras.callbacks.Callback]:
    """The callbacks as a list, if they can work in a run.

    Args:
        callbacks: `keras.callbacks.Callback` objects.
        recipe: whose schedule sets the learning rate.

    Raises:
        TypeError: something else.
        ValueError: one that restores runs, which is done here, or that sets the rate of a recipe whose schedule does.
    """
    found = [callbacks] if isinstance(callbacks, keras.callbacks.Callback) else list(callbacks)
    for callback in found:
        name = type(callback).__name__
        if not isinstance(callback, keras.callbacks.Callback):
            raise TypeError(f"Expected callbacks to be Keras callbacks, objects of their classes; got {callback!r}.")
        if isinstance(callback, keras.callbacks.BackupAndRestore):
            raise ValueError(f"{name} is not needed: an interrupted run goes on by itself. Leave it out.")
        setters = keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau
        if isinstance(callback, setters) and recipe.schedule != "constant":
            raise ValueError(
                f"{name} sets the learning rate, and so does the recipe's schedule {recipe.schedule!r}: choose the "
                "schedule 'constant', or leave the callback out."
            )
    return found


def why_stopped(callbacks: Sequence[keras.callbacks.Callback]) -> str:
    """What has ended a run before its last epoch, in words: the rule and value of early stopping, else who can have."""
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.EarlyStopping) and callback.stopped_epoch > 0:
            where = f"{short(float(callback.best))} (epoch {callback.best_epoch + 1})"
            return (
                f"early stopping, as {callback.monitor} was no better than {where} for "
                f"{counted(callback.patience, 'epoch')}"
            )
    names = [type(callback).__name__ for callback in callbacks]
    if not names:  # it was given to the process before, which was ended in between
        return "a callback"
    return f"the callback {names[0]}" if len(names) == 1 else f"one of the callbacks {', '.join(names)}"


def restored_by(callbacks: Sequence[keras.callbacks.Callback]) -> str:
    """Who has put the weights of an earlier epoch in place at the end, in words."""
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.EarlyStopping) and callback.restore_best_weights:
            return f"those with the best {callback.monitor}"
    return "which a callback has put back"


class Relay(keras.callbacks.Callback):
    """Passes the events of batches on from one call of `fit`, and those of the whole run from the loop.

    To the callbacks all calls of `fit` look like one, as Keras makes it: `set_params`, `set_model`, `on_train_begin`,
    then for each epoch `on_epoch_begin`, the batches, the events of the test, `on_epoch_end`, and at last
    `on_train_end`.

    Args:
        callbacks: as `check_callbacks` gives them.
        trainer: the model whose `fit` is called.
        epochs: of the run.
        steps: of an epoch.
    """

    def __init__(self, callbacks: Sequence[Any], trainer: keras.Model, *, epochs: int, steps: int) -> None:
        super().__init__()
        self._given = [_plain_attributes(callback) for callback in callbacks]
        self._begun: list[State] = []
        self.events = keras.callbacks.CallbackList(
            list(callbacks), model=trainer, epochs=epochs, steps=steps, verbose=0
        )
        self.start = 0

    def begin(self) -> None:
        """Tells the callbacks that the run begins, or begins again."""
        self.events.on_train_begin()
        self._begun = [_plain_attributes(callback) for callback in self.events.callbacks]

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begins an epoch, but not each of its parts."""
        if not self.start:
            self.events.on_epoch_begin(epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Counts the batch from the beginning of the epoch."""
        self.events.on_train_batch_begin(self.start + batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Counts the batch from the beginning of the epoch."""
        self.events.on_train_batch_end(self.start + batch, logs)

    def states(self) -> list[State | None]:
        """The state of each callback; None of one that says none."""
        return [_state(*item) for item in zip(self.events.callbacks, self._given, self._begun, strict=True)]

    def restore(self, states: Sequence[State | None]) -> list[str]:
        """Gives the callbacks the states that a checkpoint holds.

        Returns:
            Names of the callbacks without one: they begin anew.

        Raises:
            ValueError: the checkpoint was written with other callbacks.
        """
        if len(states) != len(self.events.callbacks):
            raise ValueError(
                f"The run was begun with {len(states)} callbacks and goes on with {len(self.events.callbacks)}: pass "
                "as many, in the same order."
            )
        fresh = []
        for callback, state in zip(self.events.callbacks, states, strict=True):
            if state is None:
                fresh.append(type(callback).__name__)
            elif hasattr(callback, "set_state"):
                callback.set_state(state)
            else:
                vars(callback).update(state)
        return fresh


def _state(callback: Any, given: State, begun: State) -> State | None:
    """What a callback says with `get_state`, or, of Keras' own, the plain attributes that the run has changed."""
    if hasattr(callback, "get_state") and hasattr(callback, "set_state"):
        return dict(callback.get_state())
    if not type(callback).__module__.startswith("keras."):
        return None
    now = _plain_attributes(callback)
    return {name: value for name, value in now.items() if not (_same(value, given, name) and _same(value, begun, name))}


def _plain_attributes(callback: Any) -> State:
    return {
        name: value for name, value in vars(callback).items() if name not in ("params", "_model") and _is_plain(value)
    }


def _same(value: Any, before: State, name: str) -> bool:
    """Whether an attribute is what it was; arrays count as changed."""
    scalar = value is None or isinstance(value, bool | int | float | str)
    return scalar and name in before and type(value) is type(before[name]) and value == before[name]


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(name, str) and _is_plain(item) for name, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str | np.ndarray | np.generic) or _is_of_keras(value)


def _is_of_keras(value: Any) -> bool:
    """Whether a value is a function of Keras', such as the comparison that a callback has chosen."""
    if not isinstance(value, FunctionType) or not value.__module__.startswith("keras."):
        return False
    return getattr(importlib.import_module(value.__module__), value.__name__, None) is value


def pack_states(states: Sequence[State | None]) -> tuple[Any, dict[str, np.ndarray]]:
    """States as JSON values and arrays, for a checkpoint.

    Args:
        states: dictionaries of numbers, texts, arrays, and lists and dictionaries of these.

    Returns:
        JSON values in which arrays are named, and the arrays by these names.

    Raises:
        TypeError: a value of another kind.

    Example:
        >>> facts, arrays = pack_states([{"best": 0.5, "weights": [np.zeros(2)]}])
        >>> unpack_states(facts, arrays)
        [{'best': 0.5, 'weights': [array([0., 0.])]}]
    """
    arrays: dict[str, np.ndarray] = {}

    def packed(value: Any) -> Any:
        if isinstance(value, np.ndarray | np.generic):
            name = f"callback/{len(arrays)}"
            arrays[name] = np.asarray(value)
            return {"array": name, "scalar": isinstance(value, np.generic)}
        if isinstance(value, dict):
            return {"items": [[name, packed(item)] for name, item in value.items()]}
        if isinstance(value, list | tuple):
            return {"list": [packed(item) for item in value], "tuple": isinstance(value, tuple)}
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if _is_of_keras(value):
            return {"function": [value.__module__, value.__name__]}
        raise TypeError(
            f"Expected the state of a callback as numbers, texts, arrays, lists and dictionaries; got {value!r:.80} "
            f"({type(value).__name__})."
        )

    return [packed(state) for state in states], arrays


def unpack_states(facts: Any, arrays: dict[str, np.ndarray]) -> list[Any]:
    """The states that `pack_states` packed."""

    def unpacked(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if "array" in value:
            array = arrays[value["array"]]
            return array[()] if value["scalar"] else array
        if "items" in value:
            return {name: unpacked(item) for name, item in value["items"]}
        if "function" in value:
            return _function(*value["function"])
        items = [unpacked(item) for item in value["list"]]
        return tuple(items) if value["tuple"] else items

    return [unpacked(value) for value in facts]


def _function(module: str, name: str) -> Any:
    """A function of Keras' by its name.

    Raises:
        ValueError: Keras has none of that name, as another version may.
    """
    found = getattr(importlib.import_module(module), name, None) if module.startswith("keras.") else None
    if not isinstance(found, FunctionType):
        raise ValueError(f"The checkpoint names {module}.{name}, which this version of Keras does not have.")
    return found
