from __future__ import annotations

import base64
import io
import json
import socket
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.serving import artifacts
from tests.serving.clients import Client
from zoo.datasets import decode_images

pytestmark = pytest.mark.once


def check(answer, images, version=2):
    """The answer is that of the version for the images, row by row."""
    assert answer.status == 200, answer.body
    expected = artifacts.expected(images, version)
    rows = answer.json["predictions"]
    assert len(rows) == len(images)
    for name, value in expected.items():
        np.testing.assert_allclose([row[name] for row in rows], value, rtol=1e-5, atol=1e-6)


def png(size=(9, 7), seed=0) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_rows(client):
    images = artifacts.images(3)
    check(client.predict({"instances": images.tolist()}), images)
    check(client.predict({"instances": [{"image": image} for image in images.tolist()]}), images)


def test_columns(client):
    images = artifacts.images(3)
    for inputs in (images.tolist(), {"image": images.tolist()}):
        outputs = client.predict({"signature_name": "serving_default", "inputs": inputs}).json["outputs"]
        np.testing.assert_allclose(outputs["logits"], artifacts.expected(images, 2)["logits"], rtol=1e-5, atol=1e-6)


def test_versions_and_labels(start, models):
    client, images = Client(start(model_dir=models, labels={"stable": 1, "net:gone": 7}).port), artifacts.images(1)
    body = {"instances": images.tolist()}
    check(client.predict(body, "/v1/models/net/versions/1"), images, 1)
    check(client.predict(body, "/v1/models/net/labels/stable"), images, 1)
    check(client.predict(body, "/v1/models/net/versions/2"), images, 2)
    check(client.predict(body), images, 2)
    assert [entry["version"] for entry in client.get("/v1/models/net").json["model_version_status"]] == ["2", "1"]
    (entry,) = client.get("/v1/models/net/labels/stable").json["model_version_status"]
    assert entry == {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    for path in ("versions/3", "labels/gone", "labels/other"):
        assert client.predict(body, f"/v1/models/net/{path}").status == 404
        assert client.get(f"/v1/models/net/{path}").status == 404
    client.close()


def test_metadata(client):
    answer = client.get("/v1/models/net/metadata").json
    assert answer["model_spec"] == {"name": "net", "signature_name": "", "version": "2"}
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    assert set(signatures) == {"serving_default", "serving_bytes"}
    image = signatures["serving_default"]["inputs"]["image"]
    assert image["dtype"] == "DT_FLOAT"
    assert [side["size"] for side in image["tensor_shape"]["dim"]] == ["-1", "4", "4", "1"]
    assert signatures["serving_bytes"]["inputs"]["image_bytes"]["dtype"] == "DT_STRING"
    assert client.get("/v1/models/net/versions/1/metadata").json["model_spec"]["version"] == "1"


def test_encoded_images_of_any_size(client):
    files = [png((9, 7), 1), png((40, 3), 2), png((4, 4), 3)]
    values = [{"b64": base64.b64encode(file).decode()} for file in files]
    images = decode_images(files, artifacts.SHAPE).astype(np.float32)
    check(client.predict({"signature_name": "serving_bytes", "instances": values}), images)
    named = [{"image_bytes": value} for value in values]
    check(client.predict({"signature_name": "serving_bytes", "instances": named}), images)


def test_a_picture_that_claims_too_many_pixels(client):
    file = bytearray(png())
    file[16:24] = 2 * (8_000).to_bytes(4)
    file[29:33] = zlib.crc32(file[12:29]).to_bytes(4)
    body = {"signature_name": "serving_bytes", "instances": [{"b64": base64.b64encode(file).decode()}]}
    answer = client.predict(body)
    assert answer.status == 400 and "8000x8000 pixels; at most 50000000" in answer.error


@pytest.mark.parametrize("content", [b"", b"no image", png()[:60]])
def test_what_is_no_image(client, content):
    body = {"signature_name": "serving_bytes", "instances": [{"b64": base64.b64encode(content).decode()}]}
    answer = client.predict(body)
    assert answer.status == 400 and "mage 0" in answer.error


def test_the_graph_of_a_saved_model_decodes(start, saved_model):
    client = Client(start(model_dir=saved_model.parent).port)
    good, images = png((4, 4)), decode_images([png((4, 4))], artifacts.SHAPE).astype(np.float32)
    body = {"signature_name": "serving_bytes", "instances": [{"b64": base64.b64encode(good).decode()}]}
    check(client.predict(body), images, 1)
    damaged = {"b64": base64.b64encode(good[:-20]).decode()}
    assert client.predict(body | {"instances": [damaged]}).status == 400
    check(client.predict({"instances": images.tolist()}), images, 1)
    client.close()


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/v1/models/other", 404, "Could not find any versions of model other"),
        ("/v1/models/other/metadata", 404, "Servable not found for request: Latest(other)"),
        ("/v1/models/net/versions/9/metadata", 404, "Servable not found for request: Specific(net, 9)"),
        ("/v1/models/net/labels/x/metadata", 404, "Unrecognized servable version label: x"),
        ("/v1/models/net:predict", 400, "Malformed request: GET /v1/models/net:predict"),
        ("/v1/models/", 400, "Malformed request: GET /v1/models/"),
        ("/v1/models/net/versions/x", 400, "Malformed request: GET /v1/models/net/versions/x"),
        ("/nothing/here", 404, "Not found: /nothing/here"),
    ],
)
def test_what_is_not_there(client, path, status, message):
    answer = client.get(path)
    assert (answer.status, answer.error) == (status, message)


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/v1/models/other:predict", 404, "Servable not found for request: Latest(other)"),
        ("/v1/models/net:regress", 400, "Malformed request: POST /v1/models/net:regress"),
        ("/v1/models/net", 400, "Malformed request: POST /v1/models/net"),
        ("/healthz", 400, "Malformed request: POST /healthz"),
    ],
)
def test_what_cannot_be_posted(client, path, status, message):
    answer = client.ask("POST", path, {"instances": artifacts.images(1).tolist()})
    assert (answer.status, answer.error) == (status, message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "JSON Parse error"),
        ({"instances": [[1.0]]}, "expected shape [-1, 4, 4, 1]; got [1, 1]"),
        ({"instances": "x", "signature_name": "foo"}, 'Serving signature name: "foo" not found in signature def'),
        ({"instances": "x", "signature_name": 3}, "'signature_name' key must be a string value"),
        ({"instances": artifacts.images(41).tolist()}, "expected 1 to 40 rows in a request; got 41"),
    ],
)
def test_bad_requests(client, body, message):
    answer = client.predict(body)
    assert answer.status == 400 and message in answer.error


def test_class_names(client):
    assert client.get("/v1/models/net/metadata").json["metadata"]["labels"] == list(artifacts.LABELS)
    images = artifacts.images(5)
    best = artifacts.expected(images, 2)["logits"].argmax(axis=1)
    for rows in ({"instances": images.tolist()}, {"inputs": images.tolist()}):
        answer = client.predict(rows | {"parameters": {"labels": True}}).json
        assert answer["labels"] == [artifacts.LABELS[index] for index in best]
        assert "labels" not in client.predict(rows).json
    assert client.predict({"instances": images.tolist(), "parameters": {"label": True}}).status == 400


def test_strict_json(start, models, client):
    images = np.full((1, *artifacts.SHAPE), np.inf, np.float32)
    body = {"instances": images.tolist()}
    assert b"NaN" in client.predict(body).body and b'"NaN"' not in client.predict(body).body
    strict = Client(start(model_dir=models, strict_json=True).port)
    for answer in (client.predict(body | {"parameters": {"strict_json": True}}), strict.predict(body)):
        (row,) = json.loads(answer.body, parse_constant=pytest.fail)["predictions"]
        assert set(row["probabilities"]) == {"NaN"}
    assert b'"NaN"' not in strict.predict(body | {"parameters": {"strict_json": False}}).body
    strict.close()


def test_models_and_paths_of_any_name(start, tmp_path):
    for name in ("größe", "a b", "net"):
        artifacts.write_onnx(tmp_path / "models" / name)
    server, images = start(), artifacts.images(1)
    client, body = Client(server.port), {"instances": images.tolist()}
    listed = client.get("/v1/models").json["models"]
    assert [entry["name"] for entry in listed] == ["a b", "größe", "net"]
    assert all(entry["model_version_status"][0]["state"] == "AVAILABLE" for entry in listed)
    for path in (
        "gr%C3%B6%C3%9Fe:predict",
        "gr%c3%b6%c3%9fe%3Apredict",
        "a%20b:predict",
        "net%3apredict",
        "n%65t:predict",
    ):
        check(client.ask("POST", f"/v1/models/{path}", body), images, 1)
        check(client.ask("POST", f"/v1/models/{path}?pretty=1", body), images, 1)
    assert client.get("/v1/models/gr%F6%DFe").status == 400  # Latin-1
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain:
        plain.sendall("GET /v1/models/größe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert plain.recv(65_536).startswith(b"HTTP/1.1 200 OK")
    client.close()


def test_health_and_metrics(client):
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").json == {"status": "ready"}
    pytest.importorskip("prometheus_client", reason="metrics need the extra `serving`")
    client.predict({"instances": artifacts.images(2).tolist()})
    client.predict(b"{", "/v1/models/made%20up")
    for path in ("/metrics", "/monitoring/prometheus/metrics"):
        text = client.get(path).body.decode()
        assert 'zoo_requests_total{code="OK",model="net",protocol="rest"}' in text and "made" not in text
        assert 'zoo_model_version{model="net",state="AVAILABLE",version="2"} 1.0' in text


def test_answers_are_json_also_for_odd_names(client):
    answer = client.get('/v1/models/%22%0A"x"')
    assert answer.status == 404 and json.loads(answer.body)
