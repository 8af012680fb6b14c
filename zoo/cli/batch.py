"""`zoo batch`: classify folders of images and Parquet files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import zoo
from zoo import _writing
from zoo._counting import counted
from zoo.cli import output


def register(commands: Any) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "batch",
        help="classify a folder of images or Parquet files",
        description="Classify all images of a folder or of Parquet files; the answers are Parquet files. The same "
        "command again continues an interrupted run.",
    )
    output.add_name(parser, "model: NAME, NAME.TAG, a folder or hf://owner/name")
    parser.add_argument("source", metavar="SOURCE", help="folder of images (any depth), Parquet file or folder of them")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="new folder for the answers")
    parser.add_argument("--engine", default="local", choices=("local", "ray"), help="default: %(default)s")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="Ray actors (default: %(default)s)")
    parser.add_argument("--worker-gpus", type=float, default=0.0, metavar="N", help="GPUs an actor (default: none)")
    parser.add_argument("--batch-size", type=int, default=64, metavar="N", help="images a step (default: %(default)s)")
    parser.add_argument("--part-rows", type=int, default=4096, metavar="N", help="rows a file (default: %(default)s)")
    parser.add_argument("--top", type=int, default=5, metavar="K", help="classes an image (default: %(default)s)")
    parser.add_argument("--logits", action="store_true", help="also keep the raw outputs")
    parser.add_argument("--image-column", default="image", metavar="NAME", help="in Parquet (default: %(default)s)")
    parser.add_argument("--white", type=float, metavar="X", help="value of white in files of more than 8 bits")
    parser.add_argument("--invert", action="store_true", help="turn dark into light")
    parser.add_argument("--id-column", metavar="NAME", help="in Parquet (default: path or id, if there is one)")
    output.add_json(parser)
    parser.set_defaults(run=run, check=check)


def check(options: argparse.Namespace) -> None:
    """What is wrong with numbers and folders, before a backend is loaded."""
    for name in ("workers", "batch_size", "part_rows", "top"):
        if getattr(options, name) < 1:
            option = "--" + name.replace("_", "-")
            raise ValueError(f"Expected {option} of at least 1; got {getattr(options, name)}.")
    if "://" not in options.source and not Path(options.source).expanduser().exists():
        raise FileNotFoundError(f"No such folder or file: {options.source}. Expected images or Parquet files.")
    if "://" not in options.out:
        _writing.check_target(Path(options.out).expanduser(), "the answers")


def run(options: argparse.Namespace) -> int:
    """Predicts, and says how many rows there are and how many hold an error."""
    result = zoo.predict_files(
        options.name,
        options.source,
        options.out,
        engine=options.engine,
        workers=options.workers,
        worker_gpus=options.worker_gpus,
        batch_size=options.batch_size,
        top=options.top,
        logits=options.logits,
        image_column=options.image_column,
        id_column=options.id_column,
        white=options.white,
        invert=options.invert,
        part_rows=options.part_rows,
        progress=output.progress(options),
    )
    if options.json:
        output.print_json(vars(result))
        return output.exit_code(result.errors, result.rows)
    if result.reused:
        output.note(f"{result.reused} of {counted(result.rows, 'row')} were there already")
    if result.errors:
        more = ", ..." if result.errors > len(result.unreadable) else ""
        output.note(f"unreadable: {', '.join(result.unreadable)}{more}; the column `error` of the answers says why")
    output.show(output.facts({"answers": result.out, "rows": result.rows, "errors": str(result.errors)}))
    return output.exit_code(result.errors, result.rows)
