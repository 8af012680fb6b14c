"""Somebody else's weights in a network of zoo: every tensor used once, and the answers compared.

    python examples/convert_checkpoint.py [FILE --model NAME] [--smoke]

Without a file one is made: a network's tensors under the names of torchvision's layout, with random weights, for
nothing is downloaded here. With a file from torchvision, `resnet34-*.pth`, it is the same call. The file is read
without running anything that is in it. On the command line: `zoo convert NAME FILE --out FOLDER`.
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
from safetensors.numpy import save_file


def made_up_resnet34(path: Path) -> Path:
    """A file with the names and shapes of torchvision's ResNet-34."""
    rng = np.random.default_rng(0)
    tensors: dict[str, np.ndarray] = {}

    def conv(name: str, out: int, into: int, side: int) -> None:
        tensors[f"{name}.weight"] = rng.normal(0, (2 / (into * side * side)) ** 0.5, (out, into, side, side))

    def norm(name: str, width: int) -> None:
        tensors[f"{name}.weight"], tensors[f"{name}.running_var"] = np.ones(width), np.ones(width)
        tensors[f"{name}.bias"], tensors[f"{name}.running_mean"] = np.zeros(width), np.zeros(width)

    conv("conv1", 64, 3, 7)
    norm("bn1", 64)
    into = 64
    for stage, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), start=1):
        for block in range(blocks):
            name = f"layer{stage}.{block}"
            conv(f"{name}.conv1", width, into, 3)
            norm(f"{name}.bn1", width)
            conv(f"{name}.conv2", width, width, 3)
            norm(f"{name}.bn2", width)
            if into != width:
                conv(f"{name}.downsample.0", width, into, 1)
                norm(f"{name}.downsample.1", width)
            into = width
    tensors["fc.weight"], tensors["fc.bias"] = rng.normal(0, 0.02, (1000, 512)), np.zeros(1000)
    save_file({name: np.ascontiguousarray(value, "float32") for name, value in tensors.items()}, path)
    return path


def main(arguments: list[str] | None = None) -> None:
    """Converts, and says what was done."""
    parser = argparse.ArgumentParser(description="Read somebody else's weights.")
    parser.add_argument("file", nargs="?", type=Path, help="such as resnet34-b627a593.pth (default: a made-up one)")
    parser.add_argument("--model", default="resnet34_imagenet", help="registered model (default: %(default)s)")
    parser.add_argument("--smoke", action="store_true", help="the made-up file, which is the default")
    options = parser.parse_args(arguments)
    if options.smoke:
        print("smoke run: it shows that this works, and its numbers mean nothing", file=sys.stderr)
    with tempfile.TemporaryDirectory() as scratch:
        file = options.file or made_up_resnet34(Path(scratch) / "resnet34.safetensors")
        made = zoo.convert(file, options.model, out=Path(scratch) / "converted", license="unknown")
        print(made)
        again = zoo.load(Path(scratch) / "converted", compile=False)
        print(f"{made.name}: {len(again.weights)} variables filled")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:  # such as a path that is not there
        sys.exit(f"{Path(__file__).name}: {error}")
