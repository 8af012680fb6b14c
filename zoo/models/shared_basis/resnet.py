"""ResNets and ResNeXt with shared filter bases, of basic and of bottleneck blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from zoo.models import blocks
from zoo.models.initializers import he_fan_out, torch_default
from zoo.models.shared_basis.config import BasicResNetConfig, BottleneckResNetConfig, SharedBasisConfig
from zoo.models.shared_basis.sharing import Sharing

Conv = Callable[[Any], Any]


def build_basic(config: BasicResNetConfig) -> keras.Model:
    """A ResNet of basic blocks."""
    _check(config)
    if config.bases not in (1, 2):
        raise ValueError(f"`bases` must be 1, for both layers of a block, or 2, one for each; got {config.bases!r}.")
    inputs, x = blocks.image_input(config.input_shape, mean=config.mean, std=config.std)
    x = _stem(config.stem, x, config.widths[0], he_fan_out)
    sharing = Sharing(config, entries=_entries(config), unique=config.regularize_unique)
    for stage, (width, depth) in enumerate(zip(config.widths, config.blocks, strict=True)):
        x = _basic_block(config, x, width, f"stage{stage + 1}_block1", strides=2 if stage else 1)
        bases: tuple[Any, ...] = ()
        if config.shared and depth > 1:
            bases = sharing.basis(x, config.shared << stage, 3, f"stage{stage + 1}_basis", bases=config.bases)
        for block in range(2, depth + 1):
            x = _shared_block(config, sharing, x, bases, config.unique << stage, f"stage{stage + 1}_block{block}")
    return _finish(config, inputs, x)


def _check(config: BasicResNetConfig | BottleneckResNetConfig) -> None:
    blocks.check_stages(config.widths, config.blocks)
    for name in ("shared", "unique"):
        if not isinstance(count := getattr(config, name), int) or count < 0:
            raise ValueError(f"`{name}` must be a number of filters, an integer of at least 0; got {count!r}.")


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


def _basic_block(config: BasicResNetConfig, x: Any, width: int, name: str, *, strides: int = 1) -> Any:
    """Two 3x3 layers, plus the input, in another shape where it changes."""
    shortcut = x
    if strides > 1 or x.shape[-1] != width:
        if config.shortcut == "pad":
            shortcut = blocks.subsample_shortcut(x, width, f"{name}_shortcut", strides=strides)
        else:
            shortcut = _project(x, width, name, strides, he_fan_out)
    first = _plain(width, 3, f"{name}_conv1", he_fan_out, strides=strides)
    return _basic(x, shortcut, first, _plain(width, 3, f"{name}_conv2", he_fan_out), name)


def _shared_block(
    config: BasicResNetConfig, sharing: Sharing, x: Any, bases: tuple[Any, ...], unique: int, name: str
) -> Any:
    """Two 3x3 layers of shared and unique filters, or of plain ones, plus the input."""
    width = x.shape[-1]
    if not (bases or unique):
        return _basic_block(config, x, width, name)

    def conv(order: tuple[Any, ...], name: str) -> Conv:
        return lambda x: sharing.conv(x, width, name, order, unique=unique)

    return _basic(x, x, conv(bases, f"{name}_conv1"), conv(bases[::-1], f"{name}_conv2"), name)


def _basic(x: Any, shortcut: Any, first: Conv, second: Conv, name: str) -> Any:
    x = blocks.norm_relu(first(x), f"{name}_conv1")
    x = blocks.norm(second(x), f"{name}_conv2")
    x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.ReLU(name=f"{name}_relu")(x)


def build_bottleneck(config: BottleneckResNetConfig) -> keras.Model:
    """A ResNet or ResNeXt of bottleneck blocks."""
    _check(config)
    if not config.shared and (config.unique or config.share_last):
        raise ValueError(
            "Bottleneck blocks have `unique` filters and `share_last` beside `shared` ones only; got shared=0, "
            f"unique={config.unique}, share_last={config.share_last}."
        )
    start = he_fan_out if config.groups == 1 else torch_default
    inputs, x = blocks.image_input(config.input_shape, mean=config.mean, std=config.std)
    x = _stem(config.stem, x, 64, start)
    stages = [stage for stage, depth in enumerate(config.blocks) if depth > 1]
    middle_entries = sum((config.shared << stage) ** 2 for stage in stages)
    last_entries = sum((config.widths[stage] * config.expansion) ** 2 for stage in stages)
    middle = Sharing(config, entries=middle_entries or None, initializer=start)
    last = Sharing(config, entries=last_entries or None, initializer=start)
    for stage, (width, depth) in enumerate(zip(config.widths, config.blocks, strict=True)):
        name = f"stage{stage + 1}"
        x = _bottleneck_block(config, x, width, f"{name}_block1", start, strides=2 if stage else 1)
        shared = _SharedLayers(config, middle, last, stage, name)
        for block in range(2, depth + 1):
            x = shared.block(x, width, f"{name}_block{block}", start)
    return _finish(config, inputs, x)


def _bottleneck_block(
    config: BottleneckResNetConfig, x: Any, width: int, name: str, start: Any, *, strides: int
) -> Any:
    outputs = width * config.expansion
    shortcut = x
    if strides > 1 or x.shape[-1] != outputs:
        shortcut = _project(x, outputs, name, strides, start)
    second = _plain(width, 3, f"{name}_conv2", start, strides=strides, groups=config.groups)
    return _bottleneck(x, shortcut, width, second, _plain(outputs, 1, f"{name}_conv3", start), name, start)


class _SharedLayers:
    """The shared layers of one stage, made when the first block asks for them."""

    def __init__(self, config: BottleneckResNetConfig, middle: Sharing, last: Sharing, stage: int, name: str) -> None:
        self.config, self.middle, self.last, self.name = config, middle, last, name
        self.shared, self.unique = config.shared << stage, config.unique << stage
        self.basis_groups, self.groups = _groups(config, self.unique)
        self._found: dict[str, tuple[Any, ...]] = {}

    def block(self, x: Any, width: int, name: str, start: Any) -> Any:
        """A block that shares what the configuration says, and adds its input."""
        config, outputs = self.config, x.shape[-1]
        if not self.shared:
            return _bottleneck_block(config, x, width, name, start, strides=1)
        third = (
            self._last(outputs, f"{name}_conv3") if config.share_last else _plain(outputs, 1, f"{name}_conv3", start)
        )
        return _bottleneck(x, x, width, self._middle(f"{name}_conv2"), third, name, start)

    def _middle(self, name: str) -> Conv:
        def conv(x: Any) -> Any:
            if "middle" not in self._found:
                self._found["middle"] = self.middle.basis(
                    x, self.shared, 3, f"{self.name}_basis", groups=self.basis_groups
                )
            return self.middle.conv(
                x,
                None,
                name,
                self._found["middle"],
                unique=self.unique,
                groups=self.groups,
                basis_groups=self.basis_groups,
            )

        return conv

    def _last(self, outputs: int, name: str) -> Conv:
        def conv(x: Any) -> Any:
            if "last" not in self._found:
                self._found["last"] = self.last.basis(x, outputs, 1, f"{self.name}_basis_last")
            return self.last.conv(x, None, name, self._found["last"], kernel_size=1)

        return conv


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


def _bottleneck(x: Any, shortcut: Any, width: int, second: Conv, third: Conv, name: str, start: Any) -> Any:
    x = blocks.conv_norm_relu(x, width, 1, f"{name}_conv1", initializer=start())
    x = blocks.norm_relu(second(x), f"{name}_conv2")
    x = blocks.norm(third(x), f"{name}_conv3")
    x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.ReLU(name=f"{name}_relu")(x)


def _plain(filters: int, kernel_size: int, name: str, start: Any, **arguments: Any) -> Conv:
    return lambda x: blocks.conv(x, filters, kernel_size, name, initializer=start(), **arguments)


def _project(x: Any, filters: int, name: str, strides: int, start: Any) -> Any:
    return blocks.conv_norm(x, filters, 1, f"{name}_shortcut", strides=strides, initializer=start())


def _stem(kind: str, x: Any, width: int, start: Any) -> Any:
    if kind == "3x3":
        return blocks.conv_norm_relu(x, width, 3, "stem", initializer=start())
    if kind != "7x7":
        raise ValueError(f"Expected stem to be '3x3' or '7x7'; got {kind!r}.")
    x = blocks.conv_norm_relu(x, width, 7, "stem", strides=2, initializer=start())
    # Zeros are what "no pixel" is for a maximum behind a ReLU.
    x = layers.ZeroPadding2D(1, data_format="channels_last", name="stem_pool_pad")(x)
    return layers.MaxPooling2D(3, 2, data_format="channels_last", name="stem_pool")(x)


def _finish(config: SharedBasisConfig, inputs: Any, x: Any) -> keras.Model:
    x = layers.GlobalAveragePooling2D(data_format="channels_last", name="global_pool")(x)
    return blocks.classify(
        x, inputs, name=config.name, num_classes=config.num_classes, include_head=config.include_head
    )
