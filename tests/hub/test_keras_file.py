"""`zoo.load("best.keras")`: a file of Keras in the place of a folder."""

from __future__ import annotations

import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from zoo.hub import ZooModel, decoding, loading, origin_of, saving, source, starting, verifying

from .conftest import values

pytestmark = pytest.mark.once


@pytest.fixture
def file(toy: ZooModel, tmp_path: Path) -> Path:
    toy.labels = ["cat", "dog", "emu"]
    toy.get_layer("conv").trainable = False
    toy.save(tmp_path / "best.keras")
    return tmp_path / "best.keras"


def test_the_model_comes_back(file: Path, toy: ZooModel, images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    for again in (loading.load("best.keras"), loading.load(file), loading.load("toy_w4_shelf", weights=file)):
        assert again.labels == ("cat", "dog", "emu") and again.compiled and not again.get_layer("conv").trainable
        assert np.allclose(saving.golden_logits(again, images), saving.golden_logits(toy, images), rtol=1e-6)
    assert not loading.load(file, compile=False).compiled
    assert loading.load(file, model_name="second").name == "second"
    assert origin_of(loading.load(file)).labels == source.card("best.keras").labels == toy.labels
    assert source.card(file).architecture["parameters"] == 63 and source.card(file).files == {}
    assert decoding.decode("best.keras", np.array([[0.0, 0.0, 9.0]]), top=1)[0][0].label == "emu"


def test_it_can_be_changed_like_a_folder(file: Path, toy: ZooModel, images: np.ndarray) -> None:
    other = loading.load(file, labels=["a", "b"])
    assert other.output_shape == (None, 2) and other.labels == ("a", "b")
    assert np.array_equal(values(other)["conv/kernel"], values(toy)["conv/kernel"])
    assert [w.path for w in other.trainable_weights] == ["norm/gamma", "norm/beta", "head/kernel", "head/bias"]
    assert loading.load(file, include_head=False).output_shape == (None, 4)
    wide = loading.load(file, dtype="float64", input_shape=(9, 9, 1))
    assert wide.input_shape == (None, 9, 9, 1) and wide.get_layer("conv").compute_dtype == "float64"
    assert np.array_equal(values(wide)["head/kernel"], values(toy)["head/kernel"])


def test_it_keeps_its_own_compilation(toy: ZooModel, tmp_path: Path, images: np.ndarray) -> None:
    toy.compile(keras.optimizers.SGD(0.25), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    toy.fit(images, np.array([0, 1, 2, 0]), verbose=0)
    toy.save(tmp_path / "m.keras")
    again = loading.load(tmp_path / "m.keras")
    assert isinstance(again.optimizer, keras.optimizers.SGD) and int(again.optimizer.iterations) == 1


def test_training_can_begin_with_it(file: Path, toy: ZooModel) -> None:
    other = loading.build("toy_w4_shelf")
    before = values(other)["head/kernel"]
    starting.start_from(other, file)  # a head for other classes
    assert np.array_equal(values(other)["head/kernel"], before)
    assert np.array_equal(values(other)["conv/kernel"], values(toy)["conv/kernel"])
    model = loading.build("toy_w4_shelf", labels=["cat", "dog", "emu"])
    starting.start_from(model, file)
    assert all(np.array_equal(value, values(toy)[path]) for path, value in values(model).items())
    assert len(starting.start_facts(file)["sha256"]["best.keras"]) == 64


def test_what_is_no_such_file_is_named(file: Path, tmp_path: Path) -> None:
    inputs = keras.Input((2,))
    keras.Model(inputs, keras.layers.Dense(1)(inputs)).save(tmp_path / "foreign.keras")
    with pytest.raises(ValueError, match=r"foreign.keras holds a Functional without an origin.*load_weights\(path\)"):
        loading.load(tmp_path / "foreign.keras")
    with pytest.raises(FileNotFoundError, match="nowhere.keras does not exist: expected a file written by model.save"):
        loading.load("nowhere.keras")
    with pytest.raises(ValueError, match="already says which weights"):
        loading.load(file, weights="v1")
    with pytest.raises(ValueError, match="holds weights of 'toy_w4_shelf', not of 'toy_w2_box'"):
        loading.load("toy_w2_box", weights=file)
    with pytest.raises(ValueError, match=r"m.h5 is an HDF5 file: keras.models.load_model reads"):
        loading.load("./m.h5")
    with pytest.raises(ValueError, match="'s3://a/b' is a URL"):
        loading.load("s3://a/b")
    assert not verifying.verify(file)[0].ok
    for data in (b"", b"broken off", file.read_bytes()[:200]):
        (tmp_path / "bad.keras").write_bytes(data)
        with pytest.raises(ValueError, match="bad.keras is not a readable file that model.save wrote"):
            loading.load(tmp_path / "bad.keras")
    with zipfile.ZipFile(tmp_path / "empty.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(ValueError, match="empty.keras holds a model without an origin"):
        loading.load(tmp_path / "empty.keras")
