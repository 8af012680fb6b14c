"""What a command line answers without a backend: importing one takes seconds."""

from __future__ import annotations

import ast
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from zoo.cli import evaluate
from zoo.cli.app import make_parser

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


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    hidden = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}  # as in the command: a backend's messages are hidden
    hidden |= {"PYTHONPATH": str(Path(zoo.__file__).parents[1])}
    hidden.pop("ZOO_DATA", None)
    command = [sys.executable, "-c", SCRIPT, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=hidden, cwd=cwd)


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
        (
            ("finetune", "e4net_mnistrot", "gone", "--epoch", "3"),
            2,
            "unrecognized option: --epoch. Did you mean '--epochs'?",
        ),
        (("evalute", "e4net_mnistrot"), 2, "invalid choice: 'evalute'. Did you mean 'evaluate'?"),
    ],
)
def test_no_backend_is_loaded(arguments: tuple[str, ...], code: int, said: str) -> None:
    done = run(*arguments)
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].strip() == "loaded:"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("finetune {net} pets --set learnin_rate=1", "Did you mean 'learning_rate'"),
        ("finetune {net} pets --set augmentation=[flipp]", "Did you mean 'flip'"),
        ("finetune {net} pets --epochs 0", "epochs"),
        ("finetune {net} pets --strategy mirord", "Did you mean 'mirrored'"),
        ("finetune {net} gone", "No such folder or file: gone"),
        ("finetune {net} full", "Expected a sub-folder of images for each class in full; there is none"),
        ("finetune {net} classes", "Expected images in every sub-folder of classes; none in: empty"),
        ("finetune {net} full/a.png", "Expected a folder of pictures, or a table ending in .csv or .parquet"),
        ("finetune {net} pets --out full", "is not empty and holds no training run"),
        ("finetune ./full pets", "card.json"),
        ("train {net} --set batch=1", "Did you mean 'batch_size'"),
        ("train {net} --data nowhere", "The data folder nowhere does not exist"),
        ("train {net} --recipe gone.yaml", "No recipe file gone.yaml"),
        ("train {net} --start e4net_mnistro", "Did you mean 'e4net_mnistrot'"),
        ("train {net} --publish first", "Expected a tag like v1"),
        ("evaluate {net} --dataset mnist_ro --data full", "Did you mean 'mnist_rot'"),
        ("evaluate {net} --split val --data full", "Did you mean 'validation'"),
        ("evaluate {net} --measures acuracy --data full", "Did you mean 'accuracy'"),
        ("evaluate {net} --data full", "zoo data prepare mnist_rot"),
        ("evaluate {net} --dataset cifar10 --data pets", "zoo data prepare cifar10"),
        ("plot {net} confusion --data nowhere", "The data folder nowhere does not exist"),
        ("plot {net} maps gone.png", "No such image file: gone.png"),
        ("predict {net} full/a.png --plot out.gif", "Expected a file name that ends in .png or .svg"),
        ("predict {net} --node 5", "classifies images and knows of no nodes"),
        ("predict pdegcn_cora full/a.png", "takes graphs, not images"),
        ("export {net} --format onx", "Did you mean 'onnx'"),
        ("export {net} --fold bm", "Did you mean 'bn'"),
        ("export {net} --samples gone.npy", "No such file: gone.npy"),
        ("export {net} --out full/a.png", "is a file. Choose another folder"),
        ("serve {net} --port {port}", "Cannot listen on 127.0.0.1:{port}"),
        ("prune {net} --ratio 2 --dry-run", "Expected --ratio in [0, 1)"),
        ("prune {net} --ratio 0.5 --out old", "old holds a model already: name another folder"),
        ("compress {net} --mode compct --out a.keras", "Did you mean 'compact'"),
        ("compress {net} --out old/model.keras", "model.keras holds a model already: name another file"),
        ("convert {net} gone.pth --out new", "No such file: gone.pth"),
        ("convert {net} full/a.png --out old", "old holds a model already: name another folder"),
        ("batch {net} gone --out new", "No such folder or file: gone"),
        ("push {net} me/digits", "as hf://owner/name; got 'me/digits'"),
        ("verify e4net_mnistro", "Did you mean 'e4net_mnistrot'"),
        ("data prepare mnist_ro --data . --out new", "Did you mean 'mnist_rot'"),
    ],
)
def test_errors_come_before_a_backend(tmp_path: Path, words: str, said: str) -> None:
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    (tmp_path / "pets" / "cat" / "1.png").touch()
    (tmp_path / "classes" / "empty").mkdir(parents=True)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.png").write_bytes(b"")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "card.json").write_text("{}")
    (tmp_path / "old" / "model.keras").write_bytes(b"")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        names = {"net": "e4net_mnistrot", "port": str(listener.getsockname()[1])}
        done = run(*words.format(**names).split(), cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said.format(**names) in done.stderr
    assert done.stdout.splitlines()[-1].strip() == "loaded:"


def test_what_is_repeated_without_a_backend_is_the_same() -> None:
    from zoo.compression.criteria import CRITERIA
    from zoo.compression.folding import MODES
    from zoo.exporting.options import FOLDS

    assert FOLDS == MODES
    (commands,) = (action for action in make_parser()._actions if isinstance(action.choices, dict))
    criterion = next(action for action in commands.choices["prune"]._actions if action.dest == "criterion")
    assert tuple(criterion.choices or ()) == tuple(CRITERIA)


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
