"""A model with a new head on the body that it has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras

from zoo import hub
from zoo._suggestions import suggests
from zoo.compression.rebuilding import rebuild, renewed
from zoo.hub import registry, store
from zoo.hub.arguments import check_classes, check_labels
from zoo.hub.origin import Origin, labels_for
from zoo.models import custom


@suggests
def reset_head(model: keras.Model, num_classes: int | None = None, labels: Any = None) -> hub.ZooModel:
    """A new model for other classes: the body keeps its weights and what is frozen of it, the head begins at random.

    Args:
        model: a model of zoo's, or a functional Keras model whose last layer is `Dense` and gives logits; not changed.
        num_classes: how many classes; may be left out where `labels` are given.
        labels: their names, in the order of the logits; numbers where none are given.

    Returns:
        A model with variables of its own, compiled for fine-tuning as by `zoo.load` if the given one was compiled.

    Raises:
        ValueError: neither classes nor labels, labels that are wrong (see `zoo.load`) or of another number, or a model
            without a head.

    Example:
        >>> import zoo
        >>> model = zoo.reset_head(zoo.build("resnet32_cifar10"), labels=["cat", "dog", "owl"])
        >>> model.output_shape, model.labels
        ((None, 3), ('cat', 'dog', 'owl'))
    """
    count = check_classes(num_classes, needed=labels is None)
    names = () if labels is None else check_labels(labels, count)
    count = count or len(names)
    names = names or labels_for((), count)
    head, origin = hub.head_of(model), hub.find_origin(model)
    own = origin is None or isinstance(origin.config, custom.CustomConfig)
    width = "filters" if hasattr(head, "filters") else "units"
    changes = {width: count, "trainable": True} | ({"name": store.HEAD_LAYER} if own else {})
    new = renewed(head, **changes)
    made = rebuild(model, lambda layer: new if layer is head else None)
    new.trainable = True
    config = custom.config_of(made) if own else registry.replace_config(_config(origin), num_classes=count)
    if origin is None:
        origin = Origin(preset=None, family=registry.family_of(config), config=config, labels=names)
    made = hub.with_origin(made, replace(origin, config=config, labels=names))
    if model.compiled:
        hub.compile_for_fine_tuning(made)
    return made


def _config(origin: Origin | None) -> Any:
    assert origin is not None  # else the model is the user's own
    return origin.config
