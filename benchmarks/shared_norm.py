"""Why the generator's norm is shared over the group: equivariance with free and with shared scales and offsets.

    python benchmarks/shared_norm.py

Prints the largest relative change under the quarter turns (`zoo.evaluation.equivariance_error`) of an E4 layer and of
a network of seven layers, once with the one scale and offset a field that zoo uses, and once with one a field and
element, as in the authors' code, at values such as training gives: scales uniform in 0.75 to 1.25, offsets normal with
deviation 0.2.
"""

from __future__ import annotations

import keras
import numpy as np

from zoo import build
from zoo.evaluation import equivariance_error
from zoo.layers import E4Conv2D


def free_norm(layer: E4Conv2D, rng: np.random.Generator) -> None:
    """Gives one layer a random scale and offset for every field and element."""
    shape = (layer.width, layer.group.order)
    scale = rng.uniform(0.75, 1.25, shape).astype("float32").T[..., None]
    offset = (0.2 * rng.normal(size=shape)).astype("float32").T[..., None]
    standard = layer._normalize  # gives (B, n, Cr, positions)
    to_tensor = keras.ops.convert_to_tensor
    layer._normalize = lambda *maps: standard(*maps) * to_tensor(scale) + to_tensor(offset)


def main() -> None:
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(2, 14, 14, 64)).astype("float32")
    images = rng.uniform(0, 255, size=(2, 28, 28, 1)).astype("float32")
    layer, network = E4Conv2D(16, 5, slices=2), build("e4net_mnistrot")
    layer(maps)
    print(f"{'':10}{'shared':>12}{'free':>12}")
    for name, model, x, kind in (("layer", layer, maps, "fields"), ("network", network, images, "image")):
        shared = equivariance_error(model, x, inputs=kind).max()
        parts = [model] if name == "layer" else [part for part in model.layers if isinstance(part, E4Conv2D)]
        for part in parts:
            free_norm(part, rng)
        print(f"{name:10}{shared:12.1e}{equivariance_error(model, x, inputs=kind).max():12.1e}")


if __name__ == "__main__":
    main()
