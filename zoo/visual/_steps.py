"""What a drawing of a network shows, read from its graph: steps, branches beside them, and who uses whose weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from zoo import _keras

_LONGEST_PATTERN = 8
_UNSEEN = ("Normalization", "Activation", "ReLU", "Dropout", "InputLayer", "Rescaling", "Identity", "Flatten")


@dataclass(frozen=True)
class Step:
    """One layer as a picture shows it; layers that look alike are equal.

    Attributes:
        kind: its class.
        window: sides of its kernel or window, or ().
        shape: of what it puts out, without the batch; open sides are None.
        weights: how many numbers it learns, frozen or not.
        beside: whether it lies on a branch beside the longest path.
        joins: of the branches that end behind this step, the operation, and how many steps back each begins.
        uses: how many later layers take what it puts out beside their own input, as shared weights are.
    """

    kind: str
    window: tuple[int, ...]
    shape: tuple[int | None, ...]
    weights: int
    beside: bool = False
    joins: tuple[tuple[str, int], ...] = ()
    uses: int = 0

    @property
    def on_branch(self) -> bool:
        """Whether it lies on a branch that comes back, rather than being weights that others use."""
        return self.beside and not self.uses


@dataclass
class Drawing:
    """The steps of a network, and what goes beside them; steps are counted from 1, the inputs are 0.

    Attributes:
        steps: in their order.
        through: of each branch, as (where it begins, behind which step it ends), the steps on it.
        users: of each step whose output later ones take beside their own input, these.
    """

    steps: list[Step] = field(default_factory=list)
    through: dict[tuple[int, int], tuple[int, ...]] = field(default_factory=dict)
    users: dict[int, list[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Place:
    """Where a tensor stands: behind which step, how many steps lie on the longest path to it, and what it came from."""

    behind: int
    depth: int
    before: _Place | None = None
    is_step: bool = False


def read_network(model: keras.Model) -> Drawing:
    """The layers of a functional model with their branches.

    Args:
        model: a functional model, or a built `Sequential`.

    Raises:
        ValueError: a model without a graph of layers.
    """
    functional = _keras.functional_of(model)
    if functional is None:
        raise ValueError(f"{model.name!r} is no functional model with a graph of layers to draw.")
    places: dict[int, _Place] = {}
    steps: list[Step] = []
    origins: list[_Place] = []
    joins: dict[int, list[tuple[str, _Place]]] = {}
    users: dict[int, list[int]] = {}
    for call in _keras.nodes(functional):
        inputs = [places[id(tensor)] for tensor in call.inputs]
        main = max(inputs, key=lambda place: place.depth, default=_Place(0, 0))
        if (step := _step(call)) is not None:
            main = inputs[0] if inputs else main  # what a layer takes beside its first input are weights of others
            steps.append(step)
            origins.append(main)
            place = _Place(len(steps), main.depth + 1, main, is_step=True)
            for other in {one.behind for one in inputs} - {main.behind, 0}:
                users.setdefault(other, []).append(len(steps))
        elif len({one.behind for one in inputs}) > 1:  # branches come together
            place = _Place(max(one.behind for one in inputs), main.depth, main)
            others = {one.behind: one for one in inputs if one.behind != main.behind}
            joins.setdefault(place.behind, []).extend((type(call.operation).__name__, one) for one in others.values())
        else:
            place = main
        places.update((id(tensor), place) for tensor in call.outputs)
    longest = max((places[id(tensor)] for tensor in functional.outputs), key=lambda place: place.depth)
    return _with_branches(steps, origins, joins, users, set(_steps_to(longest)))


def _with_branches(
    steps: list[Step],
    origins: list[_Place],
    joins: dict[int, list[tuple[str, _Place]]],
    users: dict[int, list[int]],
    longest: set[int],
) -> Drawing:
    """The steps, which know what ends behind them and whether they lie beside the longest path."""
    drawing = Drawing(users=users)
    for number, step in enumerate(steps, start=1):
        found = []
        for kind, place in joins.get(number, []):
            begin, on_it = place.behind, []
            while begin and begin not in longest:
                on_it.append(begin)
                begin = origins[begin - 1].behind
            drawing.through[begin, number] = tuple(on_it)
            found.append((kind, number - begin))
        uses = len(users.get(number, ()))
        drawing.steps.append(replace(step, beside=number not in longest, joins=tuple(sorted(found)), uses=uses))
    return drawing


def _steps_to(place: _Place | None) -> Iterator[int]:
    while place is not None:
        if place.is_step:
            yield place.behind
        place = place.before


def _step(call: _keras.Node) -> Step | None:
    """The step that a call is; None for what is not drawn."""
    layer, kind = call.operation, type(call.operation).__name__
    if not isinstance(layer, keras.layers.Layer) or any(word in kind for word in _UNSEEN):
        return None
    weights = count_weights(layer)
    if not weights and "Pool" not in kind:
        return None
    shape = tuple(call.outputs[0].shape)
    return Step(kind, _window(layer), shape[1:] if shape[0] is None else shape, weights)


def count_weights(layer: Any) -> int:
    """How many numbers a layer or model learns, also where they are frozen now; moving statistics do not count."""
    return sum(int(np.prod(weight.shape)) for weight in _keras.learned_variables(layer))


def _window(layer: Any) -> tuple[int, ...]:
    found = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None) or ()
    sides = found if isinstance(found, (tuple, list)) else (found, found)
    return tuple(int(side) for side in sides)


def repeated(steps: Sequence[Any]) -> Iterator[tuple[list[Any], int]]:
    """Runs of equal patterns as one pattern and how often it comes."""
    start = 0
    while start < len(steps):
        length, times = _pattern(steps, start)
        after, often = _pattern(steps, start + 1)
        if 1 < times * length < after * often:  # as a stem like the first layer of the blocks behind it
            length, times = 1, 1
        yield list(steps[start : start + length]), times
        start += length * times


def _pattern(steps: Sequence[Any], start: int) -> tuple[int, int]:
    """Length and number of the equal patterns that begin here, of those that cover the most."""
    best, times = 1, 1
    for length in range(1, _LONGEST_PATTERN + 1):
        pattern, count = list(steps[start : start + length]), 1
        while pattern and list(steps[start + count * length : start + (count + 1) * length]) == pattern:
            count += 1
        if count > 1 and count * length > best * times:
            best, times = length, count
    return best, times
