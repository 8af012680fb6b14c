"""From a preset or configuration to a card's facts, and back."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from zoo._counting import counted
from zoo.hub import registry
from zoo.hub.cards import SCHEMA_VERSION, Card
from zoo.hub.origin import Origin, find_origin, labels_for, with_weights
from zoo.models.preset import Preset

if TYPE_CHECKING:
    import keras


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
        "expects": None if preset.expects is None else dict(preset.expects),
        "architecture": architecture_facts(config, parameters),
        "citation": preset.paper.citation,
    }


def origin_facts(origin: Origin, parameters: int) -> dict[str, Any]:
    """The part of a card that a model's origin knows."""
    from zoo.hub.tasks import task_of_origin  # needs a backend, and cards do not

    own = {"labels": origin.labels, "task": task_of_origin(origin)}
    if origin.preset is not None:
        preset = registry.find_preset(origin.preset)
        other = {} if origin.labels == preset.labels else {"expects": None}  # other classes, other pictures
        return preset_facts(preset, origin.config, parameters) | own | other
    return own | {
        "schema_version": SCHEMA_VERSION,
        "name": origin.config.name,
        "family": origin.family,
        "summary": f"a network of the family {origin.family} with a configuration of its own",
        "architecture": architecture_facts(origin.config, parameters),
    }


def trained_further(model: Any) -> dict[str, Any]:
    """What the card of a model says after a `fit`: whence it came and how good it is; nothing of its base's numbers."""
    from zoo.hub.state import weights_sha256  # needs a backend, and cards do not

    fitted, origin = getattr(model, "_fitted", None), find_origin(model)
    if fitted is None or origin is None:
        return {}
    base = with_weights(origin.config.name, origin.weights)
    classes = counted(origin.config.num_classes, "class")
    seen = "" if fitted.examples is None else f", {counted(fitted.examples, 'example')}"
    begun = f"fine-tuned from {base}" if base else f"{origin.config.name} trained"
    facts: dict[str, Any] = {"summary": f"{begun} on data of one's own: {classes}{seen}"}
    if fitted.accuracy is not None and fitted.weights == weights_sha256(model):  # and not pruned or loaded since
        note = "the validation data of fit, after its last epoch"
        facts["metrics"] = [validation_accuracy(fitted.accuracy, note=note, command="model.fit(validation_data=...)")]
    return facts


def validation_accuracy(accuracy: float, *, note: str, command: str, seeds: tuple[int, ...] = ()) -> dict[str, Any]:
    """A card's metric of what a training measured itself.

    Args:
        accuracy: 0 to 1.
        note: on what it was measured.
        command: that measures it.
        seeds: of the run.
    """
    value = 100.0 * accuracy
    return {
        "name": "accuracy",
        "split": "validation",
        "value": value,
        "unit": "%",
        "seeds": list(seeds),
        "values": [value],
        **dict.fromkeys(("mean", "std", "paper_value", "paper_note")),
        "note": note,
        "command": command,
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
    return registry.config_from_data(card.family, name, values, where=f"the card of {card.name!r}")
