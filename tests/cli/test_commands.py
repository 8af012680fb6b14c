from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from tests.evaluation import toy
from zoo.hub import VerifyResult

pytestmark = pytest.mark.once


def test_list(zoo_command, bars):
    outcome = zoo_command("list")
    assert outcome.code == 0
    for word in (bars, "v1", "7,850", "1.25 %", "reads bars"):
        assert word in outcome.out
    assert "seeds" not in outcome.out and "1.25 % (mean 1.30 ± 0.05 over 2 seeds)" in zoo_command("info", bars).out


def test_list_json_and_filters(zoo_command, bars):
    (row,) = zoo_command("list", "bars*", "--pretrained", "--task", "image-classification", "--json").json
    assert (row["name"], row["tag"], row["parameters"], row["paper"]) == (bars, "v1", 7850, "bars")
    assert zoo_command("list", "--paper", "other", "--json").json == []


def test_graph_models(zoo_command):
    printed = zoo_command("info", "gcn_cora").out
    assert "graph: any number of nodes x 1433 features, edges" in printed and "pixels" not in printed
    assert "point cloud: any number of points x 3 coordinates, edges" in zoo_command("info", "pdegcn_modelnet10").out
    rows = {row["name"]: row["recipe"] for row in zoo_command("list", "pdegcn_*", "--json").json}
    assert rows["pdegcn_cora"] and not rows["pdegcn_faust"]


def test_list_without_a_match(zoo_command, bars):
    outcome = zoo_command("list", "nothing*")
    assert outcome.code == 0 and outcome.out == "" and "no model matches 'nothing*'" in outcome.err


def test_list_with_a_damaged_card(zoo_command, bars, tmp_path):
    (tmp_path / "weights" / bars / "v1" / "card.json").write_text("{")
    outcome = zoo_command("list", "--json")
    assert outcome.code == 1 and outcome.json == []
    assert f"{bars} is left out" in outcome.err and "not valid JSON" in outcome.err


@pytest.mark.parametrize("name", ["bars_mnistrot", "bars_mnistrot.v1"])
def test_info(zoo_command, bars, name):
    outcome = zoo_command("info", name)
    assert outcome.code == 0
    for word in (
        "bars_mnistrot.v1",
        "28x28x1",
        "7,850",
        "[original] files",
        "A. Author",
        "model.safetensors",
        "a desk",
    ):
        assert word in outcome.out
    words = (line.split(maxsplit=1) for line in outcome.out.splitlines())
    rows = {pair[0]: pair[1].strip() for pair in words if len(pair) > 1}
    assert (rows["optimizer"], rows["epochs"], rows["decay_exclude"]) == ("adamw", "1", "bias")
    assert rows["overrides"] == "x 2" and "momentum" not in rows  # as usual, so it is not printed


def test_info_json_is_the_card(zoo_command, bars):
    """With the recipe completed: an older card lacks the fields that came later."""
    printed, card = zoo_command("info", bars, "--json").json, zoo.card(bars).to_dict()
    assert printed["recipe"].items() >= card["recipe"].items() and printed["recipe"]["selection"] == "last"
    assert printed | {"recipe": None} == card | {"recipe": None}


def test_info_without_weights(zoo_command, bars, monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_WEIGHTS", str(tmp_path / "empty"))
    assert "no published weights" in zoo_command("info", bars).out


@pytest.mark.parametrize("command", ["info", "evaluate", "verify", "train"])
def test_unknown_name(zoo_command, bars, command):
    outcome = zoo_command(command, "bars_mnistrt")
    assert outcome.code == 2 and outcome.err.startswith("zoo: error: ")
    assert "Did you mean 'bars_mnistrot'" in outcome.err and outcome.out == ""


def test_predict(zoo_command, bars, pictures, tmp_path):
    outcome = zoo_command("predict", *pictures, "--model", bars, "--plot", tmp_path / "out.png")
    assert outcome.code == 0 and "[5].png" in outcome.out and "99.7 %" in outcome.out
    assert Image.open(tmp_path / "out.png").format == "PNG"


def test_predict_json(zoo_command, bars, pictures):
    rows = zoo_command("predict", *pictures, "--model", f"{bars}.v1", "--top", 2, "--json").json
    assert [row["file"] for row in rows] == [str(path) for path in pictures]
    assert [row["predictions"][0]["label"] for row in rows] == ["7", "5"]
    assert [len(row["predictions"]) for row in rows] == [2, 2]
    assert rows[0]["predictions"][0]["probability"] == pytest.approx(0.997, abs=1e-3)


def test_predict_takes_the_model_first_and_names_it(zoo_command, bars, pictures):
    outcome = zoo_command("predict", bars, *pictures)
    assert outcome.code == 0 and outcome.out.startswith(f"model: {bars}.v1\n") and "99.7 %" in outcome.out
    rows = zoo_command("predict", f"{bars}.v1", *pictures, "--json").json
    assert {row["model"] for row in rows} == {f"{bars}.v1"} and {row["error"] for row in rows} == {None}
    assert zoo_command("predict", *pictures, "--model", bars).out == outcome.out


def test_predict_names_what_is_missing(zoo_command, bars, pictures):
    for words, message in {
        (bars,): f"zoo predict {bars} digit.png",
        ("bars_mnistrt", pictures[0]): "Did you mean 'bars_mnistrot'",
    }.items():
        outcome = zoo_command("predict", *words)
        assert outcome.code == 2 and message in outcome.err
    assert zoo_command("predict").code == 2


def test_predict_answers_the_others_beside_a_broken_file(zoo_command, bars, pictures, tmp_path):
    (tmp_path / "letter.png").write_bytes(b"%PDF-1.7")
    (tmp_path / "lost.png").symlink_to("/nowhere/x.png")
    files = [pictures[0], tmp_path / "letter.png", tmp_path / "lost.png", pictures[1]]
    outcome = zoo_command("predict", bars, *files, "--plot", tmp_path / "out.png")
    assert outcome.code == 1 and "it is a PDF document" in outcome.out and "is a link to" in outcome.out
    head = next(line for line in outcome.out.splitlines() if "probability" in line)
    assert head.split()[-1] == "error"
    rows = zoo_command("predict", bars, *files, "--json").json
    assert [row["predictions"][0]["label"] if row["predictions"] else None for row in rows] == ["7", None, None, "5"]
    assert [row["error"] is None for row in rows] == [True, False, False, True]
    assert zoo_command("predict", bars, *files[1:3]).code == 2


def test_predict_names_the_command_for_a_folder(zoo_command, bars, pictures, tmp_path):
    (tmp_path / "all" / "seven").mkdir(parents=True)
    pictures[0].rename(tmp_path / "all" / "seven" / "7.jpg")
    folder = tmp_path / "all"
    for words, name in (((bars, folder), bars), ((folder,), "NAME")):
        outcome = zoo_command("predict", *words)
        assert outcome.code == 2 and f"zoo batch {name} {folder} --out answers" in outcome.err
        assert f"for instance {folder}/seven/*.jpg." in outcome.err


def test_predict_with_another_white_and_inverted(zoo_command, bars, tmp_path):
    picture = toy.bars(np.array([7]))[0, ..., 0]
    Image.fromarray(picture.astype(np.uint16) * 16).save(tmp_path / "deep.png")
    Image.fromarray(255 - picture).save(tmp_path / "inverted.png")
    outcome = zoo_command("predict", bars, tmp_path / "deep.png", "--json")
    assert "deep.png uses values up to 4,080 of 65,535" in outcome.err
    outcome = zoo_command("predict", bars, tmp_path / "deep.png", "--white", 4080, "--json")
    assert outcome.json[0]["predictions"][0]["probability"] == pytest.approx(0.997, abs=1e-3) and outcome.err == ""
    outcome = zoo_command("predict", bars, tmp_path / "inverted.png", "--invert", "--json")
    assert outcome.json[0]["predictions"][0]["label"] == "7"


def test_predict_resizes(zoo_command, bars, tmp_path):
    for name, size in {"large": (56, 56), "long": (56, 112)}.items():
        Image.fromarray(toy.bars(np.array([2]))[0, ..., 0]).resize(size).save(tmp_path / f"{name}.png")
    outcome = zoo_command("predict", tmp_path / "large.png", "--model", bars, "--json")
    assert outcome.json[0]["predictions"][0]["label"] == "2" and outcome.err == ""
    outcome = zoo_command("predict", tmp_path / "long.png", "--model", bars, "--json")
    assert outcome.err.startswith("zoo: warning: Much is lost when squeezed to 28x28: long.png (56x112).")


def test_predict_leaves_out_what_is_not_probable(zoo_command, bars, pictures):
    rows = zoo_command("predict", bars, pictures[0], "--json").json[0]["predictions"]
    assert rows[0]["probability"] > 0.99 and rows[1]["probability"] < 0.001 and len(rows) == 3
    assert f"{rows[1]['label']} 0.0 %" not in zoo_command("predict", bars, pictures[0]).out
    assert f"{rows[1]['label']} 0.0 %" in zoo_command("predict", bars, pictures[0], "--top", 2).out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["gone.png"], "No such image file"),
        (["text.png"], "is no image"),
        (["7.png", "--top", "0"], "Expected --top of at least 1"),
        (["7.png", "--plot", "out.jpg"], "ends in .png"),
        (["7.png", "--plot", "no/where/out.png"], "does not exist"),
        (["7.png", "--model", "bars_mnistrot.v9"], "v9"),
    ],
)
def test_predict_wrong_input(zoo_command, bars, pictures, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    Path("text.png").write_text("hello")
    outcome = zoo_command("predict", "--model", bars, *words)
    assert outcome.code == 2 and message in outcome.err and outcome.err.startswith("zoo: error: ")
    assert outcome.out == "" and not list(tmp_path.glob("**/*.tmp"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    labels = np.arange(40) % 10
    (tmp_path / "data" / "mnist_rot").mkdir(parents=True)
    np.savez(tmp_path / "data" / "mnist_rot" / "mnist_rot.npz", x_test=toy.bars(labels)[..., 0], y_test=labels)
    return tmp_path / "data"


def test_evaluate(zoo_command, bars, data):
    outcome = zoo_command("evaluate", bars, "--data", data)
    assert outcome.code == 0 and "0.000 % (0 wrong)" in outcome.out and "40 images" in outcome.out
    result = zoo_command("evaluate", bars, "--data", data, "--batch-size", 16, "--json").json
    assert (result["images"], result["accuracy"]) == (40, 1.0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data", "nowhere"], "does not exist"),
        (["--split", "dev"], "Unknown split 'dev'"),
        (["--dataset", "mnist"], "Unknown data set 'mnist'. Did you mean 'mnist_rot'"),
        (["--batch-size", "0"], "Expected --batch-size of at least 1; got 0"),
        ([], "set ZOO_DATA"),
    ],
)
def test_evaluate_wrong_input(zoo_command, bars, data, monkeypatch, words, message):
    monkeypatch.delenv("ZOO_DATA", raising=False)
    place = ["--data", data] if words and "--data" not in words else []
    outcome = zoo_command("evaluate", bars, *place, *words)
    assert outcome.code == 2 and message in outcome.err and outcome.out == ""


def test_verify(zoo_command, bars):
    outcome = zoo_command("verify")
    assert outcome.code == 0 and "bars_mnistrot.v1" in outcome.out and "ok" in outcome.out
    (row,) = zoo_command("verify", bars, "--json").json
    assert row["ok"] and row["name"] == "bars_mnistrot.v1" and row["golden_error"] < 1e-4


def test_verify_altered_weights(zoo_command, bars, tmp_path):
    path = tmp_path / "weights" / bars / "v1" / "head.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    outcome = zoo_command("verify", bars)
    assert outcome.code == 1 and "FAILED" in outcome.out and "head.safetensors" in outcome.out
    assert zoo_command("predict", path, "--model", bars).code == 2


def test_verify_nothing_is_no_success(zoo_command, monkeypatch):
    monkeypatch.setattr(zoo, "verify", lambda pattern: [])
    outcome = zoo_command("verify", "x*")
    assert outcome.code == 1 and "nothing was checked: no stored weights match 'x*'" in outcome.err


def test_verify_shows_text_as_it_is(zoo_command, monkeypatch):
    monkeypatch.setattr(zoo, "verify", lambda pattern: [VerifyResult("m.v1", ("bad [red]file[/red]",))])
    assert "bad [red]file[/red]" in zoo_command("verify").out


@pytest.fixture
def training(monkeypatch) -> dict:
    calls: dict = {}
    monkeypatch.setattr(zoo, "train", lambda name, **arguments: calls.update(arguments, name=name) or "the run")
    return calls


def test_train(zoo_command, training, data):
    words = ("--seed", 3, "--data", data, "--epochs", 2, "--smoke", "--checkpoint-steps", 9)
    outcome = zoo_command("train", "e4net_mnistrot", *words)
    assert outcome.code == 0 and "runs/e4net_mnistrot-seed3" in outcome.out
    given = {
        "name": "e4net_mnistrot",
        "out": Path("runs/e4net_mnistrot-seed3"),
        "seed": 3,
        "data": str(data),
        "epochs": 2,
        "smoke": True,
    }
    given |= {"progress": True, "precision": "float32", "steps_per_execution": 1, "checkpoint_steps": 9}
    assert training.items() >= (given | {"publish": None}).items()


def test_train_by_another_recipe(zoo_command, training, data):
    zoo_command("train", "e4net_mnistrot", "--recipe", "affine", "--data", data)
    assert training["recipe"] == "affine" and str(training["out"]) == "runs/e4net_mnistrot-affine-seed0"


def test_train_and_publish(zoo_command, training, data):
    words = ("--data", data, "--publish", "v2", "--precision", "mixed_bfloat16", "--steps-per-execution", 4, "--json")
    result = zoo_command("train", "e4net_mnistrot", "--out", "here", *words).json
    assert (training["publish"], training["precision"], training["steps_per_execution"]) == ("v2", "mixed_bfloat16", 4)
    assert result == {"name": "e4net_mnistrot", "seed": 0, "run": "here", "published": "e4net_mnistrot.v2"}


def test_train_names_the_precisions(zoo_command):
    outcome = zoo_command("train", "e4net_mnistrot", "--precision", "float64")
    assert outcome.code == 2 and "mixed_float16" in outcome.err
