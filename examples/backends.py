"""One weights file, three backends, the same answers: TensorFlow, JAX and torch, as far as they are installed.

    python examples/backends.py [--smoke]

Keras decides for a backend once in a process, so each has a process of its own.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys

BACKENDS = ("tensorflow", "jax", "torch")

SCRIPT = """
import json, sys
import numpy as np
import zoo
images = np.random.default_rng(0).integers(0, 256, (4, 28, 28, 1), "uint8")
json.dump(zoo.load("e4net_mnistrot", compile=False).predict(images, verbose=0).tolist(), sys.stdout)
"""


def logits_on(backend: str) -> list[list[float]]:
    """The logits of four made-up images."""
    settings = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=settings, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main(arguments: list[str] | None = None) -> None:
    """Prints the largest difference from the first backend."""
    parser = argparse.ArgumentParser(description="Compare the backends.")
    parser.add_argument("--smoke", action="store_true", help="TensorFlow alone")
    options = parser.parse_args(arguments)
    if options.smoke:
        print("smoke run: it shows that this works, and its numbers mean nothing", file=sys.stderr)
    there = [name for name in BACKENDS if importlib.util.find_spec(name)][: 1 if options.smoke else None]
    first = logits_on(there[0])
    print(f"{there[0]}: {', '.join(f'{value:.4f}' for value in first[0][:5])}, ...")
    for name in there[1:]:
        pairs = zip(sum(first, []), sum(logits_on(name), []), strict=True)
        print(f"{name}: differs by {max(abs(a - b) for a, b in pairs):.1g} at most")


if __name__ == "__main__":
    main()
