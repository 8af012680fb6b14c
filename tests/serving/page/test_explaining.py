"""The picture of what a model looked at."""

from __future__ import annotations

import base64
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.serving.page.toy import SIDE, CornerRunner, picture
from zoo.serving import open_runner
from zoo.serving.page import explain
from zoo.serving.page.explaining import GRID

pytestmark = pytest.mark.once


def test_the_map_peaks_where_the_answer_comes_from():
    result = explain(CornerRunner(), picture(), top=2)
    drops = np.array(result["drops"])
    assert drops.shape == (GRID, GRID) and [one["label"] for one in result["top"]] == ["bright", "neither"]
    row, column = np.unravel_index(drops.argmax(), drops.shape)
    assert row >= 9 and column <= 2
    assert result["largest_drop"] == pytest.approx(drops.max(), abs=1e-6) and drops.max() > 0.5
    # Patches of a quarter of the side around cells 5 and further away do not touch the corner.
    assert np.abs(drops[:6, :]).max() == np.abs(drops[:, 6:]).max() == 0


def test_a_drop_is_the_change_of_the_probability():
    """One number of the map, by its formula."""
    runner = CornerRunner()
    result = explain(runner, picture())
    image = np.asarray(Image.open(io.BytesIO(picture())), np.float32)[None, ..., None]
    covered = image.copy()
    covered[:, 18:24, 0:6] = image.mean()  # patches of 6 pixels; row 10 is centred on 21, column 1 on 3
    before, after = (runner.run({"image": x})["probabilities"][0, 0] for x in (image, covered))
    assert result["drops"][10][1] == pytest.approx(before - after, abs=1e-6)


def test_the_overlay_is_coloured_where_the_map_is_high():
    result = explain(CornerRunner(), picture())
    overlay, seen = (Image.open(io.BytesIO(base64.b64decode(result[name]))) for name in ("overlay", "seen"))
    assert overlay.format == seen.format == "PNG" and overlay.size == seen.size == (336, 336)
    red, green, blue = np.asarray(overlay, int).transpose(2, 0, 1)
    assert (red - blue)[-40:, :40].mean() > 80 and (red == green).all(where=np.indices(red.shape)[0] < 150)


@pytest.mark.parametrize("outputs", [("logits",), ("probabilities",)])
def test_one_of_the_outputs_is_enough(outputs):
    both, one = explain(CornerRunner(), picture()), explain(CornerRunner(outputs=outputs), picture())
    np.testing.assert_allclose(one["drops"], both["drops"], atol=2e-6)
    assert one["top"][0]["probability"] == pytest.approx(both["top"][0]["probability"])


def test_without_labels_classes_are_numbers():
    assert [one["label"] for one in explain(CornerRunner(labels=()), picture())["top"]] == ["0", "2", "1"]


@pytest.mark.parametrize(("side", "kind", "mode"), [(100, "JPEG", "RGB"), (9, "PNG", "RGBA"), (64, "GIF", "P")])
def test_other_sizes_and_kinds(side, kind, mode):
    assert explain(CornerRunner(), picture(side, kind, mode))["top"][0]["label"] == "bright"


def test_both_engines_give_the_same_map(models, saved_model):
    """The network of the server's tests, as an ONNX file and as a SavedModel."""
    onnx, tensorflow = (explain(open_runner(folder), picture(4)) for folder in (models / "net" / "1", saved_model))
    assert np.ptp(onnx["drops"]) > 0.01
    np.testing.assert_allclose(onnx["drops"], tensorflow["drops"], atol=2e-6)
    assert onnx["top"][0]["label"] == tensorflow["top"][0]["label"]


def test_batches_are_bounded():
    runner = CornerRunner()
    explain(runner, picture())
    assert sum(runner.sizes) == GRID * GRID + 1 and max(runner.sizes) <= 36


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "The image cannot be read"),
        (b"no image", "The image cannot be read"),
        (picture()[:60], "The image is a truncated"),
    ],
    ids=["empty", "text", "truncated"],
)
def test_bytes_that_are_no_image(data, message):
    with pytest.raises(ValueError, match=message):
        explain(CornerRunner(), data)


def test_a_huge_image_is_refused_before_it_is_decoded():
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    with pytest.raises(ValueError, match="The image"):
        explain(CornerRunner(), bomb)
    pixels = io.BytesIO()
    Image.new("L", (8000, 7000)).save(pixels, "PNG")
    with pytest.raises(ValueError, match="The image has 8000x7000 pixels; at most 50000000"):
        explain(CornerRunner(), pixels.getvalue())


def test_models_that_cannot_be_explained():
    with pytest.raises(ValueError, match="takes no images"):
        explain(CornerRunner(shape=(None, 10)), picture())
    with pytest.raises(ValueError, match="outputs `probabilities` or `logits`"):
        explain(CornerRunner(outputs=("score",)), picture())
    with pytest.raises(ValueError, match="top of at least 1; got 0"):
        explain(CornerRunner(), picture(), top=0)


def test_nan_is_an_error(monkeypatch):
    runner = CornerRunner()
    monkeypatch.setattr(runner, "run", lambda inputs: {"probabilities": np.full((1, 3), np.nan)})
    with pytest.raises(ValueError, match="NaN"):
        explain(runner, picture())


def test_patches_cover_small_images():
    from zoo.serving.page.explaining import _spans

    for side in (1, 2, 5, SIDE, 224):
        spans = _spans(side)
        assert len(spans) == GRID and all(span.start < span.stop for span in spans)
        assert set().union(*(range(*span.indices(side)) for span in spans)) == set(range(side))
