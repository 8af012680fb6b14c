"""Accuracy on a citation graph over the depth, 2 to 64 layers: PDE-GCN against plain graph convolutions.

    python benchmarks/depth.py [--data FOLDER] [--dataset cora] [--seeds 3] [--depths 2 4 8 16 32 64] [--plot depth.png]
                               [--networks D M GCN]

Every run follows the recipe of the family's preset for the data set but for the depth; a diffusion keeps its total time
of 32 as far as the stable step allows. Printed is the test accuracy, mean and deviation over the seeds, of the epoch
with the best validation accuracy. Trains `seeds` x `depths` x 3 networks: about an hour on four cores, less on JAX.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics

import keras
import numpy as np

from zoo import datasets, hub, visual
from zoo.models.pdegcn import PDEGCNConfig, build
from zoo.training.compiling import compile_arguments

TIME, LARGEST_STEP = 32.0, 3.5
NETWORKS = {"D": ("pdegcn_{}", "diffusive"), "M": ("pdegcn_m_{}", "mixed"), "GCN": ("gcn_{}", "gcn")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder with the data sets (default: ZOO_DATA)")
    parser.add_argument("--dataset", choices=["cora", "citeseer"], default="cora")
    parser.add_argument("--depths", type=int, nargs="+", default=[2, 4, 8, 16, 32, 64])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="instead of the recipes'")
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--plot", metavar="FILE.png")
    options = parser.parse_args()
    splits = {name: datasets.load(options.dataset, name, data=options.data) for name in ("train", "validation", "test")}
    means: dict[str, dict[int, float]] = {name: {} for name in options.networks}
    print(f"| Network | {' | '.join(f'{depth} layers' for depth in options.depths)} |")
    print("| --- |" + " ---: |" * len(options.depths))
    for name in options.networks:
        preset, kind = NETWORKS[name]
        cells = []
        for depth in options.depths:
            found = [
                run(preset.format(options.dataset), kind, depth, splits, seed, options.epochs)
                for seed in range(options.seeds)
            ]
            means[name][depth] = statistics.fmean(found)
            cells.append(f"{means[name][depth]:.1f}" + (f" ± {statistics.stdev(found):.1f}" if found[1:] else ""))
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    if options.plot:
        visual.plot_depths(means, path=options.plot, title=f"{options.dataset}: test accuracy over depth")


def run(preset: str, kind: str, depth: int, splits: dict, seed: int, epochs: int | None) -> float:
    """Test accuracy in percent at the epoch of the best validation accuracy."""
    recipe = hub.find_recipe(preset)
    epochs = epochs or recipe.epochs
    step = min(LARGEST_STEP if kind == "diffusive" else 2.0, TIME / depth)
    config: PDEGCNConfig = dataclasses.replace(
        hub.find_preset(preset).config, depth=depth, step_size=step, **recipe.overrides
    )
    keras.utils.set_random_seed(seed)
    model = build(config)
    arguments = compile_arguments(recipe, steps_per_epoch=1)
    model.compile(**arguments | {"jit_compile": hub.suits_xla(model)})
    best = result = 0.0
    (inputs, labels, chosen), (_, _, validation), (_, _, test) = splits.values()
    for _ in range(epochs):
        model.train_on_batch(inputs, labels, sample_weight=chosen)
        right = np.asarray(keras.ops.convert_to_numpy(model.predict_on_batch(inputs))).argmax(axis=-1) == labels
        score = right[validation > 0].mean()
        if score > best:
            best, result = score, right[test > 0].mean()
    return 100.0 * float(result)


if __name__ == "__main__":
    main()
