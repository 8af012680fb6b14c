from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from zoo.hub import loading, saving, source, stages, store, verifying

from . import toy as toy_family
from .conftest import randomise


def test_a_saved_model_comes_back(toy: keras.Model, tmp_path: Path, images: np.ndarray) -> None:
    folder = saving.save(toy, tmp_path / "mine")
    assert sorted(p.name for p in folder.iterdir()) == [
        "card.json",
        "golden.npz",
        "head.safetensors",
        "model.safetensors",
    ]
    again = loading.load(folder)
    assert np.allclose(saving.golden_logits(again, images), saving.golden_logits(toy, images), rtol=1e-6)
    assert np.allclose(
        saving.golden_logits(loading.load("toy_w4_shelf", weights=folder), images),
        saving.golden_logits(toy, images),
        rtol=1e-6,
    )
    card = source.card(folder)
    assert (card.name, card.tag, card.metrics, card.training) == ("toy_w4_shelf", None, (), None)
    assert verifying.verify(folder)[0].ok


def test_saving_twice_gives_the_same_bytes_and_keeps_other_files(toy: keras.Model, tmp_path: Path) -> None:
    saving.save(toy, tmp_path)
    first = {p.name: p.read_bytes() for p in tmp_path.glob("*.safetensors")}
    (tmp_path / "notes.txt").write_text("mine")
    saving.save(toy, tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.glob("*.safetensors")} == first
    assert (tmp_path / "notes.txt").exists() and not list(tmp_path.glob(".*.tmp"))


def test_a_fine_tuned_model_keeps_its_labels(published: Path, tmp_path: Path, images: np.ndarray) -> None:
    model = loading.load("toy_w4_shelf", num_classes=2)
    model.get_layer("conv").trainable = False
    model.fit(images, np.array([0, 1, 1, 0]), verbose=0)
    folder = saving.save(model, tmp_path / "tuned", card={"labels": ["cat", "dog"], "summary": "pets"})
    card = source.card(folder)
    assert card.labels == ("cat", "dog") and card.summary == "pets"
    assert card.architecture["parameters"] == 63 - 5  # frozen layers count, the smaller head shows
    again = loading.load(folder)
    assert again.labels == ("cat", "dog")
    assert np.allclose(saving.golden_logits(again, images), saving.golden_logits(model, images), rtol=1e-5)


def test_own_configurations_headless_and_open_shapes(tmp_path: Path) -> None:
    own = randomise(loading.build(toy_family.ToyConfig(name="my_toy", input_shape=(None, None, 2), width=3)))
    folder = saving.save(own, tmp_path / "own")
    assert loading.load(folder).input_shape == (None, None, None, 2)
    body = saving.save(stages.features(own), tmp_path / "body")
    assert not (body / "head.safetensors").exists()
    assert loading.load(body).output_shape == (None, 3)
    assert loading.load(body, num_classes=4).output_shape == (None, 4)
    assert [r.ok for r in (*verifying.verify(folder), *verifying.verify(body))] == [True, True]


def test_a_low_precision_model_is_saved_with_a_float32_golden_output(published: Path, tmp_path: Path) -> None:
    model = loading.load("toy_w4_shelf", dtype="bfloat16")
    folder = saving.save(model, tmp_path / "low")
    tensors = store.tensors_from_bytes((folder / "model.safetensors").read_bytes(), source="file")
    assert {str(t.dtype) for t in tensors.values()} == {"float32"}
    (result,) = verifying.verify(folder)
    assert result.ok and result.golden_error is not None and result.golden_error < 1e-5


def test_bad_facts_and_broken_weights_are_not_saved(toy: keras.Model, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Expected 3 labels in the card; got 1"):
        saving.save(toy, tmp_path / "x", card={"labels": ["one"]})
    with pytest.raises(ValueError, match="'colour' was unexpected"):
        saving.save(toy, tmp_path / "x", card={"colour": "red"})
    toy.get_layer("head").bias.assign([0.0, float("inf"), 0.0])
    with pytest.raises(ValueError, match="NaN or infinite values in head/bias"):
        saving.save(toy, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_card_may_be_handed_on(published: Path, toy: keras.Model, tmp_path: Path) -> None:
    folder = saving.save(toy, tmp_path / "copy", card=source.card("toy_w4_shelf"))
    card = source.card(folder)
    assert card.tag is None and card.metrics == source.card("toy_w4_shelf").metrics


def test_published_tags_are_complete_and_immutable(
    published: Path, toy: keras.Model, facts: dict[str, Any], images: np.ndarray
) -> None:
    assert published.name == "v1" and published.parent.name == "toy_w4_shelf"
    assert (published / "history.csv").read_text().startswith("epoch,loss")
    before = (published / "card.json").read_bytes()
    with pytest.raises(FileExistsError, match="choose the next tag"):
        saving.publish(toy, "v1", card=facts, inputs=images, history="epoch\n")
    assert (published / "card.json").read_bytes() == before
    assert [p.name for p in published.parent.iterdir()] == ["v1"]


def test_publishing_refuses_what_is_incomplete(toy: keras.Model, facts: dict[str, Any], images: np.ndarray) -> None:
    with pytest.raises(ValueError, match="'training' is a required property"):
        saving.publish(
            toy, "v1", card={k: v for k, v in facts.items() if k != "training"}, inputs=images, history="epoch\n"
        )
    with pytest.raises(ValueError, match="tag: 'best' does not match"):
        saving.publish(toy, "best", card=facts, inputs=images, history="epoch\n")
    with pytest.raises(ValueError, match="golden images of type uint8; got float32"):
        saving.publish(toy, "v1", card=facts, inputs=images.astype("float32"), history="epoch\n")
    with pytest.raises(ValueError, match="only an unmodified preset is published"):
        saving.publish(loading.build("toy_w4_shelf", num_classes=2), "v1", card=facts, inputs=images, history="epoch\n")
    assert source.card("toy_w4_shelf").tag is None


def test_publishing_keeps_measured_facts(toy: keras.Model, facts: dict[str, Any], images: np.ndarray) -> None:
    facts["architecture"] = {"macs": 1234, "flops_convention": "one multiply-add is one", "parameters": 1}
    saving.publish(toy, "v1", card=facts, inputs=images, history="epoch\n", base_urls=["https://example.org/w/"])
    card = source.card("toy_w4_shelf")
    assert (card.architecture["macs"], card.architecture["parameters"]) == (1234, 63)
    assert card.files["history.csv"].urls == ("https://example.org/w/toy_w4_shelf/v1/history.csv",)


def test_verify_finds_every_fault(published: Path) -> None:
    assert [(r.name, r.ok) for r in verifying.verify()] == [("toy_w4_shelf.v1", True)]
    assert verifying.verify("toy_w4_shelf") == verifying.verify("toy_w4_shelf.v1")
    assert verifying.verify("toy_*.v1") == verifying.verify("toy_w4_*") == verifying.verify()
    path = published / "card.json"
    good = json.loads(path.read_text())

    path.write_text(json.dumps(good | {"architecture": good["architecture"] | {"parameters": 64}}))
    assert "63 parameters, its card says 64" in verifying.verify()[0].problems[0]

    other = store.arrays_to_bytes(input=np.zeros((1, 8, 8, 1), "uint8"), logits=np.ones((1, 3), "float32"))
    (published / "golden.npz").write_bytes(other)
    (published / "history.csv").write_text("changed")
    (result,) = verifying.verify()
    assert not result.ok and len(result.problems) == 2 and "golden.npz is damaged" in result.problems[0]

    facts = store.facts_of(other)
    good["files"]["golden.npz"] |= {"size": facts.size, "sha256": facts.sha256}
    del good["files"]["history.csv"]
    path.write_text(json.dumps(good))
    assert "differs from golden.npz by" in verifying.verify()[0].problems[0]

    path.write_text("{}")
    assert "is a required property" in verifying.verify()[0].problems[0]


def test_verify_refuses_unknown_names(published: Path) -> None:
    with pytest.raises(ValueError, match="Did you mean 'toy_w4_shelf'"):
        verifying.verify("toy_w4_shel")
    for nothing in ("toy_w2_box", "*.v3"):
        with pytest.raises(ValueError, match="no trained weights match"):
            verifying.verify(nothing)
    with pytest.raises(ValueError, match="no weights 'v9'"):
        verifying.verify("toy_w4_shelf.v9")


def test_weights_that_other_weights_share_are_stored_once(
    published: Path, toy: keras.Model, facts: dict[str, Any], images: np.ndarray, tmp_path: Path
) -> None:
    """The second tag has the first one's body, but for the norm, and a head of its own."""
    toy.get_layer("norm").gamma.assign(np.full(4, 3.0))
    toy.get_layer("head").bias.assign([1.0, 2.0, 3.0])
    folder = saving.publish(toy, "v2", card=facts, inputs=images, base="toy_w4_shelf.v1")
    card = source.card("toy_w4_shelf.v2")
    assert card.files["base.safetensors"].of == "toy_w4_shelf.v1/model.safetensors"
    assert card.files["base.safetensors"].sha256 == source.card("toy_w4_shelf.v1").files["model.safetensors"].sha256
    own = store.tensors_from_bytes((folder / "model.safetensors").read_bytes(), source="file")
    assert list(own) == ["norm/gamma"] and not (folder / "base.safetensors").exists()
    assert not (folder / "history.csv").exists()
    assert verifying.verify("toy_w4_shelf.v2")[0].ok
    copied = tmp_path / "copy"
    shutil.copytree(folder, copied)
    for name in ("toy_w4_shelf.v2", copied):
        found = saving.golden_logits(loading.load(name), images)
        assert np.allclose(found, saving.golden_logits(toy, images), rtol=1e-6)
    (published / "model.safetensors").write_bytes(b"changed")
    with pytest.raises(ValueError, match="damaged or altered"):
        loading.load("toy_w4_shelf.v2")


def test_weights_that_have_little_in_common_are_stored_whole(
    published: Path, toy: keras.Model, facts: dict[str, Any], images: np.ndarray
) -> None:
    randomise(toy, seed=7)
    saving.publish(toy, "v2", card=facts, inputs=images, history="epoch\n", base="toy_w4_shelf.v1")
    assert "base.safetensors" not in source.card("toy_w4_shelf.v2").files
    assert verifying.verify("toy_w4_shelf.v2")[0].ok


def test_files_where_a_folder_is_expected_are_called_by_their_kind(tmp_path: Path) -> None:
    run = saving.save(loading.build("toy_w4_shelf"), tmp_path / "run", card={"labels": np.array([" a", "b", "c"])})
    assert loading.load(run).labels == ("a", "b", "c")
    (tmp_path / "lonely.safetensors").write_bytes(b"")
    for path, message in {
        run / "model.safetensors": r"one file of the set in .*run: name that folder",
        tmp_path / "lonely.safetensors": "no card.json beside it",
    }.items():
        with pytest.raises(ValueError, match=message):
            loading.load(path)
