"""Predictions for more images than fit into memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from zoo import hub
from zoo._suggestions import suggests
from zoo.batch import output, ray_engine
from zoo.batch.output import BatchResult
from zoo.batch.source import Part, Plan, make_plan
from zoo.batch.worker import Job, Worker
from zoo.hub.paths import local_path
from zoo.hub.tasks import find_task

ENGINES = ("local", "ray")


@suggests
def predict_files(
    name: str | os.PathLike[str],
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    engine: str = "local",
    workers: int = 2,
    worker_gpus: float = 0.0,
    batch_size: int = 64,
    top: int = 5,
    logits: bool = False,
    image_column: str = "image",
    id_column: str | None = None,
    white: float | None = None,
    invert: bool = False,
    part_rows: int = 4096,
    resume: bool = True,
    progress: bool = True,
) -> BatchResult:
    """Classifies all images of a folder or of Parquet files, and writes the answers as Parquet files.

    The source is cut into parts of about `part_rows` rows. Each part becomes one file, which is written under another
    name and renamed when it is complete; a run that was interrupted goes on with the parts that are missing. Only
    one part's answers and two batches of images are in memory at a time. The rows of the output stand in the order of
    the sorted paths, or of the Parquet files and their rows, whatever the engine.

    In folders, links to files and folders are followed; hidden files, and files that are not called like images, are
    passed over.

    The columns are `path` (for images) or the id column (for Parquet), `label`, `probability`, `top_labels`,
    `top_probabilities`, `logits` if wanted, and `error`: an image that cannot be read, or a link that leads nowhere,
    has an error there and no prediction.

    Args:
        name: a model with weights, as `zoo.load` takes it: `"model"`, `"model.tag"` or a folder.
        source: a folder of images, searched at any depth, or a Parquet file, or a folder of Parquet files.
        out: a new folder for the output, or that of the same run when it was interrupted.
        engine: `"local"` is this process; `"ray"` spreads the parts over actors of Ray Data, on the cluster that this
            process is connected to or that `RAY_ADDRESS` names, else on one that is started here. All machines must
            see `source` and `out` under the same paths and have zoo installed.
        workers: actors of the engine `"ray"`; each loads the model once.
        worker_gpus: GPUs that an actor asks for.
        batch_size: images a step.
        top: classes an image, in the lists.
        logits: also keep the model's raw outputs.
        image_column: the column of Parquet files that holds encoded images (PNG, JPEG, ...), as binary values or as
            structs with a field `bytes`; dictionaries, views and large values of these as well.
        id_column: the column of Parquet files that names the rows; by default `path` or `id`, and where there is
            neither, rows are named `"file.parquet#17"`.
        white: which value is white in image files of more than 8 bits, as for `zoo.datasets.read_images`.
        invert: turn dark into light, for models of light things on dark ground.
        part_rows: rows a part; a row group of a Parquet file stays whole.
        resume: go on with an interrupted run; False refuses any folder with files in it.
        progress: show a progress bar on the standard error stream when that is a terminal.

    Returns:
        Where the output is, and how many rows it has.

    Raises:
        ValueError: unknown model or engine, an address such as `s3://` as source or output, nothing to predict, columns
            that are not there, a folder that holds something else, or a number below 1.
        FileNotFoundError: the source does not exist.
        ImportError: the extra `batch` is not installed.
        ChildProcessError: the actor of one part died again and again.

    Example:
        >>> import tempfile, zoo
        >>> with tempfile.TemporaryDirectory() as folder:  # doctest: +SKIP
        ...     zoo.predict_files("e4net_mnistrot", "examples/images/mnistrot", f"{folder}/answers").rows
        40
    """
    _check(engine, workers=workers, batch_size=batch_size, top=top, part_rows=part_rows)
    root, folder = local_path(source).absolute(), local_path(out).absolute()
    plan = make_plan(root, image_column=image_column, id_column=id_column, part_rows=part_rows)
    if root in (folder, *folder.parents):
        raise ValueError(f"The output {out} lies in the source {source}: choose a folder outside it.")
    full_name, card = _trained(name)
    job = Job(full_name, str(folder), output.make_schema(plan.key, logits=logits), batch_size, top, white, invert)
    options = {"white": white, "invert": invert or None}
    identity = _identity(card, plan, top=top, logits=logits, image_column=image_column, part_rows=part_rows, **options)
    output.open_folder(folder, identity, resume=resume)
    output.remove_unfinished(folder)
    missing = [part for part in plan.parts if not output.has_part(folder, part.number)]
    rows, todo = (sum(part.rows for part in parts) for parts in (plan.parts, missing))
    with _bar(progress) as bar:
        task = bar.add_task("predicting", total=rows, completed=rows - todo)
        if missing and engine == "local":
            _run_local(job, missing, lambda done: bar.advance(task, done))
        elif missing:
            ray_engine.run(job, missing, lambda done: bar.advance(task, done), workers=workers, worker_gpus=worker_gpus)
    output.remove_unfinished(folder)
    errors, unreadable = output.find_errors(folder, len(plan.parts))
    output.write_manifest(folder, {**identity, "finished": True, "errors": errors})
    return BatchResult(out=Path(out), rows=rows, errors=errors, reused=rows - todo, unreadable=unreadable)


def _run_local(job: Job, parts: Sequence[Part], advance: Callable[[int], Any]) -> None:
    worker = Worker(job)
    for part in parts:
        worker.work(part, advance)


def _check(engine: str, **numbers: int) -> None:
    if engine not in ENGINES:
        raise ValueError(f"Expected an engine of {', '.join(ENGINES)}; got {engine!r}.")
    for name, value in numbers.items():
        if value < 1:
            raise ValueError(f"Expected {name} of at least 1; got {value}.")


def _identity(card: hub.Card, plan: Plan, **options: Any) -> dict[str, Any]:
    """What must be the same for an interrupted run to go on."""
    weights = {file: facts.sha256 for file, facts in sorted(card.files.items())}
    rows = sum(part.rows for part in plan.parts)
    return {"model": card.name, "tag": card.tag, "weights": weights, "source": plan.digest, "rows": rows, **options}


def _trained(name: str | os.PathLike[str]) -> tuple[str, hub.Card]:
    """The model's card, and the name that means these weights in every process, whatever is published meanwhile."""
    card, parsed = hub.card(name), hub.parse_name(name)
    if not card.files:
        raise ValueError(f"{card.name!r} has no trained weights; zoo.list_models(pretrained=True) lists those with.")
    if find_task(card.task).of != "image":
        raise ValueError(f"{card.name!r} is a model for {card.task}; batch prediction is for classes of whole images.")
    return str(parsed.absolute()) if isinstance(parsed, Path) else f"{card.name}.{card.tag}", card


def _bar(progress: bool) -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not (progress and console.is_terminal))
