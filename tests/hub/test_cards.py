from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zoo.hub import cards, loading, source
from zoo.hub.cards import Card

pytestmark = pytest.mark.once


def test_a_card_survives_the_round_trip(published: Path) -> None:
    card = source.card("toy_w4_shelf.v1")
    assert Card.from_dict(card.to_dict()) == card
    assert json.loads((published / "card.json").read_text()) == card.to_dict()
    assert (card.name, card.tag, card.family) == ("toy_w4_shelf", "v1", "toy")
    assert card.labels == ("bear", "car", "doll")
    assert card.architecture["parameters"] == 63
    assert card.architecture["config"]["input_shape"] == [8, 8, 1]
    assert sorted(card.files) == ["golden.npz", "head.safetensors", "history.csv", "model.safetensors"]
    assert card.citation is not None and "Toys" in card.citation


def test_the_schema_is_a_schema() -> None:
    validator = cards._validator()
    validator.check_schema(validator.schema)


def test_a_card_is_found_by_model_tag_and_folder(published: Path) -> None:
    assert source.card("toy_w4_shelf") == source.card("toy_w4_shelf.v1") == source.card(published)


def test_a_model_without_weights_has_the_card_of_its_preset() -> None:
    card = source.card("toy_w2_box")
    assert card.tag is None and card.files == {} and card.metrics == ()
    assert card.architecture["parameters"] == 33
    assert card.paper is not None and card.paper["year"] == 2026


def _set(*keys: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(card: dict[str, Any]) -> None:
        for key in keys[:-1]:
            card = card[key]
        card[keys[-1]] = value

    return change


def _drop(key: str) -> Callable[[dict[str, Any]], None]:
    return lambda card: card.pop(key)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_drop("labels"), "'labels' is a required property"),
        (_drop("license"), "'license' is a required property"),
        (_set("training", value=None), "training: None is not of type 'object'"),
        (_set("metrics", value=[]), "metrics: .* (non-empty|too short)"),
        (_set("metrics", 0, "value", value="1.5"), r"metrics\[0\].value: '1.5' is not of type 'number'"),
        (_set("mertics", value=[]), "'mertics' was unexpected"),
        (_set("files", "golden.npz", "sha256", value="abc"), "sha256: 'abc' does not match"),
        (_set("files", "../golden.npz", value={"size": 1, "sha256": "0" * 64}), r"'../golden.npz' does not match"),
        (_set("files", "golden.npz", "urls", value=["ftp://x"]), "'ftp://x' does not match"),
        (_set("tag", value="final"), "tag: 'final' does not match"),
        (_set("schema_version", value=2), "schema version 2, and this version of zoo reads 1"),
        (_set("architecture", "config", "num_classes", value=0), "num_classes: 0 is less than the minimum of 1"),
    ],
)
def test_a_bad_card_is_refused_by_name(published: Path, change: Any, message: str) -> None:
    path = published / "card.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    with pytest.raises(ValueError, match=message) as error:
        loading.load("toy_w4_shelf")
    assert str(path) in str(error.value)


def test_all_faults_come_at_once(published: Path) -> None:
    data = json.loads((published / "card.json").read_text())
    del data["dataset"], data["summary"]
    data["labels"] = "bear"
    with pytest.raises(ValueError, match="'dataset' is a required") as error:
        Card.from_dict(data)
    assert "'summary' is a required" in str(error.value) and "labels: 'bear'" in str(error.value)


@pytest.mark.parametrize("text", ["", "{", '{"value": NaN}', "[1]"])
def test_what_is_no_card_is_refused(published: Path, text: str) -> None:
    (published / "card.json").write_text(text)
    with pytest.raises(ValueError, match="card .*card.json is not valid"):
        source.card("toy_w4_shelf")


def test_a_card_in_the_wrong_place_is_refused(published: Path) -> None:
    other = published.parent.parent / "toy_w2_box" / "v1"
    other.parent.mkdir()
    published.rename(other)
    with pytest.raises(ValueError, match="holds weights of 'toy_w4_shelf', not of 'toy_w2_box'"):
        loading.load("toy_w2_box")


def test_a_card_with_a_foreign_tag_is_refused(published: Path) -> None:
    published.rename(published.parent / "v2")
    with pytest.raises(ValueError, match="says tag 'v1', its folder says 'v2'"):
        loading.load("toy_w4_shelf")


def test_values_that_json_cannot_hold_are_refused(published: Path) -> None:
    data = json.loads((published / "card.json").read_text())
    for bad in (float("nan"), object()):
        data["recipe"] = {"rate": bad}
        with pytest.raises(ValueError, match="JSON cannot"):
            Card.from_dict(data)


def test_a_card_is_printed_as_a_table(root: Path) -> None:
    card = Card.load(root / "weights" / "pdegcn_cora" / "v1" / "card.json")
    lines = str(card).splitlines()
    assert lines[0].split() == ["model", "pdegcn_cora.v1"] and len(lines) < 30
    assert any(line.startswith("test error") and "17.50 % (mean 17.65 ± 0.52 over 10 seeds)" in line for line in lines)
    assert sum(line.startswith("deviation") for line in lines) == len(card.deviations)


def test_a_notebook_shows_a_table_and_no_markup_of_a_card(root: Path) -> None:
    card = Card.load(root / "weights" / "e4net_mnistrot" / "v1" / "card.json")
    card = dataclasses.replace(card, summary="<script>")
    shown = card._repr_html_()
    assert shown.startswith("<table>") and "&lt;script&gt;" in shown and "<script>" not in shown
    assert "1.58 %" in shown and "18,118" in shown
