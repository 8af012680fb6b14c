"""Whole runs of a toy family under a strategy, in a process of its own; prints what came out as JSON.

    python -m tests.training.strategies.runs STRATEGY FOLDER DATA

Trains once without a break, and once more with a break in the middle of an epoch.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from unittest import mock


def main(strategy: str, folder: str, data: str) -> None:
    if strategy == "mirrored":
        from tests.training.strategies.steps import split_cpu

        split_cpu(2)
    import keras
    import numpy as np

    import zoo
    from zoo.hub import registry
    from zoo.training.checkpoints import Checkpoints

    registry.FAMILIES = ("tests.training.toy",)
    load, save = zoo.datasets.load, Checkpoints.save

    def short(name, split, *, data=None):
        return tuple(array[:600] for array in load(name, split, data=data))

    def break_off(self, progress):
        save(self, progress)
        if (progress.epoch, progress.step) == (1, 2):
            raise KeyboardInterrupt

    def run(name):
        out = Path(folder) / name
        return zoo.train(
            "dots_mnistrot", out=out, strategy=strategy, data=data, epochs=2, checkpoint_steps=2, linear_scaling=True
        )

    with mock.patch.object(zoo.datasets, "load", short):
        whole = run("whole")
        broken = False
        with mock.patch.object(Checkpoints, "save", break_off):
            try:
                run("broken")
            except KeyboardInterrupt:
                broken = True
        keras.utils.set_random_seed(99)
        resumed = run("broken")
    chief = os.environ.get("KERAS_DISTRIBUTION_PROCESS_ID", "0") == "0" and '"index": 1' not in str(
        os.environ.get("TF_CONFIG")
    )
    found = {"broken": broken, "chief": chief}
    if chief:
        one, other = zoo.load(whole), zoo.load(resumed)
        pairs = zip(one.get_weights(), other.get_weights(), strict=True)
        found |= {
            "equal": all(np.array_equal(a, b) for a, b in pairs),
            "files": sorted(path.name for path in resumed.iterdir()),
            "facts": json.loads((resumed / "run.json").read_text()),
            "prediction": np.shape(one.predict(np.zeros((3, 28, 28, 1)), verbose=0)),
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
