"""Weights whose files are not shipped: found in the cache or fetched by the card's URLs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import keras
import numpy as np
import pytest

from zoo.hub import download, loading, paths, source, verifying

from .conftest import values

pytestmark = pytest.mark.once

FILES = ("model.safetensors", "head.safetensors", "golden.npz", "history.csv")


@pytest.fixture
def asked(published: Path, tmp_path: Path) -> Iterator[list[str]]:
    """Moves the files of `toy_w4_shelf.v1` behind an HTTP server and lists what is asked of it."""
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path.lstrip("/"))
            data = (tmp_path / "remote" / requests[-1]).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    (tmp_path / "remote").mkdir()
    card = json.loads((published / "card.json").read_text())
    for name in FILES:
        (published / name).rename(tmp_path / "remote" / name)
        card["files"][name]["urls"] = [f"http://127.0.0.1:{server.server_address[1]}/{name}"]
    (published / "card.json").write_text(json.dumps(card))
    yield requests
    server.shutdown()
    server.server_close()


def test_files_come_from_the_url_once_and_then_from_the_cache(asked: list[str], toy: keras.Model) -> None:
    model = loading.load("toy_w4_shelf", compile=False)
    assert np.array_equal(values(model)["conv/kernel"], values(toy)["conv/kernel"])
    assert asked == ["model.safetensors", "head.safetensors"]
    loading.load("toy_w4_shelf.v1", compile=False)
    loading.load("toy_w4_shelf", num_classes=9, compile=False)
    assert len(asked) == 2
    assert verifying.verify("toy_w4_shelf")[0].ok
    assert sorted(asked) == sorted(FILES)


def test_only_the_needed_file_is_fetched(asked: list[str]) -> None:
    loading.load("toy_w4_shelf", num_classes=9, compile=False)
    loading.load("toy_w4_shelf", include_head=False, compile=False)
    assert asked == ["model.safetensors"]


def test_a_bad_file_in_the_cache_is_fetched_again(asked: list[str]) -> None:
    loading.load("toy_w4_shelf", compile=False)
    cached = paths.cache_root() / "toy_w4_shelf" / "v1" / "model.safetensors"
    cached.write_bytes(cached.read_bytes()[:-1])
    loading.load("toy_w4_shelf", compile=False)
    assert asked.count("model.safetensors") == 2


def test_a_bad_file_on_the_server_gives_no_model(asked: list[str], tmp_path: Path) -> None:
    remote = tmp_path / "remote" / "model.safetensors"
    data = bytearray(remote.read_bytes())
    data[-1] ^= 1
    remote.write_bytes(bytes(data))
    with pytest.raises(OSError, match="it was discarded"):
        loading.load("toy_w4_shelf")
    assert not list(paths.cache_root().rglob("*.safetensors")) and not list(paths.cache_root().rglob("*.part"))
    assert not verifying.verify("toy_w4_shelf")[0].ok


def test_a_file_put_into_the_cache_by_hand_is_found(asked: list[str], tmp_path: Path) -> None:
    folder = paths.cache_root() / "toy_w4_shelf" / "v1"
    folder.mkdir(parents=True)
    for name in FILES:
        (tmp_path / "remote" / name).rename(folder / name)
    assert verifying.verify("toy_w4_shelf")[0].ok
    assert asked == []


def test_an_unwritable_cache_is_said_and_does_not_disturb_shipped_files(
    asked: list[str], tmp_path: Path, published: Path
) -> None:
    (tmp_path / "cache").write_text("not a folder")
    with pytest.raises(OSError, match="cannot write to the cache folder.*set ZOO_CACHE"):
        loading.load("toy_w4_shelf")
    assert asked == []
    for name in FILES:
        (tmp_path / "remote" / name).rename(published / name)
    loading.load("toy_w4_shelf", compile=False)


def test_roots(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert paths.weights_root() == tmp_path / "weights" and paths.cache_root() == tmp_path / "cache"
    monkeypatch.delenv("ZOO_WEIGHTS")
    monkeypatch.setenv("ZOO_CACHE", "~/zoo")
    package = Path(source.__file__).parent.parent
    assert paths.weights_root() in (package / "weights", package.parent / "weights")
    assert paths.cache_root() == Path.home() / "zoo"
    monkeypatch.delenv("ZOO_CACHE")
    assert paths.cache_root().is_absolute() and "zoo" in paths.cache_root().parts


@pytest.mark.parametrize("fault", ["cannot be removed", "cannot be read", "cannot be seen"])
def test_an_unusable_file_in_the_cache_blocks_no_shipped_one(
    fault: str, published: Path, toy: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache shared by several users: damaged files that this one may not remove, or files of somebody else's."""

    def refuse(path: Path, *args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    cached = paths.cache_root() / "toy_w4_shelf" / "v1" / "model.safetensors"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"broken off" if fault == "cannot be removed" else (published / cached.name).read_bytes())
    if fault == "cannot be removed":
        monkeypatch.setattr(Path, "unlink", refuse)
    elif fault == "cannot be read":
        monkeypatch.setattr(download, "file_sha256", refuse)
    else:
        plain = Path.is_file
        monkeypatch.setattr(Path, "is_file", lambda path: refuse(path) if path == cached else plain(path))
    assert np.array_equal(values(loading.load("toy_w4_shelf"))["conv/kernel"], values(toy)["conv/kernel"])
