"""What an export found: the verdict, and the file `assets.extra/zoo.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from zoo.version import __version__

EXTRA, FILE = "assets.extra", "zoo.json"
TOLERANCES = {
    None: ("max_difference", 1e-5),
    "float16": ("max_difference", 1e-2),
    "int8": ("mean_difference", 0.1),
}
"""Which difference from the Keras model is bounded, and by how much, relative to the largest output, by quantization.

The bound of int8 only catches files that compute something else: what rounding costs is measured on labelled data.
"""


def judge(checks: list[dict[str, Any]], quantize: str | None, name: str) -> None:
    """Raise a `ValueError` if an output differs by more than the tolerance."""
    measure, tolerance = TOLERANCES[quantize]
    faults = [
        f"{check['signature']} {output} differs by {difference:.1e} on inputs {check['inputs']}"
        for check in checks
        for output, difference in check[measure].items()
        if not difference <= tolerance
    ]
    if faults:
        raise ValueError(
            f"the exported {name} does not agree with the Keras model to {tolerance:g} and was deleted:\n  "
            + "\n  ".join(faults)
        )


def write_report(stage: Path, job: dict[str, Any], facts: dict[str, Any], checks: list[dict[str, Any]]) -> None:
    """Write `assets.extra/zoo.json`."""
    default = facts["signatures"]["serving_default"]
    sizes = {str(path.relative_to(stage)): path.stat().st_size for path in sorted(stage.rglob("*")) if path.is_file()}
    report = {
        "name": job["name"],
        "tag": facts["tag"],
        "task": facts["task"],
        "labels": facts["labels"],
        "format": job["format"],
        "fold": facts["fold"],
        "quantize": job["quantize"],
        "inputs": default["inputs"],
        "outputs": default["outputs"],
        "signatures": facts["signatures"],
        "checks": checks,
        "max_difference": max(value for check in checks for value in check["max_difference"].values()),
        "tolerance": list(TOLERANCES[job["quantize"]]),
        "parameters": facts["parameters"],
        "bytes": sum(sizes.values()),
        "files": sizes,
        "operators": facts.get("operators"),
        "versions": {"zoo": __version__} | facts["versions"],
    }
    folder = stage / EXTRA
    folder.mkdir(exist_ok=True)
    (folder / FILE).write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", "utf-8")
