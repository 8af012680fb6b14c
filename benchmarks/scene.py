"""What pairwise-consistency training does to accuracy and focus area: one change of its settings at a time.

    python benchmarks/scene.py --data DATA --out runs/scene            # everything, with three seeds
    python benchmarks/scene.py --data DATA --out runs/scene --docs     # and writes docs/scene_experiments.md
    python benchmarks/scene.py --data DATA --out runs/quick --quick    # a minute or two, numbers without meaning

A run is a folder `<out>/<table>-<variant>-seed<number>`; one that is complete is not trained again, and one that was
interrupted goes on. Folders of `zoo train` may stand in for runs under such a name, for example as a link. All settings
are our reading of an abstract; none is the paper's.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import statistics
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np

import zoo
from zoo import datasets, hub
from zoo.evaluation.measures import measure
from zoo.evaluation.prediction import logits_of
from zoo.losses import high_areas, normalize_maps, resize_maps
from zoo.models.recipe import Recipe
from zoo.models.scene import RECIPES, SceneResNetConfig
from zoo.models.scene.recipes import CONSISTENCY
from zoo.training import consistency
from zoo.training.compiling import compile_arguments, compile_trainer
from zoo.training.epochs import Epochs

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "scene_experiments.md"
MEASURES = ("accuracy", "class_mean_accuracy", "focus_area", "erased_accuracy")
COLUMNS = {
    "accuracy": "accuracy",
    "erased_accuracy": "accuracy, strongest region erased",
    "focus_area": "focus area, no threshold",
    "focus_area_20": "at 0.2",
    "focus_area_50": "at 0.5",
    "focus_area_minmax": "min-max, no threshold",
}
VARIANTS: dict[str, tuple[str, dict[str, Any] | None]] = {
    "plain": ("plain training", None),
    "relevance": ("pairwise consistency, our default: relevance, 0.5", {}),
    "shuffled": ("the same with the masks of other images", {"shuffle": True}),
    "erased_ce": ("cross-entropy on erased images instead", {"consistency_weight": 0.0, "erased_ce_weight": 1.0}),
    "kl": ("kl instead of relevance", {"kind": "kl"}),
    "topk": ("topk (5 classes) instead of relevance", {"kind": "topk", "top": 5}),
    "low": ("threshold 0.3", {"threshold": 0.3}),
    "high": ("threshold 0.7", {"threshold": 0.7}),
    "features": ("features erased instead of pixels", {"level": "feature"}),
    "triple": ("three times the weight", {"consistency_weight": 3.0}),
}
CONTROL = ("plain", "relevance", "erased_ce")
_OBJECTS = SceneResNetConfig(
    name="control",
    input_shape=(32, 32, 3),
    num_classes=10,
    widths=(16, 32, 64, 128),
    strides=(1, 1, 1, 1),
    mean=(125.3, 123.0, 113.9),
    std=(63.0, 62.1, 66.7),
)


@dataclasses.dataclass(frozen=True)
class Table:
    """A data set, a network and the variants that are compared on them."""

    name: str
    title: str
    network: Any
    recipe: Recipe
    variants: tuple[str, ...]
    subset: int | None = None


def tables(options: argparse.Namespace) -> list[Table]:
    scenes, places = RECIPES["scene_resnet18_narrow_scene15"], RECIPES["scene_resnet18_narrow_sun16"]
    objects = dataclasses.replace(scenes, dataset="cifar10", augmentation=("pad_crop", "flip"))
    every = tuple(VARIANTS)
    found = [
        Table("scene15", "Scene-15", "scene_resnet18_narrow_scene15", scenes, every),
        Table("sun16", "SUN-16", "scene_resnet18_narrow_sun16", places, ("plain", "relevance")),
        Table("cifar10", "CIFAR-10, objects", _OBJECTS, objects, CONTROL, options.objects),
    ]
    if options.quick:
        few = ("plain", "relevance", "features")
        found = [
            dataclasses.replace(table, subset=64, variants=tuple(v for v in table.variants if v in few))
            for table in found
        ]
    return [
        dataclasses.replace(
            table, variants=tuple(v for v in table.variants if not options.variants or v in options.variants)
        )
        for table in found
        if not options.tables or table.name in options.tables
    ]


def recipe_of(table: Table, variant: str, options: argparse.Namespace) -> Recipe:
    changes = VARIANTS[variant][1]
    consistency = {} if changes is None else CONSISTENCY | changes
    return dataclasses.replace(table.recipe, epochs=options.epochs or table.recipe.epochs, consistency=consistency)


def read(table: Table, split: str, data: str | None) -> tuple[np.ndarray, np.ndarray]:
    images, labels = datasets.load(table.recipe.dataset, split, data=data)
    return images[: table.subset], labels[: table.subset]


def train(table: Table, variant: str, seed: int, folder: Path, options: argparse.Namespace) -> None:
    """Trains one run as `zoo.train` does, and saves it."""
    recipe = recipe_of(table, variant, options)
    train_set, validation_set = (read(table, split, options.data) for split in ("train", "validation"))
    steps = len(train_set[1]) // recipe.batch_size
    keras.utils.clear_session()  # the networks before would stay in memory
    keras.utils.set_random_seed(seed)
    model = hub.build(table.network)
    trainer = consistency.wrap(model, recipe, steps=steps * recipe.epochs, seed=seed)
    arguments = compile_arguments(recipe, steps_per_epoch=steps)
    compile_trainer(trainer, arguments | {"jit_compile": arguments["jit_compile"] and options.xla})
    run = Epochs(
        trainer=trainer,
        model=model,
        recipe=recipe,
        train=train_set,
        validation=validation_set,
        folder=folder,
        seed=seed,
        progress=False,
    )
    run.run()
    hub.save(model, folder)


def measured(table: Table, folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """The numbers of a run on the test images; kept beside its weights."""
    path = folder / f"measured_{table.subset or 'all'}.json"
    if path.is_file():
        return json.loads(path.read_text())
    images, labels = read(table, "test", options.data)
    model = hub.load(folder)
    numbers = measure(MEASURES, model, images, labels, logits_of(model, images, 128))
    path.write_text(json.dumps(numbers, indent=2))
    return numbers


def run_table(table: Table, options: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    found: dict[str, list[dict[str, float]]] = {}
    for variant in table.variants:
        for seed in range(options.seeds):
            folder, started = Path(options.out) / f"{table.name}-{variant}-seed{seed}", time.monotonic()
            if not (folder / "card.json").is_file():
                folder.mkdir(parents=True, exist_ok=True)
                train(table, variant, seed, folder, options)
            numbers = measured(table, folder, options)
            found.setdefault(variant, []).append(numbers)
            words = ", ".join(f"{name} {numbers[name]:.2f}" for name in COLUMNS)
            print(f"{folder.name}: {words} ({time.monotonic() - started:.0f} s)", flush=True)
    return found


def markdown(table: Table, found: dict[str, list[dict[str, float]]], options: argparse.Namespace) -> str:
    """The numbers as a table: mean and deviation over the seeds, in percent."""
    rows = [["", *COLUMNS.values()], ["---", *["---:"] * len(COLUMNS)]]
    rows += [
        [VARIANTS[variant][0], *(spread([r[c] for r in runs]) for c in COLUMNS)] for variant, runs in found.items()
    ]
    images = f", {table.subset} training images" if table.subset else ""
    epochs = options.epochs or table.recipe.epochs
    counted = f"{_many(options.seeds, 'seed')}, {_many(epochs, 'epoch')}"
    head = f"**{table.title}**{images}: percent of the test images, {counted}."
    return "\n".join([head, "", *(f"| {' | '.join(row)} |" for row in rows)])


def _many(count: int, word: str) -> str:
    return f"{count} {word}" + ("s" if count > 1 else "")


def spread(values: list[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.1f}"
    return f"{statistics.fmean(values):.1f} ± {statistics.stdev(values):.1f}"


def insert(text: str, name: str, content: str) -> str:
    """The page with new content between the marks of that name."""
    pattern = rf"(<!-- {name}: written by benchmarks/scene.py -->\n).*?(<!-- end of {name} -->)"
    new, count = re.subn(pattern, lambda match: f"{match[1]}\n{content}\n\n{match[2]}", text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{PAGE} has no place for {name}")
    return new


def maps_of(table: Table, variant: str, options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Test images, labels and normalised maps of the predicted classes, of the first seed."""
    images, labels = read(table, "test", options.data)
    images, labels = images[: options.pictured], labels[: options.pictured]
    model = hub.load(Path(options.out) / f"{table.name}-{variant}-seed0")
    return images, labels, zoo.visual.cam(model, images, upsample=False)


def draw_curves(table: Table, variants: Iterable[str], path: Path, options: argparse.Namespace) -> None:
    """Focus area over the threshold: means over images, of one seed."""
    thresholds, lines = np.linspace(0.02, 1, 50), {}
    for variant in variants:
        images, _, maps = maps_of(table, variant, options)
        maps = resize_maps(normalize_maps(maps), images.shape[1:3])
        areas = [float(keras.ops.convert_to_numpy(high_areas(maps, float(t))).mean()) for t in thresholds]
        lines[VARIANTS[variant][0]] = (thresholds, areas)
    zoo.visual.plot_series(lines, path=path, labels=("threshold", "focus area"), title=table.title)


def draw_mean_maps(table: Table, variants: tuple[str, ...], path: Path, options: argparse.Namespace) -> None:
    """The mean map of each class: where networks look on average, without showing an image of the data set."""
    from matplotlib.figure import Figure

    preset = hub.find_preset(table.network)
    columns, height = min(8, len(preset.labels)), len(variants)
    lines = -(-len(preset.labels) // columns)
    figure = Figure(figsize=(1.3 * columns, 1.45 * lines * height), layout="tight")
    grid = figure.subplots(lines * height, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for row, variant in enumerate(variants):
        _, labels, maps = maps_of(table, variant, options)
        for number, label in enumerate(preset.labels):
            of_class = maps[labels == number]
            axes = grid[number // columns * height + row, number % columns]
            if len(of_class):
                axes.imshow(of_class.mean(0), vmin=0, vmax=1, cmap="viridis")
            axes.set_title(f"{label}\n{variant}", fontsize=6)
    figure.savefig(path, dpi=110)


def draw_overlays(table: Table, variants: tuple[str, ...], path: Path, options: argparse.Namespace) -> None:
    """Images under their maps. They show the data set's images: for one's own eyes, not to be passed on."""
    rows = []
    for variant in variants:
        images, labels, maps = maps_of(table, variant, options)
        full = keras.ops.convert_to_numpy(resize_maps(maps[:16], images.shape[1:3]))
        rows.append((variant, full))
    names = [hub.find_preset(table.network).labels[label] for label in labels[:16]]
    zoo.visual.plot_cams(images[:16], rows, path=path, titles=names, threshold=0.5)


def draw(table: Table, options: argparse.Namespace) -> None:
    """Pictures of a table of scenes, beside the runs."""
    variants = tuple(v for v in ("plain", "relevance", "erased_ce") if v in table.variants)
    if isinstance(table.network, str) and variants:
        folder = Path(options.out)
        draw_curves(table, variants, folder / f"areas_{table.name}.png", options)
        draw_mean_maps(table, variants[:2], folder / f"maps_{table.name}.png", options)
        draw_overlays(table, variants[:2], folder / f"overlays_{table.name}.png", options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder of the data sets (default: ZOO_DATA)")
    parser.add_argument("--out", default="runs/scene", help="folder of the runs (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="instead of the recipes'")
    parser.add_argument("--objects", type=int, default=2000, help="images of CIFAR-10 to train on and to test on")
    parser.add_argument("--tables", nargs="*", help="scene15, sun16, cifar10 (default: all)")
    parser.add_argument("--variants", nargs="*", help=f"of {', '.join(VARIANTS)} (default: all)")
    parser.add_argument("--pictured", type=int, default=1000, help="test images in pictures of means")
    parser.add_argument("--xla", action="store_true", help="compile by XLA: slower on most CPUs")
    parser.add_argument("--docs", action="store_true", help=f"write {PAGE.name}")
    parser.add_argument("--quick", action="store_true", help="64 images, 1 epoch, 1 seed: shows that it works")
    options = parser.parse_args()
    if options.quick:
        options.seeds, options.epochs, options.pictured = 1, 1, 32
    Path(options.out).mkdir(parents=True, exist_ok=True)
    for table in tables(options):
        found = run_table(table, options)
        content = markdown(table, found, options)
        draw(table, options)
        print(content, flush=True)
        if options.docs:
            PAGE.write_text(insert(PAGE.read_text("utf-8"), table.name, content), "utf-8")


if __name__ == "__main__":
    main()
