"""The README runs, and the tables say what the cards say."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import types
from pathlib import Path

import keras
import pytest

pytestmark = pytest.mark.once

CARD = {
    "name": "net10_digits",
    "tag": "v2",
    "family": "net",
    "summary": "A network.",
    "task": "image-classification",
    "architecture": {
        "config": {"input_shape": [28, 28, 1], "num_classes": 10},
        "parameters": 18118,
        "macs": 17640000,
        "flops_convention": "multiply-adds of one image",
    },
    "files": {"model.safetensors": {"size": 12, "sha256": "0" * 64}},
    "paper": {"authors": "A. Author", "title": "A title", "url": "https://example.org", "venue": "V", "year": 2021},
    "deviations": ["It is smaller."],
    "dataset": {"name": "digits", "split": "train", "license": "free", "note": "Small."},
    "metrics": [
        {
            "name": "error",
            "split": "test",
            "value": 1.25,
            "unit": "%",
            "seeds": [1, 2],
            "values": [1.25, 1.35],
            "mean": 1.3,
            "std": 0.07,
            "paper_value": 1.29,
            "paper_note": "best epoch",
            "command": "zoo evaluate net10_digits.v2",
        }
    ],
    "recipe": {"epochs": 3, "augmentation": ["rotate", "shift"]},
    "training": {"seed": 1, "minutes": 2.0, "versions": {"keras": "3.15.1"}},
    "symmetry": {"group": "p4"},
    "license": "Apache-2.0",
}


@pytest.fixture(scope="module")
def generate(root: Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", root / "docs" / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def python_blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


PAGES_THAT_RUN = (
    "README.md",
    "docs/start.md",
    # Two training steps compiled by XLA, on top of the one in the README.
    pytest.param("docs/fine-tune.md", marks=pytest.mark.large),
    "docs/weights.md",
    pytest.param("docs/export.md", marks=pytest.mark.large),  # child processes, as in the README
    pytest.param("docs/serve.md", marks=pytest.mark.large),  # exports a model
    "docs/batch.md",
    "docs/e4net.md",
    "docs/data.md",
    "docs/pictures.md",
    "docs/tensorflow-addons.md",
    "docs/devices.md",
    "docs/train.md",
    "docs/pdegcn.md",
    "docs/scene.md",
    "docs/shared_basis.md",
    "docs/pruning.md",
    "docs/synaptic.md",
    "docs/log_polar.md",
)
RUN_ELSEWHERE = {
    "docs/convert.md": "its blocks need files of other people",
    "docs/extend.md": "tests/test_plugins.py",
    "docs/hub.md": "its blocks need an account",
    "docs/index.md": "its picture and its data are the reader's",
}


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the pages speak of the default backend")
@pytest.mark.parametrize("page", PAGES_THAT_RUN)
def test_the_page_runs(page: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = python_blocks((root / page).read_text("utf-8"))
    assert blocks
    os.symlink(root / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, page, "exec"), scope)


def test_every_page_with_code_is_run(root: Path) -> None:
    run = {page if isinstance(page, str) else page.values[0] for page in PAGES_THAT_RUN}
    found = {f"docs/{page.name}" for page in (root / "docs").glob("*.md") if python_blocks(page.read_text("utf-8"))}
    assert found - run == set(RUN_ELSEWHERE), "put the page into PAGES_THAT_RUN"


def test_the_tables_are_those_of_the_cards(root: Path, generate: types.ModuleType) -> None:
    pages = generate.fresh_texts()
    assert {path.relative_to(root).as_posix() for path in pages} == {
        "README.md",
        "weights/README.md",
        "docs/reliability.md",
        "docs/performance.md",
        "results/accuracy.csv",
    }
    assert [path for path, text in pages.items() if path.read_text("utf-8") != text] == [], "run `make readme`"


def test_the_readme_is_read_in_a_minute(root: Path, generate: types.ModuleType) -> None:
    text = (root / "README.md").read_text("utf-8")
    before, after = text.split(generate.BEGIN)[0], text.split(generate.END)[1]
    assert len((before + after).splitlines()) <= 90


def test_links_to_files_of_the_checkout_exist(root: Path) -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        targets = re.findall(r"\]\(([^)#:]+)\)", (root / name).read_text("utf-8"))
        assert [target for target in targets if not (root / target).exists()] == [], name


def test_named_examples_exist(root: Path) -> None:
    texts = {path: path.read_text("utf-8") for path in (root / "README.md", *(root / "docs").glob("*.md"))}
    named = {name for text in texts.values() for name in re.findall(r"\bexamples/[\w./*-]*\w", text)}
    assert named and [name for name in sorted(named) if not list(root.glob(name))] == []


def test_table_from_a_card(generate: types.ModuleType) -> None:
    row = generate.model_table([CARD]).splitlines()[-1]
    assert row == "| `net10_digits.v2` | digits | 18,118 | 17.6 M | 1.25 % error | 1.30 ± 0.07 (2 runs) | 1.29 % |"


def test_a_paper_is_named_once_and_cost_stands_beside_error(generate: types.ModuleType) -> None:
    table = generate.paper_table([CARD, {**CARD, "name": "net11_digits"}, {**CARD, "family": "other", "metrics": []}])
    paper, cost = "[A title](https://example.org), V 2021", "18,118 | 0 kB"
    assert table.splitlines()[2:] == [
        f"| {paper} | `net10_digits` | 1.25 % | {cost} |",
        f"|  | `net11_digits` | 1.25 % | {cost} |",
        f"| {paper} | `net10_digits` | not measured | {cost} |",
    ]


def test_measured_times_are_a_column(generate: types.ModuleType, tmp_path: Path) -> None:
    assert generate.load_latency(tmp_path) == {}
    (tmp_path / "results").mkdir()
    rows = ["model,engine,batch,milliseconds", "net10_digits,onnxruntime,1,2.5", "net10_digits,onnxruntime,32,70"]
    (tmp_path / "results" / "latency.csv").write_text("\n".join([*rows, "net10_digits,jax,1,3", ""]))
    latency = generate.load_latency(tmp_path)
    head, _, row, other = generate.paper_table([CARD, {**CARD, "name": "net11_digits"}], latency).splitlines()
    assert head.endswith("| Weights | Time |") and row.endswith("| 0 kB | 2.5 ms |") and other.endswith("| 0 kB |  |")


def with_numbers(name: str, error: float, parameters: int, **facts: object) -> dict[str, object]:
    """A card like CARD with another name, error and size."""
    metrics = [{**CARD["metrics"][0], "value": error}]
    return {**CARD, "name": name, "metrics": metrics, "architecture": {"parameters": parameters}, **facts}


def test_the_readme_has_the_best_and_the_smallest_of_a_family_or_the_best_pair(
    generate: types.ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = {"dataset": {"name": "letters"}}
    cards = [
        with_numbers("good", 2.0, 900),
        with_numbers("small", 5.0, 100),
        with_numbers("middle", 3.0, 500),
        with_numbers("good_tiny_letters", 9.0, 10),
        with_numbers("other_data", 0.1, 10, **elsewhere),  # fewer models there
        with_numbers("alone", 1.0, 5, family="single"),
        {**with_numbers("converted", 1.0, 5, family="foreign"), "metrics": []},
    ]
    assert [card["name"] for card in generate.chosen(cards)] == ["good", "small", "alone", "converted"]
    monkeypatch.setattr(generate, "PAIRS", (("good", "middle"), ("small", "absent")))
    assert [card["name"] for card in generate.chosen(cards)] == ["middle", "good", "alone", "converted"]
    row = next(line for line in generate.paper_table(cards).splitlines() if "`good`" in line)
    assert "| `good`, plain | 2.00 %" in row


def test_pairs_say_what_an_idea_changes(generate: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "PAIRS", (("plain", "shared"), ("scene", "scene_pc"), ("scene", "absent")))
    cards = [
        with_numbers("plain", 8.0, 1000),
        with_numbers("shared", 9.25, 400),
        with_numbers("scene", 30.0, 700, family="scene"),
        with_numbers("scene_pc", 29.5, 700, family="scene"),
    ]
    table = generate.pairs_table(cards, {"plain": "1.25", "shared": "2.5"}).splitlines()
    assert table[2] == ("| `plain` | `shared` | digits | 8.00 → 9.25 % | 1,000 → 400 | 1.2 → 2.5 ms |")
    assert table[3] == "| `scene` | `scene_pc` | digits | 30.00 → 29.50 % | 700 |  |" and len(table) == 4
    said = generate.pairs_said(cards)
    assert said.startswith(
        "- Of 2 pairs of a plain network and one with a paper's idea, 1 have the lower error with it."
    )
    assert "lose 1.2 to 1.2 points" in said and "40 to 40 % of the plain" in said and said.endswith("in 1 of 1.")
    assert len(said.splitlines()) == 3
    assert generate.pairs_said([]) == ""


def test_all_pairs_are_published(generate: types.ModuleType) -> None:
    assert len(generate.pairs(generate.latest(generate.load_cards()))) == len(generate.PAIRS)


def test_every_measure_is_a_row_of_the_file(generate: types.ModuleType) -> None:
    head, row = generate.accuracy_file([CARD]).splitlines()
    assert dict(zip(head.split(","), row.split(","), strict=True)) == {
        "model": "net10_digits", "tag": "v2", "dataset": "digits", "metric": "error", "unit": "%", "value": "1.25",
        "mean": "1.3", "std": "0.07", "seeds": "2", "parameters": "18118", "macs": "17640000", "bytes": "12",
    }  # fmt: skip


def test_newest_tag_in_natural_order(generate: types.ModuleType, tmp_path: Path) -> None:
    for name, tag in (("net10_digits", "v2"), ("net10_digits", "v10"), ("net9_digits", "v1")):
        folder = tmp_path / "weights" / name / tag
        folder.mkdir(parents=True)
        (folder / "card.json").write_text(json.dumps({**CARD, "name": name, "tag": tag}))
    cards = generate.latest(generate.load_cards(tmp_path))
    assert [(card["name"], card["tag"]) for card in cards] == [("net9_digits", "v1"), ("net10_digits", "v10")]


def test_marks_are_required(generate: types.ModuleType) -> None:
    with pytest.raises(ValueError, match="each of these lines once"):
        generate.insert_table("no marks", "table")
