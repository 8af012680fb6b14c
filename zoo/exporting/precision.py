"""In which type a model computes, and the same model in float32."""

from __future__ import annotations

from typing import Any

import keras

from zoo import _keras

SIXTEEN_BITS = ("bfloat16", "float16")
_POLICIES = {f"{prefix}{name}" for name in SIXTEEN_BITS for prefix in ("", "mixed_")}

_NAMES = ("name", "keras_history", "input_layers", "output_layers")  # of layers, which may be called like a type


def precision_of(model: keras.Model) -> str:
    """The coarsest type that a model computes in: `"bfloat16"`, `"float16"` or, for all others, `"float32"`."""
    types = {layer.compute_dtype for layer in _keras.sublayers(model)}
    types |= {str(tensor.dtype) for node in _keras.nodes(model) for tensor in node.outputs}
    return next((name for name in SIXTEEN_BITS if name in types), "float32")


def in_float32(model: keras.Model) -> keras.Model:
    """A functional model with the same weights whose layers, operations and inputs of 16 bits are float32."""
    with _keras.undrawn():
        made = type(model).from_config(_with_float32(model.get_config()))
        made.set_weights([keras.ops.convert_to_numpy(keras.ops.cast(one, "float32")) for one in model.weights])
    return made


def _with_float32(config: Any, key: str | None = None) -> Any:
    """A configuration in which each type or policy of 16 bits is float32; names of layers stay."""
    if isinstance(config, dict) and config.get("class_name") == "DTypePolicy":
        named = config["config"]["name"]
        return config | {"config": {"name": "float32"}} if named in _POLICIES else config
    if isinstance(config, dict):
        return {name: _with_float32(value, name) for name, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_with_float32(value, key) for value in config)
    return "float32" if key not in _NAMES and isinstance(config, str) and config in _POLICIES else config
