"""Child processes: a fresh interpreter that does one job and answers with JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_LINES = 15
_ROOT = str(Path(__file__).resolve().parents[2])
_WORK = (
    "import sys; sys.path[:0] = [p for p in sys.argv[1:2] if p not in sys.path]; "
    "from zoo.exporting._worker import main; main(*sys.argv[2:])"
)
_CHECK = str(Path(__file__).resolve().with_name("_check.py"))


def work(job: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """Write the file in a process of Keras on TensorFlow; the facts it answers with.

    Raises:
        ValueError: (or OSError, ImportError) what the process found wrong.
        ChildProcessError: the process died.
    """
    answer = _run(["-c", _WORK, _ROOT], job, scratch / "work", "the export")
    if "error" in answer:
        known = {"ValueError": ValueError, "OSError": OSError, "ImportError": ImportError}
        raise known[answer["error"]](answer["message"])
    return answer


def check(job: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """Compare the file with the expected outputs in a process that does not know zoo.

    Returns:
        `checks`: the comparisons; `rows_independent`: whether no row of a batch depends on the others.

    Raises:
        ValueError: the file cannot be loaded or run.
        ChildProcessError: the process died.
    """
    answer = _run([_CHECK], job, scratch / "check", "the check of the exported file")
    if "error" in answer:
        raise ValueError(f"the exported file does not run: {answer['error']}")
    return answer


def _run(words: Sequence[str], job: dict[str, Any], stem: Path, what: str) -> dict[str, Any]:
    question, answer = stem.with_suffix(".job.json"), stem.with_suffix(".answer.json")
    question.write_text(json.dumps(job), "utf-8")
    # On the CPU: another process may hold the accelerator's memory, and its products are less exact.
    environment = {
        **os.environ,
        "KERAS_BACKEND": "tensorflow",
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONIOENCODING": "utf-8",
        "TMPDIR": str(stem.parent),  # so that nothing of a killed process stays
    }
    # -P keeps the script's folder and the working directory out of the import path.
    command = [sys.executable, "-P", *words, str(question), str(answer)]
    code, errors = _finish(command, environment)
    if not answer.is_file():
        lines = errors.decode("utf-8", "replace").strip().splitlines()[-_LINES:]
        raise ChildProcessError(f"{what} {_end(code, job)}; its last lines:\n" + "\n".join(lines))
    return json.loads(answer.read_text("utf-8"))


def _finish(command: list[str], environment: dict[str, str]) -> tuple[int, bytes]:
    """Run a process to its end, its code and what it wrote to the error stream; it never outlives this call."""
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdin=null, stdout=null, stderr=pipe) as process:
        try:
            errors = process.communicate()[1]
            return process.returncode, errors
        except BaseException:
            process.kill()
            process.wait()
            raise


def _end(code: int, job: dict[str, Any]) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"ended with code {code}"
    hint = " (the calibration samples may be degenerate: all alike, or zeros)" if job.get("quantize") == "int8" else ""
    return f"was ended by signal {-code}, {signal.strsignal(-code)}{hint}"
