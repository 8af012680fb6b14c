"""What an export found: the verdict, and the file `assets.extra/zoo.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from zoo._reading import readable
from zoo.version import __version__

EXTRA, FILE = "assets.extra", "zoo.json"
QUANTIZATIONS = ("float16", "int8")


_SIXTEEN_BITS = {"float16": 4e-3, "bfloat16": 3e-2}  # eight times what rounding a number may cost
Tolerance = tuple[str, float]


def tolerance_of(format: str, quantize: str | None, precision: str = "float32") -> Tolerance:
    """Which difference from the Keras model is bounded, and by how much, relative to the largest output.

    LiteRT and ONNX Runtime sum in another order, which in deep networks with random weights, or with large ones after a
    fine-tuning at a high rate, shows beyond 1e-5. The bound of int8 only catches files that compute something
    else: what rounding costs is measured on labelled data.

    Args:
        format: of the file.
        quantize: None, `"float16"` or `"int8"`.
        precision: the coarsest type that the model computes in.
    """
    if quantize == "int8":
        return "mean_difference", 0.1
    exact = 1e-2 if quantize == "float16" else 1e-4 if format in ("litert", "onnx") else 1e-5
    return "max_difference", max(exact, _SIXTEEN_BITS.get(precision, 0.0))


def check_same_model(folder: Path, facts: dict[str, Any]) -> None:
    """Raise a `ValueError` if the newest version in a model's folder is another model: servers would switch to it."""
    numbers = [
        int(path.parents[1].name) for path in folder.glob(f"*/{EXTRA}/{FILE}") if path.parents[1].name.isdecimal()
    ]
    if not numbers:
        return
    version = folder / str(max(numbers))
    with readable(version / EXTRA / FILE, "report of an export"):
        there = dict(json.loads((version / EXTRA / FILE).read_text("utf-8")))
    default = facts["signatures"]["serving_default"]
    new = {"labels": facts["labels"], "inputs": default["inputs"], "outputs": default["outputs"]}
    different = [key for key, value in new.items() if there.get(key) != json.loads(json.dumps(value))]
    if different:
        raise ValueError(
            f"{version} is a model with other {' and '.join(different)}, and this one would become its next version: "
            "give this one a name of its own with name= (--name on the command line)"
        )


def judge(checks: list[dict[str, Any]], allowed: Tolerance, name: str) -> None:
    """Raise a `ValueError` if an output differs by more than what `tolerance_of` allows."""
    measure, tolerance = allowed
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


def write_report(stage: Path, job: dict[str, Any], facts: dict[str, Any], found: dict[str, Any]) -> None:
    """Write `assets.extra/zoo.json`; `found` is what the check of the file answered."""
    checks = found["checks"]
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
        "opset": facts.get("opset"),
        "inputs": default["inputs"],
        "outputs": default["outputs"],
        "signatures": facts["signatures"],
        "rows_independent": found["rows_independent"],
        "checks": checks,
        "max_difference": max(value for check in checks for value in check["max_difference"].values()),
        "tolerance": list(tolerance_of(job["format"], job["quantize"], facts["precision"])),
        "stored_values": facts["stored_values"],
        "bytes": sum(sizes.values()),
        "files": sizes,
        "operators": facts.get("operators"),
        "versions": {"zoo": __version__} | facts["versions"],
    }
    folder = stage / EXTRA
    folder.mkdir(exist_ok=True)
    (folder / FILE).write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", "utf-8")
