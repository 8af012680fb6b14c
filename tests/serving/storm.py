"""Clients of every kind at once: good ones, whose answers are checked, and bad ones, who must get their error."""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from tests.serving import artifacts
from tests.serving.clients import Answer, Client
from zoo.datasets import decode_images

HEAD = b"POST /v1/models/net:predict HTTP/1.1\r\nHost: x\r\n"
MALFORMED = (
    b"",
    b"{",
    b'{"instances": [[',
    b"\xff\xfe",
    b"[1, 2]",
    b"[" * 50_000,
    b'{"instances": 3}',
    b'{"inputs": {}}',
)
BOMB = gzip.compress(b"[" * 30_000_000, mtime=0)
WRONG_CHUNKS = (b"zz\r\n{}\r\n", b"-1\r\n{}\r\n", b"2\r\n{}oops\r\n", b"F" * 20 + b"\r\n{}\r\n", b"2;" + b"x" * 99_999)
FLOODS = (b"X: y\r\n" * 500, b"X: " + b"y" * 200_000 + b"\r\n", b"X" * 200_000 + b": y\r\n", b"X\r\n\x00: y\r\n")
WRONG: tuple[object, ...] = ([[1.0, 2.0]], [[["a"]]], [], [{"b64": "AA=="}], [{"other": 1}], [None], [[[[1e999]]]])


class Storm:
    """One client's actions.

    Args:
        port: of HTTP.
        seed: which actions, in which order, with which numbers.
        max_body: the server's limit.
        grpc_port: of gRPC; None leaves it out.
        resized: whether encoded images have any size, and so are resized as Pillow does it.
    """

    def __init__(self, port: int, seed: int, max_body: int, grpc_port: int | None = None, resized: bool = True) -> None:
        self.port, self.max_body, self.rng = port, max_body, np.random.default_rng(seed)
        self.client = Client(port, timeout=60)
        self.resized = resized
        self.done: Counter[str] = Counter()
        self.actions: list[Callable[[], None]] = [
            *(5 * [self.good]), self.good_chunks, self.good_packed, self.encoded, self.malformed, self.wrong_shape,
            self.huge, self.bomb, self.half_sent, self.slow, self.leaving, self.unknown, self.garbage,
            self.wrong_chunks, self.flood,
        ]  # fmt: skip
        self.channel: Any = None
        if grpc_port:
            self.channel, self.stub, self.messages = _stub(grpc_port)
            self.actions += [self.good_grpc, self.bad_grpc]

    def run(self, count: int) -> None:
        """Does `count` things; an `AssertionError` for a wrong answer."""
        for _ in range(count):
            action = self.actions[self.rng.integers(len(self.actions))]
            try:
                action()
            except AssertionError as error:
                raise AssertionError(f"{action.__name__}: {error}") from error
            self.done[action.__name__] += 1
        self.client.close()
        if self.channel is not None:
            self.channel.close()

    def images(self) -> np.ndarray:
        return artifacts.images(int(self.rng.integers(1, 7)), int(self.rng.integers(2**31)))

    def good(self) -> None:
        images = self.images()
        answer = self.client.predict({"instances": images.tolist()})
        assert answer.status == 200, answer.body
        check([row["logits"] for row in answer.json["predictions"]], images)

    def good_chunks(self) -> None:
        images = self.images()
        body, size = json.dumps({"instances": images.tolist()}).encode(), int(self.rng.integers(20, 4000))
        parts = iter([body[start : start + size] for start in range(0, len(body), size)])
        answer = self.client.ask("POST", "/v1/models/net:predict", parts, {"Transfer-Encoding": "chunked"})
        assert answer.status == 200, answer.body
        check([row["logits"] for row in answer.json["predictions"]], images)

    def good_packed(self) -> None:
        images = self.images()
        body = gzip.compress(json.dumps({"instances": images.tolist()}).encode(), mtime=0)
        headers = {"Content-Encoding": "gzip", "Accept-Encoding": "gzip"}
        answer = self.client.ask("POST", "/v1/models/net:predict", body, headers)
        assert answer.status == 200, answer.body
        content = gzip.decompress(answer.body) if "content-encoding" in answer.headers else answer.body
        check([row["logits"] for row in json.loads(content)["predictions"]], images)

    def bomb(self) -> None:
        self.refused(self.client.ask("POST", "/v1/models/net:predict", BOMB, {"Content-Encoding": "gzip"}), 413)

    def wrong_chunks(self) -> None:
        with self.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + self.choice(WRONG_CHUNKS)) as connection:
            self.closed_with(connection, (400, 408, 413, 431))

    def flood(self) -> None:
        with self.send(HEAD + self.choice(FLOODS) + b"\r\n") as connection:
            self.closed_with(connection, (400, 431))

    def slow(self) -> None:
        """A request byte by byte, for longer than the server waits."""
        with self.send(HEAD[:20]) as connection:
            connection.settimeout(0.05)
            for byte in HEAD[20:] + b"X: " + b"y" * 900:
                try:
                    connection.sendall(bytes([byte]))
                    content = connection.recv(65_536)
                    break
                except TimeoutError:
                    continue
                except ConnectionError:
                    return
        assert not content or int(content.split()[1]) == 408

    def closed_with(self, connection: socket.socket, statuses: tuple[int, ...]) -> None:
        """The server answers with one of these and closes; its closing may outrun the answer while more is sent."""
        content = b""
        try:
            while part := connection.recv(65_536):
                content += part
        except ConnectionResetError:
            return
        assert not content or int(content.split()[1]) in statuses, content[:200]

    def encoded(self) -> None:
        file = io.BytesIO()
        sides = tuple(self.rng.integers(2, 30, 2)) if self.resized else artifacts.SHAPE[:2]
        Image.fromarray(self.rng.integers(0, 256, sides, dtype=np.uint8)).save(file, "PNG")
        value = {"b64": base64.b64encode(file.getvalue()).decode()}
        answer = self.client.predict({"signature_name": "serving_bytes", "instances": [value]})
        assert answer.status == 200, answer.body
        images = decode_images([file.getvalue()], artifacts.SHAPE)
        check([row["logits"] for row in answer.json["predictions"]], images)

    def malformed(self) -> None:
        self.refused(self.client.predict(self.choice(MALFORMED)))

    def wrong_shape(self) -> None:
        self.refused(self.client.predict(json.dumps({"instances": self.choice(WRONG)}).encode()))

    def unknown(self) -> None:
        self.refused(self.client.predict({"instances": [1]}, "/v1/models/other"), 404)

    def huge(self) -> None:
        client = Client(self.port, timeout=60)
        self.refused(client.predict(b" " * int(self.max_body * self.rng.uniform(1.01, 3))), 413)
        client.close()

    def half_sent(self) -> None:
        """The first bytes of a request, and then nothing more."""
        body = b'{"instances": [[1, 2'
        with self.send(HEAD + b"Content-Length: 500\r\n\r\n" + body) as connection:
            if self.rng.random() < 0.7:
                connection.shutdown(socket.SHUT_WR)
            content = b""
            while part := connection.recv(65_536):
                content += part
        assert int(content.split()[1]) in (400, 408)
        assert list(json.loads(content.partition(b"\r\n\r\n")[2])) == ["error"]

    def leaving(self) -> None:
        """A client that goes away in the middle of its request, or without waiting for the answer."""
        body = json.dumps({"instances": self.images().tolist()}).encode()
        request = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
        self.send(request[: int(self.rng.integers(1, len(request) + 1))]).close()

    def garbage(self) -> None:
        with self.send(self.rng.bytes(int(self.rng.integers(1, 300))) + b"\n\r\n") as connection:
            connection.shutdown(socket.SHUT_WR)
            try:
                content = connection.recv(65_536)
            except ConnectionResetError:
                return
        assert not content or 400 <= int(content.split()[1]) < 500

    def good_grpc(self) -> None:
        import tensorflow as tf

        images = self.images()
        request = self.messages.PredictRequest()
        request.model_spec.name = "net"
        request.inputs["image"].CopyFrom(tf.make_tensor_proto(images))
        response = self.stub.Predict(request, timeout=60)
        check(tf.make_ndarray(response.outputs["logits"]), images)

    def bad_grpc(self) -> None:
        import grpc
        import tensorflow as tf

        request = self.messages.PredictRequest()
        request.model_spec.name = "net"
        request.inputs["image"].CopyFrom(tf.make_tensor_proto(np.zeros((1, int(self.rng.integers(1, 9))), np.float32)))
        try:
            self.stub.Predict(request, timeout=60)
        except grpc.RpcError as error:
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        else:
            raise AssertionError("a wrong shape was accepted")

    def send(self, content: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        with contextlib.suppress(ConnectionError):  # the server may refuse it before its end
            connection.sendall(content)
        return connection

    def choice(self, values):
        return values[int(self.rng.integers(len(values)))]

    @staticmethod
    def refused(answer: Answer, status: int = 400) -> None:
        assert answer.status == status and answer.error


def check(logits, images: np.ndarray) -> None:
    np.testing.assert_allclose(logits, artifacts.expected(images)["logits"], rtol=1e-4, atol=1e-5)


def storm(clients: int, count: int, *, seed: int = 0, **options) -> tuple[Counter[str], list[BaseException]]:
    """Runs many clients at once, whose seeds begin at `seed`; what they did, and what went wrong."""
    storms = [Storm(seed=number, **options) for number in range(seed, seed + clients)]
    faults: list[BaseException] = []

    def run(one: Storm) -> None:
        try:
            one.run(count)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in storms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum((one.done for one in storms), Counter()), faults


def _stub(port: int):
    import grpc
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    channel = grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)])
    return channel, prediction_service_pb2_grpc.PredictionServiceStub(channel), predict_pb2
