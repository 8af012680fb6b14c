"""Requests that TensorFlow Serving replays when it loads a version, so that no user meets a cold model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo.exporting.saved_model import SERVING_DEFAULT

FILE = "tf_serving_warmup_requests"
BATCHES = (1, 8, 32)


def write_warmup(name: str, inputs: dict[str, np.ndarray], path: Path, *, any_batch: bool = True) -> None:
    """Write one request for each of `BATCHES`, as a TFRecord of `PredictionLog`.

    Args:
        name: the served model's name.
        inputs: a valid batch by name.
        path: the new file.
        any_batch: whether the model takes batches of any size; else the one request is `inputs`.
    """
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    with tf.io.TFRecordWriter(str(path)) as writer:
        for batch in BATCHES if any_batch else [None]:
            log = prediction_log_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name = name
            request.model_spec.signature_name = SERVING_DEFAULT
            for key, value in inputs.items():
                repeated = value if batch is None else np.repeat(value[:1], batch, axis=0)
                request.inputs[key].CopyFrom(tf.make_tensor_proto(repeated))
            writer.write(log.SerializeToString())
