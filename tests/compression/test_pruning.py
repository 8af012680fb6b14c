"""Pruning in place: reports, guard rails, closure, masks that survive."""

import warnings

import keras
import numpy as np
import pytest

import zoo
from tests.compression.networks import CONFIGS, made, outputs, pixels, values
from zoo.compression import ScheduledPruning, compress, prune, prune_channels, remove_dead, sparsity_report, to_synaptic
from zoo.layers import SynapticConv2D
from zoo.testing import assert_close

pytestmark = pytest.mark.filterwarnings("ignore:pruning. ")
XLA = keras.backend.backend() == "jax"  # tests/layers and tests/models compile on TensorFlow, too


def synaptic(model):
    return [layer for layer in model.layers if isinstance(layer, SynapticConv2D)]


def masks(model):
    return {layer.name: keras.ops.convert_to_numpy(layer.mask) > 0 for layer in synaptic(model)}


def same(one, other):
    return all(np.array_equal(one[path], other[path]) for path in one)


def test_a_ratio_of_zero_and_a_dry_run_change_nothing():
    model = made("vgg")
    before = values(model)
    assert prune(model, 0.0).ratio == 0.0 and same(values(model), before)
    report = prune(model, 0.9, dry_run=True)
    assert report.ratio >= 0.9 and same(values(model), before)


def test_the_first_convolution_stays_unless_it_is_asked_for():
    model = made("vgg")
    report = prune(model, 0.5, closure=False)
    kept = masks(model)
    assert kept["stage1_conv1"].all() and report.connections == 6 * 8 + 8 * 10 + 10 * 12
    assert (
        report.kept
        == report.connections - report.connections // 2
        == sum(int(mask.sum()) for name, mask in kept.items() if name != "stage1_conv1")
    )
    model = made("vgg")
    assert prune(model, 0.5, prune_first=True, closure=False).connections == 3 * 6 + 6 * 8 + 8 * 10 + 10 * 12


def test_a_convolution_behind_a_model_in_the_model_is_not_the_first():
    body = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, padding="same")], name="body")
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, SynapticConv2D(6, 3, name="behind")(body(inputs)))
    assert prune(model, 0.5, closure=False).connections == 4 * 6


def test_pruned_connections_are_zero_in_every_weight():
    for form in ("parameter", "product"):
        model = made("vgg", form=form)
        prune(model, 0.7, scope="layer")
        for layer in synaptic(model):
            gone = keras.ops.convert_to_numpy(layer.mask) == 0
            assert gone.any() or layer.name == "stage1_conv1"
            assert not keras.ops.convert_to_numpy(layer.kernel)[:, :, gone].any()
            assert not keras.ops.convert_to_numpy(layer.strengths())[gone].max(initial=0) > 1e-11


def test_reports_add_up():
    model = made("resnet")
    report = prune(model, 0.6, scope="layer")
    again = sparsity_report(model)
    assert again.kept == report.kept and again.layers == report.layers and again.closure == 0
    kept, weights = report.weights
    kernels = [np.abs(keras.ops.convert_to_numpy(layer.kernel)) for layer in synaptic(model)]
    assert weights == sum(kernel.size for kernel in kernels) and kept == sum((k > 0).sum() for k in kernels)
    places = [np.prod(layer.output.shape[1:3]) for layer in synaptic(model)]
    assert report.macs == (
        sum(count * (k > 0).sum() for count, k in zip(places, kernels, strict=True)),
        sum(count * k.size for count, k in zip(places, kernels, strict=True)),
    )
    assert report.macs[1] + 8 * 10 == zoo.evaluation.count_macs(model)  # and the head
    text = str(report)
    assert "stem (left alone)" in text and f"{kept:,} of {weights:,} kept" in text


@pytest.mark.parametrize("criterion", ["strength", "kernel_norm", "bn_scale", "random"])
def test_methods_prune_equally_many_and_differ(criterion):
    model = to_synaptic(made("vgg", form="plain"), absorb=False)
    report = prune(model, 0.5, criterion=criterion, closure=False)
    assert report.kept == 124
    other = to_synaptic(made("vgg", form="plain"), absorb=False)
    prune(other, 0.5, criterion="random" if criterion != "random" else "strength", seed=1, closure=False)
    assert any((masks(model)[name] != mask).any() for name, mask in masks(other).items())


def test_scores_of_ones_own_and_layers_of_ones_own_scale():
    model = made("vgg")
    scores = {layer.name: np.ones(layer.mask.shape) * index for index, layer in enumerate(synaptic(model))}
    prune(model, 0.3, scores=scores, closure=False)
    assert [int((~mask).sum()) for mask in masks(model).values()] == [0, 47, 26, 0]  # 48 and 80 come first; one stays
    model = made("vgg")
    prune(model, 0.3, scores={n: s * np.random.default_rng(0).uniform(0.5, 1, s.shape) for n, s in scores.items()},
          normalize="layer_max", closure=False)  # fmt: skip
    assert all((~masks(model)[name]).sum() > 8 for name in list(scores)[1:])


def test_dead_layers_are_told():
    model = made("vgg")
    scores = {layer.name: np.ones(layer.mask.shape) for layer in synaptic(model)}
    scores["stage2_conv1"][:, 1:] = 0.0
    with pytest.warns(UserWarning, match="stage2_conv1: 9 output channels have no connection left"):
        prune(model, 72 / 248, scores=scores)


def test_masks_that_cut_every_path_are_refused():
    model = made("vgg")
    scores = {layer.name: np.ones(layer.mask.shape) for layer in synaptic(model)}
    scores["stage2_conv1"][:] = 0.0
    before = values(model)
    with pytest.raises(ValueError, match="cut every path"):
        prune(model, 80 / 248, scores=scores, min_keep=0)
    # One connection of each layer, and none of them meets the next.
    scores = {layer.name: np.zeros(layer.mask.shape) for layer in synaptic(model)}
    for score, place in zip(scores.values(), [(0, 0), (1, 1), (2, 2), (3, 3)], strict=True):
        score[place] = 1.0
    with pytest.raises(ValueError, match="cut every path"):
        prune(model, 0.98, scores=scores, min_keep=1)
    assert same(values(model), before)


def test_a_path_that_is_cut_before_a_layer_not_known_is_refused():
    """Such a layer counts as alive, whatever comes in; its bias does not make a path."""
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="first")(inputs)
    x = keras.layers.Conv2D(4, 3, name="second")(x)
    shared = keras.layers.Conv2D(4, 3, padding="same", bias_initializer="ones", name="shared")
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(5, 1, name="last")(shared(shared(x))))
    model = to_synaptic(keras.Model(inputs, x), filters=["first", "second", "last"])
    before = values(model)
    scores = {"second": np.zeros((4, 4)), "last": np.ones((4, 5))}
    with pytest.raises(ValueError, match="cut every path"):
        prune(model, 16 / 36, scores=scores, min_keep=0)
    assert same(values(model), before)
    assert prune(model, 12 / 36, scores=scores).kept == 24


def test_an_output_without_channels_is_no_cut_path():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="second")(keras.layers.Conv2D(4, 3, name="first")(inputs))
    x = keras.ops.squeeze(keras.layers.Dense(1, name="head")(keras.layers.GlobalAveragePooling2D()(x)), -1)
    assert prune(to_synaptic(keras.Model(inputs, x)), 0.5).kept == 8


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"ratio": 1.0}, r"in \[0, 1\); got 1.0"),
        ({"ratio": -0.5}, r"in \[0, 1\)"),
        ({"criterion": "taylor"}, "criterion to be one of .*'taylor'"),
        ({"norm": "l7"}, "norm to be one of .*'l7'"),
        ({"normalize": "mean"}, "normalize to be None or 'layer_max'"),
        ({"filters": "nowhere"}, "filters='nowhere' leaves none"),
        ({"criterion": "bn_scale"}, "No layer has 'bn_scale'"),
        ({"filters": ["stage2_conv1", "conv"]}, r"filters to name some of \['stage1_conv1'.*got \['conv'\]"),
        ({"filters": "("}, r"regular expression; got '\(': missing"),
        ({"filters": 3}, "regular expression, names or a function; got 3"),
        ({"scores": {"stage2_conv1": np.ones((2, 2))}}, "Expected finite scores of shape"),
        ({"scores": {"stage1_conv2": np.full((6, 8), np.nan)}}, r"got \(6, 8\), 48 of them not finite"),
        ({"scores": {"conv": np.ones((2, 2))}}, r"scores of some of the layers .*got those of \['conv'\]"),
        ({"scores": [1]}, "scores to be arrays by the name of the layer; got list"),
    ],
)
def test_refusals(arguments, words):
    with pytest.raises(ValueError, match=words):
        prune(made("vgg"), **{"ratio": 0.5, **arguments})


def test_a_plain_model_is_sent_to_the_conversion():
    with pytest.raises(ValueError, match=r"zoo.compression.to_synaptic\(model\)"):
        prune(made("vgg", form="plain"), 0.5)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_closed_network_is_compacted_exactly(name):
    model = made(name)
    prune(model, 0.75, scope="layer", closure=False, min_keep=2)
    x = pixels(model)
    open_outputs = outputs(model, x)
    assert_close(outputs(compress(model, "compact"), x), open_outputs, 1e-5)  # drops what it may and no more
    removed = remove_dead(model)
    closed = outputs(model, x)
    assert remove_dead(model) == 0 and same_outputs(outputs(model, x), closed)
    small = compress(model, "compact")
    assert_close(outputs(small, x), closed, 1e-5)
    mask = compress(model, "mask", folded=False)
    assert_close(outputs(mask, x), closed, 1e-5)
    if removed:
        assert small.count_params() < mask.count_params()
        assert not same_outputs(open_outputs, closed)  # constants at the borders are gone


@pytest.mark.parametrize("inside", [False, True])
def test_an_activation_that_mixes_channels_keeps_all_of_them(inside):
    x = inputs = keras.Input((6, 6, 3))
    x = SynapticConv2D(6, 3, activation="softmax" if inside else None, name="a")(x)
    x = x if inside else keras.layers.Activation("softmax")(x)
    model = keras.Model(inputs, SynapticConv2D(4, 1, name="b")(x))
    x = pixels(model) / 255
    model.get_layer("b").mask.assign(np.array([1, 1, 0, 0, 1, 1], "float32")[:, None] * np.ones(4))
    expected = outputs(model, x)
    assert_close(outputs(compress(model, "compact"), x), expected, 1e-5)
    remove_dead(model)
    assert_close(outputs(model, x), expected, 1e-5)


@pytest.mark.parametrize("mode", ["mask", "compact"])
def test_a_layer_with_strengths_that_serves_twice_becomes_plain(mode):
    inputs = keras.Input((6, 6, 3))
    twice = SynapticConv2D(3, 3, padding="same", name="twice")
    model = keras.Model(inputs, SynapticConv2D(4, 3, name="last")(twice(twice(inputs))))
    twice.mask.assign(1 - np.eye(3))
    small = compress(model, mode)
    assert not synaptic(small)
    assert_close(outputs(small, pixels(model)), outputs(model, pixels(model)), 1e-5)


def same_outputs(one, other):
    return bool(np.allclose(one, other, rtol=1e-6, atol=1e-6))


def outputs_of(x, name):
    """Several ways from the last convolution to an output of the model, along which its channels stay themselves."""
    last = SynapticConv2D(3, 1, bias_initializer=BIASES, name="last")(x)
    return {
        "convolution": lambda: last,
        "flatten": lambda: keras.layers.Flatten()(last),
        "reshape": lambda: keras.layers.Reshape((36, 3))(last),
        "softmax": lambda: keras.layers.Activation("softmax")(keras.layers.GlobalAveragePooling2D()(last)),
        "norm": lambda: keras.layers.ReLU()(keras.layers.BatchNormalization(beta_initializer=BIASES)(last)),
        "pooling": lambda: keras.layers.GlobalMaxPooling2D()(keras.layers.MaxPooling2D()(last)),
        "concatenation": lambda: keras.layers.Concatenate()([x, last]),
        "sum": lambda: keras.layers.Add()([last, SynapticConv2D(3, 1, name="other")(x)]),
        "product": lambda: keras.layers.Multiply()([last, SynapticConv2D(3, 1, name="other")(x)]),
        "depthwise": lambda: keras.layers.DepthwiseConv2D(3)(last),
        "permuted": lambda: keras.layers.Permute((3, 1, 2))(last),
        "padded": lambda: keras.layers.ZeroPadding2D()(last),
        "unknown": lambda: keras.layers.LayerNormalization()(last),
        "nested": lambda: keras.Sequential([keras.Input((6, 6, 3)), keras.layers.Flatten()])(last),
        "second": lambda: [keras.layers.Dense(2)(keras.layers.Flatten()(x)), last],
        "read on": lambda: [last, keras.layers.Dense(2)(keras.layers.Flatten()(SynapticConv2D(2, 3)(last)))],
    }[name]()


BIASES = keras.initializers.Constant([1.0, 2.0, 3.0])
WAYS = "convolution flatten reshape softmax norm pooling concatenation sum product depthwise permuted padded"


@pytest.mark.parametrize("name", [*WAYS.split(), "unknown", "nested", "second", "read on"])
def test_the_bias_of_an_output_stays(name):
    inputs = keras.Input((6, 6, 3))
    model = keras.Model(inputs, outputs_of(SynapticConv2D(3, 1, name="first")(inputs), name))
    for layer in synaptic(model):
        mask = np.ones(layer.mask.shape, "float32")
        mask[:, 1] = layer.name == "first"
        layer.mask.assign(mask)
    x = pixels(model) / 255
    before = [keras.ops.convert_to_numpy(y) for y in keras.tree.flatten(model(x))]
    remove_dead(model)
    assert keras.ops.convert_to_numpy(model.get_layer("last").bias).tolist() == [1.0, 2.0, 3.0]
    after = [keras.ops.convert_to_numpy(y) for y in keras.tree.flatten(model(x))]
    assert all(same_outputs(*pair) for pair in zip(before, after, strict=True))
    small = compress(model, "compact")
    for new, old in zip(keras.tree.flatten(small(x)), after, strict=True):
        assert_close(new, old, 1e-5)


def test_the_bias_of_a_hidden_channel_goes():
    inputs = keras.Input((6, 6, 3))
    x = keras.layers.ReLU()(SynapticConv2D(3, 1, bias_initializer=BIASES, name="last")(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(x)))
    model.get_layer("last").mask.assign(np.array([[1, 0, 1]] * 3, "float32"))
    remove_dead(model)
    assert keras.ops.convert_to_numpy(model.get_layer("last").bias).tolist() == [1.0, 0.0, 3.0]


def test_closure_follows_chains():
    """Closing takes several rounds, forwards and backwards."""
    model = made("vgg")
    wanted = {layer.name: np.ones(layer.mask.shape, bool) for layer in synaptic(model)}
    wanted["stage1_conv2"][:, 3] = False  # channel 3 gets nothing
    wanted["stage2_conv2"][4] = False  # channel 4 of the layer before is read by nobody
    for layer in synaptic(model):
        layer.mask.assign(wanted[layer.name].astype("float32"))
    assert remove_dead(model) == 10 + 8 - 1  # row 3 and column 4 of stage2_conv1, which cross
    found = masks(model)["stage2_conv1"]
    assert not found[3].any() and not found[:, 4].any() and found.sum() == 80 - 17


def test_masks_survive_training_and_files(tmp_path):
    model = made("vgg")
    prune(model, 0.7, scope="layer")
    wanted = masks(model)
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9, weight_decay=1e-3), "mse", jit_compile=XLA)
    x = pixels(model, 8)
    model.fit(x, np.random.default_rng(0).normal(size=(8, 10)), batch_size=4, epochs=2, verbose=0)
    zeros = {n: (keras.ops.convert_to_numpy(model.get_layer(n).kernel) == 0).all((0, 1)) for n in wanted}
    assert all(np.array_equal(zeros[name], ~mask) for name, mask in wanted.items())
    closed = outputs(model, x)
    assert_close(outputs(compress(model, "compact"), x), closed, 1e-5)  # exact after training, too
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert same(masks(again), wanted) and same_outputs(outputs(again, x), closed)


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
def test_quantized_layers_stay_as_they_are():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(6, 3, name="first")(inputs)
    x = keras.layers.Conv2D(8, 3, activation="relu", name="second")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(4, name="logits")(x))
    model.get_layer("logits").quantize("int8")
    strong = to_synaptic(model)
    prune(strong, 0.6, scope="layer", prune_first=True, min_keep=1)
    small, x = compress(strong, "compact"), pixels(model)
    assert_close(outputs(small, x), outputs(strong, x), 1e-5)
    assert small.get_layer("logits").quantization_mode == "int8"


def test_a_schedule_prunes_more_and_more():
    model = made("vgg")
    callback = ScheduledPruning(0.8, begin=1, end=3, scope="layer")
    assert [round(callback.ratio_at(epoch), 3) for epoch in range(5)] == [0.0, 0.0, 0.7, 0.8, 0.8]
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append(sparsity_report(model).ratio)

    model.compile(keras.optimizers.SGD(0.01), "mse", jit_compile=XLA)
    model.fit(pixels(model, 4), np.zeros((4, 10)), batch_size=4, epochs=5, verbose=0, callbacks=[callback, Watch()])
    assert seen[:2] == [0.0, 0.0] and 0.69 < seen[2] < 0.71 and seen[3] >= 0.79 and seen[4] == seen[3]
    assert sparsity_report(model).ratio == seen[4]
    with pytest.warns(UserWarning, match=r"3 epochs ends at a ratio of 0.7: 0.8 is reached.*epoch 3, counted from 0"):
        model.fit(pixels(model, 4), np.zeros((4, 10)), batch_size=4, epochs=3, verbose=0, callbacks=[callback])
    half = {"ratio": 0.5, "end": 3}
    for wrong in (half | {"ratio": 1.0}, half | {"begin": 3}, half | {"end": "3"}, half | {"scopes": "layer"}):
        with pytest.raises(ValueError, match="Expected"):
            ScheduledPruning(**wrong)


def schedule_ends(stop, order):
    model = made("vgg")
    model.compile(keras.optimizers.SGD(0.01), "mse", jit_compile=XLA)
    callbacks = [ScheduledPruning(0.8, begin=0, end=2, scope="layer")]
    callbacks += [keras.callbacks.EarlyStopping("loss", **stop)] if stop else []
    history = model.fit(
        pixels(model, 4), np.zeros((4, 10)), batch_size=4, epochs=4, verbose=0, callbacks=callbacks[::order]
    )
    assert "on_train_end" not in vars(history)
    return sparsity_report(model).ratio


@pytest.mark.parametrize("order", [1, -1])
def test_a_schedule_says_where_it_ends(order):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.filterwarnings("ignore", "pruning: ")
        assert schedule_ends(None, order) > 0.78
    with pytest.warns(UserWarning, match=r"ends at a ratio of 0\.\d+ and not of 0.8: training stopped early") as told:
        ratio = schedule_ends({"patience": 1, "min_delta": 1e9}, order)  # no epoch is better than the first
    assert ratio < 0.78 and any(f"a ratio of {ratio:.3g} and" in str(warning.message) for warning in told)
    restored = {"patience": 9, "restore_best_weights": True, "min_delta": 1e9}
    with pytest.warns(UserWarning, match="older weights were put back"):
        assert schedule_ends(restored, order) < 0.78


def test_whole_channels_down_to_given_numbers():
    model = made("vgg")
    keep = {"stage1_conv1": 4, "stage1_conv2": 5, "stage2_conv1": 6, "stage2_conv2": 7}
    prune_channels(model, keep)
    small = compress(model, "compact", folded=False)
    assert {name: small.get_layer(name).filters for name in keep} == keep
    x = pixels(model)
    assert_close(outputs(small, x), outputs(model, x), 1e-5)
    for wrong, words in (
        ({"conv": 3}, "Expected layers with strengths"),
        ({"stage1_conv1": 7}, "an integer from 1 to 6; got 7"),
        ({"stage1_conv1": 2.5}, "an integer from 1 to 6; got 2.5"),
        (["stage1_conv1"], "Expected keep to be numbers of channels"),
    ):
        with pytest.raises(ValueError, match=words):
            prune_channels(model, wrong)
    with pytest.raises(ValueError, match="channels are tied together"):
        prune_channels(made("resnet"), {"stem": 3})
    with pytest.raises(ValueError, match="are an output of the model"):
        prune_channels(made("vgg", include_head=False), {"stage2_conv2": 3})
