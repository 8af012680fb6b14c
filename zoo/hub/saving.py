"""From a model to a folder of weights, card and golden output that `zoo.load` reads."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import _copying, _keras
from zoo._counting import counted
from zoo._suggestions import suggests
from zoo.hub import paths, registry, state, store
from zoo.hub.arguments import check_labels
from zoo.hub.cards import Card, FileFacts
from zoo.hub.examples import Inputs, example_inputs, pack_inputs, unpack_inputs
from zoo.hub.facts import count_parameters, origin_facts, trained_further
from zoo.hub.loading import build
from zoo.hub.origin import Origin, origin_of
from zoo.hub.reading import read_tensors
from zoo.hub.settings import keras_settings
from zoo.hub.source import card as find_card

_OWN = {paths.BASE, paths.BODY, paths.HEAD, paths.GOLDEN, paths.HISTORY, paths.CARD}


@suggests
def save(
    model: keras.Model,
    folder: str | os.PathLike[str],
    *,
    card: Mapping[str, Any] | Card | None = None,
    assets: Mapping[str, bytes] | None = None,
) -> Path:
    """Write a model's weights with a card; `zoo.load(folder)` reads the model back.

    The folder gets `model.safetensors`, `head.safetensors`, `golden.npz` (a small fixed input and the model's logits,
    which `zoo.verify` reproduces) and `card.json`. Files of these names are replaced, others stay. Weights are stored
    in float32, LoRA multiplied into the kernels. What is frozen stands in the card, and `zoo.load` freezes it again.

    Args:
        model: a model from `zoo.build`, `zoo.load` or `zoo.features`, trained further or not.
        folder: where to write; made if need be.
        card: facts to put into the card, for example `{"labels": ["cat", "dog"], "summary": "..."}`. Name, family,
            architecture and files are filled in from the model, and so are the labels that it has. Of a model that
            `fit` has trained the summary says so, and what it was on the validation data of `fit`.
        assets: content of further files by name; `zoo.hub.asset` finds them. The graph that a node classifier was
            trained on is `{"graph.npz": zoo.evaluation.pack_graph(inputs)}`: then `zoo.predict(folder, nodes=[5])`
            works.

    Returns:
        The folder.

    Raises:
        ValueError: not one of zoo's models, quantized layers (`model.save("x.keras")` keeps them), weights with NaN,
            facts that break the card's schema, or an asset with the name of a file that is written anyway.

    Example:
        >>> import tempfile, zoo
        >>> model = zoo.build("e4net_mnistrot", num_classes=2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = zoo.save(model, folder, card={"labels": ["cat", "dog"]})
        ...     zoo.load(path).output_shape
        (None, 2)
    """
    origin = origin_of(model)
    if others := _copying.beside_weights(model):
        warnings.warn(
            f"A folder holds weights alone, and not what {', '.join(others)} learnt: keep that with "
            "model.save('model.keras').",
            stacklevel=3,
        )
    given = trained_further(model) | (card.to_dict() if isinstance(card, Card) else dict(card or {}))
    tensors = state.plain_tensors(model)
    with keras_settings("float32"):
        twin = _twin(origin, tensors)
        files = _weights_files(tensors, twin, example_inputs(model)) | _check_assets(assets)
        complete = _complete_card(twin, origin, given | {"tag": None}, files)
        complete = dataclasses.replace(complete, frozen=state.frozen(model, twin))
    store.write_files(Path(folder), files | {paths.CARD: complete.to_json().encode()})
    return Path(folder)


def publish(
    model: keras.Model,
    tag: str,
    *,
    card: Mapping[str, Any],
    inputs: Inputs,
    history: str | None = None,
    assets: Mapping[str, bytes] | None = None,
    base: str | None = None,
    root: str | os.PathLike[str] | None = None,
    base_urls: Iterable[str] = (),
) -> Path:
    """Write the complete folder `<root>/<model>/<tag>`; it appears whole or not at all.

    Args:
        model: a registered model, unmodified but for its weights.
        tag: the new tag, for example `"v2"`; a tag that exists is never changed.
        card: the facts that only the training run knows: `dataset`, `metrics`, `recipe`, `training`, `symmetry`,
            `license`, or of converted weights `source` for metrics, recipe and training; `architecture` may give
            `macs` and `flops_convention`. The rest comes from the preset.
        inputs: for `golden.npz`: a few uint8 images `(n, height, width, channels)`, or arrays by input name.
        history: the text of `history.csv`; None for weights that were not trained here.
        assets: content of further files by name.
        base: published weights, `"model.tag"`, that the model was trained further from. Where most of its tensors are
            still theirs, they are not stored again: the card refers to the other file.
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
    tensors = state.plain_tensors(model)
    urls = [f"{base.rstrip('/')}/{origin.preset}/{tag}" for base in base_urls]
    with keras_settings("float32"):
        twin = _twin(origin, tensors)
        files = _weights_files(tensors, twin, inputs) | _check_assets(assets)
        files |= {} if history is None else {paths.HISTORY: history.encode()}
        shared: dict[str, FileFacts] = {}
        if base is not None:
            files[paths.BODY], shared = _without(base, store.split_head(tensors)[0], files[paths.BODY])
        complete = _complete_card(twin, origin, dict(card) | {"tag": tag}, files, urls, shared)
    store.write_new_folder(folder, files | {paths.CARD: complete.to_json().encode()})
    return folder


def _without(base: str, tensors: store.Tensors, body: bytes) -> tuple[bytes, dict[str, FileFacts]]:
    """The body's file without what published weights hold, and the facts of their file; or the argument and nothing."""
    facts = find_card(base)
    theirs = read_tensors(facts, None, [paths.BODY])
    own = {path: value for path, value in tensors.items() if not np.array_equal(value, theirs.get(path, np.nan))}
    if 2 * sum(value.nbytes for value in own.values()) > sum(value.nbytes for value in tensors.values()):
        return body, {}
    shared = dataclasses.replace(facts.files[paths.BODY], of=f"{facts.name}.{facts.tag}/{paths.BODY}")
    return store.tensors_to_bytes(own), {paths.BASE: shared}


def round_to_half(model: keras.Model) -> keras.Model:
    """Rounds a model's matrices and kernels to float16 numbers, half the bytes to store.

    Vectors, such as variances, stay as they are. The variables keep their type.

    Args:
        model: the model, which is changed.

    Returns:
        The same model.

    Raises:
        ValueError: values beyond the range of float16; then the variables before that one are rounded already.
    """
    for weight in model.weights:
        if len(weight.shape) < 2:
            continue
        value = keras.ops.convert_to_numpy(weight)
        if np.abs(value).max(initial=0) > np.finfo("float16").max:
            raise ValueError(f"{weight.path} has values beyond the range of float16: publish it with half=False")
        weight.assign(value.astype("float16").astype("float32"))
    return model


def golden_logits(model: keras.Model, inputs: Inputs) -> np.ndarray:
    """The model's output for `inputs` as float32.

    On TensorFlow it is computed eagerly: the few inputs come once, and a graph takes seconds to be written down.
    """
    eager = keras.backend.backend() == "tensorflow"
    outputs = model(inputs, training=False) if eager else model.predict_on_batch(inputs)
    return np.asarray(keras.ops.convert_to_numpy(outputs), dtype="float32")


def _check_assets(assets: Mapping[str, bytes] | None) -> dict[str, bytes]:
    taken = sorted(_OWN & set(assets or ()))
    if taken:
        raise ValueError(f"Expected assets under names of their own; got {taken}, which zoo writes itself.")
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


def _twin(origin: Origin, tensors: store.Tensors) -> keras.Model:
    """The same network built afresh, in float32 whatever Keras's settings are.

    It shows that the tensors fit the recorded configuration, counts parameters whatever the user froze, and makes the
    golden output independent of the precision that the model was trained in.
    """
    source = "this model (it was changed after zoo built it; of a folded one, pass the model that was folded)"
    with _keras.undrawn():
        twin = build(origin.config)
        store.assign(store.keyed(twin), tensors, source=source)
    _copying.finalize(twin)
    return twin


def _complete_card(
    twin: keras.Model,
    origin: Origin,
    given: dict[str, Any],
    files: Mapping[str, bytes],
    urls: Iterable[str] = (),
    shared: Mapping[str, FileFacts] | None = None,
) -> Card:
    """The caller's facts completed with what the model and the files say; the latter win."""
    facts = origin_facts(origin, count_parameters(twin))
    if given.get("labels") is not None:
        given = given | {"labels": check_labels(given["labels"])}
    measured = {key: (given.get("architecture") or {}).get(key) for key in ("macs", "flops_convention")}
    listed = {name: store.facts_of(data, [f"{url}/{name}" for url in urls]) for name, data in files.items()}
    listed |= shared or {}
    own = {
        "name": facts["name"],
        "family": facts["family"],
        "architecture": facts["architecture"] | measured,
        "files": {name: dataclasses.asdict(facts) for name, facts in listed.items()},
    }
    card = Card.from_dict(facts | given | own, where=f"of {facts['name']!r}")
    if origin.config.include_head and len(card.labels) != origin.config.num_classes:
        raise ValueError(f"Expected {counted(origin.config.num_classes, 'label')} in the card; got {len(card.labels)}.")
    return card
