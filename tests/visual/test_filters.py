"""Pictures of a basis."""

from __future__ import annotations

from pathlib import Path

import keras
import matplotlib.image
import numpy as np
import pytest

from tests.layers.equivariant import normal
from zoo.layers import SharedFilterBasis
from zoo.visual import gram_matrix, plot_basis
from zoo.visual.filters import _tiles

pytestmark = pytest.mark.once


def test_filters_and_gram_matrix(tmp_path: Path) -> None:
    basis = SharedFilterBasis(6)
    basis.build((None, 8, 8, 4))
    assert np.abs(gram_matrix(basis.kernel) - np.eye(6)).max() < 1e-6
    kernels = {"before": basis.kernel, "after": normal(3, 3, 4, 6)}
    one = plot_basis(kernels, path=tmp_path / "one.png", title="stage 1")
    two = plot_basis({"before": keras.ops.convert_to_numpy(basis.kernel)}, path=tmp_path / "two.png")
    heights = [matplotlib.image.imread(path).shape[0] for path in (one, two)]
    assert heights[0] == 2 * heights[1]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["one.png", "two.png"]


def test_a_tile_shows_where_a_filter_looks() -> None:
    kernel = normal(3, 3, 4, 6)
    image = _tiles(kernel)
    assert image.shape == (2 * 4 - 1, 3 * 4 - 1)  # two rows of three
    strength = np.sqrt((kernel[..., 4] ** 2).mean(axis=2))
    np.testing.assert_allclose(image[4:7, 4:7], strength / strength.max(), rtol=1e-6)
    assert np.isnan(image[3]).all()


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="got none"):
        plot_basis({}, path=tmp_path / "a.png")
    with pytest.raises(ValueError, match="kernels by a name.*got ndarray"):
        plot_basis(normal(3, 3, 4, 6), path=tmp_path / "a.png")
    with pytest.raises(ValueError, match="`kernel` of a built layer; got SharedFilterBasis"):
        plot_basis({"a": SharedFilterBasis(6)}, path=tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"\(k, k, channels, filters\); got shape \(3, 4\)"):
        plot_basis({"a": normal(3, 4)}, path=tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"ends in \.png"):
        plot_basis({"a": normal(3, 3, 2, 2)}, path=tmp_path / "a.pdf")
