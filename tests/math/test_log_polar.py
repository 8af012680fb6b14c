"""Region maps of log-polar windows, and the authors' layout of weights."""

from pathlib import Path

import numpy as np
import pytest

from tests.layers.equivariant import normal
from zoo.math import log_polar_from_folded, log_polar_map, log_polar_to_folded
from zoo.testing import load_golden

pytestmark = pytest.mark.once


FOLDER = Path(__file__).parents[1] / "golden" / "lpsc"
FIXTURES = sorted(path.stem.removeprefix("layer_") for path in FOLDER.glob("layer_*.npz"))


def region_map(config):
    ratio = config["ratio"] if config["ratio"] > 0 else None
    return log_polar_map(
        (config["kh"], config["kw"]),
        config["num_levels"],
        config["ang_levels"],
        config["facbase"],
        rotation=config["ini_angle"],
        ratio=ratio,
        reference_map=True,
    )


@pytest.mark.parametrize("name", FIXTURES)
def test_region_map_matches_the_reference(name):
    golden = load_golden(FOLDER / f"layer_{name}.npz")
    found = region_map(golden.config)
    np.testing.assert_array_equal(found.level, golden["levelmap"])
    np.testing.assert_array_equal(found.angle, golden["anglemap"])
    # The folded index of every cell, counted from 1: the place of its region's number in the folded layout.
    numbers = np.arange(found.regions, dtype="float32").reshape(-1, 1, 1)
    place = np.argsort(log_polar_to_folded(numbers, found.levels).ravel())
    np.testing.assert_array_equal(place[found.region] + 1, golden["targetmap"])


def test_maps_of_the_published_settings():
    counts = {
        (5, 2, 6, 3): [3, 1, 1, 2, 1, 1, 3, 3, 2, 3, 3, 2],
        (9, 2, 6, 3): [3, 1, 1, 2, 1, 1, 14, 11, 11, 14, 11, 11],
        (9, 2, 8, 2): [3, 1, 2, 1, 2, 1, 2, 1, 8, 9, 8, 9, 8, 9, 8, 9],
        (9, 3, 8, 2): [2] + [1] * 7 + [2] * 8 + [7] * 8,
        (11, 3, 8, 2): [2] + [1] * 7 + [2] * 8 + [12] * 8,
        (13, 2, 6, 3): [4, 2, 1, 3, 2, 1, 30, 22, 26, 30, 22, 26],
    }
    for settings, expected in counts.items():
        found = log_polar_map(*settings)
        assert found.counts.tolist() == expected, settings
        assert found.membership().sum() == settings[0] ** 2
    np.testing.assert_allclose(log_polar_map(13, 3, 8, 2).radii ** 2, [2.25, 9, 36])


def test_options_of_the_map():
    whole, clipped = log_polar_map(9, 2, 6, 3), log_polar_map(9, 2, 6, 3, clip_corners=True)
    rows, columns = np.mgrid[-4:5, -4:5]
    np.testing.assert_array_equal(clipped.region == -1, rows**2 + columns**2 > 18)
    without = log_polar_map(9, 2, 6, 3, center_in_region=False)
    assert without.region[4, 4] == -1 and (without.region != whole.region).sum() == 1
    # Turned by two sectors, counter-clockwise; the reference turns its sectors the other way.
    turned = log_polar_map(9, 2, 8, 2, rotation=np.pi / 2)
    np.testing.assert_array_equal(turned.region, np.rot90(log_polar_map(9, 2, 8, 2).region))
    backwards = log_polar_map(9, 2, 8, 2, rotation=np.pi / 2, reference_map=True)
    assert (turned.angle[0, 4], backwards.angle[0, 4]) == (0, 4)  # the cell straight up
    # A cell that lands on 2 pi: in the reference it is in the last sector, not the first.
    assert log_polar_map(9, 2, 8, 2, rotation=-np.pi).angle[4, 0] == 0
    assert log_polar_map(9, 2, 8, 2, rotation=np.pi, reference_map=True).angle[4, 0] == 7
    # An upright window is its lying one turned; not so in the reference, which measures both along the row.
    upright, lying = (log_polar_map(size, 2, 4, 2).level for size in ((13, 5), (5, 13)))
    np.testing.assert_array_equal(upright, lying.T)
    assert (log_polar_map((13, 5), 2, 4, 2, reference_map=True).level == 0).sum() > (upright == 0).sum()


def test_folded_layout_and_back():
    kernel = normal(3 * 8, 2, 5)
    weight = log_polar_to_folded(kernel, levels=3)
    assert weight.shape == (5, 2, 6, 4)
    np.testing.assert_array_equal(log_polar_from_folded(weight), kernel)
    # Ring l and sector a of the upper half lie at row L - 1 - l and column A / 2 - 1 - a; of the lower, at L + l and
    # a - A / 2.
    np.testing.assert_array_equal(weight[:, :, 0, 3], kernel[2 * 8 + 0].T)
    np.testing.assert_array_equal(weight[:, :, 4, 2], kernel[1 * 8 + 6].T)
    with pytest.raises(ValueError, match="Expected `levels` to be a positive integer; got 0"):
        log_polar_to_folded(kernel, levels=0)
