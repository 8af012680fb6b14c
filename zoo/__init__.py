"""zoo: models from papers as trained Keras networks, with their layers."""

from zoo import _startup as _startup  # first: it decides what the backend prints when it is imported
from zoo import compression, datasets, evaluation, layers, losses, serving, testing, visual
from zoo.batch import predict_files
from zoo.compression import fold
from zoo.evaluation import evaluate, predict
from zoo.export import export
from zoo.hub import build, card, decode, features, list_models, load, save, verify
from zoo.serving import serve
from zoo.training import publish, train
from zoo.version import __version__

__all__ = [
    "__version__",
    "build",
    "card",
    "compression",
    "datasets",
    "decode",
    "evaluate",
    "evaluation",
    "export",
    "features",
    "fold",
    "layers",
    "list_models",
    "load",
    "losses",
    "predict",
    "predict_files",
    "publish",
    "save",
    "serve",
    "serving",
    "testing",
    "train",
    "verify",
    "visual",
]
