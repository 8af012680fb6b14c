"""The same on a local Ray cluster, of which a worker is killed in the middle of a part."""

from __future__ import annotations

import os
import signal
import sys

import pytest

import zoo
from tests.batch.conftest import rows_of
from zoo.batch import ray_engine
from zoo.batch.worker import Worker

pytestmark = pytest.mark.once

ray = pytest.importorskip("ray", reason='the engine "ray" is the extra batch')
SMALL = {"batch_size": 2, "part_rows": 4}


def mortal_worker(kill_note, deaths):
    """A class that Ray ships by value: it knows the toy family, and kills its process in mid-part, `deaths` times."""

    class MortalWorker(Worker):
        def __init__(self, job):
            from zoo.hub import registry

            registry.FAMILIES = ("tests.evaluation.toy",)
            super().__init__(job)

        def _rows(self, keys, *arguments):
            if "inner/most/08.png" in keys:  # the second batch of part 4
                with open(kill_note, "a") as file:
                    file.write(f"{os.getpid()}\n")
                if len(kill_note.read_text().splitlines()) <= deaths:
                    os.kill(os.getpid(), signal.SIGKILL)
            return super()._rows(keys, *arguments)

    return MortalWorker


@pytest.fixture(autouse=True)
def hermetic(monkeypatch):
    """Ray writes no token to the home folder and reports nothing; its workers run beside other tests as equals."""
    monkeypatch.setenv("RAY_worker_niceness", "0")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def test_an_interpreter_in_a_folder_with_a_space_is_quoted(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/my home/.venv/bin/python")
    assert ray_engine._runtime()["py_executable"] == "'/my home/.venv/bin/python'"
    monkeypatch.setenv("RAY_ADDRESS", "auto")  # other machines have their own
    assert "py_executable" not in ray_engine._runtime()


def test_a_killed_worker_changes_nothing(model, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(ray_engine, "Worker", mortal_worker(tmp_path / "killed", deaths=1))
    here = zoo.predict_files(model, folder, tmp_path / "here", logits=True, **SMALL)
    there = zoo.predict_files(model, folder, tmp_path / "there", engine="ray", logits=True, **SMALL)
    killed, survivor = map(int, (tmp_path / "killed").read_text().splitlines())
    assert len({killed, survivor, os.getpid()}) == 3
    with pytest.raises(ProcessLookupError):
        os.kill(killed, 0)
    assert not ray.is_initialized()
    assert (there.rows, there.errors, there.reused) == (here.rows, here.errors, 0) == (23, 1, 0)
    for one, two in zip(rows_of(tmp_path / "here"), rows_of(tmp_path / "there"), strict=True):
        assert {key: one[key] for key in ("path", "label", "top_labels", "error")} == {
            key: two[key] for key in ("path", "label", "top_labels", "error")
        }
        if one["error"] is None:
            assert two["logits"] == pytest.approx(one["logits"], abs=1e-5)
            assert two["top_probabilities"] == pytest.approx(one["top_probabilities"], abs=1e-6)
    names = [sorted(path.name for path in (tmp_path / out).iterdir()) for out in ("here", "there")]
    assert names[0] == names[1]


@pytest.mark.large  # five restarts, each with an import of the backend
def test_rows_that_kill_every_worker_end_the_run(model, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(ray_engine, "Worker", mortal_worker(tmp_path / "killed", deaths=100))
    with pytest.raises(ChildProcessError, match="Workers died 5 times on the same rows, those of part 4"):
        zoo.predict_files(model, folder, tmp_path / "out", engine="ray", **SMALL)
    assert not ray.is_initialized()
    result = zoo.predict_files(model, folder, tmp_path / "out", **SMALL)
    assert result.rows == 23 and 0 < result.reused < 23


@pytest.mark.large  # starts a cluster
def test_gpus_that_are_not_there(model, folder, tmp_path):
    with pytest.raises(ValueError, match="2 workers with 99 GPUs each; the cluster has"):
        zoo.predict_files(model, folder, tmp_path / "out", engine="ray", worker_gpus=99, **SMALL)
