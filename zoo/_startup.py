"""What happens when zoo is imported, and when one of its names first needs Keras.

Two things. TensorFlow's native code writes several lines to the terminal while it is being imported, before it looks
at `TF_CPP_MIN_LOG_LEVEL`: in a command they are noise; in somebody's program they are not ours to hide. So they are
hidden only where the process is `zoo ...` or `python -m zoo ...`, or the user has set that variable to 3; in a program
zoo has to be imported before Keras for it. And Keras reads a `.keras` file only when the classes in it have been
registered, which their import does.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

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


_WITHOUT_BACKEND = {
    *("card", "list_models"),
    *("register_augmentation", "register_dataset", "register_family", "register_preset"),
    *(
        "batch",
        "compression",
        "datasets",
        "evaluation",
        "exporting",
        "hub",
        "math",
        "models",
        "serving",
        "training",
        "visual",
    ),
}
"""Public names that are there before Keras is: each loads it when something of it needs it."""

_REGISTERED = ("zoo.layers", "zoo.losses", "zoo.optimizers", "zoo.hub.model")
"""Modules whose import registers classes with Keras."""


def prepare_backend(name: str) -> None:
    """Before a public name is imported: Keras with its backend, if the name needs it, and nothing of it shown."""
    private = name.startswith("_")  # modules such as `_plugins`, which import what they need
    if private or name in _WITHOUT_BACKEND or "keras" in sys.modules or os.environ.get("TF_CPP_MIN_LOG_LEVEL") != "3":
        return
    import keras  # noqa: F401


def register_classes() -> None:
    """Registers zoo's classes with Keras if it is there, so that `keras.models.load_model` knows them."""
    if "keras" in sys.modules:
        for module in _REGISTERED:
            importlib.import_module(module)


class _WhenKerasComes:
    """Registers the classes when Keras comes after zoo; but where a module of zoo imports it, its public name does.

    Where `TF_CPP_MIN_LOG_LEVEL` is 3, what its backend writes to the terminal on the way is hidden.

    `wrapt.when_imported` does the same, and its import takes as long as half of `zoo --version`.
    """

    @classmethod
    def find_spec(cls, name: str, path: object, target: object = None) -> ModuleSpec | None:
        """Keras as the other finders find it, and after its import zoo's classes."""
        if name != "keras":
            return None
        others = (finder for finder in sys.meta_path if finder is not cls)
        spec = next(filter(None, (finder.find_spec(name, None, None) for finder in others)), None)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = functools.partial(cls._import, spec.loader.exec_module)  # type: ignore[method-assign]
        return spec

    @staticmethod
    def _import(run: Callable[[ModuleType], None], keras: ModuleType) -> None:
        hidden = os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "3"
        with native_messages_hidden() if hidden else contextlib.nullcontext():
            run(keras)
        modules = [module for name, module in list(sys.modules.items()) if name.split(".")[0] == "zoo"]
        if not any(getattr(module.__spec__, "_initializing", False) for module in modules):
            register_classes()


if "keras" not in sys.modules:
    sys.meta_path.insert(0, _WhenKerasComes)


def keep_compiled_programs() -> None:
    """Has JAX keep what it compiles in the user's cache folder, up to a gigabyte, unless its variables say otherwise.

    For commands only: in somebody's program the setting would be about all that the program compiles. A kept program
    is the compiled one, bit for bit. Each kind of processor has a folder of its own, for machines that share a home.
    """
    import hashlib

    from zoo._paths import user_cache

    processor = platform.processor() or platform.machine()
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
        processor = next((line for line in lines if line.startswith(("flags", "Features"))), processor)
    kind = hashlib.sha256(processor.encode()).hexdigest()[:8]
    folder = user_cache() / "jax" / kind
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
    os.environ.setdefault("JAX_COMPILATION_CACHE_MAX_SIZE", str(2**30))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.5")


if is_command(sys.orig_argv):
    # Until the command has a handler of its own: as a container's first process it would ignore the signal.
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    if "KERAS_BACKEND" in os.environ:
        check_backend(os.environ["KERAS_BACKEND"])
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if os.environ.get("KERAS_BACKEND") not in ("tensorflow", "torch"):
        keep_compiled_programs()
