"""What the published networks cost to run: `results/latency.csv`, milliseconds a batch on each engine.

    python benchmarks/latency.py [--names NAME ...] [--engines onnxruntime tensorflow jax] [--batch 1 32] [--threads 1]
                                 [--rounds 5] [--out results/latency.csv] [--quick]

A batch of raw input: the median of the rounds, of each round the least of up to thirty calls, with processor, threads
and versions beside it. Rows that were not measured this time stay as they were. Graphs are measured whole, so they have
one row, batch 1. `results/accuracy.csv` beside it is made from the cards by `make readme`, as the README's table is.
"""

from __future__ import annotations

import argparse
import csv
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from runners import ENGINES, environment, runner

FILE = Path(__file__).resolve().parents[1] / "results" / "latency.csv"
COLUMNS = ("model", "engine", "batch", "milliseconds", "threads", "processor", "versions", "date")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", nargs="+", help="default: all that have weights")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=FILE)
    parser.add_argument("--quick", action="store_true", help="one network, one engine, one round, written nowhere")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        measure(options)
        return
    import zoo

    names = options.names or zoo.list_models(pretrained=True)
    if options.quick:
        names, options.rounds, options.engines = names[:1], 1, options.engines[:1]
    failed = [where for engine in options.engines for where in _measure_on(engine, names, options)]
    if failed:
        sys.exit("Not measured: " + ", ".join(failed))


def _measure_on(engine: str, names: list[str], options: argparse.Namespace) -> list[str]:
    """Measures in a process of the engine's own and writes rows as they come; returns what could not be measured."""
    words = ["--worker", "--names", *names, "--engines", engine, "--threads", str(options.threads)]
    words += ["--rounds", str(options.rounds), "--batch", *map(str, options.batch)]
    variables = os.environ | environment(engine, options.threads)
    failed = []
    command = [sys.executable, __file__, *words]
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            row = json.loads(line)
            print(f"{row['model']:48} {engine:12} batch {row['batch']:3} {row['milliseconds']}", flush=True)
            if row["milliseconds"].startswith("failed"):
                failed.append(f"{row['model']} on {engine}")
            elif not options.quick:
                write(options.out, merged(options.out, [row]))
    return failed if process.returncode == 0 else [*failed, f"{engine}: the process ended with {process.returncode}"]


def merged(path: Path, rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The rows of a file, those that were measured again in place of the old ones."""
    with path.open(newline="") if path.is_file() else open(os.devnull) as file:
        kept = {_key(row): row for row in csv.DictReader(file)}
    return sorted((kept | {_key(row): row for row in rows}).values(), key=_key)


def _key(row: dict[str, str]) -> tuple[str, str, int]:
    return row["model"], row["engine"], int(row["batch"])


def write(path: Path, rows: list[dict[str, str]]) -> None:
    """Writes a table whole or not at all."""
    from zoo._writing import whole

    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def measure(options: argparse.Namespace) -> None:
    """Prints a row of JSON for each network and size of batch on one engine."""
    import zoo

    (engine,) = options.engines
    for name in options.names:
        model = zoo.load(name)
        for batch in options.batch if len(model.inputs) == 1 else [1]:
            try:
                run = runner(model, engine, inputs(model, batch), options.threads)
                found = f"{1000 * statistics.median(_least(run) for _ in range(options.rounds)):.4g}"
            except Exception as error:  # one network that an engine cannot run is a row that says so
                found = f"failed: {type(error).__name__}: {str(error).splitlines()[0]}"
            row = {"model": name, "engine": engine, "batch": str(batch), "milliseconds": found}
            row |= {"threads": str(options.threads), "processor": processor(), "versions": versions(engine)}
            print(json.dumps(row | {"date": date.today().isoformat()}), flush=True)


def _least(run: Any) -> float:
    """The least seconds of a call, in a round of three to thirty calls that takes a second at most."""
    taken: list[float] = []
    while len(taken) < 3 or (len(taken) < 30 and sum(taken) < 1):
        taken.append(_seconds(run))
    return min(taken)


def inputs(model: Any, batch: int) -> Any:
    """Raw pictures of noise, or the graph that a model of nodes comes with."""
    if len(model.inputs) > 1:
        from zoo.evaluation.graphs import shipped_graph

        return shipped_graph(model)
    return np.random.default_rng(0).integers(0, 256, (batch, *model.input_shape[1:])).astype("float32")


def _seconds(run: Any) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def processor() -> str:
    """The processor's name, as its maker calls it."""
    cpuinfo = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in _lines(cpuinfo) if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.is_file() else []


def versions(engine: str) -> str:
    """The engine's package and Keras, with their versions."""
    return ", ".join(f"{package} {importlib.metadata.version(package)}" for package in (engine, "keras"))


if __name__ == "__main__":
    main()
