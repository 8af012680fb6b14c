"""What cannot be exported is refused with a reason, and nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import zoo
from zoo.exporting import child, exporting, options
from zoo.exporting.versions import new_version

pytestmark = pytest.mark.once

NAME = "e4net_mnistrot"


@pytest.fixture
def no_children(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("a child process was started")

    monkeypatch.setattr(child, "_run", refuse)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "savedmodl"}, "Unknown format 'savedmodl'. Did you mean 'savedmodel'"),
        ({"format": "litert", "quantize": "int4"}, "Unknown quantization 'int4'"),
        ({"format": "onnx", "quantize": "int8"}, "for format='litert' only"),
        ({"quantize": "float16"}, "for format='litert' only"),
        ({"format": "onnx", "warmup": True}, "for format='savedmodel' only"),
        ({"format": "litert", "io": "int8"}, "for quantize='int8' only"),
        ({"format": "litert", "quantize": "int8", "io": "int4"}, "Unknown type of inputs and outputs 'int4'"),
        ({"format": "litert", "opset": 17}, "opset of 13 to 18, for format='onnx' only; got 17 and 'litert'"),
        ({"format": "onnx", "opset": 7}, "opset of 13 to 18"),
        ({"name": "../My digits"}, "Expected a name of lower-case words"),
        ({"samples": [[None]]}, "an array of numbers or strings"),
        ({"format": "litert", "quantize": "int8"}, "int8 needs real samples"),
    ],
)
def test_options(
    options: dict[str, Any], message: str, tmp_path: Path, no_children: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ZOO_DATA", raising=False)
    with pytest.raises(ValueError, match=message):
        zoo.export(NAME, tmp_path, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("model", "message"),
    [("e4net_mnistrt", "Did you mean"), (f"{NAME}.v99", "no weights 'v99'"), (7, "Expected a model's name")],
)
def test_models(model: Any, message: str, tmp_path: Path, no_children: None) -> None:
    with pytest.raises(ValueError, match=message):
        zoo.export(model, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_missing_extra_is_named(tmp_path: Path, no_children: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options.importlib.util, "find_spec", lambda name: None if name == "tf2onnx" else True)
    with pytest.raises(ImportError, match=r'tf2onnx: pip install "zoo\[onnx\]"'):
        zoo.export(NAME, tmp_path, format="onnx")


def test_a_file_in_the_place_of_the_folder(tmp_path: Path, no_children: None) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(OSError, match="cannot make the folder"):
        zoo.export(NAME, tmp_path / "out")


def test_an_address_is_no_folder(tmp_path: Path, no_children: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="s3://bucket/models is an address, no path of this machine"):
        zoo.export(NAME, "s3://bucket/models")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def fake_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for the process that writes; the check then finds a difference."""

    def run(words: Any, job: dict[str, Any], stem: Path, what: str) -> dict[str, Any]:
        if "stage" in job:
            (Path(job["stage"]) / "saved_model.pb").write_text("")
            return {
                "signatures": {"serving_default": {"inputs": {}, "outputs": {}}},
                "labels": ["a", "b"],
                "precision": "float32",
            }
        check = {"signature": "serving_default", "inputs": {"image": [1]}}
        return {"checks": [check | {"max_difference": {"logits": 2e-5}, "mean_difference": {"logits": 1e-6}}]}

    monkeypatch.setattr(child, "_run", run)


def test_a_failed_check_leaves_nothing(fake_work: None, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="serving_default logits differs by 2.0e-05"):
        zoo.export(NAME, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_failed_check_keeps_other_versions(fake_work: None, tmp_path: Path) -> None:
    (tmp_path / NAME / "1").mkdir(parents=True)
    with pytest.raises(ValueError, match="differs"):
        zoo.export(NAME, tmp_path)
    assert [path.name for path in (tmp_path / NAME).iterdir()] == ["1"]


def test_another_model_does_not_become_the_newest_version(fake_work: None, tmp_path: Path) -> None:
    extra = tmp_path / NAME / "1" / "assets.extra"
    extra.mkdir(parents=True)
    (extra / "zoo.json").write_text(json.dumps({"labels": ["0", "1", "2"], "inputs": {}, "outputs": {}}))
    with pytest.raises(ValueError, match="is a model with other labels, .* with name="):
        zoo.export(NAME, tmp_path)
    (extra / "zoo.json").write_text(json.dumps({"labels": ["a", "b"], "inputs": {}, "outputs": {}}))
    with pytest.raises(ValueError, match="differs by"):  # the check that comes next
        zoo.export(NAME, tmp_path)


def test_a_name_of_its_own(fake_work: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "judge", lambda *_: None)
    monkeypatch.setattr(exporting, "write_report", lambda *_: None)
    assert zoo.export(NAME, tmp_path, name="my_digits") == tmp_path / "my_digits" / "1"


def test_what_killed_exports_left_is_removed_after_a_day(tmp_path: Path) -> None:
    old, new = tmp_path / "m" / ".old.tmp", tmp_path / "m" / ".new.tmp"
    for folder in (old, new):
        folder.mkdir(parents=True)
    os.utime(old, (1, 1))
    with new_version(tmp_path, "m"):
        assert new.is_dir() and not old.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_command_that_is_told_to_stop_leaves_nothing(tmp_path: Path) -> None:
    sleeping = f"import os, time; open({str(tmp_path / 'child')!r}, 'w').write(str(os.getpid())); time.sleep(300)"
    command = (
        f"import sys; sys.argv = ['zoo', 'export', {NAME!r}, '--out', {str(tmp_path / 'out')!r}]\n"
        f"from zoo.exporting import child; child._WORK = {sleeping!r}\n"
        "from zoo.cli import entry; entry()"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(zoo.__file__).parents[1]), "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", command], env=environment, stderr=subprocess.PIPE) as process:
        try:
            while not (pid := (tmp_path / "child").read_text() if (tmp_path / "child").exists() else ""):
                assert process.poll() is None, process.stderr and process.stderr.read()
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 143 and process.stderr
            assert process.stderr.read().endswith(b"zoo: told to stop\n")  # after lines of native code
        finally:
            process.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
    assert [path.name for path in tmp_path.iterdir()] == ["child"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_int8_that_dies_by_a_signal_has_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "_WORK", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    options = {"format": "litert", "quantize": "int8", "samples": np.zeros((2, 28, 28, 1))}
    with pytest.raises(ChildProcessError, match="ended by signal 9, Killed .*samples may be degenerate"):
        zoo.export(NAME, tmp_path / "out", **options)


def test_a_difference_that_is_no_number_fails(fake_work: None) -> None:
    checks = [{"signature": "s", "inputs": {}, "max_difference": {"logits": float("nan")}}]
    with pytest.raises(ValueError, match="differs by nan"):
        exporting.judge(checks, ("max_difference", 1e-5), "m")


def test_a_process_that_dies_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "_WORK", "import sys; print('out of luck', file=sys.stderr); sys.exit(3)")
    with pytest.raises(ChildProcessError, match="(?s)code 3.*out of luck"):
        zoo.export(NAME, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_versions_count_upwards(tmp_path: Path) -> None:
    for number in ("2", "10", "notes"):
        (tmp_path / "m" / number).mkdir(parents=True)
    with new_version(tmp_path, "m") as version:
        assert not version.stage.name.isdecimal()  # a server that watches the folder does not take it for a version
        (version.stage / "file").write_text("x")
    assert version.folder == tmp_path / "m" / "11" and (version.folder / "file").is_file()


def test_a_model_that_cannot_be_converted_says_why(tmp_path: Path) -> None:
    """What the child finds comes back as one exception."""
    inputs = keras.Input((4,), name="a")
    model = keras.Model(inputs, keras.layers.Dense(2, name="d")(inputs), name="open")
    with pytest.raises(ValueError, match=r"samples of 'a' of shape \(any, 4\) and type float32; got \(3, 5\)"):
        zoo.export(model, tmp_path, format="litert", quantize="int8", samples=np.zeros((3, 5)))
    assert not list(tmp_path.iterdir())
