"""Trainings that are ended at random points and go on: they must end bit-equal with one that was left alone.

    KERAS_BACKEND=jax python -m tests.trust.kills --kills 50 --seed 0 --record tests/trust/records/kills-jax.json

A small network with everything that has a state (dropout, batch statistics, moving averages, accumulated gradients) is
trained in child processes. A child counts its events: batches, and every step of writing a file. The parent kills it
some milliseconds after an event, both drawn by the seed, and starts the next child, which goes on, until the run is
complete. Then weights and history are compared with those of an uninterrupted run. Besides, the same with SIGTERM to
the command, with a full disk, with a loss that is no number and with a callback that raises.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import json
import mmap
import os
import shutil
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.trust import records

# What one child has compiled the others need not compile again.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", os.path.join(tempfile.gettempdir(), "zoo-kills-jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

RUNS_AT_MOST = 100  # starts of one run; each goes on from its checkpoint, so that many mean that it does not
SECONDS = 900.0  # of one child
RESULT = ("model.safetensors", "head.safetensors", "history.csv")
WRITES = ("fsync", "replace", "rename", "unlink", "open")


@dataclass
class Ended:
    """How a child ended: its exit code, negative for a signal; its events; what it printed."""

    code: int
    events: int
    output: str


@dataclass
class Tally:
    """What has happened so far."""

    kills: int = 0
    while_writing: int = 0
    before_the_first_checkpoint: int = 0
    runs: int = 0
    starts: int = 0
    others: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


class Counter:
    """Events of a child, in memory that both processes see."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)

    @property
    def value(self) -> int:
        return int(struct.unpack("q", self._memory[:8])[0])

    @value.setter
    def value(self, number: int) -> None:
        self._memory[:8] = struct.pack("q", number)


class Harness:
    """Starts children that train; everything is imported once, and nothing runs on the backend here."""

    def __init__(self, scratch: Path) -> None:
        import keras

        import zoo.training.loop  # noqa: F401
        from tests.training import toy

        self.backend = keras.backend.backend()
        self.scratch, self.counter = scratch, Counter()
        toy.install(setattr)

    def start(self, body: Callable[[], None], at: Callable[[int], None] | None = None) -> int:
        """Forks a child that runs `body`; `at` is called in it with the number of each event. The child's id."""
        self.counter.value = 0
        child = os.fork()
        if child:
            return child
        code = 1
        try:
            output = os.open(self.scratch / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(output, 1), os.dup2(output, 2)
            self._count_events(at)
            body()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush(), sys.stderr.flush()
            os._exit(code)

    def import_what_it_needs(self, listed: Path) -> None:
        """Imports the modules that a training has loaded, so that no child has to."""
        for name in json.loads(listed.read_text("utf-8")):
            with contextlib.suppress(Exception):
                importlib.import_module(name)

    def wait(self, child: int, until: Callable[[], bool] | None = None, sign: int = signal.SIGKILL) -> Ended:
        """Waits for a child, and sends it a signal as soon as `until` holds; one that hangs is killed."""
        end, sent = time.monotonic() + SECONDS, False
        while True:
            found, status = os.waitpid(child, os.WNOHANG)
            if found:
                text = (self.scratch / "output.txt").read_text(errors="replace")
                return Ended(os.waitstatus_to_exitcode(status), self.counter.value, text)
            if until is not None and not sent and until():
                os.kill(child, sign)
                sent = True
            if time.monotonic() > end:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                raise TimeoutError(f"a training did not end within {SECONDS:.0f} s")
            time.sleep(0.0005)

    def _count_events(self, at: Callable[[int], None] | None) -> None:
        from zoo.training.batches import TrainingBatches

        def counted(place: Any, name: str) -> None:
            function = getattr(place, name)

            def counting(*arguments: Any, **options: Any) -> Any:
                self.counter.value += 1
                if at is not None:
                    at(self.counter.value)
                return function(*arguments, **options)

            setattr(place, name, counting)

        counted(TrainingBatches, "__getitem__")
        for name in WRITES:
            counted(os, name)


def train(folder: Path, callbacks: Any = ()) -> None:
    """The training: 3 epochs of 4 steps, a checkpoint every second step."""
    import zoo

    zoo.train("thorough", out=folder, checkpoint_steps=2, strategy="single", progress=False, callbacks=callbacks)


def same(run: Path, whole: Path) -> bool:
    """Whether weights and history are equal, bit by bit."""
    return all((run / name).is_file() and (run / name).read_bytes() == (whole / name).read_bytes() for name in RESULT)


def kill(
    harness: Harness,
    whole: Path,
    events: int,
    kills: int,
    rng: np.random.Generator,
    tally: Tally,
    note: Callable[[Tally], None],
) -> None:
    """Runs that are killed again and again, until there were enough kills."""
    while tally.kills < kills:
        run = harness.scratch / f"killed-{tally.runs}"
        for _ in range(RUNS_AT_MOST):
            last = tally.kills >= kills
            # Half of them soon after a start: each start goes on further, so that all of the run comes under it.
            event = int(rng.integers(1, events if rng.random() < 0.5 else events // 5))
            delay = float(rng.choice([0.0, rng.uniform(0, 0.02)]))
            ended = harness.wait(harness.start(partial(train, run)), None if last else _moment(harness, event, delay))
            tally.starts += 1
            if ended.code != -signal.SIGKILL:
                break
            tally.kills += 1
            left = [*run.rglob("*.part"), *run.rglob("*.tmp")] if run.is_dir() else []
            tally.while_writing += bool(left)
            tally.before_the_first_checkpoint += not any(run.glob("checkpoints/epoch*.npz"))
        tally.runs += 1
        if ended.code or not same(run, whole):
            tally.failures.append(f"{run.name}: code {ended.code}: {ended.output[-1500:]}")
            print(tally.failures[-1], flush=True)
        shutil.rmtree(run, ignore_errors=True)
        note(tally)


def _moment(harness: Harness, event: int, delay: float) -> Callable[[], bool]:
    """Whether so many seconds have passed since an event."""
    since: list[float] = []

    def has_come() -> bool:
        if not since and harness.counter.value >= event:
            since.append(time.monotonic())
        return bool(since) and time.monotonic() >= since[0] + delay

    return has_come


def other_ends(
    harness: Harness,
    whole: Path,
    events: int,
    times: int,
    rng: np.random.Generator,
    tally: Tally,
    note: Callable[[Tally], None],
) -> None:
    """Runs that are ended in other ways; each must say so, and go on to the same weights."""
    cases = {"SIGTERM": _told, "full disk": _full, "NaN": _no_number, "callback that raises": _raising}
    for name, case in cases.items():
        for number in range(times):
            run = harness.scratch / f"{name}-{number}"
            event = int(rng.integers(events // 4, events - 20))
            fault = case(harness, run, event)
            again = _raising_from(harness, None) if case is _raising else ()
            ended = harness.wait(harness.start(partial(train, run, again)))
            if fault or ended.code or not same(run, whole):
                tally.failures.append(f"{name} at event {event}: {fault or ended.output[-1500:]}")
                print(tally.failures[-1], flush=True)
            tally.starts += 2
            tally.others[name] = tally.others.get(name, 0) + 1
            note(tally)


def _told(harness: Harness, run: Path, event: int) -> str:
    def command() -> None:
        from zoo.cli import app

        words = ["zoo", "train", "thorough", "--out", str(run), "--checkpoint-steps", "2", "--strategy", "single"]
        sys.argv = words
        app.entry()

    child = harness.start(command)
    ended = harness.wait(child, _moment(harness, event, 0.0), signal.SIGTERM)
    if ended.code != 143 or "told to stop" not in ended.output:
        return f"the command ended with {ended.code}: {ended.output[-1500:]}"
    return ""


def _full(harness: Harness, run: Path, event: int) -> str:
    def at(number: int) -> None:
        if number >= event and sys._getframe(2).f_code.co_name != "__getitem__":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return _must_say(harness, run, lambda: train(run), "No space left on device", at)


def _no_number(harness: Harness, run: Path, event: int) -> str:
    def body() -> None:
        from zoo.training.batches import TrainingBatches

        whole = TrainingBatches.__getitem__

        def spoiled(self: Any, index: int) -> Any:
            inputs, labels = whole(self, index)
            return (inputs * np.float32("nan") if harness.counter.value >= event else inputs), labels

        TrainingBatches.__getitem__ = spoiled  # type: ignore[method-assign]
        train(run)

    return _must_say(harness, run, body, "FloatingPointError")


def _raising(harness: Harness, run: Path, event: int) -> str:
    return _must_say(harness, run, lambda: train(run, _raising_from(harness, event)), "a callback of the user's")


def _raising_from(harness: Harness, event: int | None) -> list[Any]:
    """A callback that raises an error after an event; None for one that never does."""
    import keras

    class Raises(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if event is not None and harness.counter.value >= event:
                raise RuntimeError("a callback of the user's")

    return [Raises()]


def _must_say(
    harness: Harness, run: Path, body: Callable[[], None], words: str, at: Callable[[int], None] | None = None
) -> str:
    ended = harness.wait(harness.start(body, at))
    if ended.code != 1 or words not in ended.output:
        return f"expected an error with {words!r}, got code {ended.code}: {ended.output[-1500:]}"
    return ""


def attack(kills: int, seed: int, others: int, note: Callable[[Tally], None]) -> Tally:
    """The whole attempt; `note` is called with what has happened so far."""
    rng, tally = np.random.default_rng(seed), Tally()
    with tempfile.TemporaryDirectory() as folder:
        harness = Harness(Path(folder))
        whole = Path(folder) / "whole"
        listed = Path(folder) / "modules.json"

        def first() -> None:
            train(whole)
            listed.write_text(json.dumps([name for name in sys.modules if name.split(".")[0] != "__main__"]), "utf-8")

        ended = harness.wait(harness.start(first))
        if ended.code:
            raise RuntimeError(f"the training itself fails: {ended.output[-3000:]}")
        harness.import_what_it_needs(listed)
        kill(harness, whole, ended.events, kills, rng, tally, note)
        other_ends(harness, whole, ended.events, others, rng, tally, note)
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--others", type=int, default=3, help="of each other kind of end")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", type=Path, help="write what happened into this file")
    options = parser.parse_args()
    started = time.monotonic()
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    command = f"KERAS_BACKEND={backend} python -m tests.trust.kills --kills {options.kills} --seed {options.seed}"

    def note(tally: Tally) -> None:
        facts = {
            "command": f"{command} --others {options.others}",
            "seconds": round(time.monotonic() - started),
            "kill -9": tally.kills,
            "of them while a file was written": tally.while_writing,
            "of them before the first checkpoint": tally.before_the_first_checkpoint,
            "starts": tally.starts,
            "runs compared": tally.runs + sum(tally.others.values()),
            **tally.others,
            "failures": tally.failures,
        }
        print(json.dumps(facts), flush=True)
        if options.record is not None:
            records.write(options.record, facts)

    tally = attack(options.kills, options.seed, options.others, note)
    raise SystemExit(1 if tally.failures else 0)


if __name__ == "__main__":
    main()
