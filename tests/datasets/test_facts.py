from __future__ import annotations

import pytest

import zoo.datasets

pytestmark = pytest.mark.once


def test_every_set_has_its_facts():
    assert sorted(zoo.datasets.FACTS) == zoo.datasets.list_datasets()
    for name, facts in zoo.datasets.FACTS.items():
        assert set(facts) == {"license", "note"} and all(facts.values()), name


def test_class_names_are_all_different():
    assert set(zoo.datasets.list_datasets()) - set(zoo.datasets.CLASS_NAMES) == {"places365", "pubmed"}
    counts = {name: len(set(names)) for name, names in zoo.datasets.CLASS_NAMES.items()}
    assert counts == {
        "cifar10": 10,
        "cifar100": 100,
        "citeseer": 6,
        "cora": 7,
        "fashion_mnist": 10,
        "fashion_mnist_mini": 10,
        "mnist_rot": 10,
        "scene15": 15,
        "sun16": 16,
    }
