"""`zoo push`: weights for everybody, or for a few, on the Hugging Face Hub."""

from __future__ import annotations

import argparse
from typing import Any

import zoo
from zoo.cli import output


def register(commands: Any) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "push",
        help="write a model to the Hugging Face Hub",
        description="Write weights, card and README.md into a repository on the Hugging Face Hub, which is made if "
        "need be. `hf auth login` or the variable HF_TOKEN says who you are.",
    )
    output.add_name(parser)
    parser.add_argument("address", metavar="ADDRESS", help="hf://owner/name, or hf://owner/name@branch")
    parser.add_argument("--private", action="store_true", help="a new repository is one that only its owner sees")
    parser.add_argument("--message", metavar="TEXT", help="of the commit")
    output.add_json(parser)
    parser.set_defaults(run=run, check=check)


def check(options: argparse.Namespace) -> None:
    """What is no address is said before a backend is loaded."""
    if not options.address.startswith("hf://"):
        raise ValueError(f"Expected an address on the Hugging Face Hub, as hf://owner/name; got {options.address!r}.")


def run(options: argparse.Namespace) -> int:
    """Pushes and prints the address of what was written."""
    address = zoo.push(options.name, options.address, private=options.private, message=options.message)
    if options.json:
        output.print_json({"address": address})
    else:
        output.show(address)
    return 0
