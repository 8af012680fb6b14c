from .graph_batches import knn_graph, pad_graphs
from .graph_converters import from_networkx, from_pyg, from_scipy
from .graphs import check_edges, degrees, gcn_weights, is_undirected, pair_edges, to_undirected
from .groups import GROUPS, Group, get_group
from .log_polar import LogPolarMap, log_polar_from_folded, log_polar_map, log_polar_to_folded
from .sampling import is_exact, output_size, symmetric_padding
from .stability import max_step_size, spectral_bound

__all__ = [
    "GROUPS",
    "Group",
    "LogPolarMap",
    "check_edges",
    "degrees",
    "from_networkx",
    "from_pyg",
    "from_scipy",
    "gcn_weights",
    "get_group",
    "is_exact",
    "is_undirected",
    "knn_graph",
    "log_polar_from_folded",
    "log_polar_map",
    "log_polar_to_folded",
    "max_step_size",
    "output_size",
    "pad_graphs",
    "pair_edges",
    "spectral_bound",
    "symmetric_padding",
    "to_undirected",
]
