"""What the cards say of a data set."""

from __future__ import annotations

FACTS = {
    "mnist_rot": {
        "license": "CC BY-SA 3.0; derived from MNIST, Y. LeCun and C. Cortes",
        "note": "MNIST-rot (regenerated): made anew from MNIST by the recipe of zoo.datasets.mnist_rot.regenerate, "
        "not the files of 2007. 10,000 images to train, 2,000 to choose, 50,000 to test.",
    },
}
"""Licence and note of every data set, by name."""
