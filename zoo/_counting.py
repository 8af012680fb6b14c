"""Numbers of things as sentences have them."""

from __future__ import annotations

_PLURALS = {"class": "classes", "batch": "batches", "process": "processes"}


def counted(number: int, noun: str) -> str:
    """A number with its noun in singular or plural.

    Args:
        number: how many.
        noun: one of them; where its plural is not formed by an `s`, `_PLURALS` has it.

    Example:
        >>> counted(1, "tensor"), counted(0, "tensor"), counted(12_000, "class")
        ('1 tensor', '0 tensors', '12,000 classes')
    """
    first, _, last = noun.rpartition(" ")
    plural = f"{first} {_PLURALS.get(last, last + 's')}".strip()
    return f"{number:,} {noun if number == 1 else plural}"


def percent(probability: float) -> str:
    """A probability to a tenth of a percent; never `100.0 %`, for no network is certain.

    Example:
        >>> percent(0.5), percent(1.0)
        ('50.0 %', '> 99.9 %')
    """
    return "> 99.9 %" if probability >= 0.9995 else f"{100.0 * probability:.1f} %"


def short(value: float, decimals: int = 4) -> str:
    """A number to so many decimals; of one that would lose its digits, two of them.

    Example:
        >>> short(0.25), short(0.0), short(0.0000123), short(0.00031, 5)
        ('0.2500', '0.0000', '1.2e-05', '0.00031')
    """
    return f"{value:.1e}" if 0 < abs(value) < 10.0 ** (1 - decimals) else f"{value:.{decimals}f}"
