from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest
from PIL import Image

from tests.evaluation.toy import bars
from zoo.evaluation import predict
from zoo.evaluation.prediction import logits_of


def labels_of(predictions) -> list[str]:
    return [row[0].label for row in predictions]


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64", "float16"])
def test_arrays_of_any_number_type(model, dtype):
    predictions = predict(model, bars([3, 0, 9]).astype(dtype), top=4)
    assert labels_of(predictions) == ["3", "0", "9"]
    assert [len(row) for row in predictions] == [4, 4, 4]
    assert predictions[0][0].probability > 0.5
    assert sum(p.probability for p in predict(model, bars([3]), top=10)[0]) == pytest.approx(1)


def test_tensors_and_lists_of_arrays(model):
    images = bars([1, 2])
    assert labels_of(predict(model, keras.ops.convert_to_tensor(images))) == ["1", "2"]
    assert labels_of(predict(model, list(images))) == ["1", "2"]


def test_names_and_folders(model, folder):
    assert labels_of(predict(folder, bars([4]))) == ["4"]
    with pytest.raises(ValueError, match="did you mean 'bars_mnistrot'"):
        predict("bars_mnistrt", bars([4]))
    with pytest.raises(ValueError, match="model's name or a Keras model; got int"):
        predict(3, bars([4]))


def test_image_files(model, tmp_path):
    for label in (7, 5):
        Image.fromarray(bars([label])[0, ..., 0]).save(tmp_path / f"{label}.png")
    assert labels_of(predict(model, [tmp_path / "7.png", str(tmp_path / "5.png")])) == ["7", "5"]
    assert labels_of(predict(model, tmp_path / "7.png")) == ["7"]


def test_batches_do_not_change_the_answer(model):
    labels = np.arange(23) % 10
    images = bars(labels)
    whole = logits_of(model, images, 64)
    done = []
    parts = logits_of(model, images, 5, advance=done.append)
    assert done == [5, 5, 5, 5, 3]
    np.testing.assert_allclose(parts, whole, rtol=1e-6)
    assert labels_of(predict(model, images, batch_size=5)) == [str(label) for label in labels]


def test_one_compiled_shape(model):
    """The last, shorter batch is padded: the model is traced once."""
    traces = []

    class Counting(keras.layers.Layer):
        def call(self, x):
            traces.append(x.shape)
            return x

    counted = keras.Sequential([keras.Input((28, 28, 1)), Counting(), keras.layers.Flatten(), keras.layers.Dense(2)])
    counted.compile(jit_compile=keras.backend.backend() != "torch")
    before = len(traces)
    logits_of(counted, bars(np.arange(7)), 3)
    shapes = {tuple(shape) for shape in traces[before:]}
    assert shapes == {(3, 28, 28, 1)}


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([], "at least one image"),
        (np.zeros((0, 28, 28, 1)), "at least one image"),
        (np.zeros((28, 28, 1)), r"got \(28, 28, 1\). For a single image pass images\[None\]"),
        (np.zeros((2, 28, 28)), r"got \(2, 28, 28\). Grey images need a last axis"),
        (np.zeros((2, 28, 28, 3)), r"Expected images of shape \(N, 28, 28, 1\); got \(2, 28, 28, 3\)"),
        (np.zeros((2, 1, 28, 28)), r"got \(2, 1, 28, 28\). Channels come last: images.transpose"),
        (np.zeros((2, 32, 32, 1)), r"got \(2, 32, 32, 1\). Resize"),
        (7, r"got \(\)"),
        (np.full((2, 28, 28, 1), np.nan), "2 of 2 images hold NaN or infinite"),
        (np.stack([np.zeros((28, 28, 1)), np.full((28, 28, 1), np.inf)]), "1 of 2 images hold NaN or infinite"),
        (np.full((2, 28, 28, 1), -1.0), "pixels in 0..255; got -1 to -1"),
        (np.full((2, 28, 28, 1), 300), "pixels in 0..255; got 300 to 300"),
        (np.zeros((2, 28, 28, 1), bool), "numeric pixels in 0..255; got an array of dtype bool"),
        (np.zeros((2, 28, 28, 1), complex), "dtype complex128"),
        (np.full((2, 28, 28, 1), "a"), "dtype <U1"),
        (np.full((2, 28, 28, 1), None), "dtype object"),
        ([np.zeros((28, 28, 1)), np.zeros((27, 28, 1))], "array of images of one size; got list"),
    ],
)
def test_wrong_arrays(model, images, message):
    with pytest.raises(ValueError, match=message):
        predict(model, images)


def test_wrong_files(model, tmp_path):
    (tmp_path / "a.png").write_text("hello")
    with pytest.raises(ValueError, match="is no image"):
        predict(model, [tmp_path / "a.png"])
    with pytest.raises(FileNotFoundError, match="gone.png"):
        predict(model, [tmp_path / "gone.png"])


@pytest.mark.parametrize("arguments", [{"top": 0}, {"batch_size": 0}])
def test_wrong_numbers(model, arguments):
    with pytest.raises(ValueError, match="at least 1"):
        predict(model, bars([1]), **arguments)


def test_scaled_pixels_get_a_warning(model):
    for scaled in (bars([1]).astype("float32") / 255, bars([1]) // 255):
        with pytest.warns(UserWarning, match="pixels go up to 1, .* multiply them by 255"):
            predict(model, scaled)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        predict(model, bars([1]).astype("float32"))
        predict(model, np.zeros((1, 28, 28, 1), "float32"))


def test_a_model_of_another_kind():
    text = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match=r"one input of shape \(batch, height, width, channels\); got \(None, 5\)"):
        predict(text, np.zeros((1, 5)))
