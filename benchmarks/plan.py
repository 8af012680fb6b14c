"""The planned trainings: what has finished, and what is missing is run.

    python benchmarks/plan.py [--runs runs] [--data FOLDER] [--only MODEL] [--list] [--quick]

Reads `benchmarks/plan.toml` beside it. Every run is a call of `zoo train` with a folder `NAME-SEED` under `--runs`; one
that was interrupted goes on from its last checkpoint, one that has finished is left alone, and so is one whose weights
are published: the tag's card names its seed. Runs follow each other in the plan's order; one that fails is reported at
the end, and the others go on. `--list` only shows how far they are.

`benchmarks/unfinished`, which is there while there is such a run, keeps run folders of small networks that another
machine will train further. They come first: each is copied to `--runs` if it is not there. A folder is committed with
its newest checkpoint alone, and leaves with the finished run; a finished seed without its checkpoints stays until its
fellow seeds have finished, with which it will be published.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
UNFINISHED = HERE / "unfinished"
WEIGHTS = HERE.parent / "weights"


@dataclass(frozen=True)
class Run:
    """One training of the plan."""

    model: str
    seed: int
    name: str
    recipe: str | None = None
    epochs: int | None = None
    backend: str = "jax"
    published: str | None = None

    def folder(self, runs: Path) -> Path:
        return runs / f"{self.name}-{self.seed}"

    def command(self, runs: Path, data: str | None) -> list[str]:
        words = [sys.executable, "-m", "zoo", "train", self.model, "--seed", str(self.seed)]
        words += ["--out", str(self.folder(runs).resolve())]
        for option, value in {"--recipe": self.recipe, "--epochs": self.epochs, "--data": data}.items():
            words += [] if value is None else [option, str(value)]
        return words

    def state(self, runs: Path) -> str:
        """How far it is, in words; `finished, ...` if it is complete."""
        if self.published is not None:
            card = json.loads((WEIGHTS / self.model / self.published / "card.json").read_text())
            if self.seed in card["metrics"][0]["seeds"]:
                return f"finished, published as {self.model}.{self.published}"
        folder = self.folder(runs)
        folder = folder if folder.exists() else self.folder(UNFINISHED)
        if not (folder / "run.json").is_file():
            return "missing"
        facts = json.loads((folder / "run.json").read_text())
        if facts["finished"]:
            found = facts["validation"]
            measured = "" if found["accuracy"] is None else f", validation accuracy {found['accuracy']:.4f}"
            return f"finished, {facts['minutes']:.0f} min{measured}"
        with (folder / "history.csv").open(newline="") as file:
            done = len(list(csv.DictReader(file)))
        return f"{done} of {facts['recipe']['epochs']} epochs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the run folders")
    parser.add_argument("--data", help="folder of the data sets; default: the variable ZOO_DATA")
    parser.add_argument("--only", help="the runs of one model")
    parser.add_argument("--list", action="store_true", help="show how far the runs are, and run nothing")
    parser.add_argument("--quick", action="store_true", help="the same as --list")
    options = parser.parse_args()
    planned = [run for run in read(HERE / "plan.toml") if options.only in (None, run.model)]
    planned.sort(key=lambda run: not run.folder(UNFINISHED).is_dir())  # what has begun is brought to its end first
    if not planned:
        sys.exit(f"The plan has no run of {options.only!r}.")
    if not (options.list or options.quick):
        failed = [run for run in planned if not train(run, options)]
        if failed:
            sys.exit("Failed: " + ", ".join(f"{run.name}-{run.seed}" for run in failed))
    for run in planned:
        print(f"{f'{run.name}-{run.seed}':32} {run.recipe or '':10} {run.state(options.runs)}")


def read(path: Path) -> list[Run]:
    """The runs of a plan, in order."""
    entries = tomllib.loads(path.read_text())["run"]
    runs = []
    for entry in entries:
        rest = {key: value for key, value in entry.items() if key != "seeds"}
        runs += [Run(**{"name": entry["model"]} | rest, seed=seed) for seed in entry["seeds"]]
    folders = [(run.name, run.seed) for run in runs]
    twice = sorted({f"{name}-{seed}" for name, seed in folders if folders.count((name, seed)) > 1})
    if twice:
        raise ValueError(f"{path.name}: two runs would share a folder: {', '.join(twice)}. Give one of them a name.")
    return runs


def train(run: Run, options: argparse.Namespace) -> bool:
    """Runs what is missing; whether the run is complete."""
    kept = run.folder(UNFINISHED)
    if kept.is_dir() and not run.folder(options.runs).exists():
        shutil.copytree(kept, run.folder(options.runs))
    if run.state(options.runs).startswith("finished"):
        return True
    print(f"{run.name}-{run.seed}: {run.state(options.runs)}; training", flush=True)
    settings = {"KERAS_BACKEND": run.backend, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(HERE.parent)}
    return not subprocess.run(run.command(options.runs, options.data), env=os.environ | settings).returncode


if __name__ == "__main__":
    main()
