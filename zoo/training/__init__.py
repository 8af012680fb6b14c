"""From a recipe to a trained model, and from runs to published weights."""

from zoo.models.recipe import Recipe
from zoo.training.loop import resolve_recipe, train
from zoo.training.pairwise import PairwiseConsistency
from zoo.training.publishing import publish
from zoo.training.record import recipe_facts

__all__ = ["PairwiseConsistency", "Recipe", "publish", "recipe_facts", "resolve_recipe", "train"]
