"""TensorBoard's event file of a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

EVENTS = "events"


class EventWriter:
    """The numbers of every epoch as TensorBoard reads them: `tensorboard --logdir <run folder>`.

    The file is written anew when a run goes on, so that no epoch stands in it twice. TensorBoard's own writer would
    import TensorFlow on every backend; this one takes its messages and framing alone.

    Args:
        folder: of the run; the file goes into its folder `events`.
        rows: the epochs that are done already.
        say: prints a line.
    """

    def __init__(self, folder: Path, rows: list[dict[str, float]], *, say: Callable[[str], None]) -> None:
        self._file = None
        try:
            from tensorboard.compat.proto import event_pb2, summary_pb2
            from tensorboard.summary.writer.record_writer import RecordWriter
        except ImportError:
            say('no TensorBoard events are written: pip install "zoo[train]" adds them')
            return
        self._event, self._summary = event_pb2.Event, summary_pb2.Summary
        path = folder / EVENTS / "events.out.tfevents.0.zoo"  # TensorBoard goes by the middle of the name
        path.parent.mkdir(exist_ok=True)
        self._file = path.open("wb")
        self._records = RecordWriter(self._file)
        self._records.write(self._event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString())
        for row in rows:
            self.write(row)

    def write(self, row: dict[str, float]) -> None:
        """Adds an epoch."""
        if self._file is None:
            return
        values = [self._summary.Value(tag=name, simple_value=value) for name, value in row.items() if name != "epoch"]
        event = self._event(wall_time=time.time(), step=int(row["epoch"]), summary=self._summary(value=values))
        self._records.write(event.SerializeToString())
        self._file.flush()

    def close(self) -> None:
        """Ends the file."""
        if self._file is not None:
            self._file.close()
