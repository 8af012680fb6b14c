"""Which files a graph may decode itself, and what becomes of the others."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from zoo.serving import pictures
from zoo.serving.errors import RequestError
from zoo.serving.runners import TensorSpec
from zoo.serving.settings import Settings
from zoo.serving.versions import LoadedVersion

pytestmark = pytest.mark.once
SIDE = 8


def encoded(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


GREY = Image.new("L", (SIDE, SIDE), 200)
DEEP = Image.fromarray(np.full((SIDE, SIDE), 65_535, np.uint16))
OTHERS = {
    "16 bits": encoded(DEEP),
    "turned": encoded(GREY, "JPEG", exif=turned()),
    "CMYK": encoded(GREY.convert("CMYK"), "JPEG"),
    "palette": encoded(GREY.convert("P")),
    "GIF": encoded(GREY, "GIF"),
    "transparent colour": encoded(GREY, transparency=200),
}


def test_plain_files_are_for_the_graph():
    plain = [encoded(GREY), encoded(GREY.convert("RGB"), "JPEG"), encoded(GREY.convert("RGBA"))]
    assert pictures.check_sizes(plain)
    for name, content in OTHERS.items():
        assert not pictures.check_sizes([*plain, content]), name


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_decoded_as_everywhere(name):
    """A model with a signature for encoded files in its graph is given pixels instead."""
    pixels, files = (
        TensorSpec(np.dtype(kind), shape) for kind, shape in (("float32", (None, SIDE, SIDE, 1)), ("O", (None,)))
    )
    signatures = {
        word: SimpleNamespace(inputs={key: spec}, outputs={}, batched=True)
        for word, key, spec in (("serving_default", "image", pixels), ("serving_bytes", "image_bytes", files))
    }
    runner = SimpleNamespace(
        inputs={"image": pixels},
        outputs={},
        signatures=signatures,
        facts=SimpleNamespace(rows_independent=True, name="m"),
    )
    version = LoadedVersion(1, runner, Settings())
    given = {"image_bytes": np.array([OTHERS[name]], object)}
    signature, inputs = version.prepare("serving_bytes", given)
    assert signature == "serving_default"
    assert inputs["image"].shape == (1, SIDE, SIDE, 1)
    assert inputs["image"].max() == {"16 bits": 255, "transparent colour": 0}.get(name, inputs["image"].max())
    plain = {"image_bytes": np.array([encoded(GREY)], object)}
    assert version.prepare("serving_bytes", plain) == ("serving_bytes", plain)


def test_dark_files_are_refused():
    runner = SimpleNamespace(inputs={"image": TensorSpec(np.dtype("float32"), (None, SIDE, SIDE, 1))})
    dark = encoded(Image.fromarray(np.full((SIDE, SIDE), 200, np.uint16)))
    with pytest.raises(RequestError, match="image 0 uses values up to 200 of 65,535"):
        pictures.decode(runner, [dark])
