from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from zoo.hub import download
from zoo.hub.download import RetryPolicy, fetch

from . import server as http

pytestmark = pytest.mark.once


CONTENT = np.random.default_rng(0).integers(0, 256, 200_000, dtype="uint8").tobytes()
SHA256 = hashlib.sha256(CONTENT).hexdigest()
CHUNK = download._CHUNK  # what is received of a chunk is lost when the connection breaks inside it
HASTY = RetryPolicy(connect=2, read=0.4, attempts=3, pause=0.01)


@pytest.fixture
def server() -> Iterator[http.Server]:
    with http.serve(CONTENT) as running:
        yield running


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "net" / "v1" / "model.safetensors"


def get(server: http.Server, target: Path, *paths: str) -> Path:
    urls = [f"{server.url}/{path}" for path in paths or ("file",)]
    return fetch(urls, target, size=len(CONTENT), sha256=SHA256, patience=HASTY)


def check(target: Path) -> None:
    assert target.read_bytes() == CONTENT
    assert {path.name for path in target.parent.iterdir()} <= {target.name, target.name + ".lock"}


def refused(server: http.Server, target: Path, *paths: str) -> str:
    with pytest.raises(OSError, match="could not download model.safetensors") as error:
        get(server, target, *paths)
    assert not target.exists()
    assert f"put it at {target} (SHA-256 {SHA256})" in str(error.value)
    assert f"{server.url}/" in str(error.value)
    return str(error.value)


def test_a_file_is_downloaded_once(server: http.Server, target: Path) -> None:
    assert get(server, target) == target
    check(target)
    get(server, target)
    assert server.requests == [("/file", None)]


def test_a_file_that_is_there_needs_no_server(target: Path) -> None:
    target.parent.mkdir(parents=True)
    target.write_bytes(CONTENT)
    assert fetch(["http://127.0.0.1:9/x"], target, size=len(CONTENT), sha256=SHA256) == target
    assert [path.name for path in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize("wrong", [CONTENT[:-1], CONTENT[:-1] + b"?", b"", CONTENT + b"?"])
def test_a_bad_file_in_the_cache_is_replaced(server: http.Server, target: Path, wrong: bytes) -> None:
    target.parent.mkdir(parents=True)
    target.write_bytes(wrong)
    get(server, target)
    check(target)
    assert len(server.requests) == 1


@pytest.mark.parametrize("announce", [True, False])
def test_a_broken_transfer_is_resumed(server: http.Server, target: Path, announce: bool) -> None:
    server.script = [http.truncated(7 * CHUNK, announce=announce)]
    get(server, target)
    check(target)
    (_, first), (_, second) = server.requests
    assert first is None and second == "bytes=114688-"
    assert server.sent == len(CONTENT)


def test_a_part_of_an_earlier_run_is_resumed(server: http.Server, target: Path) -> None:
    server.script = [http.truncated(3 * CHUNK), http.truncated(3 * CHUNK), http.status(404)]
    text = refused(server, target)
    assert "HTTP status 404" in text
    part = target.with_name(target.name + ".part")
    assert part.read_bytes() == CONTENT[: 6 * CHUNK]
    get(server, target)
    check(target)
    assert [wanted for _, wanted in server.requests] == [None, "bytes=49152-", "bytes=98304-", "bytes=98304-"]
    assert server.sent == len(CONTENT)


def test_a_complete_part_needs_no_request(server: http.Server, target: Path) -> None:
    target.parent.mkdir(parents=True)
    target.with_name(target.name + ".part").write_bytes(CONTENT)
    get(server, target)
    check(target)
    assert server.requests == []


@pytest.mark.parametrize("manner", [http.without_range, http.shifted_range, http.status(416)])
def test_a_server_that_mishandles_ranges(server: http.Server, target: Path, manner: http.Manner) -> None:
    server.script = [http.truncated(4 * CHUNK), manner]
    get(server, target)
    check(target)


@pytest.mark.parametrize("part", [b"\0" * 1000, b"\0" * len(CONTENT), b"\0" * (len(CONTENT) + 1)])
def test_a_spoilt_part_is_thrown_away(server: http.Server, target: Path, part: bytes) -> None:
    target.parent.mkdir(parents=True)
    target.with_name(target.name + ".part").write_bytes(part)
    get(server, target)
    check(target)


def test_a_corrupted_file_is_never_kept(server: http.Server, target: Path) -> None:
    server.script = [http.corrupted] * 9
    text = refused(server, target)
    assert f"expected {SHA256}; it was discarded" in text
    assert len(server.requests) == 1
    assert [path.name for path in target.parent.iterdir() if path.suffix != ".lock"] == []


def test_a_short_file_is_never_kept(server: http.Server, target: Path) -> None:
    server.script = [http.truncated(10, announce=False)] * 3
    text = refused(server, target)
    assert "closed the connection after 30 of 200,000 bytes (gave up after 3 attempts)" in text


@pytest.mark.parametrize(("manner", "message"), [(http.too_long, "sent more"), (http.another_file, "offers 5 bytes")])
def test_a_file_of_another_size(server: http.Server, target: Path, manner: http.Manner, message: str) -> None:
    server.script = [manner]
    assert message in refused(server, target)
    assert not target.with_name(target.name + ".part").exists()


def test_a_stalled_server_is_given_up_and_resumed(server: http.Server, target: Path) -> None:
    server.script = [http.stalled(6 * CHUNK)]
    get(server, target)
    check(target)
    assert [wanted for _, wanted in server.requests] == [None, "bytes=98304-"]


def test_a_server_that_always_stalls_is_an_error(server: http.Server, target: Path) -> None:
    server.script = [http.stalled(0)] * 3
    text = refused(server, target)
    assert "the server stayed silent for 0.4 s; 0 of 200,000 bytes received (gave up after 3 attempts)" in text


def test_redirects_are_followed(server: http.Server, target: Path) -> None:
    server.script = [http.redirect("/elsewhere"), http.truncated(4 * CHUNK), http.redirect("/elsewhere")]
    get(server, target)
    check(target)
    assert server.requests[-1] == ("/elsewhere", "bytes=65536-")
    assert server.sent == len(CONTENT)


def test_a_circle_of_redirects_is_an_error(server: http.Server, target: Path) -> None:
    server.script = [http.redirect("/file")] * 40
    assert "too many redirects" in refused(server, target)


def test_the_next_url_is_tried(server: http.Server, target: Path) -> None:
    server.script = [http.status(404), http.corrupted]
    get(server, target, "gone", "bad", "good")
    check(target)
    assert [path for path, _ in server.requests] == ["/gone", "/bad", "/good"]


def test_a_part_goes_on_at_the_next_url(server: http.Server, target: Path) -> None:
    server.script = [http.truncated(9 * CHUNK), http.status(403)]
    get(server, target, "first", "second")
    check(target)
    assert server.requests[-1] == ("/second", "bytes=147456-")


def test_every_url_is_named_when_all_fail(server: http.Server, target: Path) -> None:
    server.script = [http.status(404), http.status(503), http.status(503), http.status(503)]
    text = refused(server, target, "a", "b")
    assert f"{server.url}/a: HTTP status 404 (Not Found)\n" in text
    assert f"{server.url}/b: HTTP status 503 (Service Unavailable) (gave up after 3 attempts)" in text
    assert len(server.requests) == 4


def test_a_busy_server_is_asked_again(server: http.Server, target: Path) -> None:
    server.script = [http.status(503), http.status(429)]
    get(server, target)
    check(target)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "nonsense", "http://"])
def test_a_bad_url_is_named(target: Path, url: str) -> None:
    with pytest.raises(OSError, match=f"{url}: not a usable URL"):
        fetch([url], target, size=1, sha256=SHA256, patience=HASTY)


def test_nobody_listens(target: Path) -> None:
    with http.serve(b"") as gone:
        url = gone.url
    with pytest.raises(OSError, match="Connection.*gave up after 3 attempts"):
        fetch([url], target, size=1, sha256=SHA256, patience=HASTY)


def test_an_unwritable_cache_is_an_error_before_any_request(server: http.Server, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file stands where the folder should be")
    with pytest.raises(OSError, match=f"cannot write to the cache folder {tmp_path}.*set ZOO_CACHE"):
        get(server, tmp_path / "cache" / "net" / "model.safetensors")
    assert server.requests == []


def test_threads_share_one_download(server: http.Server, target: Path) -> None:
    server.script = [http.slow]
    facts = {"size": len(CONTENT), "sha256": SHA256}
    threads = [threading.Thread(target=fetch, args=([server.url], target), kwargs=facts) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    check(target)
    assert len(server.requests) == 1


def test_processes_share_one_download(server: http.Server, target: Path) -> None:
    server.script = [http.slow]
    code = (
        "import importlib.util, pathlib, sys\n"
        "spec = importlib.util.spec_from_file_location('download', sys.argv[1])\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "sys.modules['download'] = module\n"
        "spec.loader.exec_module(module)\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        f"module.fetch([sys.argv[2]], pathlib.Path(sys.argv[3]), size={len(CONTENT)}, sha256={SHA256!r})\n"
    )
    command = [sys.executable, "-c", code, download.__file__, f"{server.url}/file", str(target)]
    pipe = subprocess.PIPE
    children = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    for child in children:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
    for child in children:
        child.communicate("go\n", timeout=20)
    assert [child.returncode for child in children] == [0, 0]
    check(target)
    assert len(server.requests) == 1


class Terminal:
    """Standard error that says it is a terminal."""

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


def test_a_bar_is_drawn_on_a_terminal_only(
    server: http.Server, target: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    get(server, target)
    assert capfd.readouterr() == ("", "")
    target.unlink()
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    get(server, target)
    assert "model.safetensors" in terminal.text and "200.0/200.0 kB" in terminal.text
