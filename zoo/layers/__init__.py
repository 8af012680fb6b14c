"""Keras layers of the zoo's papers: building blocks that know tensors and nothing else."""

from zoo.layers.block_max_pooling2d import BlockMaxPooling2D
from zoo.layers.e4_conv2d import E4Conv2D
from zoo.layers.g_batch_normalization import GBatchNormalization
from zoo.layers.g_conv2d import GConv2D
from zoo.layers.g_dropout import GDropout
from zoo.layers.graph_average import GraphAverage
from zoo.layers.graph_convolution import GraphConvolution
from zoo.layers.graph_divergence import GraphDivergence
from zoo.layers.graph_gradient import GraphGradient
from zoo.layers.group_pooling import GroupPooling
from zoo.layers.lifting_conv2d import LiftingConv2D
from zoo.layers.log_polar_conv2d import LogPolarConv2D
from zoo.layers.node_mask import NodeMask
from zoo.layers.node_pooling import NodePooling
from zoo.layers.pdegcn_block import PDEGCNBlock
from zoo.layers.resize import Resize
from zoo.layers.shared_basis_conv2d import SharedBasisConv2D
from zoo.layers.shared_filter_basis import SharedFilterBasis
from zoo.layers.synaptic_conv2d import SynapticConv2D

__all__ = [
    "BlockMaxPooling2D",
    "E4Conv2D",
    "GBatchNormalization",
    "GConv2D",
    "GDropout",
    "GraphAverage",
    "GraphConvolution",
    "GraphDivergence",
    "GraphGradient",
    "GroupPooling",
    "LiftingConv2D",
    "LogPolarConv2D",
    "NodeMask",
    "NodePooling",
    "PDEGCNBlock",
    "Resize",
    "SharedBasisConv2D",
    "SharedFilterBasis",
    "SynapticConv2D",
]
