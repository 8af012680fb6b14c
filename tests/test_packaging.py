"""setup.cfg says what is in the tree."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from zoo.version import __version__

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def settings(root: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(root / "setup.cfg", encoding="utf-8")
    return parser


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def test_every_package_is_listed(settings: configparser.ConfigParser, root: Path) -> None:
    found = {".".join(path.parent.relative_to(root).parts) for path in (root / "zoo").rglob("__init__.py")}
    assert sorted(lines(settings["options"]["packages"])) == sorted(found | {"zoo.weights"})


def test_weights_map_into_the_package(settings: configparser.ConfigParser, root: Path) -> None:
    assert lines(settings["options"]["package_dir"]) == ["zoo.weights = weights"]
    assert (root / "weights").is_dir() and not (root / "zoo" / "weights").exists()


def test_extras(settings: configparser.ConfigParser) -> None:
    extras = settings["options.extras_require"]
    assert list(extras) == [
        "jax",
        "torch",
        "onnx",
        "litert",
        "data",
        "train",
        "batch",
        "serving",
        "hub",
        "completion",
        "gpu",
        "notebooks",
        "docs",
        "dev",
        "all",
    ]
    assert lines(extras["all"]) == [
        "zoo[jax,torch,onnx,litert,data,train,batch,serving,hub,completion,notebooks,docs,dev]"
    ]


def test_the_version_is_in_the_changelog(root: Path) -> None:
    assert f"## [{__version__}]" in (root / "CHANGELOG.md").read_text("utf-8")


def test_the_build_table_stays_small(root: Path) -> None:
    import tomllib

    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    assert set(project) == {"build-system", "tool"} and set(project["tool"]) == {"ruff"}
