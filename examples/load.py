"""What can be done with a name: list, load, look at the card, take the features, name the classes.

python examples/load.py [--help]
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import zoo

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # with zoo above: TensorFlow's start-up lines stay off the terminal

IMAGES = Path(__file__).parent / "images" / "mnistrot"


def main(arguments: list[str] | None = None) -> None:
    """Prints a little of everything."""
    argparse.ArgumentParser(description="Print what can be done with a name.").parse_args(arguments)
    print("models:", ", ".join(zoo.list_models("*mnistrot")))
    card = zoo.card("e4net_mnistrot")
    print(f"card: {card.name}, {card.architecture['parameters']:,} parameters, {card.summary}")

    model = zoo.load("e4net_mnistrot")
    files = sorted(IMAGES.glob("*.png"))[:4]
    images = zoo.datasets.read_images(files, model.input_shape[1:])
    logits = model.predict(images, verbose=0)
    for file, row in zip(files, zoo.decode(model, logits, top=2), strict=True):
        print(f"{file.name}:", ", ".join(f"{best.label} {best.percent}" for best in row))

    vectors = zoo.features(model).predict(images, verbose=0)
    print("features:", vectors.shape)


if __name__ == "__main__":
    main()
