from . import strategies as strategies
from .finetuning import finetune
from .loop import train
from .pairwise import PairwiseConsistency
from .publishing import publish
from .recipes import parse_settings, read_recipe, resolve_recipe, write_recipe
from .record import Recipe, check_folder, recipe_facts
from .resetting import reset_head
from .settings import RunSettings

__all__ = [
    "PairwiseConsistency",
    "Recipe",
    "RunSettings",
    "check_folder",
    "finetune",
    "parse_settings",
    "publish",
    "read_recipe",
    "recipe_facts",
    "reset_head",
    "resolve_recipe",
    "train",
    "write_recipe",
]
