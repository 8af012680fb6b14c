"""What tests may leave out, and what they wrote down about themselves."""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trust import records

pytestmark = pytest.mark.once

BESIDE = {"scipy", "networkx", "torch_geometric", "keras_hub", "yaml"}
"""Packages that tests use where they happen to be there, and that no extra has."""
SKIPS = 60
"""Tests, or files of them, that are left out where a condition says so; a new one takes the place of an old one."""
NAMES = {"ray[data]": "ray", "grpcio": "grpc", "tensorflow-serving-api": "tensorflow_serving", "ai-edge-litert": ""}
NAMES |= {"grpcio-health-checking": "grpc_health", "grpcio-reflection": "grpc_reflection"}


def calls(root: Path) -> Iterator[tuple[str, ast.Call]]:
    for path in (root / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield f"{path.relative_to(root)}:{node.lineno}", node


def skips(root: Path, *names: str) -> list[tuple[str, ast.Call]]:
    return [(place, call) for place, call in calls(root) if ast.unparse(call.func) in {f"pytest.{n}" for n in names}]


def packages(root: Path) -> set[str]:
    """Modules of the packages in zoo's extras and requirements."""
    settings = configparser.ConfigParser()
    settings.read(root / "setup.cfg", encoding="utf-8")
    listed = [settings["options"]["install_requires"], *settings["options.extras_require"].values()]
    words = [re.split(r"[=<>;]", line)[0].strip() for text in listed for line in text.split("\n") if line.strip()]
    return {NAMES.get(word, word).lower().replace("-", "_") for word in words} | {"h5py", "google", "tensorboard"}


def test_what_is_left_out_without_a_package_is_in_an_extra(root: Path) -> None:
    wanted = {ast.unparse(call.args[0]).strip("'\"").split(".")[0] for _, call in skips(root, "importorskip")}
    variables = {"backend", "'onnxruntime' if format == 'onnx' else 'tensorflow'"}
    unknown = {name for name in wanted if name.isidentifier()} - packages(root) - BESIDE - variables
    assert unknown == set(), "a test that needs a package which no extra has is never run"


def test_tests_that_are_left_out_say_why_and_are_few(root: Path) -> None:
    found = skips(root, "mark.skipif", "skip")
    silent = [
        place
        for place, call in found
        if not (any(word.arg == "reason" for word in call.keywords) or ast.unparse(call.func) == "pytest.skip")
    ]
    assert silent == [] and all(call.args for _, call in found)
    assert len(found) <= SKIPS, f"{len(found)} tests are left out somewhere"
    assert not skips(root, "mark.skip", "mark.xfail", "xfail"), "a test that may fail tests nothing"


def test_records_are_complete() -> None:
    for name, record in records.read().items():
        assert record["failures"] == [], name
        assert {"command", "seconds", "date", "versions"} <= set(record), name
        assert " --seed " in record["command"] or name.startswith("wheel"), name
