"""Configurations of the PDE-GCN family."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PDEGCNConfig:
    """A network that classifies the nodes of a graph.

    Attributes:
        name: name of the Keras model.
        input_shape: (nodes, features of a node); None for any number of nodes.
        num_classes: logits of a node.
        include_head: end with the classifier, else with what feeds it.
        kind: `"diffusive"`, `"hyperbolic"`, `"mixed"`, or for the baseline `"gcn"`: graph convolutions.
        width: channels.
        depth: time steps, or graph convolutions.
        step_size: of a time step.
        activation: of the time steps, `"relu"` or `"tanh"`.
        dropout: rate before the first and before the last matrix; for `"gcn"` before every convolution, too.
        edge_dropout: rate on the gradients along the edges.
        normalization: `"gcn"` or None, as in `PDEGCNBlock`.
        share_alpha: one mixing share for all time steps of `"mixed"`.
        paired: as in `PDEGCNBlock`.
        hidden: widths of layers between the time steps and the head: a matrix without bias of the first width, then
            dense layers with ELU.
        edge_weight: take weights of edges as a third input.
    """

    name: str = "pdegcn"
    input_shape: tuple[int | None, int] = (None, 1433)
    num_classes: int = 7
    include_head: bool = True
    kind: str = "diffusive"
    width: int = 64
    depth: int = 16
    step_size: float = 2.0
    activation: str = "relu"
    dropout: float = 0.6
    edge_dropout: float = 0.0
    normalization: str | None = "gcn"
    share_alpha: bool = True
    paired: bool | None = None
    hidden: tuple[int, ...] = ()
    edge_weight: bool = False


@dataclass(frozen=True, kw_only=True)
class PDEGCNCloudConfig:
    """A network that classifies whole graphs, such as point clouds with their nearest neighbours.

    Attributes:
        name: name of the Keras model.
        input_shape: (nodes, features of a node); None for any number of nodes. Nodes without features and edges are
            padding and count for nothing.
        num_classes: logits.
        include_head: end with the classifier, else with what feeds it.
        kind: `"diffusive"`, `"hyperbolic"` or `"mixed"`.
        width: channels.
        depth: time steps.
        step_size: of a time step.
        activation: of the time steps, `"relu"` or `"tanh"`.
        normalization: `"gcn"` or None, as in `PDEGCNBlock`.
        share_alpha: one mixing share for all time steps of `"mixed"`.
        closing: channels before the maximum over the nodes.
        hidden: widths of the dense layers after it.
        dropout: rate after each of these.
        edge_weight: take weights of edges as a third input.
    """

    name: str = "pdegcn_cloud"
    input_shape: tuple[int | None, int] = (None, 3)
    num_classes: int = 10
    include_head: bool = True
    kind: str = "diffusive"
    width: int = 64
    depth: int = 4
    step_size: float = 0.2
    activation: str = "relu"
    normalization: str | None = "gcn"
    share_alpha: bool = True
    closing: int = 1024
    hidden: tuple[int, ...] = (512, 256)
    dropout: float = 0.5
    edge_weight: bool = False
