"""What the REST side understands, as OpenAPI 3.1 says it: for generated clients, and for tools that test servers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from zoo.version import __version__

NAME, NUMBER = "[^/:]+", "[0-9]{1,18}"
"""What models and labels may be called, and versions, as regular expressions."""
_OF_A_VERSION = {
    "": (),
    "/versions/{version}": ("version",),
    "/labels/{label}": ("label",),
}
_CLIENT = {
    400: "the request is malformed or does not fit the model",
    404: "no such model, version or label",
    408: "the request did not arrive in time",
    411: "neither a length nor chunks",
    413: "the body is too long, packed or unpacked",
    415: "the body is packed in another way than gzip or deflate",
    431: "a line is too long, or there are too many headers",
    503: "too much is in progress, or no version is loaded",
}
_PREDICTION = """Rows go in as `instances` and come back as `predictions`; whole columns as `inputs` and `outputs`."""


def description(models: Iterable[str]) -> dict[str, Any]:
    """The document at `/openapi.json`.

    Args:
        models: names of what is served now.

    Example:
        >>> sorted(description(["net"])["paths"])[-1]
        '/v1/models/{model}:predict'
    """
    paths: dict[str, Any] = {
        "/healthz": {"get": _get("The process lives.", _schema("Said"))},
        "/readyz": {"get": _get("Every model can answer.", _schema("Said"), 503)},
        "/metrics": {"get": _get("Counters for Prometheus.", None, 501)},
        "/v1/models": {"get": _get("Every model with the states of its versions.", _schema("Models"))},
    }
    for part, names in _OF_A_VERSION.items():
        parameters = [_parameter("model", {"type": "string", "enum": sorted(models)})]
        parameters += [_parameter(name, _PARAMETERS[name]) for name in names]
        path = "/v1/models/{model}" + part
        shared = {"parameters": parameters}
        paths[path] = shared | {"get": _get("Versions and their states.", _schema("Versions"), 400, 404)}
        paths[f"{path}/metadata"] = shared | {"get": _get("Names, types and shapes.", _schema("Metadata"), *_COMMON)}
        paths[f"{path}:predict"] = shared | {"post": _predict()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "zoo serve", "version": __version__, "description": "TensorFlow Serving's REST interface."},
        "paths": paths,
        "components": {"schemas": _SCHEMAS},
    }


_COMMON = (400, 404, 503)
_PARAMETERS = {
    "version": {"type": "string", "pattern": f"^{NUMBER}$"},
    "label": {"type": "string", "pattern": f"^{NAME}$"},
}
_TEXT = {"type": "string"}
_SCHEMAS: dict[str, Any] = {
    "Error": {"type": "object", "required": ["error"], "properties": {"error": _TEXT}, "additionalProperties": False},
    "Said": {"type": "object", "required": ["status"], "properties": {"status": _TEXT}},
    "Versions": {
        "type": "object",
        "required": ["model_version_status"],
        "properties": {
            "model_version_status": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["version", "state", "status"],
                    "properties": {
                        "version": _TEXT,
                        "state": _TEXT,
                        "status": {
                            "type": "object",
                            "required": ["error_code", "error_message"],
                            "properties": {"error_code": _TEXT, "error_message": _TEXT},
                        },
                    },
                },
            }
        },
    },
    "Models": {
        "type": "object",
        "required": ["models"],
        "properties": {
            "models": {
                "type": "array",
                "items": {
                    "allOf": [
                        {"$ref": "#/components/schemas/Versions"},
                        {"type": "object", "required": ["name"], "properties": {"name": _TEXT}},
                    ]
                },
            }
        },
    },
    "Metadata": {
        "type": "object",
        "required": ["model_spec", "metadata"],
        "properties": {"model_spec": {"type": "object"}, "metadata": {"type": "object"}},
    },
    "Request": {
        "type": "object",
        "properties": {
            "signature_name": _TEXT,
            "instances": {"type": "array", "minItems": 1, "items": {}},
            "inputs": {},
            "parameters": {
                "type": "object",
                "properties": {"labels": {"type": "boolean"}, "strict_json": {"type": "boolean"}},
            },
        },
        "oneOf": [{"required": ["instances"]}, {"required": ["inputs"]}],
    },
    "Answer": {
        "type": "object",
        "properties": {"predictions": {"type": "array"}, "outputs": {}, "labels": {}},
        "oneOf": [{"required": ["predictions"]}, {"required": ["outputs"]}],
    },
}


def _schema(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _errors(codes: Iterable[int]) -> dict[str, Any]:
    known = _CLIENT | {501: "prometheus_client is not installed"}
    return {str(code): {"description": known[code], "content": _schema("Error")} for code in codes}


def _get(summary: str, content: dict[str, Any] | None, *codes: int) -> dict[str, Any]:
    # Any request may be malformed HTTP, for example by a header or a target that is not UTF-8.
    good = {"description": summary, "content": content or {"text/plain": {"schema": _TEXT}}}
    return {"summary": summary, "responses": {"200": good} | _errors({400, *codes})}


def _predict() -> dict[str, Any]:
    good = {"description": "The answers.", "content": _schema("Answer")}
    return {
        "summary": "Predictions.",
        "description": _PREDICTION,
        "requestBody": {"required": True, "content": _schema("Request")},
        "responses": {"200": good} | _errors(_CLIENT),
    }
