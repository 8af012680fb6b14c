"""`prepare`: data sets from their authors, and array_record files that TensorFlow Datasets writes and reads."""

from __future__ import annotations

import contextlib
import glob
import io
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo._paths import expanded
from zoo._suggestions import did_you_mean
from zoo._writing import check_target
from zoo.datasets import getting, planetoid
from zoo.datasets.roots import chosen_folder, data_folder
from zoo.math.values import check_pair

_INFO = "dataset_info.json"
_VERSION = re.compile(r"\d+\.\d+\.\d+")
PLACES = "places365"
"""The set that exists in prepared form alone."""
WITH_REPEATED = "test_with_repeated"
"""How the split `test+repeated` is called in the files: TFDS joins splits at a plus sign."""
_BLOCK = 1024  # examples decoded at a time


def prepare(
    name: str,
    *,
    data: str | os.PathLike[str] | None = None,
    files: Sequence[str | os.PathLike[str]] | None = None,
    out: str | os.PathLike[str] | None = None,
    size: int | tuple[int, int] | None = None,
    grayscale: bool = False,
    progress: bool = True,
) -> Path:
    """Gets a data set, or writes one as array_record files of TensorFlow Datasets; `zoo.datasets.load` reads both.

    Without `out`, CIFAR-10 and -100, Fashion-MNIST, MNIST-rot and the citation graphs are downloaded from their
    authors by TensorFlow Datasets, or made from the authors' `files`, and lie in the data folder afterwards.
    Everything else, and everything with `out`, is written from what lies in the data folder as array_record files,
    which TFDS reads, too; the pictures of Places365 are downloaded if they are not there.

    The files are written under another name, which is changed when they are complete; what an interruption leaves
    behind is never read. A set that is there already is left as it is, and a line on the standard error stream says so.

    Args:
        name: a name of `list_datasets()`, or of a folder `<data>/<name>` with the layout `<class>/<image>`, or with
            `train`, `validation` and `test` of this layout.
        data: the folder with the data sets; by default the environment variable `ZOO_DATA`. It is made if it is not
            there and a set is got.
        files: the authors' files, by their own names, or folders with them, where nothing shall be downloaded.
        out: the folder that gets the array_record files; `load(name, split, data=out)` reads from it.
        size: for a folder of images and for Places365: height and width in pixels, or one number for both.
        grayscale: for a folder of images: one channel instead of three.
        progress: say what happens on the standard error stream, with progress bars when that is a terminal.

    Returns:
        The folder of the set.

    Raises:
        ImportError: tensorflow-datasets is needed and not installed.
        FileNotFoundError: the data is not there.
        ConnectionError: a download failed; says which files to fetch and what to do with them.
        ValueError: a damaged file, or one that is not the authors', a size for a set that has one, none for a folder
            of images, or a set that is there already with images of another size or other colours.
        OSError: the folder is a file, lies below one, or cannot be written.

    Example:
        >>> folder = prepare("cora", data="data")  # doctest: +SKIP
        >>> inputs, labels, weight = zoo.datasets.load("cora", "train", data="data")  # doctest: +SKIP
    """
    if out is None and name in getting.WAYS:
        return _get(name, data, files, size, grayscale, progress)
    if files is not None:
        raise ValueError(
            f"Files are for {', '.join(sorted(getting.WAYS))}, without out (--out); got {name!r}"
            + (f" and {out}." if out is not None else ".")
        )
    root = data_folder(data, name)
    _check_name(name, root)  # before TensorFlow Datasets is imported, which takes seconds
    from zoo.datasets.builders.common import tfds

    target = root if out is None else expanded(out)
    if find_prepared(name, target) is None:
        check_target(target, "the prepared sets")
    show = progress and sys.stderr.isatty()
    (tfds.enable_progress_bar if show else tfds.disable_progress_bar)()
    builder, manual = _builder(name, root, target, size, grayscale)
    folder = Path(builder.data_dir)
    if (folder / _INFO).is_file():
        if size is not None:
            _check_shape(folder, _shape(size, grayscale))
        if progress:
            print(f"zoo: {name} is prepared already and left as it is: {folder}", file=sys.stderr)
        return folder
    if not manual.is_dir():
        way = (
            f"First run: {getting.command(name, root)}"
            if name in getting.WAYS
            else "zoo knows no address to get it from."
        )
        raise FileNotFoundError(f"No folder {manual}: nothing to prepare {name!r} from. {way}")
    config = tfds.download.DownloadConfig(manual_dir=manual)
    # TFDS tells what it does on the standard output, which belongs to the result.
    with contextlib.redirect_stdout(sys.stderr if show else io.StringIO()):
        builder.download_and_prepare(download_config=config, file_format="array_record")
    return folder


def _get(name: str, data: Any, files: Any, size: Any, grayscale: bool, progress: bool) -> Path:
    _check_no_shape(name, size, grayscale)
    root = chosen_folder(data)
    if root is None:
        raise ValueError(
            f"Where shall {name} go? Pass data=<folder> (--data on the command line), or set ZOO_DATA: "
            f"{getting.command(name, 'data')}"
        )
    folder, new = getting.get(name, root, files, show=progress and sys.stderr.isatty())
    if progress and not new:
        print(f"zoo: {name} is there already and left as it is: {folder}", file=sys.stderr)
    return folder


def find_prepared(name: str, root: Path) -> Path | None:
    """The newest complete prepared set of a name under a folder, or None.

    Args:
        name: of the set.
        root: the folder given to `prepare` as `out`.

    Returns:
        The folder with the set's files.
    """
    own = glob.escape(str(name))
    found = [path.parent for pattern in (own, f"*/{own}") for path in root.glob(f"{pattern}/*/{_INFO}")]
    complete = [path for path in found if _VERSION.fullmatch(path.name)]
    return max(complete, key=lambda path: tuple(map(int, path.name.split("."))), default=None)


def read_prepared(folder: Path, name: str, split: str) -> tuple[Any, ...]:
    """Reads a split of a prepared set; the result is that of the files it was made from.

    Args:
        folder: as `find_prepared` gives it.
        name: of the set.
        split: one of the stored splits, or several joined by `+`.

    Returns:
        What `zoo.datasets.load` returns.

    Raises:
        ImportError: tensorflow-datasets is not installed.
        ValueError: unknown split.
    """
    from zoo.datasets.builders.common import tfds

    builder = tfds.builder_from_directory(folder)
    if set(builder.info.splits) == {"graph"}:
        return _read_graph(builder, name, split)
    parts = [WITH_REPEATED] if split == "test+repeated" and WITH_REPEATED in builder.info.splits else split.split("+")
    if not set(parts) <= set(builder.info.splits):
        raise ValueError(
            f"Unknown split {split!r} of the prepared set {name}. Expected one of: {', '.join(builder.info.splits)}, "
            "or several of them joined by +."
        )
    images, labels = zip(*(_read_images(builder, part) for part in parts), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def _builder(name: str, root: Path, out: Path, size: Any, grayscale: bool) -> tuple[Any, Path]:
    from zoo.datasets.builders import common, image_sets, mnist_rot, scene_folder
    from zoo.datasets.builders import planetoid as graphs

    known = [config.name for config in image_sets.ZooImageSet.BUILDER_CONFIGS]
    if name == PLACES:
        return _places(root, out, size, grayscale)
    if name not in (*known, *planetoid.NAMES, "mnist_rot"):
        if not (root / name).is_dir():
            raise ValueError(f"{name!r} is read as it is: there is nothing to prepare.")
        if size is None:
            raise ValueError(f"Which size should the images of {name!r} get? Pass size=<pixels> (--size).")
        height, width, _ = _shape(size, grayscale)
        config = common.FolderConfig(name=name, path=str(root / name), size=(height, width), grayscale=grayscale)
        return scene_folder.SceneFolder(config=config, data_dir=out), root / name
    _check_no_shape(name, size, grayscale)
    if name == "mnist_rot":
        return mnist_rot.MnistRot(data_dir=out), root / name
    if name in planetoid.NAMES:
        return graphs.ZooPlanetoid(config=name, data_dir=out), root / planetoid.FOLDER
    return image_sets.ZooImageSet(config=name, data_dir=out), root / name


def _check_name(name: str, root: Path) -> None:
    """A `ValueError` for a name that is neither that of a data set nor that of a folder beside them."""
    from zoo.datasets.sources import sources  # which itself asks this module

    if name not in sources() and not (root / name).is_dir():
        raise ValueError(
            f"Unknown data set {name!r}.{did_you_mean(name, sources())} Expected {', '.join(sorted(sources()))}, or a "
            f"folder {root / name} with a sub-folder of images for each class."
        )


def _check_no_shape(name: str, size: Any, grayscale: bool) -> None:
    if size is not None or grayscale:
        raise ValueError(f"The images of {name} have their size and colours; leave size and grayscale out.")


def _places(root: Path, out: Path, size: Any, grayscale: bool) -> tuple[Any, Path]:
    """Places365 from the set that TensorFlow Datasets keeps in the data folder."""
    from zoo.datasets.builders import common, places365

    if size is None:
        raise ValueError(f"Which size should the images of {PLACES!r} get? Pass size=<pixels> (--size).")
    source = places365.find_source(root)
    height, width, _ = _shape(size, grayscale)
    config = common.FolderConfig(name=PLACES, path=str(source), size=(height, width), grayscale=grayscale)
    return places365.ZooPlaces365(config=config, data_dir=out), source


def _shape(size: int | tuple[int, int], grayscale: bool) -> tuple[int, int, int]:
    height, width = check_pair("size", size)
    return height, width, 1 if grayscale else 3


def _check_shape(folder: Path, wanted: tuple[int, int, int]) -> None:
    """Raises ValueError if the set that is there has images of another shape than those that are asked for."""
    from zoo.datasets.builders.common import tfds

    there = tuple(tfds.builder_from_directory(folder).info.features["image"].shape)
    if there != wanted:
        raise ValueError(
            f"The prepared set in {folder} has images of height, width and channels {there}; asked for are {wanted}. "
            "Choose another folder (--out), or remove that one first."
        )


def _read_images(builder: Any, split: str) -> tuple[np.ndarray, np.ndarray]:
    source, count = builder.as_data_source(split=split), builder.info.splits[split].num_examples
    images = np.empty((count, *builder.info.features["image"].shape), np.uint8)
    labels = np.empty(count, np.int64)
    for start in range(0, count, _BLOCK):
        block = source.__getitems__(list(range(start, min(start + _BLOCK, count))))
        for index, example in enumerate(block, start):
            images[index], labels[index] = example["image"], example["label"]
    return images, labels


def _read_graph(builder: Any, name: str, split: str) -> tuple[Any, ...]:
    if split not in planetoid.PUBLIC_SPLITS:
        raise ValueError(
            f"Unknown split {split!r} of the prepared set {name}. Expected one of: "
            f"{', '.join(planetoid.PUBLIC_SPLITS)} (those of Geom-GCN are read from the raw files only)."
        )
    stored = builder.as_data_source(split="graph")[0]
    return planetoid.as_inputs(stored["features"], stored["edges"], stored["labels"], stored[split])
