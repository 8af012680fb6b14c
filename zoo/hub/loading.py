"""From a name to a ready model."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras

from zoo import _copying, _keras
from zoo._counting import counted
from zoo._suggestions import suggests
from zoo.hub import channels, keras_file, reading, registry, state, store, tasks
from zoo.hub.arguments import check_classes, check_input_shape, check_labels
from zoo.hub.compiling import compile_for_fine_tuning
from zoo.hub.model import ZooModel, with_origin
from zoo.hub.names import ModelName, parse_name
from zoo.hub.origin import Origin, labels_for
from zoo.hub.settings import keras_settings
from zoo.hub.source import Source, find_source


def build(
    name_or_config: Any,
    *,
    task: str | None = None,
    labels: Any = None,
    model_name: str | None = None,
    **overrides: Any,
) -> ZooModel:
    """Build an untrained model. Reads no file and opens no connection.

    Args:
        name_or_config: a registered model's name, or a family's configuration object.
        task: what the logits mean, a name of `zoo.hub.tasks.TASKS`, as `"image-labelling"` for images that may have
            several labels at once. By default that of the registered model, or of the configuration's kind. A model
            with one logit (`num_classes=1`) answers yes or no in any case.
        labels: names of classes of your own, in logit order; their number is that of the classes.
        model_name: the Keras model's name; two models of one preset inside another model need two names.
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
        config, known = preset.config, preset.labels
    else:
        config = name_or_config
        registry.family_of(config)
        namesake = registry.presets().get(config.name)
        known = namesake.labels if namesake else ()
    if "num_classes" in overrides or labels is not None:
        count, known = _own_classes(overrides.get("num_classes"), labels, needed="num_classes" in overrides)
        overrides["num_classes"] = count
    if "input_shape" in overrides:
        overrides["input_shape"] = check_input_shape(
            overrides["input_shape"], getattr(config, "input_shape", (None, None, None))
        )
        overrides |= channels.follow(config, overrides)
    changed = registry.replace_config(config, ("task", "labels", "model_name"), **overrides)
    return _build(Source(changed, known, task=task), model_name)


@suggests
def load(
    name: str | os.PathLike[str],
    *,
    weights: str | os.PathLike[str] | None = "default",
    num_classes: int | None = None,
    labels: Any = None,
    input_shape: tuple[int | None, ...] | None = None,
    include_head: bool = True,
    dropout: float | None = None,
    head_dropout: float | None = None,
    dtype: str | None = None,
    compile: bool = True,
    model_name: str | None = None,
) -> ZooModel:
    """Load a trained model, ready for `predict`, `evaluate` and `fit`.

    Args:
        name: `"model"`, `"model.tag"`, a folder written by `zoo.save` (`"./run"`; see `zoo.hub.parse_name`), a file
            written by `model.save` (`"best.keras"`), or what `zoo.push` wrote to the Hugging Face Hub,
            `"hf://owner/name"` or `"hf://owner/name@revision"`.
        weights: `"default"` for the newest tag, a tag, a folder, a `.keras` file, an address on the Hub, or None for an
            untrained model (reads no file).
        num_classes: the number of classes of your own: the head's file is left out, the head starts untrained, and the
            classes are called by their numbers. That is so also for the number that the model has already, with a
            warning. Leave it out to keep the trained head and its classes.
        labels: the names of classes of your own, in logit order: a list, a tuple, an array. Their number is that of the
            classes. Exactly the names that the model has already keep its head. (`model.labels = names` renames the
            classes of a trained head.)
        input_shape: another shape `(height, width, channels)` of images, or `(nodes, features)` of graphs. Trained
            weights serve other channels, with a warning: for one the first kernel is summed, for more it is repeated
            and scaled.
        include_head: False ends the model at the features that feed the head.
        dropout: the field of the configuration, where it has one: what it drops, the family says.
        head_dropout: the rate before the head while training, where the configuration has this field.
        dtype: a Keras dtype policy, for example `"mixed_bfloat16"`; None keeps Keras's current one.
        compile: compile for fine-tuning with AdamW(1e-3), cross-entropy and accuracy, by XLA on TensorFlow and JAX,
            but not by XLA in the scope of a `tf.distribute` strategy. A model without a head is left uncompiled. A
            `.keras` file of a compiled model brings its own optimizer, loss and metrics.
        model_name: the Keras model's name; two models of one preset inside another model need two names.

    Returns:
        A functional model: raw images 0..255 of shape `(batch, *input_shape)` in, logits `(batch, num_classes)` out, or
        `(batch, height, width, num_classes)` where the model classifies pixels.
        Models of graphs take `{"x": features (batch, nodes, features), "edges": integers (batch, edges, 2)}`, rows
        of -1 being padding, and give logits `(batch, nodes, num_classes)`, or `(batch, num_classes)` for whole graphs.
        What was frozen when a folder or file was written is frozen again, but for a new head.

    Raises:
        ValueError: unknown name or tag, no trained weights, a damaged or altered file, weights that do not fit, a
            dropout that the configuration does not have, or names of classes that are no strings, empty, or not
            distinct.
        OSError: a file that is nowhere to be found, a failed download, a cache that cannot be written.

    Nothing falls back to random weights: whatever is wrong with the file, no model is returned.

    Example:
        >>> import zoo
        >>> model = zoo.load("e4net_mnistrot", weights=None, labels=["cat", "dog"])
        >>> model.output_shape, model.labels
        ((None, 2), ('cat', 'dog'))
    """
    own = num_classes is not None or labels is not None
    count, names = _own_classes(num_classes, labels) if own else (None, ())
    if count == 1 and compile:
        raise ValueError(
            "one logit learns nothing from cross-entropy over classes: use num_classes=2, or compile=False and compile "
            "with keras.losses.BinaryCrossentropy(from_logits=True)"
        )
    stored = find_source(parse_name(name), weights)
    overrides: dict[str, Any] = {} if include_head else {"include_head": False}
    if own:
        overrides |= {"num_classes": count, "include_head": include_head}
    if input_shape is not None:
        overrides["input_shape"] = check_input_shape(
            input_shape, getattr(stored.config, "input_shape", (None, None, None))
        )
        overrides |= channels.follow(stored.config, overrides)
    rates = {"dropout": dropout, "head_dropout": head_dropout}
    overrides |= {field: rate for field, rate in rates.items() if rate is not None}
    wanted = replace(stored, config=registry.replace_config(stored.config, **overrides))
    keeps_head = stored.config.include_head and include_head
    if own and (labels is None or names != stored.labels):
        if keeps_head and labels is None:
            _warn_of_new_head(stored, count)
        wanted, keeps_head = replace(wanted, labels=names), False
    with _keras.untraced():
        model = _read(stored, wanted, dtype, compile=compile, head=keeps_head, model_name=model_name)
        if compile and include_head and wanted.config.include_head and not model.compiled:
            compile_for_fine_tuning(model)
    return model


def _build(source: Source, model_name: str | None = None, dtype: str | None = None) -> ZooModel:
    config = source.config
    family = registry.family_of(config)
    known = registry.presets().get(config.name)
    with _keras.untraced(), keras_settings(dtype):
        model = _sized(registry.find_family(family).build, config)
    origin = Origin(
        preset=config.name if known and type(known.config) is type(config) else None,
        family=family,
        config=config,
        labels=labels_for(source.labels, config.num_classes),
        weights=source.weights,
        task=_task(source, model),
    )
    return with_origin(model, origin, model_name)


def _task(source: Source, model: keras.Model) -> str:
    """The task that a model was asked for, if it fits; else that of its card or configuration."""
    if source.task is not None and source.config.include_head:
        return tasks.check_task(source.task, model.output_shape)
    return source.task or (source.card.task if source.card else tasks.task_of_config(source.config))


def _sized(build: Callable[[Any], keras.Model], config: Any) -> keras.Model:
    """The model, or an error that the images are too small: Keras names a layer then, or lets sides of 0 pass."""
    fault = None
    try:
        model = build(config)
        if not any(0 in tensor.shape for node in _keras.nodes(model) for tensor in node.outputs):
            return model
    except ValueError as error:
        if "size would be zero or negative" not in str(error):
            raise
        fault = error
    raise ValueError(
        f"images of {config.input_shape} are too small for {config.name!r}, which halves them until nothing is "
        "left: give a larger input_shape"
    ) from fault


def _own_classes(num_classes: Any, labels: Any, *, needed: bool = False) -> tuple[int, tuple[str, ...]]:
    """The number of a user's own classes, and their names: numbers where none are given."""
    count = check_classes(num_classes, needed=needed)
    names = () if labels is None else check_labels(labels, count)
    count = count or len(names)
    return count, names or labels_for((), count)


def _warn_of_new_head(stored: Source, count: int | None) -> None:
    if count is not None and stored.config.num_classes == count and stored.is_trained:
        warnings.warn(
            f"num_classes={count} makes a new, untrained head for {counted(count, 'class')} of your own. Leave "
            f"num_classes out to keep the trained head, whose classes are {', '.join(stored.labels[:3])}, ...; or give "
            "labels=[...]",
            stacklevel=4,
        )


def _read(
    stored: Source, wanted: Source, dtype: str | None, *, compile: bool, head: bool, model_name: str | None
) -> ZooModel:
    """The model that is `wanted`, with the weights of the one that is `stored`; without `head`, the head is new."""
    kept = None if stored.file is None else keras_file.read_model(stored.file, compile=compile)
    if kept is not None and wanted == stored and dtype is None:
        kept.name = model_name or kept.name
        return kept
    if not stored.is_trained:
        return _build(wanted, model_name, dtype)
    with _keras.undrawn():
        model = _build(wanted, model_name, dtype)
        found = reading.read_state(stored, head=head, kept=kept)
        variables = {key: variable for key, variable in store.keyed(model).items() if head or not store.is_head(key)}
        tensors = channels.adapt(found.tensors, variables, stored.config, wanted.config, source=str(stored))
        store.assign(variables, tensors, source=str(stored))
    _copying.finalize(model)
    state.freeze(model, found.frozen, head=head)
    return model
