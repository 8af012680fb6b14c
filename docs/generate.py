"""Tables and pages made from the cards and records, so that a number stands in one place only.

`python docs/generate.py` writes the table of papers into README.md, the table of models into weights/README.md, every
measure into results/accuracy.csv, the tables of attempts into docs/reliability.md, and those of
`benchmarks/peers.py` into docs/performance.md; `--check` only says whether they
are up to date. It reads JSON and results/latency.csv, which `benchmarks/latency.py` writes, and imports nothing of zoo;
the site's pages of models (`docs/hooks/models.py`) are made from the same cards.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BEGIN = "<!-- models: written by `make readme` from the cards -->"
END = "<!-- end of models -->"
MARKS = (BEGIN, END)
ATTEMPTS = ("<!-- attempts: written by `make readme` from tests/trust/records -->", "<!-- end of attempts -->")
PEERS = ("<!-- peers: written by `make readme` from results/performance.csv -->", "<!-- end of peers -->")
MEASURES = ("model", "tag", "dataset", "metric", "unit", "value", "mean", "std", "seeds", "parameters", "macs", "bytes")
"""Columns of results/accuracy.csv."""
PAIRS = (
    ("lpsc_plain_resnet20_cifar10", "lpsc_resnet20_cifar10"),
    ("lpsc_plain_vgg11_bn_half_cifar10", "lpsc_vgg11_bn_half_cifar10"),
    ("resnet32_cifar10", "shared_basis_resnet32_s16u1_double_cifar10"),
    ("resnet56_cifar10", "shared_basis_resnet56_s16u1_double_cifar10"),
    ("synaptic_dense_vgg16_narrow_cifar10", "synaptic_vgg16_narrow_compact_cifar10"),
    ("scene_resnet18_narrow_scene15", "scene_resnet18_narrow_pc_scene15"),
    ("scene_resnet18_narrow_sun16", "scene_resnet18_narrow_pc_sun16"),
    ("scene_efficientnet_lite0_scene15", "scene_efficientnet_lite0_pc_scene15"),
    ("scene_efficientnet_lite0_sun16", "scene_efficientnet_lite0_pc_sun16"),
)
"""A plain network, and the one in which a paper's idea is the difference."""
_NOTHING = "No trained weights are published yet."

Card = dict[str, Any]


def load_cards(root: Path = ROOT) -> list[Card]:
    """Returns the cards of `weights/`, in natural order of model and tag."""
    cards = [json.loads(path.read_text("utf-8")) for path in (root / "weights").glob("*/*/card.json")]
    return sorted(cards, key=lambda card: [_natural(card["name"]), _natural(card["tag"])])


def latest(cards: Iterable[Card]) -> list[Card]:
    """Returns the newest tag of each model; `zoo.load` takes that one by default."""
    return list({card["name"]: card for card in cards}.values())


def load_latency(root: Path = ROOT, *, engine: str = "onnxruntime", batch: int = 1) -> dict[str, str]:
    """Returns the measured milliseconds a batch of each model on one engine."""
    path = root / "results" / "latency.csv"
    rows = csv.DictReader(io.StringIO(path.read_text("utf-8"))) if path.is_file() else []
    return {row["model"]: row["milliseconds"] for row in rows if (row["engine"], row["batch"]) == (engine, str(batch))}


def accuracy_file(cards: list[Card]) -> str:
    """Returns every measure of every card as CSV."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(MEASURES)
    for card in cards:
        size = card["architecture"]["parameters"], card["architecture"].get("macs"), weights_size(card)
        for metric in card["metrics"]:
            found = [number(metric[key]) for key in ("value", "mean", "std")]
            about = [card["name"], card["tag"], card["dataset"]["name"], metric["name"], metric["unit"]]
            writer.writerow([*about, *found, max(1, len(metric["seeds"])), *size])
    return file.getvalue()


def paper_table(cards: list[Card], latency: dict[str, str] | None = None) -> str:
    """Returns a Markdown table with the models of each paper: what they reach, beside what they cost."""
    head = ["Paper", "Model", "Test error", "Parameters", "Weights", *(["Time"] if latency else [])]
    rows, before = [head, ["---", "---", *["---:"] * (len(head) - 2)]], None
    for card in sorted(cards, key=lambda card: (card["family"] == "backbones", card["family"])):
        time = [milliseconds(latency.get(card["name"]))] if latency else []
        name, *cost = _cost(card)
        name += ", plain" if card["name"] in dict(PAIRS) else ""
        rows.append([_paper(card["paper"]) if card["family"] != before else "", name, *cost, *time])
        before = card["family"]
    return lines(rows) if cards else _NOTHING


def chosen(cards: list[Card]) -> list[Card]:
    """Two models a family, on the data set where it has most models.

    Where there are pairs, the one with the paper's idea that has the lowest error, and its plain form; else the lowest
    error and the fewest parameters. The tiny networks are left out, which are there for tests and demonstrations, and
    the backbones, which are no paper's idea.
    """
    families: dict[str, dict[str, list[Card]]] = {}
    for card in (card for card in cards if "_tiny_" not in card["name"] and card["family"] != "backbones"):
        families.setdefault(card["family"], {}).setdefault(card["dataset"]["name"], []).append(card)
    found: list[Card] = []
    for sets in families.values():
        group = max(sets.values(), key=lambda group: (len(group), -min(map(_error, group))))
        paired = {new["name"]: plain for plain, new in pairs(group)}
        if paired:
            best = min((card for card in group if card["name"] in paired), key=_error)
            found += [best, paired[best["name"]]]
            continue
        best = min(group, key=_error)
        smallest = min(group, key=lambda card: card["architecture"]["parameters"])
        found += [best] if best is smallest else [best, smallest]
    return found


def _error(card: Card) -> float:
    """The first measured number; of a model without one, worse than any."""
    return float(card["metrics"][0]["value"]) if card["metrics"] else float("inf")


def pairs(cards: list[Card]) -> list[tuple[Card, Card]]:
    """The pairs of `PAIRS` of which both are there."""
    known = {card["name"]: card for card in cards}
    return [(known[plain], known[new]) for plain, new in PAIRS if plain in known and new in known]


def pairs_table(cards: list[Card], latency: dict[str, str]) -> str:
    """Returns a Markdown table of what a paper's idea changes in a network, and at what cost."""
    head = ["Plain network", "With the paper's idea", "Data", "Test error", "Parameters", "Time"]
    rows = [head, ["---", "---", "---", *["---:"] * 3]]
    for plain, new in pairs(cards):
        sides = [[*_cost(card), milliseconds(latency.get(card["name"]))] for card in (plain, new)]
        both = [_arrow(sides[0][at], sides[1][at]) for at in (1, 2, 4)]
        rows.append([sides[0][0], sides[1][0], new["dataset"]["name"], *both])
    return lines(rows)


def _arrow(before: str, after: str) -> str:
    """Two numbers with their unit once, or one where they are equal."""
    return after if before == after else f"{before.removesuffix(' ms').removesuffix(' %')} → {after}"


def pairs_said(cards: list[Card]) -> str:
    """Returns a list in Markdown about the pairs, a claim each, with their numbers."""
    found = pairs(cards)
    if not found:
        return ""
    changes = [(plain, new, new["metrics"][0]["value"] - plain["metrics"][0]["value"]) for plain, new in found]
    better = sum(change < 0 for *_, change in changes)
    said = [
        f"Of {len(found)} pairs of a plain network and one with a paper's idea, {better} have the lower error with it."
    ]
    shares = [new["architecture"]["parameters"] / plain["architecture"]["parameters"] for plain, new in found]
    small = [(share, change) for share, (*_, change) in zip(shares, changes, strict=True) if share < 0.9]
    if small:
        parameters, points = sorted(share for share, _ in small), sorted(change for _, change in small)
        said += [
            "Shared bases and the compact network have"
            f" {100 * parameters[0]:.0f} to {100 * parameters[-1]:.0f} % of the plain network's parameters, and lose"
            f" {points[0]:.1f} to {points[-1]:.1f} points."
        ]
    looks = [change for _, new, change in changes if new["family"] == "scene"]
    if looks:
        gained = sum(change < 0 for change in looks)
        said += [
            "Pairwise consistency is about where a network looks, not about errors: it lowers the error in"
            f" {gained} of {len(looks)}."
        ]
    return "\n".join(f"- {sentence}" for sentence in said)


def milliseconds(text: str | None) -> str:
    """Two digits, as far as a time can be trusted."""
    return "" if text is None else f"{float(text):.{0 if float(text) >= 10 else 1 if float(text) >= 1 else 2}f} ms"


def _paper(paper: Card) -> str:
    title = re.split(r":| \(", paper["title"])[0]
    return f"[{title}]({paper['url']}), {paper['venue']} {paper['year']}"


def _cost(card: Card) -> list[str]:
    metric = card["metrics"][0] if card["metrics"] else None
    return [
        f"`{card['name']}`",
        f"{metric['value']:.2f} {metric['unit']}" if metric else "not measured",
        f"{card['architecture']['parameters']:,}",
        f"{weights_size(card) / 1000:,.0f} kB",
    ]


def weights_size(card: Card) -> int:
    """Bytes of the files of weights that a card lists."""
    return sum(facts["size"] for name, facts in card["files"].items() if name.endswith(".safetensors"))


def _measured(card: Card) -> str:
    """The first number of a card; converted weights have none of their own."""
    if not card["metrics"]:
        return "(converted, not measured here)"
    metric = card["metrics"][0]
    return f"{number(metric['value'])} {metric['unit']} {metric['name']}"


def model_table(cards: list[Card]) -> str:
    """Returns a Markdown table with a line for each card."""
    head = ["Model", "Data set", "Parameters", "MACs", "Test result", "Over seeds", "Authors' figure"]
    rows = [head, ["---", "---", "---:", "---:", "---", "---", "---"]]
    rows += [_table_row(card) for card in cards]
    return lines(rows) if cards else _NOTHING


def lines(rows: list[list[str]]) -> str:
    """Rows of cells as lines of Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _table_row(card: Card) -> list[str]:
    metric = (card["metrics"] or [{"seeds": [], "paper_value": None}])[0]
    macs = card["architecture"].get("macs")
    return [
        f"`{card['name']}.{card['tag']}`",
        card["dataset"]["name"],
        f"{card['architecture']['parameters']:,}",
        f"{macs / 1e6:,.1f} M" if macs else "",
        _measured(card),
        spread(metric) if card["metrics"] else "",
        f"{number(metric['paper_value'])} {metric['unit']}" if metric["paper_value"] is not None else "",
    ]


def spread(metric: Card) -> str:
    """Mean and deviation over the runs, or how many there were."""
    runs = len(metric["seeds"])
    if runs < 2 or metric["mean"] is None or metric["std"] is None:
        return "1 run" if runs < 2 else f"{runs} runs"
    return f"{metric['mean']:.2f} ± {metric['std']:.2f} ({runs} runs)"


def number(value: float | None) -> str:
    """Four digits, or nothing for None."""
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def attempts_table(folder: Path) -> str:
    """Returns the tables of what was tried: altered inputs by door, ended trainings by backend, a server for long."""
    records = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))}
    parts = [_doors_table(records["parsers"])] if "parsers" in records else []
    ended = {name.partition("-")[2]: found for name, found in records.items() if name.startswith("kills-")}
    parts += [_ends_table(ended)] if ended else []
    parts += [_coverage_table(records["coverage"])] if "coverage" in records else []
    parts += [_soak_table(records["soak"])] if "soak" in records else []
    return "\n\n".join(parts) or "Nothing is recorded yet."


def peers_table(root: Path = ROOT) -> str:
    """Returns what was measured side by side, a table for each subject, and on what machine."""
    path = root / "results" / "performance.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8")))) if path.is_file() else []
    parts = []
    for subject in dict.fromkeys(row["subject"] for row in rows):
        of_subject = [row for row in rows if row["subject"] == subject]
        cells = [[row["row"], f"{float(row['milliseconds']):,.4g}", row["ratio"]] for row in of_subject]
        head = [[subject.capitalize(), "Milliseconds", "Ratio"], ["---", "---:", "---:"]]
        parts.append(lines(head + cells))
    about = dict.fromkeys(
        f"{row['processor']}, {row['threads']} thread(s), {row['date']}: {row['versions']}." for row in rows
    )
    return "\n\n".join([*parts, *about]) or "Nothing is measured yet."


def _doors_table(found: Card) -> str:
    rows = [["Door", "Altered inputs", "Refused", "Read", "Faults"], ["---", "---:", "---:", "---:", "---:"]]
    for door, counts in [*found["doors"].items(), ("**all**", _sum(found["doors"].values()))]:
        read = counts.get("read", 0) + counts.get("same", 0)
        refused = counts.get("refused", 0) + counts.get("needs a package", 0)
        total = sum(counts.values())
        rows.append([door, *(f"{count:,}" for count in (total, refused, read, total - refused - read))])
    return f"{lines(rows)}\n\n`{found['command']}`: {found['seconds']:,} s, {found['date']}."


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in counts:
        for name, count in one.items():
            total[name] = total.get(name, 0) + count
    return total


def _ends_table(found: dict[str, Card]) -> str:
    rows = [["Ended by", *found], ["---", *("---:" for _ in found)]]
    kinds = [name for name, value in next(iter(found.values())).items() if isinstance(value, int) and name != "seconds"]
    rows += [[name, *(f"{record.get(name, 0):,}" for record in found.values())] for name in kinds]
    rows.append(["**failures**", *(f"{len(record['failures'])}" for record in found.values())])
    said = [f"`{record['command']}`: {record['seconds']:,} s, {record['date']}." for record in found.values()]
    return "\n\n".join([lines(rows), *said])


def _coverage_table(found: Card) -> str:
    rows = [["Door", "Inputs of the fuzzer", "Refused", "Read", "Edges"], ["---", "---:", "---:", "---:", "---:"]]
    for door, counts in found["doors"].items():
        total = sum(counts.values()) - counts["edges"]
        read = counts.get("read", 0) + counts.get("same", 0)
        row = (total, counts.get("refused", 0) + counts.get("needs a package", 0), read, counts["edges"])
        rows.append([door, *(f"{count:,}" for count in row)])
    said = f"`{found['command']}`: {found['inputs']:,} inputs, {len(found['failures'])} faults"
    return f"{lines(rows)}\n\n{said}, {found['seconds']:,} s, {found['date']}."


def _soak_table(found: Card) -> str:
    rows = [["Minute", "Requests so far", "Memory (MB)", "Threads", "Open files"], ["---:"] * 5]
    for sample in found["measured"]:
        names = ("requests", "MB", "threads", "files")
        rows.append([f"{sample['minute']:g}", *(f"{sample[name]:,.0f}" for name in names)])
    said = (
        f"`{found['command']}`: {found['requests']:,} requests, {found['hostile']:,} of them hostile, "
        f"{found['changes of the folder']} changes of the folder, {len(found['failures'])} failures"
    )
    return f"{lines(rows)}\n\n{said}, {found['seconds']:,} s, {found['date']}."


def _natural(text: str) -> list[tuple[int, str | int]]:
    return [(1, int(part)) if part.isdigit() else (0, part) for part in re.split(r"(\d+)", text) if part]


def insert_table(text: str, table: str, marks: tuple[str, str] = MARKS) -> str:
    """Returns `text` with `table` between the two marks; a `ValueError` if they are not there once each."""
    begin, end = marks
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"the text needs each of these lines once:\n{begin}\n{end}")
    before, rest = text.split(begin)
    return f"{before}{begin}\n{table}\n{end}{rest.split(end)[1]}"


def fresh_texts(root: Path = ROOT) -> dict[Path, str]:
    """Returns the text with a fresh table of each file that has one."""
    cards = load_cards(root)
    papers = f"{paper_table(chosen(latest(cards)), load_latency(root))}\n\n{pairs_said(latest(cards))}"
    tables = {root / "README.md": papers, root / "weights" / "README.md": model_table(cards)}
    found = {path: insert_table(path.read_text("utf-8"), table) for path, table in tables.items()}
    page = root / "docs" / "reliability.md"
    table = attempts_table(root / "tests" / "trust" / "records")
    found |= {page: insert_table(page.read_text("utf-8"), table, ATTEMPTS)}
    page = root / "docs" / "performance.md"
    found |= {page: insert_table(page.read_text("utf-8"), peers_table(root), PEERS)}
    return found | {root / "results" / "accuracy.csv": accuracy_file(latest(cards))}


def main() -> int:
    """Writes or checks the tables; the result is an exit code."""
    parser = argparse.ArgumentParser(
        description="Write results/accuracy.csv and the tables of README.md, weights/README.md and docs/reliability.md."
    )
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a table is out of date")
    check = parser.parse_args().check
    stale = {
        path: text for path, text in fresh_texts().items() if not path.is_file() or text != path.read_text("utf-8")
    }
    for path, text in stale.items():
        if check:
            print(f"{path.relative_to(ROOT)} is out of date: run `make readme`", file=sys.stderr)
            continue
        path.write_text(text, "utf-8")
        print(f"{path.relative_to(ROOT)} is new")
    if not stale:
        print("the tables are up to date")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
