from __future__ import annotations

import dataclasses
import sys
import types
from pathlib import Path

import pytest

from zoo.hub import loading, names, paths, registry

from . import toy

pytestmark = pytest.mark.once


def test_models_come_in_natural_order() -> None:
    assert registry.list_models() == ["toy_w2_box", "toy_w4_shelf", "toy_w10_shelf"]


def test_wildcards_and_filters() -> None:
    assert registry.list_models("*_shelf") == ["toy_w4_shelf", "toy_w10_shelf"]
    assert registry.list_models("toy_w?_*", task="image-classification") == ["toy_w4_shelf"]
    assert registry.list_models(paper="toy", task="image-labelling") == ["toy_w2_box"]
    assert registry.list_models(paper="other") == []
    assert registry.list_models("toy") == []


def test_pretrained_means_a_tag_with_a_card(published: Path) -> None:
    assert registry.list_models(pretrained=True) == ["toy_w4_shelf"]
    assert registry.list_models(pretrained=False) == ["toy_w2_box", "toy_w10_shelf"]
    (published / "card.json").unlink()
    assert registry.list_models(pretrained=True) == []


@pytest.mark.parametrize("wrong", ["toy_w4_shelv", "TOY_W4_SHELF", "toy_w4shelf"])
def test_a_wrong_name_gets_the_nearest_one(wrong: str) -> None:
    with pytest.raises(ValueError, match=f"Unknown model '{wrong}'. Did you mean 'toy_w4_shelf'.*list_models"):
        loading.load(wrong, weights=None)


def test_the_beginning_of_a_name_is_nearer_than_another_name() -> None:
    with pytest.raises(ValueError, match="Did you mean 'toy_w10_shelf'"):
        registry.find_preset("toy_w1")


def test_a_name_like_no_other_gets_no_suggestion() -> None:
    with pytest.raises(ValueError, match=r"Unknown model 'qqq'. `zoo list`, or zoo.list_models\(\), names all 3"):
        registry.find_preset("qqq")


def test_recipes_and_families() -> None:
    assert registry.find_recipe("toy_w4_shelf") is toy.RECIPES["toy_w4_shelf"]
    with pytest.raises(ValueError, match="no training recipe.*toy_w4_shelf"):
        registry.find_recipe("toy_w2_box")
    with pytest.raises(ValueError, match=r"unknown model family 'teddy'.*\['toy'\]"):
        registry.find_family("teddy")
    with pytest.raises(ValueError, match="configuration of a model .ToyConfig.; got int"):
        loading.build(7)


@pytest.mark.parametrize(
    ("name", "config_name", "message"),
    [
        ("toy_w10_shelf", "toy_w10_shelf", "two presets are called 'toy_w10_shelf'"),
        ("ToyBox", "ToyBox", "'ToyBox' of .* not in snake case"),
        ("toy_a", "toy_b", "preset 'toy_a' has a configuration called 'toy_b'"),
    ],
)
def test_bad_presets_are_refused(monkeypatch: pytest.MonkeyPatch, name: str, config_name: str, message: str) -> None:
    other = types.ModuleType("other")
    other.RECIPES, other.build = {}, toy.build  # type: ignore[attr-defined]
    config = toy.ToyConfig(name=config_name)
    other.PRESETS = (dataclasses.replace(toy.PRESETS[0], name=name, config=config),)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, other.__name__, other)
    monkeypatch.setattr(registry, "FAMILIES", ("tests.hub.toy", other.__name__))
    with pytest.raises(ValueError, match=message):
        registry.presets()


def test_names_are_read_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy_w4_shelf").mkdir()
    assert names.parse_name("toy_w4_shelf") == names.ModelName("toy_w4_shelf")
    assert names.parse_name("toy_w4_shelf.v12") == names.ModelName("toy_w4_shelf", "v12")
    assert str(names.ModelName("toy_w4_shelf", "v12")) == "toy_w4_shelf.v12"
    assert names.parse_name("./toy_w4_shelf") == Path("toy_w4_shelf")
    assert names.parse_name(tmp_path) == tmp_path
    assert names.parse_name("runs/v1.5") == Path("runs/v1.5")
    assert names.parse_name("~/x") == Path.home() / "x"


@pytest.mark.parametrize("wrong", ["toy.V1", "toy.", "toy.1", "toy.v1.v2", "toy.latest"])
def test_a_tag_is_never_guessed(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"no weights tag.*'model.v1'"):
        names.parse_name(wrong)


@pytest.mark.parametrize("wrong", ["", None, 3])
def test_what_is_no_name_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="Expected a model's name"):
        names.parse_name(wrong)  # type: ignore[arg-type]


def test_tags_are_ordered_by_number_and_need_a_card(published: Path) -> None:
    for tag in ("v2", "v10", "draft"):
        (published.parent / tag).mkdir()
        (published.parent / tag / "card.json").write_text("{}")
    (published.parent / "v11").mkdir()
    assert paths.tags("toy_w4_shelf") == ["v1", "v2", "v10"]
    with pytest.raises(ValueError, match="no weights 'v3'; existing tags: v1, v2, v10"):
        paths.card_path("toy_w4_shelf", "v3")
