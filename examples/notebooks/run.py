"""Executes the notebooks and stores their outputs.

    python examples/notebooks/run.py [NAME ...]

Each runs in a copy of this folder beside the shipped pictures, so that what it writes is gone afterwards, with one
thread a library; what TensorFlow says beside the work is left out. Needs `zoo[notebooks]`. Where the site's
configuration has the address of a repository (`repo_url` in mkdocs.yml), the notebooks get a cell that installs zoo
from there when they are opened in Colab.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "NPROC")
SETUP = """\
import sys

if "google.colab" in sys.modules:  # a fresh machine: zoo comes with its pictures
    !git clone --quiet --depth 1 {address} zoo && pip install --quiet "./zoo[onnx,serving]"
    %cd zoo/examples/notebooks"""

NOISE = re.compile(
    r"^(WARNING: All log messages before absl|[IWEF]\d{4} |WARNING:tensorflow:\d+ out of the last ).*\n?", re.MULTILINE
)
"""What TensorFlow says of the machine while it starts, and of functions that it traces for each model."""


def repository(text: str | None = None) -> str | None:
    """The address in mkdocs.yml, or in the environment variable that it names; None where neither is set."""
    text = (ROOT / "mkdocs.yml").read_text("utf-8") if text is None else text
    found = re.search(r"^repo_url: *(https?://\S+)", text, re.MULTILINE)
    return found[1].rstrip("/") if found else os.environ.get("ZOO_REPO_URL") or None


def with_setup(notebook: Any, address: str | None) -> Any:
    """The notebook with a first cell of code that installs zoo in Colab; without an address there is none."""
    import nbformat

    notebook.cells = [cell for cell in notebook.cells if "colab" not in cell.metadata.get("tags", [])]
    if address:
        cell = nbformat.v4.new_code_cell(SETUP.format(address=address), id="colab", metadata={"tags": ["colab"]})
        notebook.cells.insert(1, cell)
    return notebook


def quiet(notebook: Any) -> None:
    """Leaves out the noise, where the checkout lies, and outputs of which nothing is left."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "text" in output:
                output["text"] = NOISE.sub("", output["text"]).replace(f"{ROOT}{os.sep}", "")
        if "outputs" in cell:
            cell["outputs"] = [
                output for output in cell["outputs"] if output.get("text", " ").strip() or "data" in output
            ]


def execute(path: Path, seconds: int = 900) -> Any:
    """The notebook with fresh outputs; a `CellExecutionError` where a cell fails."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "notebooks"
        folder.mkdir()
        shutil.copytree(HERE.parent / "images", Path(scratch) / "images")
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        client = NotebookClient(
            notebook,
            timeout=seconds,
            resources={"metadata": {"path": os.fspath(folder)}},
            record_timing=False,
            coalesce_streams=True,
        )
        # Beside other work a library that takes all cores slows everything down, itself too.
        found = [os.environ.get("PYTHONPATH"), os.fspath(ROOT)]
        env = {**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONPATH": os.pathsep.join(filter(None, found))}
        client.execute(env=env)
    quiet(notebook)
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def main(arguments: list[str] | None = None) -> None:
    """Executes and writes."""
    import nbformat

    parser = argparse.ArgumentParser(description="Execute the notebooks and store their outputs.")
    parser.add_argument("names", nargs="*", help="notebooks without .ipynb (default: all)")
    names = parser.parse_args(arguments).names or sorted(path.stem for path in HERE.glob("*.ipynb"))
    for name in names:
        path = HERE / f"{name}.ipynb"
        notebook = with_setup(execute(path), repository())
        part = path.with_suffix(".part")
        nbformat.write(notebook, part)
        os.replace(part, path)
        print(f"{path.name}: {path.stat().st_size / 1000:,.0f} kB")


if __name__ == "__main__":
    main()
