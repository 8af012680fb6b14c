"""A card as people read it: as text for `print`, and as a table for notebooks."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from zoo._counting import counted


def facts(card: Any) -> dict[str, str]:
    """What a reader wants first of a card, by name; numbers are rounded, what is not known is left out."""
    architecture, dataset, training, source = (
        value or {} for value in (card.architecture, card.dataset, card.training, card.source)
    )
    shape = architecture.get("config", {}).get("input_shape")
    macs, size = architecture.get("macs"), card.weights_size
    rows = {
        "architecture" if card.is_own else "model": card.full_name,
        "summary": card.summary,
        "task": card.task,
        "input": " x ".join("any" if side is None else str(side) for side in shape) if shape else "",
        "expects": (card.expects or {}).get("note", ""),
        "classes": f"{len(card.labels):,}: {', '.join(card.labels[:8])}{', ...' if len(card.labels) > 8 else ''}",
        "parameters": f"{architecture['parameters']:,}" if "parameters" in architecture else "",
        "multiply-adds": f"{macs:,}" if macs else "",
        "weights": f"{size / 1000:,.0f} kB" if size else "none",
        "data": f"{dataset['name']}, {dataset['split']}" if dataset else "",
        "trained": f"{training['date']}, {training['minutes']:,.0f} minutes" if training else "",
        "converted from": source.get("file", ""),
        "licence": card.license or "",
        "architecture's paper" if card.is_own else "paper": card.citation or "",
    }
    rows |= {f"{one['split']} {one['name'].replace('_', ' ')}": measured(one) for one in card.metrics}
    return {name: value for name, value in rows.items() if value}


def measured(metric: Mapping[str, Any], *, spread: bool = True) -> str:
    """A value of a card with its unit, and its spread over seeds: percent have two decimals, others four digits."""
    unit = metric["unit"].replace("percent", "%")
    digits = ".2f" if unit == "%" else ".4g"
    text = f"{metric['value']:{digits}} {unit}"
    if spread and metric.get("std") is not None and len(metric.get("seeds") or ()) > 1:
        over = counted(len(metric["seeds"]), "seed")
        text += f" (mean {metric['mean']:{digits}} ± {metric['std']:{digits}} over {over})"
    if spread and metric.get("note"):
        text += f" on {metric['note']}"
    return text


def text(card: Any) -> str:
    """Lines of names and values, then how the model differs from its paper."""
    rows = facts(card)
    width = max(map(len, rows))
    lines = [f"{name:<{width}}  {value}" for name, value in rows.items()]
    return "\n".join([*lines, *(f"{'deviation':<{width}}  {line}" for line in card.deviations)])


def table(card: Any) -> str:
    """The same as an HTML table; everything from the card is escaped."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
        f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
        for name, value in facts(card).items()
    )
    return f"<table><tbody>{rows}</tbody></table>"
