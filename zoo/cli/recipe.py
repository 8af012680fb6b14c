"""`zoo recipe`: print a training recipe as YAML, to be changed and given to `zoo train`."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import zoo
from zoo.cli import options as common
from zoo.cli import output


def register(commands: Any) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "recipe",
        help="print a training recipe",
        description="Print a recipe as YAML: zoo recipe NAME > mine.yaml, then zoo train NAME --recipe mine.yaml",
    )
    output.add_name(parser, "registered model")
    common.add_recipe(parser, default="the model's own")
    output.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints the recipe."""
    recipe = zoo.training.resolve_recipe(options.name, common.chosen_recipe(options))
    if options.json:
        output.print_json(recipe.to_dict())
    else:
        sys.stdout.write(f"# zoo train {options.name} --recipe THIS_FILE\n{zoo.training.write_recipe(recipe)}")
    return 0
