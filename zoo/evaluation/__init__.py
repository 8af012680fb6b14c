"""Measuring models: predictions, accuracy, equivariance, arithmetic, energies of graph networks."""

from zoo.evaluation.classification import evaluate
from zoo.evaluation.equivariance import equivariance_error
from zoo.evaluation.graph_energy import graph_energy
from zoo.evaluation.graphs import check_step_size, pack_graph
from zoo.evaluation.macs import CONVENTION, count_macs
from zoo.evaluation.prediction import predict

__all__ = [
    "CONVENTION",
    "check_step_size",
    "count_macs",
    "equivariance_error",
    "evaluate",
    "graph_energy",
    "pack_graph",
    "predict",
]
