"""Inputs on which an exported file is compared with its Keras model, and the outputs it must give."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import hub
from zoo.export.interface import IMAGE, Interface, Spec

Inputs = dict[str, np.ndarray]
_BATCHES = (1, 4)
_LENGTHS = (6, 11)  # for axes other than the first that are open
_SAMPLES = 32


def make_cases(interface: Interface, samples: Inputs | None) -> list[Inputs]:
    """Two inputs of different sizes.

    Args:
        interface: the model and its names.
        samples: real samples to take instead of made ones, at least two.
    """
    if samples is not None:
        return [{name: values[:1] for name, values in samples.items()}] + [
            {name: values[1:_SAMPLES] for name, values in samples.items()}
        ]
    if interface.card is not None and IMAGE not in interface.inputs:
        given = hub.example_inputs(interface.model)
        example = dict(given) if isinstance(given, dict) else {next(iter(interface.inputs)): given}
        return [example, _doubled(example, interface.inputs)]
    return [_made(interface.inputs, batch, length) for batch, length in zip(_BATCHES, _LENGTHS, strict=True)]


def write_cases(interface: Interface, cases: list[Inputs], path: Path) -> None:
    """Store inputs and the Keras model's outputs as `<case>.in.<name>` and `<case>.out.<name>`.

    Where the model takes pictures of one size, the first case is also stored as PNG files, `<case>.png.<image>`.
    """
    arrays: dict[str, np.ndarray] = {}
    for index, case in enumerate(cases):
        outputs = interface.call({name: keras.ops.convert_to_tensor(value) for name, value in case.items()})
        arrays |= {f"{index}.in.{name}": value for name, value in case.items()}
        arrays |= {f"{index}.out.{name}": keras.ops.convert_to_numpy(value) for name, value in outputs.items()}
        if interface.image_shape is not None:
            files = [_png(image) for image in case[IMAGE]]
            arrays |= {f"{index}.png.{number}": np.frombuffer(file, "uint8") for number, file in enumerate(files)}
    with path.open("xb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _made(specs: dict[str, Spec], batch: int, length: int) -> Inputs:
    """Whole numbers in 0..255 for pictures, places on an open axis for integers, else normal numbers."""
    generator = np.random.default_rng(batch)
    made: Inputs = {}
    for name, spec in specs.items():
        shape = (batch, *(length if side is None else side for side in spec.shape[1:]))
        if name == IMAGE:
            values: Any = generator.integers(0, 256, shape)
        elif "int" in spec.dtype:
            values = generator.integers(0, length, shape)
        else:
            values = generator.standard_normal(shape)
        made[name] = np.asarray(values, spec.dtype)
    return made


def _doubled(example: Inputs, specs: dict[str, Spec]) -> Inputs:
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
