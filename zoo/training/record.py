"""What a run folder remembers: which run it is, how far it got, and what came out."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import keras

from zoo.models.recipe import Recipe

RUN = "run.json"
HISTORY = "history.csv"
CHECKPOINT = "checkpoint"

_PACKAGES = ("keras", "numpy", "tensorflow", "jax", "torch")


def find_run(folder: Path, identity: dict[str, Any]) -> dict[str, Any]:
    """The run in a folder, or `{"finished": False}` where there is none yet. Writes nothing.

    Raises:
        ValueError: the folder holds another run, or files that are no run's.
        NotADirectoryError: there is a file of that name.
    """
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"Expected a folder for the run; {folder} is a file.")
    if not (folder / RUN).is_file():
        if folder.is_dir() and any(folder.iterdir()):
            raise ValueError(f"{folder} is not empty and holds no training run. Choose a new folder.")
        return {"finished": False}
    run = json.loads((folder / RUN).read_text())
    wanted = json.loads(json.dumps(identity))
    different = sorted(key for key, value in wanted.items() if run.get(key) != value)
    if different:
        raise ValueError(f"{folder} holds another run: {', '.join(different)} differ. Choose another folder.")
    return run


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
        "backend": keras.backend.backend(),
        "versions": installed_versions(),
        "hardware": describe_hardware(),
        "commit": git_commit(),
        "date": datetime.now(UTC).date().isoformat(),
    }
    write_json(folder / RUN, identity | facts)


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


def close_run(folder: Path, *, validation: dict[str, float]) -> None:
    """Marks a run as finished and notes its validation results."""
    run = json.loads((folder / RUN).read_text())
    write_json(folder / RUN, run | {"finished": True, "validation": validation})


def add_minutes(folder: Path, minutes: float) -> None:
    """Adds to the time that the run has taken."""
    run = json.loads((folder / RUN).read_text())
    write_json(folder / RUN, run | {"minutes": round(run["minutes"] + minutes, 1)})


def epochs_done(folder: Path) -> int:
    """Epochs that the checkpoint of a run holds."""
    marker = folder / CHECKPOINT / "training_metadata.json"
    return json.loads(marker.read_text())["epoch"] if marker.is_file() else 0


def recipe_facts(recipe: Recipe) -> dict[str, Any]:
    """A recipe as plain values."""
    return dataclasses.asdict(recipe) | {"overrides": dict(recipe.overrides)}


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


def git_commit() -> str | None:
    """Commit of the checkout that this code runs from, with a plus sign if it was changed; None outside one."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(Path(__file__).parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def write_json(path: Path, value: Any) -> None:
    """Writes a file whole or not at all."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(value, indent=2) + "\n")
    os.replace(temporary, path)
