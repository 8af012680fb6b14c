"""From the authors' PyTorch names and layouts to ours."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from zoo.models.conversion import NORM, Converted, Layout, Tensors
from zoo.models.e4net.config import E4NetConfig, E4ResNet18Config

_ORDERS = {None: 1, "p4": 4, "p4m": 8}
_E4 = {
    r"v\.0\.weight": "value_kernel",
    r"conv1\.0\.weight": "generator_kernel",
    r"conv1\.1\.weight": "generator_gamma",
    r"conv1\.1\.bias": "generator_beta",
    r"conv2\.0\.net\.weight": "head_kernel",
    r"conv2\.0\.net\.bias": "head_bias",
}
"""Tensors of one E4 layer."""
_FREE = (
    "the authors' norm inside the E4 layers has a scale and an offset for each field and group element, which breaks "
    "the symmetry; ours has one a field: the mean over the group"
)


def lifting(weight: np.ndarray) -> np.ndarray:
    """(out, in, k, k) to (k, k, in, out); the kernel of a plain convolution likewise."""
    return weight.transpose(2, 3, 1, 0)


def group_kernel(weight: np.ndarray) -> np.ndarray:
    """(out, in, n[, k, k]) to (k, k, n, in, out)."""
    if weight.ndim == 3:
        weight = weight[..., None, None]
    return weight.transpose(3, 4, 2, 1, 0)


def _kernel(value: np.ndarray) -> np.ndarray:
    """A plain or a group convolution's kernel; what is neither is shown as it is."""
    if value.ndim == 4:
        return lifting(value)
    return group_kernel(value) if value.ndim in (3, 5) else value


def e4_tensor(name: str, value: np.ndarray, *, order: int, kernel_size: int, reduce: Callable[..., Any]) -> np.ndarray:
    """One tensor of an E4 layer, by our name of it.

    Args:
        name: one of `value_kernel`, `generator_kernel`, `generator_gamma`, `generator_beta`, `head_kernel` and
            `head_bias`.
        value: the authors' tensor.
        order: of the group.
        kernel_size: of the layer.
        reduce: of what stands there for each element of the group, `np.mean`; of gradients `np.sum`.
    """
    k = kernel_size
    if name in ("value_kernel", "generator_kernel"):
        return group_kernel(value)
    if name == "head_kernel":
        return value.reshape(-1, k, k, value.shape[1]).transpose(1, 2, 3, 0)
    if name == "head_bias":
        return value.reshape(-1, k, k).transpose(1, 2, 0)
    return reduce(value.reshape(-1, order), axis=1)


def convert(
    config: E4NetConfig | E4ResNet18Config, tensors: Tensors, *, reduce: Callable[..., Any] = np.mean
) -> Converted:
    """Weights (or gradients) of a network by variable path."""
    found, order = Converted(), _ORDERS[config.group]
    kernel_size = config.kernel_size if isinstance(config, E4NetConfig) else 3
    place = _digits_layer if isinstance(config, E4NetConfig) else _resnet_layer
    for name, value in tensors.items():
        layer, part = place(name) or (None, "")
        if layer is None:
            found.left_over.append(name)
        elif layer.endswith("_norm"):
            found.add(f"{layer}/{NORM.get(part.removeprefix('bn.'), part)}", value, name)
        elif layer == "head":
            found.add(f"head/{'kernel' if part == 'weight' else 'bias'}", value.T, name)
        elif part == "weight":
            found.add(f"{layer}/kernel", _kernel(value), name)
        else:
            _add_e4(found, layer, part, value, name, order=order, kernel_size=kernel_size, reduce=reduce)
    return found


def _add_e4(found: Converted, layer: str, part: str, value: np.ndarray, name: str, **sizes: Any) -> None:
    """A tensor of an E4 layer; where a mean stands for different numbers, the numbers are kept for comparison."""
    ours = next((ours for pattern, ours in _E4.items() if re.fullmatch(pattern, part)), None)
    if ours is None:
        found.left_over.append(name)
        return
    path = f"{layer}/{ours}"
    try:
        converted = e4_tensor(ours, value, **sizes)
    except (ValueError, IndexError):  # of another size: shown as it is
        converted = value
    found.add(path, converted, name)
    is_mean = ours in ("generator_gamma", "generator_beta") and converted.size != value.size
    if is_mean and np.ptp(value.reshape(-1, sizes["order"]), axis=1).any():
        found.exact[path] = value
        found.notes[:] = [_FREE]


def _digits_layer(name: str) -> tuple[str, str] | None:
    """Our layer and the rest of the name, in the network for digits."""
    rules = {r"bn(\d)\.(bn\..+)": r"conv\1_norm", r"conv(\d)\.(.+)": r"conv\1", r"()fully_net\.0\.(.+)": "head"}
    return _first(name, rules)


def _resnet_layer(name: str) -> tuple[str, str] | None:
    """The same in the residual networks, plain and equivariant."""
    norm = r"((?:bn\.)?(?:weight|bias|running_mean|running_var))"
    rules = {
        r"()conv1\.0\.(weight)": "stem",
        rf"()conv1\.1\.{norm}": "stem_norm",
        rf"(conv\d_x\.\d)\.residual_function\.2\.{norm}": r"\1_conv1_norm",
        rf"(conv\d_x\.\d)\.residual_function\.5\.{norm}": r"\1_conv2_norm",
        rf"(conv\d_x\.\d)\.shortcut\.1\.{norm}": r"\1_shortcut_norm",
        r"(conv\d_x\.\d)\.residual_function\.0\.(weight)": r"\1_conv1",
        r"(conv\d_x\.\d)\.residual_function\.4\.(.+)": r"\1_conv2",
        r"(conv\d_x\.\d)\.shortcut\.0\.(weight)": r"\1_shortcut",
        r"()fc\.(.+)": "head",
    }
    found = _first(name, rules)
    if found is None:
        return None
    layer = re.sub(r"^conv(\d)_x\.(\d)", lambda m: f"stage{int(m[1]) - 1}_block{int(m[2]) + 1}", found[0])
    return layer, found[1]


def _first(name: str, rules: dict[str, str]) -> tuple[str, str] | None:
    for pattern, layer in rules.items():
        if match := re.fullmatch(pattern, name):
            return match.expand(layer), match[2]
    return None


def with_exact(model: Any, exact: Tensors) -> None:
    """Makes a model that nobody has called yet compute with the authors' free norms, to see what the means change."""
    from keras import ops

    def free(standard: Any, scale: np.ndarray, offset: np.ndarray) -> Any:
        return lambda *maps: standard(*maps) * ops.cast(scale, "float32") + ops.cast(offset, "float32")

    for name in {path.split("/")[0] for path in exact}:
        layer, values = model.get_layer(name), []
        for part in ("generator_gamma", "generator_beta"):
            shared = np.repeat(ops.convert_to_numpy(getattr(layer, part)), layer.group.order)
            values.append(exact.get(f"{name}/{part}", shared))
        layer.generator_gamma.assign(np.ones(layer.width))
        layer.generator_beta.assign(np.zeros(layer.width))
        # One number a field and element, as the layer has its maps: (B, n, Cr, positions).
        values = [value.reshape(layer.width, -1).T[..., None] for value in values]
        layer._normalize = free(layer._normalize, *values)


def _has_reference(config: Any) -> bool:
    """All but the group convolutions on digits, which are ours."""
    return isinstance(config, E4ResNet18Config) or config.layer == "e4"


LAYOUTS = (
    Layout(
        name="LingshenHe/Efficient-Equivariant-Network, state_dict",
        fits=_has_reference,
        convert=convert,
        license="MIT, as the authors' code (L. He and others); who trained the file has the say over it",
    ),
)
