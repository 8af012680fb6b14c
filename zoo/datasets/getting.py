"""Data sets from their authors: downloaded by TensorFlow Datasets, or from files that the user has fetched."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import socket
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from zoo._paths import expanded
from zoo._writing import check_target
from zoo.datasets import archives, image_arrays, mnist_rot, planetoid, sheets
from zoo.datasets.archives import Archive
from zoo.datasets.planetoid_raw import is_raw, raw_files, read_raw

Files = Mapping[str, Path]
_PLANETOID = "https://github.com/kimiyoung/planetoid/raw/master/data/"
_CLASSIC = (Archive(mnist_rot.CLASSIC_TRAIN), Archive(mnist_rot.CLASSIC_TEST))
WAYS: dict[str, tuple[tuple[Archive, ...], ...]] = {
    "cifar10": ((archives.CIFAR10_BINARY,), (archives.CIFAR10_PYTHON,)),
    "cifar100": ((archives.CIFAR100_BINARY,), (archives.CIFAR100_PYTHON,)),
    "fashion_mnist": (archives.FASHION_MNIST,),
    "mnist_rot": (archives.MNIST, (archives.ROTATION,), _CLASSIC),
    **{name: (tuple(Archive(_PLANETOID + file) for file in raw_files(name)),) for name in planetoid.NAMES},
}
"""By data set the files that it can be made from, each way complete; the first one is downloaded."""
SIZES = {"citeseer": (3327, 3703, 6, 4552), "cora": (2708, 1433, 7, 5278), "pubmed": (19717, 500, 3, 44324)}
"""Nodes, words, classes and citations of each graph."""
_VALIDATION = Path(__file__).with_name("cifar10_validation.npy")


def get(
    name: str, root: Path, files: Sequence[str | os.PathLike[str]] | None = None, *, show: bool = False
) -> tuple[Path, bool]:
    """Puts a data set into the data folder, in the form that `load` reads; a set that is there is left as it is.

    Args:
        name: one of `WAYS`.
        root: the data folder; made if it is not there.
        files: the authors' files, or folders with them; None downloads them.
        show: progress bars.

    Returns:
        The folder with the set's files, and whether it was made now.

    Raises:
        FileNotFoundError: one of the files is not there.
        ValueError: other files than the set is made from, one that is damaged or that is not the published one.
        ImportError: tensorflow-datasets is needed for a download, and not installed; says which files to fetch.
        ConnectionError: the download failed; says which files to fetch.
        OSError: the data folder cannot be written.
    """
    folder = root / (planetoid.FOLDER if name in planetoid.NAMES else name)
    if is_there(name, folder):
        return folder, False
    check_target(folder, f"the data of {name}")
    root.mkdir(parents=True, exist_ok=True)
    # Beside the data, so that what is complete is renamed and not copied.
    with tempfile.TemporaryDirectory(dir=root, prefix=f".{name}-", ignore_cleanup_errors=True) as scratch:
        found = _download(name, Path(scratch, "download"), root, show) if files is None else _find(name, files)
        made = Path(scratch, "made")
        made.mkdir()
        for archive in next(way for way in WAYS[name] if _is_complete(way, found)):
            archive.check(found[archive.file])
        _MAKERS[name](found, made)
        folder.mkdir(exist_ok=True)
        for path in sorted(made.iterdir()):
            os.replace(path, folder / path.name)
    return folder, True


def is_there(name: str, folder: Path) -> bool:
    """Whether a folder holds a data set, so that there is nothing to get."""
    if name in planetoid.NAMES:
        return (folder / f"{name}.npz").is_file() or is_raw(folder, name)
    if name == "mnist_rot" and all((folder / archive.file).is_file() for archive in _CLASSIC):
        return True
    return (folder / f"{name}.npz").is_file() or (name == "cifar10" and (folder / sheets.LABELS).is_file())


def command(name: str, root: Path | str, *files: str) -> str:
    """The command that gets a data set.

    Example:
        >>> command("cora", "data")
        'zoo data prepare cora --data data'
    """
    words = ["zoo", "data", "prepare", name, *(["--from", *files] if files else []), "--data", str(root)]
    return shlex.join(words)


def by_hand(name: str, root: Path) -> str:
    """Which files to fetch, from where, and the command to run then."""
    urls = "".join(f"\n  {archive.url}" for archive in WAYS[name][0])
    files = (archive.file for archive in WAYS[name][0])
    return f"Fetch by hand:{urls}\nand run: {command(name, root, *files)}"


def _download(name: str, target: Path, root: Path, show: bool) -> dict[str, Path]:
    try:
        from zoo.datasets.builders.common import tfds
    except ImportError as error:
        raise ImportError(
            f'Downloads need tensorflow-datasets: pip install "zoo[data]". Or without it: {by_hand(name, root)}'
        ) from error
    (tfds.enable_progress_bar if show else tfds.disable_progress_bar)()
    urls = {archive.file: archive.url for archive in WAYS[name][0]}
    try:
        _check_reachable(WAYS[name][0][0].url)
        paths = tfds.download.DownloadManager(download_dir=target).download(urls)
    except Exception as error:  # of requests, of urllib, of the sockets, and TFDS's own about checksums
        raise ConnectionError(f"The files of {name} cannot be downloaded: {error}\n{by_hand(name, root)}") from error
    return {file: Path(path) for file, path in paths.items()}


def _check_reachable(url: str) -> None:
    """Raises OSError at once where there is no network; TFDS tries for many minutes."""
    if urllib.request.getproxies():
        return  # a proxy may know hosts that this machine does not
    parts = urllib.parse.urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    socket.create_connection((parts.hostname, port), timeout=20).close()


def _find(name: str, given: Sequence[str | os.PathLike[str]]) -> dict[str, Path]:
    """The files that were given by their names, with those of the folders that were given."""
    wanted = {archive.file for way in WAYS[name] for archive in way}
    found: dict[str, Path] = {}
    for path in map(Path, given):
        path = expanded(path)
        if not path.exists():
            raise FileNotFoundError(f"No such file or folder: {path}.")
        for item in (path / file for file in wanted) if path.is_dir() else [path]:
            if item.is_file():
                found[item.name] = item
    if not any(_is_complete(way, found) for way in WAYS[name]):
        ways = "; or ".join(" ".join(archive.file for archive in way) for way in WAYS[name])
        got = " ".join(sorted(found)) or "none of these"
        raise ValueError(f"Expected the files of {name} by their own names: {ways}. Got {got}.")
    return found


def _is_complete(way: tuple[Archive, ...], files: Files) -> bool:
    return all(archive.file in files for archive in way)


def _make_cifar(kind: image_arrays.ImageArrays, files: Files, made: Path) -> None:
    archive = next(way[0] for way in WAYS[kind.name] if _is_complete(way, files))
    halves = archives.read_cifar(archive, files[archive.file])
    if kind == image_arrays.CIFAR10:
        images, labels = halves["train"]
        order = np.argsort(_is_validation(images), kind="stable")
        halves["train"] = images[order], labels[order]
    _write(kind, halves, made, files[archive.file])


def _is_validation(images: np.ndarray) -> np.ndarray:
    """Which images are those that the published weights were chosen by: 5,000 of the 50,000, known by their hashes."""
    hashes = [int.from_bytes(hashlib.sha256(image.tobytes()).digest()[:8], "little") for image in images]
    return np.isin(np.array(hashes, np.uint64), np.load(_VALIDATION, allow_pickle=False))


def _make_fashion(files: Files, made: Path) -> None:
    halves = _idx_halves(files)
    halves = {half: (images[..., None], labels) for half, (images, labels) in halves.items()}
    _write(image_arrays.FASHION_MNIST, halves, made, "the idx files")


def _make_rotated(files: Files, made: Path) -> None:
    """The classic files as they are, or the set made anew from MNIST."""
    if _is_complete(archives.MNIST, files):
        (train, train_labels), (test, test_labels) = _idx_halves(files).values()
        arrays: dict[str, Any] = mnist_rot.regenerate(
            np.concatenate([train, test]), np.concatenate([train_labels, test_labels])
        )
        np.savez_compressed(made / mnist_rot.NPZ, **arrays)
        return
    names = [archive.file for archive in _CLASSIC]
    if archives.ROTATION.file in files:
        archives.copy_members(files[archives.ROTATION.file], names, made)
    else:
        for file in names:
            shutil.copyfile(files[file], made / file)
    for file in names:
        mnist_rot.read_amat(made / file)  # or a damaged file would be taken for the set


def _make_graph(name: str, files: Files, made: Path) -> None:
    for file in raw_files(name):
        shutil.copyfile(files[file], made / file)
    features, edges, labels, _ = read_raw(made, name)
    found = (*features.shape, int(labels.max()) + 1, len(edges) // 2)
    if found != SIZES[name]:
        raise ValueError(
            f"Expected the files of {name} to hold {SIZES[name]} nodes, words, classes and citations; got {found}. "
            f"Fetch them anew from {_PLANETOID}"
        )


def _idx_halves(files: Files) -> dict[str, archives.Half]:
    return {half: archives.read_idx(*(files[file] for file in pair)) for half, pair in archives.IDX.items()}


def _write(kind: image_arrays.ImageArrays, halves: Mapping[str, archives.Half], made: Path, where: object) -> None:
    for half, (images, labels) in halves.items():
        kind.check(images, labels, half, where)
    arrays: dict[str, Any] = {
        f"{axis}_{half}": part for half, pair in halves.items() for axis, part in zip("xy", pair, strict=True)
    }
    np.savez(made / kind.file, **arrays)


_MAKERS: dict[str, Callable[[Files, Path], None]] = {
    "cifar10": partial(_make_cifar, image_arrays.CIFAR10),
    "cifar100": partial(_make_cifar, image_arrays.CIFAR100),
    "fashion_mnist": _make_fashion,
    "mnist_rot": _make_rotated,
    **{name: partial(_make_graph, name) for name in planetoid.NAMES},
}
