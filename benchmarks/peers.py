"""Ours against what one would take instead, side by side: `results/performance.csv`, docs/performance.md.

    python benchmarks/peers.py [--subjects NAME ...] [--processes NAME ...] [--rounds 5] [--threads 1] [--out FILE]
                               [--quick]

Each backend runs in a process of its own, and all functions take turns (`turns.py`): processor milliseconds, the median
of the rounds, and the ratio to the row named first in its subject. A peer that is not installed is left out and named.
`make readme` writes the table of the page.

The authors' E4 layer cannot be shipped; `reference` is its arithmetic, written by us in torch: all patches of the
values, times one kernel a position. PyTorch Geometric and Torch-Pruning come by `pip install torch_geometric
torch-pruning`.
"""

from __future__ import annotations

import argparse
import csv
import importlib.metadata
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from turns import Worker, environment, in_turns, serve

FILE = Path(__file__).resolve().parents[1] / "results" / "performance.csv"
COLUMNS = ("subject", "row", "milliseconds", "ratio", "threads", "processor", "versions", "date")
BACKENDS = ("tensorflow", "jax", "torch")
PACKAGES = ("keras", "tensorflow", "jax", "torch", "torch_geometric", "torch-pruning")
Steps = dict[str, Callable[[], Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", nargs="+", choices=list(SUBJECTS), default=list(SUBJECTS), metavar="NAME")
    parser.add_argument("--processes", nargs="+", metavar="NAME", help="only these, as `torch`, `PyTorch Geometric`")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=FILE)
    parser.add_argument("--quick", action="store_true", help="small, one subject unless named, one round, no file")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        subject, who = options.worker
        serve(SUBJECTS[subject][1][who](options.quick))
        return
    if options.quick:
        options.rounds = 1
        options.subjects = options.subjects[:1] if options.subjects == list(SUBJECTS) else options.subjects
    for subject in options.subjects:
        rows = measured(subject, options)
        if rows and not options.quick:
            write(options.out, [row for row in kept(options.out) if row["subject"] != subject] + rows)


def measured(subject: str, options: argparse.Namespace) -> list[dict[str, str]]:
    """The rows of a subject, printed too."""
    from latency import processor

    base, makers = SUBJECTS[subject]
    workers = {}
    for who in makers:
        if options.processes and who not in options.processes:
            continue
        words = [__file__, "--worker", subject, who, *(["--quick"] if options.quick else [])]
        backend = who if who in BACKENDS else "torch"
        try:
            workers[who] = Worker(words, environment(backend, options.threads))
        except RuntimeError as error:
            print(f"{subject}: {who} is left out: {error}")
            continue
        for name, error in workers[who].said["failed"].items():
            print(f"{subject}: {who}, {name} is left out: {error}")
    taken = in_turns(workers, options.rounds)
    for worker in workers.values():
        worker.end()
    about = {"threads": str(options.threads), "processor": processor(), "versions": versions(), "date": today()}
    rows = []
    for (who, name), milliseconds in taken.items():
        step = name.rpartition(", ")[2]
        other = [taken[key] for key in taken if key[0] == (base[0] or who) and _is(key[1], base[1], step)]
        first = other[0] if other else None
        ratio = f"{milliseconds / first:.2f}" if first else ""
        rows.append(
            {"subject": subject, "row": f"{who}: {name}", "milliseconds": f"{milliseconds:.3g}", "ratio": ratio}
        )
        print(f"{subject:24} {who + ': ' + name:56} {milliseconds:9.2f} {ratio:>6}", flush=True)
    return [row | about for row in rows]


def _is(name: str, row: str, step: str) -> bool:
    """Whether a name is that of a row and step; a compaction's has numbers in between."""
    return name == f"{row}, {step}" or (step == "prune" and name.startswith(f"{row},"))


def versions() -> str:
    """Versions of what took part."""
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(found)


def today() -> str:
    from datetime import date

    return date.today().isoformat()


def kept(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict[str, str]]) -> None:
    """Writes the table whole or not at all."""
    from zoo._writing import whole

    order = list(SUBJECTS)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: order.index(row["subject"])))


def graph_zoo(quick: bool) -> Steps:
    import graphs

    names = ["PDE-GCN D, pairs", "PDE-GCN D, edge dropout"]
    return _renamed(graphs.zoo_steps(SimpleNamespace(depth=4 if quick else 16, width=64, variants=names)))


def graph_pyg(quick: bool) -> Steps:
    import graphs

    return _renamed(graphs.pyg_steps(SimpleNamespace(depth=4 if quick else 16, width=64)))


def _renamed(steps: Steps) -> Steps:
    return {f"{name.rpartition(' ')[0]}, {name.rpartition(' ')[2]}": step for name, step in steps.items()}


def e4_zoo(quick: bool) -> Steps:
    import keras
    import numpy as np

    from zoo.layers import E4Conv2D

    inputs = keras.Input((28, 28, 64))
    outputs = keras.layers.GlobalAveragePooling2D()(E4Conv2D(16, 5, slices=2)(inputs))
    model = keras.Model(inputs, outputs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, jit_compile=keras.backend.backend() != "torch")
    batch = 2 if quick else 16
    x, y = np.random.default_rng(0).random((batch, 28, 28, 64), "float32"), np.arange(batch)
    return {
        "E4Conv2D, train": lambda: float(model.train_on_batch(x, y)),
        "E4Conv2D, infer": lambda: np.asarray(model.predict_on_batch(x)),
    }


def e4_reference(quick: bool) -> Steps:
    import torch

    nn, batch = torch.nn, 2 if quick else 16

    class Reference(nn.Module):
        """The layer's arithmetic with all patches at once; the turned kernels are made outside of it, once."""

        def __init__(self) -> None:
            super().__init__()
            self.value, self.generator = nn.Conv2d(64, 64, 1, bias=False), nn.Conv2d(64, 64, 1, bias=False)
            self.norm, self.head = nn.BatchNorm2d(64), nn.Conv2d(64, 4 * 2 * 25, 1, groups=4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            size = x.shape[0], 4, 2, 1, 25, x.shape[2] * x.shape[3]
            kernels = self.head(self.norm(self.generator(x)).relu()).reshape(size)
            patches = nn.functional.unfold(self.value(x), 5, padding=2)
            return (kernels * patches.reshape(*size[:3], 8, *size[4:])).sum(dim=4).reshape(x.shape)

    found: Steps = {}
    x, y = torch.rand(batch, 64, 28, 28), torch.arange(batch)
    for name, wrap in (("reference", lambda network: network), ("reference, torch.compile", torch.compile)):
        network = Reference()
        optimizer, run = torch.optim.Adam(network.parameters()), wrap(network)

        def train(network=network, optimizer=optimizer, run=run) -> None:
            network.train()
            optimizer.zero_grad()
            nn.functional.cross_entropy(run(x).mean(dim=(2, 3)), y).backward()
            optimizer.step()

        def infer(network=network, run=run) -> None:
            network.eval()
            with torch.no_grad():
                run(x).mean(dim=(2, 3)).numpy()

        found |= {f"{name}, train": train, f"{name}, infer": infer}
    return found


def log_polar(quick: bool) -> Steps:
    import keras
    import log_polar as bench
    import numpy as np

    batch, side, channels, filters, *rest = (2, 16, 8, 8, 9, 2, 6, 3, 1) if quick else bench.SHAPES["9x9 64->64"]
    layers = bench.make_layers(filters, *rest)
    layers["shift"].implementation = "auto"
    x = np.random.default_rng(0).normal(size=(batch, side, side, channels)).astype("float32")
    found: Steps = {}
    for name, key in (("Conv2D 9x9", "plain"), ("Conv2D 3x3", "3x3"), ("LogPolarConv2D 9x9", "shift")):
        layers[key].build(x.shape)
        infer, _, train = bench.make_steps(layers[key], x, keras.backend.backend())
        found |= {f"{name}, train": train, f"{name}, infer": infer}
    return found


def shared_bases(quick: bool) -> Steps:
    import keras
    import numpy as np
    from runners import runner

    import zoo

    shared = zoo.build("shared_basis_resnet32_s16u1_double_cifar10")
    models = {
        "ResNet-32": zoo.fold(zoo.build("resnet32_cifar10")),
        "shared": shared,
        "shared, folded": zoo.fold(shared, mode="kernel"),
    }
    x = np.random.default_rng(0).integers(0, 256, (2 if quick else 16, 32, 32, 3)).astype("float32")
    if keras.backend.backend() == "torch":
        return {f"{name}, infer": lambda model=model: model.predict_on_batch(x) for name, model in models.items()}
    return {f"{name}, infer": runner(model, keras.backend.backend(), x, 1) for name, model in models.items()}


def load_zoo(quick: bool) -> Steps:
    import zoo

    name = "resnet32_cifar10" if quick else "efficientnet_lite0_imagenet"
    return {f"zoo.load {name}, load": lambda: zoo.load(name, compile=False)}


def load_keras(quick: bool) -> Steps:
    import tempfile

    import keras

    make = keras.applications.MobileNetV2 if quick else keras.applications.EfficientNetB0
    folder = tempfile.mkdtemp()
    make(weights=None).save_weights(f"{folder}/peer.weights.h5")
    return {
        "keras.applications with weights, load": lambda: make(weights=f"{folder}/peer.weights.h5"),
        "keras.applications without weights, load": lambda: make(weights=None),
    }


VGG = (32, 32, "M", 64, 64, "M", 128, 128, 128, "M", 256, 256, 256)


def compact_zoo(quick: bool) -> Steps:
    """Half of the channels of a VGG by ours; the name of a row says how many parameters are left."""
    import keras

    import zoo

    x = inputs = keras.Input((32, 32, 3))
    for index, width in enumerate(VGG[:3] if quick else VGG):
        if width == "M":
            x = keras.layers.MaxPooling2D(name=f"pool{index}")(x)
        else:
            x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"conv{index}")(x)
            x = keras.layers.BatchNormalization(name=f"norm{index}")(x)
            x = keras.layers.ReLU(name=f"relu{index}")(x)
    x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
    model = keras.Model(inputs, keras.layers.Dense(10, name="head")(x))

    def compact() -> Any:
        network = zoo.compression.to_synaptic(model)
        widths = {f"conv{index}": width // 2 for index, width in enumerate(VGG[:3] if quick else VGG) if width != "M"}
        zoo.compression.prune_channels(network, widths)
        return zoo.compression.compress(network, "compact", folded=False)

    return {f"prune_channels and compress, {model.count_params():,} to {compact().count_params():,}, prune": compact}


def compact_torch(quick: bool) -> Steps:
    import copy

    import torch
    import torch_pruning

    layers: list[Any] = []
    before = 3
    for width in VGG[:3] if quick else VGG:
        if width == "M":
            layers.append(torch.nn.MaxPool2d(2))
        else:
            layers += [torch.nn.Conv2d(before, width, 3, padding=1, bias=False), torch.nn.BatchNorm2d(width)]
            layers, before = [*layers, torch.nn.ReLU()], width
    head = torch.nn.Linear(before, 10)
    model = torch.nn.Sequential(*layers, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), head)
    x = torch.rand(1, 3, 32, 32)

    def prune() -> Any:
        network = copy.deepcopy(model)
        importance = torch_pruning.importance.MagnitudeImportance(p=1)
        ignored = [network[-1]]
        torch_pruning.pruner.MagnitudePruner(network, x, importance, pruning_ratio=0.5, ignored_layers=ignored).step()
        return network

    def count(network: Any) -> int:
        return sum(parameter.numel() for parameter in network.parameters())

    return {f"MagnitudePruner, {count(model):,} to {count(prune()):,}, prune": prune}


SUBJECTS: dict[str, tuple[tuple[str, str], dict[str, Callable[[bool], Steps]]]] = {
    "graph network": (
        ("PyTorch Geometric", "GCN2Conv"),
        {"PyTorch Geometric": graph_pyg, **dict.fromkeys(BACKENDS, graph_zoo)},
    ),
    "E4 layer": (("plain torch", "reference"), {"plain torch": e4_reference, **dict.fromkeys(BACKENDS, e4_zoo)}),
    "log-polar convolution": (("", "Conv2D 9x9"), dict.fromkeys(BACKENDS, log_polar)),
    "shared bases": (("", "ResNet-32"), dict.fromkeys(BACKENDS, shared_bases)),
    "compaction": (
        ("Torch-Pruning", "MagnitudePruner"),
        {"Torch-Pruning": compact_torch, "torch": compact_zoo, "tensorflow": compact_zoo},
    ),
    "load": (
        ("keras.applications", "keras.applications with weights"),
        {"keras.applications": load_keras, "torch": load_zoo},
    ),
}
"""What is compared: the row that ratios are to, as process (empty: its own) and name, and the processes."""

if __name__ == "__main__":
    sys.exit(main())
