"""PDE-GCN against PyTorch Geometric's GCNConv and GCN2Conv of the same depth and width, in one run.

    python benchmarks/graphs.py [--backends tensorflow jax torch] [--depth 16] [--width 64] [--quick]
    python benchmarks/graphs.py --large [--backends tensorflow jax torch] [--quick]

Rows: milliseconds of a training step (forward, backward, Adam) and of inference on a random graph of Cora's size, with
the ratio to GCN2Conv. All networks have the same opening and closing matrix and 64 channels in between; PyTorch
Geometric runs eagerly with its normalised edges cached, zoo as it trains: through XLA on JAX, as a graph on TensorFlow,
eagerly on torch.
`pairs` is a list that has each edge beside its reverse, which allows the exact short cut; `edge dropout` needs the
products on the edges that the other rows do without.

`--large` runs inference on a graph of 1 M nodes and 10 M edges, and on one of half the edges, each in a process of its
own, and prints the peak of the resident memory above that of the loaded libraries.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

from turns import Worker, environment, in_turns, serve

NODES, PAIRS, FEATURES, CLASSES, LABELLED = 2708, 5278, 1433, 7, 140
PYG = "PyTorch Geometric"
VARIANTS: dict[str, dict] = {
    "PDE-GCN D, pairs": {},
    "PDE-GCN D, pairs promised": {"paired": True},
    "PDE-GCN M, pairs promised": {"paired": True, "kind": "mixed"},
    "PDE-GCN D, tanh, pairs promised": {"paired": True, "activation": "tanh"},
    "PDE-GCN D, any order": {"paired": False},
    "PDE-GCN D, one direction": {"paired": False},
    "PDE-GCN D, edge dropout": {"edge_dropout": 0.6},
    "GCN": {"kind": "gcn"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax", "torch"])
    parser.add_argument("--depth", type=int, default=16)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=7, help="rounds in which all take turns")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS), metavar="NAME")
    parser.add_argument("--large", action="store_true", help="memory of inference on 1 M nodes and 10 M edges")
    parser.add_argument("--quick", action="store_true", help="small graphs and one repetition, to see that it runs")
    parser.add_argument("--worker", choices=["zoo", "pyg", "large"], help=argparse.SUPPRESS)
    parser.add_argument("--edges", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.depth = 1, min(options.depth, 4)
    if options.worker:
        if options.worker == "large":
            print(json.dumps(measure_large(options)))
        else:
            serve({"zoo": zoo_steps, "pyg": pyg_steps}[options.worker](options))
    elif options.large:
        large(options)
    else:
        side_by_side(options)


def side_by_side(options: argparse.Namespace) -> None:
    workers = {}
    for who, backend, worker in [(PYG, "torch", "pyg"), *((f"zoo, {name}", name, "zoo") for name in options.backends)]:
        try:
            workers[who] = Worker(arguments(options, worker), environment(backend, options.threads))
        except RuntimeError as error:
            print(f"{who}: not measured: {error}")
    taken = in_turns(workers, options.repeats)
    for worker in workers.values():
        worker.end()
    print(f"\n{options.depth} layers, {options.width} channels; milliseconds, and the ratio to GCN2Conv")
    print(f"{'':48}{'train':>9}{'ratio':>7}{'infer':>9}{'ratio':>7}")
    for who, name in [key for key in taken if key[1].endswith("train")]:
        row = name.removesuffix(" train")
        cells = ""
        for step in ("train", "infer"):
            own, base = taken[who, f"{row} {step}"], taken.get((PYG, f"GCN2Conv {step}"), float("nan"))
            cells += f"{own:9.2f}{own / base:7.2f}"
        print(f"{who + ': ' + row:48}{cells}")


def large(options: argparse.Namespace) -> None:
    count = 100_000 if options.quick else 10_000_000
    print(f"{'':14}{'edges':>12}{'seconds':>9}{'peak GiB':>10}{'bytes an edge':>15}")
    for backend in options.backends:
        for edges in (count // 2, count):
            found = start(options, backend, "large", "--edges", str(edges))
            if found:
                seconds, peak = found
                print(f"{backend:14}{edges:12,}{seconds:9.2f}{peak / 2**30:10.2f}{peak / edges:15.0f}")


def start(options: argparse.Namespace, backend: str, worker: str, *more: str) -> list | None:
    """The result of a worker in a process of its own; None and a line on the screen if it failed."""
    command = [sys.executable, *arguments(options, worker, *more)]
    variables = os.environ | environment(backend, options.threads)
    result = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if result.returncode:
        print(f"{backend}, {worker}: not measured: {(result.stderr.strip().splitlines() or ['?'])[-1]}")
        return None
    return json.loads(result.stdout.splitlines()[-1])


def arguments(options: argparse.Namespace, worker: str, *more: str) -> list[str]:
    words = [__file__, "--worker", worker, "--depth", str(options.depth), "--width", str(options.width)]
    words += ["--variants", *options.variants, "--threads", str(options.threads)]
    return [*words, *(["--quick"] if options.quick else []), *more]


def citation_graph() -> tuple:
    """Features, edges in pairs, labels and mask of a random graph of Cora's size."""
    import numpy as np

    from zoo.math import to_undirected

    rng = np.random.default_rng(0)
    x = (rng.random((NODES, FEATURES)) < 0.0127).astype("float32")
    x /= np.maximum(x.sum(axis=1, keepdims=True), 1)
    edges = to_undirected(rng.integers(0, NODES, (PAIRS, 2)))
    mask = (np.arange(NODES) < LABELLED).astype("float32")
    return x, edges, rng.integers(0, CLASSES, NODES), mask


def zoo_steps(options: argparse.Namespace) -> dict[str, Callable[[], None]]:
    """A training step and an inference of each variant, by name."""
    import keras
    import numpy as np

    from zoo.models.pdegcn import PDEGCNConfig, build

    x, pairs, labels, mask = citation_graph()
    one_way = pairs[::2].copy()
    steps = {}
    for name in options.variants:
        edges, changes = (one_way if "one direction" in name else pairs), VARIANTS[name]
        config = PDEGCNConfig(**{"depth": options.depth, "width": options.width, "step_size": 1.0} | changes)
        model = build(config)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(0.01), loss, jit_compile=keras.backend.backend() == "jax")
        inputs = {"x": x[None], "edges": edges[None]}

        def train(model=model, inputs=inputs) -> None:
            float(model.train_on_batch(inputs, labels[None], sample_weight=mask[None]))

        def infer(model=model, inputs=inputs) -> None:
            np.asarray(model.predict_on_batch(inputs))

        steps |= {f"{name} train": train, f"{name} infer": infer}
    return steps


def pyg_steps(options: argparse.Namespace) -> dict[str, Callable[[], None]]:
    """The same of PyTorch Geometric's networks."""
    import torch
    from torch_geometric.nn import GCN2Conv, GCNConv

    x, edges, labels, mask = citation_graph()
    x, labels, chosen = torch.tensor(x), torch.tensor(labels), torch.tensor(mask) > 0
    edge_index = torch.tensor(edges.T.copy()).long()

    class Network(torch.nn.Module):
        def __init__(self, residual: bool) -> None:
            super().__init__()
            self.open = torch.nn.Linear(FEATURES, options.width, bias=False)
            layers = [
                GCN2Conv(options.width, 0.1, 0.5, index + 1, cached=True)
                if residual
                else GCNConv(options.width, options.width, cached=True)
                for index in range(options.depth)
            ]
            self.layers, self.residual = torch.nn.ModuleList(layers), residual
            self.close = torch.nn.Linear(options.width, CLASSES, bias=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            drop = torch.nn.functional.dropout
            first = x = self.open(drop(x, 0.6, self.training)).relu()
            for layer in self.layers:
                x = (layer(x, first, edge_index) if self.residual else layer(x, edge_index)).relu()
            return self.close(drop(x, 0.6, self.training))

    steps = {}
    for name, residual in (("GCNConv", False), ("GCN2Conv", True)):
        network = Network(residual)
        optimizer = torch.optim.Adam(network.parameters(), 0.01)

        def train(network=network, optimizer=optimizer) -> None:
            network.train()
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(network(x)[chosen], labels[chosen])
            loss.backward()
            optimizer.step()
            loss.item()

        def infer(network=network) -> None:
            network.eval()
            with torch.no_grad():
                network(x).numpy()

        steps |= {f"{name} train": train, f"{name} infer": infer}
    return steps


def measure_large(options: argparse.Namespace) -> list[float]:
    """Seconds of the second inference, and bytes of the peak above what the libraries and the input need."""
    import numpy as np

    from zoo.models.pdegcn import PDEGCNConfig, build

    rng, nodes = np.random.default_rng(0), 10_000 if options.quick else 1_000_000
    pairs = rng.integers(0, nodes, (options.edges // 2, 2), dtype="int32")
    edges = np.stack([pairs, pairs[:, ::-1]], axis=1).reshape(1, -1, 2)
    x = rng.random((1, nodes, 16), "float32")
    model = build(PDEGCNConfig(input_shape=(None, 16), depth=4, width=options.width, step_size=1.0))
    model.predict_on_batch({"x": x[:, :100], "edges": edges[:, :0]})  # the libraries are loaded now
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model.predict_on_batch({"x": x, "edges": edges})
    started = time.perf_counter()
    np.asarray(model.predict_on_batch({"x": x, "edges": edges}))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return [time.perf_counter() - started, peak * 1024.0]


if __name__ == "__main__":
    main()
