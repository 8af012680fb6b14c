"""What the layers of a model do differently while a replicated training step is traced."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from zoo import _keras


class LayerModes:
    """Turns the layers of a model to common statistics and compiled calls while a training step is traced.

    Afterwards the layers are what they were: their configuration, inference and export never see it.

    Args:
        model: whose layers they are.
    """

    def __init__(self, model: keras.Model) -> None:
        self.jit = True
        self.synchronized, self._others = _split(model)
        self._compiled: dict[int, Any] = {}
        # TensorFlow traces the replicas in threads that take turns: the first one in and the last one out do the work.
        self._lock, self._inside = threading.Lock(), 0

    @contextmanager
    def training(self) -> Iterator[None]:
        """Context of the forward pass of a training step."""
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._enter()
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if not self._inside:
                    self._leave()

    def _enter(self) -> None:
        self._before = [layer.synchronized for layer in self.synchronized]
        for layer in self.synchronized:
            layer.synchronized = True
        if self.jit and self.synchronized:
            for layer in self._others:
                layer.call = self._compile(layer)

    def _leave(self) -> None:
        for layer, before in zip(self.synchronized, self._before, strict=True):
            layer.synchronized = before
        for layer in self._others:
            vars(layer).pop("call", None)

    def _compile(self, layer: keras.Layer) -> Any:
        import tensorflow as tf

        if id(layer) not in self._compiled:
            self._compiled[id(layer)] = tf.function(layer.call, jit_compile=True)
        return self._compiled[id(layer)]


def _split(layer: keras.Layer) -> tuple[list[keras.Layer], list[keras.Layer]]:
    """Layers below this one with batch statistics, and the largest ones that contain none of these."""
    synchronized: list[keras.Layer] = []
    others: list[keras.Layer] = []
    for child in _keras.sublayers(layer, deep=False):
        below, rest = _split(child)
        if hasattr(child, "synchronized"):
            synchronized.append(child)
        elif below:
            synchronized += below
            others += rest
        elif not isinstance(child, keras.layers.InputLayer):
            others.append(child)
    return synchronized, others
