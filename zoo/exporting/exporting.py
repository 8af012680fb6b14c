"""`zoo.export`: from a model to a checked version folder."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import keras

from zoo import hub
from zoo._suggestions import suggests
from zoo.exporting import child, versions
from zoo.exporting.options import FORMATS, check_options
from zoo.exporting.report import check_same_model, judge, tolerance_of, write_report
from zoo.exporting.samples import write_samples
from zoo.hub.names import parse_name
from zoo.hub.paths import local_path

log = logging.getLogger("zoo.export")


@suggests
def export(
    name_or_model: str | os.PathLike[str] | keras.Model,
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    format: str = "savedmodel",
    fold: bool | str = False,
    quantize: str | None = None,
    io: str | None = None,
    opset: int | None = None,
    warmup: bool = False,
    samples: Any = None,
    data: str | os.PathLike[str] | None = None,
) -> Path:
    """Write a model as a file that other programs serve, in a new version folder `<path>/<model>/<n>`.

    The work is done in a process of its own with Keras on TensorFlow, whatever backend this one runs on. Then the file
    is loaded again in another fresh process and compared with the Keras model on two batch sizes; only a file that
    agrees gets its name. What was found stands in `assets.extra/zoo.json` of the version folder.

    Args:
        name_or_model: a name as `zoo.load` takes it, a model of zoo's (trained further or not), or a functional Keras
            model of your own, which keeps its inputs' and outputs' names; where several outputs have one name, they are
            numbered, as `embedding` and `embedding_1`.
        path: the folder that holds the models' folders; made if need be.
        name: what the model is called in `path`, where its versions count up: lower-case words joined by underscores.
            By default the registered name, also of a model that was trained further: give that one a name of its own.
        format: `"savedmodel"`, `"onnx"` or `"litert"`.
        fold: export `zoo.fold(model)`: group convolutions written out as plain ones with the normalization multiplied
            in, which is faster and larger. It is compared with the model as it was. A word is the mode of `zoo.fold`.
            ONNX and LiteRT files of zoo's models are folded in any case, by default with `"bn"`, the smallest.
        quantize: None, or for `"litert"` `"float16"` (weights) or `"int8"` (weights and activations).
        io: for `"int8"`, the type of the file's inputs and outputs, `"int8"` or `"uint8"`, instead of float32. Their
            scales and zero points stand in `zoo.json`, and a file with an operation that floats is refused.
        opset: for `"onnx"`, the version of ONNX's operators, 18 by default.
        warmup: for `"savedmodel"`, also write the requests that TensorFlow Serving replays at start.
        samples: real inputs as the model takes them, on which the file is compared with the Keras model: an array, such
            as `(N, height, width, channels)` in 0..255, a dict of arrays by input name, or an `.npy` or `.npz` file of
            them. Without them inputs are made up; for `"int8"`, which measures ranges on them, they are 256 of the
            training images of the model's data set.
        data: the folder with the data sets, for that default; else the environment variable `ZOO_DATA`.

    Returns:
        The version folder.

    Raises:
        ValueError: unknown model, format or quantization, options that do not go together, a model that cannot be
            converted, a file whose outputs differ, or a folder of that name that holds versions of a model with other
            labels, inputs or outputs; nothing is left behind.
        ImportError: a package of an extra is missing.
        OSError: the folder cannot be written, or the process ended abnormally.

    Example:
        >>> import zoo
        >>> folder = zoo.export("e4net_mnistrot", "served")  # doctest: +SKIP
        >>> sorted(file.name for file in folder.iterdir())  # doctest: +SKIP
        ['assets', 'assets.extra', 'fingerprint.pb', 'saved_model.pb', 'variables']
    """
    root = local_path(path).absolute()
    check_options(format, name=name, fold=fold, quantize=quantize, io=io, opset=opset, warmup=warmup)
    with tempfile.TemporaryDirectory(prefix="zoo-export-") as folder:
        scratch = Path(folder)
        job = _source(name_or_model, scratch)
        job |= {"format": format, "fold": fold, "quantize": quantize, "io": io, "opset": opset, "warmup": warmup}
        job |= {"families": hub.registered_families(), "path": sys.path}
        real = samples is not None or quantize == "int8"
        given = write_samples(job["name"], samples, data, scratch / "samples.npz") if real else None
        job |= {"samples": str(given) if given else None, "cases": str(scratch / "cases.npz")}
        job["name"] = name or job["name"]
        with versions.new_version(root, job["name"]) as version:
            job["stage"] = str(version.stage)
            log.info("converting")
            facts = child.work(job, scratch)
            check_same_model(version.folder, facts)
            file = str(version.stage / FORMATS[format])
            log.info("checking")
            found = child.check({"format": format, "file": file, "cases": job["cases"]}, scratch)
            judge(found["checks"], tolerance_of(format, quantize, facts["precision"]), job["name"])
            write_report(version.stage, job, facts, found)
        return version.folder


def _source(name_or_model: Any, scratch: Path) -> dict[str, Any]:
    """What the other process shall load, and the model's name."""
    if isinstance(name_or_model, (str, os.PathLike)):
        parsed = parse_name(name_or_model)
        source = str(parsed.absolute()) if isinstance(parsed, Path) else str(parsed)
        return {"source": source, "keras_file": None, "name": hub.card(source).name}
    if not isinstance(name_or_model, keras.Model):
        raise ValueError(f"Expected a model's name, a folder or a Keras model; got {type(name_or_model).__name__}.")
    if hub.find_origin(name_or_model):
        folder = hub.save(name_or_model, scratch / "weights")
        return {"source": str(folder), "keras_file": None, "name": hub.card(folder).name}
    file = scratch / "model.keras"
    name_or_model.save(file)
    return {"source": None, "keras_file": str(file), "name": name_or_model.name}
