from .classification import evaluate
from .energies import graph_energy, graph_features
from .equivariance import equivariance_error
from .focus import THRESHOLDS, FocusArea, erased_accuracy, focus_area
from .graphs import ASSET, check_step_size, pack_graph, takes_graphs
from .log_polar import center_correlation, region_means
from .macs import CONVENTION, count_macs
from .measures import MEASURES
from .own_data import confusion, read_part
from .prediction import predict
from .receptive_field import effective_receptive_field
from .segmentation import segmentation_scores

__all__ = [
    "ASSET",
    "CONVENTION",
    "MEASURES",
    "THRESHOLDS",
    "FocusArea",
    "center_correlation",
    "check_step_size",
    "confusion",
    "count_macs",
    "effective_receptive_field",
    "equivariance_error",
    "erased_accuracy",
    "evaluate",
    "focus_area",
    "graph_energy",
    "graph_features",
    "pack_graph",
    "predict",
    "read_part",
    "region_means",
    "segmentation_scores",
    "takes_graphs",
]
