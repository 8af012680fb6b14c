"""Requests that TensorFlow Serving replays when it loads a version, so that no user meets a cold model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo.export.saved_model import SERVING_DEFAULT

FILE = "tf_serving_warmup_requests"
BATCHES = (1, 8, 32)


def write_warmup(name: str, example: dict[str, np.ndarray], path: Path) -> None:
    """Write one request for each of `BATCHES`, as a TFRecord of `PredictionLog`.

    Args:
        name: the served model's name.
        example: one valid input (leading axis 1) by name.
        path: the new file.
    """
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    with tf.io.TFRecordWriter(str(path)) as writer:
        for batch in BATCHES:
            log = prediction_log_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name = name
            request.model_spec.signature_name = SERVING_DEFAULT
            for key, value in example.items():
                request.inputs[key].CopyFrom(tf.make_tensor_proto(np.repeat(value, batch, axis=0)))
            writer.write(log.SerializeToString())
