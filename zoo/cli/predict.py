"""`zoo predict`: classify image files, or nodes of the graph that a model was trained on."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path
from typing import Any, NoReturn

from rich.text import Text

import zoo
from zoo import _paths, _writing
from zoo.cli import output

PHOTOGRAPHS, DIGITS = "efficientnet_lite0_imagenet", "e4net_mnistrot"
"""Models for those who name none: for pictures, and for grey ones of the size of handwritten digits."""
_DIGIT = (28, 28, 1)
_FEW = 32  # images for which a model is not compiled first
_TOP, _LEAST = 3, 0.001
"""How many classes are shown where nobody asks for a number, and how probable the second and third must be."""


def register(commands: Any) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "predict",
        help="classify images or nodes",
        description="Classify image files; or, as in `zoo predict pdegcn_cora --node 5`, nodes of the graph that ships "
        "with a model's weights. A file that cannot be read is a row with an error, and the exit code is 1. Your own "
        "graphs, features and edges, are classified in Python: "
        'zoo.predict(model, {"x": features, "edges": pairs}).',
    )
    parser.add_argument(
        "words",
        nargs="*",
        metavar="NAME IMAGE",
        help="model: NAME, NAME.TAG, a folder or hf://owner/name; then image files (PNG, JPEG, ...). Without a model, "
        f"photographs are classified by {PHOTOGRAPHS}, grey pictures of 28x28 pixels by {DIGITS}",
    )
    parser.add_argument("--model", metavar="NAME", help=argparse.SUPPRESS)  # an older spelling of the first word
    parser.add_argument("--node", type=int, nargs="+", metavar="N", help="nodes of the graph beside the weights")
    parser.add_argument(
        "--top",
        type=int,
        metavar="K",
        help=f"classes an image (default: {_TOP}, of which the table leaves out those below {100 * _LEAST:g} %%)",
    )
    parser.add_argument("--white", type=float, metavar="X", help="value of white in files of more than 8 bits")
    parser.add_argument("--invert", action="store_true", help="turn dark into light")
    parser.add_argument("--plot", metavar="FILE.png", help="also draw the images with their predictions")
    output.add_json(parser)
    parser.set_defaults(run=run, wrong_usage=parser.error)


def run(options: argparse.Namespace) -> int:
    """Prints the model's name and the most probable classes of each image."""
    if _top(options) < 1:
        raise ValueError(f"Expected --top of at least 1; got {options.top}.")
    name, files = _named(options)
    _check(options, name, files)
    if options.node is not None:
        return _run_nodes(options, name, files)
    if name is None:
        options.wrong_usage("name a model and image files, or nodes of its graph: zoo predict NAME digit.png")
        return 2
    if not files:
        _ask_for_images(name)
    model = zoo.load(name)
    if zoo.evaluation.takes_graphs(model):
        raise ValueError(f"{name} takes graphs, not images: zoo predict {name} --node 5")
    images, errors = zoo.datasets.read_each(files, model.input_shape[1:], white=options.white)
    good = [index for index, error in enumerate(errors) if error is None]
    if not good:
        raise ValueError("\n".join(str(error) for error in errors))
    images = 255 - images[good] if options.invert else images[good]
    if len(images) <= _FEW:
        zoo.hub.run_directly(model)
    predictions: list[Any] = [None] * len(files)
    for index, row in zip(good, zoo.predict(model, images, top=_top(options)), strict=True):
        predictions[index] = row
    if options.plot:
        zoo.visual.plot_predictions(images, [predictions[index] for index in good], path=options.plot)
    _print(options, output.model_name(name), files, predictions, errors)
    return output.exit_code(len(files) - len(good), len(files))


def _check(options: argparse.Namespace, name: str | None, files: list[str]) -> None:
    """What is wrong with model, files and picture is said before a backend is loaded."""
    if name is not None:
        of_nodes = zoo.card(name).task.startswith("node-")
        if of_nodes and files and options.node is None:
            raise ValueError(f"{name} takes graphs, not images: zoo predict {name} --node 5")
        if not of_nodes and options.node is not None:
            raise ValueError(f"{name} classifies images and knows of no nodes: zoo predict {name} digit.png")
    if options.plot:
        _writing.check_file(options.plot, (".png", ".svg"))


def _top(options: argparse.Namespace) -> int:
    return _TOP if options.top is None else int(options.top)


def _named(options: argparse.Namespace) -> tuple[str | None, list[str]]:
    """The model's name, or None where there is neither one nor an image, and the image files."""
    words = options.words
    name, files = options.model, words
    if name is None and words and _is_model(words[0]):
        name, files = words[0], words[1:]
    _check_files(files, name)
    return (_default(files, options.white) if name is None and files else name), files


def _check_files(files: list[str], name: str | None) -> None:
    """Files of which none is there: said without the packages that read images."""
    faults = []
    for file in files:
        if Path(file).is_dir() and os.access(file, os.R_OK | os.X_OK):
            command = shlex.join(["zoo", "batch", name or "NAME", file, "--out", "answers"])
            faults.append(
                f"{file} is a folder: {command} classifies all pictures in it. Here, list files, for instance "
                f"{_paths.some_files(Path(file))}."
            )
            continue
        try:
            _paths.check_image_file(Path(file))
            return
        except (ValueError, OSError) as error:
            faults.append(str(error))
    if faults:
        raise ValueError("\n".join(faults))


def _default(files: list[str], white: float | None = None) -> str:
    """The model for pictures that nobody named one for, said where it is not a digit's."""
    if all(_is_digit(file, white) for file in files):
        return DIGITS
    output.note(f"classified by {PHOTOGRAPHS}, for photographs of 1,000 things; name another model first")
    return PHOTOGRAPHS


def _is_digit(file: str, white: float | None) -> bool:
    """Whether a file has the size of a digit's picture; what cannot be read is no reason against it."""
    try:
        return zoo.datasets.image_shape(file, white=white) == _DIGIT
    except (ValueError, OSError):
        return True


def _is_model(word: str) -> bool:
    """Whether a word means a model: a folder with a card, or what is neither a file nor called like an image."""
    path = Path(word)
    if path.is_dir():
        return (path / "card.json").is_file() or ("/" not in word and word.split(".")[0] in zoo.list_models())
    if path.exists() or path.is_symlink() or path.suffix.lower() in _paths.PICTURES:
        return False
    return not path.suffix or path.suffix.lower() not in zoo.datasets.image_suffixes()


def _ask_for_images(name: str) -> NoReturn:
    if zoo.card(name).task.startswith("node-"):
        raise ValueError(f"{name} is a model that classifies nodes: say which, as in zoo predict {name} --node 5")
    raise ValueError(f"{name} is a model: name image files, too, as in zoo predict {name} digit.png")


def _print(
    options: argparse.Namespace, name: str, files: list[str], predictions: list[Any], errors: list[str | None]
) -> None:
    if options.json:
        rows = zip(files, predictions, errors, strict=True)
        output.print_json(
            [
                {"file": file, "model": name, "predictions": [vars(one) for one in row or ()], "error": error}
                for file, row, error in rows
            ]
        )
        return
    output.show(f"model: {name}", _table(options, "file", files, predictions, errors))
    if options.plot:
        output.show(f"picture: {options.plot}")


def _run_nodes(options: argparse.Namespace, name: str | None, others: list[str]) -> int:
    if name is None or others:
        words = [word for word in (name, *others) if word is not None]
        raise ValueError(f"--node goes with one model's name, as in zoo predict NAME --node 5; got {words}.")
    for option in ("plot", "invert", "white"):
        if getattr(options, option):
            raise ValueError(f"--{option} is for images: leave it out with --node.")
    predictions, name = zoo.predict(name, nodes=options.node, top=_top(options)), output.model_name(name)
    if options.json:
        pairs = zip(options.node, predictions, strict=True)
        output.print_json(
            [{"node": node, "model": name, "predictions": [vars(found) for found in row]} for node, row in pairs]
        )
    else:
        nodes = [str(node) for node in options.node]
        output.show(f"model: {name}", _table(options, "node", nodes, predictions, [None] * len(nodes)))
    return 0


def _table(options: argparse.Namespace, what: str, names: list[str], predictions: Any, errors: list[str | None]) -> Any:
    least = _LEAST if options.top is None else 0.0
    others = [
        ", ".join(f"{one.label} {one.percent}" for one in (row or ())[1:] if one.probability >= least)
        for row in predictions
    ]
    columns = {"next best": others, "error": [error or "" for error in errors]}
    more = {name: cells for name, cells in columns.items() if any(cells)}  # no empty column
    table = output.table(what, "prediction", "probability", *more, right=("probability",))
    for index, (name, row) in enumerate(zip(names, predictions, strict=True)):
        answer = (Text(row[0].label, "bold"), row[0].percent) if row else (Text("none", "bold red"), "")
        table.add_row(Text(name), *answer, *(Text(cells[index]) for cells in more.values()))
    return table
