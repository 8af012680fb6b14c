"""The nearest known word to one that is not known, as errors offer it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: object, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """A question to put behind a sentence, with the space before it; empty where no known word is near.

    Args:
        word: what was given.
        known: what there is. The beginning of a word goes before words that only look like it.
        cutoff: how near a word must be, 0 to 1.

    Example:
        >>> did_you_mean("Learning-rat", ["epochs", "learning_rate"]), did_you_mean("x", ["epochs"])
        (" Did you mean 'learning_rate'?", '')
    """
    plain = {each.lower().replace("-", "_"): each for each in known}
    given = str(word).lower().replace("-", "_")
    near = sorted((each for each in plain if given and each.startswith(given)), key=len)
    near = near or difflib.get_close_matches(given, plain, n=1, cutoff=cutoff)
    return f" Did you mean {plain[near[0]]!r}?" if near else ""
