"""`zoo data`: the data sets that the zoo reads, and their preparation."""

from __future__ import annotations

import argparse
import os
from typing import Any

from rich.text import Text

import zoo
from zoo.cli import output


def register(commands: Any) -> None:
    """Adds the command and its two sub-commands to the parser."""
    parser = commands.add_parser("data", help="list and prepare data sets", description="List and prepare data sets.")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list data sets", description="List the data sets that the zoo reads.")
    output.add_json(listing)
    listing.set_defaults(run=run_list)
    preparing = actions.add_parser(
        "prepare",
        help="get a data set, or write one as array_record files",
        description="Get a data set from its authors into the data folder: download it by TensorFlow Datasets (needs "
        "zoo[data]), or read the authors' files that were fetched before (--from). With --out, write a set that is in "
        "the data folder as array_record files, for programs that stream them; the zoo reads them too.",
    )
    preparing.add_argument("name", metavar="NAME", help="data set, or a folder of images FOLDER/NAME/CLASS/IMAGE")
    preparing.add_argument(
        "--data", metavar="FOLDER", help="folder with the data sets, made if it is not there (default: ZOO_DATA)"
    )
    preparing.add_argument(
        "--from",
        dest="files",
        nargs="+",
        metavar="FILE",
        help="the authors' files, by their own names, or folders with them, as cifar-10-python.tar.gz; nothing is "
        "downloaded then",
    )
    preparing.add_argument("--out", metavar="FOLDER", help="write array_record files into this folder")
    preparing.add_argument(
        "--size", type=int, metavar="PIXELS", help="side of the images, for a folder of images and places365"
    )
    preparing.add_argument("--grayscale", action="store_true", help="one channel, for a folder of images")
    output.add_json(preparing)
    preparing.set_defaults(run=run_prepare)


def run_list(options: argparse.Namespace) -> int:
    """Prints one line a data set."""
    rows: list[dict[str, Any]] = [
        {"name": source.name, **source.facts, "classes": list(source.classes or ())}
        for source in map(zoo.datasets.find_dataset, zoo.datasets.list_datasets())
    ]
    if options.json:
        output.print_json(rows)
        return 0
    table = output.table("data set", "content", "license")
    for row in rows:
        table.add_row(*(Text(row[key]) for key in ("name", "note", "license")))
    output.show(table)
    return 0


def run_prepare(options: argparse.Namespace) -> int:
    """Prepares a data set and prints where it is."""
    folder = zoo.datasets.prepare(
        options.name,
        data=options.data,
        files=options.files,
        out=options.out,
        size=options.size,
        grayscale=options.grayscale,
        progress=output.progress(options),
    )
    if options.json:
        output.print_json({"name": options.name, "folder": folder})
    else:
        where = options.out or options.data or os.environ["ZOO_DATA"]
        output.show(output.facts({"prepared": folder, "read it with": f"--data {where}"}))
    return 0
