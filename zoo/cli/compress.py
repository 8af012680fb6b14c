"""`zoo compress`: a pruned model as a plain one, a smaller one or a smaller file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import zoo
from zoo.cli import options as common
from zoo.cli import output

_SUFFIXES = {"mask": ".keras", "compact": ".keras", "packed": ".safetensors"}


def register(commands: Any) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "compress",
        help="make a pruned model smaller",
        description="Write a pruned model in stock layers, with fewer channels where that changes nothing (compact: "
        "faster), or its weights as a packed file (packed: smallest).",
    )
    output.add_name(parser)
    parser.add_argument("--mode", default="compact", choices=tuple(_SUFFIXES), help="default: %(default)s")
    parser.add_argument("--out", required=True, metavar="FILE", help="model.keras, or for packed model.safetensors")
    common.add_overwrite(parser)
    output.add_json(parser)
    parser.set_defaults(run=run, check=check)


def check(options: argparse.Namespace) -> None:
    """What is wrong with the file's name, before a backend is loaded."""
    if Path(options.out).suffix != _SUFFIXES[options.mode]:
        wanted = _SUFFIXES[options.mode]
        raise ValueError(f"for mode {options.mode} expected a file name with {wanted}, got {options.out}")
    common.check_out(options)


def run(options: argparse.Namespace) -> int:
    """Compresses, writes and prints what came out."""
    path = Path(options.out)
    model = zoo.load(options.name, compile=False)
    before = model.count_params()
    if options.mode == "packed":
        zoo.compression.compress(model, "packed", path=path)
        after = before
    else:
        small = zoo.compression.compress(model, options.mode)
        path.parent.mkdir(parents=True, exist_ok=True)
        small.save(path)
        after = small.count_params()
    facts = {"file": path, "bytes": path.stat().st_size, "values before": before, "values after": after}
    if options.json:
        output.print_json({key.replace(" ", "_"): value for key, value in facts.items()})
    else:
        output.show(output.facts({key: f"{v:,}" if isinstance(v, int) else v for key, v in facts.items()}))
    return 0
