"""The layers of EfficientNet-Lite0 between the pixels and the pooling: for the backbones and the scene networks.

Inverted residuals as in EfficientNet, without squeeze-and-excite and with ReLU6 for swish. Strided layers pad as
TensorFlow's `same` does, one zero more at the bottom and on the right where the number is odd: the weights that there
are were trained so.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from zoo.models.blocks import Blocks, conv, depthwise, norm

STAGES = (
    (16, 1, 3, 1, 1),
    (24, 2, 3, 2, 6),
    (40, 2, 5, 2, 6),
    (80, 3, 3, 2, 6),
    (112, 3, 5, 1, 6),
    (192, 4, 5, 2, 6),
    (320, 1, 3, 1, 6),
)
"""Channels, blocks, kernel size, stride of the first block, and expansion of each stage."""
STEM, FEATURES = 32, 1280
"""Channels before the first stage, and after the last."""


_BLOCKS = Blocks(
    conv=partial(conv, padding="same"),
    norm=partial(norm, momentum=0.99, epsilon=1e-3),
    relu_max=6,
)
"""With the authors' epsilon and momentum."""


def efficientnet_lite0(x: Any) -> Any:
    """The last feature maps, (B, h / 32, w / 32, 1280), of normalised pixels (B, h, w, 3).

    Example:
        >>> import keras
        >>> efficientnet_lite0(keras.Input((64, 64, 3))).shape
        (None, 2, 2, 1280)
    """
    x = _BLOCKS.conv_norm_relu(x, STEM, 3, "stem", strides=2)
    for stage, (width, count, kernel_size, strides, expansion) in enumerate(STAGES, start=1):
        for index in range(1, count + 1):
            x = _BLOCKS.inverted(
                x,
                width,
                f"stage{stage}_block{index}",
                inner=expansion * x.shape[-1] if expansion > 1 else None,
                kernel_size=kernel_size,
                strides=strides if index == 1 else 1,
                depthwise=partial(depthwise, padding="same"),
            )
    return _BLOCKS.conv_norm_relu(x, FEATURES, 1, "features")
