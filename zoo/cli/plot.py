"""`zoo plot`: pictures of a model, as `zoo.visual` draws them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zoo
from zoo import _paths, _writing
from zoo._counting import counted
from zoo.cli import options as common
from zoo.cli import output

_MOST = 24  # images under class maps


def register(commands: Any) -> None:
    """Adds the command to the parser."""
    kinds = "\n".join(f"  {name:<13} {about}" for name, (_, about) in KINDS.items())
    parser = commands.add_parser(
        "plot",
        help="draw a picture of a model",
        description=f"Draw a picture of a model.\n\nkinds:\n{kinds}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    output.add_name(parser)
    parser.add_argument("kind", metavar="KIND", choices=tuple(KINDS), help=f"one of {', '.join(KINDS)}")
    parser.add_argument(
        "images", nargs="*", metavar="IMAGE", help="maps: image files, or a folder of them; turning: one"
    )
    parser.add_argument("--out", metavar="FILE", help=".png or .svg (default: NAME-KIND.png)")
    parser.add_argument("--dark", action="store_true", help="for dark pages")
    parser.add_argument("--against", metavar="NAME", help="a second model to compare with: maps, turning, features")
    parser.add_argument(
        "--data", metavar="DIR", help="folder with the data sets (default: ZOO_DATA), or pictures of your own"
    )
    parser.add_argument("--split", help="split of the data (default: test)")
    parser.add_argument("--count", type=int, default=20, metavar="N", help="mistakes to show (default: %(default)s)")
    common.add_prepare(parser)
    output.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Draws the picture and says where it is."""
    draw = KINDS[options.kind][0]
    if options.images and draw not in (_maps, _turning):
        raise ValueError(f"{options.kind} takes no images; got {', '.join(options.images)}.")
    if options.against is not None:
        if draw not in (_maps, _turning, _features):
            raise ValueError(f"{options.kind} draws one model: leave out --against.")
        if not options.against.endswith(".keras"):
            zoo.card(options.against)  # a misspelt name is said before a backend is loaded
    options.images = _listed(options, draw)
    _check_kind(options, draw)
    if options.count < 1:
        raise ValueError(f"Expected --count of at least 1; got {options.count}.")
    common.check_split(options.split)
    for file in options.images:
        _paths.check_image_file(Path(file))
    path = Path(options.out or f"{Path(options.name).name}-{options.kind}.png")
    _writing.check_file(path, (".png", ".svg"))
    measured = draw in (_confusion, _mistakes, _energy, _features)
    with zoo.visual.theme("dark" if options.dark else "light"):
        dataset = common.dataset_of(options.name) if measured else None
        common.with_data(options, lambda: draw(options, path), dataset=dataset)
    if options.json:
        output.print_json({"model": options.name, "kind": options.kind, "picture": path})
    else:
        output.show(f"picture: {path}")
    return 0


def _listed(options: argparse.Namespace, draw: Any) -> list[str]:
    """The image files, those of a folder one by one."""
    files: list[str] = []
    for word in options.images:
        folder = Path(word)
        if not folder.is_dir():
            files.append(word)
            continue
        if draw is not _maps:
            raise ValueError(f"{options.kind} takes one image file, and {word} is a folder: name one of its files.")
        suffixes = zoo.datasets.image_suffixes()
        inside = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in suffixes and path.is_file()]
        found = [path for path in inside if not path.name.startswith(".")]
        if not found:
            raise ValueError(f"No images in the folder {word}: expected files such as .png or .jpg.")
        shown = _spread(found)
        if len(shown) < len(found):
            folders = len({path.parent for path in found})
            over = f", spread over its {folders} folders" if folders > 1 else ""
            output.note(f"{len(shown)} of {len(found):,} images of {word}{over}")
        files += map(str, shown)
    return files


def _spread(found: list[Path]) -> list[Path]:
    """As many as are drawn, in turn of each folder, and of a folder at equal distances."""
    folders: dict[Path, list[Path]] = {}
    for path in found:
        folders.setdefault(path.parent, []).append(path)
    left, shares = min(_MOST, len(found)), dict.fromkeys(folders, 0)
    while left:
        for folder, inside in folders.items():
            if left and shares[folder] < len(inside):
                shares[folder] += 1
                left -= 1
    return [
        inside[place * len(inside) // shares[folder]]
        for folder, inside in folders.items()
        for place in range(shares[folder])
    ]


def _check_kind(options: argparse.Namespace, draw: Any) -> None:
    """Whether the kind is one for such a network, and the images are as many as fit: before data and backend."""
    if not options.name.endswith(".keras"):  # whose card is made from the model itself, which is loaded anyway
        of_graphs = zoo.card(options.name).task.startswith(("node-", "point-cloud-"))
        if draw in (_energy, _features) and not of_graphs:
            raise ValueError(f"{options.kind} is of graph networks, and {options.name} takes images.")
        if draw in (_maps, _turning, _mistakes) and of_graphs:
            raise ValueError(f"{options.kind} is of networks that take images, and {options.name} takes graphs.")
    most = 1 if draw is _turning else _MOST
    if len(options.images) > most:
        raise ValueError(
            f"{options.kind} takes at most {counted(most, 'image')}; got {len(options.images)}."
            + (" Name some of them, or draw several pictures." if most > 1 else "")
        )


def _curves(options: argparse.Namespace, path: Path) -> None:
    folder = Path(options.name)
    written = folder.is_dir() and (folder / zoo.hub.paths.HISTORY).is_file()  # a run, which no card lists file by file
    rows = folder if written else zoo.hub.asset(options.name, zoo.hub.paths.HISTORY)
    zoo.visual.plot_learning_curves(
        rows, path=path, title=folder.resolve().name if written else output.model_name(options.name)
    )


def _architecture(options: argparse.Namespace, path: Path) -> None:
    # The drawing needs no weights, and not every preset has them; a folder or a file is loaded as it is.
    weights = None if options.name in zoo.list_models() else "default"
    model = zoo.load(options.name, weights=weights, compile=False)
    of_its_own = weights is not None and not options.name.endswith(".keras")
    zoo.visual.plot_architecture(model, path=path, title=output.model_name(options.name) if of_its_own else None)


def _confusion(options: argparse.Namespace, path: Path) -> None:
    model, where, _, truth, found = _answers(options)
    answers = [row[0].index for row in found]
    counts = zoo.evaluation.confusion(truth, answers, len(model.labels))
    right = sum(map(int.__eq__, truth, answers))
    title = f"{output.model_name(options.name)} on {where}: {right:,} of {len(truth):,} right"
    zoo.visual.plot_confusion(counts, model.labels, path=path, title=title)


def _mistakes(options: argparse.Namespace, path: Path) -> None:
    model, _, images, truth, found = _answers(options)
    if images is None or images.ndim != 4:
        raise ValueError(f"{options.name} takes no images: mistakes are shown of pictures.")
    names = [model.labels[number] for number in truth]
    zoo.visual.plot_mistakes(images, found, names, path=path, count=options.count)


def _answers(options: argparse.Namespace) -> tuple[Any, str, Any, list[int], list[list[Any]]]:
    """The model, what it was asked about, and of the examples that count the images, true classes and predictions."""
    model = zoo.load(options.name)
    folder = Path(options.name)
    data, split, (inputs, labels, *weights) = zoo.evaluation.read_part(
        model, options.data, split=options.split, run=folder if folder.is_dir() else None
    )
    found = zoo.predict(model, inputs)
    truth = labels.reshape(-1).tolist()
    if len(found) != len(truth):
        raise ValueError(
            f"{options.name} gives several answers an example: there is no table of one class for another."
        )
    counted = weights[0].reshape(-1).tolist() if weights else [1] * len(truth)
    chosen = [place for place, weight in enumerate(counted) if weight > 0]
    images = None if isinstance(inputs, dict) else inputs[chosen]
    return model, f"{data}, {split}", images, [truth[place] for place in chosen], [found[place] for place in chosen]


def _maps(options: argparse.Namespace, path: Path) -> None:
    if not options.images:
        raise ValueError(f"Which images? zoo plot {options.name} maps photo.jpg")
    model = zoo.load(options.name)
    images = _read(options.images, model.input_shape[1:])
    best = [row[0] for row in zoo.predict(model, images, top=1)]
    classes = [one.index for one in best]  # the first network's answers: both rows show the evidence for the same
    rows = [(output.model_name(options.name), zoo.visual.cam(model, images, classes=classes))]
    if options.against:
        other = zoo.load(options.against)
        if (other.input_shape, other.labels) != (model.input_shape, model.labels):
            raise ValueError(f"{options.against} takes other images, or knows other classes, than {options.name}.")
        rows.append((output.model_name(options.against), zoo.visual.cam(other, images, classes=classes)))
    zoo.visual.plot_cams(images, rows, path=path, titles=[one.label for one in best])


def _turning(options: argparse.Namespace, path: Path) -> None:
    model = zoo.load(options.name)
    files = options.images or [_digit(model)]
    image = _read(files[:1], model.input_shape[1:])[0]
    models = {options.name: model}
    if options.against:
        models[Path(options.against).name] = zoo.load(options.against)
    zoo.visual.plot_turning(image, models, path=path)


def _digit(model: Any) -> Path:
    """A digit of the examples, which a checkout has, for a network that reads such digits."""
    found = Path(zoo.__file__).resolve().parents[1] / "examples" / "images" / "mnistrot" / "digit_38.png"
    if model.input_shape[1:] != (28, 28, 1) or not found.is_file():
        raise ValueError(f"Which image? zoo plot {model.name} turning photo.png")
    return found


def _read(files: list[Any], shape: tuple[int | None, ...]) -> Any:
    return zoo.datasets.read_images([os.fspath(file) for file in files], shape)


def _energy(options: argparse.Namespace, path: Path) -> None:
    model, graph, _ = _graph(options)
    energy = zoo.evaluation.graph_energy(model, graph)
    zoo.visual.plot_graph_energy({options.name: energy}, path=path, title=f"{options.name}: energy over the time steps")


def _features(options: argparse.Namespace, path: Path) -> None:
    model, graph, labels = _graph(options)
    states = {options.name: zoo.evaluation.graph_features(model, graph)}
    if options.against:
        states[Path(options.against).name] = zoo.evaluation.graph_features(zoo.load(options.against), graph)
    names = model.labels if len(model.labels) <= 12 else None  # more would hide the picture
    zoo.visual.plot_graph_features(states, labels, path=path, title="Nodes by class", labels=names)


def _graph(options: argparse.Namespace) -> tuple[Any, Any, Any]:
    """The model, the graph that it is measured on, and its nodes' classes."""
    model = zoo.load(options.name)
    if not zoo.evaluation.takes_graphs(model):
        raise ValueError(f"{options.name} takes images, not graphs: there is nothing to pass along edges.")
    _, _, (graph, labels, *_) = zoo.evaluation.read_part(model, options.data, split=options.split)
    return model, graph, labels.reshape(-1)


def _pruned(options: argparse.Namespace, path: Path) -> None:
    model = zoo.load(options.name)
    report = zoo.compression.sparsity_report(model)
    layers = {
        layer.name: (layer.kept * layer.weights_each, layer.connections * layer.weights_each) for layer in report.layers
    }
    if all(left == whole for left, whole in layers.values()):
        raise ValueError(
            f"{options.name} has no pruned connection: draw a network with masks, as "
            "zoo plot synaptic_vgg16_narrow_p96_cifar10 pruned"
        )
    zoo.visual.plot_pruned(layers, path=path)


def _size(options: argparse.Namespace, path: Path) -> None:
    _tradeoff(options, path, "parameters", "parameters")


def _cost(options: argparse.Namespace, path: Path) -> None:
    _tradeoff(options, path, "macs", "multiply-adds of one input")


def _tradeoff(options: argparse.Namespace, path: Path, key: str, label: str) -> None:
    """The model among all that were measured on the same data."""
    card = zoo.card(options.name)
    data = (card.dataset or {}).get("name", "")
    points = []
    for name in zoo.list_models(pretrained=True):
        other = zoo.card(name)
        same = data and (other.dataset or {}).get("name") == data
        if same and other.metrics and other.metrics[0]["name"] == "error" and other.architecture.get(key):
            value, cost = 100.0 - other.metrics[0]["value"], other.architecture[key]
            short = name.removesuffix(f"_{data}")
            points.append({"name": short, "group": other.family, "cost": cost, "value": value})
    if not points:
        raise ValueError(f"{options.name} has no measured test error and {key} to draw.")
    title, mark = f"Test accuracy on {data}", card.name.removesuffix(f"_{data}")
    zoo.visual.plot_tradeoff(points, path=path, labels=(label, "accuracy, %"), title=title, marked=mark)


KINDS: dict[str, tuple[Callable[[argparse.Namespace, Path], None], str]] = {
    "architecture": (_architecture, "its layers, from the input to the output"),
    "curves": (_curves, "accuracy and loss over the epochs, from history.csv"),
    "confusion": (_confusion, "which class was taken for which (needs data)"),
    "mistakes": (_mistakes, "the pictures it got most wrong (needs data)"),
    "maps": (_maps, "class maps over IMAGE ..., or a folder: what it looked at"),
    "turning": (_turning, "an IMAGE turned through 360 degrees, and the logits"),
    "energy": (_energy, "of graph networks: energy over depth (needs data)"),
    "features": (_features, "of graph networks: nodes over depth (needs data)"),
    "pruned": (_pruned, "of networks with masks: weights that are left, beside the dense network"),
    "size": (_size, "accuracy against parameters, among all models of its data set"),
    "cost": (_cost, "accuracy against multiply-adds, among all models of its data set"),
}
