"""From the authors' PyTorch names and layouts, and torchvision's and timm's, to ours."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from zoo.math import log_polar_from_folded
from zoo.models.conversion import NORM, Converted, Layout, Tensors
from zoo.models.lpsc.config import LPSCAlexNetConfig, LPSCDeepLabConfig, LPSCResNetConfig, LPSCVGGConfig

Layers = list[tuple[str, str, str]]
"""The authors' layers, ours, and what each holds: conv, depthwise, lpsc, center (of the log-polar layer), norm or
dense. The first pattern that fits decides."""

ALEXNET: Layers = [
    (r"logp1\.1", "conv1", "lpsc"),
    (r"centerconv1", "conv1", "center"),
    (r"logconv2", "conv2", "lpsc"),
    (r"centerconv2", "conv2", "center"),
    (r"highfeatures\.2", "conv3", "conv"),
    (r"highfeatures\.4", "conv4", "conv"),
    (r"highfeatures\.6", "conv5", "conv"),
    *((rf"features\.{place}", f"conv{index}", "conv") for index, place in enumerate((0, 3, 6, 8, 10), start=1)),
    (r"classifier", "head", "dense"),
]
RESNET: Layers = [
    (r"layer(\d)\.(\d+)\.lpsc1", r"stage\1_block\2_conv1_lpsc", "lpsc"),
    (r"layer(\d)\.(\d+)\.centerconv2", r"stage\1_block\2_conv1_lpsc", "center"),
    (r"layer(\d)\.(\d+)\.bn(\d)", r"stage\1_block\2_conv\3_norm", "norm"),
    (r"layer(\d)\.(\d+)\.downsample\.0", r"stage\1_block\2_shortcut", "conv"),
    (r"layer(\d)\.(\d+)\.downsample\.1", r"stage\1_block\2_shortcut_norm", "norm"),
    (r"layer(\d)\.(\d+)\.conv(\d)", r"stage\1_block\2_conv\3", "conv"),
    (r"bn1", "stem_norm", "norm"),
    (r"fc", "head", "dense"),
]
PLAIN: Layers = [(r"conv1", "stem", "conv"), *RESNET]
STEM: Layers = [(r"conv1", "stem", "lpsc"), (r"centerconv1", "stem", "center"), *RESNET]
_CROSS: Layers = [
    (r"conv1", "stem_plain", "conv"),
    (r"lpsc1", "stem_lpsc", "lpsc"),
    (r"centerconv1", "stem_lpsc", "center"),
]
CROSS: Layers = [*_CROSS, (r"layer1\.(\d+)\.conv1", r"stage1_block\1_conv1_plain", "conv"), *RESNET]
DEEP_CROSS: Layers = [
    *_CROSS,
    (r"layer1\.(\d+)\.lpsc1", r"stage1_block\1_conv2_lpsc", "lpsc"),
    (r"layer1\.(\d+)\.centerconv2", r"stage1_block\1_conv2_lpsc", "center"),
    (r"layer1\.(\d+)\.conv2", r"stage1_block\1_conv2_plain", "conv"),
    *RESNET,
]
"""With bottlenecks, whose middle layer is the log-polar one."""

_VGG = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_MOBILENET = (1, 2, 3, 4, 3, 3, 1)
"""Blocks of the stages of MobileNetV2."""
_BORDER = (
    "near the borders logits differ from the authors': their backbone pads with zeros before a block's 1x1 layer, ours "
    "before its 3x3 layer"
)


def vgg(stages: tuple[int, ...], *, norm: bool = True) -> Layers:
    """Layers of a VGG, which the authors number through."""
    found, place = [], 0
    for stage, depth in enumerate(stages, start=1):
        for index in range(1, depth + 1):
            found.append((rf"features\.{place}", f"conv{stage}_{index}", "conv"))
            if norm:
                found.append((rf"features\.{place + 1}", f"conv{stage}_{index}_norm", "norm"))
            place += 3 if norm else 2
        place += 1
    stem = [(r"pre\.1", "stem", "lpsc"), (r"centerconv", "stem", "center"), (r"post\.0", "stem_norm", "norm")]
    return [*found, *stem, (r"classifier", "head", "dense")]


def deeplab(*, log_polar: bool = True, decoder: bool = True) -> Layers:
    """Layers of DeepLab on MobileNetV2."""
    backbone, head = r"backbone\.(?:low|high)_level_features", "classifier" if decoder else r"classifier\.classifier"
    found: Layers = [(rf"{backbone}\.0\.0", "stem", "conv"), (rf"{backbone}\.0\.1", "stem_norm", "norm")]
    place = 1
    for stage, count in enumerate(_MOBILENET, start=1):
        for block in range(1, count + 1):
            found += _inverted(rf"{backbone}\.{place}\.conv", f"stage{stage}_block{block}", expands=stage > 1)
            place += 1
    pyramid = rf"{head}\.aspp" if decoder else rf"{head}\.0"
    for branch in range(5):
        first = 1 if branch == 4 or (branch == 3 and log_polar) else 0
        kind = "lpsc" if branch == 3 and log_polar else "conv"
        found += [
            (rf"{pyramid}\.convs\.{branch}\.{first}", f"pyramid{branch + 1}", kind),
            (rf"{pyramid}\.convs\.{branch}\.{first + 1}", f"pyramid{branch + 1}_norm", "norm"),
        ]
    found += _unit(rf"{pyramid}\.project", 0, "pyramid")
    if decoder:
        found += _unit(rf"{head}\.project", 0, "decoder_fine")
        return [*found, *_unit(rf"{head}\.classifier", 0, "decoder"), (rf"{head}\.classifier\.3", "head", "conv")]
    return [*found, *_unit(head, 1, "decoder"), (rf"{head}\.4", "head", "conv")]


def _unit(prefix: str, place: int, name: str) -> Layers:
    return [(rf"{prefix}\.{place}", name, "conv"), (rf"{prefix}\.{place + 1}", f"{name}_norm", "norm")]


def _inverted(prefix: str, name: str, *, expands: bool) -> Layers:
    """An inverted residual: without expansion the others stand one place earlier."""
    found: Layers = []
    if expands:
        found += [(rf"{prefix}\.0\.0", f"{name}_expand", "conv"), (rf"{prefix}\.0\.1", f"{name}_expand_norm", "norm")]
    place = int(expands)
    return [
        *found,
        (rf"{prefix}\.{place}\.0", f"{name}_depthwise", "depthwise"),
        (rf"{prefix}\.{place}\.1", f"{name}_depthwise_norm", "norm"),
        (rf"{prefix}\.{place + 1}", f"{name}_project", "conv"),
        (rf"{prefix}\.{place + 2}", f"{name}_project_norm", "norm"),
    ]


def layers_of(config: Any) -> Layers:
    """The layers of a configuration's network."""
    if isinstance(config, LPSCDeepLabConfig):
        return deeplab(log_polar=config.log_polar, decoder=config.decoder)
    if isinstance(config, LPSCAlexNetConfig):
        return ALEXNET
    if isinstance(config, LPSCVGGConfig):
        return vgg(_VGG[config.depth], norm=config.norm)
    if config.log_polar != "cross":
        return STEM if config.log_polar else PLAIN
    return DEEP_CROSS if not config.small and config.depth >= 50 else CROSS


def find(name: str, layers: Layers) -> tuple[str, str, str] | None:
    """Our path of one of the authors' tensors, what kind of layer it is in, and which of its tensors it is."""
    layer, _, part = name.rpartition(".")
    for pattern, ours, kind in layers:
        if match := re.fullmatch(pattern, layer):
            path = match.expand(ours)
            path = _count_from_1(path) if "\\" in ours else path
            return f"{path}/{_variable(kind, part)}", kind, part
    return None


def _count_from_1(path: str) -> str:
    """The authors count blocks from 0."""
    return re.sub(r"_block(\d+)", lambda block: f"_block{int(block[1]) + 1}", path)


def _variable(kind: str, part: str) -> str:
    if kind == "norm":
        return NORM.get(part, part)
    own = {"weight": "kernel"}.get(part, part)
    return f"center_{own}" if kind == "center" else own


def layout(value: np.ndarray, kind: str, part: str) -> np.ndarray:
    """The tensor in our layout."""
    if part != "weight" or kind == "norm":
        return value
    if kind == "lpsc":
        return log_polar_from_folded(value)
    if kind == "center":
        return value[:, :, 0, 0].T
    if kind == "depthwise":
        return value.transpose(2, 3, 0, 1)
    return value.T if kind == "dense" else value.transpose(2, 3, 1, 0)


def convert(config: Any, tensors: Tensors) -> Converted:
    """Weights by variable path."""
    found, layers = Converted(), layers_of(config)
    for name, value in tensors.items():
        place = find(name, layers)
        if place is None:
            found.left_over.append(name)
            continue
        path, kind, part = place
        found.add(path, _try_layout(value, kind, part), name)
    # A layer without a bias of the pooled branch has the centre's: here it is the layer's only one.
    for path in [path for path in found.tensors if path.endswith("/center_bias")]:
        only = path.replace("center_bias", "bias")
        if only not in found.tensors:
            found.tensors[only], found.sources[only] = found.tensors.pop(path), found.sources.pop(path)
    if isinstance(config, LPSCDeepLabConfig):
        found.notes.append(_BORDER)
    return found


def _try_layout(value: np.ndarray, kind: str, part: str) -> np.ndarray:
    """The tensor in our layout, or as it is where it is of another kind: its shape then says so."""
    try:
        return layout(value, kind, part)
    except (ValueError, IndexError):
        return value


def _is_torchvisions(config: Any) -> bool:
    return isinstance(config, LPSCResNetConfig) and config.log_polar is None and not config.small


LAYOUTS = (
    Layout(
        name="torchvision or timm, ResNet",
        fits=_is_torchvisions,
        convert=convert,
    ),
    Layout(
        name="BingSu12/Log-Polar-Space-Convolution, state_dict",
        fits=lambda config: not _is_torchvisions(config),
        convert=convert,
        license="research only, non-commercial, as the authors' code (B. Su and J.-R. Wen)",
    ),
)
