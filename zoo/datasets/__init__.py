"""Data sets as NumPy arrays, image files, and augmentation for the input pipeline."""

from zoo.datasets.augment import AUGMENTATIONS, augmentation
from zoo.datasets.facts import CLASS_NAMES, FACTS, RESEARCH, SHAREABLE
from zoo.datasets.folders import load_folder
from zoo.datasets.images import decode_images, read_images
from zoo.datasets.mixing import MIXERS, soft_labels
from zoo.datasets.preparing import prepare
from zoo.datasets.reading import list_datasets, load
from zoo.datasets.tensors import rotate_tensor

__all__ = [
    "AUGMENTATIONS",
    "CLASS_NAMES",
    "FACTS",
    "MIXERS",
    "RESEARCH",
    "SHAREABLE",
    "augmentation",
    "decode_images",
    "list_datasets",
    "load",
    "load_folder",
    "prepare",
    "read_images",
    "rotate_tensor",
    "soft_labels",
]
