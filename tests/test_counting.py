"""Singular and plural."""

from __future__ import annotations

import pytest

from zoo._counting import counted

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (1, "tensor", "1 tensor"),
        (2, "tensor", "2 tensors"),
        (0, "class", "0 classes"),
        (1, "batch", "1 batch"),
        (1234, "validation picture", "1,234 validation pictures"),
    ],
)
def test_counted(number: int, noun: str, said: str) -> None:
    assert counted(number, noun) == said
