from .composed import Blocks, Convolution, check_stages, stack
from .ends import classify, drop_before_head, finish, finish_maps, image_input
from .layers import conv, depthwise, max_pool, norm, subsample_shortcut

__all__ = [
    "Blocks",
    "Convolution",
    "check_stages",
    "classify",
    "conv",
    "depthwise",
    "drop_before_head",
    "finish",
    "finish_maps",
    "image_input",
    "max_pool",
    "norm",
    "stack",
    "subsample_shortcut",
]
