"""The command `zoo`: argument parsing over the public functions."""

from zoo.cli.app import main

__all__ = ["main"]
