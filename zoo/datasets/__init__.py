"""Data sets as NumPy arrays, image files, and augmentation for the input pipeline."""

from zoo.datasets.augment import AUGMENTATIONS, augmentation
from zoo.datasets.facts import FACTS
from zoo.datasets.images import decode_images, read_images
from zoo.datasets.reading import list_datasets, load

__all__ = ["AUGMENTATIONS", "FACTS", "augmentation", "decode_images", "list_datasets", "load", "read_images"]
