"""The page's addresses, on a running server."""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.serving.page.toy import picture
from zoo.serving.http import Request
from zoo.serving.page import routes

pytestmark = pytest.mark.once


def ask(server, path, body=None, method=None):
    request = urllib.request.Request(server.url + path, data=body, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


@pytest.mark.parametrize("path", ["/", "/page/style.css", "/page/script.js", "/page/icon.svg"])
def test_files_come_with_a_policy_that_forbids_everything_foreign(server, path):
    status, body, headers = ask(server, path)
    assert status == 200 and body and headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_files_name_nothing_foreign(root):
    for path in (root / "zoo/serving/page").glob("*.*"):
        if path.suffix in (".html", ".css", ".js"):
            text = path.read_text("utf-8")
            assert not re.search(r"https?://|//\w+\.\w|@import|\son\w+=|style=|innerHTML", text), path.name


def test_models(server):
    status, body, _ = ask(server, "/page/models")
    corner, numbers = json.loads(body)
    assert status == 200 and (corner["name"], corner["size"], corner["classes"]) == ("corner", "24×24", 3)
    assert corner["images"] and not numbers["images"]
    assert len(corner["labels"]) == 3 and isinstance(corner["expects"], str)


def test_models_of_photographs_have_the_shipped_ones(server, root):
    page = routes.Page(server.service)
    found = page._examples_for("efficientnet_lite0_imagenet")
    assert [path.name for path in found][:2] == ["camera.jpg", "cat.jpg"]
    assert [path.name for path in page._examples_for("resnet56_cifar10")] == ["cat.jpg"]  # the one of its classes
    assert page._examples_for("scene_resnet18_narrow_scene15") == []
    status, body, headers = ask(server, "/page/examples/photos/cat.jpg")
    assert (status, headers["Content-Type"]) == (200, "image/jpeg") and body == found[1].read_bytes()
    assert routes._expects("e4net_mnistrot") and routes._expects("corner") == routes._expects("") == ""


def test_examples_are_those_of_the_models_data_set(server, root):
    corner = json.loads(ask(server, "/page/models")[1])[0]
    assert len(corner["examples"]) == 8 and corner["examples"][0] == "page/examples/mnistrot/digit_00.png"
    status, body, headers = ask(server, "/page/examples/mnistrot/digit_00.png")
    assert status == 200 and headers["Content-Type"] == "image/png"
    assert body == (root / "examples/images/mnistrot/digit_00.png").read_bytes()


@pytest.mark.parametrize("path", ["/page/examples/../../setup.cfg", "/page/examples/%2e%2e/make_images.py", "/page/x"])
def test_other_files_are_not_there(server, path):
    status, body, _ = ask(server, path)
    assert status == 404 and "error" in json.loads(body)


def test_an_explanation(server):
    status, body, _ = ask(server, "/page/explain/corner", picture())
    result = json.loads(body)
    assert status == 200 and (result["model"], result["version"], result["top"][0]["label"]) == ("corner", 1, "bright")
    assert result["drops"][11][0] > 0.3 > abs(result["drops"][0][11])


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/page/explain/corner", b"no image", 400, "The image cannot be read"),
        ("/page/explain/corner", b"", 400, "holds no image"),
        ("/page/explain/numbers", picture(), 400, "takes no images"),
        ("/page/explain/nobody", picture(), 404, "nobody"),
    ],
)
def test_errors_are_sentences(server, path, body, status, message):
    code, answer, _ = ask(server, path, body, "POST")
    assert code == status and message in json.loads(answer)["error"]


@pytest.mark.parametrize(("path", "method"), [("/", "POST"), ("/page/explain/corner", "GET")])
def test_wrong_methods(server, path, method):
    assert ask(server, path, b"" if method == "POST" else None, method)[0] == 400


def test_few_explanations_at_once(server, monkeypatch):
    """One more than may run waits, and is told so when it has waited for long."""
    entered, release = threading.Semaphore(0), threading.Event()

    def slow(runner, body):
        entered.release()
        release.wait(20)
        return {"top": []}

    monkeypatch.setattr(routes, "explain", slow)
    monkeypatch.setattr(routes, "_WAIT_SECONDS", 0.05)
    page = routes.Page(server.service)
    request = Request("POST", "/page/explain/corner", picture(), {})
    running = [threading.Thread(target=page, args=(request,)) for _ in range(routes._AT_ONCE)]
    for thread in running:
        thread.start()
        assert entered.acquire(timeout=10)
    with pytest.raises(routes.RequestError, match="Too many images"):
        page(request)
    release.set()
    for thread in running:
        thread.join(10)
    assert page(request).status == 200


def test_without_examples(server, tmp_path):
    answer = routes.Page(server.service, Path(tmp_path))(Request("GET", "/page/models", b"", {}))
    assert json.loads(answer.body)[0]["examples"] == []
