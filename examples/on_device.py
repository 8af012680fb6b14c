"""A model for phones (LiteRT) and browsers (ONNX): written, compared with Keras, and run by the small runtime.

    python examples/on_device.py [--model NAME] [--format litert] [--quantize float16] [--smoke]

`litert` needs `zoo[litert]`, `onnx` needs `zoo[onnx]`. In a browser an ONNX file runs with onnxruntime-web:

    const session = await ort.InferenceSession.create("model.onnx");
    const answer = await session.run({[session.inputNames[0]]: new ort.Tensor("float32", pixels, [1, 28, 28, 1])});
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import zoo

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # with zoo above: TensorFlow's start-up lines stay off the terminal

import numpy as np


def answer(file: Path, pixels: np.ndarray) -> np.ndarray:
    """What the runtime of the file's kind makes of one image."""
    if file.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(os.fspath(file), providers=["CPUExecutionProvider"])
        return session.run(None, {session.get_inputs()[0].name: pixels})[0]
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(os.fspath(file))
    given = interpreter.get_input_details()[0]
    interpreter.resize_tensor_input(given["index"], pixels.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], pixels.astype(given["dtype"]))
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def main(arguments: list[str] | None = None) -> None:
    """Writes the file and asks it."""
    parser = argparse.ArgumentParser(description="Export for phones and browsers.")
    parser.add_argument("--model", default="e4net_mnistrot", help="(default: %(default)s)")
    parser.add_argument("--format", choices=("litert", "onnx"), default="onnx", help="(default: %(default)s)")
    parser.add_argument("--quantize", choices=("float16",), help="of LiteRT files: weights of 16 bits")
    parser.add_argument("--out", type=Path, help="folder (default: a temporary one)")
    parser.add_argument("--smoke", action="store_true", help="what is written by default, an ONNX file")
    options = parser.parse_args(arguments)
    if options.smoke:
        print("smoke run: it shows that this works, and its numbers mean nothing", file=sys.stderr)
    model = zoo.load(options.model, compile=False)
    image = np.random.default_rng(0).integers(0, 256, (1, *model.input_shape[1:]), "uint8")
    with tempfile.TemporaryDirectory() as scratch:
        made = zoo.export(model, options.out or scratch, format=options.format, quantize=options.quantize)
        file = next(path for path in sorted(made.rglob("*")) if path.suffix in (".onnx", ".tflite"))
        difference = np.abs(answer(file, image.astype("float32")) - model.predict(image, verbose=0)).max()
        print(f"{file.name}: {file.stat().st_size:,} bytes; logits differ from Keras by {difference:.1g} at most")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:  # such as a path that is not there
        sys.exit(f"{Path(__file__).name}: {error}")
