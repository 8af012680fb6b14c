"""What the cards say of a data set."""

from __future__ import annotations

from zoo import _labels

_PLANETOID = "MIT, 2016 Zhilin Yang (kimiyoung/planetoid); after the citation sets of LINQS"

FACTS = {
    "cifar10": {
        "license": "none stated by the authors (A. Krizhevsky, V. Nair, G. Hinton), who ask for a citation; not to be "
        "passed on",
        "note": "CIFAR-10, 32x32 colour, 10 classes, in a shuffled order of its own: 45,000 images to train, 5,000 to "
        "choose, 10,000 to test.",
    },
    "cifar100": {
        "license": "none stated by the authors (A. Krizhevsky, V. Nair, G. Hinton), who ask for a citation; not to be "
        "passed on",
        "note": "CIFAR-100, 32x32 colour, 100 classes: 45,000 images to train, 5,000 to choose, 10,000 to test.",
    },
    "citeseer": {
        "license": _PLANETOID,
        "note": "Citeseer, one graph of 3,327 papers with 4,552 citations, 3,703 words and 6 classes. Planetoid's "
        "public split: 120 papers to train, 500 to choose, 1,000 to test.",
    },
    "cora": {
        "license": _PLANETOID,
        "note": "Cora, one graph of 2,708 papers with 5,278 citations, 1,433 words and 7 classes. Planetoid's public "
        "split: 140 papers to train, 500 to choose, 1,000 to test.",
    },
    "fashion_mnist": {
        "license": "MIT, 2017 Zalando SE",
        "note": "Fashion-MNIST, 28x28 grey, 10 classes: 55,000 images to train, 5,000 to choose, 10,000 to test.",
    },
    "fashion_mnist_mini": {
        "license": "MIT, 2017 Zalando SE",
        "note": "900 images of Fashion-MNIST, 28x28 grey, 10 classes, from the authors' overview picture, with a split "
        "of our own: 600 images to train, 150 to choose, 150 to test. No benchmark.",
    },
    "mnist_rot": {
        "license": "CC BY-SA 3.0; derived from MNIST, Y. LeCun and C. Cortes",
        "note": "MNIST-rot (regenerated): made anew from MNIST by the recipe of zoo.datasets.mnist_rot.regenerate, "
        "not the files of 2007. 10,000 images to train, 2,000 to choose, 50,000 to test.",
    },
    "places365": {
        "license": "non-commercial research and education (B. Zhou and others; their terms decide), the photographs "
        "belong to their takers; not to be passed on",
        "note": "Places365-Standard from TensorFlow Datasets (places365_small), the centre of each picture at a size "
        "of one's choice: 98 % of the 1,803,460 training images to train, 2 % to choose, the authors' 36,500 "
        "validation images to test.",
    },
    "pubmed": {
        "license": _PLANETOID,
        "note": "Pubmed, one graph of 19,717 papers with 44,324 citations, 500 words and 3 classes. Planetoid's public "
        "split: 60 papers to train, 500 to choose, 1,000 to test.",
    },
    "scene15": {
        "license": "none known (Oliva and Torralba; Fei-Fei and Perona; Lazebnik, Schmid and Ponce); research use, not "
        "to be passed on",
        "note": "Fifteen Scene Categories, the centre of each picture as 128x128 grey, 100 training images a class: "
        "1,200 images to train, 300 to choose, 2,974 to test, without 11 that are training images too.",
    },
    "sun16": {
        "license": "research use only, the photographs belong to their takers (SUN database, J. Xiao and others); not "
        "to be passed on",
        "note": "Sixteen classes of SUN, the centre of each picture as 96x96 colour, no standard benchmark: 1,888 "
        "images to train, 472 to choose, 781 to test. Classes are unbalanced.",
    },
}
"""Licence and note of every data set, by name."""

SHAREABLE = frozenset({"citeseer", "cora", "fashion_mnist", "fashion_mnist_mini", "mnist_rot", "pubmed"})
"""Data sets whose examples may be copied into public files."""

RESEARCH = frozenset({"places365", "scene15", "sun16"})
"""Image sets for research alone: weights that were trained on them are, too."""

CLASS_NAMES: dict[str, tuple[str, ...]] = {
    "cifar10": _labels.CIFAR10,
    "cifar100": _labels.CIFAR100,
    "citeseer": _labels.CITESEER,
    "cora": _labels.CORA,
    "fashion_mnist": _labels.FASHION_MNIST,
    "fashion_mnist_mini": _labels.FASHION_MNIST,
    "mnist_rot": _labels.DIGITS,
    "scene15": _labels.SCENE15,
    "sun16": _labels.SUN16,
}
"""Names of the classes in the order of the labels; the files of Pubmed do not name theirs, and those of
Places365 are in the prepared set."""
