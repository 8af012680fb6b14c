"""From images or graphs to named classes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from zoo import hub
from zoo._suggestions import suggests
from zoo.evaluation.graphs import chosen_nodes, graph_inputs, graph_logits, shipped_graph, takes_graphs
from zoo.evaluation.inputs import image_batch, model_shape, surprise
from zoo.math.values import check_whole


@suggests
def predict(
    name_or_model: str | os.PathLike[str] | keras.Model,
    inputs: Any = None,
    *,
    nodes: Sequence[int] | None = None,
    top: int = 5,
    batch_size: int = 64,
    white: float | None = None,
    invert: bool = False,
) -> list[list[hub.Prediction]]:
    """Classifies images, the nodes of a graph, or graphs.

    Args:
        name_or_model: a model from `zoo.load`, or a name as `zoo.load` takes it. Load the model once and pass it
            when you predict repeatedly.
        inputs: an array or tensor of shape `(N, H, W, C)` with raw pixels in 0..255, or image files (PNG, JPEG,
            ...), which are converted and resized to the model's input: a list, an array, a column of a table or a
            generator of their paths, or a list of their contents as bytes. For models of graphs
            `{"x": features, "edges": pairs}` with numbers `(nodes, features)` and integers `(edges, 2)`, rows (i, j);
            several graphs of one size for models of whole graphs, `(graphs, nodes, features)` and
            `(graphs, edges, 2)`, rows of -1 as padding; None for the graph that ships with the weights.
        nodes: the nodes to classify, for models of a graph's nodes; None for all.
        top: how many classes to give for each image, node or graph.
        batch_size: images a step; bounds the memory needed.
        white: which value is white in image files of more than 8 bits, as for `zoo.datasets.read_images`.
        invert: turn dark into light: for dark digits on a light ground and a model of the opposite. A warning says when
            images are unlike those that a model was trained on, as far as its card knows (`zoo.card(name).expects`).

    Returns:
        For each image, node or graph its most probable classes, by falling probability.

    Raises:
        ValueError: unknown model, no images, a wrong shape, NaN or infinite values, files that are no images, a data
            set (`model.predict` takes those), edges or nodes that are not in the graph.
        FileNotFoundError: an image file does not exist.

    Example:
        >>> import numpy as np, zoo
        >>> model = zoo.load("e4net_mnistrot", weights=None)
        >>> predictions = zoo.predict(model, np.zeros((2, 28, 28, 1), "uint8"), top=3)
        >>> len(predictions), len(predictions[0])
        (2, 3)
        >>> model = zoo.build("pdegcn_cora", input_shape=(None, 4), depth=2)
        >>> graph = {"x": np.eye(4), "edges": [[0, 1], [1, 0], [1, 2], [2, 1]]}
        >>> len(zoo.predict(model, graph)), len(zoo.predict(model, graph, nodes=[2]))
        (4, 1)
    """
    model = resolve_model(name_or_model)
    if takes_graphs(model):
        if invert or white is not None:
            raise ValueError(f"{model.name!r} takes graphs: leave out white= and invert=, which are for images.")
        return _predict_graph(model, inputs, nodes, top)
    if nodes is not None:
        raise ValueError(f"{model.name!r} classifies images and knows of no nodes: leave out nodes={nodes!r}.")
    if inputs is None:
        raise ValueError(f"What shall {model.name!r} classify? Pass images, as an array or as a list of files.")
    batch = image_batch(inputs, model_shape(model), white=white)
    batch = 255 - batch if invert else batch
    if model is not name_or_model and len(batch) <= batch_size:  # loaded here, for this one call
        hub.run_directly(model)
    strange = surprise(batch, hub.expects_of(model), model.name)
    if strange:
        warnings.warn(f"{strange}.", stacklevel=3)
    return hub.decode(model, logits_of(model, batch, batch_size), top=top)


def _predict_graph(model: keras.Model, graph: Any, nodes: Sequence[int] | None, top: int) -> list[list[hub.Prediction]]:
    inputs = graph_inputs(shipped_graph(model) if graph is None else graph, model)
    of_nodes = len(model.output_shape) == 3
    if of_nodes and len(inputs["x"]) != 1:
        raise ValueError(f"{model.name!r} classifies nodes: pass one graph at a time; got {len(inputs['x'])}.")
    if nodes is not None and not of_nodes:
        raise ValueError(f"{model.name!r} classifies whole graphs: leave out nodes={nodes!r}.")
    chosen = chosen_nodes(nodes, inputs["x"].shape[1]) if of_nodes else slice(None)
    logits = graph_logits(model, inputs)
    return hub.decode(model, (logits[0] if of_nodes else logits)[chosen], top=top)


def resolve_model(name_or_model: str | os.PathLike[str] | keras.Model) -> keras.Model:
    """The model itself, loaded when a name is given."""
    if isinstance(name_or_model, (str, os.PathLike)):
        return hub.load(name_or_model)
    if not isinstance(name_or_model, keras.Model):
        raise ValueError(f"Expected a model's name or a Keras model; got {type(name_or_model).__name__}.")
    return name_or_model


def logits_of(
    model: keras.Model,
    images: np.ndarray,
    batch_size: int,
    *,
    full: bool = False,
    advance: Callable[[int], Any] | None = None,
) -> np.ndarray:
    """The model's outputs for checked images, computed batch by batch in compiled steps of one shape.

    Args:
        model: takes `images` and returns logits.
        images: shape `(N, H, W, C)`, or whatever the model takes, N at least 1.
        batch_size: images a step.
        full: fill a step up also where there are fewer images, for a model that gets several sets of them.
        advance: called after each step with the number of images done in it.

    Returns:
        float32 of shape `(N, classes)`.

    Raises:
        ValueError: `batch_size` is below 1.
    """
    parts = []
    size = check_whole("batch_size", batch_size)
    size = size if full else min(size, len(images))
    for start in range(0, len(images), size):
        part = images[start : start + size]
        missing = size - len(part)
        # A last batch of another length would be traced and compiled once more.
        filled = np.pad(part, ((0, missing), *((0, 0),) * (part.ndim - 1))) if missing else part
        logits = keras.ops.convert_to_numpy(model.predict_on_batch(filled))
        parts.append(np.asarray(logits, np.float32)[: len(part)])
        if advance is not None:
            advance(len(part))
    return np.concatenate(parts)
