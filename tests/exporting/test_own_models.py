"""Keras models of the user's own as files: what their outputs are, in the file's own runtime."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from tests.exporting.conftest import report
from tests.exporting.test_converted import interpreter, run_onnx
from zoo.exporting import _worker

pytestmark = pytest.mark.once
L, ops = keras.layers, keras.ops


@pytest.fixture(scope="module")
def siamese() -> keras.Model:
    """Two inputs through shared layers, states of a recurrent layer, an input passed on, and a number without rows."""
    keras.utils.set_random_seed(1)
    left, right = keras.Input((5, 4), name="left"), keras.Input((5, 4), name="right")
    head = L.Dense(3, name="embedding")
    gru = L.GRU(2, return_state=True, return_sequences=True, name="gru")
    total = L.Rescaling(1.0, name="total")(ops.mean(left))
    return keras.Model([left, right], [head(left), head(right), *gru(left), right, total], name="siamese")


def test_all_outputs_in_onnx(siamese: keras.Model, tmp_path: Path) -> None:
    folder = zoo.export(siamese, tmp_path, format="onnx", opset=17)
    given = {name: np.random.default_rng(3).standard_normal((3, 5, 4)).astype("float32") for name in ("left", "right")}
    found = run_onnx(folder, given)
    names = ["embedding", "embedding_1", "gru", "gru_1", "right_1", "total"]
    for name, wanted in zip(names, siamese([given["left"], given["right"]]), strict=True):
        assert found[name] == pytest.approx(ops.convert_to_numpy(wanted), abs=1e-5), name
    assert (report(folder)["opset"], report(folder)["rows_independent"]) == (17, False)


def test_words_in_a_saved_model(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the layer makes a table of TensorFlow's")
    word, x = keras.Input((1,), dtype="string", name="word"), keras.Input((2,), dtype="bfloat16", name="x")
    place = L.StringLookup(vocabulary=["a", "b"], name="place")(word)
    model = keras.Model({"word": word, "x": x}, {"place": place, "double": x * 2}, name="words")
    function = tf.saved_model.load(str(zoo.export(model, tmp_path))).signatures["serving_default"]
    found = function(word=tf.constant([["b"], ["none"], ["a"]]), x=tf.constant([[1.5, 2]] * 3, "bfloat16"))
    assert found["place"].numpy().tolist() == [[2], [0], [1]]
    assert found["double"].dtype == tf.bfloat16 and float(found["double"][0, 0]) == 3.0


def test_strings_are_for_saved_models() -> None:
    signature = {"inputs": {"word": {"dtype": "string"}}, "outputs": {"place": {"dtype": "int64"}}}
    with pytest.raises(
        ValueError, match=r"for onnx has no room for 'word' \(string\): export with format='savedmodel'"
    ):
        _worker._refuse_types(signature, "onnx")


def test_integers_in_and_out(small_net: keras.Model, pictures: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "pictures.npy", pictures)
    options = {"format": "litert", "quantize": "int8", "io": "uint8", "samples": tmp_path / "pictures.npy"}
    folder = zoo.export(small_net, tmp_path, **options)
    written = report(folder)
    picture, score = written["inputs"]["picture"], written["outputs"]["score"]
    assert (picture["dtype"], round(picture["scale"], 2), picture["zero_point"]) == ("uint8", 1.0, 0)
    found = interpreter(folder).get_signature_runner("serving_default")(picture=pictures[:5])["score"]
    wanted = ops.convert_to_numpy(small_net(pictures[:5]))
    assert found.dtype == score["dtype"] == "uint8"
    numbers = score["scale"] * (found.astype("float32") - score["zero_point"])
    assert np.abs(numbers - wanted).max() < 0.05 * np.abs(wanted).max()
