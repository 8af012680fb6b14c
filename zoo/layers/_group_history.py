"""On which group a symbolic feature map lives: followed back through the graph of a functional model.

Known is what one of our layers made, and what layers keep that treat every channel for itself or join channels. An
input, another convolution, a product or a function of one's own end the search: then nothing is said. Outside of
functional models, where tensors have no history, nothing is known either.
"""

from __future__ import annotations

from typing import Any

from zoo import _keras
from zoo.math.values import Tensor

_KEEP = frozenset(
    [
        *("Activation", "ReLU", "LeakyReLU", "ELU", "PReLU", "Softplus", "Silu", "Gelu", "Relu", "Relu6", "Tanh"),
        *("Sigmoid", "LeakyRelu", "Elu", "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout"),
        *("AlphaDropout", "ActivityRegularization", "Identity", "Rescaling", "BatchNormalization"),
        *("MaxPooling2D", "AveragePooling2D", "MaxPool", "AveragePool", "ZeroPadding2D", "Cropping2D"),
        *("UpSampling2D", "Resizing", "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"),
        *("Concatenate", "Negative", "Cast"),
    ]
)
"""Names of Keras' layers and operations whose output is on the group of their input."""


def check(layer: Any, inputs: Tensor) -> None:
    """Refuses a map that is known to live on another group than the layer works on.

    Args:
        layer: has `group` and `maps`.
        inputs: a symbolic map.

    Raises:
        ValueError: it is on another group, or on the plane where one on the group is expected, or the reverse.
    """
    wanted = layer.group.name if layer.maps[0] == "group" else "the plane"
    found = _maker(inputs, wanted, {})
    if found is None:
        return
    made = _place(found)
    if made != wanted:
        raise ValueError(
            f"Layer {layer.name!r} ({type(layer).__name__}) expects feature maps on {wanted}; got those of layer "
            f"{found.name!r} ({type(found).__name__}), which are on {made}: equivariance would be lost. Give all "
            f"layers of a network the same `group`, one LiftingConv2D at its start and one GroupPooling at its end."
        )


def _place(maker: Any) -> str:
    """Where the maps of a layer of ours live: a group's name, or the plane."""
    return maker.group.name if maker.maps[1] == "group" else "the plane"


def _maker(tensor: Tensor, wanted: str, seen: dict[int, Any]) -> Any:
    """The layer of ours that decides on which group a symbolic tensor lives; None where that is not known.

    Args:
        tensor: a symbolic map.
        wanted: where it should live: among joined maps, one on another group is the answer.
        seen: by the number of a tensor, the one to go on with: None for those that were followed already, what a model
            was called with for the inputs inside it.
    """
    outer = seen.get(id(tensor))
    if outer is not None:
        return _maker(outer, wanted, seen)
    if not _keras.is_symbolic(tensor) or id(tensor) in seen:
        return None
    seen[id(tensor)] = None
    node = _keras.maker(tensor)
    operation = node.operation
    if hasattr(operation, "maps") and hasattr(operation, "group"):
        return operation
    inside = _keras.functional_of(operation)
    if inside is not None:
        place = next(index for index, output in enumerate(node.outputs) if output is tensor)
        seen.update((id(inner), given) for inner, given in zip(inside.inputs, node.inputs, strict=True))
        return _maker(inside.outputs[place], wanted, seen)
    ours = getattr(operation, "keeps_group", False)
    if not ours and not (type(operation).__module__.startswith("keras.") and type(operation).__name__ in _KEEP):
        return None
    makers = [maker for maker in (_maker(source, wanted, seen) for source in node.inputs) if maker is not None]
    if len({_place(maker) for maker in makers}) == 1:
        return makers[0]
    # A map on the plane may weigh those on a group; two groups in one map fit no layer.
    groups = [maker for maker in makers if maker.maps[1] == "group"]
    mixed = len({_place(maker) for maker in groups}) > 1
    return next(maker for maker in groups if _place(maker) != wanted) if mixed else None
