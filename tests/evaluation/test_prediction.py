from __future__ import annotations

import dataclasses
import itertools
import warnings

import keras
import numpy as np
import pytest
from PIL import Image

import zoo
from tests.evaluation.toy import bars
from zoo.evaluation import predict
from zoo.evaluation.prediction import logits_of
from zoo.hub import registry


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
    with pytest.raises(ValueError, match="Did you mean 'bars_mnistrot'"):
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


def test_a_call_by_name_compiles_nothing_on_tensorflow(model, monkeypatch):
    """But a second call of a model that somebody holds does, and the answers are the same."""
    images, used = bars(np.arange(5)), []
    expected = zoo.predict(model, images, top=1)
    assert not model.run_eagerly
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    monkeypatch.setattr(zoo.hub, "load", lambda name: used.append(copy) or copy)
    found = zoo.predict("a_name", images, top=1)
    assert [row[0].label for row in found] == [row[0].label for row in expected]
    np.testing.assert_allclose([row[0].probability for row in found], [row[0].probability for row in expected], 1e-4)
    assert used == [copy] and copy.run_eagerly == (keras.backend.backend() == "tensorflow")


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


@pytest.mark.parametrize("arguments", [{"top": 0}, {"top": 1.5}, {"batch_size": 0}, {"batch_size": 1.5}])
def test_wrong_numbers(model, arguments):
    with pytest.raises(ValueError, match="to be a positive integer; got"):
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


class Column:
    """As a column of pandas or polars."""

    def __init__(self, values) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def to_numpy(self):
        return np.array(self.values, object)


class Table(Column):
    columns = ("path", "label")


def test_paths_and_contents_in_any_form(model, tmp_path):
    for label in (7, 5):
        Image.fromarray(bars([label])[0, ..., 0]).save(tmp_path / f"{label}.png")
    paths = [tmp_path / "7.png", tmp_path / "5.png"]
    for given in (
        tuple(paths),
        np.array([str(path) for path in paths]),
        np.array(paths, object),
        Column(paths),
        Column([str(path) for path in paths]),
        (path for path in paths),
        [path.read_bytes() for path in paths],
        (image for image in bars([7, 5])),
    ):
        assert labels_of(predict(model, given)) == ["7", "5"]


class Batches(keras.utils.PyDataset):
    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int):
        return bars([1])


def named_like(module: str, name: str):
    """An object of a class of that name, without the package."""
    return type(name, (), {"__module__": module, "__iter__": lambda self: iter([bars([1])]), "__len__": lambda _: 1})()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Batches(), "got a keras PyDataset: .* model.predict.data. .* zoo.decode"),
        (named_like("tensorflow.python.data.ops.dataset_ops", "DatasetV2"), "got a tf.data.Dataset: .* model.predict"),
        (named_like("torch.utils.data.dataloader", "DataLoader"), "got a torch DataLoader: .* model.predict"),
        ({"x": np.zeros((2, 3)), "edges": []}, "got a dictionary with x, edges"),
        (b"a picture", r"the content of a single file: pass a list, \[content\]"),
        (Table(["a.png"]), "got a table: pass its column of paths"),
        (((bars([1]), 0) for _ in itertools.count()), "got a generator of batches, each a tuple"),
        ((bars([1]) for _ in itertools.count()), "got a generator of batches, each a ndarray"),
    ],
)
def test_data_sets_are_refused_by_name(model, given, message):
    with pytest.raises(ValueError, match=message):
        predict(model, given)


def test_images_unlike_the_training_images_are_warned_of(model, folder, monkeypatch):
    known = dataclasses.replace(
        registry.find_preset("bars_mnistrot"),
        expects={"note": "bright bars on black", "border": (0, 10), "mean": (5, 60)},
    )
    monkeypatch.setattr(registry, "presets", lambda: {"bars_mnistrot": known})
    dark = 255 - bars([3, 4])
    message = r"2 of 2 images are unlike .* 'bars_mnistrot' was trained on, bright bars on black: .*invert=True"
    with pytest.warns(UserWarning, match=message):
        predict(model, dark)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert labels_of(predict(model, dark, invert=True)) == ["3", "4"]
        predict(model, np.zeros((1, 28, 28, 1), "uint8"))
        predict(model, bars([3, 4]))
        model.labels = [f"class {number}" for number in range(10)]  # of one's own: nothing is known
        predict(model, dark)
    assert zoo.card(zoo.save(model, folder)).expects is None


@pytest.mark.parametrize(
    "white, said", [("a", "`white` to be a number"), (0, "`white` to be a number"), (4095, "files alone")]
)
def test_white_of_what_has_none(white, said):
    with pytest.raises(ValueError, match=said):
        predict(zoo.build("e4net_mnistrot"), np.zeros((1, 28, 28, 1)), white=white)


def test_graphs_have_no_pixels():
    graph = zoo.build("pdegcn_cora", input_shape=(None, 4), depth=1, width=4)
    with pytest.raises(ValueError, match="takes graphs: leave out white= and invert="):
        predict(graph, {"x": np.eye(4), "edges": []}, invert=True)
    for edges in ([[0, 4]], [[0, -2]], [[0, 1.5]]):
        with pytest.raises(ValueError, match="node|integer"):
            predict(graph, {"x": np.eye(4), "edges": edges})


def test_the_digit_models_say_what_they_expect():
    card = zoo.card("e4net_mnistrot")
    assert card.expects["note"] == "white digits on black ground"
    assert zoo.hub.expects_of(zoo.build("e4net_mnistrot")) == card.expects | {"border": (0, 11), "mean": (6, 102)}
    assert zoo.hub.expects_of(zoo.build("e4net_mnistrot", num_classes=2)) is None
    assert zoo.card("resnet32_cifar10").expects is None
