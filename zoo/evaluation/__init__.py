"""Measuring models: predictions, accuracy, equivariance, arithmetic, receptive fields, focus areas, graph energies."""

from zoo.evaluation.classification import evaluate
from zoo.evaluation.equivariance import equivariance_error
from zoo.evaluation.focus import THRESHOLDS, FocusArea, erased_accuracy, focus_area
from zoo.evaluation.graph_energy import graph_energy
from zoo.evaluation.graphs import ASSET, check_step_size, pack_graph, takes_graphs
from zoo.evaluation.log_polar import center_correlation, region_means
from zoo.evaluation.macs import CONVENTION, count_macs
from zoo.evaluation.measures import MEASURES
from zoo.evaluation.prediction import predict
from zoo.evaluation.receptive_field import effective_receptive_field
from zoo.evaluation.segmentation import segmentation_scores

__all__ = [
    "ASSET",
    "CONVENTION",
    "MEASURES",
    "THRESHOLDS",
    "FocusArea",
    "center_correlation",
    "check_step_size",
    "count_macs",
    "effective_receptive_field",
    "equivariance_error",
    "erased_accuracy",
    "evaluate",
    "focus_area",
    "graph_energy",
    "pack_graph",
    "predict",
    "region_means",
    "segmentation_scores",
    "takes_graphs",
]
