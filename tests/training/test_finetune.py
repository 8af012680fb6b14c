"""Fine-tuning on a folder and on a graph: the run folder, the split, resumption, and refusals."""

from __future__ import annotations

import csv
import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from PIL import Image

import zoo
from tests.training import toy
from zoo import hub
from zoo.cli import main
from zoo.datasets.protocol import DataSet
from zoo.hub import registry
from zoo.models.recipe import Recipe
from zoo.training import epochs, heads, run_card
from zoo.visual.learning import read_epochs

ONE = {"strategy": "single", "progress": False}
RECIPE = {"epochs": 2, "batch_size": 8, "augmentation": []}


@pytest.fixture
def folder(tmp_path):
    root, rng = tmp_path / "mine", np.random.default_rng(0)
    for name, low in (("dark", 0), ("light", 200), ("middle", 100)):
        (root / name).mkdir(parents=True)
        for index in range(10):
            Image.fromarray(rng.integers(low, low + 50, (8, 8), dtype="uint8")).save(root / name / f"{index}.png")
    return root


@pytest.fixture
def trained(tmp_path):
    keras.utils.set_random_seed(0)
    return zoo.save(zoo.build("dots"), tmp_path / "weights_of_dots")


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(heads, "_STEPS", 12)


def listed(run):
    with (run / "split.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_folder_becomes_a_run_that_everything_takes(tmp_path, folder, trained, quick, monkeypatch):
    run = zoo.finetune(trained, folder, out=tmp_path / "run", recipe=RECIPE, **ONE)
    names = {"run.json", "history.csv", "split.csv", "report.json", "curves.png", "confusion.png", "head", "card.json"}
    assert names <= {path.name for path in run.iterdir()}
    drawn, marks = read_epochs(run)
    begun = marks["then all layers"]
    assert begun == len((run / "head" / "history.csv").read_text().splitlines()) - 1
    assert [row["epoch"] for row in drawn] == list(range(len(drawn))) and begun < len(drawn)
    rows = listed(run)
    assert len(rows) == 30 and sum(row["split"] == "validation" for row in rows) == 6
    model = zoo.load(run)
    assert hub.origin_of(model).labels == ("dark", "light", "middle")
    measured = zoo.evaluate(run, data=folder, progress=False)
    report = json.loads((run / "report.json").read_text())
    assert (measured["split"], measured["images"]) == ("validation", 6) == (report["split"], report["examples"])
    assert measured["chose_weights"]
    assert not zoo.evaluate(run, data=folder, split="train", progress=False)["chose_weights"]
    assert measured["correct"] == report["correct"] == sum(report["confusion"][k][k] for k in range(3))
    assert zoo.evaluate(run, data=folder, split="train", progress=False)["images"] == 24
    assert zoo.evaluate(run, data=folder, split="all", progress=False)["images"] == 30
    with pytest.raises(FileNotFoundError, match="There is no nowhere.* learned from mine, which is data of your own"):
        zoo.evaluate(run, data="nowhere", progress=False)
    for asked in (run, model):  # and not the base's data set
        with pytest.raises(ValueError, match="run learned from mine.* give it with --data PATH/mine"):
            zoo.evaluate(asked, progress=False)
    answer = zoo.predict(run, [folder / "dark" / "0.png"])[0][0]
    assert answer.label in ("dark", "light", "middle")
    kept = [np.array(keras.ops.convert_to_numpy(w)) for w in model.get_layer("norm").weights]
    before = [np.array(keras.ops.convert_to_numpy(w)) for w in zoo.load(trained).get_layer("norm").weights]
    assert all(np.array_equal(a, b) for a, b in zip(kept, before, strict=True))  # statistics stay
    monkeypatch.setattr(keras.Model, "fit", None)
    assert zoo.finetune(trained, folder, out=run, recipe=RECIPE, **ONE) == run  # a finished run is returned


def test_the_card_says_what_it_was_fine_tuned_from_on_what_and_how_good_it_is(tmp_path, folder, trained, quick, capsys):
    run = zoo.finetune(trained, folder, out=tmp_path / "run", recipe=RECIPE, **ONE)
    card, kept = zoo.card(run), json.loads((run / "run.json").read_text())
    assert card.summary == "fine-tuned from dots (weights_of_dots) on mine: 3 classes, 30 pictures"
    assert (card.dataset["name"], card.dataset["license"]) == ("own data mine", "not stated")
    assert card.dataset["note"] == "3 classes; 24 pictures of the split train, 6 pictures of the split validation."
    (metric,) = card.metrics
    assert (metric["name"], metric["split"]) == ("accuracy", "validation")
    assert metric["value"] == pytest.approx(100 * kept["validation"]["accuracy"])
    assert card.training["selection"].startswith("of at most 2 epochs the one with the best validation loss (epoch ")
    assert card.recipe["batch_size"] == 8 and card.training["minutes"] == kept["minutes"]
    assert f"model {run} summary fine-tuned from" in _info(run, capsys) and "architecture dots" in _info(run, capsys)
    for text in (str(card), _info(run, capsys)):
        assert card.summary in text and "6 examples of the run's own split, which also chose the weights" in text
    assert str(tmp_path) not in card.to_json()
    again = zoo.finetune(run, folder, out=tmp_path / "again", recipe=RECIPE, **ONE)
    assert zoo.card(again).summary == "fine-tuned from dots (run) on mine: 3 classes, 30 pictures"
    capsys.readouterr()
    zoo.finetune(trained, folder, out=run, recipe=RECIPE, **ONE | {"progress": True})
    said = capsys.readouterr().err
    assert "holds this run already, finished" in said and "then all layers" not in said and "the new head" not in said


def _info(run, capsys):
    assert main(["info", str(run)]) == 0
    return " ".join(capsys.readouterr().out.split())


def test_the_card_of_a_fit_says_so(tmp_path, trained):
    model = zoo.load(trained, num_classes=3)
    assert "fine-tuned" not in zoo.card(zoo.save(model, tmp_path / "new")).summary
    x, y = np.zeros((6, *model.input_shape[1:]), "uint8"), np.arange(6) % 3
    model.fit(x, y, validation_data=(x, y), verbose=0)
    card = zoo.card(zoo.save(model, tmp_path / "fitted"))
    assert card.summary == "fine-tuned from dots (weights_of_dots) on data of one's own: 3 classes, 6 examples"
    assert card.metrics[0]["value"] == pytest.approx(100 * model.history.history["val_accuracy"][-1])
    assert "33.33 % on the validation data of fit, after its last epoch" in str(card)
    assert zoo.card(zoo.save(model, tmp_path / "named", card={"summary": "mine"})).summary == "mine"


def test_the_card_of_a_fit_has_no_number_of_other_weights(tmp_path, trained):
    model = zoo.load(trained, num_classes=3)
    x, y = np.zeros((6, *model.input_shape[1:]), "uint8"), np.arange(6) % 3
    stops = keras.callbacks.EarlyStopping("val_loss", patience=1, restore_best_weights=True)
    model.fit(x, y, validation_data=(x, y), callbacks=[stops], epochs=2, verbose=0)
    card = zoo.card(zoo.save(model, tmp_path / "stopped"))
    assert card.summary.startswith("fine-tuned from dots") and not card.metrics
    model.fit(x, y, validation_data=(x, y), verbose=0)
    assert zoo.card(zoo.save(model, tmp_path / "measured")).metrics
    model.weights[0].assign(model.weights[0] + 1)
    assert not zoo.card(zoo.save(model, tmp_path / "changed")).metrics


def test_the_head_learns_first_and_an_interrupted_call_goes_on(tmp_path, folder, trained, quick, monkeypatch, capsys):
    whole = zoo.finetune(trained, folder, out=tmp_path / "whole", recipe=RECIPE, **ONE | {"progress": True})
    said = capsys.readouterr().err
    assert (
        said.index("first the new head alone")
        < said.index("epoch 1/")
        < said.index("then all layers, 2 epochs; the weights with the lowest ")
    )
    save = epochs.Checkpoints.save

    def broken(place):
        def interrupt(self, progress):
            save(self, progress)
            if progress.epoch == 1 and (self._folder.parent.name == "head") == (place == "head"):
                raise KeyboardInterrupt

        return interrupt

    for place in ("head", "run"):
        with monkeypatch.context() as patch:
            patch.setattr(epochs.Checkpoints, "save", broken(place))
            with pytest.raises(KeyboardInterrupt):
                zoo.finetune(trained, folder, out=tmp_path / "run", recipe=RECIPE, **ONE)
    keras.utils.set_random_seed(9)
    run = zoo.finetune(trained, folder, out=tmp_path / "run", recipe=RECIPE, **ONE)
    assert (run / "history.csv").read_text() == (whole / "history.csv").read_text()
    assert (run / "head.safetensors").read_bytes() == (whole / "head.safetensors").read_bytes()
    body = [zoo.load(place).get_layer("conv").kernel for place in (trained, whole)]
    assert not np.array_equal(*(keras.ops.convert_to_numpy(kernel) for kernel in body))  # then everything learns
    with pytest.raises(ValueError, match="holds another run: other data or another model"):
        (folder / "dark" / "9.png").unlink()
        zoo.finetune(trained, folder, out=run, recipe=RECIPE, **ONE)


def test_a_model_of_ones_own_gets_a_head_for_the_classes(tmp_path, folder, quick):
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(5, "relu"), layers.Dense(7, "softmax")], name="mine"
    )
    run = zoo.finetune(model, folder, out=tmp_path / "run", recipe=RECIPE, **ONE)
    assert zoo.load(run).output_shape == (None, 3) and hub.origin_of(zoo.load(run)).labels[0] == "dark"
    again = zoo.finetune(run, folder, out=tmp_path / "again", recipe=RECIPE, **ONE)
    assert zoo.card(again).labels == ("dark", "light", "middle")


def test_a_graph_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "FAMILIES", ("zoo.models.pdegcn",))
    team = np.arange(24) % 2
    pairs = [(i, j) for i in range(24) for j in range(i) if team[i] == team[j]]
    x = np.random.default_rng(0).normal(size=(24, 4)) + 3 * team[:, None]
    np.savez(tmp_path / "mine.npz", x=x, edges=pairs, labels=np.array(["red", "blue"])[team])
    run = zoo.finetune("pdegcn_cora", tmp_path / "mine.npz", out=tmp_path / "run", epochs=5, **ONE)
    assert zoo.evaluate(run, data=tmp_path / "mine.npz", progress=False)["nodes"] == 4
    assert zoo.predict(run, nodes=[0])[0][0].label in ("blue", "red")
    assert json.loads((run / "report.json").read_text())["classes"] == ["blue", "red"]


def test_a_registered_name_is_built_for_the_features_of_a_graph(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(registry, "FAMILIES", ("zoo.models.pdegcn", "tests.training.toy"))
    team = np.arange(24) % 2
    graph = {"x": np.eye(24)[:, :5], "edges": [(i, i + 2) for i in range(22)], "labels": team}
    run = zoo.train("pdegcn_cora", out=tmp_path / "run", data=graph, epochs=1, **ONE)
    assert hub.origin_of(zoo.load(run)).config.input_shape == (None, 5) and zoo.load(run).output_shape[-1] == 2
    with pytest.raises(ValueError, match="takes 5 features a node; the graph has 3"):
        graph = graph | {"x": np.eye(24)[:, :3]}
        zoo.train(zoo.load(run), out=tmp_path / "other", recipe=RECIPE, data=graph, **ONE)
    with pytest.raises(ValueError, match="'dots' takes no graphs"):
        zoo.train("dots", out=tmp_path / "dots", recipe=RECIPE, data=graph, **ONE)
    with pytest.raises(ValueError, match="numpy.savez.'graph.npz'"):
        zoo.train("pdegcn_cora", out=tmp_path / "other", data=folder, **ONE)


def test_refusals_come_before_anything_is_trained(tmp_path, folder, trained, monkeypatch):
    monkeypatch.setattr(keras.Model, "fit", None)

    def tune(model=trained, data=folder, **options):
        zoo.finetune(model, data, **{"out": tmp_path / "run"} | ONE | options)

    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match="none in: empty"):
        tune()
    (folder / "empty").rmdir()
    with pytest.raises(ValueError, match="'dots' has no trained weights"):
        tune("dots")
    with pytest.raises(ValueError, match="no field 'learning_rat'. Did you mean 'learning_rate'"):
        tune(recipe={"learning_rat": 1})
    with pytest.raises(ValueError, match="Unknown augmentation 'flipp'"):
        tune(recipe={"augmentation": ["flipp"]})
    with pytest.raises(ValueError, match="has no option 'far'"):
        tune(recipe={"augmentation": ["flip"], "augmentation_options": {"flip": {"far": 1}}})
    with pytest.raises(ValueError, match="Expected `size` to be a positive integer or .height, width.; got -3"):
        tune(size=-3)
    with pytest.raises(ValueError, match="leave out start and publish"):
        tune(publish="v1")
    with pytest.raises(FileNotFoundError, match="No such folder"):
        tune(data=tmp_path / "gone")
    with pytest.raises(ValueError, match="'dots' takes no graphs"):
        tune(data={"x": np.eye(4), "edges": [[0, 1]], "labels": [0, 1, 0, 1]})
    with pytest.raises(ValueError, match="names of the classes"):
        tune(data=toy.load("mnist_rot", "train"))
    assert not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("")
    with pytest.raises(ValueError, match="not empty and holds no training run"):
        tune()


def test_ones_own_data_has_the_classes_of_the_model(tmp_path, folder, trained):
    with pytest.raises(ValueError, match="not the model's: dark, light, middle not among 0, 1"):
        zoo.evaluate(trained, data=folder, progress=False)
    with pytest.raises(ValueError, match="Which data set"):
        zoo.evaluate(zoo.build(toy.DotsConfig(name="unknown")), progress=False)


@pytest.mark.parametrize(
    ("name", "listing", "called"),
    [
        ("cifar10", (("cat/1.png", "cat", "train"),), "own data cifar10"),  # a folder of one's own of that name
        ("cifar10", (), "cifar10"),
        ("mine", (), "own data mine"),
    ],
)
def test_a_card_tells_a_registered_set_from_a_folder_of_its_name(name, listing, called):
    arrays = np.zeros((2, 8, 8, 3), "uint8"), np.array([0, 1])
    data = DataSet(train=arrays, validation=arrays, classes=("cat", "dog"), listing=listing, name=name)
    network = SimpleNamespace(name="net", source=None)
    facts = run_card._of_own_data(
        SimpleNamespace(recipe=Recipe(epochs=1, batch_size=1, learning_rate=0.1), network=network, start=None), data
    )
    assert facts["dataset"]["name"] == called and facts["dataset"]["split"] == "train"
    assert (facts["dataset"]["license"] == "not stated") == called.startswith("own data")
