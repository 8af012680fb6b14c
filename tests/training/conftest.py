"""The toy families in an otherwise empty zoo."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.training import toy


@pytest.fixture(autouse=True)
def family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.install(monkeypatch.setattr)
    monkeypatch.setenv("ZOO_WEIGHTS", str(tmp_path / "weights"))


@pytest.fixture
def change(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Changes fields of a toy's recipe."""

    def apply(name: str = "dots", **changes: Any) -> None:
        monkeypatch.setitem(toy.RECIPES, name, dataclasses.replace(toy.RECIPES[name], **changes))

    return apply
