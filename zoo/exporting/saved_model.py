"""A SavedModel of plain TensorFlow operations, each variable stored once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo import _keras
from zoo.exporting import pictures
from zoo.exporting.interface import IMAGE, Interface, Spec

SERVING_DEFAULT, SERVING_BYTES = "serving_default", "serving_bytes"
IMAGE_BYTES = "image_bytes"
_NO_PLAIN_KERNEL = ("Xla", "PyFunc", "EagerPyFunc", "PyFuncStateless")


def write_saved_model(interface: Interface, folder: Path, *, with_bytes: bool = True) -> dict[str, Any]:
    """Write a SavedModel.

    Args:
        interface: the model and its names; Keras runs on TensorFlow.
        folder: the new folder.
        with_bytes: also write the signature `serving_bytes` if the model takes images of one size.

    Returns:
        `signatures` (inputs and outputs of each), `operators` (sorted names), `variables` (how many are stored) and
        `variables_bytes`.

    Raises:
        ValueError: the graph holds an operation that needs more than TensorFlow's own kernels.
    """
    import tensorflow as tf

    shape = interface.image_shape if with_bytes else None
    # One copy of the network in the library, called by both signatures; converters see through no second call.
    network = tf.function(interface.call) if shape else interface.call
    functions = {SERVING_DEFAULT: _concrete(network, interface.inputs)}
    if shape is not None:
        specs = {IMAGE_BYTES: Spec("string", (None,))}
        functions[SERVING_BYTES] = _concrete(
            lambda inputs: network({IMAGE: pictures.decode_batch(inputs[IMAGE_BYTES], shape)}), specs
        )
    module = tf.Module()
    # Only the variables, not the Keras model: tracked through both, each would be stored twice.
    module.stored = list({id(v): v for function in functions.values() for v in function.graph.variables}.values())
    # Tables of words are made with the layers and known to them alone.
    layers = _keras.sublayers(interface.model)
    module.tables = [layer.lookup_table for layer in layers if getattr(layer, "lookup_table", None) is not None]
    tf.saved_model.save(module, str(folder), signatures=functions)
    operators = list_operators(folder)
    foreign = [name for name in operators if name.startswith(_NO_PLAIN_KERNEL)]
    if foreign:
        raise ValueError(f"the model needs operations that a server without Python lacks: {', '.join(foreign)}")
    return {
        "signatures": {name: _signature(function) for name, function in functions.items()},
        "operators": operators,
        "variables": len(module.stored),
        "variables_bytes": (folder / "variables" / "variables.data-00000-of-00001").stat().st_size,
    }


def list_operators(folder: Path) -> list[str]:
    """The operations of a SavedModel, in its graph and its function library; functions of its own do not count."""
    from tensorflow.core.protobuf import saved_model_pb2

    parsed = saved_model_pb2.SavedModel()
    parsed.ParseFromString((folder / "saved_model.pb").read_bytes())
    found: set[str] = set()
    for meta_graph in parsed.meta_graphs:
        graph = meta_graph.graph_def
        found |= {node.op for node in graph.node}
        found |= {node.op for function in graph.library.function for node in function.node_def}
        found -= {function.signature.name for function in graph.library.function}
    return sorted(found)


def _concrete(call: Any, specs: dict[str, Spec]) -> Any:
    """A traced function with one named argument for each input."""
    import tensorflow as tf

    arguments = {name: tf.TensorSpec(spec.shape, spec.dtype, name=name) for name, spec in specs.items()}
    return tf.function(lambda **inputs: call(inputs)).get_concrete_function(**arguments)


def _signature(function: Any) -> dict[str, dict[str, Any]]:
    inputs = function.structured_input_signature[1]
    outputs = function.structured_outputs
    return {
        "inputs": {name: _spec(tensor).to_dict() for name, tensor in inputs.items()},
        "outputs": {name: _spec(tensor).to_dict() for name, tensor in outputs.items()},
    }


def _spec(tensor: Any) -> Spec:
    return Spec(tensor.dtype.name, tuple(tensor.shape.as_list()))
