"""A folder of pictures classified into a table, which spreadsheets and pandas read.

    python examples/batch.py [FOLDER] [--model NAME] [--out answers.csv] [--smoke]

A picture that cannot be read is a row with an error. For millions of rows, Parquet in and out, and several machines:
`zoo.predict_files` (docs/batch.md), which needs `zoo[batch]`.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from pathlib import Path

import zoo

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # with zoo above: TensorFlow's start-up lines stay off the terminal

FOLDER = Path(__file__).parent / "images" / "mnistrot"


def main(arguments: list[str] | None = None) -> None:
    """Reads, classifies and writes."""
    parser = argparse.ArgumentParser(description="Classify a folder of pictures into a CSV table.")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--model", default="e4net_mnistrot", help="(default: %(default)s)")
    parser.add_argument("--out", type=Path, help="CSV file (default: the terminal)")
    parser.add_argument("--smoke", action="store_true", help="four pictures")
    options = parser.parse_args(arguments)
    if options.smoke:
        print("smoke run: it shows that this works, and its numbers mean nothing", file=sys.stderr)
    suffixes = zoo.datasets.image_suffixes()
    files = sorted(path for path in options.folder.rglob("*") if path.suffix.lower() in suffixes)
    if not files:
        parser.error(f"no pictures in {options.folder}")
    files = files[: 4 if options.smoke else None]
    model = zoo.load(options.model)
    images, errors = zoo.datasets.read_each(files, model.input_shape[1:])
    good = [index for index, error in enumerate(errors) if error is None]
    found = dict(zip(good, zoo.predict(model, images[good], top=1), strict=True)) if good else {}
    rows = [("path", "label", "probability", "error")]
    for index, (file, error) in enumerate(zip(files, errors, strict=True)):
        best = found[index][0] if index in found else None
        rows.append((file.name, best.label, f"{best.probability:.4f}", "") if best else (file.name, "", "", str(error)))
    if options.out is None:
        csv.writer(sys.stdout, lineterminator="\n").writerows(rows)
        return
    with open(options.out, "w", newline="", encoding="utf-8") as target:
        csv.writer(target, lineterminator="\n").writerows(rows)
    print(f"{len(found)} of {len(files)} answered: {options.out}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:  # such as a path that is not there
        sys.exit(f"{Path(__file__).name}: {error}")
