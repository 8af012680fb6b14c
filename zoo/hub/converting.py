"""`zoo.convert`: a registered network with the weights of somebody else's file."""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo._counting import counted
from zoo._suggestions import suggests
from zoo.hub import registry, saving, store
from zoo.hub.arguments import check_classes
from zoo.hub.checkpoints import Checkpoint, read_checkpoint
from zoo.hub.examples import example_inputs
from zoo.hub.hugging_face import is_address
from zoo.hub.loading import build
from zoo.hub.names import ModelName, parse_name
from zoo.hub.settings import dtype_policy
from zoo.models.conversion import Converted, Layout

REFERENCE_TOLERANCE = 1e-4
_UNMEASURED = "Numbers were not measured here."
_UNKNOWN = "unknown: that of the file's authors, who were not asked; for its owner's use, and not to be passed on"
_LISTED = 10  # tensors of a kind in an error: a wrong file has hundreds
_NEAR = 0.02  # how far a network may be from a file to be named: a part of a file fits many a little


@dataclass(frozen=True)
class Conversion:
    """What `zoo.convert` made.

    Attributes:
        model: the network with the file's weights.
        name: of the registered network.
        layout: whose files are read so.
        source: the card's facts about the file: its name, SHA-256, layout, licence and what is known of its numbers.
        tensors: how many of the file went into the network, each once.
        ignored: names of counters in the file, which no network needs.
        notes: what is not the same as in the file.
        reference_error: largest difference from the reference's logits, relative to the largest; None without one.
        folder: where it was written, or None.
    """

    model: keras.Model
    name: str
    layout: str
    source: dict[str, Any]
    tensors: int
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reference_error: float | None = None
    folder: Path | None = None

    def __str__(self) -> str:
        """A few lines for people."""
        lines = [
            f"{self.name}: {counted(self.tensors, 'tensor')} of {self.source['file']}, each used once ({self.layout})",
            f"SHA-256 {self.source['sha256']}",
        ]
        lines += [f"{counted(len(self.ignored), 'counter')} of batches left out"] if self.ignored else []
        lines += self.notes
        if self.reference_error is not None:
            lines.append(f"largest difference from the reference's logits: {self.reference_error:.1e} of the largest")
        return "\n".join([*lines, _UNMEASURED])


@suggests
def convert(
    file: str | os.PathLike[str],
    name: str,
    *,
    out: str | os.PathLike[str] | None = None,
    num_classes: int | None = None,
    labels: Sequence[str] | None = None,
    license: str | None = None,
    key: str | None = None,
    reference: Callable[[Any], Any] | None = None,
) -> Conversion:
    """Put the weights of an author's, torchvision's, timm's or Keras's file into a registered network.

    Every tensor of the file is used exactly once, and every variable of the network gets one, or nothing is converted.
    `docs/convert.md` lists whose files fit which networks.

    Args:
        file: a file of torch, safetensors, NumPy or Keras, here or on the Hugging Face Hub; see
            `zoo.hub.checkpoints.read_checkpoint`.
        name: a registered model.
        out: folder for the result, as `zoo.save` writes it, for `zoo.load`; None writes nothing.
        num_classes: of a network whose head has another size than the registered one.
        labels: class names in the order of the logits, where they are not the registered model's.
        license: of the file's weights, for the card; None says what is known.
        key: which dictionary of tensors, where the file holds several.
        reference: a function that gives the original network's logits for images, float32 (n, h, w, channels) from 0
            to 255 (or the inputs that the model takes): then both are compared.

    Returns:
        The network, and what was done.

    Raises:
        ValueError: unknown model, a file that is damaged or wants to run code, tensors that do not fit (how many,
            the first of those left over, missing and mis-shaped, and the network that fits best), or logits that
            differ from the reference's by more than 1e-4 of the largest.
        FileNotFoundError: no such file.
        ImportError: a file of torch, and torch is not installed.

    Example:
        >>> import zoo
        >>> made = zoo.convert("net.pth", "shared_basis_resnet50_imagenet", out="converted")  # doctest: +SKIP
        >>> model = zoo.load("./converted")  # doctest: +SKIP
    """
    preset = registry.find_preset(_plain_name(name))
    config = preset.config
    if num_classes is not None:
        config = registry.replace_config(config, num_classes=check_classes(num_classes))
    layouts = _layouts(config)
    if not layouts:
        raise ValueError(
            f"{name!r} is read from no file but zoo's own; zoo.load({name!r}) loads it where it is trained"
        )
    checkpoint = read_checkpoint(file, key=key)
    best = min((_Attempt.of(config, layout, checkpoint) for layout in layouts), key=lambda each: each.distance)
    if best.distance:
        raise ValueError(best.message(name) + _advice(name, config, checkpoint))
    model = best.model
    store.assign(store.keyed(model), best.found.tensors, source=str(checkpoint.path))
    notes = [*best.found.notes, *_changes(config, best.config), *_moved(best)]
    error = None if reference is None else _compare(model, reference, checkpoint.path)
    source = _source(checkpoint, best.layout, license) | ({"origin": str(file)} if is_address(file) else {})
    folder = None
    if out is not None:
        card = {"source": source, "license": source["license"]} | ({"labels": list(labels)} if labels else {})
        folder = saving.save(model, out, card=card)
    return Conversion(
        model=model,
        name=preset.name,
        layout=best.layout.name,
        source=source,
        tensors=len(checkpoint.tensors),
        ignored=checkpoint.ignored,
        notes=tuple(notes),
        reference_error=error,
        folder=folder,
    )


@dataclass(frozen=True)
class _Attempt:
    """One reading of a file for one network: what came out, and what does not fit."""

    layout: Layout
    config: Any
    model: keras.Model
    found: Converted
    missing: list[str] = field(default_factory=list)
    misshaped: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, config: Any, layout: Layout, checkpoint: Checkpoint) -> _Attempt:
        config = layout.adapt(config, checkpoint.tensors)
        with dtype_policy("float32"):
            model = build(config)
        found = layout.convert(config, checkpoint.tensors)
        wanted = {path: tuple(variable.shape) for path, variable in store.keyed(model).items()}
        for path in [path for path in found.tensors if path not in wanted]:
            del found.tensors[path]
            found.left_over.extend(found.sources.pop(path))
        misshaped = [
            f"{' + '.join(found.sources[path])} is {value.shape} as {path}, which is {wanted[path]}"
            for path, value in found.tensors.items()
            if tuple(value.shape) != wanted[path]
        ]
        missing = [f"{path} {shape}" for path, shape in wanted.items() if path not in found.tensors]
        return cls(layout, config, model, found, missing, misshaped)

    @property
    def distance(self) -> int:
        return len(self.missing) + len(self.misshaped) + len(self.found.left_over)

    def message(self, name: str) -> str:
        parts = {
            "left over in the file": sorted(self.found.left_over),
            "missing in the file": self.missing,
            "of another shape": self.misshaped,
        }
        lines = []
        for what, faults in parts.items():
            lines += [f"\n  {what}: {fault}" for fault in faults[:_LISTED]]
            lines += [f"\n  {what}: {len(faults) - _LISTED} more"] if len(faults) > _LISTED else []
        fault = f"{counted(self.distance, 'tensor')} {'does' if self.distance == 1 else 'do'} not fit"
        return f"the file is no {name!r} ({self.layout.name}): {fault}{''.join(lines)}"


def _plain_name(name: str) -> str:
    parsed = parse_name(name)
    if not isinstance(parsed, ModelName) or parsed.tag:
        raise ValueError(
            f"Expected the name of a registered model without a tag, such as 'resnet32_cifar10'; got {name!r}"
        )
    return parsed.model


def _layouts(config: Any) -> tuple[Layout, ...]:
    """What a configuration's network can be read from; nothing where its family has no module `convert`."""
    module = _convert_module(config)
    return () if module is None else tuple(layout for layout in module.LAYOUTS if layout.fits(config))


def _convert_module(config: Any) -> Any:
    name = f"{registry.find_family(registry.family_of(config)).__name__}.convert"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None


def _changes(asked: Any, built: Any) -> Iterator[str]:
    """What of the registered configuration the file's names changed."""
    for item in fields(asked):
        if getattr(asked, item.name) != getattr(built, item.name):
            yield f"built with {item.name}={getattr(built, item.name)!r}, as the file has it"


def _moved(attempt: _Attempt) -> Iterator[str]:
    """What tensors that only approximate the file's do to the logits."""
    if not attempt.found.exact:
        return
    with dtype_policy("float32"):
        twin = build(attempt.config)
    store.assign(store.keyed(twin), attempt.found.tensors, source="the conversion")
    _convert_module(attempt.config).with_exact(twin, attempt.found.exact)
    inputs = example_inputs(twin)
    moved = _difference(saving.golden_logits(attempt.model, inputs), saving.golden_logits(twin, inputs))
    yield f"by that the logits of random images move by up to {moved:.1e} of the largest"


def _compare(model: keras.Model, reference: Callable[[Any], Any], path: Path) -> float:
    inputs = example_inputs(model)
    given = inputs.astype("float32") if isinstance(inputs, np.ndarray) else inputs
    theirs = reference(given)
    theirs = np.asarray(theirs.detach().cpu() if hasattr(theirs, "detach") else theirs, dtype="float32")
    ours = saving.golden_logits(model, inputs)
    if ours.shape != theirs.shape:
        raise ValueError(f"the reference gives {theirs.shape}, the converted model {ours.shape}")
    error = _difference(ours, theirs)
    if not error <= REFERENCE_TOLERANCE:
        raise ValueError(
            f"{path} fits by name and shape, but the logits differ from the reference's by {error:.1e} of the largest; "
            f"expected at most {REFERENCE_TOLERANCE}. Does the reference normalise its images, and is it in evaluation "
            "mode?"
        )
    return error


def _difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(ours - theirs).max() / max(float(np.abs(theirs).max()), 1e-12))


def _source(checkpoint: Checkpoint, layout: Layout, license: str | None) -> dict[str, Any]:
    return {
        "file": checkpoint.path.name,
        "sha256": checkpoint.sha256,
        "layout": layout.name,
        "license": license or layout.license or _UNKNOWN,
        "note": _UNMEASURED,
    }


def _advice(name: str, config: Any, checkpoint: Checkpoint) -> str:
    """Which registered network a file fits better, judged by names and by the numbers it holds."""
    own = _Judged.of(name, config, checkpoint)
    others = [_Judged.of(preset.name, preset.config, checkpoint) for preset in registry.presets().values()]
    best = min((each for each in others if each is not None), key=lambda each: each.distance, default=None)
    if best is None or best.name == name or best.distance > _NEAR or (own and own.distance <= best.distance):
        return ""
    return f"\nnearest registered network: {best.name!r}"


@dataclass(frozen=True)
class _Judged:
    """How far a file is from a network, without building the network: 0 if its names and its numbers fit."""

    name: str
    distance: float

    @classmethod
    def of(cls, name: str, config: Any, checkpoint: Checkpoint) -> _Judged | None:
        """The best of the layouts that the network can be read from; None without one."""
        parameters = registry.find_preset(name).parameters
        found = [layout.convert(config, checkpoint.tensors) for layout in _layouts(config)]
        return cls(name, min(_distance(each, checkpoint, parameters) for each in found)) if found else None


def _distance(found: Converted, checkpoint: Checkpoint, parameters: int) -> float:
    """The share of the file that is left over, and how far the numbers used are from the network's parameters."""
    strange = sum(checkpoint.tensors[name].size for name in found.left_over)
    used = sum(value.size for path, value in found.tensors.items() if "/moving_" not in path)
    held = sum(value.size for value in checkpoint.tensors.values())
    return strange / max(held, 1) + abs(math.log(max(used, 1) / parameters))
