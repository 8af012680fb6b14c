"""The one file that touches names which Keras keeps for itself: graphs, and what lies in layers and optimizers.

The rest of zoo calls these functions. When a version of Keras renames something, this is the place to mend.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras.src.backend.common import global_state, masking
from keras.src.initializers.random_initializers import RandomInitializer


@dataclass(frozen=True, eq=False)
class Node:
    """One call of a layer or operation in the graph of a functional model.

    Attributes:
        operation: what is called.
        args: its arguments, in which other nodes' outputs are symbolic tensors.
        kwargs: its arguments by name, as the user gave them.
        inputs: the symbolic tensors among the arguments, in order.
        outputs: the symbolic tensors that come out, in order.
    """

    operation: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: list[Any]
    outputs: list[Any]


def _node(raw: Any) -> Node:
    arguments = raw.arguments
    return Node(raw.operation, arguments.args, arguments.kwargs, list(arguments.keras_tensors), list(raw.outputs))


def is_functional(model: Any) -> bool:
    """Whether a model shows its graph: a functional one, built or loaded, whose class computes what the graph says."""
    if not isinstance(model, keras.Model) or not hasattr(model, "operations"):
        return False
    plain = _functional_class()
    return type(model).call is plain.call and type(model).__call__ is plain.__call__


@functools.cache
def _functional_class() -> Any:
    """Keras' class of functional models, which it does not export."""
    inputs = keras.Input((1,), name="input")
    outputs = keras.layers.Identity(name="same")(inputs)  # Keras 3.12 wants an operation between
    return type(keras.Model(inputs, outputs, name="functional"))


def functional_of(model: Any) -> keras.Model | None:
    """The functional model that a model is or, if it is a built `Sequential`, has inside; else None."""
    if is_functional(model):
        return model
    inside = getattr(model, "_functional", None) if type(model) is keras.Sequential else None
    return inside if is_functional(inside) else None


def nodes(model: keras.Model) -> list[Node]:
    """The calls of a functional model, each after those that feed it; input layers are calls without inputs."""
    levels = model._nodes_by_depth
    return [_node(raw) for depth in sorted(levels, reverse=True) for raw in levels[depth]]


def is_symbolic(tensor: Any) -> bool:
    """Whether a tensor belongs to the graph of a functional model."""
    return getattr(tensor, "_keras_history", None) is not None


def maker(tensor: Any) -> Node:
    """The call that makes a symbolic tensor."""
    history = tensor._keras_history
    return _node(history.operation._inbound_nodes[history.node_index])


def sublayers(layer: keras.layers.Layer, *, deep: bool = True) -> list[Any]:
    """The layers inside a layer or model: all of them, or with `deep=False` those that it holds itself."""
    return layer._flatten_layers(include_self=False, recursive=deep)


def own_variables(layer: keras.layers.Layer) -> list[Any]:
    """A layer's variables but for those of the layers inside: weights, statistics, states of its random numbers."""
    seeds = [generator.state for generator in layer._seed_generators]
    return [*layer._trainable_variables, *layer._non_trainable_variables, *seeds]


def learned_variables(layer: keras.layers.Layer) -> list[Any]:
    """What a layer or model and all inside learn, each variable once, also where they are frozen now."""
    layers = [layer, *sublayers(layer)]
    found = {id(variable): variable for one in layers for variable in one._trainable_variables}
    return list(found.values())


@contextmanager
def untraced() -> Iterator[None]:
    """Variables made and set inside are real ones at once, also inside the `build` or `call` of a layer around.

    While Keras finds out the shapes of such a layer, it makes variables later, from their initializers, and what is
    assigned to them before is lost.
    """
    names = ("stateless_scope", "symbolic_scope", "torch_device")
    kept = {name: global_state.get_global_attribute(name) for name in names}
    if not (kept["stateless_scope"] or kept["symbolic_scope"] or _in_graph()):
        yield
        return
    try:
        for name in names:
            if name != "torch_device" or kept[name] == "meta":
                global_state.set_global_attribute(name, None)
        with _outside_of_the_backends_tracing():
            yield
    finally:
        for name, value in kept.items():
            global_state.set_global_attribute(name, value)


@contextmanager
def undrawn() -> Iterator[None]:
    """Random values of variables made inside are drawn at the end, of those only that nothing was assigned to.

    So it is on JAX, in this thread: there a program is compiled for each shape that is drawn, which is most of the time
    that a network takes to build. Inside, such a variable is zero.
    """
    if keras.backend.backend() != "jax":
        yield
        return
    _draw_late()
    before, _waiting.found = _waiting.found, []
    try:
        yield
        found = _waiting.found
    finally:
        _waiting.found = before
    for variable, zeros, initializer in found:
        if variable._value is zeros:
            variable.assign(initializer(variable.shape, dtype=variable.dtype))


class _Waiting(threading.local):
    found: list[tuple[Any, Any, Any]] | None = None  # variables, the zeros that they were made with, initializers


_waiting = _Waiting()


class _NumpyZeros(keras.initializers.Initializer):
    """Zeros that no program has to be compiled for."""

    def __call__(self, shape: Any, dtype: Any = None, **_: Any) -> Any:
        return np.zeros(shape, dtype)


@functools.cache
def _draw_late() -> None:
    """From now on variables that are made ask whether they are in `undrawn`."""
    original = keras.Variable._initialize_with_initializer

    def initialize(self: Any, initializer: Any) -> None:
        if _waiting.found is None or not isinstance(initializer, RandomInitializer) or self.dtype != "float32":
            original(self, initializer)
            return
        original(self, _NumpyZeros())
        _waiting.found.append((self, self._value, initializer))

    keras.Variable._initialize_with_initializer = initialize


def allow_tracing(function: Any) -> None:
    """Has TensorFlow not warn that a model's compiled function is traced "again".

    It counts the functions of all models as one, so that five models that each predict once make a warning; and each
    is traced for a new shape at most twice, as Keras has it take any shape from then on.
    """
    if hasattr(function, "_omit_frequent_tracing_warning"):
        function._omit_frequent_tracing_warning = True


def compile_anew(model: keras.Model) -> None:
    """Compiles a compiled model again, with the same arguments and a fresh optimizer.

    After its layers were frozen or freed, that is: the old step goes on as it was traced, and the optimizer holds the
    variables that it was built for.
    """
    arguments = dict(model._compile_config.config)
    optimizer = arguments["optimizer"]
    if isinstance(optimizer, keras.optimizers.Optimizer):
        arguments["optimizer"] = type(optimizer).from_config(optimizer.get_config())
    model.compile(**arguments)


def compiled_loss(model: Any, *args: Any) -> Any:
    """The value of the loss that `compile` was given, without those that layers add: of labels, outputs, weights."""
    return model._compile_loss(*args)


def trained_variables(optimizer: Any) -> list[Any]:
    """The variables that an optimizer was built for, in its order."""
    return optimizer._trainable_variables


def place_in(optimizer: Any, variable: Any) -> int:
    """Which of them a variable is."""
    return optimizer._get_variable_index(variable)


def is_decayed(optimizer: Any, variable: Any) -> bool:
    """Whether an optimizer's weight decay is for this variable."""
    return optimizer._use_weight_decay(variable)


def averaged(optimizer: Any, variables: list[Any] | None = None) -> list[tuple[Any, Any]]:
    """Pairs of a variable and the moving average that an optimizer keeps of it."""
    pairs = zip(variables or optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True)
    return list(pairs)


def rate_or_schedule(optimizer: Any) -> Any:
    """The learning rate that an optimizer was made with: a number or a schedule."""
    rate = optimizer._learning_rate
    return float(keras.ops.convert_to_numpy(rate)) if isinstance(rate, keras.Variable) else rate


def steps_taken(optimizer: Any) -> Any:
    """The variable that counts an optimizer's steps; with accumulated gradients `iterations` is another number."""
    return optimizer._iterations


def share_count(outer: Any, inner: Any) -> None:
    """Makes two optimizers count their steps in one variable, which the inner one does not track a second time."""
    vars(inner)["_iterations"] = outer._iterations


def leave_gradients(optimizer: Any) -> None:
    """Keeps an optimizer from adding the gradients of TensorFlow's replicas up: the caller has done so."""
    optimizer._all_reduce_sum_gradients = list


def create_variables(model: Any, batch: Any) -> None:
    """Makes the variables of a compiled model's optimizer and metrics for batches like this one; does so once."""
    model._symbolic_build(data_batch=keras.tree.map_structure(keras.ops.convert_to_tensor, batch))


class AveragesItself:
    """Adds to an optimizer: its moving averages follow in its own `update_averages`, instead of in Keras'."""

    def _update_model_variables_moving_average(self: Any, trainable_variables: list[Any]) -> None:
        self.update_averages(averaged(self, trainable_variables))


class MarksClones:
    """Adds to a functional model: `mark_clone` sees the symbolic outputs of a clone, where Keras makes them."""

    def _run_through_graph(self: Any, *args: Any, **kwargs: Any) -> Any:
        outputs = super()._run_through_graph(*args, **kwargs)  # type: ignore[misc]
        first = next(iter(keras.tree.flatten(outputs)), None)
        if isinstance(first, keras.KerasTensor):
            self.mark_clone(first)
        return outputs


def keep_mask(source: Any, target: Any) -> Any:
    """`target` with the mask that Keras keeps beside `source`: of a loss, which of its values count."""
    masking.set_keras_mask(target, masking.get_keras_mask(source))
    return target


def _in_graph() -> bool:
    """Whether TensorFlow is writing down a `tf.function`."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow

    return not tensorflow.executing_eagerly()


def _outside_of_the_backends_tracing() -> AbstractContextManager[Any]:
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow

        return tensorflow.init_scope()
    if backend == "jax":
        import jax

        return jax.ensure_compile_time_eval()
    return nullcontext()
