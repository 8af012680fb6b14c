"""What a run folder remembers: which run it is, how far it got, and what came out."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from zoo._reading import readable
from zoo._writing import check_target, is_unfinished, remove_unfinished, whole
from zoo.hub import paths
from zoo.models.recipe import Recipe, renamed

RUN = "run.json"
HISTORY = paths.HISTORY
CHECKPOINTS = "checkpoints"
LISTING = "split.csv"
BEFORE = frozenset({"features.npz", paths.FIRST_PART, LISTING})
"""What may lie in a run folder before the run is begun."""

_PACKAGES = ("keras", "numpy", "tensorflow", "jax", "torch")


def find_run(folder: Path, identity: dict[str, Any]) -> dict[str, Any]:
    """The run in a folder, or `{"finished": False}` where there is none yet. Writes nothing.

    Raises:
        ValueError: the folder holds another run, or files that are no run's.
        NotADirectoryError: it, or a folder above it, is a file.
        PermissionError: the folder cannot be made or written.
    """
    if not (folder / RUN).is_file():
        check_folder(folder)
        return {"finished": False}
    run = _facts(folder)
    wanted = json.loads(json.dumps(identity))
    known = {key: run.get(key) for key in wanted}
    recipes = [_DEFAULTS | renamed(facts.pop("recipe", None) or {}) for facts in (known, wanted)]
    different = [*_differences(known, wanted), *_differences(*recipes)]
    if different:
        raise ValueError(f"{folder} holds another run: {'; '.join(different)}. Choose another folder.")
    return run


def is_finished(folder: Path) -> bool:
    """Whether a folder holds a run that was trained to its end; a `ValueError` where its record is damaged."""
    return (folder / RUN).is_file() and bool(_facts(folder)["finished"])


def check_folder(folder: Path) -> None:
    """Raises an error unless a run can be begun, or go on, in a folder. Writes nothing.

    Args:
        folder: of the run.

    Raises:
        ValueError: the folder holds files that are no run's.
        NotADirectoryError: it, or a folder above it, is a file.
        PermissionError: the folder cannot be made or written.

    Example:
        >>> check_folder(Path("runs/new"))
    """
    check_target(folder, "the run")
    names = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    there = {name for name in names if not is_unfinished(name)}  # the start itself may have been killed
    if RUN not in there and there - BEFORE:
        raise ValueError(f"{folder} is not empty and holds no training run. Choose a new folder.")


def _differences(there: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Both values of every field that has two."""
    names = sorted(name for name in there.keys() | wanted.keys() if there.get(name) != wanted.get(name))
    return [f"{name} is {there.get(name)!r} there and {wanted.get(name)!r} here" for name in names]


def open_run(folder: Path, identity: dict[str, Any], *, listing: Sequence[Sequence[str]] = ()) -> None:
    """Starts a run in a folder, unless it was started before; what a killed start left half written is removed.

    Args:
        folder: of the run.
        identity: what makes it another run than any other.
        listing: rows (path, class, split) of the files it learns from, for `split.csv`.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_unfinished(folder)
    if (folder / RUN).is_file():
        return
    if listing:
        write_listing(folder, listing)
    facts = {
        "finished": False,
        "minutes": 0.0,
        "versions": installed_versions(),
        "hardware": describe_hardware(),
        "date": datetime.now(UTC).date().isoformat(),
    }
    write_json(folder / RUN, identity | facts | git_state())


def write_listing(folder: Path, listing: Sequence[Sequence[str]]) -> None:
    """Writes `split.csv`: path, label and split of each file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("path", "label", "split"), *listing])
    write_text(folder / LISTING, text.getvalue())


def read_run(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The facts of a finished run.

    Raises:
        ValueError: the folder holds no finished run.
    """
    run: dict[str, Any] = _facts(Path(folder)) if (Path(folder) / RUN).is_file() else {"finished": False}
    if not run["finished"]:
        raise ValueError(f"Expected the folder of a finished training run; {folder} holds none. Run zoo.train first.")
    return run | ({"recipe": renamed(run["recipe"])} if "recipe" in run else {})


def close_run(folder: Path, *, minutes: float, validation: dict[str, float | None]) -> None:
    """Marks a run as finished and notes how long it took and its validation results."""
    write_json(folder / RUN, finished(folder, minutes=minutes, validation=validation))


def finished(folder: Path, *, minutes: float, validation: dict[str, float | None]) -> dict[str, Any]:
    """The record of a run as `close_run` writes it."""
    return _facts(folder) | {"finished": True, "minutes": round(minutes, 1), "validation": validation}


def write_history(folder: Path, rows: list[dict[str, float]]) -> None:
    """Writes `history.csv` anew, a line an epoch: `epoch` (from 0) and the others by name."""
    names = ["epoch", *sorted(set(rows[0]) - {"epoch"})] if rows else ["epoch"]
    lines = [",".join(names), *(",".join(str(row[name]) for name in names) for row in rows)]
    write_text(folder / HISTORY, "\n".join(lines) + "\n")


def recipe_facts(recipe: Recipe) -> dict[str, Any]:
    """A recipe as plain values: tuples are as they are in the recipe."""
    return {field.name: getattr(recipe, field.name) for field in fields(recipe)}


def installed_versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def describe_hardware() -> str:
    """Processor kind and number of cores."""
    return f"{platform.machine()} CPU, {os.cpu_count()} cores"


def git_state() -> dict[str, str | None]:
    """Commit of the checkout that this code runs from, with a plus sign if it was changed, and a hash of the changes.

    Both are None outside of a checkout; the hash is None where nothing was changed.
    """
    try:
        commit, changed = _git("rev-parse", "--short=12", "HEAD").strip(), bool(_git("status", "--porcelain"))
        changes = _git("diff", "HEAD") if changed else ""
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "changes": None}
    digest = hashlib.sha256(changes.encode()).hexdigest()[:12] if changed else None
    return {"commit": commit + ("+" if changed else ""), "changes": digest}


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=True).stdout


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file whole or not at all."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes a file in UTF-8, whole or not at all; bytes of file names that are no UTF-8 stay as they are."""
    with whole(path) as part:
        part.write_text(text, "utf-8", "surrogateescape")


def _facts(folder: Path) -> dict[str, Any]:
    """What `run.json` says; a `ValueError` that names the file where it is damaged."""
    path = folder / RUN
    with readable(path, "record of a training run"):
        run = json.loads(path.read_text("utf-8"))
        if not isinstance(run, dict) or type(run.get("finished")) is not bool:
            raise ValueError("it does not say whether the run is finished")
        if not isinstance(run.get("recipe") or {}, dict):
            raise ValueError("its recipe has no fields")
    return run


# What a recipe that was written before a field existed says of it.
_DEFAULTS = json.loads(json.dumps(recipe_facts(Recipe(epochs=1, batch_size=1))))
