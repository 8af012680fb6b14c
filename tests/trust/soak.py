"""A server under honest and hostile requests for a long time: its memory, threads and open files must not grow.

    python -m tests.trust.soak --minutes 60 --seed 0 --record tests/trust/records/soak.json

The server is a process of its own, with limits as an operator sets them. Round after round clients of every kind come
at once (`tests.serving.storm`); honest answers are compared with what the network must say. While they ask, its folder
changes: another version of the same weights comes and the old one goes, then a broken one comes and goes. After each
round, when the last connection is closed, the server is measured. It must end as it should when it is told to.
"""

from __future__ import annotations

import argparse
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from tests.serving import artifacts
from tests.serving.storm import storm
from tests.trust import records

ROOT = Path(__file__).resolve().parents[2]
HONEST = {"good", "good_chunks", "good_packed", "good_grpc", "encoded"}
MAX_BODY = 200_000
ROUND = 40  # requests of one client between two measurements
READ = 2.0  # seconds for a request to arrive: a machine with other work is slow
SETTLED = 2 * READ
GROWTH = {"MB": 40.0, "files": 16.0}  # from the second quarter of the rounds to the last
THREADS = 120  # the pools of gRPC (64) and of REST (2 x 8) grow to their bounds when they are asked for more at once
STOP = 120.0  # seconds to end in, on a machine with other work
SAMPLES = 12  # that a record shows


class Server:
    """`zoo serve` in a child process, on a folder with one model."""

    def __init__(self, folder: Path, engine: str) -> None:
        self.folder = folder / "models" / "net"
        (artifacts.write_onnx if engine == "onnx" else artifacts.write_saved_model)(self.folder)
        self.log = folder / "log.txt"
        command = [sys.executable, "-m", "zoo", "serve", "--model-dir", str(folder / "models"), "--port", "0"]
        command += ["--grpc-port", "0", "--max-body-bytes", str(MAX_BODY), "--read-seconds", str(READ)]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, "--poll-seconds", "0.5"], env=environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self.process.stdout
        for line in self.process.stdout:
            if found := re.match(r"page: http://[^:]+:(\d+)/ +gRPC: [^:]+:(\d+)", line):
                self.port, self.grpc_port = map(int, found.groups())
                return
        raise RuntimeError(f"the server did not start: {self.log.read_text()[-2000:]}")

    def measure(self) -> dict[str, float]:
        """Resident memory, threads and open files."""
        place = Path("/proc", str(self.process.pid))
        status = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
        resident = int(status["VmRSS"].split()[0]) / 1000
        return {"MB": resident, "threads": int(status["Threads"]), "files": len(os.listdir(place / "fd"))}

    def stop(self) -> str:
        """What is wrong with its end, after SIGTERM; nothing if all is well."""
        begun = time.monotonic()
        self.process.terminate()
        try:
            code = self.process.wait(STOP)
        except subprocess.TimeoutExpired:
            return f"the server did not end within {STOP:.0f} s of SIGTERM"
        finally:
            self.process.kill()
        print(f"the server ended with {code} after {time.monotonic() - begun:.1f} s", flush=True)
        return f"the server ended with {code}" if code else ""


def change(folder: Path, turn: int) -> None:
    """Changes the folder of a model under its server: a copy takes the place of a version, or a broken one comes."""
    (number,) = (int(path.name) for path in folder.iterdir() if path.name.isdigit())
    new = folder / str(number + 1)
    if turn % 2:
        new.mkdir()
        (new / "model.onnx").write_bytes(b"\x08\n" + bytes(turn % 4000))
        time.sleep(1.5)
        shutil.rmtree(new)
        return
    shutil.copytree(folder / str(number), folder / ".stage")
    (folder / ".stage").rename(new)
    time.sleep(1.5)
    shutil.rmtree(folder / str(number))


def soak(minutes: float, seed: int, clients: int, engine: str) -> dict[str, Any]:
    """What happened in so many minutes."""
    started, done = time.monotonic(), collections.Counter[str]()
    samples: list[dict[str, float]] = []
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        server = Server(Path(scratch), engine)
        try:
            while time.monotonic() - started < 60 * minutes and not failures:
                turn = len(samples)
                changing = threading.Thread(target=change, args=(server.folder, turn))
                changing.start()
                options = {"port": server.port, "grpc_port": server.grpc_port, "max_body": MAX_BODY}
                counts, faults = storm(
                    clients, ROUND, seed=(seed << 20) + turn * clients, resized=engine == "onnx", **options
                )
                changing.join()
                done += counts
                failures += [f"round {turn}: {type(fault).__name__}: {str(fault)[:300]}" for fault in faults]
                time.sleep(SETTLED)
                passed = round((time.monotonic() - started) / 60, 1)
                samples.append({"minute": passed, "requests": sum(done.values()), **server.measure()})
                print(samples[-1], flush=True)
        finally:
            end = server.stop()
        log = server.log.read_text("utf-8", "replace")
    failures += [end] if end else []
    failures += [f"the server's log: {log[log.index('Traceback') :][:1500]}"] if "Traceback" in log else []
    honest = sum(done[name] for name in HONEST)
    return {
        "requests": sum(done.values()),
        "honest": honest,
        "hostile": sum(done.values()) - honest,
        "clients at once": clients,
        "changes of the folder": len(samples),
        "measured": [samples[index * (len(samples) - 1) // (SAMPLES - 1)] for index in range(SAMPLES)]
        if len(samples) > SAMPLES
        else samples,
        "failures": failures + growth(samples),
    }


def growth(samples: list[dict[str, float]]) -> list[str]:
    """What grew from the second quarter of the measurements to the last one, by more than it may."""
    quarter = len(samples) // 4
    if not quarter:
        return ["too few rounds to tell whether anything grows"]

    def mean(part: list[dict[str, float]], name: str) -> float:
        return sum(sample[name] for sample in part) / len(part)

    found = {name: mean(samples[-quarter:], name) - mean(samples[quarter : 2 * quarter], name) for name in GROWTH}
    grown = [f"{name} grew by {more:.1f}" for name, more in found.items() if more > GROWTH[name]]
    most = max(sample["threads"] for sample in samples)
    return grown + ([f"{most:.0f} threads at once"] if most > THREADS else [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--engine", choices=("onnx", "tensorflow"), default="onnx")
    parser.add_argument("--record", type=Path, help="write what happened into this file")
    options = parser.parse_args()
    started = time.monotonic()
    found = soak(options.minutes, options.seed, options.clients, options.engine)
    words = [f"--{name} {getattr(options, name)}" for name in ("minutes", "seed", "clients", "engine")]
    words[0] = f"--minutes {options.minutes:g}"
    facts = {
        "command": f"python -m tests.trust.soak {' '.join(words)}",
        "seconds": round(time.monotonic() - started),
        **found,
    }
    print({name: value for name, value in facts.items() if name != "measured"})
    if options.record is not None:
        records.write(options.record, facts)
    raise SystemExit("\n".join(found["failures"]) or 0)


if __name__ == "__main__":
    main()
