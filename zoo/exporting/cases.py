"""Inputs on which an exported file is compared with its Keras model, and the outputs it must give."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import _keras, hub
from zoo.exporting.interface import IMAGE, Interface, Spec

Arrays = dict[str, np.ndarray]
Case = tuple[Arrays, Arrays]
_BATCHES = (1, 4)
_LENGTHS = (6, 11)  # for axes other than the first that are open
_SAMPLES = 32


def make_cases(interface: Interface, samples: Arrays | None) -> list[Case]:
    """Inputs of different sizes, and the Keras model's outputs for them.

    Args:
        interface: the model and its names.
        samples: real samples to take instead of made ones.

    Raises:
        ValueError: the model does not take inputs that are made up, or gives no numbers for them.
    """
    if samples is None and (interface.card is None or IMAGE in interface.inputs):
        return [_made_case(interface, batch, length) for batch, length in zip(_BATCHES, _LENGTHS, strict=True)]
    if samples is None:
        given = hub.example_inputs(interface.model)
        example = dict(given) if isinstance(given, dict) else {next(iter(interface.inputs)): given}
        chosen = [example, _doubled(example, interface.inputs)]
    elif interface.any_batch:
        parts = (slice(1), slice(1, _SAMPLES))
        chosen = [{name: values[part] for name, values in samples.items()} for part in parts]
    else:
        chosen = [samples]
    return [(case, _outputs(interface, case)) for case in chosen if _rows(case)]


def write_cases(interface: Interface, cases: list[Case], path: Path) -> None:
    """Store inputs and the Keras model's outputs as `<case>.in.<name>` and `<case>.out.<name>`.

    Where the model takes pictures of one size, the first case is also stored as PNG files, `<case>.png.<image>`.
    """
    arrays: Arrays = {}
    for index, (inputs, outputs) in enumerate(cases):
        arrays |= {f"{index}.in.{name}": _storable(value) for name, value in inputs.items()}
        arrays |= {f"{index}.out.{name}": _storable(value) for name, value in outputs.items()}
        if interface.image_shape is not None:
            files = [_png(image) for image in inputs[IMAGE]]
            arrays |= {f"{index}.png.{number}": np.frombuffer(file, "uint8") for number, file in enumerate(files)}
    with path.open("xb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _made_case(interface: Interface, batch: int, length: int) -> Case:
    """Made inputs that the model takes: an embedding may know few whole numbers, zeros and ones at least."""
    for below in (length, 2):
        inputs = _made(interface, batch, length, below)
        try:
            outputs = _outputs(interface, inputs)
        except Exception as error:  # whatever the layers raise
            failure = error
            continue
        empty = [name for name, value in outputs.items() if value.dtype.kind in "fcV" and not np.isfinite(value).any()]
        if not empty:
            return inputs, outputs
        failure = ValueError(f"no number of {', '.join(empty)} is finite")
    reason = next(iter(str(failure).strip().splitlines()), "")
    raise ValueError(
        f"the model does not run on inputs that are made up ({type(failure).__name__}: {reason}): pass real ones with "
        "samples= (--samples FILE on the command line)"
    ) from failure


def _outputs(interface: Interface, inputs: Arrays) -> Arrays:
    outputs = interface.call({name: keras.ops.convert_to_tensor(value) for name, value in inputs.items()})
    return {name: np.asarray(keras.ops.convert_to_numpy(value)) for name, value in outputs.items()}


def _rows(case: Arrays) -> int:
    return min((len(values) for values in case.values() if values.ndim), default=1)


def _made(interface: Interface, batch: int, length: int, below: int) -> Arrays:
    """Whole numbers in 0..255 for pictures, numbers `below` for integers, words for strings, else normal numbers."""
    generator = np.random.default_rng(batch)
    made: Arrays = {}
    for name, spec in interface.inputs.items():
        sides = (batch if place == 0 else length for place in range(len(spec.shape)))
        shape = tuple(other if side is None else side for side, other in zip(spec.shape, sides, strict=True))
        if name == IMAGE:
            values: Any = generator.integers(0, 256, shape)
        elif spec.dtype == "string":
            values = generator.choice(_words(interface.model), shape)
        elif "int" in spec.dtype or spec.dtype == "bool":
            values = generator.integers(0, min(below, 2) if spec.dtype == "bool" else below, shape)
        else:
            values = generator.standard_normal(shape)
        made[name] = np.asarray(values, None if spec.dtype == "string" else spec.dtype)
    return made


def _words(model: keras.Model) -> list[str]:
    """Words that the model's tables know."""
    known = [layer.get_vocabulary() for layer in _keras.sublayers(model) if hasattr(layer, "get_vocabulary")]
    return sorted({word for words in known for word in words if isinstance(word, str)}) or ["one", "two"]


def _storable(value: np.ndarray) -> np.ndarray:
    """An array that a file without pickled objects holds: bfloat16 in float32, strings of one width."""
    if value.dtype.kind == "V":
        return value.astype("float32")
    return value.astype("S") if value.dtype.kind == "O" else value


def _doubled(example: Arrays, specs: dict[str, Spec]) -> Arrays:
    """Twice the length on every open axis, for graphs too: what points at a place still does."""
    made = {}
    for name, values in example.items():
        values = np.tile(values, [2 if side is None else 1 for side in specs[name].shape])
        if values.dtype.kind == "f":  # so that not all the parts are equal
            values = values * np.linspace(0.5, 1.0, values.size, dtype=values.dtype).reshape(values.shape)
        made[name] = values
    return made


def _png(image: np.ndarray) -> bytes:
    from PIL import Image

    pixels = np.clip(np.rint(image), 0, 255).astype("uint8")
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG")
    return buffer.getvalue()
