"""The whole contract of a Keras layer, checked in one call.

Each `_check_*` function below is one clause. All clauses see the same small `_Case`, and raise `AssertionError` with
the name of the layer, what was expected and what came.
"""

from __future__ import annotations

import inspect
import json
import math
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo.testing.golden import assert_close
from zoo.testing.layer_offers import check_offers

Shape = tuple[int | None, ...]
STEPS = 2


@dataclass(frozen=True)
class _Case:
    """What the clauses are about: the layer, how to make it, and what is expected of it."""

    layer_class: type[keras.layers.Layer]
    init_kwargs: dict[str, Any]
    input_shape: tuple[int, ...]
    dynamic_shape: Shape
    output_shape: tuple[int, ...]
    x: np.ndarray
    others: tuple[np.ndarray, ...] = ()

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        return [self.input_shape, *(other.shape for other in self.others)]

    def batch(self, size: int | None = None) -> Any:
        """What a model of the layer takes: the first `size` samples, an array or a list of several."""
        arrays = [array[:size] for array in (self.x, *self.others)]
        return arrays if self.others else arrays[0]

    def make(self, **extra: Any) -> keras.layers.Layer:
        return self.layer_class(**{"name": "tested", **self.init_kwargs, **extra})

    def model(self, layer: keras.layers.Layer) -> keras.Model:
        inputs = [keras.Input(batch_shape=self.dynamic_shape, name="inputs")]
        for index, other in enumerate(self.others):
            shape = (*[None] * (other.ndim - 1), other.shape[-1])
            inputs.append(keras.Input(batch_shape=shape, dtype=str(other.dtype), name=f"other{index}"))
        return keras.Model(inputs if self.others else inputs[0], layer(*inputs), name="contract")

    def require(self, condition: Any, message: str) -> None:
        if not condition:
            raise AssertionError(f"{self.layer_class.__name__}: {message}")

    def equal(self, what: str, actual: Any, expected: Any) -> None:
        self.require(actual == expected, f"{what}: expected {expected!r}, got {actual!r}.")

    def close(self, what: str, actual: Any, expected: Any, rel: float) -> None:
        assert_close(actual, expected, rel, name=f"{self.layer_class.__name__}: {what}")


def check_layer(
    layer_class: type[keras.layers.Layer],
    init_kwargs: Mapping[str, Any],
    input_shape: tuple[int, ...],
    *,
    expected_output_shape: tuple[int, ...],
    expected_weights: int,
    expected_non_trainable: int = 0,
    dynamic_shape: Shape | None = None,
    other_inputs: Sequence[np.ndarray] = (),
    all_weights_learn: bool = True,
    low_precision: float = 5e-2,
) -> None:
    """Checks everything that Keras users rely on in a layer with one output, whose first input is a float tensor.

    In this order: `get_config` holds every argument and survives `from_config` and JSON; symbolic, eager and
    `compute_output_shape` agree; the numbers of weights are exact and their paths unique; a model with unknown batch
    (and whatever else is `None` in `dynamic_shape`) gives the eager values; two training steps (compiled by XLA on
    TensorFlow and JAX) have a finite loss and move every trainable weight; three dtype policies (float32,
    mixed_bfloat16, and float64 or float16); another number of channels than that of `build` is refused by the layer's
    `input_spec`; what the layer offers of `zoo.layers.protocol` is true; `.keras` file and `clone_model` give equal
    outputs.

    Args:
        layer_class: the class under test.
        init_kwargs: arguments of its constructor, without `name` and `dtype`.
        input_shape: shape of the input with the batch, which must be 2 or more.
        expected_output_shape: shape of the output with the batch.
        expected_weights: number of trainable scalars, `sum(prod(w.shape))`.
        expected_non_trainable: number of the other scalars, such as moving means; states of seed generators do not
            count.
        dynamic_shape: input shape with `None` where the layer accepts any size, e.g. `(None, None, None, 3)`; by
            default only the batch is `None`.
        other_inputs: further arguments of the layer's call, with the same batch; for models with unknown sizes, all
            axes but the last are `None`.
        all_weights_learn: False for a layer in which a trainable weight may rightly get no gradient.
        low_precision: largest difference of the output under 16 bit policies, relative to the largest output.

    Raises:
        AssertionError: a clause does not hold; the message says which.
        ValueError: `input_shape` has a batch below 2.

    Example:
        >>> check_layer(
        ...     keras.layers.Conv1D,
        ...     {"filters": 3, "kernel_size": 2},
        ...     (2, 9, 4),
        ...     expected_output_shape=(2, 8, 3),
        ...     expected_weights=27,
        ...     dynamic_shape=(None, None, 4),
        ... )
    """
    if not input_shape or input_shape[0] < 2:
        raise ValueError(f"input_shape must start with a batch of 2 or more, got {input_shape}.")
    x = np.random.default_rng(7).normal(size=input_shape).astype("float32")
    dynamic = dynamic_shape or (None, *input_shape[1:])
    case = _Case(layer_class, dict(init_kwargs), input_shape, dynamic, expected_output_shape, x, tuple(other_inputs))
    _check_config(case)
    layer = _check_shapes(case)
    _check_weights(case, layer, expected_weights, expected_non_trainable)
    model = _check_dynamic_shape(case, layer)
    _check_training(case, model, all_weights_learn)
    _check_dtype_policies(case, layer, low_precision)
    _check_other_channels(case, layer)
    _check_offers(case, layer)
    _check_saving(case, model)
    _check_cloning(case, model)


def _check_config(case: _Case) -> None:
    layer = case.make()
    config = layer.get_config()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = inspect.signature(case.layer_class.__init__).parameters.values()
    arguments = {parameter.name for parameter in parameters if parameter.kind in named} - {"self"}
    missing = sorted((arguments | set(case.init_kwargs)) - set(config))
    case.require(not missing, f"get_config() lacks the arguments {missing}.")
    case.equal("from_config(get_config()).get_config()", case.layer_class.from_config(config).get_config(), config)
    written = json.dumps(keras.saving.serialize_keras_object(layer))
    revived = keras.saving.deserialize_keras_object(json.loads(written))
    case.equal("class after a JSON round trip", type(revived), case.layer_class)
    again = json.dumps(keras.saving.serialize_keras_object(revived))
    case.equal("JSON after a JSON round trip", json.loads(again), json.loads(written))


def _check_shapes(case: _Case) -> keras.layers.Layer:
    layer = case.make()
    others = [keras.KerasTensor(other.shape, dtype=str(other.dtype)) for other in case.others]
    symbolic = layer(keras.KerasTensor(case.input_shape, dtype="float32"), *others)
    case.equal("shape of the symbolic call", tuple(symbolic.shape), case.output_shape)
    case.equal("compute_output_shape", tuple(layer.compute_output_shape(*case.shapes)), case.output_shape)
    eager = layer(case.x, *case.others)
    case.equal("shape of the eager call", tuple(eager.shape), case.output_shape)
    case.equal("dtype", keras.backend.standardize_dtype(eager.dtype), layer.compute_dtype)
    case.require(np.isfinite(keras.ops.convert_to_numpy(eager)).all(), "the eager output is not finite.")
    return layer


def _check_weights(case: _Case, layer: keras.layers.Layer, trainable: int, non_trainable: int) -> None:
    case.equal("trainable scalars", _scalars(layer.trainable_weights), trainable)
    case.equal("non-trainable scalars", _scalars(layer.non_trainable_weights), non_trainable)
    paths = [weight.path for weight in layer.weights]
    repeated = sorted({path for path in paths if paths.count(path) > 1})
    case.require(not repeated, f"several weights have the path {repeated}; give sub-layers explicit names.")


def _scalars(weights: list[Any]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def _check_dynamic_shape(case: _Case, layer: keras.layers.Layer) -> keras.Model:
    model = case.model(layer)
    arguments = {"training": False} if _accepts_training(layer) else {}
    expected = layer(case.x, *case.others, **arguments)
    case.close("model with unknown sizes", model(case.batch(), training=False), expected, 1e-5)
    single = model(case.batch(1), training=False)
    case.equal("shape for a batch of 1", tuple(single.shape), (1, *case.output_shape[1:]))
    return model


def _accepts_training(layer: keras.layers.Layer) -> bool:
    return "training" in inspect.signature(layer.call).parameters


def _check_training(case: _Case, model: keras.Model, all_weights_learn: bool) -> None:
    y = np.random.default_rng(8).normal(size=case.output_shape).astype("float32")
    before = [keras.ops.convert_to_numpy(weight).copy() for weight in model.trainable_weights]
    # torch compiles through another compiler, which takes minutes the first time.
    model.compile(optimizer=keras.optimizers.SGD(0.01), loss="mse", jit_compile=keras.backend.backend() != "torch")
    x = keras.tree.map_structure(lambda array: np.concatenate([array] * STEPS), case.batch())
    targets = np.concatenate([y] * STEPS)
    history = model.fit(x, targets, batch_size=len(case.x), epochs=1, shuffle=False, verbose=0)
    loss = history.history["loss"][0]
    case.require(np.isfinite(loss), f"the loss after {STEPS} training steps is {loss}.")
    pairs = zip(model.trainable_weights, before, strict=True)
    still = [weight.path for weight, old in pairs if np.array_equal(keras.ops.convert_to_numpy(weight), old)]
    case.require(not (still and all_weights_learn), f"training moved none of {still}: they get no gradient.")


def _check_dtype_policies(case: _Case, layer: keras.layers.Layer, low_precision: float) -> None:
    weights = layer.get_weights()
    reference: Any = None
    for policy, rel in _policies(low_precision):
        variant = case.make(dtype=policy)
        variant.build(*case.shapes)
        variant.set_weights(weights)
        for weight in variant.trainable_weights:
            case.equal(f"dtype of {weight.path} under {policy}", weight.dtype, variant.variable_dtype)
        inputs = [keras.Input(batch_shape=case.input_shape)]
        inputs += [keras.Input(batch_shape=other.shape, dtype=str(other.dtype)) for other in case.others]
        output = keras.Model(inputs if case.others else inputs[0], variant(*inputs))(case.batch())
        case.equal(f"dtype under {policy}", keras.backend.standardize_dtype(output.dtype), variant.compute_dtype)
        reference = output if reference is None else reference
        case.close(f"output under {policy}", keras.ops.cast(output, "float32"), reference, rel)


def _policies(low_precision: float) -> tuple[tuple[str, float], ...]:
    # JAX has no float64 unless a process-wide switch is on; on torch Keras's binary operations return float32 for it.
    wide = keras.backend.backend() in ("tensorflow", "numpy")
    third = ("float64", 1e-4) if wide else ("float16", low_precision)
    return (("float32", 0.0), ("mixed_bfloat16", low_precision), third)


def _check_other_channels(case: _Case, layer: keras.layers.Layer) -> None:
    """Another number of channels than a layer with weights was built for is refused by Keras, by its `input_spec`."""
    if not layer.weights and layer.input_spec is None:
        return
    wider = np.concatenate([case.x, case.x], axis=-1)
    words = f"expected axis -1 of input shape to have value {case.x.shape[-1]}"
    try:
        layer(wider, *case.others)
    except Exception as error:  # whatever the backend says
        case.require(words in str(error), f"set `input_spec` in build: for other channels got {error!s:.200}")
    else:
        case.require(False, f"built for {case.x.shape}, it takes inputs of {wider.shape}: set `input_spec` in build.")


def _check_offers(case: _Case, layer: keras.layers.Layer) -> None:
    """What the layer says of itself is what it does, with the weights that training has left."""
    copy = case.make()
    copy.build(*case.shapes)
    copy.set_weights(layer.get_weights())
    check_offers(copy, case.x, case.others)


def _check_saving(case: _Case, model: keras.Model) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "layer.keras")
        model.save(path)
        loaded = keras.saving.load_model(path)
    _check_same_model(case, "after saving and loading", loaded, model)


def _check_cloning(case: _Case, model: keras.Model) -> None:
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    _check_same_model(case, "of a cloned model", clone, model)


def _check_same_model(case: _Case, what: str, other: keras.Model, model: keras.Model) -> None:
    case.equal(f"weight paths {what}", [w.path for w in other.weights], [w.path for w in model.weights])
    case.close(f"output {what}", other(case.batch(), training=False), model(case.batch(), training=False), 1e-6)
