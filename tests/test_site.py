"""What the site is made of: pages of cards, the command line, formulas. `make docs` builds it whole."""

from __future__ import annotations

import importlib.util
import types
from pathlib import Path

import pytest

from tests.test_readme import CARD

pytestmark = pytest.mark.once


def load_hook(root: Path, name: str) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{name}", root / "docs" / "hooks" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_of_a_card(root: Path) -> None:
    page = load_hook(root, "models").card_page(CARD)
    for text in ("# net10_digits.v2", "zoo evaluate net10_digits.v2", "It is smaller.", "group: p4", "rotate, shift"):
        assert text in page
    assert "curves" not in page  # there is no history to draw


def test_the_table_links_names_and_families(root: Path) -> None:
    models = load_hook(root, "models")
    page = models.index_page([{**CARD, "family": "e4net"}])
    assert "[`net10_digits.v2`](net10_digits.v2.md)" in page and "[e4net](../e4net.md)" in page
    pages = {path.name for path in (root / "docs").glob("*.md")}
    assert set(models.FAMILY_PAGES.values()) <= pages


def test_pictures_are_svg_and_always_the_same(root: Path) -> None:
    models = load_hook(root, "models")
    card = next(card for card in models.tables.load_cards() if models.has_history(card))
    first, again = models.curve_plot(card), models.curve_plot(card)
    assert first.startswith(b"<?xml") and b"validation" in first and first == again


def test_commands_are_listed(root: Path) -> None:
    page = load_hook(root, "reference").command_page()
    for command in ("## zoo predict", "## zoo train", "## zoo data prepare"):
        assert command in page
