"""How log-polar layers are exported."""

from __future__ import annotations

import keras
import pytest

from zoo.exporting._worker import _prepare
from zoo.layers import LogPolarConv2D

pytestmark = pytest.mark.once


def test_log_polar_layers_are_exported_as_one_convolution() -> None:
    x = inputs = keras.Input((9, 9, 3))
    for pooling in ("mean", "max"):
        x = LogPolarConv2D(32, 9, pooling=pooling, name=pooling)(x)
    model = keras.Model(inputs, x)
    assert model.get_layer("mean").form == "shift"  # the choice on CPUs
    _prepare(model)
    assert [model.get_layer(pooling).form for pooling in ("mean", "max")] == ["dense", "shift"]
