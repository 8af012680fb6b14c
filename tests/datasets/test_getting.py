"""Data sets from archives of the authors' layout, made here, from files and from a server on loopback."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import os
import pickle
import socket
import struct
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

import zoo.datasets
from tests.datasets import graphs
from zoo.datasets import archives, getting, image_arrays, mnist_rot, planetoid_raw
from zoo.datasets.archives import Archive

pytestmark = pytest.mark.once

COUNTS = {"train": 10, "learn": 8, "test": 4}


@pytest.fixture(autouse=True)
def small():
    """The image sets with fourteen images each."""
    kinds = (image_arrays.CIFAR10, image_arrays.CIFAR100, image_arrays.FASHION_MNIST)
    before = [(kind, field, getattr(kind, field)) for kind in kinds for field in COUNTS]
    for kind, field, _ in before:
        object.__setattr__(kind, field, COUNTS[field])
    yield
    for kind, field, value in before:
        object.__setattr__(kind, field, value)


@pytest.fixture
def unchecked(monkeypatch):
    """Archives made here cannot have the published hashes."""
    monkeypatch.setattr(Archive, "check", lambda self, path: None)


def images(count: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, *shape), dtype=np.uint8)


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def write_cifar(folder: Path, name: str, form: str) -> tuple[Path, np.ndarray, np.ndarray]:
    """An archive with the members of the authors' one; gives its images and labels, too."""
    x, y = images(14, 32, 32, 3), np.arange(14) % 10
    rows = x.transpose(0, 3, 1, 2).reshape(14, 3072)
    hundred = name == "cifar100"
    names = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]
    cuts = [0, 10, 14] if hundred else [0, 2, 4, 6, 8, 10, 14]
    members = {}
    for place, (start, stop) in enumerate(zip(cuts, cuts[1:], strict=False)):
        member = ("train", "test")[place] if hundred else names[place]
        data, labels = rows[start:stop], y[start:stop]
        if form == "binary":
            columns = [labels[:, None] // 2, labels[:, None]] if hundred else [labels[:, None]]
            content = np.concatenate([*columns, data], axis=1).astype(np.uint8).tobytes()
            member += ".bin"
        else:
            key = "fine_labels" if hundred else "labels"
            stored = {key: labels.tolist(), "data": data, "filenames": ["a.png"], "batch_label": "one"}
            content = pickle.dumps(stored | ({"coarse_labels": [0]} if hundred else {}), protocol=2)
        inner = (
            f"cifar-100-{form}"
            if hundred
            else {"binary": "cifar-10-batches-bin", "python": "cifar-10-batches-py"}[form]
        )
        members[f"{inner}/{member}"] = content
    number = "100" if hundred else "10"
    return write_tar(folder / f"cifar-{number}-{form}.tar.gz", members | {"readme.html": b"?"}), x, y


def write_idx(path: Path, values: np.ndarray) -> None:
    head = bytes((0, 0, 8, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(gzip.compress(head + values.tobytes(), 1))


def write_mnist(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    folder.mkdir(exist_ok=True)
    x, y = images(14, 28, 28), (np.arange(14) % 10).astype(np.uint8)
    for (pictures, labels), part in zip(archives.IDX.values(), (slice(10), slice(10, 14)), strict=True):
        write_idx(folder / pictures, x[part])
        write_idx(folder / labels, y[part])
    return x, y


def prepare(name: str, root: Path, *files: Path) -> Path:
    return zoo.datasets.prepare(name, data=root, files=files, progress=False)


@pytest.mark.parametrize("form", ["python", "binary"])
@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar(tmp_path, unchecked, monkeypatch, name, form):
    path, x, y = write_cifar(tmp_path, name, form)
    known = [int.from_bytes(hashlib.sha256(x[place].tobytes()).digest()[:8], "little") for place in (1, 4)]
    np.save(tmp_path / "validation.npy", np.array(known, np.uint64))
    monkeypatch.setattr(getting, "_VALIDATION", tmp_path / "validation.npy")
    assert prepare(name, tmp_path / "new" / "data", path) == tmp_path / "new" / "data" / name
    order = [0, 2, 3, 5, 6, 7, 8, 9, 1, 4] if name == "cifar10" else list(range(10))
    for split, part in {"train": order[:8], "validation": order[8:], "test": list(range(10, 14))}.items():
        found = zoo.datasets.load(name, split, data=tmp_path / "new" / "data")
        np.testing.assert_array_equal(found[0], x[part])
        np.testing.assert_array_equal(found[1], y[part])
        assert found[0].dtype == np.uint8 and found[1].dtype == np.int64
    assert [path.name for path in (tmp_path / "new" / "data").iterdir()] == [name]


def test_validation_images_are_those_of_the_published_weights():
    hashes = np.load(getting._VALIDATION)
    assert hashes.dtype == np.uint64 and len(np.unique(hashes)) == 5_000


@pytest.mark.skipif(
    not Path(os.environ.get("ZOO_DATA", "/nowhere"), "cifar10", "labels.npz").is_file(),
    reason="set ZOO_DATA to a folder with the sheets of cifar10",
)
def test_validation_images_are_those_of_the_sheets():
    from zoo.datasets import sheets

    folder = Path(os.environ["ZOO_DATA"], "cifar10")
    assert getting._is_validation(sheets.read(folder, sheets.CIFAR10, "validation")[0]).all()


def test_fashion_mnist_from_a_folder(tmp_path, unchecked):
    x, y = write_mnist(tmp_path / "files")
    prepare("fashion_mnist", tmp_path / "data", tmp_path / "files")
    for split, part in {"train": slice(8), "validation": slice(8, 10), "test": slice(10, 14)}.items():
        found = zoo.datasets.load("fashion_mnist", split, data=tmp_path / "data")
        np.testing.assert_array_equal(found[0][..., 0], x[part])
        np.testing.assert_array_equal(found[1], y[part])


def test_mnist_is_turned(tmp_path, unchecked, monkeypatch):
    x, y = write_mnist(tmp_path / "files")

    def regenerate(pictures, labels):
        np.testing.assert_array_equal(pictures, x)
        np.testing.assert_array_equal(labels, y)
        return {"x_train": x[:12], "y_train": y[:12], "x_test": x[12:], "y_test": y[12:]}

    monkeypatch.setattr(mnist_rot, "regenerate", regenerate)
    prepare("mnist_rot", tmp_path / "data", tmp_path / "files")
    np.testing.assert_array_equal(zoo.datasets.load("mnist_rot", "train", data=tmp_path / "data")[0][..., 0], x[:10])


@pytest.mark.parametrize("packed", [True, False])
def test_classic_rotated_mnist(tmp_path, packed):
    x = images(12, 28, 28)
    names = (mnist_rot.CLASSIC_TRAIN, mnist_rot.CLASSIC_TEST)
    for name, part in zip(names, (slice(12), slice(4)), strict=True):
        table = np.concatenate([x[part].reshape(-1, 784) / 255.0, np.arange(12)[part, None] % 10], axis=1)
        np.savetxt(tmp_path / name, table, fmt="%.6f")
    given = [tmp_path / name for name in names]
    if packed:
        with zipfile.ZipFile(tmp_path / "mnist_rotation_new.zip", "w") as archive:
            for path in given:
                archive.write(path, path.name)
        given = [tmp_path / "mnist_rotation_new.zip"]
    prepare("mnist_rot", tmp_path / "data", *given)
    np.testing.assert_array_equal(zoo.datasets.load("mnist_rot", "train", data=tmp_path / "data")[0][..., 0], x[:10])
    assert len(zoo.datasets.load("mnist_rot", "test", data=tmp_path / "data")[0]) == 4


@pytest.fixture
def cora(tmp_path, monkeypatch):
    monkeypatch.setattr(planetoid_raw, "VALIDATION_NODES", 3)
    monkeypatch.setitem(getting.SIZES, "cora", (9, 5, 3, 5))
    graphs.write_raw(tmp_path / "files", "cora")
    return tmp_path / "files"


def test_planetoid(tmp_path, cora):
    prepare("cora", tmp_path / "data", cora)
    inputs, labels, weights = zoo.datasets.load("cora", "test", data=tmp_path / "data")
    np.testing.assert_array_equal(labels[0], graphs.LABELS)
    np.testing.assert_array_equal(weights[0], graphs.MASKS["test"])
    assert inputs["x"].shape == (1, 9, 5)


def test_another_graph_is_refused(tmp_path, cora, monkeypatch):
    monkeypatch.setitem(getting.SIZES, "cora", (2708, 1433, 7, 5278))
    with pytest.raises(ValueError, match=r"\(2708, 1433, 7, 5278\) nodes, words, .* got \(9, 5, 3, 5\)"):
        prepare("cora", tmp_path / "data", cora)
    assert not list((tmp_path / "data").iterdir())


def test_other_hash_is_refused(tmp_path):
    path, _, _ = write_cifar(tmp_path, "cifar10", "python")
    with pytest.raises(
        ValueError, match="not the published cifar-10-python.tar.gz: expected MD5 c58f3010.*; got .*cs.tor"
    ):
        prepare("cifar10", tmp_path / "data", path)
    assert not list((tmp_path / "data").iterdir())
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    Archive("http://x/cifar-10-python.tar.gz", f"sha256:{found}").check(path)


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_pickle_cannot_run_anything(tmp_path, unchecked):
    members = {"cifar-100-python/train": pickle.dumps({"data": Trap(tmp_path / "caught")}, protocol=2)}
    path = write_tar(tmp_path / "cifar-100-python.tar.gz", members | {"cifar-100-python/test": b""})
    with pytest.raises(ValueError, match=r"cifar-100-python/train is not a readable batch.*it names \w+.mkdir"):
        prepare("cifar100", tmp_path / "data", path)
    assert not (tmp_path / "caught").exists() and not list((tmp_path / "data").iterdir())


@pytest.mark.parametrize("member", ["../evil", "/etc/evil", "a/../../evil", "..\\evil"])
def test_members_that_lead_out_are_refused(tmp_path, unchecked, member):
    path = write_tar(tmp_path / "cifar-10-python.tar.gz", {member: b"x"})
    with pytest.raises(ValueError, match="is refused: its member .*evil' leads out of the archive"):
        prepare("cifar10", tmp_path / "data", path)
    with zipfile.ZipFile(tmp_path / "mnist_rotation_new.zip", "w") as archive:
        archive.writestr(member, "x")
    with pytest.raises(ValueError, match="is refused: its member .*evil' leads out of the archive"):
        prepare("mnist_rot", tmp_path / "data", tmp_path / "mnist_rotation_new.zip")


def test_links_in_archives_are_not_followed(tmp_path, unchecked):
    with tarfile.open(tmp_path / "cifar-100-binary.tar.gz", "w:gz") as archive:
        for name in ("train", "test"):
            info = tarfile.TarInfo(f"cifar-100-binary/{name}.bin")
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(info)
    with pytest.raises(ValueError, match=r"Expected cifar-100-binary/train.bin, .*; got nothing"):
        prepare("cifar100", tmp_path / "data", tmp_path / "cifar-100-binary.tar.gz")


@pytest.mark.parametrize("content", [b"", b"hello", gzip.compress(b"hello", mtime=0), "cut"])
@pytest.mark.parametrize("name", ["cifar10", "fashion_mnist"])
def test_damaged_archives(tmp_path, unchecked, name, content):
    write_mnist(tmp_path / "files")
    path, _, _ = write_cifar(tmp_path / "files", "cifar10", "binary")
    path = path if name == "cifar10" else tmp_path / "files" / archives.IDX["train"][0]
    path.write_bytes(path.read_bytes()[:3000] if content == "cut" else content)
    with pytest.raises(ValueError, match=f"{path.name}"):
        prepare(name, tmp_path / "data", tmp_path / "files")
    assert not list((tmp_path / "data").iterdir())


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ([1], r"data of shape \(N, 3072\)"),
        ({"data": np.zeros((2, 3071), np.uint8), "fine_labels": [1, 2]}, r"data of shape \(N, 3072\)"),
        ({"data": np.zeros((10, 3072), np.uint8), "fine_labels": "0123456789"}, "list of labels"),
        ({"data": np.zeros((10, 3072), np.uint8), "fine_labels": [100] * 10}, "labels in 0..99"),
        ({"data": np.zeros((9, 3072), np.uint8), "fine_labels": [1] * 9}, "Expected 10 images of cifar100 for train"),
    ],
)
def test_other_batches(tmp_path, unchecked, stored, message):
    members = {f"cifar-100-python/{half}": pickle.dumps(stored, protocol=2) for half in ("train", "test")}
    path = write_tar(tmp_path / "cifar-100-python.tar.gz", members)
    with pytest.raises(ValueError, match=message):
        prepare("cifar100", tmp_path / "data", path)


def test_other_files_than_those_that_are_needed(tmp_path):
    (tmp_path / "cifar.zip").write_text("")
    with pytest.raises(
        ValueError, match="by their own names: cifar-10-binary.tar.gz; or cifar-10-python.tar.gz. Got cifar"
    ):
        prepare("cifar10", tmp_path / "data", tmp_path / "cifar.zip")
    with pytest.raises(FileNotFoundError, match="No such file or folder: .*gone"):
        prepare("cifar10", tmp_path / "data", tmp_path / "gone")
    with pytest.raises(ValueError, match="Files are for cifar10, .* without out .*; got 'scene15'"):
        prepare("scene15", tmp_path / "data", tmp_path / "gone")
    with pytest.raises(ValueError, match="images of cifar10 have their size"):
        zoo.datasets.prepare("cifar10", data=tmp_path, size=8)


def test_where_it_shall_go(monkeypatch, tmp_path):
    monkeypatch.delenv("ZOO_DATA", raising=False)
    with pytest.raises(ValueError, match="Where shall cora go.*: zoo data prepare cora --data data"):
        zoo.datasets.prepare("cora")
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="Expected a folder for the data of cora"):
        zoo.datasets.prepare("cora", data=tmp_path / "file")


def test_what_is_there_is_left(tmp_path, cora, capsys):
    folder = prepare("cora", tmp_path / "data", cora)
    times = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert zoo.datasets.prepare("cora", data=tmp_path / "data") == folder
    assert f"zoo: cora is there already and left as it is: {folder}" in capsys.readouterr().err
    assert times == {path: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_what_is_missing_says_the_command(tmp_path, monkeypatch):
    with pytest.raises(zoo.datasets.MissingData, match="zoo data prepare cifar10 --data") as caught:
        zoo.datasets.load("cifar10", "train", data=tmp_path)
    assert (caught.value.name, caught.value.root) == ("cifar10", tmp_path)
    with pytest.raises(zoo.datasets.MissingData, match="does not exist"):
        zoo.datasets.load("pubmed", "test", data=tmp_path / "new")
    monkeypatch.delenv("ZOO_DATA", raising=False)
    with pytest.raises(ValueError, match=r"(?s)Where is the data.*zoo data prepare mnist_rot --data data"):
        zoo.datasets.load("mnist_rot", "train")
    with pytest.raises(ValueError, match="^Unknown split 'dev'"):
        (tmp_path / "cora").mkdir()
        zoo.datasets.load("cora", "dev", data=tmp_path)


@pytest.fixture
def server(tmp_path):
    """Serves the folder `files` on loopback, also as a proxy for any address."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *words):
            super().__init__(*words, directory=str(tmp_path / "files"))

        def translate_path(self, path):
            return super().translate_path("/" + path.rsplit("/", 1)[-1])

        def log_message(self, *words):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


def at(monkeypatch, name: str, address: str) -> None:
    ways = getting.WAYS[name]
    moved = tuple(Archive(address + archive.file) for archive in ways[0])
    monkeypatch.setitem(getting.WAYS, name, (moved, *ways[1:]))


@pytest.fixture
def tfds():
    pytest.importorskip("importlib_resources", reason="importlib_resources is not installed (zoo[data])")
    return pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is not installed (zoo[data])")


def test_download(tfds, tmp_path, monkeypatch, server, cora):
    _, x, _ = write_cifar(cora, "cifar100", "binary")
    for name in ("cifar100", "cora"):
        at(monkeypatch, name, server)
        zoo.datasets.prepare(name, data=tmp_path / "data", progress=False)
    np.testing.assert_array_equal(zoo.datasets.load("cifar100", "test", data=tmp_path / "data")[0], x[10:])
    np.testing.assert_array_equal(zoo.datasets.load("cora", "test", data=tmp_path / "data")[1][0], graphs.LABELS)
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["cifar100", "planetoid"]


def test_another_file_at_the_authors_address_is_refused(tfds, tmp_path, monkeypatch, server):
    write_mnist(tmp_path / "files")
    monkeypatch.setenv("http_proxy", server)
    with pytest.raises(ConnectionError, match="(?s)cannot be downloaded: .*wrong checksum.*Fetch by hand"):
        zoo.datasets.prepare("fashion_mnist", data=tmp_path / "data", progress=False)
    assert not list((tmp_path / "data").iterdir())


@pytest.mark.parametrize("network", [True, False])
def test_where_a_download_fails_it_says_what_to_fetch(tfds, tmp_path, monkeypatch, server, cora, network):
    with socket.socket() as closed:  # a port where nobody listens
        closed.bind(("127.0.0.1", 0))
        address = server if network else f"http://127.0.0.1:{closed.getsockname()[1]}/"
        at(monkeypatch, "pubmed", address)  # the server has no such file
        with pytest.raises(
            ConnectionError, match="(?s)files of pubmed cannot be downloaded: .*Fetch by hand:"
        ) as caught:
            zoo.datasets.prepare("pubmed", data=tmp_path / "data", progress=False)
    lines = str(caught.value).splitlines()
    assert f"  {address}ind.pubmed.test.index" in lines
    assert lines[-1].startswith("and run: zoo data prepare pubmed --from ind.pubmed.x ind.pubmed.tx")
    assert lines[-1].endswith(f"--data {tmp_path / 'data'}")


def test_without_tfds_it_says_what_to_fetch(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    monkeypatch.delitem(sys.modules, "zoo.datasets.builders.common", raising=False)
    with pytest.raises(
        ImportError, match=r'(?s)pip install "zoo\[data\]".*\n  https://www.cs.toronto.edu/~kriz/cifar-10-'
    ):
        zoo.datasets.prepare("cifar10", data=tmp_path / "data", progress=False)


def test_addresses_and_hashes_are_those_of_tfds(tfds):
    names = {"cifar10": "cifar10", "cifar100": "cifar100", "fashion_mnist": "fashion_mnist", "mnist_rot": "mnist"}
    for name, theirs in names.items():
        infos = tfds.builder_cls(theirs).url_infos
        ours = {archive.url: archive.digest for archive in getting.WAYS[name][0]}
        assert ours == {url: f"sha256:{info.checksum}" for url, info in infos.items()}
