"""What a backend does many times faster under its own names than under those of `keras.ops`: sums over runs, masks.

Nothing here changes what is computed. Where the quick form does not exist, as in XLA or in a file for other programs,
`sums_runs` is False and the callers stay with `keras.ops`.
"""

from __future__ import annotations

from typing import Any

import keras

STEPS = 2**16
"""Random numbers of `random_mask` have 16 bits: rates are rounded to so many steps."""


def sums_runs(values: Any) -> bool:
    """Whether rows that lie in runs are best added up run by run, so that sorting them once pays.

    So it is on TensorFlow outside of XLA, which has no such sum, and on torch where it runs eagerly.
    """
    name = keras.backend.backend()
    return (name == "tensorflow" and not _in_xla()) or (name == "torch" and _is_eager(values))


def _in_xla() -> bool:
    import tensorflow as tf

    if tf.executing_eagerly():
        return False
    try:
        from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext
    except ImportError:  # a name that TensorFlow keeps for itself; without it the form that all compilers know
        return True
    return bool(GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()))


def _is_eager(tensor: Any) -> bool:
    """Whether a torch tensor holds numbers: not in a compiler, an exporter or while shapes are inferred."""
    import torch

    plain = type(tensor) in (torch.Tensor, torch.nn.Parameter) and not tensor.is_meta
    return plain and not (torch.compiler.is_compiling() or torch.jit.is_tracing())


def add_runs(rows: Any, index: Any, runs: Any) -> Any:
    """The sum of each run of rows, (runs, C), where `sums_runs`.

    Args:
        rows: (R, C), float32 or float64.
        index: which rows, in order, (E,); None for all.
        runs: on TensorFlow the number of the run of each row, ascending, in which the last run has a row; on torch
            where each run begins.
    """
    if keras.backend.backend() == "torch":
        import torch

        index = torch.arange(rows.shape[0], device=rows.device) if index is None else index
        return torch.nn.functional.embedding_bag(index, rows, runs, mode="sum")
    import tensorflow as tf

    return tf.math.segment_sum(rows if index is None else tf.gather(rows, index), runs)


def starts(index: Any, count: int) -> Any:
    """Where the run of each of `count` numbers begins in a sorted index, on torch."""
    lengths = index.bincount(minlength=count)
    return lengths.cumsum(0) - lengths


def random_mask(like: Any, keep: float, seed: keras.random.SeedGenerator) -> Any:
    """Ones and zeros of a matrix's shape and dtype, (E, C), each 1 with a probability of `keep`, in steps of 2**-16.

    One draw of a generator gives several numbers, which takes a half to a tenth of the time of a float for each.
    """
    bits = {"tensorflow": _bits_tensorflow, "jax": _bits_jax, "torch": _bits_torch}[keras.backend.backend()]
    channels = like.shape[-1]
    drawn = bits(like, channels, seed)  # from -32768 to 32767
    limit = min(round(keep * STEPS), STEPS - 1) - STEPS // 2
    return keras.ops.cast(drawn[:, :channels] < limit, like.dtype)


def _bits_tensorflow(like: Any, channels: int, seed: Any) -> Any:
    import tensorflow as tf

    shape = (tf.shape(like)[0], (channels + 1) // 2)
    key = tf.bitcast(tf.cast(seed.next(), tf.uint32), tf.int32)
    drawn = tf.random.stateless_uniform(shape, key, minval=None, maxval=None, dtype=tf.int32)
    return tf.reshape(tf.bitcast(drawn, tf.int16), (shape[0], 2 * shape[1]))


def _bits_jax(like: Any, channels: int, seed: Any) -> Any:
    import jax
    from jax.extend.random import threefry_2x32

    shape = (like.shape[0], (channels + 1) // 2)
    count = jax.lax.iota("uint32", shape[0] * shape[1])
    drawn = threefry_2x32(seed.next().astype("uint32"), count)
    return jax.lax.bitcast_convert_type(drawn, "int16").reshape(shape[0], 2 * shape[1])


def _bits_torch(like: Any, channels: int, seed: Any) -> Any:
    import torch

    shape = (like.shape[0], (channels + 3) // 4)
    generator = None
    if not like.is_meta:
        generator = torch.Generator(like.device).manual_seed(int(seed.next().sum()))  # as Keras seeds its own
    drawn = torch.empty(shape, dtype=torch.int64, device=like.device)
    return drawn.random_(-(2**63), None, generator=generator).view(torch.int16)
