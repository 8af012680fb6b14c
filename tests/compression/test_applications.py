"""Every network of keras.applications through every conversion: outputs and what layers hold stay."""

import keras
import numpy as np
import pytest

from tests.compression.networks import outputs, shake
from zoo.compression import compress, fold, to_synaptic
from zoo.testing import assert_close

pytestmark = [
    pytest.mark.once,
    pytest.mark.filterwarnings("ignore:to_synaptic leaves alone", "ignore:`include_preprocessing`"),
]
# The smallest pictures that each network takes; a few minutes each for the largest.
SIZES = {
    "MobileNet": 32,
    "MobileNetV2": 32,
    "MobileNetV3Small": 32,
    "MobileNetV3Large": 32,
    "EfficientNetB0": 32,
    "EfficientNetV2B0": 32,
    "ConvNeXtTiny": 32,
    "VGG16": 32,
    "VGG19": 32,
    "ResNet50": 32,
    "ResNet101": 32,
    "ResNet152": 32,
    "ResNet50V2": 32,
    "ResNet101V2": 32,
    "ResNet152V2": 32,
    "DenseNet121": 32,
    "DenseNet169": 32,
    "DenseNet201": 32,
    "InceptionV3": 75,
    "InceptionResNetV2": 75,
    "Xception": 71,
    "NASNetMobile": 32,
    "NASNetLarge": 32,
    **{f"EfficientNetB{index}": 32 for index in range(1, 8)},
    **{f"EfficientNetV2{kind}": 32 for kind in ("B1", "B2", "B3", "S", "M", "L")},
    **{f"ConvNeXt{kind}": 32 for kind in ("Small", "Base", "Large")},
}
QUICK = ("MobileNetV2", "EfficientNetB0") if keras.backend.backend() == "tensorflow" else ("MobileNet",)
REFUSED = "ConvNeXt"  # all of its convolutions are grouped or in models within the model
FLAGS = ("trainable", "kernel_regularizer", "kernel_constraint", "bias_regularizer", "bias_constraint")


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.large] * (n not in QUICK)) for n in SIZES])
def test_outputs_and_flags_stay(name):
    model, frozen = network(name)
    x = np.random.default_rng(2).uniform(0, 255, (2, *model.input_shape[1:])).astype("float32")
    expected = outputs(model, x)
    assert np.isfinite(expected).all() and np.ptp(expected) > 0
    for convert in (fold, compress, to_synaptic):
        if convert is to_synaptic and name.startswith(REFUSED):
            with pytest.raises(ValueError, match="Expected a convolution to convert"):
                convert(model)
            continue
        new = convert(model)
        assert_close(outputs(new, x), expected, 1e-4)
        assert not new.get_layer(frozen).trainable
        layers = {layer.name: layer for layer in model.layers}
        for layer in new.layers:
            if layer.name in layers:
                assert kept(layer) == kept(layers[layer.name]), layer.name
        del new


def network(name: str) -> tuple[keras.Model, str]:
    """With random weights, normalizations that have seen data, and one frozen convolution with a penalty."""
    size = SIZES[name]
    model = getattr(keras.applications, name)(
        weights=None, input_shape=(size, size, 3), include_top=False, pooling="avg"
    )
    shake(model)
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization) and layer.input_mean is None:
            layer.adapt(rng.normal(100.0, 50.0, (4, size, size, 3)))
    convolutions = [layer for layer in model.layers if type(layer) is keras.layers.Conv2D]
    frozen = convolutions[len(convolutions) // 2]
    frozen.trainable, frozen.kernel_regularizer = False, keras.regularizers.L2(1e-3)
    return model, frozen.name


def kept(layer):
    """What every conversion keeps of a layer, as far as it has it."""
    found = {name: getattr(layer, name, None) for name in FLAGS}
    found = {name: value.get_config() if hasattr(value, "get_config") else value for name, value in found.items()}
    return found | {"dtype": layer.dtype_policy.name}
