"""The command `zoo`: argument parsing over the public functions."""

from zoo.cli.app import entry, main

__all__ = ["entry", "main"]
