"""`zoo export`: a model as a file that other programs serve."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

import zoo
import zoo.exporting
from zoo import _writing
from zoo.cli import output


def register(commands: Any) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "export",
        help="write a model for serving",
        description="Write a model as a checked SavedModel, ONNX or LiteRT file, in a new folder OUT/MODEL/VERSION: "
        "MODEL is the registered name or that of --name, VERSION the next number.",
    )
    output.add_name(parser)
    parser.add_argument("--format", default="savedmodel", help="savedmodel, onnx or litert (default: %(default)s)")
    parser.add_argument("--out", default="exports", metavar="FOLDER", help="where to write (default: %(default)s)")
    parser.add_argument(
        "--name", dest="call", metavar="MODEL", help="what to call it, such as my_digits, for a model trained further"
    )
    parser.add_argument(
        "--fold",
        nargs="?",
        const=True,
        default=False,
        metavar="MODE",
        help="multiply normalization into the convolutions first; MODE, for shared filters: auto, bn or kernel",
    )
    parser.add_argument("--quantize", metavar="KIND", help="for litert: float16 or int8")
    parser.add_argument("--io", metavar="TYPE", help="for int8: type of the file's inputs and outputs, int8 or uint8")
    parser.add_argument("--opset", type=int, metavar="N", help="for onnx: version of its operators (default: 18)")
    parser.add_argument("--samples", metavar="FILE", help="real inputs to compare and calibrate on, .npy or .npz")
    parser.add_argument("--data", metavar="FOLDER", help="data sets to calibrate int8 on (default: ZOO_DATA)")
    parser.add_argument("--warmup", action="store_true", help="for savedmodel: add warm-up requests")
    output.add_json(parser)
    parser.set_defaults(run=run, check=check)


def check(options: argparse.Namespace) -> None:
    """What is wrong with words, files and folders, before a backend is loaded."""
    zoo.exporting.check_options(
        options.format,
        name=options.call,
        fold=options.fold,
        quantize=options.quantize,
        io=options.io,
        opset=options.opset,
        warmup=options.warmup,
    )
    if options.samples is not None and not Path(options.samples).expanduser().is_file():
        raise FileNotFoundError(f"No such file: {options.samples}. Expected inputs as .npy or .npz.")
    _writing.check_target(Path(options.out).expanduser(), "the export")


def run(options: argparse.Namespace) -> int:
    """Exports, and prints what was written and how well it agrees."""
    with _progress(f"{options.name} as {options.format}"):
        folder = zoo.export(
            options.name,
            options.out,
            name=options.call,
            format=options.format,
            fold=options.fold,
            quantize=options.quantize,
            io=options.io,
            opset=options.opset,
            warmup=options.warmup,
            samples=options.samples,
            data=options.data,
        )
    report = json.loads((folder / "assets.extra" / "zoo.json").read_text("utf-8"))
    if options.json:
        output.print_json({"folder": folder} | report)
        return 0
    files = "\n".join(f"{size:>13,}  {name}" for name, size in report["files"].items())
    rows = {
        "folder": folder,
        "inputs": _tensors(report["inputs"]),
        "outputs": _tensors(report["outputs"]),
        "signatures": ", ".join(report["signatures"]),
        "stored values": f"{report['stored_values']:,}",
        "bytes": f"{report['bytes']:,}\n{files}",
    }
    output.show(output.facts(rows), _checks(report))
    return 0


@contextmanager
def _progress(what: str) -> Iterator[None]:
    """A line on the error stream, if that is a terminal, which says what the export does."""
    logger, stages = logging.getLogger("zoo.export"), logging.Handler()
    before = logger.level
    with Console(stderr=True).status(f"exporting {what}") as status:
        stages.emit = lambda record: status.update(f"{record.getMessage()} {what}")  # type: ignore[method-assign]
        logger.addHandler(stages)
        logger.setLevel(logging.INFO)
        try:
            yield
        finally:
            logger.setLevel(before)
            logger.removeHandler(stages)


def _tensors(specs: dict[str, Any]) -> str:
    """Name, type and shape of inputs or outputs."""
    lines = []
    for name, spec in specs.items():
        sides = ", ".join("any" if side is None else str(side) for side in spec["shape"])
        lines.append(f"{name}: {spec['dtype']} ({sides})")
    return "\n".join(lines)


def _checks(report: dict[str, Any]) -> Any:
    """The comparisons with the Keras model as a table."""
    outputs = list(report["outputs"])
    measure, tolerance = report["tolerance"]
    title = f"{measure.replace('_', ' ')} from the Keras model, relative to the largest value (allowed: {tolerance:g})"
    table = output.table("signature", "inputs", *outputs, right=tuple(outputs), title=title)
    for check in report["checks"]:
        shapes = ", ".join("x".join(map(str, shape)) for shape in check["inputs"].values())
        table.add_row(check["signature"], shapes, *(f"{check[measure][name]:.1e}" for name in outputs))
    return table
