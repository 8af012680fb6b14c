"""Altered input that a fuzzer chooses by the lines it reaches (atheris), for the doors of `tests.trust.parsers`.

    python -m tests.trust.coverage --seconds 600 --seed 0 --record tests/trust/records/coverage.json

atheris (`pip install atheris`, Linux) is in none of zoo's extras. zoo and the readers of YAML and of schemas are
instrumented. Each door has a child process and an equal part of the time; what counts as a fault is said there.
"""

from __future__ import annotations

import argparse
import collections
import mmap
import os
import re
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

HOW = ("refused", "read", "same", "needs a package", "fault")
DONE = re.compile(r"#(\d+)\s+DONE\s+cov: (\d+)")
ONE_INPUT = 60  # seconds after which an input is one that hangs
DOORS = r"weights|arrays|card|recipe|checkpoint|file of Keras|pickle|graph|archive|run.json|manifest|report|samples"


class Counts:
    """How a child's inputs ended, in memory that both processes see; libFuzzer ends its process without a word."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8 * len(HOW))

    def add(self, how: str) -> None:
        """One more."""
        at = 8 * HOW.index(how)
        self._memory[at : at + 8] = struct.pack("q", struct.unpack("q", self._memory[at : at + 8])[0] + 1)

    def read(self) -> dict[str, int]:
        """What there was."""
        found = dict(zip(HOW, struct.unpack(f"{len(HOW)}q", self._memory[:]), strict=True))
        return {how: count for how, count in found.items() if count}


def fuzz(door: Any, seconds: int, seed: int, folder: Path) -> tuple[dict[str, int], int, list[str]]:
    """Tries one door in a child: how its inputs ended, edges that they reached, faults."""
    counts = Counts()
    (folder / "corpus").mkdir(parents=True)
    for number, sample in enumerate(door.samples):
        (folder / "corpus" / str(number)).write_bytes(sample)
    child = os.fork()
    if not child:
        try:
            _run(door, counts, seconds, seed, folder)
        finally:
            os._exit(99)  # libFuzzer ends the process by itself
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    said = (folder / "said.txt").read_text(errors="replace")
    faults = (folder / "faults.txt").read_text().splitlines() if (folder / "faults.txt").exists() else []
    faults = [f"{fault} ({times})" for fault, times in collections.Counter(faults).items()]
    done = DONE.search(said)
    if code or done is None:
        faults.append(f"the fuzzer ended with {code}: {said[-800:]}")
    return counts.read(), int(done[2]) if done else 0, faults


def _run(door: Any, counts: Counts, seconds: int, seed: int, folder: Path) -> None:
    import atheris

    output = os.open(folder / "said.txt", os.O_WRONLY | os.O_CREAT)
    os.dup2(output, 1), os.dup2(output, 2)
    longest = 2 * max(map(len, door.samples))
    arguments = [f"-max_total_time={seconds}", f"-seed={seed + 1}", f"-max_len={longest}", f"-timeout={ONE_INPUT}"]
    arguments += ["-rss_limit_mb=0", f"-artifact_prefix={folder}/", "-print_final_stats=1"]
    atheris.Setup(["fuzz", *arguments, str(folder / "corpus")], _judge(door, counts, folder / "faults.txt"))
    atheris.Fuzz()


def _judge(door: Any, counts: Counts, faults: Path) -> Callable[[bytes], None]:
    """Reads an input and notes how that ended."""

    def one(data: bytes) -> None:
        try:
            door.read(door.wrap(data))
        except (ValueError, *door.refuses) as error:
            how = "refused" if str(error) else "refused without a word"
        except ImportError as error:
            how = "needs a package" if "pip install" in str(error) else f"ImportError: {error}"
        except Exception as error:
            line = traceback.extract_tb(error.__traceback__)[-1]
            how = f"{type(error).__name__}: {str(error)[:120]} ({Path(line.filename).name}:{line.lineno})"
        else:
            how = "same" if data in door.samples else "wrongly read" if door.hashed else "read"
        if how not in HOW:
            with faults.open("a") as file:
                file.write(how.replace("\n", " ") + "\n")
            how = "fault"
        counts.add(how)

    return one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=600, help="for all doors together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default=DOORS, help="try the doors whose names this pattern is in")
    parser.add_argument("--record", type=Path, help="write what happened into this file")
    options = parser.parse_args()
    import atheris

    with atheris.instrument_imports(include=["zoo", "yaml", "jsonschema", "referencing"]):
        import jsonschema  # noqa: F401
        import yaml  # noqa: F401

        from tests.trust import data_doors, parsers, records

    parsers.bound_memory()
    started, doors, failures = time.monotonic(), {}, []
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = parsers.hub_doors(Path(scratch)) | data_doors.doors(Path(scratch))
        chosen = [name for name in found if re.search(options.only, name)]
        each = max(1, options.seconds // len(chosen))
        for number, name in enumerate(chosen):
            counts, edges, faults = fuzz(found[name], each, options.seed, Path(scratch) / f"fuzz-{number}")
            doors[name] = counts | {"edges": edges}
            failures += [f"{name}: {fault}" for fault in faults]
            print(f"{name}: {doors[name]} {faults}", flush=True)
    facts = {
        "command": f"python -m tests.trust.coverage --seconds {options.seconds} --seed {options.seed}",
        "seconds": round(time.monotonic() - started),
        "inputs": sum(sum(counts.values()) - counts["edges"] for counts in doors.values()),
        "doors": doors,
        "failures": failures,
    }
    print(f"{facts['inputs']} inputs in {facts['seconds']} s")
    if options.record is not None:
        records.write(options.record, facts)
    sys.stdout.flush()
    raise SystemExit("\n".join(failures) if failures else 0)


if __name__ == "__main__":
    main()
