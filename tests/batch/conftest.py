from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.evaluation import toy
from zoo import hub
from zoo.hub import registry

pytest.importorskip("pyarrow", reason="batch prediction reads and writes Parquet")


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The folder of a trained toy, whose family is the only one."""
    monkeypatch.setattr(registry, "FAMILIES", ("tests.evaluation.toy",))
    monkeypatch.setenv("ZOO_WEIGHTS", str(tmp_path / "weights"))
    return str(hub.save(toy.teach(hub.build("bars_mnistrot")), tmp_path / "model"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """23 images in three folders: file `07.png` has class 7, `17.png` too; `05.png` is broken."""
    for number in range(23):
        path = tmp_path / "images" / ("", "inner", "inner/most")[number % 3] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(number % 10)[: 60 if number == 5 else None])
    (tmp_path / "images" / "notes.txt").write_text("no image")
    return tmp_path / "images"


def encoded(label: int, **save: Any) -> bytes:
    """A file with an image of a class."""
    file = io.BytesIO()
    Image.fromarray(toy.bars(np.array([label]))[0, ..., 0]).save(file, "PNG", **save)
    return file.getvalue()


def rows_of(out: Path) -> list[dict[str, Any]]:
    """The answers in a folder, as a reader of Parquet finds them."""
    import pyarrow.parquet

    return pyarrow.parquet.read_table(out).to_pylist()
