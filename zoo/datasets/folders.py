"""Image sets as people keep them: a folder a class, an image a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from zoo.datasets.images import PathLike, open_image


def load_folder(
    path: PathLike, *, size: int | tuple[int, int], grayscale: bool = False
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Reads a folder of the layout `<class>/<image>` into memory.

    Each image is scaled so that it just covers the size and cut out around its centre (Lanczos, as it is customary for
    scene pictures). Camera orientation is applied; transparency becomes black. Hidden files and files whose names do
    not end like an image's are passed over.

    Args:
        path: the folder; each of its sub-folders is a class.
        size: height and width of the result in pixels, or one number for both.
        grayscale: one channel instead of three.

    Returns:
        Images, uint8 of shape `(N, height, width, channels)`, labels, int64 of shape `(N,)`, and the names of the
        classes: label k is `names[k]`. Classes and images come in alphabetical order; shuffle before you cut.

    Raises:
        FileNotFoundError: the folder does not exist.
        ValueError: no class folders, a class without images, a bad size, or broken images; all of those are named.

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
    height, width = _sides(size)
    files = list_folder(path)
    channels = 1 if grayscale else 3
    images = np.empty((sum(map(len, files.values())), height, width, channels), np.uint8)
    broken = []
    for index, file in enumerate(file for group in files.values() for file in group):
        try:
            images[index] = _fitted(file, height, width, channels)
        except ValueError as error:
            broken.append(str(error))
    if broken:
        more = f"\n... and {len(broken) - 10} more" if len(broken) > 10 else ""
        raise ValueError(
            f"{len(broken)} of {len(images)} images in {path} cannot be read; repair or remove them:\n"
            + "\n".join(broken[:10])
            + more
        )
    labels = np.repeat(np.arange(len(files)), [len(group) for group in files.values()])
    return images, labels.astype(np.int64), list(files)


def list_folder(path: PathLike) -> dict[str, list[Path]]:
    """The image files of each class of a folder `<class>/<image>`, both in alphabetical order.

    Args:
        path: the folder.

    Returns:
        Files by the name of their class.

    Raises:
        FileNotFoundError: the folder does not exist.
        ValueError: no class folders, or a class without images.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise FileNotFoundError(f"No such folder: {folder}. Expected one with a sub-folder of images for each class.")
    suffixes = Image.registered_extensions()
    classes = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not classes:
        raise ValueError(f"Expected a sub-folder of images for each class in {folder}; there is none.")
    files = {
        entry.name: sorted(
            file
            for file in entry.iterdir()
            if file.is_file() and file.suffix.lower() in suffixes and not file.name.startswith(".")
        )
        for entry in classes
    }
    empty = [name for name, group in files.items() if not group]
    if empty:
        raise ValueError(f"Expected images in every sub-folder of {folder}; none in: {', '.join(empty)}.")
    return files


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


def _sides(size: int | tuple[int, int]) -> tuple[int, int]:
    sides = (size, size) if isinstance(size, int) else tuple(size)
    if len(sides) != 2 or min(sides) < 1:
        raise ValueError(f"Expected a size in pixels, one number or (height, width); got {size}.")
    return sides[0], sides[1]


def _fitted(file: Path, height: int, width: int, channels: int) -> np.ndarray:
    return _fit(open_image(file), height, width, channels)


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
