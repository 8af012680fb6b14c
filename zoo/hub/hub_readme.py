"""The page of a repository on the Hugging Face Hub: the card as text, under a header that the Hub's search reads."""

from __future__ import annotations

import re
from typing import Any

from zoo.hub.cards import Card
from zoo.hub.hugging_face import SCHEME, Address, load_client

_LICENSES = {
    *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0"),
    *("cc-by-nc-sa-4.0", "cc-by-sa-3.0", "gpl-3.0", "lgpl-3.0", "agpl-3.0", "mpl-2.0", "unlicense"),
}
"""Licences that the Hub knows by their names; every other one is `other` there, and said in the text."""
_PIPELINES = {
    "image-classification": "image-classification",
    "image-labelling": "image-classification",
    "semantic-segmentation": "image-segmentation",
    "pixel-labelling": "image-segmentation",
    "node-classification": "graph-ml",
    "node-labelling": "graph-ml",
    "graph-classification": "graph-ml",
    "graph-labelling": "graph-ml",
}
_IDENTIFIER = re.compile(r"[\w.-]+(/[\w.-]+)?")


def readme(card: Card, address: Address) -> str:
    """The text of `README.md`.

    Args:
        card: of the weights.
        address: where they will be.

    Raises:
        ImportError: the extra `hub` is not installed.
    """
    return str(load_client().ModelCard(f"---\n{_metadata(card).to_yaml()}\n---\n\n{_text(card, address)}"))


def _metadata(card: Card) -> Any:
    client = load_client()
    license = (card.license or "").lower()
    dataset = (card.dataset or {}).get("name", "")
    results = [
        client.EvalResult(
            task_type=_PIPELINES.get(card.task, card.task),
            dataset_type=dataset,
            dataset_name=dataset,
            dataset_split=metric["split"],
            metric_type=metric["name"],
            metric_name=f"{metric['name']} ({metric['unit']})",
            metric_value=metric["value"],
        )
        for metric in (card.metrics if dataset else ())
    ]
    return client.ModelCardData(
        library_name="zoo",
        license=license if license in _LICENSES else "other" if license else None,
        tags=["keras", "zoo", card.family, card.task],
        pipeline_tag=_PIPELINES.get(card.task),
        datasets=[dataset] if _IDENTIFIER.fullmatch(dataset) else None,
        metrics=sorted({metric["name"] for metric in card.metrics}) or None,
        model_name=card.name if results else None,
        eval_results=results or None,
    )


def _text(card: Card, address: Address) -> str:
    paper, dataset, source = card.paper, card.dataset, card.source or {}
    facts = {
        "Task": card.task,
        "Architecture": card.name if card.is_own else None,
        "Input": card.architecture["config"].get("input_shape"),
        "Classes": ", ".join(card.labels),
        "Parameters": f"{card.architecture['parameters']:,}",
        "Licence of the weights": card.license,
        "Converted from": source.get("origin") or source.get("file"),
        "Notice": source.get("notice"),
    }
    parts = [
        f"# {address.repository.rpartition('/')[2] if card.is_own else card.name}",
        card.summary,
        f'```python\nimport zoo  # pip install "zoo[hub]"\n\nmodel = zoo.load("{SCHEME}{address.repository}")\n```',
        "\n".join(f"- {name}: {value}" for name, value in facts.items() if value),
        card.metrics and f"## Numbers\n\n{_numbers(card)}",
        dataset and f"## Data\n\n`{dataset['name']}`, split `{dataset['split']}`. {dataset['note']}",
        dataset and f"Licence of the data: {dataset['license']}",
        card.deviations and "## Differences from the paper\n\n" + "\n".join(f"- {text}" for text in card.deviations),
        paper and f"## Source{' of the architecture' if card.is_own else ''}\n\n{card.citation or paper['title']}",
        "`card.json` holds all that is known, and the SHA-256 of every file, which `zoo.load` checks.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _numbers(card: Card) -> str:
    rows = [
        f"| {each['name']} | {each['split']} | {each['value']:g} {each['unit']} | `{each['command']}` |"
        for each in card.metrics
    ]
    return "\n".join(["| what | split | value | command |", "| --- | --- | --- | --- |", *rows])
