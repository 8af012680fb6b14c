"""Models in Keras's own files: `model.save("x.keras")`, or what `keras.callbacks.ModelCheckpoint` writes."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo._reading import readable
from zoo.hub.origin import Origin

if TYPE_CHECKING:
    from zoo.hub.model import ZooModel

SUFFIX = ".keras"
OTHERS = (".h5", ".hdf5")


def is_file(path: Path) -> bool:
    """Whether a path means a file of Keras and not a folder of zoo; a `ValueError` for Keras's older format."""
    if path.suffix in OTHERS:
        raise ValueError(
            f"{path} is an HDF5 file: keras.models.load_model reads one that holds a whole model, and "
            "zoo.load(name, num_classes=...).load_weights(path) one that holds weights"
        )
    return path.suffix == SUFFIX and not path.is_dir()


def read_origin(path: Path) -> Origin:
    """What a file says of the model in it, which is not built for that.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no file of Keras, or one without a model of zoo's.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist: expected a file written by model.save")
    with readable(path, "file that model.save wrote"), zipfile.ZipFile(path) as archive:
        config: dict[str, Any] = json.loads(archive.read("config.json"))
        origin = config.get("config", {}).get("origin")
    if origin is None:
        raise ValueError(
            f"{path} holds a {config.get('class_name', 'model')} without an origin, and not one of zoo's models: "
            "keras.models.load_model reads it; zoo.load(name, num_classes=...).load_weights(path) takes its weights, "
            "if it has the same layers"
        )
    try:
        return Origin.from_data(origin)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} is damaged: the origin of its model lacks or has what it should not, {error}"
        ) from error


def read_model(path: Path, *, compile: bool) -> ZooModel:
    """The model in a file, with its flags and, if `compile`, as it was compiled."""
    import keras

    from zoo.hub.model import ZooModel

    model = keras.models.load_model(path, compile=compile)
    assert isinstance(model, ZooModel)  # it has an origin
    return model
