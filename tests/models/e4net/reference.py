"""From the reference implementation's PyTorch weights and NCHW tensors to ours."""

from __future__ import annotations

import numpy as np


def nhwc(array: np.ndarray) -> np.ndarray:
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


def lifting(weight: np.ndarray) -> np.ndarray:
    return weight.transpose(2, 3, 1, 0)


def group_kernel(weight: np.ndarray) -> np.ndarray:
    """(out, in, n[, k, k]) -> (k, k, n, in, out)."""
    if weight.ndim == 3:
        weight = weight[..., None, None]
    return weight.transpose(3, 4, 2, 1, 0)


def e4(weights: dict[str, np.ndarray], prefix: str, *, order: int, kernel_size: int, gradient: bool = False) -> dict:
    """Weights (or gradients) of one E4 layer by our names; a shared vector's gradient is the sum over the group."""

    def shared(name: str) -> np.ndarray:
        fields = weights[prefix + name].reshape(-1, order)
        return fields.sum(axis=1) if gradient else fields[:, 0]

    k = kernel_size
    head = weights[f"{prefix}conv2.0.net.weight"]
    head = head.reshape(-1, k, k, head.shape[1])
    return {
        "value_kernel": group_kernel(weights[f"{prefix}v.0.weight"]),
        "generator_kernel": group_kernel(weights[f"{prefix}conv1.0.weight"]),
        "generator_gamma": shared("conv1.1.weight"),
        "generator_beta": shared("conv1.1.bias"),
        "head_kernel": head.transpose(1, 2, 3, 0),
        "head_bias": weights[f"{prefix}conv2.0.net.bias"].reshape(-1, k, k).transpose(1, 2, 0),
    }


def batch_norm(weights: dict[str, np.ndarray], prefix: str) -> dict:
    names = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
    return {ours: weights[prefix + theirs] for ours, theirs in names.items() if prefix + theirs in weights}


def digits_network(weights: dict[str, np.ndarray], *, gradient: bool = False) -> dict[str, np.ndarray]:
    """All weights (or gradients) of the seven-layer network by variable path."""
    paths = {"conv1/kernel": lifting(weights["conv1.weight"])}
    for index in range(1, 8):
        if index > 1:
            layer = e4(weights, f"conv{index}.", order=4, kernel_size=5, gradient=gradient)
            paths |= {f"conv{index}/{name}": value for name, value in layer.items()}
        norm = batch_norm(weights, f"bn{index}.bn.")
        paths |= {f"conv{index}_norm/{name}": value for name, value in norm.items()}
    return paths | {"head/kernel": weights["fully_net.0.weight"].T, "head/bias": weights["fully_net.0.bias"]}


def residual_block(weights: dict[str, np.ndarray], prefix: str, name: str, *, gradient: bool = False) -> dict:
    """One residual E4 block (kernel size 3) by variable path; `name` is our block's name."""
    inner = f"{prefix}residual_function."
    paths = {f"{name}_conv1/kernel": group_kernel(weights[f"{inner}0.weight"])}
    layers = {
        f"{name}_conv1_norm": batch_norm(weights, f"{inner}2.bn."),
        f"{name}_conv2": e4(weights, f"{inner}4.", order=4, kernel_size=3, gradient=gradient),
        f"{name}_conv2_norm": batch_norm(weights, f"{inner}5.bn."),
    }
    if f"{prefix}shortcut.0.weight" in weights:
        paths[f"{name}_shortcut/kernel"] = group_kernel(weights[f"{prefix}shortcut.0.weight"])
        layers[f"{name}_shortcut_norm"] = batch_norm(weights, f"{prefix}shortcut.1.bn.")
    for layer, values in layers.items():
        paths |= {f"{layer}/{weight}": value for weight, value in values.items()}
    return paths


def residual_network(weights: dict[str, np.ndarray], *, gradient: bool = False) -> dict[str, np.ndarray]:
    """All weights (or gradients) of the p4 E4 ResNet-18 by variable path."""
    stem = batch_norm(weights, "conv1.1.bn.")
    paths = {"stem/kernel": lifting(weights["conv1.0.weight"])} | {f"stem_norm/{k}": v for k, v in stem.items()}
    for stage in range(1, 5):
        for block in range(2):
            paths |= residual_block(
                weights, f"conv{stage + 1}_x.{block}.", f"stage{stage}_block{block + 1}", gradient=gradient
            )
    return paths | {"head/kernel": weights["fc.weight"].T, "head/bias": weights["fc.bias"]}
