"""The notebooks run, and what is stored in them is what they printed: `python examples/notebooks/run.py` writes it."""

from __future__ import annotations

import importlib.util
import json
import re
import types
from pathlib import Path
from typing import Any

import keras
import pytest

pytestmark = pytest.mark.once

SAYS = {
    "export_and_serve": "largest difference from Keras",
    "first_steps": "40 of 40 right",
    "own_graph": "of the hidden nodes right",
    "own_pictures": "of 24 right",
    "prune_and_compact": "numbers before",
}
MACHINE = re.compile(r"/(tmp|home|root|work|usr|opt|var|Users)/|[A-Z]:\\|site-packages|0x[0-9a-f]{6,}")


def read(root: Path, name: str) -> dict[str, Any]:
    return json.loads((root / "examples" / "notebooks" / f"{name}.ipynb").read_text("utf-8"))


def printed(notebook: Any) -> str:
    """All that the cells said as text."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs]
    return "\n".join("".join(text) for text in texts)


@pytest.fixture(scope="module")
def run(root: Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("notebooks_run", root / "examples" / "notebooks" / "run.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.large  # half a minute to a minute of processor time each
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="once is enough")
@pytest.mark.parametrize("name", sorted(SAYS))
def test_it_runs(name: str, root: Path, run: types.ModuleType) -> None:
    pytest.importorskip("nbclient", reason="needs zoo[notebooks]")
    if name == "export_and_serve":
        pytest.importorskip("onnxruntime", reason="needs zoo[onnx]")
    before = sorted((root / "examples").rglob("*"))
    assert SAYS[name] in printed(run.execute(root / "examples" / "notebooks" / f"{name}.ipynb"))
    assert sorted((root / "examples").rglob("*")) == before  # what it wrote lay in a copy


@pytest.mark.parametrize("name", sorted(SAYS))
def test_what_is_stored(name: str, root: Path) -> None:
    notebook = read(root, name)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    ran = [cell["execution_count"] for cell in code if "colab" not in cell["metadata"].get("tags", ())]
    assert ran == list(range(1, len(ran) + 1))  # from the first to the last, at one time
    outputs = [output for cell in code for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {"stream", "execute_result", "display_data"}
    assert SAYS[name] in printed(notebook)
    texts = [text for output in outputs for key, text in output.get("data", {}).items() if key != "image/png"]
    found = MACHINE.search(printed(notebook) + "".join("".join(text) for text in texts))
    assert not found, found


def test_all_are_small_and_named(root: Path) -> None:
    files = sorted((root / "examples" / "notebooks").glob("*.ipynb"))
    assert [path.stem for path in files] == sorted(SAYS)
    assert sum(path.stat().st_size for path in files) < 1_000_000
    text = (root / "examples" / "README.md").read_text("utf-8")
    assert set(re.findall(r"notebooks/(\w+)\.ipynb", text)) == set(SAYS)


def test_the_cell_that_installs_needs_an_address(root: Path, run: types.ModuleType) -> None:
    nbformat = pytest.importorskip("nbformat", reason="needs zoo[notebooks]")
    notebook = nbformat.from_dict(read(root, "first_steps"))
    count = len(run.with_setup(notebook, None).cells)
    for _ in range(2):  # again: there is one cell, not two
        notebook = run.with_setup(notebook, "https://github.com/someone/zoo")
    assert len(notebook.cells) == count + 1 and "https://github.com/someone/zoo zoo" in notebook.cells[1].source
    nbformat.validate(notebook)
    assert len(run.with_setup(notebook, None).cells) == count


def test_the_address_has_one_place(run: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZOO_REPO_URL", raising=False)
    assert run.repository("repo_url: https://github.com/someone/zoo/\n") == "https://github.com/someone/zoo"
    assert run.repository("repo_url: !ENV ZOO_REPO_URL\n") is None
    monkeypatch.setenv("ZOO_REPO_URL", "https://github.com/other/zoo")
    assert run.repository("repo_url: !ENV ZOO_REPO_URL\n") == "https://github.com/other/zoo"


def test_stored_cells_follow_the_address(root: Path, run: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZOO_REPO_URL", raising=False)
    address = run.repository()
    for name in SAYS:
        cells = [cell for cell in read(root, name)["cells"] if "colab" in cell["metadata"].get("tags", ())]
        assert len(cells) == bool(address), f"python examples/notebooks/run.py {name}"
        assert all(address in "".join(cell["source"]) for cell in cells)
