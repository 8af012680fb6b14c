"""The command's entry: sub-commands, exit codes, and one line for an expected error."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import zoo
from zoo._suggestions import did_you_mean
from zoo.cli import (
    batch,
    compress,
    convert,
    data,
    evaluate,
    export,
    finetune,
    info,
    list_,
    output,
    plot,
    predict,
    prune,
    push,
    recipe,
    serve,
    train,
    verify,
)

OK, FAILED, BAD_INPUT, INTERRUPTED, PIPE_CLOSED, TERMINATED = 0, 1, 2, 130, 141, 143
COMMANDS = (
    list_,
    info,
    predict,
    batch,
    evaluate,
    plot,
    verify,
    finetune,
    train,
    recipe,
    prune,
    compress,
    convert,
    export,
    push,
    serve,
    data,
)

_EPILOG = """\
exit codes: 0 done, 1 a check failed or some images could not be read, 2 wrong usage or input, 130 interrupted,
  143 told to stop (SIGTERM).
environment: ZOO_DATA folder of the data sets, KERAS_BACKEND tensorflow, jax or torch, ZOO_CACHE folder for downloads,
ZOO_DEBUG=1 shows where an error comes from.
completion in bash and zsh: pip install "zoo[completion]", then eval "$(register-python-argcomplete zoo)".
"""


class Terminated(KeyboardInterrupt):
    """SIGTERM: ends the work as Ctrl-C does, so that child processes and unfinished files go, too."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line.

    Args:
        arguments: the words after `zoo`; by default those of the process.

    Returns:
        The exit code: 0 done, 1 a check failed, 2 wrong input, 130 interrupted, 143 told to stop.

    Raises:
        SystemExit: `--help`, or arguments that do not parse (code 2).

    Example:
        >>> main(["list", "no_such_*", "--json"])
        []
        0
    """
    parser = make_parser()
    _complete(parser)
    options = parser.parse_args(arguments)
    if not hasattr(options, "run"):
        parser.print_help()
        return OK
    quiet = output.quiet.set(getattr(options, "quiet", False))
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            _check_names(options)
            getattr(options, "check", _nothing)(options)
            code = options.run(options)
            sys.stdout.flush()  # a closed pipe shows here and not at exit
            return code
    except Terminated:
        print("zoo: told to stop", file=sys.stderr)
        return TERMINATED
    except KeyboardInterrupt:
        print("zoo: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except (ValueError, OSError, ImportError, FloatingPointError) as error:
        if os.environ.get("ZOO_DEBUG") == "1":
            raise
        print(f"zoo: error: {error}", file=sys.stderr)
        return BAD_INPUT
    finally:
        output.quiet.reset(quiet)


def _complete(parser: argparse.ArgumentParser) -> None:
    """Answers a shell that asks for what may follow, and ends the process, where the extra `completion` is there."""
    if "_ARGCOMPLETE" in os.environ:
        try:
            import argcomplete
        except ImportError:
            return
        argcomplete.autocomplete(parser)


def _check_names(options: argparse.Namespace) -> None:
    """A misspelt model or a missing folder is said before a backend is loaded, which takes seconds.

    What else a command can know by then its own `check` says.
    """
    given = getattr(options, getattr(options, "checked_names", ""), [])
    if isinstance(given, str):
        if not (Path(given).is_file() and given.endswith(".keras")):  # whose card is made from the model itself
            zoo.card(given)
        return
    for name in given:
        if not Path(name).exists():
            zoo.card(name)


def _nothing(options: argparse.Namespace) -> None:
    """The check of a command that has none."""


class _Parser(argparse.ArgumentParser):
    """A parser that says which word was meant and guesses none; the parsers of commands are of its class, too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.allow_abbrev = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As of `argparse`; an option that a command does not have is refused where its options are known."""
        found, rest = super().parse_known_args(args, namespace)
        unknown = next((word for word in rest if word.startswith("-")), None)
        if unknown is not None:
            word = unknown.partition("=")[0]
            self.error(f"unrecognized option: {word}.{did_you_mean(word, self._option_string_actions)}")
        return found, rest

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        known = [] if action.choices is None else list(map(str, action.choices))
        if known and value not in known:
            hint = did_you_mean(value, known)
            raise argparse.ArgumentError(action, f"invalid choice: {value!r}.{hint} Choose from {', '.join(known)}.")


def entry() -> None:
    """The console script: runs `main` and ends the process with its exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    code = main()
    if code in (INTERRUPTED, TERMINATED):
        sys.stdout.flush()
        os._exit(code)  # threads that still compile crash in the interpreter's orderly end
    sys.exit(code)


def _terminate(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second one ends the process at once
    raise Terminated


def make_parser() -> argparse.ArgumentParser:
    """The parser with all commands; the site's page of the command line prints its help texts."""
    parser = _Parser(
        prog="zoo",
        description="Trained Keras models from papers: list, inspect, use, check and train them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"zoo {zoo.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        command.register(commands)
    return parser


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    if issubclass(category, UserWarning) and not output.quiet.get():  # the others are for developers
        print(f"zoo: warning: {message}", file=sys.stderr)
