"""From the authors' PyTorch names and layouts, and torchvision's and timm's, to ours."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from zoo.models.conversion import Converted, Layout, Rules, Tensors, by_rules
from zoo.models.shared_basis.config import (
    BasicResNetConfig,
    BottleneckResNetConfig,
    SharedBasisConfig,
    SharedDenseNetConfig,
    SharedMobileNetV2Config,
)

# A layer that blocks share is in the file once for the network and once more for each block that has it.
PARTS: Rules = (
    (r"_basis_conv(\d)\.weight$", r"_conv\1.unique_kernel"),
    (r"_coeff_conv(\d)\.weight$", r"_conv\1.coefficients"),
    (r"_basis_bn(\d)\.", r"_conv\1.norm."),
    (r"_bn(\d)\.", r"_conv\1_norm."),
)
SHORTCUT: Rules = (
    (r"_shortcut\.0\.", "_shortcut."),
    (r"_shortcut\.1\.", "_shortcut_norm."),
)
INVERTED: Rules = (
    (r"_conv1\.", "_expand."),
    (r"_conv2\.", "_depthwise."),
    (r"_conv3\.", "_project."),
    (r"_bn1\.", "_expand_norm."),
    (r"_bn2\.", "_depthwise_norm."),
    (r"_bn3\.", "_project_norm."),
    (r"_chan_attention\.conv\.", "_attention."),
    *SHORTCUT,
)
_NET: Rules = (
    (r"^conv1\.", "stem."),
    (r"^bn1\.", "stem_norm."),
    (r"^(fc|linear)\.", "head."),
)
_BLOCKS: Rules = ((r"^layer(\d)\.(\d+)\.", lambda found: f"stage{found[1]}_block{int(found[2]) + 1}_"),)

RESNET: Rules = (
    *_NET,
    (r"^shared_basis_(\d)(_\d)?\.weight$", r"stage\1_basis.kernel\2"),
    (r"^layer(\d)\.\d+\.shared_basis(_\d)?\.weight$", r"stage\1_basis.kernel\2"),
    *_BLOCKS,
    *PARTS,
    *SHORTCUT,
)
TORCHVISION: Rules = (
    *_NET,
    *_BLOCKS,
    *PARTS,
    (r"_downsample\.0\.", "_shortcut."),
    (r"_downsample\.1\.", "_shortcut_norm."),
)
RESNET_PP: Rules = (
    *_NET,
    (r"^shared_basis_(\d)_1\.weight$", r"stage\1_basis.kernel"),
    (r"^shared_basis_(\d)_2\.weight$", r"stage\1_basis_last.kernel"),
    (r"^layer(\d)\.\d+\.shared_basis_1\.weight$", r"stage\1_basis.kernel"),
    (r"^layer(\d)\.\d+\.shared_basis_2\.weight$", r"stage\1_basis_last.kernel"),
    *_BLOCKS,
    *PARTS,
    *SHORTCUT,
)
RESNEXT: Rules = (
    (r"residual_function\.0\.", "conv1."),
    (r"residual_function\.3\.", "conv2."),
    (r"residual_function\.6\.", "conv3."),
    (r"residual_function\.1\.", "bn1."),
    (r"residual_function\.4\.", "bn2."),
    (r"residual_function\.7\.", "bn3."),
    *RESNET,
)
DENSENET: Rules = (
    (r"^conv1\.", "stem."),
    (r"^features\.bn\.", "final_norm."),
    (r"^linear\.", "head."),
    (r"^shared_basis_(\d)\.weight$", r"stage\1_basis.kernel"),
    (
        r"^features\.dense_block_layer_(\d)\.bottle_neck_layer_\d+\.shared_basis\.",
        lambda found: f"stage{int(found[1]) + 1}_basis.",
    ),
    (
        r"^features\.dense_block(?:_layer_)?(\d)\.bottle_neck_layer_(\d+)\.",
        lambda found: f"stage{int(found[1]) + 1}_block{int(found[2]) + 1}_",
    ),
    (r"^features\.transition_layer_(\d)\.down_sample\.0\.", lambda f: f"stage{int(f[1]) + 2}_transition_input_norm."),
    (r"^features\.transition_layer_(\d)\.down_sample\.1\.", lambda f: f"stage{int(f[1]) + 2}_transition."),
    (r"_residual_function\.0\.", "_input_norm."),
    (r"_residual_function\.2\.", "_conv1."),
    (r"_residual_function\.3\.", "_conv1_norm."),
    (r"_residual_function\.5\.", "_conv2."),
    (r"_bn0\.", "_input_norm."),
    *PARTS,
)
MOBILENET: Rules = (
    (r"^pre\.0\.", "stem."),
    (r"^pre\.1\.", "stem_norm."),
    (r"^conv1\.0\.", "last."),
    (r"^conv1\.1\.", "last_norm."),
    (r"^(conv2|classifier\.1)\.", "head."),
    (r"^shared_basis_(\d)_2\.weight$", lambda found: f"stage{int(found[1]) + 2}_basis_project.kernel"),
    (r"^shared_basis_(\d)(_1)?\.weight$", lambda found: f"stage{int(found[1]) + 2}_basis_expand.kernel"),
    (r"^stage(\d)\.\d+\.shared_basis_?2\.weight$", r"stage\1_basis_project.kernel"),
    (r"^stage(\d)\.\d+\.shared_basis(_?1)?\.weight$", r"stage\1_basis_expand.kernel"),
    (r"^stage(\d)\.(\d)\.", lambda found: f"stage{found[1]}_block{int(found[2]) + 1}_"),
    (r"^stage(\d)\.", r"stage\1_block1_"),
    *INVERTED,
)

_DEAD = (
    "shared_basis_4 of the file was left out: the authors' last dense block uses the third block's filters, and so "
    "does this network"
)


def rules_of(config: SharedBasisConfig) -> Rules:
    """The authors' names of a configuration's network."""
    if isinstance(config, SharedMobileNetV2Config):
        return MOBILENET
    if isinstance(config, SharedDenseNetConfig):
        return DENSENET
    if isinstance(config, BottleneckResNetConfig):
        return RESNET_PP if config.share_last else RESNEXT if config.groups > 1 else RESNET
    return RESNET


def convert(tensors: Tensors, rules: Rules = RESNET) -> Converted:
    """Weights (or gradients) by our variable paths; the filters of a double basis are one tensor."""
    found = by_rules(tensors, rules)
    for first in [path for path in found.tensors if path.endswith("kernel_1")]:
        found.join(first, f"{first[:-1]}2", first.removesuffix("_1"))
    return found


def _from_authors(config: Any, tensors: Tensors) -> Converted:
    if not (isinstance(config, SharedDenseNetConfig) and config.shared):
        return convert(tensors, rules_of(config))
    return _dense(tensors)


def _dense(tensors: Tensors) -> Converted:
    """The last block computes with the third one's filters, whatever `shared_basis_4` holds."""
    unused = "shared_basis_4.weight"
    found = convert({name: value for name, value in tensors.items() if name != unused}, DENSENET)
    third, last = (f"stage{stage}_basis/kernel" for stage in (3, 4))
    if last not in found.tensors and third in found.tensors:
        found.add(last, found.tensors[third], *found.sources[third])
    if unused in tensors and last in found.tensors:
        same = np.array_equal(tensors[unused].transpose(2, 3, 1, 0), found.tensors[last])
        found.notes += [] if same else [_DEAD]
    return found


def _adapt(config: Any, tensors: Tensors) -> Any:
    """MobileNetV2 with the channel gates that the authors' newest code has, if the file has them."""
    gates = any("chan_attention" in name for name in tensors)
    if isinstance(config, SharedMobileNetV2Config) and gates and config.attention is None:
        return dataclasses.replace(config, attention="eca")
    return config


def _is_torchvisions(config: Any) -> bool:
    """Plain ResNets for ImageNet: the same function, strides in the 3x3 layers."""
    plain = isinstance(config, (BasicResNetConfig, BottleneckResNetConfig)) and not (config.shared or config.unique)
    return plain and config.stem == "7x7"


LAYOUTS = (
    Layout(
        name="ssregibility/Net_RL2, net_state_dict",
        fits=lambda config: True,
        convert=_from_authors,
        adapt=_adapt,
        license="none stated by the authors (W. Kang and D. Kim): for its owner's use, and not to be passed on",
    ),
    Layout(
        name="torchvision or timm, ResNet",
        fits=_is_torchvisions,
        convert=lambda config, tensors: convert(tensors, TORCHVISION),
    ),
)
