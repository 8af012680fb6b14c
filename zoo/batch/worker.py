"""What every engine runs: a worker that loads the model once and turns parts into files."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo import hub
from zoo.batch.extra import load_pyarrow
from zoo.batch.output import write_part
from zoo.batch.source import Part
from zoo.datasets.images import fit_image, fixed_shape, warn_of
from zoo.datasets.picture_files import decode_image, open_image
from zoo.evaluation.inputs import model_shape, surprise
from zoo.evaluation.prediction import logits_of

_DECODERS = 4  # threads; Pillow decodes without holding Python's lock


@dataclass(frozen=True)
class Job:
    """What is the same for all parts.

    Attributes:
        name: of the model, as `zoo.load` takes it.
        out: the folder of the output.
        schema: pyarrow schema of the output.
        batch_size: images a step.
        top: classes an image.
        white: which value is white in files of more than 8 bits.
        invert: turn dark into light.
    """

    name: str
    out: str
    schema: Any
    batch_size: int
    top: int
    white: float | None = None
    invert: bool = False


class Worker:
    """Loads a model and predicts parts with it."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.model = hub.load(job.name)
        self.shape = fixed_shape(model_shape(self.model))
        self.threads = ThreadPoolExecutor(_DECODERS, thread_name_prefix="decode")
        self.expects = hub.expects_of(self.model)
        self.notes: list[str] = []  # what is remarkable about the images

    def work(self, part: Part, advance: Callable[[int], Any] | None = None) -> None:
        """Predicts a part and writes it; `advance` is called with the number of rows done in each step."""
        columns: dict[str, list[Any]] = {name: [] for name in self.job.schema.names}
        for keys, images, errors in self._decoded(part):
            for name, values in self._rows(keys, images, errors).items():
                columns[name].extend(values)
            if advance is not None:
                advance(len(keys))
        table = load_pyarrow().table(columns, schema=self.job.schema)
        write_part(Path(self.job.out), part.number, table)
        warn_of(self.notes, stacklevel=3)
        self.notes.clear()

    def _decoded(self, part: Part) -> Iterator[tuple[list[Any], np.ndarray, list[str | None]]]:
        """The part's batches; while the model computes one, the next is being decoded."""
        ahead: deque[tuple[list[Any], list[Future[np.ndarray]]]] = deque()
        for keys, items in part.batches(self.job.batch_size):
            ahead.append((keys, [self.threads.submit(self._read, item) for item in items]))
            if len(ahead) > 1:
                yield self._collect(*ahead.popleft())
        while ahead:
            yield self._collect(*ahead.popleft())

    def _read(self, item: Path | bytes | str | None) -> np.ndarray:
        pixels = read_item(item, self.shape, white=self.job.white, notes=self.notes)
        return 255 - pixels if self.job.invert else pixels

    def _collect(
        self, keys: list[Any], decoded: list[Future[np.ndarray]]
    ) -> tuple[list[Any], np.ndarray, list[str | None]]:
        # Always a full batch: another number of images would be traced and compiled once more.
        images = np.zeros((self.job.batch_size, *self.shape), np.uint8)
        errors: list[str | None] = []
        for place, future in enumerate(decoded):
            try:
                images[place] = future.result()
                errors.append(None)
            except (ValueError, OSError) as error:
                errors.append(str(error))
        good = images[: len(errors)][[error is None for error in errors]]
        strange = surprise(good, self.expects, self.model.name) if len(good) else None
        self.notes.extend([strange] if strange else [])
        return keys, images, errors

    def _rows(self, keys: list[Any], images: np.ndarray, errors: list[str | None]) -> dict[str, list[Any]]:
        logits = logits_of(self.model, images, len(images))[: len(keys)]
        names = self.job.schema.names
        rows: dict[str, list[Any]] = {name: [] for name in names}
        rows[names[0]], rows["error"] = keys, errors
        for best, values, error in zip(hub.decode(self.model, logits, self.job.top), logits, errors, strict=True):
            good = error is None
            rows["label"].append(best[0].label if good else None)
            rows["probability"].append(best[0].probability if good else None)
            rows["top_labels"].append([one.label for one in best] if good else None)
            rows["top_probabilities"].append([one.probability for one in best] if good else None)
            if "logits" in rows:
                rows["logits"].append(values if good else None)
        return rows


def read_item(
    item: Path | bytes | str | None,
    shape: tuple[int, int, int],
    *,
    white: float | None = None,
    notes: list[str] | None = None,
) -> np.ndarray:
    """The image of a row as model input.

    Raises:
        ValueError: no image.
        OSError: a file that cannot be read.
    """
    if item is None:
        raise ValueError("The cell is empty.")
    if isinstance(item, str):
        raise ValueError(f"The cell holds the path {item!r} and no bytes: store the file's content in the table.")
    if isinstance(item, Path):
        return fit_image(open_image(item, white=white, notes=notes), *shape)
    return fit_image(decode_image(io.BytesIO(item), "the image", white=white, notes=notes), *shape)
