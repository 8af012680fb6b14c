"""Networks with shared filter bases beside plain ones: latency in all forms, recipes, and the bases in pictures.

    python benchmarks/shared_basis.py latency [--networks PAIR ...] [--engines onnxruntime tensorflow jax]
                                              [--batch 1 32] [--threads 1] [--repeats 30] [--quick]
    python benchmarks/shared_basis.py recipes [--data FOLDER] [--names NAME ...] [--seeds 1] [--epochs N] [--no-xla]
                                              [--precision NAME] [--runs FOLDER] [--quick]
    python benchmarks/shared_basis.py results [--names NAME ...]
    python benchmarks/shared_basis.py picture NAME[.TAG] FILE.png [--stage 1]

`latency`: milliseconds a batch, the least of all repetitions, which take turns so that a busy machine is busy for all.
`plain` is the network without sharing with its normalization folded in, `shared` the network as it was trained, `bn`
and `kernel` the two forms of `zoo.fold`. TensorFlow and JAX run compiled by XLA, ONNX Runtime a file that Keras writes.
`recipes` trains each network by its own and by the faithful recipe and prints the validation error of both, and the
least and the mean length of their shared filters, which is 1 for an orthonormal basis; runs that are finished in the
folder are not repeated. `results` prints the published weights beside the authors' figures.
`picture` draws a basis before and after training.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from runners import ENGINES, environment, runner

PAIRS = {
    "resnet32_cifar10": "shared_basis_resnet32_s16u1_double_cifar10",
    "resnet56_cifar10": "shared_basis_resnet56_s16u1_double_cifar10",
    "resnet34_cifar100": "shared_basis_resnet34_s32u1_cifar100",
}
FORMS = ("plain", "shared", "bn", "kernel")
RESULTS = (
    "resnet32_cifar10",
    "shared_basis_resnet32_s16u1_double_cifar10",
    "resnet56_cifar10",
    "shared_basis_resnet56_s16u1_double_cifar10",
)


def main() -> None:
    options = _options()
    commands = {"latency": latency, "recipes": recipes, "results": results, "picture": picture}
    if options.command == "worker":
        print(json.dumps(measure(options)))
        return
    commands[options.command](options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("latency", "worker"):
        command = commands.add_parser(name)
        command.add_argument("--networks", nargs="+", choices=list(PAIRS), default=list(PAIRS))
        command.add_argument("--engines", nargs="+", default=list(ENGINES))
        command.add_argument("--batch", type=int, nargs="+", default=[1, 32])
        command.add_argument("--threads", type=int, default=1)
        command.add_argument("--repeats", type=int, default=30)
        command.add_argument("--quick", action="store_true", help="one network, two repetitions, to see that it runs")
    command = commands.add_parser("recipes")
    command.add_argument("--data", help="folder with the data sets (default: ZOO_DATA)")
    command.add_argument("--names", nargs="+", default=["shared_basis_resnet32_s16u1_double_cifar10"])
    command.add_argument("--seeds", type=int, default=1)
    command.add_argument("--epochs", type=int, help="instead of each recipe's")
    command.add_argument("--no-xla", action="store_true")
    command.add_argument("--precision", default="float32", help="as in `zoo train` (default: %(default)s)")
    command.add_argument("--runs", default="runs/recipes", help="folder of the runs (default: %(default)s)")
    command.add_argument("--quick", action="store_true", help="one epoch on a few images, to see that it runs")
    command = commands.add_parser("results")
    command.add_argument("--names", nargs="+", default=list(RESULTS))
    command = commands.add_parser("picture")
    command.add_argument("name")
    command.add_argument("file")
    command.add_argument("--stage", type=int, default=1)
    return parser.parse_args()


def latency(options: argparse.Namespace) -> None:
    """Each engine and batch in a process of its own."""
    if options.quick:
        options.networks, options.repeats = options.networks[:1], 2
    for engine in options.engines:
        variables = os.environ | environment(engine, options.threads)
        for batch in options.batch:
            words = ["worker", "--engines", engine, "--batch", str(batch), "--networks", *options.networks]
            words += ["--threads", str(options.threads), "--repeats", str(options.repeats)]
            command = [sys.executable, __file__, *words]
            result = subprocess.run(command, env=variables, capture_output=True, text=True)
            if result.returncode:
                print(f"\n{engine}: not measured: {(result.stderr.strip().splitlines() or ['?'])[-1]}")
                continue
            _show(f"{engine}, batch {batch}, {options.threads} thread(s)", json.loads(result.stdout.splitlines()[-1]))


def _show(title: str, rows: dict[str, dict[str, float]]) -> None:
    print(f"\n{title}: milliseconds a batch, and relative to the plain network\n")
    print(f"| Network | {' | '.join(FORMS)} |\n| --- |{' ---: |' * len(FORMS)}")
    for name, taken in rows.items():
        cells = [f"{taken[form]:.2f} ({taken[form] / taken['plain']:.2f})" for form in FORMS]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def measure(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """For each network the least milliseconds of every form."""
    (engine,), (batch,) = options.engines, options.batch
    rows = {}
    for plain in options.networks:
        models = _models(plain)
        runs = {form: runner(models[form], engine, _inputs(models[form], batch), options.threads) for form in models}
        taken: dict[str, list[float]] = {form: [] for form in runs}
        for _ in range(options.repeats):
            for form, run in runs.items():
                start = time.perf_counter()
                run()
                taken[form].append(1000 * (time.perf_counter() - start))
        rows[plain] = {form: min(values) for form, values in taken.items()}
    return rows


def _models(plain: str) -> dict[str, Any]:
    """The network in all forms; the values of its weights make no difference to the time."""
    import zoo

    shared = zoo.build(PAIRS[plain])
    return {
        "plain": zoo.fold(zoo.build(plain)),
        "shared": shared,
        "bn": zoo.fold(shared, mode="bn"),
        "kernel": zoo.fold(shared, mode="kernel"),
    }


def _inputs(model: Any, batch: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (batch, *model.input_shape[1:])).astype("float32")


def recipes(options: argparse.Namespace) -> None:
    """Trains by both recipes."""
    import zoo

    print("| Network | Recipe | Epochs | Validation error, % | Filter length, least and mean | Minutes |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for name in options.names:
        for recipe in (None, "faithful"):
            facts, lengths = [], []
            for seed in range(options.seeds):
                folder = Path(options.runs) / f"{name}-{recipe or 'own'}-seed{seed}"
                settings = {"data": options.data, "xla": not options.no_xla, "precision": options.precision}
                settings |= {"smoke": True} if options.quick else {"epochs": options.epochs}
                run = zoo.train(name, out=folder, recipe=recipe, seed=seed, **settings)
                facts.append(json.loads((run / "run.json").read_text()))
                lengths.append(filter_lengths(run / "model.safetensors"))
            errors = [100 * (1 - fact["validation"]["accuracy"]) for fact in facts]
            minutes = sum(fact["minutes"] for fact in facts) / len(facts)
            error = f"{np.mean(errors):.2f}" + (f" ± {np.std(errors, ddof=1):.2f}" if errors[1:] else "")
            epochs_run = facts[0]["recipe"]["epochs"]
            length = f"{np.min(lengths):.2f}, {np.mean(lengths):.2f}"
            print(f"| {name} | {recipe or 'own'} | {epochs_run} | {error} | {length} | {minutes:.0f} |", flush=True)


def filter_lengths(path: Path) -> np.ndarray:
    """Lengths of all shared filters in a file of weights."""
    from safetensors.numpy import load_file

    from zoo.visual import gram_matrix

    kernels = [value for key, value in load_file(path).items() if key.endswith("basis/kernel")]
    return np.sqrt(np.concatenate([gram_matrix(kernel).diagonal() for kernel in kernels]))


def results(options: argparse.Namespace) -> None:
    """What the cards of published weights say, beside the authors' figures."""
    import zoo
    from zoo.hub import find_preset

    print("| Network | Parameters | Test error, % | Epochs | The authors', 300 epochs, % |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name in options.names:
        preset, card = find_preset(name), zoo.card(name)
        if not card.metrics:
            print(f"| {name} | {preset.parameters:,} | not trained yet | | {preset.reported_error or ''} |")
            continue
        error = next(metric["value"] for metric in card.metrics if metric["name"] == "error")
        epochs = card.recipe["epochs"]
        print(f"| {name} | {preset.parameters:,} | {error:.2f} | {epochs} | {preset.reported_error or ''} |")


def picture(options: argparse.Namespace) -> None:
    """A basis as it began and as it became."""
    import keras

    import zoo

    keras.utils.set_random_seed(0)  # the basis before training is the same each time
    trained = zoo.load(options.name)
    layer = f"stage{options.stage}_basis"
    kernels = {
        "before training": zoo.build(trained.name).get_layer(layer).kernel,
        "after training": trained.get_layer(layer).kernel,
    }
    zoo.visual.plot_basis(kernels, path=options.file, title=f"{trained.name}, stage {options.stage}")


if __name__ == "__main__":
    main()
