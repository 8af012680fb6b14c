"""`zoo convert`: a registered network with the weights of somebody else's file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import zoo
from zoo.cli import options as common
from zoo.cli import output


def register(commands: Any) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "convert",
        help="read an author's, torchvision's or timm's weights",
        description="Put the weights of a file of torch, safetensors, NumPy or Keras into a registered network, and "
        "write it with a card, for `zoo predict FOLDER` and all other commands. Nothing in the file is run.",
    )
    parser.add_argument("name", metavar="NAME", help="registered model")
    parser.add_argument("file", metavar="FILE", help="such as net.pth, or hf://owner/name/model.safetensors")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="folder for the result")
    parser.add_argument("--num-classes", type=int, metavar="N", help="where the head has another size")
    parser.add_argument("--license", metavar="TEXT", help="of the file's weights, for the card")
    parser.add_argument("--key", metavar="NAME", help="which dictionary of tensors, where the file holds several")
    common.add_overwrite(parser)
    output.add_json(parser)
    parser.set_defaults(run=run, check=check)


def check(options: argparse.Namespace) -> None:
    """What is wrong with names and files, before a backend is loaded."""
    name, file = _named(options)
    zoo.hub.find_preset(name)
    if "://" not in file and not Path(file).expanduser().is_file():
        raise FileNotFoundError(f"No such file: {file}. Expected the file of weights for {name}.")
    common.check_out(options)


def _named(options: argparse.Namespace) -> tuple[str, str]:
    """Model and file, also in the order of `zoo.convert`."""
    if options.file in zoo.list_models() and options.name not in zoo.list_models():
        return options.file, options.name
    return options.name, options.file


def run(options: argparse.Namespace) -> int:
    """Converts, writes and prints what was done."""
    name, file = _named(options)
    made = zoo.convert(
        file,
        name,
        out=options.out,
        num_classes=options.num_classes,
        license=options.license,
        key=options.key,
    )
    if options.json:
        facts = {"name": made.name, "folder": made.folder, "tensors": made.tensors, "ignored": len(made.ignored)}
        output.print_json(facts | {"notes": made.notes, "source": made.source})
        return 0
    print(made)
    output.show(output.facts({"folder": made.folder, "licence": made.source["license"]}))
    return 0
