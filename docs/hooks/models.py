"""The site's pages of models: a table to sort and filter, plots of accuracy, and a page for every card."""

from __future__ import annotations

import csv
import importlib.util
import io
import re
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zoo import visual
from zoo.hub import registry

DOCS = Path(__file__).resolve().parent.parent
_OTHER_PAGES = {"backbones": "convert.md", "lpsc": "log_polar.md"}
_NAMES = [path.rpartition(".")[2] for path in registry.FAMILIES]
FAMILY_PAGES = {name: _OTHER_PAGES.get(name, f"{name}.md") for name in _NAMES}
"""A family's page is called as the family, but for those."""
FAMILY_NAMES = {
    "backbones": "Backbones",
    "e4net": "E4-Net",
    "lpsc": "Log-polar convolution",
    "pdegcn": "PDE-GCN",
    "scene": "Scenes",
    "shared_basis": "Shared filter bases",
    "synaptic": "Synaptic Strength",
}
"""The families as people call them."""

WEIGHTS = DOCS.parent / "weights"
_TIME = (
    "Times are milliseconds for one picture on ONNX Runtime with one thread, measured by `benchmarks/latency.py`; "
    "`results/latency.csv` has the processor, batches of 32, TensorFlow and JAX."
)

Card = dict[str, Any]


def _load_tables() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tables = _load_tables()


def card_page(card: Card, newest: str | None = None) -> str:
    """Returns the page of one card; of an older tag it points to the newest one."""
    dataset, paper = card["dataset"], card["paper"]
    name, old = f"{card['name']}.{card['tag']}", newest not in (None, card["tag"])
    parts = [
        f"---\ntitle: {name}\n{'search: {boost: 0.3}' * old}\n---",
        f"# {broken(name)}",
        _pointer(f"{card['name']}.{newest}") * old,
        card["summary"],
        f"[All models](index.md) · [What the family is](../{FAMILY_PAGES.get(card['family'])})" * has_page(card),
        f'```python\nmodel = zoo.load("{name}")\n```',
        _facts(card),
        *(["## Symmetry", _pairs(card["symmetry"])] if card.get("symmetry") else []),
        *(["## Numbers", _metrics(card["metrics"])] if card["metrics"] else []),
        *(["## Learning curves", _curves(name)] if has_history(card) else []),
        "## Differences from the paper",
        "\n".join(f"- {text}" for text in card["deviations"]) or "None known.",
        "## Data",
        f"`{dataset['name']}`, split `{dataset['split']}`. {dataset['note']} Licence: {dataset['license']}",
        *_origin(card),
        "## Files",
        _files(card["files"]),
        "## Source",
        f"{paper['authors']}: [{paper['title']}]({paper['url']}). {paper['venue']} {paper['year']}.",
        f"Licence of the weights: {card['license']}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def broken(name: str) -> str:
    """A name as HTML that may break after its underscores and its dot, and nowhere else."""
    return name.replace("_", "_<wbr>").replace(".", "<wbr>.")


def _pointer(newest: str) -> str:
    return (
        '!!! warning "There is a newer tag"\n\n'
        f"    [{broken(newest)}]({newest}.md) is what `zoo.load` takes when no tag is given. "
        "This one stays as it is, for programs that name it."
    )


def _origin(card: Card) -> list[str]:
    """How the weights were trained here, or where they were converted from."""
    if card.get("source"):
        return ["## Conversion", _pairs({key: value for key, value in card["source"].items() if value})]
    training = card["training"]
    facts = {key: value for key, value in training.items() if key not in ("versions", "command", "validation")}
    checked = {key: value for key, value in (training.get("validation") or {}).items() if value is not None}
    if "accuracy" in checked:
        count = f" of {checked['examples']:,}" if checked.get("examples") else ""
        facts["validation"] = f"{100 * checked['accuracy']:.2f} % right{count}"
    versions = ", ".join(f"{name} {version}" for name, version in training["versions"].items())
    return [
        "## Training",
        f"    {training['command']}" if training.get("command") else "",
        _table(("Recipe", ""), _recipe(card["recipe"])),
        _table(("Run", ""), _said(facts) | {"versions": versions}),
    ]


def _recipe(recipe: Card) -> Card:
    """What a recipe says; not what is empty, nor what belongs to another optimizer or schedule than its own."""
    beside = {"momentum", "nesterov"} if recipe.get("optimizer") != "sgd" else set()
    beside |= set() if recipe.get("milestones") else {"decay_factor"}
    return {key: value for key, value in _said(recipe).items() if key not in beside}


def _said(values: Card) -> Card:
    return {key: value for key, value in values.items() if value or (value == 0 and not isinstance(value, bool))}


def _table(head: tuple[str, str], values: Card) -> str:
    rows = [f"| {key.replace('_', ' ')} | {_plain(value)} |" for key, value in values.items()]
    return "\n".join([f"| {head[0]} | {head[1]} |", "| --- | --- |", *rows])


def _curves(name: str) -> str:
    return f"{themed('Accuracy and loss over the epochs', f'../assets/curves/{name}')}\n\n`zoo plot {name} curves`"


def has_page(card: Card) -> bool:
    """Whether the family has a page of its own."""
    return card["family"] in FAMILY_PAGES


def history(card: Card) -> list[dict[str, str]]:
    """The rows of a card's `history.csv`; none where it has no such file."""
    path = WEIGHTS / card["name"] / card["tag"] / "history.csv"
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8")))) if path.is_file() else []


def has_history(card: Card) -> bool:
    """Whether there is a curve to draw: an accuracy over at least two epochs."""
    rows = history(card)
    return len(rows) > 1 and "accuracy" in rows[0]


def _facts(card: Card) -> str:
    architecture = card["architecture"]
    macs = architecture.get("macs")
    size = "x".join(str(side) for side in architecture["config"]["input_shape"])
    facts = {
        "task": card["task"],
        "input": f"{size}, raw values 0 to 255",
        "classes": _classes(card),
        "parameters": f"{architecture['parameters']:,}",
        "multiply-adds": f"{macs:,} ({architecture.get('flops_convention')})" if macs else "not given",
    }
    return _pairs(facts)


def _classes(card: Card) -> str:
    """How many, and which where they are few enough to read."""
    labels = card.get("labels") or ()
    said = f": {', '.join(str(label).replace('_', ' ') for label in labels)}" if 0 < len(labels) <= 20 else ""
    return f"{card['architecture']['config']['num_classes']}{said}"


def _metrics(metrics: list[Card]) -> str:
    rows = ["| Number | Split | Value | Over seeds | Paper |", "| --- | --- | ---: | --- | ---: |"]
    for metric in metrics:
        value = f"{tables.number(metric['value'])}\u00a0{metric['unit']}"
        cells = [metric["name"].replace("_", " "), metric["split"], value, tables.spread(metric)]
        rows.append(f"| {' | '.join([*cells, tables.number(metric['paper_value'])])} |")
    notes = dict.fromkeys(metric["paper_note"] for metric in metrics if metric["paper_note"])
    commands = dict.fromkeys(metric["command"] for metric in metrics)
    parts = ["\n".join(rows), *(f"The paper's number: {note}" for note in notes)]
    return "\n\n".join([*parts, "Printed by:", "\n".join(f"    {command}" for command in commands)])


def _files(files: dict[str, Card]) -> str:
    rows = [f"| `{name}` | {facts['size']:,} | `{facts['sha256']}` |" for name, facts in files.items()]
    return "\n".join(["| File | Bytes | SHA-256 |", "| --- | ---: | --- |", *rows])


def _pairs(values: dict[str, Any]) -> str:
    return "\n".join(f"- {key.replace('_', ' ')}: {_plain(value)}" for key, value in values.items())


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items())
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(map(_plain, value)) if isinstance(value, list) else str(value)


def index_page(cards: list[Card]) -> str:
    """The page of all models: plots for each data set and a table that the script `models.js` sorts and filters."""
    times = tables.load_latency()
    head = ["Model", "Task", "Data", "Error %", "Parameters", "MACs (M)", "Time (ms)", "File (kB)", "Family"]
    rows = [head, ["---", "---", "---", *["---:"] * 5, "---"], *(_row(card, times) for card in tables.latest(cards))]
    plots = {
        kind: "\n\n".join(themed(f"Accuracy against {kind} on {name}", f"../assets/{kind}/{name}") for name in names)
        for kind, names in (("size", plotted(cards)), ("time", timed(cards, times)))
    }
    return (
        "---\nhide: [toc]\n---\n\n# Models\n\n"
        "Every row is made from a card; a published tag never changes. Test data measured these errors and chose "
        "nothing. A click on a heading sorts. `zoo list` also names architectures without trained weights.\n\n"
        f"{_TIME} A graph network's time is that of the whole graph.\n\n"
        f'<div class="zoo-models" markdown>\n\n{tables.lines(rows)}\n\n</div>\n\n'
        "## Pair by pair\n\nA plain network, and the same with a paper's idea.\n\n"
        f'<div class="zoo-pairs" markdown>\n\n{_pairs_table(cards, times)}\n\n</div>\n\n'
        f"{tables.pairs_said(tables.latest(cards))}\n\n"
        f"## Accuracy against size\n\nUp and to the left is better.\n\n{plots['size']}\n\n"
        f"## Accuracy against time\n\n{_TIME}\n\n{plots['time']}\n"
    )


def _pairs_table(cards: list[Card], times: dict[str, str]) -> str:
    """The table of pairs, whose names lead to their cards."""
    tags = {card["name"]: card["tag"] for card in tables.latest(cards)}

    def link(found: re.Match[str]) -> str:
        return f"[<code>{broken(found[1])}</code>]({found[1]}.{tags[found[1]]}.md)"

    return re.sub(r"`(\w+)`", link, tables.pairs_table(tables.latest(cards), times))


def _row(card: Card, times: dict[str, str]) -> list[str]:
    name = f"{card['name']}.{card['tag']}"
    macs = card["architecture"].get("macs")
    family = FAMILY_PAGES.get(card["family"])
    return [
        f"[<code>{broken(name)}</code>]({name}.md)",
        card["task"].replace("-", " "),
        card["dataset"]["name"],
        f"{card['metrics'][0]['value']:.2f}" if card["metrics"] else "",
        f"{card['architecture']['parameters']:,}",
        f"{macs / 1e6:,.1f}" if macs else "",
        tables.milliseconds(times.get(card["name"])).removesuffix(" ms"),
        f"{tables.weights_size(card) / 1000:,.0f}",
        f"[{FAMILY_NAMES[card['family']]}](../{family})" if family else card["family"],
    ]


def plotted(cards: list[Card]) -> dict[str, list[Card]]:
    """The newest cards by data set, of the data sets with at least three measured models."""
    groups: dict[str, list[Card]] = {}
    for card in tables.latest(cards):
        if card["metrics"] and card["metrics"][0]["name"] == "error":
            groups.setdefault(card["dataset"]["name"], []).append(card)
    return {name: group for name, group in groups.items() if len(group) > 2}


def timed(cards: list[Card], times: dict[str, str]) -> dict[str, list[Card]]:
    """Those of `plotted` whose time was measured."""
    groups = {name: [card for card in group if card["name"] in times] for name, group in plotted(cards).items()}
    return {name: group for name, group in groups.items() if len(group) > 2}


def size_plot(name: str, cards: list[Card], theme: str = "light") -> bytes:
    """An SVG: test accuracy against the number of parameters, a colour and shape for each family."""
    return _tradeoff(
        name, {card["name"]: card["architecture"]["parameters"] for card in cards}, cards, theme, "parameters"
    )


def time_plot(name: str, cards: list[Card], times: dict[str, str], theme: str = "light") -> bytes:
    """An SVG: test accuracy against the time for one input."""
    costs = {card["name"]: float(times[card["name"]]) for card in cards}
    return _tradeoff(name, costs, cards, theme, "milliseconds, ONNX Runtime, one thread")


def _tradeoff(name: str, costs: dict[str, float], cards: list[Card], theme: str, what: str) -> bytes:
    points = [
        {
            "name": card["name"].removesuffix(f"_{name}"),
            "group": FAMILY_NAMES.get(card["family"], card["family"]),
            "cost": costs[card["name"]],
            "value": 100.0 - card["metrics"][0]["value"],
        }
        for card in cards
    ]
    labels = (what, "test accuracy, %")
    return _svg(theme, lambda path: visual.plot_tradeoff(points, path=path, labels=labels, title=name))


def curve_plot(card: Card, theme: str = "light") -> bytes:
    """An SVG: accuracy and loss over the epochs, in training and validation."""
    file = WEIGHTS / card["name"] / card["tag"] / "history.csv"
    return _svg(theme, lambda path: visual.plot_learning_curves(file, path=path))


def _svg(theme: str, draw: Callable[[Path], Any]) -> bytes:
    with tempfile.TemporaryDirectory() as folder, visual.theme(theme):
        path = Path(folder) / "picture.svg"
        draw(path)
        return path.read_bytes()


def themed(text: str, address: str) -> str:
    """A picture in Markdown that exists for light and for dark pages."""
    return f"![{text}]({address}.svg#only-light)\n![{text}]({address}-dark.svg#only-dark)"


def navigation(cards: list[Card]) -> list[Card]:
    """A section a family with its cards, the newest tags first."""
    newest = [f"{card['name']}.{card['tag']}" for card in tables.latest(cards)]
    sections: dict[str, list[Card]] = {}  # within a section of their own, so that one family is open at a time
    for card in sorted(cards, key=lambda card: f"{card['name']}.{card['tag']}" not in newest):
        name = f"{card['name']}.{card['tag']}"
        sections.setdefault(card["family"], []).append({name: f"models/{name}.md"})
    return [{"Cards": [{FAMILY_NAMES.get(family, family): pages} for family, pages in sorted(sections.items())]}]


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """In the tables of a family's presets the names with weights lead to their cards; MkDocs calls this for a page."""
    if page.file.src_uri not in FAMILY_PAGES.values():
        return markdown
    tags = {card["name"]: card["tag"] for card in tables.latest(tables.load_cards())}

    def link(found: re.Match[str]) -> str:
        name = found[1]
        return f"| [`{name}`](models/{name}.{tags[name]}.md) |" if name in tags else found[0]

    linked = re.sub(r"^\| `(\w+)` \|", link, markdown, flags=re.MULTILINE)
    return re.sub(r"^\| Preset \|", "| Preset (linked: has weights) |", linked, flags=re.MULTILINE)


def on_config(config: Any) -> Any:
    """Adds the cards to the navigation, beside the pages that mkdocs.yml names."""
    section = next(section["Models"] for section in config.nav if "Models" in section)
    section += navigation(tables.load_cards())
    return config


def on_files(files: Any, config: Any) -> Any:
    """Adds the generated pages and pictures; MkDocs calls this once a build."""
    from mkdocs.structure.files import File

    cards, times = tables.load_cards(), tables.load_latency()
    made: dict[str, str | bytes] = {"models/index.md": index_page(cards)}
    newest = {card["name"]: card["tag"] for card in tables.latest(cards)}
    made |= {f"models/{card['name']}.{card['tag']}.md": card_page(card, newest[card["name"]]) for card in cards}
    for theme, ending in (("light", ".svg"), ("dark", "-dark.svg")):
        made |= {f"assets/size/{name}{ending}": size_plot(name, some, theme) for name, some in plotted(cards).items()}
        for name, some in timed(cards, times).items():
            made[f"assets/time/{name}{ending}"] = time_plot(name, some, times, theme)
        drawn = {f"{card['name']}.{card['tag']}": card for card in cards if has_history(card)}
        made |= {f"assets/curves/{name}{ending}": curve_plot(card, theme) for name, card in drawn.items()}
    for uri, content in made.items():
        files.append(File.generated(config, uri, content=content))
    return files
