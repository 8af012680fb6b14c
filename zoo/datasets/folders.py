"""Image sets as people keep them: a folder a class, an image a file."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from zoo.datasets.images import warn_of
from zoo.datasets.picture_files import PathLike, image_suffixes, open_image
from zoo.datasets.walking import walk
from zoo.math.values import check_pair

ON_ERROR = ("list", "skip", "stop")
_NAMED = 10


def load_folder(
    path: PathLike,
    *,
    size: int | tuple[int, int],
    grayscale: bool = False,
    on_error: str = "list",
    white: float | None = None,
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Reads a folder of the layout `<class>/<image>` into memory.

    Each image is scaled so that it just covers the size and cut out around its centre (Lanczos, as it is customary for
    scene pictures). Files are read as `read_images` reads them. Links to files and folders are followed. Hidden files
    and documents, whose names do not end like an image's, are passed over; images that lie beside the class folders or
    in folders below them belong to no class, and a warning names them.

    Args:
        path: the folder; each of its sub-folders is a class.
        size: height and width of the result in pixels, or one number for both.
        grayscale: one channel instead of three.
        on_error: what to do about images that cannot be read, links that lead nowhere among them. `"list"`: read all,
            then one error lists them. `"stop"`: an error at the first. `"skip"`: leave them out; a warning lists them.
        white: which value is white in files of more than 8 bits, as for `read_images`.

    Returns:
        Images, uint8 of shape `(N, height, width, channels)`, labels, int64 of shape `(N,)`, and the names of the
        classes: label k is `names[k]`. Classes and images come in alphabetical order; shuffle before you cut.

    Raises:
        FileNotFoundError: the folder does not exist.
        ValueError: no class folders, a class without images, a bad size, another word for `on_error`, or broken images.

    Example:
        >>> import pathlib, tempfile
        >>> from PIL import Image
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> for name in ("cat", "dog"):
        ...     (folder / name).mkdir()
        ...     Image.new("RGB", (40, 30), "white").save(folder / name / "1.png")
        >>> images, labels, names = load_folder(folder, size=24)
        >>> images.shape, labels.tolist(), names
        ((2, 24, 24, 3), [0, 1], ['cat', 'dog'])
    """
    height, width = check_pair("size", size)
    if on_error not in ON_ERROR:
        raise ValueError(f"Expected on_error to be one of {', '.join(ON_ERROR)}; got {on_error!r}.")
    files = list_folder(path)
    labels = np.repeat(np.arange(len(files)), [len(group) for group in files.values()]).astype(np.int64)
    images = np.empty((len(labels), height, width, 1 if grayscale else 3), np.uint8)
    broken: dict[int, str] = {}
    notes: list[str] = []
    for index, file in enumerate(file for group in files.values() for file in group):
        try:
            image = open_image(file, white=white, notes=notes)
            images[index] = _fit(image, *images.shape[1:])
        except (ValueError, OSError) as error:
            if on_error == "stop":
                raise
            broken[index] = str(error)
    warn_of(notes, stacklevel=3)
    if broken:
        kept = _left(path, broken, labels, list(files), on_error)
        images, labels = images[kept], labels[kept]
    return images, labels, list(files)


def _left(path: PathLike, broken: dict[int, str], labels: np.ndarray, names: list[str], on_error: str) -> np.ndarray:
    """Which images are left without the broken ones; an error unless these shall be skipped."""
    listed = "\n".join([*broken.values()][:_NAMED])
    listed += f"\n... and {len(broken) - _NAMED} more" if len(broken) > _NAMED else ""
    text = f"{len(broken)} of {len(labels)} images in {path} cannot be read"
    if on_error == "list":
        raise ValueError(f"{text}; repair or remove them, or leave them out (on_error='skip'):\n{listed}")
    kept = ~np.isin(np.arange(len(labels)), [*broken])
    emptied = [name for index, name in enumerate(names) if not (labels[kept] == index).any()]
    if emptied:
        raise ValueError(f"{text}, and none is left in: {', '.join(emptied)}.\n{listed}")
    warnings.warn(f"{text} and are left out:\n{listed}", stacklevel=3)
    return kept


def list_folder(path: PathLike) -> dict[str, list[Path]]:
    """The image files of each class of a folder `<class>/<image>`, both in alphabetical order.

    Broken links that are called like images are among them. A warning names images that belong to no class.

    Args:
        path: the folder.

    Returns:
        Files by the name of their class.

    Raises:
        FileNotFoundError: the folder does not exist.
        ValueError: no class folders, or a class without images.
    """
    folder = Path(path)
    classes = class_folders(folder)
    files: dict[str, list[Path]] = {name: [] for name in classes}
    strays = []
    suffixes = image_suffixes()
    for entry in walk(folder):
        name, *deeper = entry.path.split("/")
        if entry.suffix in suffixes and len(deeper) == 1:
            files[name].append(folder / entry.path)
        elif entry.suffix in suffixes or entry.broken:
            strays.append(f"{entry.path} (a broken link, or not to be read)" if entry.broken else entry.path)
    found = ", ".join(strays[:_NAMED]) + (f" and {len(strays) - _NAMED} more" if len(strays) > _NAMED else "")
    empty = [name for name, group in files.items() if not group]
    if empty:
        hint = f" Images below or beside the sub-folders belong to no class: {found}." if strays else ""
        raise ValueError(f"Expected images in every sub-folder of {folder}; none in: {', '.join(empty)}.{hint}")
    if strays:
        warnings.warn(f"Not read, as they lie beside or below the class folders of {folder}: {found}.", stacklevel=3)
    return files


def check_classes(folder: Path) -> None:
    """Whether each class has an image, by the names of the files: of a class that has, only the first is looked at.

    Raises:
        FileNotFoundError: the folder does not exist.
        ValueError: no class folders, or a class without images.
    """
    suffixes = image_suffixes()
    if not all(_has_image(folder / name, suffixes) for name in class_folders(folder)):
        list_folder(folder)  # which says what is wrong


def _has_image(folder: Path, suffixes: frozenset[str]) -> bool:
    try:
        return any(
            entry.suffix.lower() in suffixes and not entry.name.startswith(".") and not entry.is_dir()
            for entry in folder.iterdir()
        )
    except OSError:  # may not be listed
        return False


def class_folders(folder: Path) -> list[str]:
    """The names of the sub-folders; what is in them is not looked at.

    Raises:
        FileNotFoundError: the folder does not exist.
        ValueError: it has none.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"No such folder: {folder}. Expected one with a sub-folder of images for each class.")
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not names:
        raise ValueError(f"Expected a sub-folder of images for each class in {folder}; there is none.")
    return names


def find_splits(path: PathLike) -> dict[str, Path]:
    """The folders of the splits: `train`, `validation` and `test` inside, or the folder itself as `train`.

    Args:
        path: the folder.

    Returns:
        Folders of the layout `<class>/<image>` by the name of their split.

    Raises:
        FileNotFoundError: the folder does not exist.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise FileNotFoundError(f"No such folder: {folder}. Expected one with a sub-folder of images for each class.")
    inside = {entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")}
    if "train" in inside and inside <= {"train", "validation", "test"}:
        return {split: folder / split for split in ("train", "validation", "test") if split in inside}
    return {"train": folder}


def fit_pixels(pixels: np.ndarray, size: tuple[int, int], channels: int) -> np.ndarray:
    """The centre of an image at another size, as `load_folder` cuts it.

    Args:
        pixels: uint8 of shape `(H, W, 3)`.
        size: height and width of the result.
        channels: 1 (grey) or 3.

    Returns:
        uint8 of shape `(height, width, channels)`.

    Example:
        >>> fit_pixels(np.zeros((60, 80, 3), "uint8"), (32, 32), 1).shape
        (32, 32, 1)
    """
    return _fit(Image.fromarray(pixels), *size, channels)


def _fit(image: Image.Image, height: int, width: int, channels: int) -> np.ndarray:
    image = image.convert("L" if channels == 1 else "RGB")
    fitted = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
    return np.asarray(fitted).reshape(height, width, channels)
