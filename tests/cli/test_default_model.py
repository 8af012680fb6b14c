"""`zoo predict` without --model: photographs by the backbone, handwritten digits by the E4-Net."""

import pytest

from zoo.cli import predict

pytestmark = pytest.mark.once


def test_pictures_choose(root, capsys):
    digits = sorted(map(str, (root / "examples/images/mnistrot").glob("*.png")))[:3]
    photos = sorted(map(str, (root / "examples/images/photos").glob("*.jpg")))
    assert len(digits) == 3 and len(photos) == 5
    assert predict._default(digits) == "e4net_mnistrot" and not capsys.readouterr().err
    for files in (photos, [*digits, photos[0]]):
        assert predict._default(files) == "efficientnet_lite0_imagenet"
        assert "classified by efficientnet_lite0_imagenet" in capsys.readouterr().err
