"""What a command line answers without a backend: importing one takes seconds."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from zoo.cli import evaluate

pytestmark = pytest.mark.once


SCRIPT = """
import sys
from zoo.cli import main
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print("loaded:", *[name for name in ("keras", "tensorflow", "jax", "torch", "matplotlib") if name in sys.modules])
sys.exit(code)
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    hidden = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}  # as in the command: a backend's messages are hidden
    command = [sys.executable, "-c", SCRIPT, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=hidden)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--version",), 0, zoo.__version__),
        (("--help",), 0, "exit codes"),
        (("train", "--help"), 0, "--seed"),
        (("list", "--json"), 0, "e4net_mnistrot"),
        (("info", "e4net_mnistrot", "--json"), 0, "sha256"),
        (("data", "list"), 0, "mnist_rot"),
        (("frobnicate",), 2, "invalid choice"),
        (("export", "e4net_mnistro", "--out", "x"), 2, "Did you mean 'e4net_mnistrot'"),
        (("evaluate", "./no_such_run"), 2, "no_such_run"),
        (("plot", "--help"), 0, "turning"),
        (("plot", "e4net_mnistro", "curves"), 2, "Did you mean 'e4net_mnistrot'"),
        (("predict", "e4net_mnistrot", "gone.png"), 2, "No such image file: gone.png"),
        (("serve", "e4net_mnistro"), 2, "Did you mean 'e4net_mnistrot'"),
    ],
)
def test_no_backend_is_loaded(arguments: tuple[str, ...], code: int, said: str) -> None:
    done = run(*arguments)
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].strip() == "loaded:"


def test_the_import_loads_no_backend() -> None:
    script = "import sys, zoo; zoo.list_models(); zoo.card('e4net_mnistrot'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert {"keras", "numpy", "asyncio"}.isdisjoint(done.stdout.split()), "each takes as long as all the rest"


@pytest.mark.parametrize(
    "imports", ["keras, zoo", "zoo, keras", "zoo, importlib.util; importlib.util.find_spec('keras')"]
)
def test_classes_are_registered_when_keras_is_there(imports: str) -> None:
    script = f"import {imports}; import keras; print(keras.saving.get_registered_object('zoo>E4Conv2D') is not None)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "True", done.stderr


def test_a_command_keeps_what_jax_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import os, zoo; print(os.environ.get('JAX_COMPILATION_CACHE_DIR'))"
    (tmp_path / "zoo").write_text(script, encoding="utf-8")  # a process that is called like the command
    (tmp_path / "other.py").write_text(script, encoding="utf-8")
    for name in ("KERAS_BACKEND", "JAX_COMPILATION_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def said(program: str, **variables: str) -> str:
        command = [sys.executable, str(tmp_path / program)]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | variables)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert Path(said("zoo")).parent.name == "jax"
    assert said("zoo", JAX_COMPILATION_CACHE_DIR="mine") == "mine"
    assert said("zoo", KERAS_BACKEND="tensorflow") == said("other.py") == "None"


def test_measures_in_the_help_are_all_there_are() -> None:
    assert tuple(zoo.evaluation.MEASURES) == evaluate.MEASURES


def test_stubs_lie_in_the_package(root: Path) -> None:
    """`lazy_loader` reads the public names from them when a package is imported."""
    lazy = [path for path in (root / "zoo").rglob("__init__.py") if "attach_stub" in path.read_text("utf-8")]
    assert lazy
    assert [path for path in lazy if not path.with_suffix(".pyi").is_file()] == []


def test_no_public_name_is_a_module_beside_it(root: Path) -> None:
    """Importing such a module would put it in the place of the name."""
    for stub in (root / "zoo").rglob("__init__.py*"):
        tree = ast.parse(stub.read_text("utf-8"))
        found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
        names = {alias.name for node in found if node.module not in {"zoo", "zoo.hub"} for alias in node.names}
        assert not [name for name in names if (stub.parent / f"{name}.py").exists()], stub
