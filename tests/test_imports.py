"""Who may import whom: the rules of docs/design.md as a table, checked by walking the imports with `ast`."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.once


HEAVY = {"tensorflow", "jax", "torch", "matplotlib", "onnx", "onnxruntime", "tf2onnx", "tensorflow_datasets"}
BATCH = frozenset({"pyarrow", "ray"})
OPTIONAL = frozenset(HEAVY | {"importlib_resources"})
GRPC = {"google", "grpc", "grpc_health", "grpc_reflection", "tensorflow_serving"}
SERVING = OPTIONAL | GRPC | {"aiohttp", "prometheus_client"}
NOTHING: frozenset[str] = frozenset()
COMMON = (
    *("blocks", "class_maps", "conversion", "efficientnet", "image_config", "initializers"),
    *("pixels", "preset", "recipe", "recipe_files"),
)
"""Modules of `zoo.models` that all families share."""

PLUGINS = "_plugins"
"""What reads the entry points of installed packages: the standard library alone."""

LABELS = "_labels"
"""Names of classes, for data sets and networks."""

OFFERS = "layers.protocol"
"""What layers may say of themselves, and no layer."""

KERAS = ("_keras", "_copying")
"""What reads graphs and copies layers."""

PLAIN = ("_counting", "_paths", "_reading", "_suggestions", "_writing")
"""What errors, paths and files need of the standard library."""

BELOW = (
    *KERAS,
    *PLAIN,
    "hub",
    "datasets",
    "models.class_maps",
    "models.recipe",
    "models.preset",
    "layers",
    "losses",
    "math",
    "optimizers",
    "version",
)


@dataclass(frozen=True)
class Rule:
    """What one part may import besides the standard library and itself.

    Attributes:
        zoo: other parts of zoo, without the leading `zoo.`; "" is the top package with its public names.
        packages: third-party packages, anywhere in the file.
        inside_functions: third-party packages that only a function may import.
    """

    zoo: tuple[str, ...]
    packages: frozenset[str]
    inside_functions: frozenset[str] = NOTHING


# The longest prefix of a module's name decides.
RULES = {
    "": Rule(
        (
            "batch",
            "cli",
            "compression",
            "evaluation",
            "exporting",
            "losses",
            "models",
            "serving",
            "testing",
            "training",
            "visual",
            "_startup",
            *BELOW,
        ),
        frozenset({"keras"}),
    ),
    "version": Rule((), NOTHING),
    "_plugins": Rule((), NOTHING),
    "_labels": Rule((), NOTHING),
    "_counting": Rule((), NOTHING),
    "_suggestions": Rule((), NOTHING),
    "_reading": Rule((), NOTHING),
    "_writing": Rule((), NOTHING),
    "_paths": Rule((), NOTHING, frozenset({"platformdirs"})),
    "_keras": Rule((), frozenset({"keras", "numpy"}), frozenset({"tensorflow", "jax"})),
    "_backends": Rule((), frozenset({"keras"}), frozenset({"tensorflow", "jax", "torch"})),
    "_copying": Rule(("_keras",), frozenset({"keras", "numpy"})),
    "math": Rule((), frozenset({"lazy_loader", "numpy"})),
    "layers": Rule(("_backends", "_keras", "math"), frozenset({"keras", "numpy"})),
    "losses": Rule(("math",), frozenset({"keras", "numpy"})),
    "optimizers": Rule(("_keras", "losses", "math"), frozenset({"keras"})),
    "models": Rule((), NOTHING),
    "models.blocks": Rule(("math",), frozenset({"keras"})),
    "models.class_maps": Rule(("_keras", "math"), frozenset({"keras", "numpy"})),
    "models.conversion": Rule((), frozenset({"numpy"})),
    "models.efficientnet": Rule(("models.blocks",), NOTHING),
    "models.image_config": Rule((), NOTHING),
    "models.initializers": Rule((), frozenset({"keras"})),
    "models.pixels": Rule((), NOTHING),
    "models.recipe": Rule(("_suggestions",), NOTHING),
    "models.recipe_files": Rule(("_paths", "models.recipe"), frozenset({"yaml"})),
    "models.<family>": Rule(
        (LABELS, "layers", "losses", "math", *(f"models.{module}" for module in COMMON)), frozenset({"keras", "numpy"})
    ),
    "hub": Rule(
        (*KERAS, *PLAIN, PLUGINS, OFFERS, "models.conversion", "models.preset", "models.recipe", "math", "version"),
        frozenset({"keras", "numpy", "safetensors", "rich", "filelock", "requests", "jsonschema"}),
        frozenset({"torch", "h5py", "ml_dtypes", "huggingface_hub"}),
    ),
    "datasets": Rule((*PLAIN, PLUGINS, LABELS, "math"), frozenset({"keras", "numpy", "PIL"}), OPTIONAL | {"pyarrow"}),
    "datasets.builders": Rule(("math", "datasets"), frozenset({"numpy", "tensorflow_datasets", "importlib_resources"})),
    "compression": Rule(BELOW, frozenset({"keras", "numpy"})),
    "exporting": Rule(
        ("compression", *BELOW),
        frozenset({"keras", "numpy"}),
        OPTIONAL | {"PIL", "tensorflow_serving", "ai_edge_litert"},
    ),
    "training": Rule(
        ("evaluation", "visual", "compression.rebuilding", "models.custom", "models.recipe_files", *BELOW),
        frozenset({"keras", "numpy", "rich"}),
        OPTIONAL | {"tensorboard"},
    ),
    "evaluation": Rule(BELOW, frozenset({"keras", "numpy", "rich"}), OPTIONAL),
    "batch": Rule(("evaluation", *BELOW), frozenset({"keras", "numpy", "rich", "PIL"}), BATCH),
    "serving": Rule(("exporting", *BELOW), frozenset({"numpy", "PIL", "rich"}), SERVING),
    "serving.connections": Rule(("serving",), frozenset({"aiohttp"})),
    "visual": Rule(BELOW, frozenset({"keras", "numpy", "PIL"}), OPTIONAL),
    "testing": Rule(
        ("", "evaluation", "models", "training", "visual", *BELOW), frozenset({"keras", "numpy"}), OPTIONAL
    ),
    "cli": Rule(("", *PLAIN), frozenset({"rich"}), frozenset({"argcomplete"})),
}


@dataclass(frozen=True)
class Import:
    """One import: the module's full name, its line, and whether only a function (or a type checker) runs it."""

    name: str
    line: int
    deferred: bool


def walk_imports(tree: ast.AST, module: str, is_package: bool, deferred: bool = False) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, deferred) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve(node, module, is_package)
            # `from zoo.hub import store` may name a module or an attribute; the longer name serves both.
            yield from (Import(f"{base}.{alias.name}", node.lineno, deferred) for alias in node.names)
        else:
            inner = deferred or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            inner = inner or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
            yield from walk_imports(node, module, is_package, inner)


def resolve(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    parts = parts[: len(parts) - node.level + is_package]
    return ".".join([*parts, *([node.module] if node.module else [])])


def part_of(module: str) -> str:
    """The key of RULES for a module called `zoo` or `zoo.<...>`."""
    parts = module.split(".")[1:]
    if parts[:1] == ["models"] and len(parts) > 1 and parts[1] not in COMMON:
        return "models.<family>"
    while parts and ".".join(parts) not in RULES:
        parts.pop()
    return ".".join(parts)


def fault(found: Import, module: str) -> str | None:
    rule, top = RULES[part_of(module)], found.name.split(".")[0]
    if top == "zoo":
        return None if zoo_allowed(found.name, module, rule) else f"may not import {found.name}"
    if top in sys.stdlib_module_names or top in rule.packages or top == "lazy_loader":
        return None
    if top in rule.inside_functions:
        return None if found.deferred else f"may import {top} inside a function only"
    return f"may not import {top}"


def zoo_allowed(name: str, module: str, rule: Rule) -> bool:
    inner = name.removeprefix("zoo").lstrip(".")
    own = ".".join(module.split(".")[1:3] if part_of(module) == "models.<family>" else module.split(".")[1:2])
    if own and (inner == own or inner.startswith(f"{own}.")):
        return True
    if "" in rule.zoo and "." not in inner and inner != "cli":
        return True  # `import zoo` or `from zoo import name`
    return any(part and (inner == part or inner.startswith(f"{part}.")) for part in rule.zoo)


def check_source(source: str, module: str, is_package: bool, path: str) -> list[str]:
    found = walk_imports(ast.parse(source), module, is_package)
    faults = ((item.line, fault(item, module)) for item in found)
    return [f"{path}:{line}: {module} {text}" for line, text in faults if text]


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_imports_of_the_package(root: Path) -> None:
    faults: list[str] = []
    for path in sorted((root / "zoo").rglob("*.py*")):
        if path.suffix in {".py", ".pyi"}:
            where = str(path.relative_to(root))
            faults += check_source(path.read_text("utf-8"), module_name(path, root), path.stem == "__init__", where)
    assert not faults, "\n" + "\n".join(faults)


@pytest.mark.parametrize(
    ("module", "source", "expected"),
    [
        ("zoo.math.groups", "import numpy as np\nimport keras", "x.py:2: zoo.math.groups may not import keras"),
        ("zoo.layers.a", "from zoo.hub import load", "may not import zoo.hub.load"),
        ("zoo.layers.a", "def f():\n    import tensorflow", "x.py:2: zoo.layers.a may not import tensorflow"),
        ("zoo.models.e4net.model", "from zoo.models.lpsc import model", "may not import zoo.models.lpsc.model"),
        ("zoo.models.preset", "import keras", "may not import keras"),
        ("zoo.hub.loading", "import zoo.models.e4net", "may not import zoo.models.e4net"),
        ("zoo.training.loop", "from zoo import serving", "may not import zoo.serving"),
        ("zoo.training.loop", "from .. import cli", "may not import zoo.cli"),
        ("zoo.visual.plot", "import matplotlib.pyplot", "may import matplotlib inside a function only"),
        ("zoo.visual.plot", "try:\n    import torch\nexcept ImportError:\n    pass", "inside a function only"),
        ("zoo.testing.x", "from zoo.cli import main", "may not import zoo.cli.main"),
        ("zoo.testing.x", "from zoo import cli", "may not import zoo.cli"),
        ("zoo.cli.main", "from zoo.hub import load", "may not import zoo.hub.load"),
        ("zoo.cli.main", "import numpy", "may not import numpy"),
        ("zoo.version", "import zoo", "may not import zoo"),
    ],
)
def test_a_planted_violation_is_found(module: str, source: str, expected: str) -> None:
    (message,) = check_source(source, module, False, "x.py")
    assert expected in message


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("zoo.math.groups", "from __future__ import annotations\nimport math\nfrom zoo.math import sampling"),
        ("zoo.models.e4net.model", "from zoo.layers import GConv2D\nfrom zoo.models.e4net.config import Config"),
        ("zoo.models.e4net.model", "from . import config"),
        ("zoo.visual.plot", "def f():\n    import matplotlib.pyplot as plt"),
        ("zoo.visual.plot", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import matplotlib"),
        ("zoo.datasets.builders.mnist_rot", "import tensorflow_datasets as tfds\nfrom zoo.datasets import mnist_rot"),
        ("zoo.cli.main", "import argparse\nimport zoo\nfrom zoo import load\nfrom zoo.cli import table\nimport rich"),
        ("zoo.evaluation.x", "from zoo.hub import load\nfrom zoo.models.recipe import Recipe"),
    ],
)
def test_good_imports_pass(module: str, source: str) -> None:
    assert check_source(source, module, False, "x.py") == []
