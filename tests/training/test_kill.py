"""Runs killed by SIGKILL at random moments: nothing is left broken, and the resumed run ends bit-equal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

import zoo
from tests.training import toy

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")

SECONDS = 240
# The checkpoints of a run, in order; three steps of four are in the middle of an epoch.
NAMES = [f"epoch{epoch:06d}-step{step:08d}.npz" for epoch, step in ((0, 0), (0, 3), (1, 0), (1, 3), (2, 0))]
CASES = {"1": NAMES, "2": NAMES, "3": [NAMES[1], NAMES[3]], "write": NAMES[1:4]}
"""After which checkpoints a case may be killed; the third at once, so that it goes on within an epoch."""


@pytest.fixture(scope="module")
def killed(tmp_path_factory, root):
    """Starts all runs at once and kills each; the folders by case, and when it happened."""
    folder = tmp_path_factory.mktemp("killed")
    environment = os.environ | {"PYTHONPATH": str(root)}  # and as many threads: sums depend on them
    processes = {}
    for case in CASES:
        command = [sys.executable, "-m", "tests.training.killed", str(folder / case), case]
        with (folder / f"{case}.txt").open("w") as output:
            processes[case] = subprocess.Popen(
                command, env=environment, cwd=root, stdout=output, stderr=subprocess.STDOUT
            )
    try:
        plans = {case: plan(case) for case in CASES}
        while plans:
            for case, moment in list(plans.items()):
                assert processes[case].poll() is None, (folder / f"{case}.txt").read_text()[-3000:]
                if moment.has_come(folder / case):
                    processes[case].send_signal(signal.SIGKILL)
                    assert processes[case].wait(SECONDS) == -signal.SIGKILL
                    del plans[case]
            time.sleep(0.005)
    finally:
        for process in processes.values():
            process.kill()
    return folder


def plan(case):
    rng = np.random.default_rng(int(case) if case.isdigit() else 0)
    delay = 0.0 if case == "3" else float(rng.uniform(0, 0.25))
    return Moment(str(rng.choice(CASES[case])), delay, writing=case == "write")


class Moment:
    """Some time after a checkpoint has appeared, or while the one after it is being written."""

    def __init__(self, name, delay, *, writing):
        self.name, self.delay, self.writing, self.since = name, delay, writing, None
        self.end = time.monotonic() + SECONDS

    def has_come(self, folder):
        now, checkpoints = time.monotonic(), folder / "checkpoints"
        assert now < self.end, f"{folder.name}: {self.name} did not appear"
        if self.since is None and checkpoints.is_dir():
            later = any(path.name >= self.name for path in checkpoints.glob("epoch*.npz"))
            self.since = now if later else None
        if self.since is None:
            return False
        return any(checkpoints.glob(".epoch*.tmp")) if self.writing else now >= self.since + self.delay


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        toy.install(patch.setattr)
        return zoo.train("thorough", out=tmp_path_factory.mktemp("whole") / "run", strategy="single", progress=False)


@pytest.mark.parametrize("case", CASES)
def test_a_killed_run_ends_bit_equal(killed, whole, case):
    run = killed / case
    leftovers = [path.name for path in (run / "checkpoints").glob(".*.tmp")]
    assert case != "write" or leftovers  # it was in the middle of writing
    newest = max((run / "checkpoints").glob("epoch*.npz")).name
    assert case != "3" or newest.endswith("step00000003.npz")
    assert not (run / "model.safetensors").exists()
    keras.utils.set_random_seed(99)
    zoo.train("thorough", out=run, checkpoint_steps=3, strategy="single", progress=False)
    assert (run / "history.csv").read_text() == (whole / "history.csv").read_text()
    for name in ("model.safetensors", "head.safetensors"):
        assert (run / name).read_bytes() == (whole / name).read_bytes()
    assert not list(run.rglob("*.tmp"))
