"""A training run that is slow enough to be killed in the middle: `python -m tests.training.killed FOLDER [write]`."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

STEP_SECONDS = 0.1
WRITE_SECONDS = 0.3


def main(folder: str, slow_write: bool) -> None:
    if os.environ["KERAS_BACKEND"] == "torch":
        import torch  # noqa: F401  (before TensorFlow, as in tests/conftest.py)
    if os.environ["KERAS_BACKEND"] == "jax":
        from tests.jax_draws import draw_by_numpy

        draw_by_numpy()  # the same first weights as in the test's own process
    import zoo
    from tests.training import toy
    from zoo.training.batches import TrainingBatches

    toy.install(setattr)
    slow_down(TrainingBatches, "__getitem__", STEP_SECONDS)
    if slow_write:
        slow_down(os, "fsync", WRITE_SECONDS)  # the file is there then, under its temporary name
    zoo.train("thorough", out=folder, checkpoint_steps=3, strategy="single", progress=False)


def slow_down(place: Any, name: str, seconds: float) -> None:
    function = getattr(place, name)

    def slow(*arguments: Any) -> Any:
        time.sleep(seconds)
        return function(*arguments)

    setattr(place, name, slow)


if __name__ == "__main__":
    main(sys.argv[1], "write" in sys.argv[2:])
