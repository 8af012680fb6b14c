"""One test for each fault that trying the doors has found, and for what they promise besides."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import zoo
from tests.datasets import graphs
from zoo import _plugins
from zoo._writing import remove_unfinished
from zoo.batch import output
from zoo.batch.parquet import find_parts
from zoo.datasets import planetoid_raw
from zoo.datasets.protocol import class_names
from zoo.evaluation import own_data
from zoo.exporting import report, samples
from zoo.hub import cards, download, paths, store
from zoo.hub.names import parse_name
from zoo.models.recipe_files import read_recipe
from zoo.training import record
from zoo.training.checkpoints import Checkpoints, Progress

pytestmark = pytest.mark.once

IDENTITY: dict[str, Any] = {"model": "dots", "seed": 0, "recipe": {"epochs": 3}}


class Variable:
    """As much of a Keras variable as checkpoints need."""

    def __init__(self, value: Any) -> None:
        self.value, self.path = np.asarray(value, "float32"), "head/kernel"
        self.dtype, self.shape = "float32", self.value.shape

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.value

    def assign(self, value: Any) -> None:
        self.value = value


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Checkpoints, Variable]:
    monkeypatch.setattr("zoo.training.checkpoints.value_of", np.asarray)
    variable = Variable([1.0, 2.0])
    model = SimpleNamespace(trainable_variables=[variable], non_trainable_variables=[], weights=[variable])
    made = Checkpoints(tmp_path / "c", model, SimpleNamespace(variables=[]))  # type: ignore[arg-type]
    made.make_room()
    return made, variable


def test_a_run_that_was_killed_while_it_began_goes_on(tmp_path: Path) -> None:
    left = tmp_path / f".run.json.{'0' * 32}.tmp"
    left.write_text("{")
    assert record.find_run(tmp_path, IDENTITY) == {"finished": False}
    record.open_run(tmp_path, IDENTITY)
    assert not left.exists() and record.find_run(tmp_path, IDENTITY)["seed"] == 0
    other = tmp_path / "other"
    other.mkdir()
    (other / ".notes.tmp").write_text("mine")
    with pytest.raises(ValueError, match="not empty and holds no training run"):
        record.find_run(other, IDENTITY)


def test_a_batch_that_was_killed_while_it_began_goes_on(tmp_path: Path) -> None:
    left = tmp_path / f".{output.MANIFEST}.{'0' * 32}.tmp"
    left.write_text("{")
    output.open_folder(tmp_path, {"rows": 3}, resume=True)
    output.remove_unfinished(tmp_path)
    assert not left.exists() and json.loads((tmp_path / output.MANIFEST).read_text())["rows"] == 3


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"finished": 1}', '{"finished": false, "recipe": 3}', "\udcff"])
def test_a_damaged_record_of_a_run_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=r"run\.json is not a readable record|finished training run"):
        record.read_run(tmp_path)
    with pytest.raises(ValueError, match=r"run\.json is not a readable record|holds another run"):
        record.find_run(tmp_path, IDENTITY)


def test_a_full_disk_leaves_the_record_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record.write_json(tmp_path / "run.json", {"finished": False})
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        record.write_json(tmp_path / "run.json", {"finished": True})
    assert json.loads((tmp_path / "run.json").read_text()) == {"finished": False}
    assert os.listdir(tmp_path) == ["run.json"]


def full(_: int) -> None:
    raise OSError(28, "No space left on device")


def test_selected_weights_without_numbers_are_not_kept(checkpoints: tuple[Checkpoints, Variable]) -> None:
    made, variable = checkpoints
    made.save_selected()
    variable.assign(np.array([1.0, np.nan], "float32"))
    with pytest.raises(FloatingPointError, match="after an epoch in head/kernel"):
        made.save_selected()
    made.restore_selected()
    assert variable.value.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("change", [{"of a newer version": 1}, {"epoch": None, "metrics": "two"}, {"callbacks": 3}, []])
def test_progress_that_cannot_be_is_passed_over(
    checkpoints: tuple[Checkpoints, Variable], tmp_path: Path, change: Any
) -> None:
    made, variable = checkpoints
    made.save(Progress(1))
    facts = {"epoch": 2, "metrics": 0, "callbacks": []}
    text = json.dumps(facts | change if isinstance(change, dict) else change)
    path = tmp_path / "c" / "epoch000002-step00000000.npz"
    np.savez(path, **{"variable/0": np.zeros(2, "float32"), "progress": np.array(text)})
    found = made.restore()
    assert found is not None and found.epoch == 1 and variable.value.tolist() == [1.0, 2.0]
    np.savez(path, **{"variable/0": np.zeros(3, "float32"), "progress": np.array(json.dumps(facts))})
    found = made.restore()
    assert found is not None and found.epoch == 1 and variable.value.tolist() == [1.0, 2.0]


def test_names_that_are_no_utf_8(tmp_path: Path) -> None:
    odd = os.fsdecode(b"caf\xe9")
    with pytest.raises(ValueError, match=r"names of classes in UTF-8; got 'caf\\udce9'"):
        class_names(["tea", odd])
    record.write_listing(tmp_path, [(f"tea/{odd}.png", "tea", "train"), ('tea/☕ ,"\n.png', "tea", "validation")])
    assert own_data._drawn(tmp_path) == {
        (f"tea/{odd}.png", "tea"): "train",
        ('tea/☕ ,"\n.png', "tea"): "validation",
    }


@pytest.mark.parametrize("data", [b"path,label\na,b\n", b"\xff\xfe\na\n", b'path,label,split\n"a' + b"\0" * 200_000])
def test_a_damaged_list_of_splits_is_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "split.csv").write_bytes(data)
    with pytest.raises(ValueError, match=r"split\.csv is not a readable list"):
        own_data._drawn(tmp_path)


@pytest.mark.parametrize("home", ["~nobody-of-this-name", "~"])
def test_a_home_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pathlib.os.path.expanduser", lambda path: path)  # as where the user is in no list
    for read in (parse_name, zoo.datasets.open_data, paths.local_path, read_recipe):
        with pytest.raises(ValueError, match="no such home folder"):
            read(f"{home}/x.npz" if read is zoo.datasets.open_data else f"{home}/x.yaml")
    monkeypatch.delenv("ZOO_CACHE", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: f"~/.cache/{name}")
    target = paths.cache_root() / "m" / "v1" / "model.safetensors"
    with pytest.raises(OSError, match="no home folder for model.safetensors: set ZOO_CACHE"):
        download.fetch(["http://127.0.0.1:9/x"], target, size=1, sha256="0" * 64)
    assert not Path("~").exists()


@pytest.mark.parametrize("name", ["entry_points.txt", "METADATA"])
def test_a_package_that_cannot_be_described_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for package in ("broken", "sound"):
        place = tmp_path / f"{package}-1.0.dist-info"
        place.mkdir()
        (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (place / "entry_points.txt").write_text(f"[zoo.toys]\n{package} = json:loads\n")
    (tmp_path / "broken-1.0.dist-info" / name).write_bytes(b"\xff\xfe\0")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(_plugins, "_said", set())
    importlib.invalidate_caches()
    found = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _plugins.add_installed("zoo.toys", lambda entry, value, where: found.append(entry))
    assert "sound" in found
    assert name == "METADATA" or ["broken" in str(one.message) for one in caught] == [True]


def test_damaged_files_of_ours_are_named(tmp_path: Path) -> None:
    (tmp_path / output.MANIFEST).write_text("[1]")
    with pytest.raises(ValueError, match=r"_run\.json is not a readable manifest"):
        output.open_folder(tmp_path, {"rows": 3}, resume=True)
    place = tmp_path / "m" / "1" / report.EXTRA
    place.mkdir(parents=True)
    (place / report.FILE).write_text("3")
    with pytest.raises(ValueError, match="is not a readable report of an export"):
        report.check_same_model(tmp_path / "m", {"labels": [], "signatures": {"serving_default": {}}})
    np.savez_compressed(tmp_path / "s.npz", image=np.arange(1000))
    data = bytearray((tmp_path / "s.npz").read_bytes())
    data[60:70] = bytes(10)
    (tmp_path / "s.npz").write_bytes(data)
    with pytest.raises(ValueError, match=r"s\.npz is not a readable .* file of samples"):
        samples._from_file(tmp_path / "s.npz")


def test_a_card_from_the_future_says_so(root: Path, tmp_path: Path) -> None:
    card = json.loads((root / "weights/e4net_mnistrot/v1/card.json").read_text("utf-8"))
    (tmp_path / "card.json").write_text(json.dumps(card | {"schema_version": 2, "shape of things": "to come"}))
    with pytest.raises(ValueError, match="schema version 2, and this version of zoo reads 1: a newer one wrote it"):
        zoo.card(tmp_path)


@pytest.mark.parametrize("change", [{"../x.npz": {}}, {"x.npz": {"of": "../../x.v1/model.safetensors"}}])
def test_a_card_does_not_lead_out_of_its_folder(root: Path, change: dict[str, Any]) -> None:
    card = json.loads((root / "weights/e4net_mnistrot/v1/card.json").read_text("utf-8"))
    facts = {"size": 1, "sha256": "0" * 64, "urls": ["https://127.0.0.1/x"]}
    card["files"] |= {name: facts | more for name, more in change.items()}
    with pytest.raises(ValueError, match="is not valid"):
        cards.Card.from_dict(card)


def test_a_link_in_a_folder_of_weights_is_read_by_its_content(root: Path, tmp_path: Path) -> None:
    source = root / "weights/e4net_mnistrot/v1"
    for path in source.iterdir():
        (tmp_path / path.name).symlink_to(path)
    facts = zoo.card(tmp_path).files["model.safetensors"]
    assert len(store.read_checked(tmp_path / "model.safetensors", facts)) == facts.size
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "model.safetensors").symlink_to(source / "head.safetensors")
    with pytest.raises(ValueError, match="damaged or altered"):
        store.read_checked(tmp_path / "model.safetensors", facts)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a child process")
@pytest.mark.parametrize("event", range(1, 8))
def test_a_killed_save_leaves_whole_files(tmp_path: Path, event: int) -> None:
    old, new = ({name: word * 1000 for name in ("a", "b", "c")} for word in (b"old", b"new"))
    store.write_files(tmp_path, old)
    child = os.fork()
    if not child:
        count = [0]

        def ended(function: Any) -> Any:
            def call(*arguments: Any) -> Any:
                count[0] += 1
                if count[0] == event:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*arguments)

            return call

        os.fsync, os.replace = ended(os.fsync), ended(os.replace)
        store.write_files(tmp_path, new)
        os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    found = [(tmp_path / name).read_bytes() for name in old]
    replaced = max(0, event - 4)  # the content of all three is flushed, then their names change, then the folder
    assert found == [*new.values()][:replaced] + [*old.values()][replaced:]
    remove_unfinished(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "c"]


ODD = [
    "",
    " ",
    ".",
    "..",
    "../..",
    "/",
    "a/../b",
    "~",
    "\0",
    "a\0b",
    "é",
    "💥",
    "\udcff",
    "a\nb",
    "'",
    '"',
    "%00",
    "x" * 300,
]
ODD += [
    "file:///etc/passwd",
    "hf://",
    "hf://a",
    "hf://../..",
    "s3://b/c",
    "e4net_mnistrot.",
    "e4net_mnistrot.v1/..",
    ".v1",
]
ODD += [
    "e4net_mnistrot.v99999999999999999999",
    "E4NET",
    "-",
    "--help",
    "$(true)",
    "`true`",
    "*",
    "con",
    "a\\b",
    "{}",
    "\u202e",
]


@pytest.mark.parametrize("name", ODD, ids=lambda name: ascii(name)[:20])
def test_names_of_any_kind_are_refused_in_words(name: str) -> None:
    with pytest.raises((ValueError, OSError, ImportError)) as error:
        zoo.card(name)
    assert str(error.value)


@pytest.mark.parametrize("name", ["a b", "é💥", "'\"%#?&;$(x)", "-rf", "a\nb", os.fsdecode(b"caf\xe9"), "x" * 200])
def test_folders_of_any_name_are_written_and_read(tmp_path: Path, name: str, root: Path) -> None:
    source = root / "weights/e4net_mnistrot/v1"
    store.write_files(tmp_path / name, {path.name: path.read_bytes() for path in source.iterdir()})
    card = zoo.card(tmp_path / name)
    assert card.name == "e4net_mnistrot"
    found = paths.find_file(card, "model.safetensors", folder=tmp_path / name)
    assert len(store.read_checked(found, card.files["model.safetensors"])) == found.stat().st_size


def test_test_nodes_of_a_raw_graph_are_each_there_once(tmp_path: Path) -> None:
    graphs.write_raw(tmp_path, "toy")
    assert len(planetoid_raw.read_raw(tmp_path, "toy")[0]) == graphs.NODES
    for nodes in ("-1\n5\n6\n", "5\n5\n6\n", "5\n6\n99999999999\n"):
        (tmp_path / "ind.toy.test.index").write_text(nodes)
        with pytest.raises(ValueError, match=r"every test node once.*ind\.toy\.test\.index"):
            planetoid_raw.read_raw(tmp_path, "toy")


def test_damaged_parquet_files_are_named(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="writes the file")
    parquet = pytest.importorskip("pyarrow.parquet", reason="writes the file")
    path = tmp_path / "p.parquet"
    rng = np.random.default_rng(0)
    parquet.write_table(pyarrow.table({"image": [rng.bytes(99) for _ in range(50)], "id": range(50)}), path)
    sound = path.read_bytes()
    part = find_parts(path, [""], "image", None, 10)[0][0]
    assert sum(len(ids) for ids, _ in part.batches(8)) == 50
    path.write_bytes(sound[:8] + b"\xff" * 3000 + sound[3008:])
    with pytest.raises(ValueError, match=r"p\.parquet is not a readable Parquet file"):
        list(part.batches(8))
    length = int.from_bytes(sound[-8:-4], "little")
    path.write_bytes(sound[: -8 - length] + b"\xff" * length + sound[-8:])
    with pytest.raises(ValueError, match=r"p\.parquet is not a readable Parquet file"):
        find_parts(path, [""], "image", None, 10)


@pytest.mark.parametrize("weights", [[np.nan, 1], [-1, 1], [np.inf, 1]])
def test_weights_of_labels_are_numbers(weights: list[float]) -> None:
    split = np.zeros((2, 4, 4, 1), "uint8"), np.array([0, 1]), np.array(weights, "float32")
    with pytest.raises(ValueError, match="weights of the labels of train"):
        zoo.datasets.open_data((split, split))


def test_probabilities_are_numbers() -> None:
    labels = np.array([[0.5, 0.5], [np.nan, 1]], "float32")
    split = np.zeros((2, 4, 4, 1), "uint8"), labels
    with pytest.raises(ValueError, match="labels of train are probabilities and hold NaN"):
        zoo.datasets.open_data((split, split))


def test_a_table_with_names_that_no_file_has(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"path,label\n{'x' * 5000}.png,a\n{'y' * 5000}.png,b\n")
    with pytest.raises(FileNotFoundError, match="2 of 2 pictures in .*t.csv are not there"):
        zoo.datasets.open_data(tmp_path / "t.csv", shape=(8, 8, 1))


def test_pictures_without_pixels_are_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for name, data in {"a/empty.png": b"", "b/header.gif": b"GIF89a\0\0\0\0\0\0\0;"}.items():
        (tmp_path / name).write_bytes(data)
    Image.new("L", (1, 1)).save(tmp_path / "a" / "one.png")
    Image.new("L", (1, 1)).save(tmp_path / "b" / "one.png")
    with pytest.raises(ValueError, match=r"(?s)2 of 4 pictures .*a/empty.png.*b/header.gif"):
        zoo.datasets.open_data(tmp_path, shape=(8, 8, 1))
