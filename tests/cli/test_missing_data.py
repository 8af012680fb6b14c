"""What `zoo train`, `zoo evaluate` and `zoo data prepare` do where a data set is missing."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest

import zoo
from tests.datasets import graphs
from tests.evaluation import toy
from zoo.datasets import getting, planetoid_raw

pytestmark = pytest.mark.once


@pytest.fixture
def prepared(monkeypatch) -> list[str]:
    """Stands for the download of MNIST-rot; tells which sets were asked for."""
    asked: list[str] = []

    def prepare(name, *, data, progress):
        asked.append(name)
        (data / name).mkdir(parents=True)
        labels = np.arange(40) % 10
        np.savez(data / name / f"{name}.npz", x_test=toy.bars(labels)[..., 0], y_test=labels)

    monkeypatch.setattr(zoo.datasets, "prepare", prepare)
    return asked


def on_terminal(monkeypatch, answer: str) -> None:
    for stream in (sys.stderr, stdin := io.StringIO(answer)):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdin", stdin)


def test_it_says_the_command(zoo_command, bars, prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    outcome = zoo_command("evaluate", bars, "--data", tmp_path / "new data")
    assert outcome.code == 2 and prepared == []
    assert f"This gets it: zoo data prepare mnist_rot --data '{tmp_path / 'new data'}'" in outcome.err


def test_prepare_gets_it(zoo_command, bars, prepared, tmp_path):
    result = zoo_command("evaluate", bars, "--data", tmp_path / "new", "--prepare", "--json").json
    assert (result["images"], result["accuracy"], prepared) == (40, 1.0, ["mnist_rot"])


def test_the_folder_of_another_set_is_no_folder_of_pictures(zoo_command, bars, prepared, tmp_path):
    (tmp_path / "new" / "planetoid").mkdir(parents=True)
    assert zoo_command("evaluate", bars, "--data", tmp_path / "new", "--prepare").code == 0
    assert prepared == ["mnist_rot"]


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("Yes\n", 0), ("n\n", 2), ("", 2)])
def test_a_terminal_is_asked(zoo_command, bars, prepared, tmp_path, monkeypatch, answer, code):
    on_terminal(monkeypatch, answer)
    outcome = zoo_command("evaluate", bars, "--data", tmp_path / "new")
    assert outcome.code == code and "Get it now? [y/N]" in outcome.err
    assert prepared == ([] if code else ["mnist_rot"])


def test_programs_are_not_asked(zoo_command, bars, prepared, tmp_path, monkeypatch):
    on_terminal(monkeypatch, "y\n")
    outcome = zoo_command("evaluate", bars, "--data", tmp_path / "new", "--json")
    assert outcome.code == 2 and "Get it now" not in outcome.err and prepared == []


def test_train(zoo_command, prepared, monkeypatch, tmp_path):
    tries: list[int] = []

    def train(name, **arguments):
        tries.append(1)
        zoo.datasets.load("mnist_rot", "test", data=arguments["data"])

    monkeypatch.setattr(zoo, "train", train)
    words = ("train", "e4net_mnistrot", "--data", str(tmp_path / "new"))
    assert zoo_command(*words).code == 2 and tries == []
    assert zoo_command(*words, "--prepare").code == 0 and tries == [1] and prepared == ["mnist_rot"]


def test_from_files(zoo_command, tmp_path, monkeypatch):
    monkeypatch.setattr(planetoid_raw, "VALIDATION_NODES", 3)
    monkeypatch.setitem(getting.SIZES, "cora", (9, 5, 3, 5))
    graphs.write_raw(tmp_path / "files", "cora")
    words = ("data", "prepare", "cora", "--from", *sorted((tmp_path / "files").iterdir()), "--data", tmp_path / "data")
    assert zoo_command(*words, "--json").json == {"name": "cora", "folder": str(tmp_path / "data" / "planetoid")}
    monkeypatch.setenv("ZOO_DATA", str(tmp_path / "data"))
    outcome = zoo_command("data", "prepare", "cora")
    assert f"--data {tmp_path / 'data'}" in outcome.out and "there already" in outcome.err
    assert zoo.datasets.load("cora", "train")[1].shape == (1, 9)


@pytest.fixture
def run(bars, tmp_path, monkeypatch):
    """A model that learned from the folder `things`, which is not where the command is called."""
    monkeypatch.chdir(tmp_path)
    known = {"name": "own data things", "split": "train", "license": "not stated", "note": "10 classes"}
    return zoo.save(zoo.load(bars), tmp_path / "runs" / "things", card={"dataset": known})


@pytest.mark.parametrize(
    "words", [("evaluate", "NAME"), ("plot", "NAME", "confusion"), ("evaluate", "NAME", "--prepare")]
)
def test_own_data_is_asked_for_by_its_name(zoo_command, run, prepared, tmp_path, monkeypatch, words):
    monkeypatch.setattr(zoo, "load", None)  # it is said before the model is loaded
    words = ["runs/things" if word == "NAME" else word for word in words]
    outcome = zoo_command(*words)
    assert outcome.code == 2 and prepared == [] and "mnist_rot" not in outcome.err
    assert "runs/things learned from things" in outcome.err and "--data PATH/things" in outcome.err
    (tmp_path / "things").mkdir()
    assert "give it with --data things (" in zoo_command(*words).err
    for wrong in ("nowhere", "things"):
        outcome = zoo_command(*words, "--data", wrong)
        assert outcome.code == 2 and wrong in outcome.err and "runs/things learned from things" in outcome.err


def test_a_saved_model_with_other_classes_did_not_learn_from_the_registered_set(zoo_command, bars, tmp_path):
    folder = zoo.save(zoo.load(bars, num_classes=3), tmp_path / "saved")
    assert "saved learned from data of your own" in zoo_command("evaluate", folder).err
    assert zoo.hub.learned_from(bars) is None


def test_a_run_on_another_registered_set_is_measured_on_that(zoo_command, bars, tmp_path):
    known = {"name": "cifar10", "split": "train", "license": "not stated", "note": "10 classes"}
    folder = zoo.save(zoo.load(bars), tmp_path / "run", card={"dataset": known})
    assert "zoo data prepare cifar10" in zoo_command("evaluate", folder, "--data", tmp_path / "data").err


def test_a_folder_of_ones_own_that_is_called_like_a_registered_set_is_not_that_set(
    zoo_command, bars, tmp_path, monkeypatch
):
    known = {"name": "own data mnist_rot", "split": "train", "license": "not stated", "note": "10 classes"}
    folder = zoo.save(zoo.load(bars), tmp_path / "run", card={"dataset": known})
    for words in ((), ("--prepare",)):
        outcome = zoo_command("evaluate", folder, *words)
        assert outcome.code == 2 and "learned from mnist_rot, which is data of your own" in outcome.err
    with pytest.raises(ValueError, match="learned from mnist_rot, which is data of your own"):
        zoo.evaluate(folder, progress=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mnist_rot").mkdir()
    assert "--data ./mnist_rot (" in zoo_command("evaluate", "./run").err
