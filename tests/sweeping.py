"""Sweeps over all registered models: those of many parameters run with `-m large`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from zoo.hub import registry

MOST_PARAMETERS = 3_000_000
"""Models with more take long to build on two cores."""


def swept(names: Iterable[str]) -> list[Any]:
    """The names as parameters of a test, the big models marked as large."""
    return [
        pytest.param(name, marks=[pytest.mark.large] * (registry.find_preset(name).parameters > MOST_PARAMETERS))
        for name in names
    ]
