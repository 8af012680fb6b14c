"""Measuring models: predictions, accuracy, equivariance, arithmetic, energies of graph networks, focus areas."""

from zoo.evaluation.classification import evaluate
from zoo.evaluation.equivariance import equivariance_error
from zoo.evaluation.focus import THRESHOLDS, FocusArea, erased_accuracy, focus_area
from zoo.evaluation.graph_energy import graph_energy
from zoo.evaluation.graphs import ASSET, check_step_size, pack_graph, takes_graphs
from zoo.evaluation.macs import CONVENTION, count_macs
from zoo.evaluation.measures import MEASURES
from zoo.evaluation.prediction import predict

__all__ = [
    "ASSET",
    "CONVENTION",
    "MEASURES",
    "THRESHOLDS",
    "FocusArea",
    "check_step_size",
    "count_macs",
    "equivariance_error",
    "erased_accuracy",
    "evaluate",
    "focus_area",
    "graph_energy",
    "pack_graph",
    "predict",
    "takes_graphs",
]
