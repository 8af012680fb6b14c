"""What may be asked of an export, checked before any work: nothing here needs a backend."""

from __future__ import annotations

import importlib.util
import re
from typing import Any

from zoo._suggestions import did_you_mean
from zoo.exporting.report import QUANTIZATIONS
from zoo.hub.paths import MODEL_NAME

FORMATS = {"savedmodel": "", "onnx": "model.onnx", "litert": "model.tflite"}
OPSETS = range(13, 19)  # those that tf2onnx writes and ONNX Runtime runs
FOLDS = ("auto", "bn", "kernel")
"""The modes of `zoo.fold`, whose module needs a backend; a test holds them equal."""


def check_options(
    format: str,
    *,
    name: str | None = None,
    fold: bool | str = False,
    quantize: str | None = None,
    io: str | None = None,
    opset: int | None = None,
    warmup: bool = False,
) -> None:
    """Looks at arguments of `zoo.export`, and whether the packages are there that they need.

    Args:
        format: as the others, of `zoo.export`.
        name: what the model shall be called.
        fold: whether, or in which mode, it is folded.
        quantize: how it is quantized.
        io: type of an int8 file's inputs and outputs.
        opset: version of ONNX's operators.
        warmup: whether warm-up requests are written.

    Raises:
        ValueError: an unknown word, or options that do not go together.
        ImportError: a package of an extra is missing.

    Example:
        >>> check_options("savedmodel", name="my_digits")
    """
    _check_choice("format", format, list(FORMATS))
    if quantize is not None:
        _check_choice("quantization", quantize, list(QUANTIZATIONS))
    if quantize is not None and format != "litert":
        raise ValueError(f"quantize={quantize!r} is for format='litert' only; got format={format!r}")
    if io is not None:
        _check_choice("type of inputs and outputs", io, ["int8", "uint8"])
    if io is not None and quantize != "int8":
        raise ValueError(f"io={io!r} is for quantize='int8' only; got quantize={quantize!r}")
    if opset is not None and (format != "onnx" or isinstance(opset, bool) or opset not in OPSETS):
        raise ValueError(
            f"Expected opset of {OPSETS[0]} to {OPSETS[-1]}, for format='onnx' only; got {opset!r} and {format!r}"
        )
    if warmup and format != "savedmodel":
        raise ValueError(f"warm-up requests are for format='savedmodel' only; got format={format!r}")
    if isinstance(fold, str):
        _check_choice("mode of folding", fold, list(FOLDS))
    _check_name(name)
    _require_packages(format, warmup)


def _check_name(name: str | None) -> None:
    if name is not None and not re.fullmatch(MODEL_NAME, name):
        raise ValueError(
            f"Expected a name of lower-case words joined by underscores, such as 'my_digits'; got {name!r}"
        )


def _check_choice(what: str, value: Any, known: list[str]) -> None:
    if value not in known:
        hint = did_you_mean(value, known, cutoff=0.5)
        raise ValueError(f"Unknown {what} {value!r}.{hint} Expected one of: {', '.join(known)}.")


def _require_packages(format: str, warmup: bool) -> None:
    """Say what is missing before any work; TensorFlow itself is not imported here."""
    wanted = {"zoo": ["tensorflow"]}
    if format == "onnx":
        wanted["zoo[onnx]"] = ["tf2onnx", "onnx", "onnxruntime"]
    if warmup:
        wanted["zoo[serving]"] = ["tensorflow_serving"]
    for requirement, packages in wanted.items():
        missing = [package for package in packages if importlib.util.find_spec(package) is None]
        if missing:
            raise ImportError(f'this export needs {", ".join(missing)}: pip install "{requirement}"')
