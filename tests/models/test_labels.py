"""Class names stand in one order, whoever gives them."""

from __future__ import annotations

import pytest

from zoo import _labels as labels
from zoo.datasets.facts import CLASS_NAMES
from zoo.hub import registry, source
from zoo.hub.cards import Card

pytestmark = pytest.mark.once


PRESETS = [preset for preset in registry.presets().values() if preset.dataset in CLASS_NAMES]


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_networks_name_classes_as_their_data_set_does(preset):
    assert preset.labels == CLASS_NAMES[preset.dataset]


def test_cards_of_presets_keep_to_the_schema():
    """They are made without the check of cards that are read, which `zoo list` would wait for."""
    untrained = [card for card in map(source.card, registry.list_models()) if card.tag is None]
    assert len(untrained) > 50 and [card.name for card in untrained if Card.from_dict(card.to_dict()) != card] == []


def test_lists_are_whole_and_in_order():
    assert (len(labels.CIFAR10), len(labels.CIFAR100), len(labels.IMAGENET)) == (10, 100, 1000)
    for names in (labels.CIFAR10, labels.CIFAR100, labels.IMAGENET):
        assert list(names) == sorted(set(names))
