"""From a name to a ready model."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from zoo.hub import paths, registry, store
from zoo.hub.arguments import check_classes, check_input_shape
from zoo.hub.cards import Card
from zoo.hub.names import ModelName, parse_name
from zoo.hub.origin import Origin, labels_for, origin_of
from zoo.hub.source import Source, find_source


def build(name_or_config: Any, **overrides: Any) -> keras.Model:
    """Build an untrained model. Reads no file and opens no connection.

    Args:
        name_or_config: a registered model's name, or a family's configuration object.
        **overrides: fields of the configuration to change, for example `num_classes=5`, `input_shape=(64, 64, 1)` of
            images or `input_shape=(None, 1433)`, (nodes, features), of graphs.

    Returns:
        A functional model: raw images 0..255 of shape `(batch, *input_shape)` in, logits `(batch, num_classes)` out, or
        `(batch, height, width, num_classes)` where the model classifies pixels.
        Models of graphs take `{"x": features (batch, nodes, features), "edges": integers (batch, edges, 2)}`, rows
        of -1 being padding, and give logits `(batch, nodes, num_classes)`, or `(batch, num_classes)` for whole graphs.

    Raises:
        ValueError: for an unknown name (with the nearest one), an unknown field (with the list of fields) or a value
            that the family refuses.

    Example:
        >>> import zoo
        >>> model = zoo.build("e4net_mnistrot", num_classes=5)
        >>> model.output_shape
        (None, 5)
    """
    if isinstance(name_or_config, str | os.PathLike):
        name = parse_name(name_or_config)
        if not isinstance(name, ModelName) or name.tag:
            raise ValueError(f"zoo.build makes untrained models: use zoo.load({str(name_or_config)!r}) for weights")
        preset = registry.find_preset(name.model)
        config, labels = preset.config, preset.labels
    else:
        config = name_or_config
        registry.family_of(config)
        known = registry.presets().get(config.name)
        labels = known.labels if known else ()
    if "num_classes" in overrides:
        overrides["num_classes"] = check_classes(overrides["num_classes"], needed=True)
    if "input_shape" in overrides:
        overrides["input_shape"] = check_input_shape(
            overrides["input_shape"], getattr(config, "input_shape", (None, None, None))
        )
    return _build(Source(registry.replace_config(config, **overrides), labels))


def load(
    name: str | os.PathLike[str],
    *,
    weights: str | os.PathLike[str] | None = "default",
    num_classes: int | None = None,
    input_shape: tuple[int | None, ...] | None = None,
    include_head: bool = True,
    dtype: str | None = None,
    compile: bool = True,
) -> keras.Model:
    """Load a trained model, ready for `predict`, `evaluate` and `fit`.

    Args:
        name: `"model"`, `"model.tag"`, or a folder written by `zoo.save` (`"./run"`; see `zoo.hub.parse_name`).
        weights: `"default"` for the newest tag, a tag, a folder, or None for an untrained model (reads no file).
        num_classes: another number of classes; then only the head's file is left out and the head starts untrained.
        input_shape: another shape `(height, width, channels)` of images, or `(nodes, features)` of graphs.
        include_head: False ends the model at the features that feed the head.
        dtype: a Keras dtype policy, for example `"mixed_bfloat16"`; None keeps Keras's current one.
        compile: compile for fine-tuning with AdamW(1e-3), cross-entropy and accuracy, by XLA on TensorFlow and JAX.
            A model without a head is left uncompiled.

    Returns:
        A functional model: raw images 0..255 of shape `(batch, *input_shape)` in, logits `(batch, num_classes)` out, or
        `(batch, height, width, num_classes)` where the model classifies pixels.
        Models of graphs take `{"x": features (batch, nodes, features), "edges": integers (batch, edges, 2)}`, rows
        of -1 being padding, and give logits `(batch, nodes, num_classes)`, or `(batch, num_classes)` for whole graphs.

    Raises:
        ValueError: unknown name or tag, no trained weights, a damaged or altered file, or weights that do not fit.
        OSError: a file that is nowhere to be found, a failed download, a cache that cannot be written.

    Nothing falls back to random weights: whatever is wrong with the file, no model is returned.

    Example:
        >>> import zoo
        >>> model = zoo.load("e4net_mnistrot", weights=None)
        >>> model.output_shape
        (None, 10)
    """
    num_classes = check_classes(num_classes)
    if num_classes == 1 and compile:
        raise ValueError(
            "one logit learns nothing from cross-entropy over classes: use num_classes=2, or compile=False and compile "
            "with keras.losses.BinaryCrossentropy(from_logits=True)"
        )
    source = find_source(parse_name(name), weights)
    card = source.card
    overrides: dict[str, Any] = {}
    if num_classes is not None:
        overrides |= {"num_classes": num_classes, "include_head": include_head}
    if input_shape is not None:
        overrides["input_shape"] = check_input_shape(
            input_shape, getattr(source.config, "input_shape", (None, None, None))
        )
    if not include_head:
        overrides["include_head"] = False
    stored = source.config
    source = replace(source, config=registry.replace_config(stored, **overrides))
    with dtype_policy(dtype):
        model = _build(source)
    if card is not None:
        keep_head = source.config.include_head and stored.include_head
        _read_weights(model, card, source.folder, head=keep_head and source.config.num_classes == stored.num_classes)
    if compile and source.config.include_head:
        compile_for_fine_tuning(model)
    return model


def features(model: keras.Model) -> keras.Model:
    """The part of a model before its head, on the same variables.

    Args:
        model: a model from `zoo.build` or `zoo.load`.

    Returns:
        A functional model from the same input to the tensor that feeds the layer `head`.

    Raises:
        ValueError: the model is not one of zoo's.

    Example:
        >>> import zoo
        >>> body = zoo.features(zoo.build("e4net_mnistrot"))
        >>> len(body.output_shape)
        2
    """
    origin = origin_of(model)
    if not origin.config.include_head:
        return model
    head = model.get_layer(store.HEAD_LAYER)
    body = keras.Model(model.input, head.input, name=f"{model.name}_features")
    config = registry.replace_config(origin.config, include_head=False)
    body.zoo_origin = replace(origin, config=config)
    return body


def compile_for_fine_tuning(model: keras.Model) -> None:
    """Compile a classifier with AdamW(1e-3), cross-entropy on logits and accuracy; XLA where the backend has it.

    A classifier of pixels is measured by its mean intersection over union, and pixels of label 255 do not count.
    """
    reduction = "mean_with_sample_weight"  # over what the weights choose: of a graph's nodes usually a few
    loss: Any = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=reduction)
    metric: Any = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
    if has_several_labels(model):
        loss = keras.losses.BinaryCrossentropy(from_logits=True, reduction=reduction)
        metric = keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)  # of logits
    if task_of(model) in registry.PER_PIXEL:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=registry.IGNORED_LABEL)
        classes = model.output_shape[-1]
        metric = keras.metrics.MeanIoU(
            classes, ignore_class=registry.IGNORED_LABEL, sparse_y_pred=False, name="mean_iou"
        )
    model.compile(
        optimizer=keras.optimizers.AdamW(1e-3),
        loss=loss,
        weighted_metrics=[metric],
        jit_compile=suits_xla(model),
    )


def has_several_labels(model: keras.Model) -> bool:
    """Whether each logit of a model is a yes or no of its own."""
    return task_of(model) in registry.SEVERAL_LABELS


def task_of(model: keras.Model) -> str | None:
    """What one of zoo's models does; None for a configuration that is no preset's."""
    preset = origin_of(model).preset
    return None if preset is None else registry.find_preset(preset).task


def suits_xla(model: keras.Model) -> bool:
    """Whether a model's training steps are compiled by XLA: on JAX, and on TensorFlow but for models of graphs.

    On CPUs TensorFlow's XLA takes seconds for the random numbers of a dropout over the wide features of a citation
    graph, for which its ordinary graph mode takes milliseconds.
    """
    backend = keras.backend.backend()
    return backend == "jax" or (backend == "tensorflow" and not isinstance(getattr(model, "input", None), dict))


def _build(source: Source) -> keras.Model:
    config = source.config
    family = registry.family_of(config)
    known = registry.presets().get(config.name)
    with _size_errors(config):
        model = registry.find_family(family).build(config)
    model.zoo_origin = Origin(
        preset=config.name if known and type(known.config) is type(config) else None,
        family=family,
        config=config,
        labels=labels_for(source.labels, config.num_classes),
        weights=source.weights,
    )
    return model


@contextmanager
def _size_errors(config: Any) -> Iterator[None]:
    """Says that the images are too small, where Keras speaks of one of its layers."""
    try:
        yield
    except ValueError as error:
        if "size would be zero or negative" not in str(error):
            raise
        raise ValueError(
            f"images of {config.input_shape} are too small for {config.name!r}, which halves them until nothing is "
            "left: give a larger input_shape"
        ) from error


def _read_weights(model: keras.Model, card: Card, folder: Path | None, *, head: bool) -> None:
    """Assign the files' tensors; without `head`, the head's variables stay as they are."""
    tensors = read_tensors(card, folder, [paths.BODY, paths.HEAD] if head else [paths.BODY])
    variables = [v for v in model.weights if head or v.path.split("/")[0] != store.HEAD_LAYER]
    store.assign(variables, tensors, source=str(folder or f"{card.name}.{card.tag}"))


def read_tensors(card: Card, folder: Path | None, names: Iterable[str]) -> store.Tensors:
    """The tensors in some of a card's files, whose hashes are checked."""
    tensors: store.Tensors = {}
    for name in names:
        path = paths.find_file(card, name, folder=folder)
        tensors |= store.tensors_from_bytes(store.read_checked(path, card.files[name]), source=str(path))
    return tensors


@contextmanager
def dtype_policy(dtype: str | None) -> Iterator[None]:
    """Make `dtype` Keras's policy while a model is built."""
    if dtype is None:
        yield
        return
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy(dtype)
        if "float" not in keras.config.dtype_policy().compute_dtype:
            raise ValueError(f"expected a floating dtype policy such as 'mixed_bfloat16', got {dtype!r}")
        yield
    finally:
        keras.config.set_dtype_policy(before)
