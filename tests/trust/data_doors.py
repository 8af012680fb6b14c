"""The doors of data, of run folders and of plug-ins; `tests.trust.parsers` tries them."""

from __future__ import annotations

import csv
import gzip
import importlib
import io
import json
import pickle
import sys
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from tests.datasets import graphs
from tests.trust.door import Door, by_file
from zoo import _plugins
from zoo.batch import output
from zoo.datasets import archives, mnist_rot, picture_files, pictures, planetoid_raw
from zoo.datasets.own_graphs import open_graph
from zoo.datasets.pickles import read_pickle
from zoo.evaluation import own_data
from zoo.exporting import report, samples
from zoo.hub.index import Index
from zoo.training import checkpoints, record
from zoo.visual.learning import read_epochs

RNG = np.random.default_rng(0)


def doors(folder: Path) -> dict[str, Door]:
    """All of them; files are written into `folder`."""
    return _pictures() | _tables(folder) | _graphs(folder) | _archives(folder) | _runs(folder) | _plugin(folder)


def _pictures() -> dict[str, Door]:
    """Pictures of several formats, depths and colours, one of them animated."""
    colours = RNG.integers(0, 255, (12, 10, 3)).astype("uint8")
    frames = [Image.fromarray(np.roll(colours, turn, 0)) for turn in range(3)]
    deep = Image.fromarray(RNG.integers(20_000, 60_000, (12, 10)).astype("uint16"))
    made = [
        _saved(frames[0], "PNG"),
        _saved(frames[0], "JPEG"),
        _saved(frames[0].convert("CMYK"), "JPEG"),
        _saved(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        _saved(frames[0], "WEBP"),
        _saved(frames[0], "BMP"),
        _saved(frames[0].convert("P"), "PNG"),
        _saved(frames[0].convert("RGBA"), "TIFF"),
        _saved(deep, "TIFF"),
        _saved(deep, "PNG"),
    ]
    return {"picture": Door(tuple(made), lambda data: picture_files.decode_image(io.BytesIO(data), "picture"))}


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _tables(folder: Path) -> dict[str, Door]:
    inside = folder / "pictures"
    inside.mkdir()
    rows = [("path", "label", "split")]
    for number in range(6):
        Image.new("L", (4, 4), 40 * number).save(inside / f"{number}.png")
        rows.append((f"{number}.png", "ab"[number % 2], ("train", "val", "test")[number // 2]))
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    names = {name: [str(row[index]) for row in rows[1:]] for index, name in enumerate(rows[0])}
    found = {
        "table of pictures": Door(
            (text.getvalue().encode(),), by_file(inside / "t.csv", pictures.list_pictures), refuses=(FileNotFoundError,)
        )
    }
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        return found
    from zoo.batch import parquet

    def read_parts(path: Path) -> None:
        for part in parquet.find_parts(path, [""], "image", None, 4)[0]:
            list(part.batches(4))

    buffers = io.BytesIO(), io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(names), buffers[0])
    images = [(inside / name).read_bytes() for name in names["path"]]
    pyarrow.parquet.write_table(pyarrow.table({"image": images, "id": names["path"]}), buffers[1], row_group_size=3)
    table, stored = (buffer.getvalue() for buffer in buffers)
    return found | {
        "Parquet table of pictures": Door(
            (table,), by_file(inside / "t.parquet", pictures.list_pictures), refuses=(FileNotFoundError,)
        ),
        "Parquet file of a batch": Door((stored,), by_file(folder / "b.parquet", read_parts)),
    }


def _graphs(folder: Path) -> dict[str, Door]:
    """A graph in an `.npz` file of which one array is altered, the file around it being sound."""
    arrays = {
        "x": np.eye(12, dtype="float32"),
        "edges": np.stack([np.arange(12), np.roll(np.arange(12), 1)], -1),
        "labels": np.arange(12) % 3,
        "classes": np.array(["a", "b", "c"]),
        "train_mask": np.arange(12) < 6,
    }
    members = {name: _npy(value) for name, value in arrays.items()}
    read = by_file(folder / "graph.npz", lambda path: open_graph(path))
    made = {
        f"{name} of a graph": Door((members[name],), read, wrap=_in_npz(members, name))
        for name in ("x", "edges", "labels", "train_mask")
    }
    stored = io.BytesIO()
    np.savez(stored, **arrays)
    return made | {"graph": Door((stored.getvalue(),), read)}


def _npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(array), allow_pickle=False)
    return buffer.getvalue()


def _in_npz(members: dict[str, bytes], name: str) -> Callable[[bytes], bytes]:
    def wrap(data: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for key, content in (members | {name: data}).items():
                archive.writestr(f"{key}.npy", content)
        return buffer.getvalue()

    return wrap


def _archives(folder: Path) -> dict[str, Door]:
    """What `zoo data prepare` reads: the archives, and what stands in them inside a sound archive."""
    row = bytes(3073)
    binary = _tar({name: row * 2 for name in _members(archives.CIFAR10_BINARY)})
    batch = {"data": np.zeros((2, 3072), "uint8"), "labels": [1, 2]}
    pickled = pickle.dumps(batch, protocol=2)
    python = _tar({name: pickled for name in _members(archives.CIFAR10_PYTHON)})
    digits = [b"\0\0\x08\x03" + b"\0\0\0\x02" * 3 + bytes(8), b"\0\0\x08\x01\0\0\0\x02" + bytes(2)]
    labels = folder / "labels.gz"
    labels.write_bytes(gzip.compress(digits[1]))
    rotated = io.BytesIO()
    with zipfile.ZipFile(rotated, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.amat", "0.5 " * 784 + "3\n")
    target = folder / "unpacked"
    target.mkdir()
    raw = folder / "raw"
    graphs.write_raw(raw, "toy")
    parts = {path.name.removeprefix("ind.toy."): path.read_bytes() for path in raw.iterdir()}

    def read_cifar(archive: archives.Archive) -> Callable[[bytes], object]:
        return by_file(folder / archive.file, lambda path: archives.read_cifar(archive, path))

    def read_raw(part: str) -> Callable[[bytes], object]:
        def read(data: bytes) -> object:
            for name, content in (parts | {part: data}).items():
                (raw / f"ind.toy.{name}").write_bytes(content)
            return planetoid_raw.read_raw(raw, "toy")

        return read

    return {
        "archive of CIFAR-10": Door((gzip.compress(binary),), read_cifar(archives.CIFAR10_BINARY)),
        "inside an archive of CIFAR-10": Door((binary,), read_cifar(archives.CIFAR10_BINARY), wrap=_gzip),
        "inside an archive of CIFAR-10 for Python": Door((python,), read_cifar(archives.CIFAR10_PYTHON), wrap=_gzip),
        "pickle of CIFAR-10": Door((pickled,), lambda data: read_pickle(data, "pickle", "batch")),
        "digits of MNIST": Door(
            (digits[0],), by_file(folder / "d.gz", lambda path: archives.read_idx(path, labels)), wrap=_gzip
        ),
        "archive of MNIST-rot": Door(
            (rotated.getvalue(),),
            by_file(folder / "r.zip", lambda path: archives.copy_members(path, ["a.amat"], target)),
        ),
        "table of MNIST-rot": Door((b"0.5 " * 784 + b"3\n",), by_file(folder / "a.amat", mnist_rot.read_amat)),
        "graph of Planetoid": Door((parts["graph"],), read_raw("graph")),
        "features of Planetoid": Door((parts["allx"],), read_raw("allx")),
        "test nodes of Planetoid": Door((parts["test.index"],), read_raw("test.index")),
    }


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, 1)


def _members(archive: archives.Archive) -> list[str]:
    train, test = archives._CIFAR_MEMBERS[archive.file]
    return [*train, test]


def _tar(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            facts = tarfile.TarInfo(name)
            facts.size = len(content)
            archive.addfile(facts, io.BytesIO(content))
    return buffer.getvalue()


def _runs(folder: Path) -> dict[str, Door]:
    run = folder / "run"
    run.mkdir()
    facts = {"model": "dots", "seed": 0, "recipe": {"epochs": 3}, "finished": True, "minutes": 0.5}
    listing = b"path,label,split\na/1.png,a,train\na/2.png,a,validation\n"
    history = b"epoch,loss,val_loss\n0,0.5,0.25\n1,0.25,0.125\n"

    def read_run(path: Path) -> object:
        record.find_run(path.parent, {"model": "dots", "seed": 0, "recipe": {"epochs": 3}})
        return record.read_run(path.parent)

    progress = {"epoch": 1, "step": 2, "rows": [{"epoch": 0, "loss": 0.5}], "metrics": 0, "callbacks": []}
    model = SimpleNamespace(trainable_variables=[], non_trainable_variables=[], weights=[])
    saved = checkpoints.Checkpoints(run / "checkpoints", model, SimpleNamespace(variables=[]))  # type: ignore[arg-type]
    (run / "checkpoints").mkdir()

    def restore(data: bytes) -> object:
        text = data.decode("utf-8", "replace").replace("\0", " ")  # arrays of texts end at the last zero
        np.savez(run / "checkpoints" / "epoch000001-step00000002.npz", progress=np.array(text))
        return saved.restore()

    versions = folder / "exported" / "1" / report.EXTRA
    versions.mkdir(parents=True)
    default = {"inputs": {"image": [1]}, "outputs": {"logits": [2]}}
    new = {"labels": ["a"], "signatures": {"serving_default": default}}
    there = json.dumps(default | {"labels": ["a"]}).encode()
    arrays = io.BytesIO()
    np.savez(arrays, image=np.zeros((2, 4, 4, 1), "float32"))
    return {
        "run.json": Door((json.dumps(facts).encode(),), by_file(run / "run.json", read_run)),
        "split.csv": Door((listing,), by_file(run / "split.csv", lambda path: own_data._drawn(path.parent))),
        "history.csv": Door((history,), by_file(run / "history.csv", read_epochs)),
        "progress in a checkpoint": Door((json.dumps(progress).encode(),), restore, passes=True),
        "manifest of a batch": Door(
            (json.dumps({"model": "dots", "rows": 3}).encode(),),
            by_file(
                folder / "out" / "_run.json", lambda path: output.open_folder(path.parent, {"rows": 3}, resume=True)
            ),
        ),
        "report of an export": Door(
            (there,), by_file(versions / report.FILE, lambda _: report.check_same_model(folder / "exported", new))
        ),
        "samples to quantize": Door(
            (arrays.getvalue(), _npy(np.zeros((2, 3), "float32"))), by_file(folder / "samples.npz", samples._from_file)
        ),
    }


def _plugin(folder: Path) -> dict[str, Door]:
    """The description of an installed package; only this one is installed while it is read."""
    place = folder / "site" / "hostile-1.0.dist-info"
    place.mkdir(parents=True)
    text = b"[zoo.families]\nhostile = tests.training.toy\n\n[zoo.datasets]\nodd = json:loads\n"
    about = b"Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n"

    def read(name: str, other: str, sound: bytes) -> Callable[[bytes], object]:
        def described(data: bytes) -> object:
            (place / other).write_bytes(sound)
            (place / name).write_bytes(data)
            kept, said = sys.path, set(_plugins._said)
            sys.path = [str(folder / "site")]
            try:
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    importlib.invalidate_caches()
                    _plugins.add_installed("zoo.families", Index().add_family)
            except ValueError as error:  # nothing may come through
                raise RuntimeError(f"not left out: {error}") from error
            finally:
                sys.path = kept
                _plugins._said.clear()
                _plugins._said.update(said)
            if caught:
                raise ValueError(str(caught[0].message))
            return None

        return described

    return {
        "plug-in": Door((text,), read("entry_points.txt", "METADATA", about)),
        "plug-in's metadata": Door((about,), read("METADATA", "entry_points.txt", text), passes=True),
    }
