"""Measuring models: predictions, accuracy, equivariance, arithmetic, receptive fields, energies of graph networks."""

from zoo.evaluation.classification import evaluate
from zoo.evaluation.equivariance import equivariance_error
from zoo.evaluation.graph_energy import graph_energy
from zoo.evaluation.graphs import ASSET, check_step_size, pack_graph, takes_graphs
from zoo.evaluation.log_polar import center_correlation, region_means
from zoo.evaluation.macs import CONVENTION, count_macs
from zoo.evaluation.prediction import predict
from zoo.evaluation.receptive_field import effective_receptive_field
from zoo.evaluation.segmentation import segmentation_scores

__all__ = [
    "ASSET",
    "CONVENTION",
    "center_correlation",
    "check_step_size",
    "count_macs",
    "effective_receptive_field",
    "equivariance_error",
    "evaluate",
    "graph_energy",
    "pack_graph",
    "predict",
    "region_means",
    "segmentation_scores",
    "takes_graphs",
]
