"""The comparison with others: functions of several processes in turns, what cannot run, and the table of the page."""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_readme import generate  # noqa: F401 - a fixture

pytestmark = pytest.mark.once

WORKER = """
from turns import serve
def fails():
    raise ValueError("not here")
print("a library's noise")
serve({"a, infer": lambda: print("more noise"), "b, infer": lambda: sum(range(100_000)), "c": fails}, fact=3)
"""


@pytest.fixture()
def turns(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(root / "benchmarks"))
    import turns

    return turns


def test_functions_of_processes_take_turns(turns, tmp_path: Path, root: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    variables = {"PYTHONPATH": str(root / "benchmarks")}
    worker = turns.Worker([str(script)], variables)
    assert worker.said == {"names": ["a, infer", "b, infer"], "failed": {"c": "ValueError: not here"}, "fact": 3}
    taken = turns.in_turns({"one": worker}, rounds=3)
    worker.end()
    assert set(taken) == {("one", "a, infer"), ("one", "b, infer")}
    assert 0 <= taken["one", "a, infer"] < taken["one", "b, infer"]


def test_a_process_that_does_not_start_says_why(turns, tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text("import no_such_package")
    with pytest.raises(RuntimeError, match="No module named 'no_such_package'"):
        turns.Worker([str(script)], {})


def test_a_table_for_each_subject(generate, tmp_path: Path) -> None:  # noqa: F811
    assert generate.peers_table(tmp_path) == "Nothing is measured yet."
    (tmp_path / "results").mkdir()
    with (tmp_path / "results" / "performance.csv").open("w", newline="") as file:
        names = ("subject", "row", "milliseconds", "ratio", "threads", "processor", "versions", "date")
        rows = [("one", "torch: a", "2.5", "1.00"), ("two", "jax: b", "3", "0.50")]
        csv.writer(file).writerows([names, *((*row, "1", "a chip", "keras 3", "2026-01-01") for row in rows)])
    table = generate.peers_table(tmp_path)
    assert "| One | Milliseconds | Ratio |" in table and "| jax: b | 3 | 0.50 |" in table
    assert table.count("a chip, 1 thread(s), 2026-01-01: keras 3.") == 1


@pytest.mark.large
@pytest.mark.parametrize("subject", ["graph network", "E4 layer", "log-polar convolution", "compaction", "load"])
def test_peers_run(subject: str, root: Path) -> None:
    command = [sys.executable, str(root / "benchmarks" / "peers.py"), "--quick", "--subjects", subject]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert any(line.startswith(subject) and line.split()[-2:] for line in result.stdout.splitlines())


def test_an_unfinished_run_goes_on_from_the_tree(monkeypatch: pytest.MonkeyPatch, root: Path, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(root / "benchmarks"))
    import plan

    kept = tmp_path / "unfinished" / "little-3"
    (kept / "checkpoints").mkdir(parents=True)
    (kept / "checkpoints" / "epoch000009-step00000000.npz").write_bytes(b"weights")
    monkeypatch.setattr(plan, "UNFINISHED", tmp_path / "unfinished")
    started = []
    monkeypatch.setattr(plan.Run, "command", lambda run, runs, data: started.append(run.seed) or ["true"])
    options = argparse.Namespace(runs=tmp_path / "runs", data=None)
    for seed in (3, 4, 3):
        assert plan.train(plan.Run(model="little", seed=seed, name="little"), options)
    assert started == [3, 4, 3]
    found = [path.relative_to(tmp_path / "runs").as_posix() for path in (tmp_path / "runs").rglob("*.npz")]
    assert found == ["little-3/checkpoints/epoch000009-step00000000.npz"]


def test_published_seeds_are_not_trained_again(monkeypatch: pytest.MonkeyPatch, root: Path, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(root / "benchmarks"))
    import plan

    monkeypatch.setattr(plan, "WEIGHTS", tmp_path)
    (tmp_path / "little" / "v2").mkdir(parents=True)
    (tmp_path / "little" / "v2" / "card.json").write_text('{"metrics": [{"seeds": [0]}]}')
    first, second = (plan.Run(model="little", seed=seed, name="little", published="v2") for seed in (0, 1))
    assert first.state(tmp_path / "runs") == "finished, published as little.v2"
    assert second.state(tmp_path / "runs") == "missing"


def test_what_the_plan_calls_published_is(monkeypatch: pytest.MonkeyPatch, root: Path, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(root / "benchmarks"))
    import plan

    for run in plan.read(root / "benchmarks" / "plan.toml"):
        run.state(tmp_path)  # a card that is not there would be an error
