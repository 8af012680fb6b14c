"""What the server adds to a model: latency and throughput beside a bare loop over the same files, in one run.

Exports a model as ONNX and as a SavedModel. For each it starts `zoo serve` in a process of its own and sends single
images over REST and gRPC from 1, 8 and 64 clients, with batching on and off. Before each of these it times a bare loop
of single images in this process (ONNX Runtime's session as the server opens it, the SavedModel's signature) while the
server is idle; ONNX Runtime with its own defaults has a row of its own, once. The clients are threads of other
processes, each with a connection that stays open, and send the next request when the answer to the last one has come.
With several rounds the numbers are medians; `--against` measures another checkout in turn with this one, round by
round, so that a machine that is busy with other things is so for both.

    python benchmarks/serving.py
    python benchmarks/serving.py --rounds 5 --against ../zoo-before
    python benchmarks/serving.py --quick --model e4net_mnistrot
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENGINES = {"onnx": "onnx", "tensorflow": "savedmodel"}
PROCESSES = 4
PERCENTILES = (50, 95, 99)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="e4net_mnistrot", help="an image model of zoo (default: %(default)s)")
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=list(ENGINES))
    parser.add_argument("--clients", nargs="+", type=int, default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="of everything (default: %(default)s)")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="also measure the server of this one")
    parser.add_argument("--batching", nargs="+", default=["on", "off"], choices=["on", "off"])
    parser.add_argument("--quick", action="store_true", help="half a second each, to see that it runs")
    parser.add_argument("--json", metavar="FILE", help="also write the rows here")
    options = parser.parse_args()
    seconds = 0.5 if options.quick else options.seconds
    rows: list[dict] = []
    with tempfile.TemporaryDirectory(prefix="zoo-benchmark-") as folder:
        for engine in options.engines:
            rows += measure_engine(options, engine, Path(folder) / engine, seconds)
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=2) + "\n")
    show(rows, options.model, seconds)


def measure_engine(options: argparse.Namespace, engine: str, root: Path, seconds: float) -> list[dict]:
    """The rows of an engine, the medians over the rounds."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.path.insert(0, str(ROOT))
    import zoo
    from zoo.serving import open_runner

    version = zoo.export(options.model, root, format=ENGINES[engine])
    runner = open_runner(version)
    image = example(runner)
    rows: list[dict] = []
    if engine == "onnx":
        times = bare_loop(DefaultSession(version / "model.onnx"), image, seconds)
        rows.append(summary(times, seconds) | {"engine": engine, "way": "ORT defaults", "clients": 1})
    checkouts = [("", ROOT)] + ([(" (other)", options.against)] if options.against else [])
    for _ in range(options.rounds):
        for batching in (choice == "on" for choice in options.batching):
            for name, checkout in checkouts:
                rows += measure_server(options, engine, root, checkout, name, batching, runner, image, seconds)
    print(file=sys.stderr)
    return medians(rows)


def measure_server(
    options: argparse.Namespace, engine: str, root: Path, checkout: Path, name: str, batching: bool, runner, image,
    seconds: float,
) -> list[dict]:  # fmt: skip
    """One server, over REST and gRPC, from every number of clients, each beside the bare loop of that moment."""
    rows: list[dict] = []
    with Serving(root, checkout, batching) as served:
        for way in ("REST", "gRPC"):
            request = rest_request(options.model, image) if way == "REST" else grpc_request(options.model, image)
            port = served.port if way == "REST" else served.grpc_port
            for count in options.clients:
                # Again before each, because a machine's speed changes in the course of minutes.
                bare = summary(bare_loop(runner, image, seconds), seconds)
                rows.append(bare | {"engine": engine, "way": "bare loop", "clients": 1})
                row = summary(many_clients(way, port, request, count, seconds), seconds)
                row |= {"engine": engine, "way": way + name, "batching": batching, "clients": count}
                row["of_bare"] = row["per_second"] / bare["per_second"]
                row["tail"] = row["p99"] / row["p50"]
                row["overhead_ms"] = row["p50"] - bare["p50"] if count == 1 else None
                rows.append(row)
                print(".", end="", file=sys.stderr, flush=True)
    return rows


def medians(rows: list[dict]) -> list[dict]:
    """One row of each kind, in the order of their first."""
    import numpy as np

    kinds: dict[tuple, list[dict]] = {}
    for row in rows:
        kinds.setdefault((row["engine"], row["way"], row.get("batching"), row["clients"]), []).append(row)
    merged = []
    for several in kinds.values():
        numbers = [key for key, value in several[0].items() if isinstance(value, float)]
        merged.append(several[0] | {key: float(np.median([row[key] for row in several])) for key in numbers})
    return merged


def example(runner):
    """One image of the model's size, whole numbers in 0..255 as an image file would give them."""
    import numpy as np

    ((name, spec),) = runner.inputs.items()
    pixels = np.random.default_rng(0).integers(0, 256, (1, *spec.shape[1:]))
    return {name: pixels.astype(spec.dtype)}


class DefaultSession:
    """ONNX Runtime as it comes: its threads spin while they wait, which the server's do not."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        self.session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def run(self, image):
        return self.session.run(None, image)


def bare_loop(runner, image, seconds: float) -> list[float]:
    for _ in range(20):
        runner.run(image)
    times, end = [], time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        runner.run(image)
        times.append(time.perf_counter() - start)
    return times


def rest_request(model: str, image) -> bytes:
    body = json.dumps({"instances": next(iter(image.values())).astype(int).tolist()}).encode()
    head = f"POST /v1/models/{model}:predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def grpc_request(model: str, image) -> bytes:
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    for name, value in image.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return request.SerializeToString()


class Serving:
    """`zoo serve` in a process of its own."""

    def __init__(self, root: Path, checkout: Path, batching: bool) -> None:
        command = [
            sys.executable,
            "-m",
            "zoo",
            "serve",
            "--model-dir",
            str(root.resolve()),
            "--port",
            "0",
            "--grpc-port",
            "0",
        ]
        command += [] if batching else ["--max-batch-size", "1"]
        paths = {"PYTHONPATH": str(checkout.resolve())}
        environment = os.environ | paths | {"PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        self.process = subprocess.Popen(
            command, env=environment, cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout and self.process.stderr
        while not (line := self.process.stdout.readline()).startswith("page: "):
            if not line:
                raise SystemExit(f"zoo serve ended: {self.process.stderr.read()}")
        words = line.split()
        self.port = int(words[1].strip("/").rpartition(":")[2])
        self.grpc_port = int(words[words.index("gRPC:") + 1].rpartition(":")[2])

    def __enter__(self) -> Serving:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise SystemExit("the server had not ended 60 s after SIGTERM") from None


def many_clients(way: str, port: int, request: bytes, count: int, seconds: float) -> list[float]:
    """Seconds of every request, by `count` clients that are spread over some processes."""
    processes = min(PROCESSES, count)
    shares = [count // processes + (index < count % processes) for index in range(processes)]
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(processes)
    queue = context.SimpleQueue()
    workers = [
        context.Process(target=client_process, args=(way, port, request, share, seconds, barrier, queue))
        for share in shares
    ]
    for worker in workers:
        worker.start()
    answers = [queue.get() for _ in workers]
    for worker in workers:
        worker.join()
    for answer in answers:
        if isinstance(answer, Exception):
            raise SystemExit(f"{count} clients over {way}: {type(answer).__name__}: {answer}")
    return [value for answer in answers for value in answer]


def client_process(way: str, port: int, request: bytes, count: int, seconds: float, barrier, queue) -> None:
    """Puts the seconds of its clients' requests into the queue, or what went wrong."""
    try:
        queue.put(client_times(way, port, request, count, seconds, barrier))
    except Exception as error:
        barrier.abort()
        queue.put(error)


def client_times(way: str, port: int, request: bytes, count: int, seconds: float, barrier) -> list[float]:
    connect = rest_client if way == "REST" else grpc_client
    asks = [connect(port, request) for _ in range(count)]
    for ask in asks:
        ask()
    times: list[list[float]] = [[] for _ in asks]
    barrier.wait()
    warm = time.perf_counter() + 0.2 * seconds
    end = warm + seconds

    def run(index: int) -> None:
        while (start := time.perf_counter()) < end:
            asks[index]()
            if start >= warm:
                times[index].append(time.perf_counter() - start)

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(run, range(count)))
    return [value for mine in times for value in mine]


def rest_client(port: int, request: bytes):
    """A client of few instructions, so that the server is what is measured."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def received() -> bytes:
        content = connection.recv(65_536)
        if not content:
            raise ConnectionError("the server closed the connection")
        return content

    def ask() -> None:
        connection.sendall(request)
        content = received()
        while b"\r\n\r\n" not in content:
            content += received()
        head, _, body = content.partition(b"\r\n\r\n")
        lacking = int(head.lower().partition(b"content-length: ")[2].split()[0]) - len(body)
        while lacking > 0:
            lacking -= len(received())
        if b" 200 " not in head[:16]:
            raise RuntimeError(content.decode())

    return ask


def grpc_client(port: int, request: bytes):
    import grpc

    channel = grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)])
    call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")  # bytes in, bytes out
    return lambda: call(request, timeout=60)


def summary(times: list[float], seconds: float) -> dict:
    import numpy as np

    values = np.percentile(1000 * np.array(times), PERCENTILES)
    return {f"p{p}": float(value) for p, value in zip(PERCENTILES, values, strict=True)} | {
        "per_second": len(times) / seconds
    }


def show(rows: list[dict], model: str, seconds: float) -> None:
    from rich.console import Console
    from rich.table import Table

    title = f"{model}: milliseconds a request of one image, {seconds:g} s each, {os.cpu_count()} cores"
    table = Table("engine", "way", "batching", title=title)
    for name in ("clients", "p50", "p95", "p99", "requests/s", "of bare", "p99/p50", "p50 over bare"):
        table.add_column(name, justify="right")
    for row in rows:
        batching = {True: "on", False: "off"}.get(row.get("batching"), "")
        over = "" if row.get("overhead_ms") is None else f"{row['overhead_ms']:+.2f}"
        numbers = [f"{row[f'p{p}']:.2f}" for p in PERCENTILES]
        cells = [row["engine"], row["way"], batching, str(row["clients"]), *numbers, f"{row['per_second']:.0f}"]
        cells += [f"{row[key]:.2f}" if key in row else "" for key in ("of_bare", "tail")] + [over]
        table.add_row(*cells)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


if __name__ == "__main__":
    main()
