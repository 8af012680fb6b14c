"""One batch through a model on each engine, for the scripts beside this file that time it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ENGINES = ("onnxruntime", "tensorflow", "jax")


def runner(model: Any, engine: str, inputs: Any, threads: int) -> Callable[[], Any]:
    """A function that runs one batch of raw inputs, an array or arrays by name, and waits for the answer; run once.

    JAX runs compiled by XLA, TensorFlow where zoo's models do (`zoo.hub.suits_xla`), ONNX Runtime a file that Keras
    writes. How many threads TensorFlow and JAX take is set in the process before they start (`environment`).
    """
    run = {"onnxruntime": _onnxruntime, "tensorflow": _tensorflow, "jax": _jax}[engine](model, inputs, threads)
    run()
    return run


def environment(engine: str, threads: int) -> dict[str, str]:
    """Environment of a process that measures one engine."""
    return {
        "KERAS_BACKEND": "jax" if engine == "jax" else "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
        "OMP_NUM_THREADS": str(threads),
        "NPROC": str(threads),
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": "1",
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}",
    }


def _tensorflow(model: Any, x: Any, threads: int) -> Callable[[], Any]:
    import tensorflow as tf

    from zoo.hub import suits_xla

    step = tf.function(lambda x: model(x, training=False), jit_compile=suits_xla(model))
    inputs = tf.nest.map_structure(tf.constant, x)
    return lambda: step(inputs).numpy()


def _jax(model: Any, x: Any, threads: int) -> Callable[[], Any]:
    import jax

    weights = [variable.value for variable in model.trainable_variables]
    state = [variable.value for variable in model.non_trainable_variables]
    step = jax.jit(lambda x: model.stateless_call(weights, state, x, training=False)[0])
    inputs = jax.tree.map(jax.numpy.asarray, x)
    return lambda: step(inputs).block_until_ready()


def _onnxruntime(model: Any, x: Any, threads: int) -> Callable[[], Any]:
    import onnxruntime

    model(x)  # Keras exports only what was called
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        model.export(file, format="onnx", verbose=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]
    feed = {name: x[name] for name in names} if isinstance(x, dict) else {names[0]: x}
    return lambda: session.run(None, feed)
