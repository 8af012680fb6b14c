from __future__ import annotations

import gzip
import json
import socket
import threading
import time
import zlib

import pytest

from tests.serving import artifacts
from tests.serving.clients import Client

pytestmark = pytest.mark.once


BODY = json.dumps({"instances": artifacts.images(1).tolist()}).encode()
HEAD = b"POST /v1/models/net:predict HTTP/1.1\r\nHost: x\r\n"


def read_all(connection: socket.socket) -> bytes:
    """Everything until the server closes."""
    content = b""
    while part := connection.recv(65_536):
        content += part
    return content


def answer_of(connection: socket.socket) -> tuple[int, dict]:
    """Status and JSON of the only answer before the server closes."""
    head, _, body = read_all(connection).partition(b"\r\n\r\n")
    assert b"Content-Type: application/json" in head and b"Connection: close" in head
    return int(head.split()[1]), json.loads(body)


def test_a_connection_serves_many_requests(client):
    assert client.predict(BODY).status == 200
    used = client.connection.sock
    assert client.predict(b"{").status == 400 and client.get("/healthz").status == 200
    assert client.predict(BODY).status == 200 and client.connection.sock is used


def test_requests_may_follow_without_waiting(raw):
    request = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
    closing = request.replace(b"Host: x\r\n", b"Host: x\r\nConnection: close\r\n")
    assert read_all(raw(request + request + closing)).count(b"HTTP/1.1 200 OK") == 3


def test_an_old_client_is_told_that_the_connection_stays(raw):
    connection = raw(b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert b"Connection: keep-alive" in connection.recv(65_536)
    connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert read_all(connection).startswith(b"HTTP/1.0 200 OK")  # and the connection is closed


@pytest.mark.parametrize("path", [b"/healthz", b"/v1/models/net", b"/v1/models/net/metadata"])
def test_head_has_no_body(raw, path):
    content = read_all(raw(b"HEAD " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    assert content.startswith(b"HTTP/1.1 200 OK") and content.endswith(b"\r\n\r\n")


def test_a_client_that_asks_before_it_sends(raw):
    connection = raw(HEAD + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY))
    assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(BODY)
    assert b"HTTP/1.1 200 OK" in read_all(connection)


@pytest.mark.parametrize(
    ("head", "status", "message"),
    [
        (b"Content-Length: 100001\r\n", 413, "at most 100000 bytes"),
        (b"Content-Length: 100001\r\nExpect: 100-continue\r\n", 413, "at most 100000 bytes"),
        (b"Content-Length: 999999999999999999\r\n", 413, "at most 100000 bytes"),
        (b"Content-Length: 99999999999999999999999\r\n", 400, "Malformed request"),
        (b"Content-Length: -1\r\n", 400, "Malformed request"),
        (b"Content-Length: 1_0\r\n", 400, "Malformed request"),
        (b"Content-Length: 3\r\nContent-Length: 4\r\n", 400, "Malformed request"),
        (b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", 400, "Malformed request"),
        (b"Transfer-Encoding: gzip\r\n", 400, "Malformed request"),
        (b"", 411, "needs a Content-Length, or a body in chunks"),
        (b"Content-Length: 3\r\nContent-Encoding: br\r\n", 415, "gzip or deflate are accepted; got 'br'"),
        (b"X: " + b"x" * 70_000 + b"\r\n", 431, "Malformed request"),
        (b"X: y\r\n" * 200, 431, "Too many headers"),
        (b"X\x00: y\r\n", 400, "Malformed request"),
    ],
)
def test_what_cannot_be_read_is_refused(raw, head, status, message):
    code, answer = answer_of(raw(HEAD + head + b"\r\n"))
    assert code == status and list(answer) == ["error"] and message in answer["error"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"BREW /pot HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
    ],
)
def test_what_is_no_request(raw, content, status):
    content = read_all(raw(content))
    assert int(content.split()[1]) == status and b'{"error": ' in content


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n"


def chunks(body: bytes, size: int) -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_body_in_chunks(raw, size):
    assert b"200 OK" in read_all(raw(CHUNKED + b"Connection: close\r\n\r\n" + chunks(BODY, size))).splitlines()[0]


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", "deflate"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_packed_body(client, coding, chunked):
    packed = (
        zlib.compress(BODY)
        if coding == "deflate"
        else gzip.compress(BODY[:20], mtime=0) + gzip.compress(BODY[20:], mtime=0)
    )
    headers = {"Content-Encoding": coding} | ({"Transfer-Encoding": "chunked"} if chunked else {})
    body = iter([packed[:9], packed[9:]]) if chunked else packed
    client.connection.request("POST", "/v1/models/net:predict", body, headers, encode_chunked=chunked)
    response = client.connection.getresponse()
    assert response.status == 200 and len(json.loads(response.read())["predictions"]) == 1


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (gzip.compress(b" " * 100_001, mtime=0), 413, "at most 100000 bytes is accepted; it unpacks to more"),
        (gzip.compress(b" " * 60_000, mtime=0) * 2, 413, "it unpacks to more"),
        (gzip.compress(b" " * 50_000_000, mtime=0), 413, "it unpacks to more"),
        (gzip.compress(BODY, mtime=0)[:-9], 400, "cannot be unpacked: it ends too early"),
        (gzip.compress(BODY, mtime=0) + b"rest", 400, "cannot be unpacked"),
        (BODY, 400, "cannot be unpacked"),
    ],
)
def test_packed_bodies_that_are_refused(client, content, status, message):
    answer = client.ask("POST", "/v1/models/net:predict", content, {"Content-Encoding": "gzip"})
    assert answer.status == status and message in answer.error
    assert client.predict(BODY).status == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"zz\r\n{}\r\n", 400),
        (b"-1\r\n{}\r\n", 400),
        (b"2\r\n{}oops\r\n", 400),
        (b"FFFFFFFFFFFFFFFFFF\r\n{}\r\n", 400),
        (b"186a1\r\n" + b" " * 100_001, 413),
        (b"2\r\n{}\r\n", 408),
    ],
)
def test_chunks_that_are_wrong(raw, body, status):
    code, answer = answer_of(raw(CHUNKED + b"\r\n" + body))
    assert code == status and list(answer) == ["error"]


def test_an_answer_is_packed_on_request(client):
    body = {"instances": artifacts.images(40).tolist()}
    plain = client.predict(body)
    assert "content-encoding" not in plain.headers and plain.headers["vary"] == "Accept-Encoding"
    for accepted, packed in [("gzip", True), ("br, GZIP;q=0.5", True), ("gzip;q=0", False), ("br", False)]:
        answer = client.ask("POST", "/v1/models/net:predict", body, {"Accept-Encoding": accepted})
        assert (answer.headers.get("content-encoding") == "gzip") == packed
        assert (gzip.decompress(answer.body) if packed else answer.body) == plain.body
    small = client.ask("GET", "/healthz", None, {"Accept-Encoding": "gzip"})
    assert small.json == {"status": "ok"} and "content-encoding" not in small.headers


ORIGIN = {"Origin": "http://localhost:3000"}
PREFLIGHT = ORIGIN | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}


def test_other_origins(start, models):
    client = Client(start(model_dir=models, allow_origins=("http://localhost:3000",)).port)
    answer = client.ask("OPTIONS", "/v1/models/net:predict", None, PREFLIGHT)
    assert answer.status == 204 and answer.body == b""
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "content-type"
    for status, body in [(200, BODY), (400, b"{")]:
        answer = client.ask("POST", "/v1/models/net:predict", body, ORIGIN)
        assert answer.status == status and answer.headers["vary"].startswith("Origin")
        assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    answer = client.ask("OPTIONS", "/v1/models/net:predict", None, PREFLIGHT | {"Origin": "http://evil.example"})
    assert answer.status == 204 and not any(name.startswith("access-control") for name in answer.headers)
    client.close()


def test_no_origin_is_allowed_unless_it_is_named(client):
    answer = client.ask("OPTIONS", "/v1/models/net:predict", None, PREFLIGHT)
    assert answer.status == 204 and answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    assert not any(name.startswith("access-control") for name in answer.headers)


def test_a_huge_body_gets_its_answer_although_it_is_sent_first(shared):
    """The server reads the rest away; closing at once would destroy the answer on its way."""
    client = Client(shared.port)
    answer = client.predict(b"x" * 5_000_000)
    assert answer.status == 413 and "at most 100000 bytes" in answer.error


@pytest.mark.parametrize(
    "part", [b"PO", HEAD, HEAD + b"Content-Length: 500\r\n\r\n", HEAD + b"Content-Length: 500\r\n\r\n{"]
)
def test_half_a_request_times_out(raw, part):
    status, answer = answer_of(raw(part))
    assert status == 408 and answer["error"] == "the request did not arrive within 0.5 seconds"


def test_bytes_that_trickle_in_do_not_prolong_the_time(raw):
    connection = raw(HEAD + b"Content-Length: 500\r\n\r\n")
    stop = threading.Event()

    def trickle() -> None:
        while not stop.wait(0.05):
            try:
                connection.sendall(b" ")
            except OSError:
                return

    thread = threading.Thread(target=trickle)
    thread.start()
    start = time.monotonic()
    assert b" 408 " in connection.recv(65_536) and time.monotonic() - start < 5
    stop.set()
    thread.join()


def test_half_a_request_that_ends(raw):
    connection = raw(HEAD + b"Content-Length: 500\r\n\r\n{")
    connection.shutdown(socket.SHUT_WR)
    status, answer = answer_of(connection)
    assert status == 400 and answer["error"] == "the request ended before its body did"


def test_a_client_that_ends_its_side_after_a_whole_request_is_answered(raw):
    connection = raw(HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY)
    connection.shutdown(socket.SHUT_WR)
    assert read_all(connection).startswith(b"HTTP/1.1 200 OK")


def test_clients_that_leave_do_no_harm(raw, client):
    for part in (b"", b"PO", HEAD, HEAD + b"Content-Length: 500\r\n\r\n{", HEAD + b"Content-Length: 2\r\n\r\n{}"):
        raw(part).close()
    assert client.predict(BODY).status == 200


def test_one_connection_too_many(start, models):
    server = start(model_dir=models, max_connections=2)
    first, second, third = (Client(server.port) for _ in range(3))
    assert first.get("/healthz").status == second.get("/healthz").status == 200
    answer = third.get("/healthz")
    assert answer.status == 503 and answer.headers["retry-after"] == "1" and answer.headers["connection"] == "close"
    first.close()
    deadline = time.monotonic() + 5
    while (status := third.get("/healthz").status) == 503 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert status == 200
    for client in (second, third):
        client.close()


def test_an_idle_connection_is_closed(start, models):
    server = start(model_dir=models, idle_seconds=0.2)
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=5)
    assert connection.recv(10) == b""
    connection.close()


def test_one_request_too_many(start, models, monkeypatch):
    server = start(model_dir=models, max_requests=1)
    entered, go = threading.Event(), threading.Event()
    version = server.service.model("net")._available[2]
    run = version.runner.run

    def held_up(*arguments):
        entered.set()
        assert go.wait(10)
        return run(*arguments)

    monkeypatch.setattr(version.runner, "run", held_up)
    first, second = Client(server.port), Client(server.port)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(first.predict(BODY)))
    thread.start()
    assert entered.wait(5)
    answer = second.predict(BODY)
    assert answer.status == 503 and answer.headers["retry-after"] == "1" and "try again later" in answer.error
    assert second.get("/healthz").status == 200
    go.set()
    thread.join(5)
    assert answers[0].status == second.predict(BODY).status == 200
    first.close(), second.close()


def test_an_error_of_the_server_is_told_without_its_details(start, models, monkeypatch, caplog):
    server = start(model_dir=models)
    version = server.service.model("net")._available[2]
    client = Client(server.port)

    def broken(*_):
        raise RuntimeError("secret")

    with monkeypatch.context() as patch:
        patch.setattr(version.runner, "run", broken)
        answer = client.predict(BODY)
    assert answer.status == 500 and "secret" not in answer.error and "secret" in caplog.text
    assert client.predict(BODY).status == 200
    client.close()
