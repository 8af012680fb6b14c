from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import zoo
from zoo import _startup

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("words", [["--help"], ["predict", "--help"], ["train", "--help"]])
def test_help(zoo_command, words):
    outcome = zoo_command(*words)
    assert outcome.code == 0 and outcome.out.startswith("usage: zoo")


@pytest.mark.parametrize("words", [["fly"], ["predict"], ["info"], ["evaluate", "x", "--batch-size", "many"]])
def test_wrong_usage(zoo_command, words):
    outcome = zoo_command(*words)
    assert outcome.code == 2 and "usage: zoo" in outcome.err and outcome.out == ""


@pytest.mark.parametrize("error", [ValueError, FileNotFoundError, PermissionError, ImportError, FloatingPointError])
def test_expected_errors_are_one_line(zoo_command, monkeypatch, error):
    def fail(*_, **__):
        raise error("the reason [with brackets]")

    monkeypatch.setattr(zoo, "list_models", fail)
    outcome = zoo_command("list")
    assert (outcome.code, outcome.out, outcome.err) == (2, "", "zoo: error: the reason [with brackets]\n")


def test_debug_shows_where(zoo_command, monkeypatch):
    def fail(*_, **__):
        raise ValueError("the reason")

    monkeypatch.setattr(zoo, "list_models", fail)
    zoo_command("list")
    monkeypatch.setenv("ZOO_DEBUG", "1")
    with pytest.raises(ValueError, match="the reason"):
        zoo_command("list")


def test_a_bug_is_not_hidden(zoo_command, monkeypatch):
    def fail(*_, **__):
        raise KeyError("bug")

    monkeypatch.setattr(zoo, "list_models", fail)
    with pytest.raises(KeyError):
        zoo_command("list")


def test_interrupted(zoo_command, monkeypatch, tmp_path):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(zoo, "evaluate", stop)
    (tmp_path / "mnist_rot").mkdir()
    outcome = zoo_command("evaluate", "e4net_mnistrot", "--data", tmp_path)
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "zoo: interrupted\n")


def test_warnings_are_one_line(zoo_command, monkeypatch):
    def warn(*_, **__):
        warnings.warn("look here", stacklevel=1)
        warnings.warn("for developers", DeprecationWarning, stacklevel=1)
        return []

    monkeypatch.setattr(zoo, "list_models", warn)
    assert "zoo: warning: look here\n" in (outcome := zoo_command("list", "--json")).err
    assert "developers" not in outcome.err and outcome.json == []


def test_as_a_process(tmp_path):
    """The real entry: nothing on the terminal but the answer, also from TensorFlow's native code."""
    environment = os.environ | {"ZOO_WEIGHTS": str(tmp_path), "PYTHONPATH": str(ROOT)}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    command = [sys.executable, "-m", "zoo", "info", "no_such_model"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("zoo: error: ") and done.stderr.count("\n") == 1


def test_an_unknown_backend_is_named(tmp_path):
    environment = os.environ | {"KERAS_BACKEND": "nonsense", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "zoo", "list"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr == "zoo: error: KERAS_BACKEND is 'nonsense'; expected tensorflow, jax, torch\n"


@pytest.mark.parametrize(("name", "package"), [("torch", '"zoo[torch]"'), ("jax", '"zoo[jax]"')])
def test_a_backend_that_is_not_installed_is_named(monkeypatch, capsys, name, package):
    monkeypatch.setattr(_startup.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SystemExit) as end:
        _startup.check_backend(name)
    expected = f"zoo: error: KERAS_BACKEND is '{name}', and {name} is not installed: pip install {package}\n"
    assert end.value.code == 2 and capsys.readouterr().err == expected


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes")
def test_a_closed_pipe_is_no_error(tmp_path, monkeypatch):
    from zoo.cli import main

    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        monkeypatch.setattr(zoo, "list_models", lambda *_, **__: [])
        assert main(["list", "--json"]) == 141
