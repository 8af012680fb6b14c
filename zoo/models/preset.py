"""What a registered model is: a name, a configuration and the facts users look up."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

TINY = "A small network of ours for tests and demonstrations, not of the paper."
"""What the presets `<family>_tiny_...` differ in from a paper's."""


@dataclass(frozen=True, kw_only=True)
class Paper:
    """The publication a family comes from."""

    key: str
    title: str
    authors: str
    venue: str
    year: int
    url: str

    @property
    def citation(self) -> str:
        """One line that names the paper."""
        return f"{self.authors}. {self.title}. {self.venue} {self.year}. {self.url}"


class Stage(NamedTuple):
    """The maps at the end of one stage of a network.

    Attributes:
        name: what the names of its layers begin with.
        channels: of the maps; of group networks all elements' channels together.
        stride: side of the image divided by that of the maps. Networks that resize images count from the resized one.
    """

    name: str
    channels: int
    stride: int


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One registered model.

    Attributes:
        name: `<architecture>_<dataset>` in snake case.
        config: the family's frozen configuration dataclass; the family's `build(config)` makes the network from it.
            It has at least the fields `name`, `input_shape`, `num_classes` and `include_head`.
        summary: one line for tables.
        paper: where the architecture was published.
        dataset: the data set the preset is meant for, a name of `zoo.datasets`.
        labels: class names in logit order.
        task: what the model does.
        parameters: number of parameters of the unmodified preset; a test holds the builder to it.
        deviations: how the model differs from the paper, one sentence each.
        reported_error: test error in percent that the authors report, where known.
        reported_note: where that figure comes from and how it was got.
        expects: what the images look like, for a warning about others: `note` in words, and the lowest and highest mean
            of an image's outermost pixels (`border`) and of all its pixels (`mean`), in 0..255, of the training images.
            None where any image may come.
        measures: names of `zoo.evaluation.MEASURES` that the card shows besides the error.
    """

    name: str
    config: Any
    summary: str
    paper: Paper
    dataset: str
    labels: tuple[str, ...]
    parameters: int
    task: str = "image-classification"
    deviations: tuple[str, ...] = field(default=())
    reported_error: float | None = None
    reported_note: str | None = None
    expects: Mapping[str, Any] | None = None
    measures: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, kind in (
            ("paper", Paper),
            ("labels", tuple),
            ("parameters", int),
            ("dataset", str),
            ("summary", str),
        ):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(f"Expected {name} of the preset {self.name!r} to be a {kind.__name__}; got {value!r}.")

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Name, channels and stride of each stage, as `zoo.hub.stages_of` finds them in the built network.

        Recorded for the models of this package; of others' models none.
        """
        return tuple(Stage(*values) for values in _recorded_stages().get(self.name, ()))


@functools.cache
def _recorded_stages() -> dict[str, list[list[Any]]]:
    return json.loads((Path(__file__).parent / "stages.json").read_text("utf-8"))
