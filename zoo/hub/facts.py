"""From a preset or configuration to a card's facts, and back."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import keras

from zoo.hub import registry
from zoo.hub.cards import SCHEMA_VERSION, Card
from zoo.hub.origin import labels_for
from zoo.models.preset import Preset


def preset_facts(preset: Preset, config: Any, parameters: int) -> dict[str, Any]:
    """The part of a card that a preset knows, for a model built from `config`."""
    family = registry.family_of(config)
    return {
        "schema_version": SCHEMA_VERSION,
        "name": preset.name,
        "tag": None,
        "family": family,
        "summary": preset.summary,
        "task": preset.task,
        "labels": labels_for(preset.labels, config.num_classes),
        "paper": {field.name: getattr(preset.paper, field.name) for field in fields(preset.paper)},
        "deviations": preset.deviations,
        "architecture": architecture_facts(config, parameters),
        "citation": preset.paper.citation,
    }


def architecture_facts(config: Any, parameters: int) -> dict[str, Any]:
    """The `architecture` part of a card."""
    plain = {field.name: getattr(config, field.name) for field in fields(config)}
    return {
        "config_class": type(config).__name__,
        "config": plain,
        "parameters": parameters,
        "macs": None,
        "flops_convention": None,
    }


def count_parameters(model: keras.Model) -> int:
    """The number of trained parameters of a freshly built model: moving statistics do not count."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def config_from_card(card: Card) -> Any:
    """The family's configuration object that a card describes."""
    name, values = card.architecture["config_class"], card.architecture["config"]
    classes = registry.config_classes(registry.find_family(card.family))
    if name not in classes:
        raise ValueError(f"the card of {card.name!r} names the configuration {name!r}; {card.family} has {[*classes]}")
    unknown = sorted(set(values) - {field.name for field in fields(classes[name])})
    if unknown:
        raise ValueError(f"the card of {card.name!r} has configuration fields that {name} has not: {unknown}")
    return classes[name](**{key: _frozen(value) for key, value in values.items()})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
