"""From a PDE-GCN configuration to a functional Keras model that takes graphs and returns logits."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

from zoo.layers import GraphConvolution, NodeMask, NodePooling, PDEGCNBlock
from zoo.models.pdegcn.config import PDEGCNCloudConfig, PDEGCNConfig

STAGES = r"open|pde|conv\d+|close"
"""How the names of a stage's layers begin."""


def build(config: PDEGCNConfig | PDEGCNCloudConfig) -> keras.Model:
    """Builds the network of a configuration with fresh weights.

    Args:
        config: a `PDEGCNConfig` or `PDEGCNCloudConfig`.

    Returns:
        A functional model from `{"x": (B, N, F), "edges": (B, E, 2)}` to logits, (B, N, num_classes) for the nodes or
        (B, num_classes) for whole graphs, or to what feeds the head if `include_head` is false. With `edge_weight` it
        takes weights of edges too, `"edge_weight": (B, E)`.

    Raises:
        TypeError: for another configuration.
        ValueError: for values that do not fit, from the layer that rejects them.

    Example:
        >>> build(PDEGCNConfig(depth=2)).count_params()
        100352
    """
    if isinstance(config, PDEGCNConfig):
        return _build_nodes(config)
    if isinstance(config, PDEGCNCloudConfig):
        return _build_cloud(config)
    raise TypeError(f"Expected a PDEGCNConfig or PDEGCNCloudConfig; got {type(config).__name__}.")


def example_inputs(config: PDEGCNConfig | PDEGCNCloudConfig) -> dict[str, np.ndarray]:
    """Two small graphs that a model of this configuration takes: a ring with chords, the second with padding.

    Args:
        config: a configuration of the family.

    Returns:
        `x`, float32 (2, nodes, features) in [0, 1), `edges`, int32 (2, 4 nodes, 2), and float32 `edge_weight`
        (2, 4 nodes) where the model takes it.
    """
    nodes, features = config.input_shape[0] or 16, config.input_shape[1]
    x = np.random.default_rng(0).random((2, nodes, features), "float32")
    ring, chords = (np.stack([np.arange(nodes), (np.arange(nodes) + s) % nodes], 1) for s in (1, 3))
    pairs = np.concatenate([ring, chords])
    edges = np.stack([np.stack([pairs, pairs[:, ::-1]], 1).reshape(-1, 2)] * 2).astype("int32")
    edges[1, -2 * nodes :] = -1
    inputs = {"x": x, "edges": edges}
    if config.edge_weight:
        inputs["edge_weight"] = np.linspace(0.5, 1.5, edges[..., 0].size, dtype="float32").reshape(edges.shape[:2])
    return inputs


def _build_nodes(config: PDEGCNConfig) -> keras.Model:
    inputs, x = _open(config, config.dropout)
    graph = [inputs["edges"], inputs.get("edge_weight")]
    x = _gcn(config, x, *graph) if config.kind == "gcn" else _block(config)(x, *graph)
    for index, width in enumerate(config.hidden):
        x = layers.Dense(width, use_bias=bool(index), name=f"hidden{index}")(x)
        x = layers.Activation("elu", name=f"hidden{index}_elu")(x) if index else x
    if config.include_head:
        x = layers.Dropout(config.dropout, name="head_dropout")(x)
        x = layers.Dense(config.num_classes, use_bias=bool(config.hidden), name="head")(x)
    return keras.Model(inputs, x, name=config.name)


def _build_cloud(config: PDEGCNCloudConfig) -> keras.Model:
    inputs, x = _open(config, 0.0)
    x = _block(config, concatenate=True)(x, inputs["edges"], inputs.get("edge_weight"))
    x = layers.Dense(config.closing, use_bias=False, name="close")(x)
    mask = NodeMask(name="pool_mask")(inputs["x"], inputs["edges"])
    x = NodePooling("max", name="pool")(x, mask)
    for index, width in enumerate(config.hidden):
        x = layers.Dense(width, use_bias=False, name=f"hidden{index}")(x)
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"hidden{index}_norm")(x)
        x = layers.ReLU(name=f"hidden{index}_relu")(x)
        x = layers.Dropout(config.dropout, name=f"hidden{index}_dropout")(x)
    if config.include_head:
        x = layers.Dense(config.num_classes, name="head")(x)
    return keras.Model(inputs, x, name=config.name)


def _open(config: PDEGCNConfig | PDEGCNCloudConfig, dropout: float) -> tuple[dict[str, Any], Any]:
    """The inputs, and the features after the opening matrix and its ReLU."""
    inputs = {
        "x": keras.Input(config.input_shape, name="x"),
        "edges": keras.Input((None, 2), dtype="int32", name="edges"),
    }
    if config.edge_weight:
        inputs["edge_weight"] = keras.Input((None,), name="edge_weight")
    x = layers.Dropout(dropout, name="open_dropout")(inputs["x"])
    return inputs, layers.Dense(config.width, use_bias=False, activation="relu", name="open")(x)


def _block(config: PDEGCNConfig | PDEGCNCloudConfig, **arguments: Any) -> PDEGCNBlock:
    if isinstance(config, PDEGCNConfig):
        arguments |= {"edge_dropout": config.edge_dropout, "paired": config.paired}
    return PDEGCNBlock(
        config.depth,
        config.kind,
        step_size=config.step_size,
        activation=config.activation,
        normalization=config.normalization,
        share_alpha=config.share_alpha,
        name="pde",
        **arguments,
    )


def _gcn(config: PDEGCNConfig, x: Any, edges: Any, edge_weight: Any) -> Any:
    for index in range(1, config.depth + 1):
        x = layers.Dropout(config.dropout, name=f"conv{index}_dropout")(x)
        x = GraphConvolution(config.width, name=f"conv{index}")(x, edges, edge_weight)
        x = layers.ReLU(name=f"conv{index}_relu")(x)
    return x
