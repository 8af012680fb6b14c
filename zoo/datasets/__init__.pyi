from .augment import AUGMENTATIONS, augmentation, augmentations, register_augmentation
from .facts import CLASS_NAMES, FACTS, RESEARCH, SHAREABLE
from .folders import load_folder
from .images import decode_images, image_shape, read_each, read_images
from .mixing import MIXERS, soft_labels
from .opening import check_place, open_data
from .picture_files import image_suffixes
from .pictures import open_pictures
from .preparing import prepare
from .protocol import Data, DataSet
from .reading import list_datasets, load
from .roots import MissingData
from .sources import DataSource, find_dataset, register_dataset
from .tensors import rotate_tensor

__all__ = [
    "AUGMENTATIONS",
    "CLASS_NAMES",
    "Data",
    "DataSet",
    "DataSource",
    "FACTS",
    "MIXERS",
    "MissingData",
    "RESEARCH",
    "SHAREABLE",
    "augmentation",
    "augmentations",
    "check_place",
    "decode_images",
    "find_dataset",
    "image_shape",
    "image_suffixes",
    "list_datasets",
    "load",
    "load_folder",
    "open_data",
    "open_pictures",
    "prepare",
    "read_each",
    "read_images",
    "register_augmentation",
    "register_dataset",
    "rotate_tensor",
    "soft_labels",
]
