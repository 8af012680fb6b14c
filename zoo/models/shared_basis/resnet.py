"""ResNets and ResNeXt with shared filter bases, of basic and of bottleneck blocks."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras

from zoo.math.values import check_whole
from zoo.models.blocks import (
    Blocks,
    check_stages,
    conv,
    finish_maps,
    image_input,
    max_pool,
    subsample_shortcut,
)
from zoo.models.initializers import he_fan_out, torch_default
from zoo.models.shared_basis.config import BasicResNetConfig, BottleneckResNetConfig
from zoo.models.shared_basis.sharing import Sharing

_HE = Blocks(conv=partial(conv, initializer=he_fan_out))
_TORCH = Blocks(conv=partial(conv, initializer=torch_default))


def build_basic(config: BasicResNetConfig) -> keras.Model:
    """A ResNet of basic blocks."""
    _check(config)
    if config.bases not in (1, 2):
        raise ValueError(f"Expected `bases` to be 1, for both layers of a block, or 2, one each; got {config.bases!r}.")
    inputs, x = image_input(config.input_shape, mean=config.mean, std=config.std)
    x = _stem(_HE, config.stem, x, config.widths[0])
    sharing = Sharing(config, entries=_entries(config), unique=config.regularize_unique)
    for stage, (width, depth) in enumerate(zip(config.widths, config.blocks, strict=True)):
        x = plain_block(config, x, width, f"stage{stage + 1}_block1", strides=2 if stage else 1)
        bases: tuple[Any, ...] = ()
        if config.shared and depth > 1:
            bases = sharing.basis(x, config.shared << stage, 3, f"stage{stage + 1}_basis", bases=config.bases)
        for block in range(2, depth + 1):
            x = shared_block(config, sharing, x, bases, config.unique << stage, f"stage{stage + 1}_block{block}")
    return finish_maps(config, inputs, x)


def _check(config: BasicResNetConfig | BottleneckResNetConfig) -> None:
    check_stages(config.widths, config.blocks)
    for name in ("shared", "unique"):
        check_whole(name, getattr(config, name), 0)


def _entries(config: BasicResNetConfig) -> int | None:
    """How many inner products the penalty looks at, in all stages together; None without any."""
    total = 0
    for stage, depth in enumerate(config.blocks):
        if depth > 1:
            shared, unique = config.bases * config.shared << stage, config.unique << stage
            total += shared * shared
            if config.regularize_unique:
                total += 2 * (depth - 1) * (shared * unique + unique * unique)
    return total or None


def plain_block(config: BasicResNetConfig, x: Any, width: int, name: str, *, strides: int = 1) -> Any:
    """Two plain 3x3 layers, plus the input, in another shape where it changes."""
    shortcut = subsample_shortcut if config.shortcut == "pad" else None
    return _HE.basic(x, width, name, strides=strides, shortcut=shortcut)


def shared_block(
    config: BasicResNetConfig, sharing: Sharing, x: Any, bases: tuple[Any, ...], unique: int, name: str
) -> Any:
    """Two 3x3 layers of shared and unique filters, or of plain ones, plus the input."""
    width = x.shape[-1]
    if not (bases or unique):
        return plain_block(config, x, width, name)

    first, second = (partial(sharing.conv, bases=order, unique=unique) for order in (bases, bases[::-1]))
    return _HE.basic(x, width, name, first=first, second=second)


def build_bottleneck(config: BottleneckResNetConfig) -> keras.Model:
    """A ResNet or ResNeXt of bottleneck blocks."""
    _check(config)
    if not config.shared and (config.unique or config.share_last):
        raise ValueError(
            "Bottleneck blocks have `unique` filters and `share_last` beside `shared` ones only; got shared=0, "
            f"unique={config.unique}, share_last={config.share_last}."
        )
    start = he_fan_out if config.groups == 1 else torch_default
    blocks = _HE if config.groups == 1 else _TORCH
    inputs, x = image_input(config.input_shape, mean=config.mean, std=config.std)
    x = _stem(blocks, config.stem, x, 64)
    stages = [stage for stage, depth in enumerate(config.blocks) if depth > 1]
    middle_entries = sum((config.shared << stage) ** 2 for stage in stages)
    last_entries = sum((config.widths[stage] * config.expansion) ** 2 for stage in stages)
    middle = Sharing(config, entries=middle_entries or None, initializer=start)
    last = Sharing(config, entries=last_entries or None, initializer=start)
    for stage, (width, depth) in enumerate(zip(config.widths, config.blocks, strict=True)):
        name, expansion = f"stage{stage + 1}", config.expansion
        plain = partial(blocks.conv, groups=config.groups)
        x = blocks.bottleneck(x, width, f"{name}_block1", strides=2 if stage else 1, expansion=expansion, second=plain)
        shared = SharedLayers(config, middle, last, stage, name)
        second = shared.middle if config.shared else plain
        third = shared.last if config.share_last else None
        for block in range(2, depth + 1):
            x = blocks.bottleneck(x, width, f"{name}_block{block}", expansion=expansion, second=second, third=third)
    return finish_maps(config, inputs, x)


class SharedLayers:
    """The shared layers of one stage, whose bases are made when the first block asks for them."""

    def __init__(self, config: BottleneckResNetConfig, middle: Sharing, last: Sharing, stage: int, name: str) -> None:
        self._middle, self._last, self._name = middle, last, name
        self._shared, self._unique = config.shared << stage, config.unique << stage
        self._basis_groups, self._groups = _groups(config, self._unique)
        self._found: dict[str, tuple[Any, ...]] = {}

    def middle(self, x: Any, filters: int, kernel_size: int, name: str, *, strides: int = 1) -> Any:
        """The 3x3 layer."""
        if "middle" not in self._found:
            self._found["middle"] = self._middle.basis(
                x, self._shared, kernel_size, f"{self._name}_basis", groups=self._basis_groups
            )
        return self._middle.conv(
            x,
            None,
            kernel_size,
            name,
            bases=self._found["middle"],
            strides=strides,
            unique=self._unique,
            groups=self._groups,
            basis_groups=self._basis_groups,
        )

    def last(self, x: Any, filters: int, kernel_size: int, name: str, *, strides: int = 1) -> Any:
        """The last 1x1 layer."""
        if "last" not in self._found:
            self._found["last"] = self._last.basis(x, filters, kernel_size, f"{self._name}_basis_last")
        return self._last.conv(x, None, kernel_size, name, bases=self._found["last"], strides=strides)


def _groups(config: BottleneckResNetConfig, unique: int) -> tuple[int, int]:
    """Groups of the basis and of the unique filters.

    Raises:
        ValueError: filters that do not fill their groups.
    """
    size = config.group_filters
    if size is None:
        return 1, 1
    if config.shared % size or unique % size:
        raise ValueError(
            f"Expected `shared` and `unique` to be multiples of group_filters={size}; got shared={config.shared} and "
            f"{unique} unique filters in a stage."
        )
    return config.shared // size, unique // size or 1


def _stem(blocks: Blocks, kind: str, x: Any, width: int) -> Any:
    if kind == "3x3":
        return blocks.conv_norm_relu(x, width, 3, "stem")
    if kind != "7x7":
        raise ValueError(f"Expected stem to be '3x3' or '7x7'; got {kind!r}.")
    return max_pool(blocks.conv_norm_relu(x, width, 7, "stem", strides=2), "stem_pool", 3)
