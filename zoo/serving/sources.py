"""Which models to serve: folders that are found, a configuration file, or names that are exported first."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from zoo.hub.paths import CARD, cache_root, local_path
from zoo.serving.settings import ModelConfig
from zoo.version import __version__

log = logging.getLogger("zoo.serving")
PathLike = str | os.PathLike[str]
_FACTS = 2  # counts what exports say of themselves: older ones in the cache say less
_NAME = re.compile(r"[^/:\x00-\x1f\x7f]+")


def in_folder(folder: PathLike) -> list[ModelConfig]:
    """The models in a folder: those of its subfolders that hold version folders, or the folder itself if it does.

    Raises:
        FileNotFoundError: there is no such folder, or no model in it.
    """
    root = local_path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f"The model folder {root} does not exist.")
    if _has_versions(root):
        return [ModelConfig(root.resolve().name, root)]
    found = [path for path in sorted(root.iterdir()) if path.is_dir() and _has_versions(path)]
    if not found:
        raise FileNotFoundError(
            f"No models in {root}: expected <model>/<number>/ with model.onnx or a SavedModel, "
            "as `zoo export` writes them."
        )
    return [ModelConfig(path.name, path) for path in found]


def from_file(file: PathLike) -> list[ModelConfig]:
    """The models that a configuration file of TensorFlow Serving lists.

    Raises:
        ImportError: the extra `serving` is not installed.
        FileNotFoundError: there is no such file, or a model's folder does not exist.
        ValueError: the file is not in that format, or lists nothing.
    """
    try:
        from google.protobuf import text_format
        from tensorflow_serving.config import model_server_config_pb2
    except ImportError as error:
        raise ImportError('Reading a models.config needs tensorflow-serving-api: pip install "zoo[serving]"') from error
    path = local_path(file)
    message = model_server_config_pb2.ModelServerConfig()
    try:
        text_format.Parse(path.read_text("utf-8"), message)
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no models.config of TensorFlow Serving: {error}") from error
    entries = message.model_config_list.config
    if not entries:
        raise ValueError(f"{path} lists no models: expected model_config_list {{ config {{ name base_path }} }}.")
    return [_entry(entry, path.parent) for entry in entries]


def exported(name: PathLike, engine: str | None) -> ModelConfig:
    """A model of zoo's, exported into the user's cache, or a folder that holds version folders already.

    Raises:
        ValueError: an unknown name, or the model cannot be exported.
        ImportError: what the export needs is not installed.
    """
    if _is_path(name) and _has_versions(Path(name)):
        return in_folder(name)[0]
    from zoo.hub import card

    if _is_path(name) and Path(name).is_dir() and not (Path(name) / CARD).is_file():
        raise FileNotFoundError(
            f"{name} is neither an exported model, with folders <number>/, nor one that zoo.save wrote. To serve every "
            f"model in it: --model-dir {name}"
        )

    known = card(name)
    can_onnx = all(importlib.util.find_spec(package) for package in ("onnxruntime", "tf2onnx"))
    engine = engine or ("onnx" if can_onnx else "tensorflow")
    hashes = sorted((file, facts.sha256) for file, facts in known.files.items())
    key = hashlib.sha256(repr((known.name, known.tag, hashes, __version__, _FACTS)).encode()).hexdigest()[:12]
    root = cache_root() / "served" / f"{engine}-{key}"
    folder = root / known.name
    if not _has_versions(folder):
        from zoo.exporting import export

        log.info("exporting %s for %s, once", name, engine)
        export(name, root, format="onnx" if engine == "onnx" else "savedmodel")
    return ModelConfig(_own_name(name) if known.is_own else known.name, folder)


def _own_name(name: PathLike) -> str:
    """What a user's own model is called: its folder or file, or its repository on the Hub."""
    if "://" in str(name):
        return str(name).partition("@")[0].rpartition("/")[2]
    return local_path(name).resolve().name


def _is_path(name: PathLike) -> bool:
    return isinstance(name, os.PathLike) or "/" in name or os.sep in name


def with_labels(configs: Sequence[ModelConfig], labels: Mapping[str, int]) -> list[ModelConfig]:
    """The configurations with version labels.

    Args:
        configs: of the models.
        labels: version numbers by `label`, or by `model:label` where only one of several models is meant.

    Raises:
        ValueError: a label for a model that is not served, two models of one name, or a name that no address can hold.
    """
    names = [config.name for config in configs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"Two models are called {name!r}; rename the folder of one.")
        if not _NAME.fullmatch(name):
            raise ValueError(f"The model name {name!r} cannot stand in an address: rename its folder.")
    result = {config.name: config for config in configs}
    for key, number in labels.items():
        model, _, label = key.rpartition(":")
        if model and model not in result:
            raise ValueError(f"The label {key!r} names a model that is not served; served are: {', '.join(names)}.")
        for name in [model] if model else names:
            result[name] = replace(result[name], labels={**result[name].labels, label: number})
    return list(result.values())


def with_batching(configs: Sequence[ModelConfig], batching: bool | Sequence[str]) -> list[ModelConfig]:
    """The configurations with leave to join requests.

    Args:
        configs: of the models.
        batching: True for all of them, or the names of some.

    Raises:
        ValueError: a name that is not served.
    """
    names = [config.name for config in configs]
    chosen = (names if batching else []) if isinstance(batching, bool) else list(batching)
    unknown = set(chosen) - set(names)
    if unknown:
        raise ValueError(f"Batching is asked for {', '.join(sorted(unknown))}; served are: {', '.join(names)}.")
    return [replace(config, batching=True) if config.name in chosen else config for config in configs]


def _has_versions(folder: Path) -> bool:
    return folder.is_dir() and any(path.name.isdecimal() and path.is_dir() for path in folder.iterdir())


def _entry(entry: Any, beside: Path) -> ModelConfig:
    folder = beside / local_path(entry.base_path.removeprefix("file://"))
    if not folder.is_dir():
        raise FileNotFoundError(f"The folder {folder} of model {entry.name!r} does not exist.")
    policy, labels = entry.model_version_policy, dict(entry.version_labels)
    kind = policy.WhichOneof("policy_choice")
    if kind == "specific":
        return ModelConfig(entry.name, folder, versions=tuple(policy.specific.versions), labels=labels)
    latest = None if kind == "all" else max(1, policy.latest.num_versions)
    return ModelConfig(entry.name, folder, latest, labels=labels)
