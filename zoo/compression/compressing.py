"""What comes after pruning: a plain model, a smaller model, or a smaller file."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import keras

from zoo import _copying
from zoo._suggestions import suggests
from zoo.compression.compacting import compact, plain
from zoo.compression.flow import masks_of
from zoo.compression.folding import fold
from zoo.compression.graph import check_functional, read_graph
from zoo.compression.report import tensors_of
from zoo.hub import store

MODES = ("mask", "compact", "packed")


@suggests
def compress(
    model: keras.Model, mode: str = "compact", *, folded: bool = True, path: str | os.PathLike[str] | None = None
) -> Any:
    """Makes a pruned model plain, smaller or faster; what it computes stays the same.

    `"mask"` writes strengths and masks into ordinary kernels: stock layers that every exporter takes, not smaller and
    not faster. `"compact"` also drops the channels that are 0 or read by nobody: fewer channels, so really faster
    and smaller, and dense. `"packed"` writes a file with a bit mask and the kernels that are left: the smallest
    download, exact, and no faster than the model that it is loaded into.

    Close the model (`prune` does) before fine-tuning; constants in channels that lost all their connections keep them
    from being dropped.

    Args:
        model: a functional model, with strengths or without; not changed.
        mode: `"mask"`, `"compact"` or `"packed"`.
        folded: for the first two, multiply normalizations into the kernels, as `fold` does. False keeps them, for
            fine-tuning.
        path: of the file that `"packed"` writes, and only for that.

    Returns:
        A functional model of stock layers: an ordinary Keras model to save and export (`zoo.export` takes it;
        `zoo.save` does not, for no configuration of zoo's builds it). For `"packed"` the path; of a model with
        strengths the file holds directions, strengths and masks: `load_packed` reads it into the same model, and
        `zoo.save` writes it by itself. A warning names layers that have learnt more than weights, such as vocabularies.

    Raises:
        ValueError: an unknown mode, no functional model, a missing or superfluous path.

    Example:
        >>> import zoo
        >>> model = zoo.build("synaptic_resnet20_cifar10")
        >>> report = zoo.compression.prune(model, 0.5)
        >>> small = zoo.compression.compress(model, "compact")
        >>> small.output_shape == model.output_shape, small.count_params() < model.count_params()
        (True, True)
    """
    check_functional(model)
    if mode not in MODES:
        raise ValueError(f"Expected mode to be one of {MODES}; got {mode!r}.")
    if (mode == "packed") != (path is not None):
        raise ValueError(f"Expected a path for mode 'packed' and for no other; got mode={mode!r} and path={path!r}.")
    if path is not None:
        target = Path(path)
        graph = read_graph(model)
        if others := _copying.beside_weights(model):
            warnings.warn(f"A packed file holds weights alone, and not what {', '.join(others)} learnt.", stacklevel=3)
        tensors = tensors_of(model, graph, masks_of(graph))
        store.write_files(target.parent, {target.name: store.tensors_to_bytes(tensors)})
        return target
    smaller = plain(model) if mode == "mask" else compact(model)
    return fold(smaller) if folded else smaller


def load_packed(model: keras.Model, path: str | os.PathLike[str]) -> keras.Model:
    """Gives a model the weights of a file that `compress(model, "packed", path=...)` wrote.

    Args:
        model: of the same architecture, with the same names.
        path: the file.

    Returns:
        The model.

    Raises:
        ValueError: no such form, or weights that do not fit.
        OSError: the file cannot be read.
    """
    tensors = store.tensors_from_bytes(Path(path).read_bytes(), source=str(path))
    store.assign(store.keyed(model), tensors, source=str(path))
    _copying.finalize(model)
    return model
