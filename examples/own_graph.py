"""A graph of your own: nodes with features, edges, and classes for some of the nodes.

    python examples/own_graph.py [--epochs 100] [--smoke]

A made-up graph of two groups, whose features alone say little: the edges do. The same with a file on the command line:
`zoo finetune pdegcn_cora graph.npz --out runs/graph`.
"""

from __future__ import annotations

import argparse
import os
import sys

import zoo

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # with zoo above: TensorFlow's start-up lines stay off the terminal

import keras
import numpy as np

from zoo.math import to_undirected


def two_groups(nodes: int = 200) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """A graph whose edges mostly stay within a group, and the group of each node."""
    rng = np.random.default_rng(0)
    groups = np.arange(nodes) % 2
    pairs = rng.integers(0, nodes, (12 * nodes, 2))
    same = groups[pairs[:, 0]] == groups[pairs[:, 1]]
    kept = pairs[(pairs[:, 0] != pairs[:, 1]) & (same | (rng.random(len(pairs)) < 0.15))][: 4 * nodes]
    x = rng.normal(size=(nodes, 8)).astype("float32")
    x[:, 0] += 0.6 * groups
    return {"x": x, "edges": np.asarray(to_undirected(kept), "int32")}, groups


def main(arguments: list[str] | None = None) -> None:
    """Trains on twenty nodes, measures on all others."""
    parser = argparse.ArgumentParser(description="Classify the nodes of a graph.")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--smoke", action="store_true", help="two epochs")
    options = parser.parse_args(arguments)
    if options.smoke:
        print("smoke run: it shows that this works, and its numbers mean nothing", file=sys.stderr)
    keras.utils.set_random_seed(0)
    graph, groups = two_groups()
    model = zoo.build("pdegcn_cora", input_shape=(None, 8), num_classes=2, depth=4)
    known = np.zeros(len(groups), "float32")
    known[:20] = 1.0

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, jit_compile=zoo.hub.suits_xla(model))
    batch = {name: values[None] for name, values in graph.items()}  # one large graph is a batch of one
    epochs = 2 if options.smoke else options.epochs
    model.fit(batch, groups[None], sample_weight=known[None], epochs=epochs, batch_size=1, verbose=0)

    answers = np.array([row[0].index for row in zoo.predict(model, graph, top=1)])
    others = known == 0
    print(f"{(answers == groups)[others].mean():.1%} of the {others.sum()} other nodes right")


if __name__ == "__main__":
    main()
