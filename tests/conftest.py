"""Settings of every test run: one backend, nobody's home folder, no network."""

from __future__ import annotations

import gc
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Before Keras is imported for the first time.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")  # bounds and expected choices are those of CPUs
_SCRATCH = tempfile.TemporaryDirectory(prefix="zoo-tests-", ignore_cleanup_errors=True)
# What one process has compiled the others read (the first to import this file hands its folder down).
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", os.path.join(_SCRATCH.name, "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
if os.environ["KERAS_BACKEND"] == "jax":
    # Programs here run once or twice: to draw the random numbers of one weight took seconds to compile, now a fifth of
    # one. Not on TensorFlow, where a training at this level gave NaN.
    os.environ["XLA_FLAGS"] = f"--xla_backend_optimization_level=0 {os.environ.get('XLA_FLAGS', '')}".strip()
os.environ["KERAS_HOME"] = os.path.join(_SCRATCH.name, "keras")
os.environ["ZOO_CACHE"] = os.path.join(_SCRATCH.name, "cache")

if os.environ["KERAS_BACKEND"] == "torch":
    import torch  # noqa: F401  (before TensorFlow: the other order has crashed in Keras's own tests)

import keras  # noqa: E402
import pytest  # noqa: E402

if os.environ["KERAS_BACKEND"] == "jax":
    from tests.jax_draws import draw_by_numpy

    draw_by_numpy()

# Tracing makes objects by the hundred thousand, all of which Python would look through again and again.
gc.set_threshold(100_000, 50, 100)
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The top folder of the checkout."""
    return ROOT


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Every test starts from the same random state, whatever ran before it."""
    keras.utils.set_random_seed(1234)


@pytest.fixture(autouse=True, scope="module")
def forgetful() -> Iterator[None]:
    """Models, and what JAX compiled, are dropped after the tests of a file: they would add up to many gigabytes."""
    yield
    if os.environ["KERAS_BACKEND"] == "jax":
        import jax

        jax.clear_caches()
    gc.collect()


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for the network fails at once instead of passing on some machines."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"A test tried to reach {address[0]}; tests use loopback only.")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)
