"""What the cards say of a data set."""

from __future__ import annotations

_PLANETOID = "MIT, 2016 Zhilin Yang (kimiyoung/planetoid); after the citation sets of LINQS"

FACTS = {
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
    "mnist_rot": {
        "license": "CC BY-SA 3.0; derived from MNIST, Y. LeCun and C. Cortes",
        "note": "MNIST-rot (regenerated): made anew from MNIST by the recipe of zoo.datasets.mnist_rot.regenerate, "
        "not the files of 2007. 10,000 images to train, 2,000 to choose, 50,000 to test.",
    },
    "pubmed": {
        "license": _PLANETOID,
        "note": "Pubmed, one graph of 19,717 papers with 44,324 citations, 500 words and 3 classes. Planetoid's public "
        "split: 60 papers to train, 500 to choose, 1,000 to test.",
    },
}
"""Licence and note of every data set, by name."""

CLASS_NAMES: dict[str, tuple[str, ...]] = {
    "citeseer": (
        "artificial intelligence",
        "machine learning",
        "information retrieval",
        "databases",
        "agents",
        "human-computer interaction",
    ),
    "cora": (
        "theory",
        "reinforcement learning",
        "genetic algorithms",
        "neural networks",
        "probabilistic methods",
        "case-based reasoning",
        "rule learning",
    ),
    "mnist_rot": tuple("0123456789"),
}
"""Names of the classes in the order of the labels; the files of Pubmed do not name theirs."""
