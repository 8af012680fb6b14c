"""Ask TensorFlow Serving or `zoo serve` about an image file, over REST and gRPC.

python client.py digit.png                    # REST needs nothing but Python
python client.py digit.png --grpc localhost:8500    # gRPC: pip install tensorflow-serving-api
"""

from __future__ import annotations

import argparse
import base64
import json
import urllib.error
import urllib.request
from pathlib import Path


def ask_rest(server: str, model: str, image: bytes) -> list[float]:
    """The probabilities of the classes; `server` is an address such as http://localhost:8501."""
    row = {"image_bytes": {"b64": base64.b64encode(image).decode()}}
    body = json.dumps({"signature_name": "serving_bytes", "instances": [row]}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{server}/v1/models/{model}:predict", data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["predictions"][0]["probabilities"]


def ask_grpc(server: str, model: str, image: bytes) -> list[float]:
    """The same over gRPC; `server` is a host and port such as localhost:8500."""
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = model, "serving_bytes"
    request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto([image]))
    with grpc.insecure_channel(server) as channel:
        answer = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=10)
    return tf.make_ndarray(answer.outputs["probabilities"])[0].tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path)
    parser.add_argument("--model", default="e4net_mnistrot")
    parser.add_argument("--rest", default="http://localhost:8501", metavar="URL")
    parser.add_argument("--grpc", metavar="HOST:PORT", help="ask over gRPC instead")
    options = parser.parse_args()
    ask, server = (ask_grpc, options.grpc) if options.grpc else (ask_rest, options.rest)
    try:
        probabilities = ask(server, options.model, options.image.read_bytes())
    except urllib.error.HTTPError as error:
        raise SystemExit(f"the server says: {json.load(error)['error']}") from None
    best = max(range(len(probabilities)), key=probabilities.__getitem__)
    print(f"class {best}, probability {probabilities[best]:.4f}")


if __name__ == "__main__":
    main()
