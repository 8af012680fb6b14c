"""Latency of dense, masked and compacted networks in ONNX Runtime and LiteRT, and the sizes of their files.

    python benchmarks/pruning.py [NAME_OR_FOLDER ...] [--threads 1] [--seconds 2] [--quick]

The first network is the base of the ratios. Each is exported (normalizations folded, as `zoo.export` does) to ONNX and
to LiteRT in float32 and run at batch 1 and 32: the median of all calls in `--seconds`, the networks taking turns so
that a busy machine is busy for all of them. An engine that is not installed (`pip install "zoo[onnx,litert]"`) is left
out. A masked network is in the default list to show that a mask is no faster.
Networks without trained weights are measured with random ones: the time does not depend on them.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import zoo
from zoo.evaluation import count_macs
from zoo.hub import paths

DENSE = "synaptic_dense_vgg16_narrow_cifar10"
DEFAULT = (DENSE, "synaptic_vgg16_narrow_p96_cifar10", "synaptic_vgg16_narrow_compact_cifar10")
BATCHES = (1, 32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(DEFAULT))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0, help="a network, engine and batch size")
    parser.add_argument("--quick", action="store_true", help="two calls each, to see that it runs")
    options = parser.parse_args()
    models = {str(name): load(str(name)) for name in options.names}
    rows = {name: facts(name, model) for name, model in models.items()}
    with tempfile.TemporaryDirectory() as folder:
        for engine, (package, start) in ENGINES.items():
            if importlib.util.find_spec(package) is None:
                print(f'{engine} is left out: pip install "zoo[{engine.split()[0].lower()}]" brings {package}')
                continue
            runs = {name: start(model, Path(folder), options.threads) for name, model in models.items()}
            for batch in BATCHES:
                images = np.random.default_rng(0).integers(0, 256, (batch, 32, 32, 3)).astype("float32")
                seconds = 0.0 if options.quick else options.seconds
                for name, milliseconds in in_turns(runs, images, seconds).items():
                    rows[name][f"{engine}, {batch}"] = milliseconds
    print(f"\n{options.threads} threads; milliseconds, and how many times as fast as the first")
    print(table(rows))


def load(name: str) -> keras.Model:
    try:
        return zoo.load(name, compile=False)
    except ValueError as error:
        if "no trained weights" not in str(error):
            raise
        print(f"{name}: no trained weights, random ones serve here")
        return stand_in(name)


def stand_in(name: str) -> keras.Model:
    model = zoo.load(name, weights=None, compile=False)
    if "_p9" in name:
        warnings.filterwarnings("ignore", message="pruning: ")
        zoo.compression.prune(model, 0.96 if "p96" in name else 0.9, scope="layer")
    return model


def facts(name: str, model: keras.Model) -> dict:
    """Arithmetic of the network as it is run, and the size of its file where it has one."""
    found: dict = {"MMACs": count_macs(model) / 1e6, "bytes": None}
    path = Path(name)
    if path.is_dir():
        found["bytes"] = (path / paths.BODY).stat().st_size
    elif zoo.card(name).files:
        found["bytes"] = zoo.card(name).files[paths.BODY].size
    return found


def onnx_runtime(model: keras.Model, folder: Path, threads: int) -> Callable:
    import onnxruntime

    version = zoo.export(model, folder / "onnx", name=model.name, format="onnx")
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(version / "model.onnx", settings, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"image": images})


def litert(model: keras.Model, folder: Path, threads: int) -> Callable:
    from ai_edge_litert.interpreter import Interpreter

    version = zoo.export(model, folder / "litert", name=model.name, format="litert")
    interpreter = Interpreter(model_path=str(version / "model.tflite"), num_threads=threads)
    interpreter.allocate_tensors()
    place = interpreter.get_input_details()[0]["index"]

    def run(images: np.ndarray) -> None:
        if tuple(interpreter.get_input_details()[0]["shape"]) != images.shape:
            interpreter.resize_tensor_input(place, images.shape)
            interpreter.allocate_tensors()
        interpreter.set_tensor(place, images)
        interpreter.invoke()

    return run


def in_turns(runs: dict[str, Callable], images: np.ndarray, seconds: float) -> dict[str, float]:
    """Median milliseconds of a call by name."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run(images)  # the first call allocates
    stop = time.perf_counter() + seconds * len(runs)
    while time.perf_counter() < stop or len(next(iter(times.values()))) < 2:
        for name, run in runs.items():
            start = time.perf_counter()
            run(images)
            times[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def table(rows: dict[str, dict]) -> str:
    base = next(iter(rows.values()))
    columns = [key for key in base if key not in ("MMACs", "bytes")]
    lines = ["| network | MMACs | file | " + " | ".join(f"{column}" for column in columns) + " |"]
    lines.append("| --- | ---: | ---: |" + " ---: |" * len(columns))
    for name, row in rows.items():
        size = f"{row['bytes']:,}" if row["bytes"] else ""
        cells = [f"{row[key]:.2f} ({base[key] / row[key]:.2f}x)" for key in columns]
        lines.append(f"| `{Path(name).name}` | {row['MMACs']:.1f} | {size} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


ENGINES = {"ONNX Runtime": ("onnxruntime", onnx_runtime), "LiteRT": ("ai_edge_litert", litert)}


if __name__ == "__main__":
    main()
