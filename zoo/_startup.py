"""What must happen before Keras loads its backend when zoo runs as a command.

TensorFlow's native code writes several lines to the terminal while it is being imported, before it looks at
`TF_CPP_MIN_LOG_LEVEL`. In a command they are noise; in somebody's program they are not ours to hide. So this module
does nothing unless the process is `zoo ...` or `python -m zoo ...`, or the user has already set that variable to 3.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BACKENDS = ("tensorflow", "jax", "torch")


def is_command(arguments: list[str]) -> bool:
    """Whether a process with these arguments, interpreter included, is the command `zoo`."""
    program = Path(arguments[1]).stem if len(arguments) > 1 else ""
    return program == "zoo" or arguments[1:3] == ["-m", "zoo"]


@contextmanager
def native_messages_hidden() -> Iterator[None]:
    """Keeps what native code writes to the standard error stream away, but for the case of an error."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as messages:
        os.dup2(messages.fileno(), 2)
        try:
            yield
        except BaseException:
            messages.seek(0)
            os.write(kept, messages.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def check_backend(name: str) -> None:
    """Ends a command that was told a backend which there is not, or which is not installed; Keras shows a traceback."""
    if name not in _BACKENDS:
        print(f"zoo: error: KERAS_BACKEND is {name!r}; expected {', '.join(_BACKENDS)}", file=sys.stderr)
        sys.exit(2)
    if importlib.util.find_spec(name) is None:
        package = "tensorflow" if name == "tensorflow" else f'"zoo[{name}]"'
        print(
            f"zoo: error: KERAS_BACKEND is {name!r}, and {name} is not installed: pip install {package}",
            file=sys.stderr,
        )
        sys.exit(2)


if is_command(sys.orig_argv):
    if "KERAS_BACKEND" in os.environ:
        check_backend(os.environ["KERAS_BACKEND"])
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "3":
    with native_messages_hidden():
        import keras  # noqa: F401
