"""From plain models to ones with strengths: outputs stay, scales move as the golden file says."""

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.compression.networks import CONFIGS, made, outputs, pixels, shake
from zoo.compression import compress, fold, prune, strengths, to_synaptic
from zoo.layers import SharedBasisConv2D, SharedFilterBasis, SynapticConv2D
from zoo.losses import StrengthSparsity
from zoo.testing import assert_close, load_golden

pytestmark = pytest.mark.filterwarnings("ignore:pruning. ")
GOLDEN = load_golden(Path(__file__).parents[1] / "golden" / "synaptic" / "absorb_fold.npz")
SLICES = load_golden(Path(__file__).parents[1] / "golden" / "synaptic" / "strength.npz")


def golden_model():
    inputs = keras.Input((6, 6, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv1")(inputs)
    x = keras.layers.BatchNormalization(epsilon=float(GOLDEN["eps"]), name="norm1")(x)
    x = keras.layers.ReLU(name="relu1")(x)
    x = keras.layers.Conv2D(5, 3, padding="same", use_bias=False, name="conv2")(x)
    model = keras.Model(inputs, x)
    model.get_layer("conv1").set_weights([GOLDEN["kernel1"]])
    model.get_layer("norm1").set_weights([GOLDEN[name] for name in ("gamma1", "beta1", "mean1", "var1")])
    model.get_layer("conv2").set_weights([GOLDEN["kernel2"]])
    return model


def test_scales_move_as_in_the_golden_file():
    model, x = golden_model(), GOLDEN["x"].astype("float32")
    assert_close(outputs(model, x), GOLDEN["y"], 1e-6)
    assert_close(strengths(model)["conv2"], GOLDEN["strength2_before"], 1e-6)
    strong = to_synaptic(model)
    assert_close(outputs(strong, x), GOLDEN["y"], 1e-6)
    assert_close(strong.get_layer("conv1").kernel, GOLDEN["abs_kernel1"], 1e-6)
    norm = strong.get_layer("norm1")
    assert not norm.scale
    assert_close(norm.beta, GOLDEN["abs_beta1"], 1e-6)
    assert_close(norm.moving_mean, GOLDEN["abs_mean1"], 1e-6)
    assert_close(strong.get_layer("conv2").kernel, GOLDEN["abs_kernel2"], 1e-6)
    assert_close(strengths(strong)["conv2"], GOLDEN["strength2_after"], 1e-6)


def test_folding_is_that_of_the_golden_file():
    folded = fold(to_synaptic(golden_model(), absorb=False))
    kernel, bias = folded.get_layer("conv1").get_weights()
    assert type(folded.get_layer("conv1")) is keras.layers.Conv2D
    assert_close(kernel, GOLDEN["fold_kernel1"], 1e-6)
    assert_close(bias, GOLDEN["fold_bias1"], 1e-6)
    assert_close(outputs(folded, GOLDEN["x"].astype("float32")), GOLDEN["y"], 1e-6)


@pytest.mark.parametrize("norm", ["l1", "l2", "linf"])
def test_norms_and_strengths_of_slices_are_the_golden_ones(norm):
    inputs = keras.Input((4, 4, 4))
    x = keras.layers.BatchNormalization(name="norm")(inputs)
    model = keras.Model(inputs, keras.layers.Conv2D(5, 3, use_bias=False, name="conv")(keras.layers.ReLU()(x)))
    model.get_layer("norm").gamma.assign(SLICES["gamma_in"])
    model.get_layer("conv").set_weights([SLICES["kernel_hwio"]])
    assert_close(strengths(model, "kernel_norm", norm=norm)["conv"], SLICES[f"norm_{norm}"], 1e-6)
    scale = np.abs(SLICES["gamma_in"])[:, None]
    assert_close(strengths(model, norm=norm)["conv"], scale * SLICES[f"norm_{norm}"], 1e-6)
    assert_close(strengths(model, "bn_scale")["conv"], np.repeat(scale, 5, 1), 1e-6)
    if norm != "linf":
        assert_close(strengths(model, norm=norm)["conv"], SLICES[f"strength_{norm}"], 1e-6)


@pytest.mark.parametrize(
    ("name", "form"), [*((name, "parameter") for name in CONFIGS), ("vgg", "product"), ("projected", "product")]
)
def test_outputs_stay(name, form):
    plain = made(name, form="plain")
    x = pixels(plain)
    expected = outputs(plain, x)
    strong = to_synaptic(plain, form=form)
    assert_close(outputs(strong, x), expected, 1e-5)
    assert not any(type(layer) is keras.layers.Conv2D for layer in strong.layers)
    if form == "parameter":
        scales = [layer.scale for layer in strong.layers if isinstance(layer, keras.layers.BatchNormalization)]
        assert all(scales) == (name == "densenet")  # there a scale that is negative has no filter of its own to turn
        assert_close(outputs(plain, x), expected, 0.0)  # it was left alone


def test_scales_stay_where_others_read_them():
    inputs = keras.Input((4, 4, 2))
    x = keras.layers.Conv2D(3, 1, name="a")(inputs)
    to_sigmoid = keras.layers.BatchNormalization(name="to_sigmoid")(x)
    tiny = keras.layers.BatchNormalization(name="tiny", gamma_initializer="zeros")(x)
    b = keras.layers.Conv2D(3, 1, name="b")(keras.layers.Activation("sigmoid")(to_sigmoid))
    c = keras.layers.Conv2D(3, 1, name="c")(keras.layers.ReLU()(tiny))
    last = keras.layers.BatchNormalization(name="last")(keras.layers.Add()([b, c]))
    strong = to_synaptic(keras.Model(inputs, last))
    assert [strong.get_layer(name).scale for name in ("to_sigmoid", "tiny", "last")] == [True] * 3


def test_a_choice_of_layers_and_a_penalty():
    plain = made("vgg", form="plain")
    strong = to_synaptic(plain, filters="stage2", strength_regularizer=StrengthSparsity(0.5))
    kinds = {layer.name: type(layer) for layer in strong.layers if isinstance(layer, keras.layers.Conv2D)}
    assert [kinds[f"stage{i}_conv1"] for i in (1, 2)] == [keras.layers.Conv2D, SynapticConv2D]
    assert len(strong.losses) == 2
    two = to_synaptic(plain, filters=iter(["stage1_conv1", "stage2_conv1"]))
    assert sum(isinstance(layer, SynapticConv2D) for layer in two.layers) == 2
    one = to_synaptic(plain, filters=["stage1_conv1"])
    by_function = to_synaptic(plain, filters=lambda layer: layer.filters == 6)
    for model in (one, by_function):
        assert [layer.name for layer in model.layers if isinstance(layer, SynapticConv2D)] == ["stage1_conv1"]


def test_shared_and_grouped_layers_are_left_alone():
    inputs = keras.Input((6, 6, 4))
    shared = keras.layers.Conv2D(4, 3, padding="same", name="shared")
    x = keras.layers.Conv2D(4, 3, padding="same", groups=2, name="grouped")(shared(shared(inputs)))
    x = keras.layers.DepthwiseConv2D(3, name="depthwise")(x)
    model = keras.Model(inputs, keras.layers.Conv2D(5, 1, name="last")(x))
    with pytest.warns(UserWarning, match="leaves alone: shared .*, grouped "):
        strong = to_synaptic(model)
    assert [layer.name for layer in strong.layers if isinstance(layer, SynapticConv2D)] == ["last"]
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 4)).astype("float32")
    prune(strong, 0.5, prune_first=True)
    small = compress(strong, "compact")
    assert_close(outputs(small, x), outputs(strong, x), 1e-5)


def test_a_model_inside_a_model_is_named_and_left_alone():
    body = made("vgg", form="plain", include_head=False)
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(3, 1, name="before")(inputs)
    with pytest.warns(UserWarning, match=r"leaves alone: vgg \(a model of its own\)"):
        strong = to_synaptic(keras.Model(inputs, body(x)))
    x = pixels(body)
    assert_close(outputs(strong, x), outputs(keras.Model(inputs, body(strong.get_layer("before")(inputs))), x), 1e-6)


def test_a_layer_that_has_strengths_keeps_its_mask_when_its_sign_turns():
    plain = golden_model()
    x, first = GOLDEN["x"].astype("float32"), to_synaptic(plain, filters=["conv1"])
    strong = to_synaptic(first, filters=["conv2"])
    assert not strong.get_layer("norm1").scale and (GOLDEN["gamma1"] < 0).any()
    assert (keras.ops.convert_to_numpy(strong.get_layer("conv1").mask) == 1).all()
    assert_close(outputs(strong, x), GOLDEN["y"], 1e-6)


def test_layers_with_several_outputs_stay():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(6, 3, name="first")(inputs)
    basis, other = SharedFilterBasis(2, bases=2, groups=2, name="basis")(x)
    shared = [SharedBasisConv2D(4, basis_groups=2, name=f"shared{i}")(x, b) for i, b in enumerate((basis, other))]
    one, two = keras.ops.split(keras.layers.Concatenate()(shared), [3], axis=-1)
    x = keras.layers.Concatenate()([one, keras.layers.Conv2D(4, 1, name="second")(two)])
    plain = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(5, 1, name="last")(x)))
    model, x = to_synaptic(plain), pixels(plain)
    assert_close(outputs(model, x), outputs(plain, x), 1e-5)
    prune(model, 0.5, closure=False)
    for mode in ("mask", "compact"):
        assert_close(outputs(compress(model, mode), x), outputs(model, x), 1e-5)


def test_refusals():
    class Own(keras.Model):
        pass

    with pytest.raises(ValueError, match="functional Keras model; got Own"):
        to_synaptic(Own())
    with pytest.raises(ValueError, match="Expected a convolution to convert.*'no such'"):
        to_synaptic(made("vgg", form="plain"), filters="no such")
    for wrong, words in (
        ({"form": "sum"}, "one of .*got 'sum'"),
        ({"filters": ["stage1_conv1", "no such"]}, "filters to name some of.*got .'no such'"),
        ({"strength_regularizer": "no such"}, "regularizer"),
    ):
        with pytest.raises(ValueError, match=words):
            to_synaptic(made("vgg", form="plain"), **wrong)
    with pytest.raises(ValueError, match=r"Of a Sequential pass keras.Model\(model.inputs, model.outputs\)"):
        to_synaptic(keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3)]))
    for function in (prune, strengths, compress):
        with pytest.raises(ValueError, match="functional Keras model"):
            function(Own(), 0.5) if function is prune else function(Own())


APPLICATIONS = {
    "MobileNet": {"alpha": 0.25, "input_shape": (32, 32, 3)},
    "MobileNetV2": {"alpha": 0.35, "input_shape": (32, 32, 3)},
    "MobileNetV3Small": {"alpha": 0.75, "input_shape": (32, 32, 3)},
    "VGG16": {"include_top": False, "pooling": "avg", "input_shape": (32, 32, 3)},
    "ResNet50": {"input_shape": (64, 64, 3)},
    "ResNet50V2": {"input_shape": (64, 64, 3)},
    "DenseNet121": {"input_shape": (32, 32, 3)},
    "InceptionV3": {"input_shape": (80, 80, 3)},
    "EfficientNetB0": {"input_shape": (32, 32, 3)},
    "Xception": {"input_shape": (72, 72, 3)},
}
# Where compiling is dear one of them has to do; the others run with `-m large`.
QUICK = (
    ("MobileNet", "MobileNetV2", "MobileNetV3Small", "VGG16")
    if keras.backend.backend() == "tensorflow"
    else ("MobileNet",)
)


@pytest.mark.once
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.large] * (name not in QUICK)) for name in APPLICATIONS]
)
def test_networks_of_keras_applications(name):
    arguments = {"include_top": True, **APPLICATIONS[name]}
    classes = {"classes": 10, "classifier_activation": None} if arguments["include_top"] else {}
    plain = getattr(keras.applications, name)(weights=None, **arguments, **classes)
    shake(plain)
    x = np.random.default_rng(2).normal(size=(2, *plain.input_shape[1:])).astype("float32")
    expected = plain.predict_on_batch(x)
    strong = to_synaptic(plain)
    assert_close(strong.predict_on_batch(x), expected, 1e-5)
    report = prune(strong, 0.7, scope="layer", min_keep=2)
    assert report.ratio >= 0.69
    expected = strong.predict_on_batch(x)
    assert np.abs(expected).max() > 0
    small = compress(strong, "compact")
    assert_close(small.predict_on_batch(x), expected, 1e-5)
    assert small.count_params() <= compress(strong, "mask").count_params()
