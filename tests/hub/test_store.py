from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from zoo.hub import loading, store

from .conftest import randomise, values

pytestmark = pytest.mark.once


def test_tensors_are_keyed_by_path_without_seeds(toy: keras.Model) -> None:
    tensors = store.collect(toy.weights)
    body, head = store.split_head(tensors)
    assert sorted(head) == ["head/bias", "head/kernel"]
    assert sorted(body) == [
        "conv/bias",
        "conv/kernel",
        "norm/beta",
        "norm/gamma",
        "norm/moving_mean",
        "norm/moving_variance",
    ]
    again = store.tensors_from_bytes(store.tensors_to_bytes(tensors), source="memory")
    assert again.keys() == tensors.keys()
    assert all(np.array_equal(again[path], tensors[path]) for path in tensors)


def test_every_fault_is_in_one_error_and_nothing_was_changed(toy: keras.Model) -> None:
    tensors = store.collect(randomise(loading.build("toy_w4_shelf"), seed=5).weights)
    del tensors["norm/beta"], tensors["conv/bias"]
    tensors["conv/kernel"] = tensors["conv/kernel"][..., :2]
    tensors["stem/kernel"] = np.zeros((2, 2), "float32")
    before = values(toy)
    with pytest.raises(ValueError) as error:
        store.assign(toy.weights, tensors, source="a.safetensors")
    text = str(error.value)
    assert "a.safetensors do not fit the model" in text
    for part in (
        "missing: norm/beta (4,)",
        "missing: conv/bias (4,)",
        "unexpected: stem/kernel (2, 2)",
        "shape of conv/kernel: the model has (3, 3, 1, 4), the file (3, 3, 1, 2)",
    ):
        assert part in text
    after = values(toy)
    assert all(np.array_equal(before[path], after[path]) for path in before)


def test_broken_values_are_not_collected(toy: keras.Model) -> None:
    bias = toy.get_layer("conv").bias
    bias.assign([1.0, float("nan"), 2.0, 3.0])
    with pytest.raises(ValueError, match="NaN or infinite values in conv/bias"):
        store.collect(toy.weights)


def test_two_variables_of_one_path_are_refused(toy: keras.Model) -> None:
    with pytest.raises(ValueError, match="two variables have the path 'conv/kernel'"):
        store.collect(toy.weights + toy.weights[:1])


def test_half_precision_is_stored_as_float32() -> None:
    variable = keras.Variable([1.5, 2.5], dtype="bfloat16", name="x")
    (tensor,) = store.collect([variable]).values()
    assert tensor.dtype == np.float32 and tensor.tolist() == [1.5, 2.5]


def test_a_file_is_read_only_if_it_is_the_one(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    facts = store.facts_of(b"abcdef")
    path.write_bytes(b"abcdef")
    assert store.read_checked(path, facts) == b"abcdef"
    for wrong in (b"abcde", b"abcdeg", b"", b"abcdefg"):
        path.write_bytes(wrong)
        with pytest.raises(ValueError, match="x.bin is damaged or altered and was not used"):
            store.read_checked(path, facts)


def test_what_is_no_safetensors_file_is_refused() -> None:
    for data in (b"", b"not a weights file", b"\xff" * 64):
        with pytest.raises(ValueError, match="w.safetensors is not a readable safetensors file"):
            store.tensors_from_bytes(data, source="w.safetensors")


def test_pickles_are_refused() -> None:
    data = store.arrays_to_bytes(x=np.arange(3))
    assert store.arrays_from_bytes(data)["x"].tolist() == [0, 1, 2]
    with pytest.raises(ValueError):
        store.arrays_to_bytes(x=np.array([{}], dtype=object))


def test_writing_replaces_whole_files_and_leaves_no_others(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    store.write_files(folder, {"one": b"1", "two": b"2"})
    (folder / "mine.txt").write_text("stays")
    store.write_files(folder, {"one": b"11"})
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {"one": b"11", "two": b"2", "mine.txt": b"stays"}


def test_a_failed_write_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a"
    store.write_files(folder, {"one": b"1", "two": b"2"})
    plain = Path.write_bytes

    def fail_at_two(path: Path, data: bytes) -> int:
        if "two" in path.name:
            plain(path, data[:0])
            raise OSError("no space left")
        return plain(path, data)

    monkeypatch.setattr(Path, "write_bytes", fail_at_two)
    new = {"one": b"8", "two": b"9"}
    with pytest.raises(OSError, match="no space left"):
        store.write_files(folder, new)
    with pytest.raises(OSError, match="no space left"):
        store.write_new_folder(tmp_path / "n", new)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {"one": b"1", "two": b"2"}
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_new_folder_is_never_an_old_one(tmp_path: Path) -> None:
    store.write_new_folder(tmp_path / "v1", {"one": b"1"})
    with pytest.raises(FileExistsError, match="choose the next tag"):
        store.write_new_folder(tmp_path / "v1", {"one": b"2"})
    assert [p.name for p in tmp_path.iterdir()] == ["v1"]
    assert (tmp_path / "v1" / "one").read_bytes() == b"1"
