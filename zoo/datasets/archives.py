"""The authors' archives of CIFAR-10 and -100, MNIST, Fashion-MNIST and MNIST-rot: where they are, what they hold.

Nothing is unpacked: members are read by their exact names, and an archive that names paths outside itself is refused.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import struct
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from zoo._reading import readable
from zoo.datasets.pickles import read_pickle

Half = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Archive:
    """A file of the authors.

    Attributes:
        url: its address; the last part is the file's name.
        digest: its hash, as `md5:...` or `sha256:...`; empty where none is published.
    """

    url: str
    digest: str = ""

    @property
    def file(self) -> str:
        """The file's name."""
        return self.url.rsplit("/", 1)[-1]

    def check(self, path: Path) -> None:
        """Raises ValueError if a file has another hash than the published one."""
        if not self.digest:
            return
        kind, expected = self.digest.split(":")
        with path.open("rb") as file:
            found = hashlib.file_digest(file, kind).hexdigest()
        if found != expected:
            raise ValueError(
                f"{path} is not the published {self.file}: expected {kind.upper()} {expected}; got {found}. Fetch it "
                f"anew from {self.url}"
            )


_KRIZHEVSKY = "https://www.cs.toronto.edu/~kriz/"
CIFAR10_BINARY = Archive(
    f"{_KRIZHEVSKY}cifar-10-binary.tar.gz", "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
)
CIFAR10_PYTHON = Archive(f"{_KRIZHEVSKY}cifar-10-python.tar.gz", "md5:c58f30108f718f92721af3b95e74349a")
CIFAR100_BINARY = Archive(
    f"{_KRIZHEVSKY}cifar-100-binary.tar.gz", "sha256:58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"
)
CIFAR100_PYTHON = Archive(f"{_KRIZHEVSKY}cifar-100-python.tar.gz", "md5:eb9058c3a382ffc7106e4002c42a8d85")
ROTATION = Archive("http://www.iro.umontreal.ca/~lisa/icml2007data/mnist_rotation_new.zip")
IDX = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}
"""Names of MNIST's files, which are Fashion-MNIST's too."""


def _idx(folder: str, *digests: str) -> tuple[Archive, ...]:
    names = (name for pair in IDX.values() for name in pair)
    return tuple(Archive(folder + name, f"sha256:{digest}") for name, digest in zip(names, digests, strict=True))


MNIST = _idx(
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
)
FASHION_MNIST = _idx(
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
)
_CIFAR_MEMBERS = {
    CIFAR10_BINARY.file: (
        [f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6)],
        "cifar-10-batches-bin/test_batch.bin",
    ),
    CIFAR10_PYTHON.file: (
        [f"cifar-10-batches-py/data_batch_{number}" for number in range(1, 6)],
        "cifar-10-batches-py/test_batch",
    ),
    CIFAR100_BINARY.file: (["cifar-100-binary/train.bin"], "cifar-100-binary/test.bin"),
    CIFAR100_PYTHON.file: (["cifar-100-python/train"], "cifar-100-python/test"),
}


def read_cifar(archive: Archive, path: Path) -> dict[str, Half]:
    """Reads CIFAR-10 or -100 from the authors' archive.

    Args:
        archive: which of the four it is.
        path: where it is.

    Returns:
        Images uint8 (N, 32, 32, 3) and labels uint8 (N,), CIFAR-100's fine ones, for `train` and `test`, in the
        archive's order.

    Raises:
        ValueError: a damaged archive, one that lacks a member, or one that names paths outside itself.
    """
    train, test = _CIFAR_MEMBERS[archive.file]
    members = _tar_members(path, [*train, test])
    binary = archive.file in (CIFAR10_BINARY.file, CIFAR100_BINARY.file)
    label_bytes = 2 if archive.file == CIFAR100_BINARY.file else 1
    halves: dict[str, Half] = {}
    for half, names in (("train", train), ("test", [test])):
        where = [(members[name], f"{path}, member {name}") for name in names]
        parts = [_binary(*item, label_bytes) if binary else _python(*item) for item in where]
        images, labels = (np.concatenate(column) for column in zip(*parts, strict=True))
        halves[half] = (np.ascontiguousarray(images.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), labels)
    return halves


def read_idx(images: Path, labels: Path) -> Half:
    """Reads MNIST's two files of one half.

    Args:
        images: `...-images-idx3-ubyte.gz`.
        labels: `...-labels-idx1-ubyte.gz`.

    Returns:
        Images uint8 (N, H, W) and labels uint8 (N,).

    Raises:
        ValueError: a damaged file, or one of another kind.
    """
    return _idx_array(images, 3), _idx_array(labels, 1)


def copy_members(path: Path, names: list[str], target: Path) -> None:
    """Copies members of a zip file, by their exact names, into a folder.

    Args:
        path: the zip file.
        names: of its members; without folders.
        target: the folder.

    Raises:
        ValueError: a damaged file, one that lacks a member, or one that names paths outside itself.
    """
    with readable(path, "zip file"):
        archive = zipfile.ZipFile(path)
    with archive:
        found = archive.namelist()
        _check_members(found, path)
        _check_complete(set(found), names, path)
        for name in names:
            with readable(path, "zip file"), archive.open(name) as source, (target / name).open("wb") as file:
                while block := source.read(1 << 20):
                    file.write(block)


def _tar_members(path: Path, names: list[str]) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    found = []
    with readable(path, "tar.gz file"), tarfile.open(path, "r:gz") as archive:
        for member in archive:
            found.append(member.name)
            if member.name in names and member.isreg():  # a link is no member that is wanted
                file = archive.extractfile(member)
                assert file is not None  # of a regular member
                members[member.name] = file.read()
    _check_members(found, path)
    _check_complete(set(members), names, path)
    return members


def _check_members(names: list[str], path: Path) -> None:
    for name in names:
        inside = PurePosixPath(name.replace("\\", "/"))
        if inside.is_absolute() or ".." in inside.parts:
            raise ValueError(f"{path} is refused: its member {name!r} leads out of the archive.")


def _check_complete(found: set[str], names: list[str], path: Path) -> None:
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"Expected {', '.join(missing)} in {path}; got {', '.join(sorted(found)[:8]) or 'nothing'}.")


def _binary(content: bytes, where: str, label_bytes: int) -> Half:
    """Rows of labels, of which the last is the fine one, and 3,072 pixels."""
    row = label_bytes + 3072
    if not content or len(content) % row:
        raise ValueError(f"Expected rows of {row} bytes in {where}; got {len(content)} bytes.")
    table = np.frombuffer(content, np.uint8).reshape(-1, row)
    return table[:, label_bytes:], table[:, label_bytes - 1]


def _python(content: bytes, where: str) -> Half:
    stored = read_pickle(content, where, "batch of CIFAR")
    fields = stored if isinstance(stored, dict) else {}
    images, labels = fields.get("data"), fields.get("fine_labels", fields.get("labels"))
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != (3072,):
        raise ValueError(f"Expected data of shape (N, 3072) uint8 in {where}.")
    if not isinstance(labels, list) or not all(type(label) is int and 0 <= label < 256 for label in labels):
        raise ValueError(f"Expected a list of labels in {where}.")
    return images, np.array(labels, np.uint8)


def _idx_array(path: Path, dimensions: int) -> np.ndarray:
    with readable(path, "gzip file"), gzip.open(path) as file:
        content = file.read()
    head = 4 + 4 * dimensions
    shape = struct.unpack(f">{dimensions}I", content[4:head].ljust(head - 4, b"\0"))
    if content[:4] != bytes((0, 0, 8, dimensions)) or len(content) != head + math.prod(shape):
        raise ValueError(f"Expected bytes in {dimensions} dimensions in the idx file {path}; it is damaged or another.")
    return np.frombuffer(content, np.uint8, offset=head).reshape(shape)
