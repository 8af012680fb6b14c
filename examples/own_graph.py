"""A graph of your own: nodes with features, edges, and classes for some of the nodes.

    python examples/own_graph.py [--epochs 60] [--smoke]

A made-up graph of two groups, whose features alone say little: the edges do. Three networks learn from thirty of its
nodes. On a graph as small as this two plain graph convolutions are enough: take these. More of them make all nodes the
same, while a diffusion (PDE-GCN) may be deep: take it where classes show only far away, or where nobody knows how far.
The same with a file on the command line: `zoo finetune pdegcn_cora graph.npz --out runs/graph`.
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


def two_groups(nodes: int = 300) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """A graph whose edges mostly stay within a group, and the group of each node."""
    rng = np.random.default_rng(0)
    groups = np.arange(nodes) % 2
    pairs = rng.integers(0, nodes, (12 * nodes, 2))
    same = groups[pairs[:, 0]] == groups[pairs[:, 1]]
    kept = pairs[(pairs[:, 0] != pairs[:, 1]) & (same | (rng.random(len(pairs)) < 0.1))][: 3 * nodes]
    x = (rng.normal(size=(nodes, 8)) + 0.5 * groups[:, None]).astype("float32")
    return {"x": x, "edges": np.asarray(to_undirected(kept), "int32")}, groups


def main(arguments: list[str] | None = None) -> None:
    """Trains on thirty nodes, measures on all others."""
    parser = argparse.ArgumentParser(description="Classify the nodes of a graph.")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--smoke", action="store_true", help="two epochs")
    options = parser.parse_args(arguments)
    if options.smoke:
        print("smoke run: it shows that this works, and its numbers mean nothing", file=sys.stderr)
    graph, groups = two_groups()
    batch = {name: values[None] for name, values in graph.items()}  # one large graph is a batch of one
    known = np.zeros(len(groups), "float32")
    known[:30] = 1.0
    found: dict[str, float] = {}
    for kind, depth in (("gcn", 2), ("gcn", 16), ("diffusive", 16)):
        keras.utils.set_random_seed(0)
        model = zoo.build("pdegcn_cora", input_shape=(None, 8), num_classes=2, kind=kind, depth=depth, step_size=0.15)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        optimizer = keras.optimizers.AdamW(0.01, weight_decay=0.01)
        model.compile(optimizer, loss, jit_compile=zoo.hub.suits_xla(model))
        epochs = 2 if options.smoke else options.epochs
        model.fit(batch, groups[None], sample_weight=known[None], epochs=epochs, batch_size=1, verbose=0)
        answers = np.array([row[0].index for row in zoo.predict(model, graph, top=1)])
        right = (answers == groups)[known == 0]
        found[f"{kind}, {depth} layers"] = right.mean()
        print(f"{kind}, {depth} layers: {right.mean():.1%} of the {right.size} other nodes right")
    deep = max((name for name in found if "16" in name), key=found.__getitem__)
    print(f"best here: {max(found, key=found.__getitem__)}; of the deep ones: {deep}")


if __name__ == "__main__":
    main()
