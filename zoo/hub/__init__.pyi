from .cards import Card, FileFacts
from .checkpoints import Checkpoint, read_checkpoint
from .compiling import compile_for_fine_tuning, run_directly, suits_xla
from .converting import Conversion, convert
from .decoding import Prediction, decode
from .examples import example_inputs
from .learned import OwnData, learned_from
from .loading import build, load
from .model import ZooModel, with_origin
from .names import ModelName, parse_name
from .origin import Origin, find_origin, origin_of
from .pushing import push
from .registry import find_preset, find_recipe, list_models, register_family, register_preset, registered_families
from .saving import publish, round_to_half, save
from .source import asset, card, expects_of
from .stages import features, freeze, head_of, stages_of
from .starting import start_facts, start_from
from .verifying import VerifyResult, verify

__all__ = [
    "Card",
    "Checkpoint",
    "Conversion",
    "FileFacts",
    "ModelName",
    "Origin",
    "OwnData",
    "Prediction",
    "VerifyResult",
    "ZooModel",
    "asset",
    "build",
    "card",
    "compile_for_fine_tuning",
    "convert",
    "decode",
    "example_inputs",
    "expects_of",
    "features",
    "find_origin",
    "find_preset",
    "find_recipe",
    "freeze",
    "head_of",
    "learned_from",
    "list_models",
    "load",
    "origin_of",
    "parse_name",
    "publish",
    "push",
    "read_checkpoint",
    "register_family",
    "register_preset",
    "registered_families",
    "round_to_half",
    "run_directly",
    "save",
    "stages_of",
    "start_facts",
    "start_from",
    "suits_xla",
    "verify",
    "with_origin",
]
