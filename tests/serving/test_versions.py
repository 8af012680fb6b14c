from __future__ import annotations

import shutil
import threading
import time

import numpy as np
import pytest

from tests.serving import artifacts
from tests.serving.clients import Client
from zoo.serving.onnx_runner import OnnxRunner

pytestmark = pytest.mark.once


IMAGES = artifacts.images(2)
BODY = {"instances": IMAGES.tolist()}


def version_of(answer) -> int:
    """Which version gave the answer; fails for an answer that none of them gives."""
    assert answer.status == 200, answer.body
    logits = [row["logits"] for row in answer.json["predictions"]]
    fitting = [n for n in range(1, 6) if np.allclose(logits, artifacts.expected(IMAGES, n)["logits"], atol=1e-5)]
    assert len(fitting) == 1
    return fitting[0]


def states(client) -> dict[str, str]:
    return {entry["version"]: entry["state"] for entry in client.get("/v1/models/net").json["model_version_status"]}


def until(condition, seconds=20.0):
    """Waits for a condition, which the test then asserts."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    assert condition()


@pytest.fixture
def folder(tmp_path):
    artifacts.write_onnx(tmp_path / "models" / "net", 1)
    return tmp_path / "models" / "net"


@pytest.fixture
def client(start, folder):
    made = Client(start().port)
    yield made
    made.close()


def test_a_new_version_takes_over_and_the_old_one_ends(client, folder):
    assert version_of(client.predict(BODY)) == 1
    artifacts.write_onnx(folder, 3)
    until(lambda: states(client) == {"3": "AVAILABLE", "1": "END"})
    assert version_of(client.predict(BODY)) == 3
    assert client.predict(BODY, "/v1/models/net/versions/1").status == 404


def test_the_older_version_comes_back_when_the_newer_one_is_removed(client, folder):
    artifacts.write_onnx(folder, 2)
    until(lambda: states(client).get("2") == "AVAILABLE")
    shutil.rmtree(folder / "2")
    until(lambda: states(client) == {"2": "END", "1": "AVAILABLE"})
    assert version_of(client.predict(BODY)) == 1


def test_nothing_is_unloaded_when_the_folder_is_emptied(client, folder):
    shutil.rmtree(folder)
    time.sleep(0.3)
    assert version_of(client.predict(BODY)) == 1 and states(client) == {"1": "AVAILABLE"}


def test_half_a_version_leaves_the_old_one_serving(client, folder, caplog):
    complete = artifacts.write_onnx(folder.parent / ".elsewhere", 2)
    content = (complete / "model.onnx").read_bytes()
    (folder / "2").mkdir()
    (folder / "2" / "model.onnx").write_bytes(content[: len(content) // 2])
    until(lambda: states(client).get("2") == "END")
    (entry,) = client.get("/v1/models/net/versions/2").json["model_version_status"]
    assert entry["status"]["error_code"] == "UNKNOWN" and "cannot be opened" in entry["status"]["error_message"]
    assert version_of(client.predict(BODY)) == 1
    time.sleep(0.3)
    assert caplog.text.count("version 2 cannot be loaded") == 1  # not again and again
    (folder / "2" / "model.onnx").write_bytes(content)
    until(lambda: states(client) == {"2": "AVAILABLE", "1": "END"})
    assert version_of(client.predict(BODY)) == 2


def test_a_damaged_version_at_the_start_leaves_the_one_before_it(start, folder):
    (folder / "9").mkdir()
    (folder / "9" / "model.onnx").write_bytes(b"damaged")
    client = Client(start().port)
    assert version_of(client.predict(BODY)) == 1 and states(client) == {"9": "END", "1": "AVAILABLE"}
    client.close()


def test_a_version_that_opens_but_does_not_run_is_not_served(client, folder, monkeypatch):
    run = OnnxRunner.run

    def broken(self, inputs, signature="serving_default"):
        if self.facts.everything.get("broken"):
            raise RuntimeError("it does not run")
        return run(self, inputs, signature)

    monkeypatch.setattr(OnnxRunner, "run", broken)
    stage = artifacts.write_onnx(folder.parent / ".elsewhere", 2)
    (stage / "assets.extra" / "zoo.json").write_text('{"broken": true}')
    stage.rename(folder / "2")
    until(lambda: states(client) == {"2": "END", "1": "AVAILABLE"})
    (entry,) = client.get("/v1/models/net/versions/2").json["model_version_status"]
    assert entry["status"]["error_message"] == "RuntimeError: it does not run"
    assert version_of(client.predict(BODY)) == 1


def test_a_version_that_is_still_being_written_is_left_alone(start, folder):
    server = start(poll_seconds=60.0)
    model = server.service.model("net")
    file = artifacts.write_onnx(folder, 2) / "model.onnx"
    content = file.read_bytes()
    for size in range(1, 6):
        file.write_bytes(content[: size * 10])
        model.refresh()
    assert {status.number: status.state for status in model.known()} == {1: "AVAILABLE"}
    file.write_bytes(content)
    model.refresh()
    model.refresh()
    assert {status.number: status.state for status in model.known()} == {2: "AVAILABLE", 1: "END"}


def test_other_folders_are_not_versions(start, folder):
    for name in (".123.tmp", "v2", "2.tmp", "-3", "9" * 30):
        shutil.copytree(folder / "1", folder / name)
    (folder / "7").mkdir()
    client = Client(start().port)
    assert states(client) == {"1": "AVAILABLE"}
    client.close()


def test_a_version_in_use_is_not_unloaded(start, folder):
    server = start(poll_seconds=60.0)
    model = server.service.model("net")
    with model.use() as lease:
        artifacts.write_onnx(folder, 2)
        model.refresh(at_once=True)
        assert [(status.number, status.state) for status in model.known()] == [(2, "AVAILABLE"), (1, "UNLOADING")]
        outputs = lease.run("serving_default", {"image": IMAGES})
        np.testing.assert_allclose(outputs["logits"], artifacts.expected(IMAGES, 1)["logits"], atol=1e-5)
    assert [(status.number, status.state) for status in model.known()] == [(2, "AVAILABLE"), (1, "END")]


def test_the_status_forgets_what_ended_long_ago(start, folder, monkeypatch):
    monkeypatch.setattr("zoo.serving.models._REMEMBERED", 3)
    server = start(poll_seconds=60.0)
    model = server.service.model("net")
    for version in range(2, 8):
        artifacts.write_onnx(folder, version)
        shutil.rmtree(folder / str(version - 1))
        model.refresh(at_once=True)
    assert [status.number for status in model.known()] == [7, 6, 5, 4]


def test_versions_swapped_under_load_fail_no_request(start, folder):
    server = start()
    stop, seen, faults = threading.Event(), [], []

    def ask() -> None:
        client, mine = Client(server.port), []
        try:
            while not stop.is_set():
                mine.append(version_of(client.predict(BODY)))
        except BaseException as error:
            faults.append(error)
        finally:
            client.close()
            seen.append(mine)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    watcher = Client(server.port)
    for version in range(2, 6):
        artifacts.write_onnx(folder, version)
        until(lambda version=version: states(watcher).get(str(version)) == "AVAILABLE" or faults)
        shutil.rmtree(folder / str(version - 1))
    until(lambda: states(watcher) == dict.fromkeys("1234", "END") | {"5": "AVAILABLE"} or faults)
    stop.set()
    for thread in threads:
        thread.join(20)
    watcher.close()
    assert not faults and len(seen) == 8
    assert {version for mine in seen for version in mine} == {1, 2, 3, 4, 5}
    assert all(mine == sorted(mine) for mine in seen)  # nobody was ever sent back to an older version
