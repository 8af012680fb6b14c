"""Data sets as NumPy arrays, image files, and augmentation for the input pipeline."""

from zoo.datasets.augment import AUGMENTATIONS, augmentation
from zoo.datasets.facts import CLASS_NAMES, FACTS
from zoo.datasets.folders import load_folder
from zoo.datasets.images import read_images
from zoo.datasets.reading import list_datasets, load

__all__ = [
    "AUGMENTATIONS",
    "CLASS_NAMES",
    "FACTS",
    "augmentation",
    "list_datasets",
    "load",
    "load_folder",
    "read_images",
]
