"""Altered input for everything that reads files from elsewhere.

    python -m tests.trust.parsers --inputs 100000 --seed 0

Each door has sound inputs; they are altered at random and read. An altered file is refused with the documented error,
a `ValueError`, or read as what it then says; where a hash is known it is never read. Anything else is a fault.
"""

from __future__ import annotations

import argparse
import collections
import json
import re
import tempfile
import time
import traceback
import warnings
import zipfile
from pathlib import Path

import numpy as np

from tests.trust import data_doors, records
from tests.trust.door import Door, by_file
from zoo.hub import checkpoints, keras_file, store
from zoo.hub.cards import Card
from zoo.models import recipe_files
from zoo.models.recipe import Recipe

WORDS = (
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b",",
    b":",
    b"null",
    b"-1",
    b"1e999",
    b"NaN",
    b"true",
    b"\\u0000",
    b"..",
    b"/",
    b"\t",
)
MEMORY = 3 * 2**30
NUMBERS = (0, 1, 255, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1)


def hub_doors(folder: Path) -> dict[str, Door]:
    """Weights, cards, recipes and checkpoints; files are written into `folder`."""
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(3, 3, 4, 5)).astype("float32")
    tensors = {"a/kernel": kernel, "a/bias": np.zeros(5, "float32"), "b": np.float32(2), "n": np.arange(3)}
    sparse = kernel * (rng.random((4, 5)) < 0.2)
    packed = store.tensors_to_bytes({"a/kernel": sparse, "ones": np.eye(8, dtype="float32")})
    plain = store.tensors_to_bytes(tensors, packed=False)
    arrays = store.arrays_to_bytes(**{"x": kernel, "y": np.arange(4)})
    card = Path(store.__file__).parents[2] / "weights" / "e4net_mnistrot" / "v1" / "card.json"
    recipe = Recipe(epochs=3, batch_size=4, augmentation=("flip",), learning_rate_multipliers={"head": 2.0})
    hdf5 = folder / "sample.h5"
    import h5py

    with h5py.File(hdf5, "w") as file:
        file.create_dataset("model_weights/dense/kernel", data=kernel)
    facts = store.facts_of(packed)

    return {
        "weights with a hash": Door(
            (packed,), by_file(folder / "w.safetensors", lambda path: store.read_checked(path, facts)), hashed=True
        ),
        "weights": Door((packed, plain), lambda data: store.tensors_from_bytes(data, source="weights")),
        "arrays": Door((arrays,), store.arrays_from_bytes),
        "card": Door((card.read_bytes(),), by_file(folder / "card.json", Card.load)),
        "recipe in YAML": Door(
            (recipe_files.write_recipe(recipe).encode(),), by_file(folder / "recipe.yaml", recipe_files.read_recipe)
        ),
        "recipe in JSON": Door(
            (json.dumps(recipe.to_dict()).encode(),), by_file(folder / "recipe.json", recipe_files.read_recipe)
        ),
        "checkpoint": Door(
            (plain, arrays, hdf5.read_bytes()), by_file(folder / "checkpoint", checkpoints.read_checkpoint)
        ),
        "file of Keras": Door((_keras_file(folder),), by_file(folder / "model.keras", keras_file.read_origin)),
    }


def _keras_file(folder: Path) -> bytes:
    import zoo

    path = folder / "sample.keras"
    zoo.build("e4net_mnistrot").save(path)
    # Without the weights: only the configuration is read here.
    small = folder / "small.keras"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(small, "w", zipfile.ZIP_DEFLATED) as new:
        for name in ("metadata.json", "config.json"):
            new.writestr(name, old.read(name))
    return small.read_bytes()


def alter(data: bytes, rng: np.random.Generator) -> bytes:
    """Another content: bytes changed, cut, doubled, put in, numbers at the front, deep nesting."""
    found = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(len(found) or 1))
        kind = int(rng.integers(9))
        if kind == 0 and found:
            found[at % len(found)] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            del found[at:]
        elif kind == 2:
            del found[at : at + int(rng.integers(1, 40))]
        elif kind == 3:
            found[at:at] = found[at : at + int(rng.integers(1, 200))]
        elif kind == 4:
            found[at:at] = WORDS[int(rng.integers(len(WORDS)))]
        elif kind == 5:
            found[at : at + 1] = rng.bytes(int(rng.integers(1, 20)))
        elif kind == 6:
            found[:8] = NUMBERS[int(rng.integers(len(NUMBERS)))].to_bytes(8, "little")
        elif kind == 7:
            found[at : at + 8] = NUMBERS[int(rng.integers(len(NUMBERS)))].to_bytes(8, "little")
        else:
            word = WORDS[int(rng.integers(4))]
            found[at:at] = word * int(rng.choice([3, 300, 30000]))
    return bytes(found)


def attack(inputs: int, seed: int, only: str = "") -> dict[str, collections.Counter[str]]:
    """How often each door answered how: `refused`, `read`, `same`, `needs a package`; a fault is anything else."""
    answers: dict[str, collections.Counter[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        found = hub_doors(Path(folder)) | data_doors.doors(Path(folder))
        for name in filter(re.compile(only).search, found):
            door, rng = found[name], np.random.default_rng([seed, *name.encode()])  # the same if tried alone
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of remarkable pictures, for example
                for sample in door.samples:
                    door.read(door.wrap(sample))  # sound ones are read
                answers[name] = _attack_one(door, -(-inputs // len(found)), rng)
            print(f"{name}: {dict(answers[name])}", flush=True)
    return answers


def _attack_one(door: Door, inputs: int, rng: np.random.Generator) -> collections.Counter[str]:
    counts: collections.Counter[str] = collections.Counter()
    for index in range(inputs):
        sample = door.samples[index % len(door.samples)]
        altered = alter(sample, rng)
        try:
            door.read(door.wrap(altered))
        except (ValueError, *door.refuses) as error:
            counts["refused" if str(error) else "refused without a word"] += 1
        except ImportError as error:  # a file of torch, where torch is not installed
            counts["needs a package" if "pip install" in str(error) else f"ImportError: {error}"] += 1
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)
            line = next((frame for frame in reversed(where) if "/zoo/" in frame.filename), where[-1])
            place = f"{Path(line.filename).name}:{line.lineno}"
            counts[f"{type(error).__name__}: {str(error)[:120]} ({place})"] += 1
        else:
            counts["same" if altered == sample else "wrongly read" if door.hashed else "read"] += 1
    return counts


def faults(answers: dict[str, collections.Counter[str]]) -> list[str]:
    """What was neither refused nor rightly read."""
    fine = {"refused", "read", "same", "needs a package"}
    return [f"{door}: {how} ({n})" for door, counts in answers.items() for how, n in counts.items() if how not in fine]


def bound_memory() -> None:
    """A few bytes that ask for gigabytes become a `MemoryError`, which is a fault, before the machine suffers."""
    import resource

    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="try the doors whose names this pattern is in")
    parser.add_argument("--record", type=Path, help="write what happened into this file")
    options = parser.parse_args()
    bound_memory()
    started = time.monotonic()
    answers = attack(options.inputs, options.seed, options.only)
    total, seconds = sum(sum(counts.values()) for counts in answers.values()), round(time.monotonic() - started)
    print(f"{total} altered inputs in {seconds} s, seed {options.seed}")
    found = faults(answers)
    if options.record is not None:
        facts = {
            "command": f"python -m tests.trust.parsers --inputs {options.inputs} --seed {options.seed}",
            "inputs": total,
            "seconds": seconds,
            "doors": {door: dict(counts) for door, counts in answers.items()},
            "failures": found,
        }
        records.write(options.record, facts)
    raise SystemExit("\n".join(found) if found else 0)


if __name__ == "__main__":
    main()
