"""What a registered model is: a name, a configuration and the facts users look up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


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
    measures: tuple[str, ...] = ()
