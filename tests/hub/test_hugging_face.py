"""Addresses hf://, against a Hub on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import safetensors.numpy

from zoo.cli import main
from zoo.hub import converting, loading, names, pushing, saving, source, starting, verifying

from . import hub_server
from .conftest import randomise, values

pytestmark = pytest.mark.once

huggingface_hub = pytest.importorskip("huggingface_hub")
from huggingface_hub import constants, file_download  # noqa: E402
from huggingface_hub.utils import _http  # noqa: E402

ADDRESS = "hf://me/shelf"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[hub_server.Hub]:
    with hub_server.serve() as running:
        # As the variables of the environment do, which the client reads once, when it is imported.
        monkeypatch.setattr(constants, "ENDPOINT", running.url)
        template = running.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no_token"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
        for module in (file_download, _http):  # the client waits between its attempts
            monkeypatch.setattr(module, "time", SimpleNamespace(sleep=lambda seconds: None))
        monkeypatch.setenv("HF_TOKEN", hub_server.TOKEN)
        yield running
        huggingface_hub.close_session()


@pytest.fixture
def pushed(hub: hub_server.Hub, toy: keras.Model) -> hub_server.Repository:
    pushing.push(toy, ADDRESS)
    return hub.repositories["me/shelf"]


def same(model: keras.Model, other: keras.Model) -> None:
    ours, theirs = values(model), values(other)
    assert ours.keys() == theirs.keys()
    for path, value in ours.items():
        assert np.array_equal(value, theirs[path]), path


def refused(error: type[Exception], *words: str, address: str = ADDRESS) -> str:
    with pytest.raises(error) as caught:
        loading.load(address, compile=False)
    for word in words:
        assert word in str(caught.value)
    return str(caught.value)


def test_a_pushed_model_loads_equal(pushed: hub_server.Repository, toy: keras.Model) -> None:
    model = loading.load(ADDRESS, compile=False)
    same(model, toy)
    assert model.labels == toy.labels
    assert verifying.verify(ADDRESS)[0].ok


def test_the_repository_holds_one_plain_file_of_weights(pushed: hub_server.Repository, toy: keras.Model) -> None:
    files = pushed.commits[pushed.branches["main"]]
    assert set(files) == {".gitattributes", "README.md", "card.json", "golden.npz", "model.safetensors"}
    tensors = safetensors.numpy.load(files["model.safetensors"])
    assert tensors.keys() == values(toy).keys()


def test_mostly_zero_weights_are_not_packed(hub: hub_server.Hub, toy: keras.Model, tmp_path: Path) -> None:
    kernel = toy.get_layer("conv").kernel
    kernel.assign(np.where(np.arange(kernel.shape[-1]) < 1, kernel, 0))
    local = saving.save(toy, tmp_path / "saved")
    assert source.card(local).files["model.safetensors"].format == "packed"
    pushing.push(local, ADDRESS)
    files = hub.repositories["me/shelf"].commits[hub.repositories["me/shelf"].branches["main"]]
    assert safetensors.numpy.load(files["model.safetensors"])["conv/kernel"].shape == kernel.shape
    same(loading.load(ADDRESS, compile=False), toy)


def test_published_weights_keep_their_card_and_history(hub: hub_server.Hub, published: Path) -> None:
    address = pushing.push("toy_w4_shelf.v1", ADDRESS, message="first")
    repository = hub.repositories["me/shelf"]
    assert repository.messages[-1] == "first" and not repository.private
    files = repository.commits[address.partition("@")[2]]
    assert files["history.csv"] == (published / "history.csv").read_bytes()
    old, new = source.card("toy_w4_shelf").to_dict(), source.card(ADDRESS).to_dict()
    assert old.pop("files").keys() - {"head.safetensors"} == new.pop("files").keys()
    assert old == new


def test_the_readme_has_the_header_of_the_hub(hub: hub_server.Hub, published: Path) -> None:
    address = pushing.push("toy_w4_shelf", ADDRESS)
    text = hub.repositories["me/shelf"].commits[address.partition("@")[2]]["README.md"].decode()
    data = huggingface_hub.ModelCard(text).data
    assert (data.library_name, data.license, data.pipeline_tag) == ("zoo", "apache-2.0", "image-classification")
    assert data.datasets == ["toys"] and data.metrics == ["error"] and "keras" in data.tags
    (result,) = data.eval_results
    assert (result.metric_type, result.metric_value, result.dataset_split) == ("error", 1.5, "test")
    assert f'zoo.load("{ADDRESS}")' in text and "bear, car, doll" in text and "| error | test | 1.5 % |" in text


def test_a_revision_is_a_commit_or_a_branch(hub: hub_server.Hub, toy: keras.Model) -> None:
    first = pushing.push(toy, ADDRESS)
    other = randomise(loading.build("toy_w4_shelf"), 5)
    assert pushing.push(other, f"{ADDRESS}@wip/5") != first
    same(loading.load(ADDRESS, compile=False), toy)
    same(loading.load(f"{ADDRESS}@wip/5", compile=False), other)
    same(loading.load(first, compile=False), toy)
    pushing.push(other, ADDRESS)
    same(loading.load(ADDRESS, compile=False), other)
    same(loading.load(first, compile=False), toy)


def test_everything_that_takes_a_folder_takes_an_address(pushed: hub_server.Repository, toy: keras.Model) -> None:
    same(loading.load("toy_w4_shelf", weights=ADDRESS, compile=False), toy)
    assert loading.load(ADDRESS, num_classes=9, compile=False).output_shape == (None, 9)
    assert loading.load(ADDRESS, include_head=False, compile=False).output_shape == (None, 4)
    assert source.card(ADDRESS).name == "toy_w4_shelf"
    assert source.asset(ADDRESS, "golden.npz").is_file()
    assert set(starting.start_facts(ADDRESS)["sha256"]) == {"model.safetensors"}
    fresh = loading.build("toy_w4_shelf")
    starting.start_from(fresh, ADDRESS)
    same(fresh, toy)
    assert pushing.push(ADDRESS, "hf://me/copy").startswith("hf://me/copy@")


def test_a_keras_file_is_pushed_too(hub: hub_server.Hub, toy: keras.Model, tmp_path: Path) -> None:
    toy.save(tmp_path / "best.keras")
    pushing.push(tmp_path / "best.keras", ADDRESS)
    same(loading.load(ADDRESS, compile=False), toy)


def test_files_are_downloaded_once(pushed: hub_server.Repository, hub: hub_server.Hub) -> None:
    loading.load(ADDRESS, compile=False)
    del hub.requests[:]
    loading.load(ADDRESS, compile=False)
    assert hub.requests == [("HEAD", "/me/shelf/resolve/main/card.json")]


def test_offline_after_one_load(
    pushed: hub_server.Repository, hub: hub_server.Hub, toy: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    loading.load(ADDRESS, compile=False)
    del hub.requests[:]
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    same(loading.load(ADDRESS, compile=False), toy)
    assert hub.requests == []
    refused(OSError, "HF_HUB_OFFLINE", "hf://me/other", str(constants.HF_HUB_CACHE), address="hf://me/other")
    with pytest.raises(OSError, match="HF_HUB_OFFLINE is set"):
        pushing.push(toy, ADDRESS)


def test_without_a_connection_the_cache_serves(
    pushed: hub_server.Repository, toy: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    loading.load(ADDRESS, compile=False)
    template = "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    same(loading.load(ADDRESS, compile=False), toy)
    refused(OSError, "http://127.0.0.1:9 cannot be reached", "HF_ENDPOINT", address="hf://me/other")
    with pytest.raises(OSError, match="could not write the files of hf://me/shelf"):
        pushing.push(toy, ADDRESS)


def test_a_wrong_token(pushed: hub_server.Repository, toy: keras.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_of_nobody")
    refused(PermissionError, ADDRESS, "with your token", "hf auth login", "HF_TOKEN")
    with pytest.raises(PermissionError, match="write hf://me/shelf.*hf auth login"):
        pushing.push(toy, ADDRESS)


def test_a_private_repository(hub: hub_server.Hub, toy: keras.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    pushing.push(toy, ADDRESS, private=True)
    assert hub.repositories["me/shelf"].private
    pushing.push(toy, ADDRESS, private=True)
    same(loading.load(ADDRESS, compile=False), toy)
    monkeypatch.delenv("HF_TOKEN")
    refused(ValueError, "no repository 'me/shelf'", "if it is private", "hf auth login", address=f"{ADDRESS}@other")


def test_private_is_not_promised_of_a_public_repository(pushed: hub_server.Repository, toy: keras.Model) -> None:
    count = len(pushed.commits)
    with pytest.raises(ValueError, match="everybody sees it"):
        pushing.push(toy, ADDRESS, private=True)
    assert len(pushed.commits) == count


def test_somebody_elses_repository(hub: hub_server.Hub, toy: keras.Model) -> None:
    with pytest.raises(PermissionError, match="don't have the rights"):
        pushing.push(toy, "hf://somebody-else/shelf")


def test_what_is_missing_is_said(pushed: hub_server.Repository, hub: hub_server.Hub) -> None:
    refused(ValueError, hub.url, "no repository 'me/nothing'", address="hf://me/nothing")
    refused(ValueError, "'me/shelf' has no revision 'v9'", address=f"{ADDRESS}@v9")
    hub.repositories["me/plain"] = hub_server.Repository()
    hub.repositories["me/plain"].commit({"model.safetensors": b"x"})
    refused(ValueError, "holds no card.json", "zoo.push", address="hf://me/plain")


def test_a_hub_that_is_down(pushed: hub_server.Repository, hub: hub_server.Hub) -> None:
    hub.status = 503
    refused(OSError, "cannot be reached", "503")


@pytest.mark.parametrize("file", ["model.safetensors", "golden.npz", "card.json"])
def test_a_tampered_file_is_refused(file: str, pushed: hub_server.Repository) -> None:
    files = pushed.commits[pushed.branches["main"]]
    if file == "card.json":
        card = json.loads(files[file])
        card["files"]["model.safetensors"]["sha256"] = "0" * 64
        files[file] = json.dumps(card).encode()
    else:
        files[file] = files[file][:-1] + bytes([files[file][-1] ^ 1])
    if file == "golden.npz":  # which loading does not read
        (result,) = verifying.verify(ADDRESS)
        assert "damaged or altered" in result.problems[0]
    else:
        refused(ValueError, "damaged or altered", "SHA-256")


def test_what_was_damaged_in_the_cache_is_downloaded_again_once_deleted(
    pushed: hub_server.Repository, toy: keras.Model
) -> None:
    loading.load(ADDRESS, compile=False)
    blob = (names.parse_name(ADDRESS) / "model.safetensors").resolve()  # type: ignore[operator]
    blob.write_bytes(b"cut short")
    assert str(blob) in refused(ValueError, "delete it and it is downloaded again")
    blob.unlink()
    same(loading.load(ADDRESS, compile=False), toy)


def test_an_interrupted_download_is_resumed(
    pushed: hub_server.Repository, hub: hub_server.Hub, toy: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 64)  # what is received of a chunk is lost
    hub.breaks = 2
    for _ in range(hub.breaks):
        with contextlib.suppress(OSError):  # clients before 2.0 go on at the next try, later ones by themselves
            names.parse_name(ADDRESS)
    same(loading.load(ADDRESS, compile=False), toy)
    assert hub.breaks == 0 and hub.ranges


def test_a_download_that_ends_broken_can_be_tried_again(
    pushed: hub_server.Repository, hub: hub_server.Hub, toy: keras.Model
) -> None:
    hub.breaks = 1000
    refused(OSError, "could not read card.json of hf://me/shelf", "try again")
    hub.breaks = 0
    same(loading.load(ADDRESS, compile=False), toy)


@pytest.mark.parametrize("wrong", ["hf://shelf", "hf://me/shelf/file", "hf://me/shelf@", "hf://", "hf://me/shelf@a@b"])
def test_what_is_no_address(wrong: str) -> None:
    with pytest.raises(ValueError, match="Expected an address on the Hugging Face Hub"):
        loading.load(wrong)


def test_a_file_of_the_hub_is_converted(hub: hub_server.Hub) -> None:
    hub.repositories["me/plain"] = hub_server.Repository()
    hub.repositories["me/plain"].commit({"net.safetensors": safetensors.numpy.save({"a": np.ones(2, "float32")})})
    found = converting.read_checkpoint("hf://me/plain@main/net.safetensors")
    assert found.tensors["a"].tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="holds no other.safetensors"):
        converting.read_checkpoint("hf://me/plain/other.safetensors")
    with pytest.raises(ValueError, match="Expected a file on the Hugging Face Hub"):
        converting.read_checkpoint("hf://me/plain")


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, toy: keras.Model) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for use in (lambda: loading.load(ADDRESS), lambda: pushing.push(toy, ADDRESS)):
        with pytest.raises(ImportError, match=r'pip install "zoo\[hub\]"'):
            use()


def test_the_command(pushed: hub_server.Repository, hub: hub_server.Hub, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["push", ADDRESS, "hf://me/copy@wip", "--private", "--message", "copied"]
    assert main(words) == 0
    copy = hub.repositories["me/copy"]
    assert capsys.readouterr().out.strip() == f"hf://me/copy@{copy.branches['wip']}"
    assert copy.private and copy.messages[-1] == "copied"
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"address": f"hf://me/copy@{copy.branches['wip']}"}
    assert main(["push", ADDRESS, ADDRESS, "--private"]) == 2
    assert "everybody sees it" in capsys.readouterr().err
    assert main(["verify", "hf://me/copy@wip"]) == 0


def test_the_variables_of_the_environment_count(
    pushed: hub_server.Repository, hub: hub_server.Hub, tmp_path: Path
) -> None:
    """A mirror by HF_ENDPOINT, a cache by HF_HOME and HF_HUB_OFFLINE, by the command and without a backend."""
    environment = dict(os.environ) | {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")}
    code = "import sys; from zoo.cli import main; main(sys.argv[1:]); assert 'keras' not in sys.modules"
    command = [sys.executable, "-c", code, "info", ADDRESS, "--json"]
    del hub.requests[:]
    first = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["name"] == "toy_w4_shelf" and hub.gets("card.json") == 1
    del hub.requests[:]
    again = subprocess.run(
        command, env=environment | {"HF_HUB_OFFLINE": "1"}, capture_output=True, text=True, check=False
    )
    assert again.stdout == first.stdout and hub.requests == []
