"""Checks of stored weights: cards, hashes, strict load, golden output."""

from __future__ import annotations

import fnmatch
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.hub import paths, registry, store
from zoo.hub.cards import Card
from zoo.hub.examples import unpack_inputs
from zoo.hub.facts import config_from_card, count_parameters
from zoo.hub.loading import build, load
from zoo.hub.names import ModelName, is_path, parse_name
from zoo.hub.saving import golden_logits

_GOLDEN_TOLERANCE = 1e-4


@dataclass(frozen=True)
class VerifyResult:
    """What `zoo.verify` found for one set of weights.

    Attributes:
        name: `"model.tag"` or the folder.
        problems: one sentence for each fault; empty when all is well.
        golden_error: largest difference from the stored logits relative to the largest of them; None if not reached.
    """

    name: str
    problems: tuple[str, ...]
    golden_error: float | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(name_or_pattern: str | os.PathLike[str] = "*") -> list[VerifyResult]:
    """Check stored weights: card, hash of every file, strict load, and the golden output to 1e-4.

    Files that are not on this machine are downloaded from the card's URLs.

    Args:
        name_or_pattern: `"model"` (all its tags), `"model.tag"`, a folder, `"hf://owner/name"`, or a wildcard over
            either of the first two.

    Returns:
        One result for each set of weights.

    Raises:
        ValueError: an unknown name or tag, or no weights to check.

    Example:
        >>> import tempfile, zoo
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = zoo.save(zoo.build("e4net_mnistrot"), folder)
        ...     zoo.verify(path)[0].ok
        True
    """
    if is_path(name_or_pattern):
        folder = parse_name(name_or_pattern)
        assert isinstance(folder, Path)
        return [_verify(str(name_or_pattern), folder / paths.CARD, folder)]
    found = _find_tags(str(name_or_pattern))
    if not found:
        raise ValueError(f"no trained weights match {name_or_pattern!r} in {paths.weights_root()}")
    return [_verify(f"{model}.{tag}", paths.card_path(model, tag)) for model, tag in found]


def _find_tags(text: str) -> list[tuple[str, str]]:
    """Model and tag of all weights that a name or a wildcard means."""
    if any(sign in text for sign in "*?["):
        pairs = [(model, tag) for model in registry.list_models() for tag in paths.tags(model)]
        return [(m, t) for m, t in pairs if fnmatch.fnmatchcase(m, text) or fnmatch.fnmatchcase(f"{m}.{t}", text)]
    name = parse_name(text)
    assert isinstance(name, ModelName)  # a folder was dealt with before
    registry.find_preset(name.model)
    return [(name.model, tag) for tag in ([name.tag] if name.tag else paths.tags(name.model))]


def _verify(name: str, card_path: Path, folder: Path | None = None) -> VerifyResult:
    try:
        card = Card.load(card_path)
    except (ValueError, OSError) as error:
        return VerifyResult(name, (str(error),))
    problems = _file_problems(card, folder)
    if problems:
        return VerifyResult(name, problems)
    try:
        problems, golden_error = _model_problems(card, folder)
    except (ValueError, OSError) as error:
        return VerifyResult(name, (str(error),))
    return VerifyResult(name, problems, golden_error)


def _file_problems(card: Card, folder: Path | None) -> tuple[str, ...]:
    problems = []
    for file_name, facts in card.files.items():
        try:
            store.read_checked(paths.find_file(card, file_name, folder=folder), facts)
        except (ValueError, OSError) as error:
            problems.append(str(error))
    return tuple(problems)


def _model_problems(card: Card, folder: Path | None) -> tuple[tuple[str, ...], float]:
    """Load the model in float32 and compare it with its card and its golden output."""
    model = load(folder or f"{card.name}.{card.tag}", dtype="float32", compile=False)
    problems = []
    parameters = count_parameters(build(config_from_card(card)) if card.frozen else model)
    if parameters != card.architecture["parameters"]:
        problems.append(f"the model has {parameters} parameters, its card says {card.architecture['parameters']}")
    if folder is None and config_from_card(card) != registry.find_preset(card.name).config:
        problems.append("the configuration in the card is not the preset's")
    golden_path = paths.find_file(card, paths.GOLDEN, folder=folder)
    golden = store.arrays_from_bytes(store.read_checked(golden_path, card.files[paths.GOLDEN]))
    expected = golden["logits"]
    actual = golden_logits(model, unpack_inputs(golden))
    if actual.shape != expected.shape:
        problems.append(f"the output has shape {actual.shape}, golden.npz {expected.shape}")
        return tuple(problems), float("inf")
    error = float(np.abs(actual - expected).max() / max(float(np.abs(expected).max()), 1e-12))
    if not error <= _GOLDEN_TOLERANCE:
        problems.append(f"the output differs from golden.npz by {error:.1e} relative, more than {_GOLDEN_TOLERANCE}")
    return tuple(problems), error
