"""The nearest known word to one that is not known, as errors offer it."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Kind = TypeVar("Kind", bound=type)

_VARIABLE_KEYWORDS = 0x08
"""`inspect.CO_VARKEYWORDS`, whose module takes a while to import."""


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


def suggests(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """A function whose error of an argument that it does not have names the nearest one that it has.

    Python says it from version 3.13 on. Between the function and its caller there is one frame more: a warning that
    is about the caller counts it.

    Args:
        function: without `**keywords`; one that has them looks at them itself.

    Example:
        >>> @suggests
        ... def load(name, *, num_classes=None):
        ...     return num_classes
        >>> load("digits", num_classes=5)
        5
        >>> load("digits", num_clases=5)
        Traceback (most recent call last):
        TypeError: load() got an unexpected keyword argument 'num_clases'. Did you mean 'num_classes'?
    """
    code = function.__code__
    assert not code.co_flags & _VARIABLE_KEYWORDS, function
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]

    @functools.wraps(function)
    def checked(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        for name in kwargs:
            if name not in known:
                text = f"{function.__qualname__}() got an unexpected keyword argument {name!r}."
                others = ", ".join(word for word in known if word != "self")
                raise TypeError(text + (did_you_mean(name, known) or f" Its arguments are {others}."))
        return function(*args, **kwargs)

    return checked


def suggests_fields(kind: Kind) -> Kind:
    """A data class whose error of a field that it does not have names the nearest one that it has."""
    made: Any = kind
    made.__init__ = suggests(made.__init__)
    return kind
