"""From a model to a folder of weights, card and golden output that `zoo.load` reads."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.hub import paths, registry, store
from zoo.hub.cards import SCHEMA_VERSION, Card
from zoo.hub.examples import Inputs, example_inputs, pack_inputs, unpack_inputs
from zoo.hub.facts import architecture_facts, count_parameters, preset_facts
from zoo.hub.loading import build, dtype_policy
from zoo.hub.origin import Origin, origin_of

_OWN = {paths.BODY, paths.HEAD, paths.GOLDEN, paths.HISTORY, paths.CARD}


def save(
    model: keras.Model,
    folder: str | os.PathLike[str],
    *,
    card: Mapping[str, Any] | Card | None = None,
    assets: Mapping[str, bytes] | None = None,
) -> Path:
    """Write a model's weights with a card; `zoo.load(folder)` reads the model back.

    The folder gets `model.safetensors`, `head.safetensors`, `golden.npz` (a small fixed input and the model's logits,
    which `zoo.verify` reproduces) and `card.json`. Files of these names are replaced, others stay.

    Args:
        model: a model from `zoo.build`, `zoo.load` or `zoo.features`, trained further or not.
        folder: where to write; made if need be.
        card: facts to put into the card, for example `{"labels": ["cat", "dog"], "summary": "..."}`. Name, family,
            architecture and files are filled in from the model.
        assets: content of further files by name; `zoo.hub.asset` finds them. The graph that a node classifier was
            trained on is `{"graph.npz": zoo.evaluation.pack_graph(inputs)}`: then `zoo.predict(folder, nodes=[5])`
            works.

    Returns:
        The folder.

    Raises:
        ValueError: not one of zoo's models, weights with NaN, facts that break the card's schema, or an asset with
            the name of a file that is written anyway.

    Example:
        >>> import tempfile, zoo
        >>> model = zoo.build("e4net_mnistrot", num_classes=2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = zoo.save(model, folder, card={"labels": ["cat", "dog"]})
        ...     zoo.load(path).output_shape
        (None, 2)
    """
    origin = origin_of(model)
    tensors = store.collect(model.weights)
    twin = _float32_twin(origin, tensors)
    files = _weights_files(tensors, twin, example_inputs(model)) | _check_assets(assets)
    given = card.to_dict() if isinstance(card, Card) else dict(card or {})
    complete = _complete_card(twin, origin, given | {"tag": None}, files)
    store.write_files(Path(folder), files | {paths.CARD: complete.to_json().encode()})
    return Path(folder)


def publish(
    model: keras.Model,
    tag: str,
    *,
    card: Mapping[str, Any],
    inputs: Inputs,
    history: str,
    assets: Mapping[str, bytes] | None = None,
    root: str | os.PathLike[str] | None = None,
    base_urls: Iterable[str] = (),
) -> Path:
    """Write the complete folder `<root>/<model>/<tag>`; it appears whole or not at all.

    Args:
        model: a registered model, unmodified but for its weights.
        tag: the new tag, for example `"v2"`; a tag that exists is never changed.
        card: the facts that only the training run knows: `dataset`, `metrics`, `recipe`, `training`, `symmetry`,
            `license`; `architecture` may give `macs` and `flops_convention`. The rest comes from the preset.
        inputs: for `golden.npz`: a few uint8 images `(n, height, width, channels)`, or arrays by input name.
        history: the text of `history.csv`.
        assets: content of further files by name.
        root: the folder that holds the models' folders; None for the shipped one.
        base_urls: addresses under which `<model>/<tag>/<file>` will be found.

    Returns:
        The new folder.

    Raises:
        FileExistsError: the tag exists.
        ValueError: the model is no unmodified preset, its weights hold NaN, or the card is incomplete.
    """
    origin = origin_of(model)
    if origin.preset is None or origin.config != registry.find_preset(origin.preset).config:
        raise ValueError(f"only an unmodified preset is published, {model.name!r} has {origin.config}")
    folder = Path(root or paths.weights_root()) / origin.preset / tag
    if folder.exists():
        raise FileExistsError(f"{folder} exists and published weights do not change: choose the next tag")
    tensors = store.collect(model.weights)
    twin = _float32_twin(origin, tensors)
    files = _weights_files(tensors, twin, inputs) | _check_assets(assets) | {paths.HISTORY: history.encode()}
    urls = [f"{base.rstrip('/')}/{origin.preset}/{tag}" for base in base_urls]
    complete = _complete_card(twin, origin, dict(card) | {"tag": tag}, files, urls)
    store.write_new_folder(folder, files | {paths.CARD: complete.to_json().encode()})
    return folder


def golden_logits(model: keras.Model, inputs: Inputs) -> np.ndarray:
    """The model's output for `inputs` as float32."""
    return np.asarray(keras.ops.convert_to_numpy(model.predict_on_batch(inputs)), dtype="float32")


def _check_assets(assets: Mapping[str, bytes] | None) -> dict[str, bytes]:
    taken = sorted(_OWN & set(assets or ()))
    if taken:
        raise ValueError(f"expected assets under names of their own, got {taken}, which zoo writes itself")
    return dict(assets or {})


def _weights_files(tensors: store.Tensors, twin: keras.Model, inputs: Inputs) -> dict[str, bytes]:
    """The content of the weights files and of the golden file."""
    packed = pack_inputs(inputs)
    body, head = store.split_head(tensors)
    files = {paths.BODY: store.tensors_to_bytes(body)}
    if head:
        files[paths.HEAD] = store.tensors_to_bytes(head)
    files[paths.GOLDEN] = store.arrays_to_bytes(**packed, logits=golden_logits(twin, unpack_inputs(packed)))
    return files


def _float32_twin(origin: Origin, tensors: store.Tensors) -> keras.Model:
    """The same network built afresh in float32.

    It shows that the tensors fit the recorded configuration, counts parameters whatever the user froze, and makes the
    golden output independent of the precision that the model was trained in.
    """
    with dtype_policy("float32"):
        twin = build(origin.config)
    source = "this model (it was changed after zoo built it; of a folded one, pass the model that was folded)"
    store.assign(twin.weights, tensors, source=source)
    return twin


def _complete_card(
    twin: keras.Model, origin: Origin, given: dict[str, Any], files: Mapping[str, bytes], urls: Iterable[str] = ()
) -> Card:
    """The caller's facts completed with what the model and the files say; the latter win."""
    facts = _known_facts(twin, origin)
    measured = {key: (given.get("architecture") or {}).get(key) for key in ("macs", "flops_convention")}
    listed = {name: store.facts_of(data, [f"{url}/{name}" for url in urls]) for name, data in files.items()}
    own = {
        "name": facts["name"],
        "family": facts["family"],
        "architecture": facts["architecture"] | measured,
        "files": {name: dataclasses.asdict(facts) for name, facts in listed.items()},
    }
    card = Card.from_dict(facts | given | own, where=f"of {facts['name']!r}")
    if origin.config.include_head and len(card.labels) != origin.config.num_classes:
        raise ValueError(f"expected {origin.config.num_classes} labels in the card, got {len(card.labels)}")
    return card


def _known_facts(twin: keras.Model, origin: Origin) -> dict[str, Any]:
    parameters = count_parameters(twin)
    if origin.preset is not None:
        facts = preset_facts(registry.find_preset(origin.preset), origin.config, parameters)
        return facts | {"labels": origin.labels}
    return {
        "schema_version": SCHEMA_VERSION,
        "name": origin.config.name,
        "family": origin.family,
        "summary": f"a network of the family {origin.family} with a configuration of its own",
        "task": _task_of_its_kind(origin),
        "labels": origin.labels,
        "architecture": architecture_facts(origin.config, parameters),
    }


def _task_of_its_kind(origin: Origin) -> str:
    """What the family's first preset with the same kind of configuration does."""
    presets = registry.find_family(origin.family).PRESETS
    return next(preset.task for preset in presets if type(preset.config) is type(origin.config))
