"""A long run of a toy family under a strategy of several processes, of which somebody ends one.

    python -m tests.training.strategies.lost STRATEGY FOLDER

Prints `step N` after every step, for whoever chooses the moment.
"""

from __future__ import annotations

import sys
from unittest import mock


def main(strategy: str, folder: str) -> None:
    import keras
    import numpy as np

    import zoo
    from tests.training import toy

    toy.install(setattr)

    def plenty(name, split, *, data=None):
        images, labels = toy.load(name, split)
        return np.tile(images, (4, 1, 1, 1)), np.tile(labels, 4)

    class Tell(keras.callbacks.Callback):
        count = 0

        def on_train_batch_end(self, batch, logs=None):
            Tell.count += 1
            print(f"step {Tell.count}", flush=True)

    with mock.patch.object(zoo.datasets, "load", plenty):
        zoo.train("dots", out=folder, strategy=strategy, epochs=2000, checkpoint_steps=2, callbacks=[Tell()])


if __name__ == "__main__":
    main(*sys.argv[1:])
