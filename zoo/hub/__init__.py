"""From a name to a ready model: registry, cards, weights store, download, loading and saving."""

from zoo.hub.cards import Card, FileFacts
from zoo.hub.decoding import Prediction, decode
from zoo.hub.examples import example_inputs
from zoo.hub.gap import GapHead, class_map_batches, find_gap_head, find_normalization, with_cam
from zoo.hub.loading import build, compile_for_fine_tuning, features, load, suits_xla
from zoo.hub.names import ModelName, parse_name
from zoo.hub.origin import Origin, origin_of
from zoo.hub.registry import find_preset, find_recipe, list_models
from zoo.hub.saving import publish, save
from zoo.hub.source import asset, card
from zoo.hub.starting import start_facts, start_from
from zoo.hub.verifying import VerifyResult, verify

__all__ = [
    "Card",
    "FileFacts",
    "GapHead",
    "ModelName",
    "Origin",
    "Prediction",
    "VerifyResult",
    "asset",
    "build",
    "card",
    "class_map_batches",
    "compile_for_fine_tuning",
    "decode",
    "example_inputs",
    "features",
    "find_gap_head",
    "find_normalization",
    "find_preset",
    "find_recipe",
    "list_models",
    "load",
    "origin_of",
    "parse_name",
    "publish",
    "save",
    "start_facts",
    "start_from",
    "suits_xla",
    "verify",
    "with_cam",
]
