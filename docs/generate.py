"""Tables and pages made from the cards, so that a number about a model stands in one place only.

`python docs/generate.py` writes the table of papers into README.md and the table of models into weights/README.md;
`--check` only says whether they are up to date. As a hook of MkDocs the same module adds a table and a page for every
card to the site. It reads JSON and imports nothing of zoo.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BEGIN = "<!-- models: written by `make readme` from the cards -->"
END = "<!-- end of models -->"
_NOTHING = "No trained weights are published yet."

Card = dict[str, Any]


def load_cards(root: Path = ROOT) -> list[Card]:
    """Returns the cards of `weights/`, in natural order of model and tag."""
    cards = [json.loads(path.read_text("utf-8")) for path in (root / "weights").glob("*/*/card.json")]
    return sorted(cards, key=lambda card: [_natural(card["name"]), _natural(card["tag"])])


def latest(cards: Iterable[Card]) -> list[Card]:
    """Returns the newest tag of each model; `zoo.load` takes that one by default."""
    return list({card["name"]: card for card in cards}.values())


def paper_table(cards: list[Card]) -> str:
    """Returns a Markdown table with a line for each paper, short however many weights it has."""
    papers: dict[str, list[Card]] = {}
    for card in cards:
        papers.setdefault(card["family"], []).append(card)
    rows = [["Paper", "Trained models, with their results on test data"], ["---", "---"]]
    rows += [[_paper(family[0]["paper"]), ", ".join(map(_result, family))] for family in papers.values()]
    return _lines(rows) if cards else _NOTHING


def _paper(paper: Card) -> str:
    return f"[{paper['title'].split(':')[0]}]({paper['url']}), {paper['venue']} {paper['year']}"


def _result(card: Card) -> str:
    metric = card["metrics"][0]
    return f"`{card['name']}` {_number(metric['value'])} {metric['unit']} {metric['name']}"


def model_table(cards: list[Card]) -> str:
    """Returns a Markdown table with a line for each card."""
    head = ["Model", "Data set", "Parameters", "MACs", "Test result", "Over seeds", "Authors' figure"]
    rows = [head, ["---", "---", "---:", "---:", "---", "---", "---"]]
    rows += [_table_row(card) for card in cards]
    return _lines(rows) if cards else _NOTHING


def _lines(rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _table_row(card: Card) -> list[str]:
    metric = card["metrics"][0]
    macs = card["architecture"].get("macs")
    return [
        f"`{card['name']}.{card['tag']}`",
        card["dataset"]["name"],
        f"{card['architecture']['parameters']:,}",
        f"{macs / 1e6:,.1f} M" if macs else "",
        f"{_number(metric['value'])} {metric['unit']} {metric['name']}",
        _spread(metric),
        f"{_number(metric['paper_value'])} {metric['unit']}" if metric["paper_value"] is not None else "",
    ]


def _spread(metric: Card) -> str:
    runs = len(metric["seeds"])
    if runs < 2 or metric["mean"] is None or metric["std"] is None:
        return "1 run" if runs < 2 else f"{runs} runs"
    return f"{metric['mean']:.2f} ± {metric['std']:.2f} ({runs} runs)"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _natural(text: str) -> list[tuple[int, str | int]]:
    return [(1, int(part)) if part.isdigit() else (0, part) for part in re.split(r"(\d+)", text) if part]


def insert_table(text: str, table: str) -> str:
    """Returns `text` with `table` between the two marks; a `ValueError` if they are not there once each."""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"the text needs each of these lines once:\n{BEGIN}\n{END}")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}"


def card_page(card: Card) -> str:
    """Returns the page of one card."""
    training, dataset, paper = card["training"], card["dataset"], card["paper"]
    parts = [
        f"# {card['name']}.{card['tag']}",
        card["summary"],
        f'```python\nmodel = zoo.load("{card["name"]}.{card["tag"]}")\n```',
        _facts(card),
        "## Numbers",
        _metrics(card["metrics"]),
        "## Differences from the paper",
        "\n".join(f"- {text}" for text in card["deviations"]) or "None known.",
        "## Data",
        f"`{dataset['name']}`, split `{dataset['split']}`. {dataset['note']} Licence: {dataset['license']}",
        "## Training",
        _pairs({key: value for key, value in training.items() if not isinstance(value, dict)}),
        "Versions: " + ", ".join(f"{name} {version}" for name, version in training["versions"].items()),
        "Recipe:",
        _pairs(card["recipe"]),
        "## Files",
        _files(card["files"]),
        "## Source",
        f"{paper['authors']}: [{paper['title']}]({paper['url']}). {paper['venue']} {paper['year']}.",
        f"Licence of the weights: {card['license']}",
    ]
    if card.get("symmetry"):
        parts[4:4] = ["## Symmetry", _pairs(card["symmetry"])]
    return "\n\n".join(parts) + "\n"


def _facts(card: Card) -> str:
    architecture = card["architecture"]
    macs = architecture.get("macs")
    size = "x".join(str(side) for side in architecture["config"]["input_shape"])
    facts = {
        "task": card["task"],
        "input": f"{size}, raw values 0 to 255",
        "classes": architecture["config"]["num_classes"],
        "parameters": f"{architecture['parameters']:,}",
        "multiply-adds": f"{macs:,} ({architecture.get('flops_convention')})" if macs else "not given",
    }
    return _pairs(facts)


def _metrics(metrics: list[Card]) -> str:
    rows = ["| Number | Split | Value | Over seeds | Paper | Command |", "| --- | --- | --- | --- | --- | --- |"]
    for metric in metrics:
        paper = " ".join(part for part in (_number(metric["paper_value"]), metric["paper_note"]) if part)
        value = f"{_number(metric['value'])} {metric['unit']}"
        cells = [metric["name"], metric["split"], value, _spread(metric), paper, f"`{metric['command']}`"]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _files(files: dict[str, Card]) -> str:
    rows = [f"| `{name}` | {facts['size']:,} | `{facts['sha256']}` |" for name, facts in files.items()]
    return "\n".join(["| File | Bytes | SHA-256 |", "| --- | ---: | --- |", *rows])


def _pairs(values: dict[str, Any]) -> str:
    return "\n".join(f"- {key.replace('_', ' ')}: {_plain(value)}" for key, value in values.items())


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items())
    return ", ".join(map(_plain, value)) if isinstance(value, list) else str(value)


def on_files(files: Any, config: Any) -> Any:
    """Adds the generated pages; MkDocs calls this once a build."""
    from mkdocs.structure.files import File

    cards = load_cards()
    table = re.sub(r"`([^`]+\.v\d+)`", r"[`\1`](\1.md)", model_table(cards))
    pages = {"models/index.md": f"# Models\n\nMade from the cards. A tag never changes.\n\n{table}\n"}
    pages |= {f"models/{card['name']}.{card['tag']}.md": card_page(card) for card in cards}
    for uri, content in pages.items():
        files.append(File.generated(config, uri, content=content))
    return files


def fresh_texts(root: Path = ROOT) -> dict[Path, str]:
    """Returns the text with a fresh table of each file that has one."""
    cards = load_cards(root)
    tables = {root / "README.md": paper_table(latest(cards)), root / "weights" / "README.md": model_table(cards)}
    return {path: insert_table(path.read_text("utf-8"), table) for path, table in tables.items()}


def main() -> int:
    """Writes or checks the tables; the result is an exit code."""
    parser = argparse.ArgumentParser(description="Write the tables of README.md and weights/README.md from the cards.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a table is out of date")
    check = parser.parse_args().check
    stale = {path: text for path, text in fresh_texts().items() if text != path.read_text("utf-8")}
    for path, text in stale.items():
        if check:
            print(f"{path.relative_to(ROOT)} is out of date: run `make readme`", file=sys.stderr)
            continue
        path.write_text(text, "utf-8")
        print(f"{path.relative_to(ROOT)} has a new table")
    if not stale:
        print("the tables are up to date")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
