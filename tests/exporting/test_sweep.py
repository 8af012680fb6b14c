"""Every registered model becomes a SavedModel and an ONNX file that agree with Keras to 1e-5, LiteRT to 1e-4."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

import zoo
from tests.exporting.conftest import report
from tests.exporting.test_saved_model import PLAIN


@pytest.mark.large
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("format", ["savedmodel", "onnx", "litert"])
@pytest.mark.parametrize("name", zoo.list_models())
def test_registered_models(name: str, format: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    found = report(zoo.export(zoo.build(name), tmp_path, format=format))
    print(f"{name} {format}: {found['max_difference']:.1e}, {found['bytes']:,} bytes for {found['stored_values']:,}")
    assert found["max_difference"] <= (1e-4 if format == "litert" else 1e-5)
    sizes = {tuple(map(tuple, check["inputs"].values())) for check in found["checks"]}
    assert len(sizes) == len(found["checks"]) >= 2, "not checked on two sizes"
    if format == "savedmodel":
        assert set(found["operators"]) <= PLAIN
