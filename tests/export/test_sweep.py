"""Every registered model becomes a SavedModel and an ONNX file that agree with Keras to 1e-5."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

import zoo
from tests.export.conftest import report
from tests.export.test_saved_model import PLAIN


@pytest.mark.large
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("format", ["savedmodel", "onnx"])
@pytest.mark.parametrize("name", zoo.list_models())
def test_registered_models(name: str, format: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    found = report(zoo.export(zoo.build(name), tmp_path, format=format))
    print(f"{name} {format}: {found['max_difference']:.1e}, {found['bytes']:,} bytes for {found['parameters']:,}")
    assert found["max_difference"] <= 1e-5
    assert {check["inputs"][next(iter(found["inputs"]))][0] for check in found["checks"] if _default(check)} == {1, 4}
    if format == "savedmodel":
        assert set(found["operators"]) <= PLAIN


def _default(check: dict) -> bool:
    return check["signature"] == "serving_default"
