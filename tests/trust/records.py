"""What the attempts of this folder wrote down about themselves; `docs/reliability.md` takes its figures from there."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zoo.training.record import installed_versions

FOLDER = Path(__file__).parent / "records"


def write(path: Path, facts: dict[str, Any]) -> None:
    """Writes a record: facts, date and versions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    more = {"date": datetime.now(UTC).date().isoformat(), "versions": installed_versions()}
    path.write_text(json.dumps(facts | more, indent=2) + "\n", "utf-8")


def read() -> dict[str, dict[str, Any]]:
    """All records by the names of their files."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}
