"""What a run folder remembers: which run it is, how far it got, and what came out."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from zoo.datasets.roots import check_target
from zoo.models.recipe import Recipe

RUN = "run.json"
HISTORY = "history.csv"
CHECKPOINTS = "checkpoints"

_MAPPINGS = ("consistency", "learning_rate_multipliers", "overrides", "proximal")
_PACKAGES = ("keras", "numpy", "tensorflow", "jax", "torch")


def find_run(folder: Path, identity: dict[str, Any]) -> dict[str, Any]:
    """The run in a folder, or `{"finished": False}` where there is none yet. Writes nothing.

    Raises:
        ValueError: the folder holds another run, or files that are no run's.
        NotADirectoryError: it, or a folder above it, is a file.
        PermissionError: the folder cannot be made or written.
    """
    if not (folder / RUN).is_file():
        check_target(folder, "the run")
        if folder.is_dir() and any(folder.iterdir()):
            raise ValueError(f"{folder} is not empty and holds no training run. Choose a new folder.")
        return {"finished": False}
    run = json.loads((folder / RUN).read_text())
    wanted = json.loads(json.dumps(identity))
    known = {key: run.get(key) for key in wanted}
    recipes = [_DEFAULTS | (facts.pop("recipe", None) or {}) for facts in (known, wanted)]
    different = [*_differences(known, wanted), *_differences(*recipes)]
    if different:
        raise ValueError(f"{folder} holds another run: {'; '.join(different)}. Choose another folder.")
    return run


def _differences(there: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Both values of every field that has two."""
    names = sorted(name for name in there.keys() | wanted.keys() if there.get(name) != wanted.get(name))
    return [f"{name} is {there.get(name)!r} there and {wanted.get(name)!r} here" for name in names]


def open_run(folder: Path, identity: dict[str, Any]) -> None:
    """Starts a run in a folder, unless it was started before.

    Raises:
        OSError: the folder cannot be written.
    """
    if (folder / RUN).is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    facts = {
        "finished": False,
        "minutes": 0.0,
        "versions": installed_versions(),
        "hardware": describe_hardware(),
        "date": datetime.now(UTC).date().isoformat(),
    }
    write_json(folder / RUN, identity | facts | git_state())


def read_run(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The facts of a finished run.

    Raises:
        ValueError: the folder holds no finished run.
    """
    path = Path(folder) / RUN
    run = json.loads(path.read_text()) if path.is_file() else {"finished": False}
    if not run["finished"]:
        raise ValueError(f"Expected the folder of a finished training run; {folder} holds none. Run zoo.train first.")
    return run


def close_run(folder: Path, *, minutes: float, validation: dict[str, float]) -> None:
    """Marks a run as finished and notes how long it took and its validation results."""
    run = json.loads((folder / RUN).read_text())
    write_json(folder / RUN, run | {"finished": True, "minutes": round(minutes, 1), "validation": validation})


def write_history(folder: Path, rows: list[dict[str, float]]) -> None:
    """Writes `history.csv` anew, a line an epoch: `epoch` (from 0) and the others by name."""
    names = ["epoch", *sorted(set(rows[0]) - {"epoch"})] if rows else ["epoch"]
    lines = [",".join(names), *(",".join(str(row[name]) for name in names) for row in rows)]
    write_text(folder / HISTORY, "\n".join(lines) + "\n")


def recipe_facts(recipe: Recipe) -> dict[str, Any]:
    """A recipe as plain values."""
    mappings = {name: dict(getattr(recipe, name)) for name in _MAPPINGS}
    return dataclasses.asdict(recipe) | mappings


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
    """Writes a file whole or not at all."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    os.replace(temporary, path)


# What a recipe that was written before a field existed says of it.
_DEFAULTS = json.loads(json.dumps(recipe_facts(Recipe(dataset="", epochs=1, batch_size=1))))
