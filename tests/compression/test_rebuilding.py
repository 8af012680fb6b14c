"""Conversions forget nothing of the layers that stay: values, states beside the weights, flags, how they are called."""

import keras
import numpy as np
import pytest

import zoo
from tests.compression.networks import outputs, shake
from zoo.compression import compress, fold, to_synaptic
from zoo.compression.rebuilding import rebuild
from zoo.testing import assert_close

layers = keras.layers
RNG = np.random.default_rng(0)
CONVERSIONS = (fold, compress, to_synaptic)
on_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="words are TensorFlow's")


class Table(layers.Layer):
    """Adds numbers that it keeps beside its weights and writes itself."""

    table = None

    def build(self, input_shape):
        self.table = np.zeros(input_shape[-1], "float32")

    def call(self, inputs):
        return inputs + self.table

    def save_own_variables(self, store):
        store["table"] = self.table

    def load_own_variables(self, store):
        self.table = np.asarray(store["table"])


class Learned(layers.Layer):
    """Shifts by what it has seen, which it keeps as an attribute and says to nobody."""

    shift = 0.0

    def adapt(self, data):
        self.shift = np.mean(data, axis=0)

    def call(self, inputs):
        return inputs - self.shift


class Pair(layers.Layer):
    """A layer of layers, of which one is frozen; they are built in its call."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.one, self.two = layers.Dense(units, name="one"), layers.Dense(units, name="two")

    def call(self, inputs):
        return self.one(inputs) + self.two(inputs)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class AlwaysDropout(layers.Dropout):
    def call(self, inputs, training=None):
        return super().call(inputs, training=True)


class DoubledNorm(layers.BatchNormalization):
    def call(self, inputs, training=None, mask=None):
        return 2 * super().call(inputs, training=training, mask=mask)


class DoubledGroupConv(zoo.layers.GConv2D):
    def call(self, inputs):
        return 2 * super().call(inputs)


def image_model(middle, dtype=None):
    """A picture, a convolution that can be converted, what stands in the middle, and a head."""
    inputs = keras.Input((8, 8, 3), dtype=dtype, name="image")
    x = layers.Conv2D(8, 3, dtype=dtype, name="conv")(middle[0](inputs) if middle[0] else inputs)
    x = layers.BatchNormalization(dtype=dtype, name="norm")(x)
    x = layers.ReLU(dtype=dtype, name="relu")(x)
    x = middle[1](x) if middle[1] else x
    x = layers.GlobalAveragePooling2D(dtype=dtype, name="pool")(x)
    model = keras.Model(inputs, layers.Dense(3, dtype=dtype, name="head")(x), name="network")
    shake(model)
    return model


def pictures(dtype="float32"):
    return RNG.normal(5.0, 3.0, (4, 8, 8, 3)).astype(dtype)


def nested(inner):
    inputs = keras.Input((8, 8, 3), name="inner_input")
    return keras.Model(inputs, inner(inputs), name="nested")


@pytest.mark.parametrize("convert", CONVERSIONS)
@pytest.mark.parametrize("inside", ["layer", "nested", "sequential"])
@pytest.mark.parametrize("kind", [layers.Normalization, Table, Learned])
def test_states_beside_the_weights_stay(kind, inside, convert):
    layer = kind(name="special")
    wrapped = {"layer": layer, "nested": nested(layer) if inside == "nested" else None}
    wrapped["sequential"] = keras.Sequential([keras.Input((8, 8, 3)), layer], name="row")
    model = image_model((wrapped[inside], None))
    x = pictures()
    if kind is Table:
        layer.table = np.array([1.0, -2.0, 3.0], "float32")
    else:
        layer.adapt(x)
    before = outputs(model, x)
    new = convert(model)
    assert_close(outputs(new, x), before, 1e-5)
    if inside == "layer" and kind is Table:
        layer.table = layer.table + 1  # the new model has a table of its own
        assert_close(outputs(new, x), before, 1e-5)


@on_tensorflow
@pytest.mark.parametrize("mode", ["int", "one_hot", "multi_hot", "tf_idf"])
@pytest.mark.parametrize("kind", [layers.StringLookup, layers.TextVectorization])
def test_vocabularies_stay(kind, mode):
    if kind is layers.TextVectorization and mode == "one_hot":
        pytest.skip("it has no such mode")
    words = np.array([["dog", "cat"], ["bird", "dog"], ["cat", "dog"]])
    rows = words if kind is layers.StringLookup else np.array([" ".join(row) for row in words])[:, None]
    layer = kind(output_mode=mode, name="words")
    layer.adapt(rows)
    inputs = keras.Input(rows.shape[1:], dtype="string", name="text")
    picture = keras.Input((8, 8, 3), name="image")
    x = layers.Flatten(name="flat")(layers.Rescaling(1.0, name="numbers")(layer(inputs)))
    y = layers.GlobalAveragePooling2D(name="pool")(layers.Conv2D(4, 3, name="conv")(picture))
    model = keras.Model([inputs, picture], layers.Concatenate(name="join")([x, y]))
    data = [keras.ops.convert_to_tensor(rows), keras.ops.convert_to_tensor(pictures()[:3])]
    for convert in CONVERSIONS:
        new = convert(model)
        assert new.get_layer("words").get_vocabulary() == layer.get_vocabulary()
        assert_close(new(data), model(data), 1e-5)


def test_bins_and_random_states_stay():
    inputs = keras.Input((4,), name="numbers")
    bins = layers.Discretization(num_bins=4, name="bins")
    bins.adapt(RNG.normal(size=(50, 4)))
    x = layers.Rescaling(0.25, name="numbers_of_bins")(bins(inputs))
    x = layers.Dropout(0.5, seed=3, name="drop")(layers.Dense(6, name="dense")(x), training=True)
    model = keras.Model(inputs, x)
    x = RNG.normal(size=(3, 4)).astype("float32")
    model(x)  # the generator has moved on
    new = fold(model)
    assert_close(new(x), model(x), 1e-6)  # the same numbers are dropped next


@pytest.mark.parametrize(
    "middle",
    [
        AlwaysDropout(0.5, name="middle"),
        lambda x: layers.Dropout(0.5, name="middle")(x, training=True),
        lambda x: layers.GaussianNoise(0.5, name="middle")(x, training=True),
        lambda x: nested_dropout()(x, training=True),
    ],
    ids=["subclass", "dropout", "noise", "nested"],
)
@pytest.mark.parametrize("convert", CONVERSIONS)
def test_randomness_that_is_meant_stays(middle, convert):
    model = image_model((None, middle))
    new, x = convert(model), pictures()
    draws = np.stack([keras.ops.convert_to_numpy(new(x)) for _ in range(3)])
    assert draws.std(axis=0).max() > 1e-3 * np.abs(draws).max()


def nested_dropout():
    inputs = keras.Input((6, 6, 8), name="inner_input")
    return keras.Model(inputs, layers.SpatialDropout2D(0.5, name="drop")(inputs), name="nested")


@pytest.mark.parametrize("convert", CONVERSIONS)
@pytest.mark.parametrize("kind", ["training", "subclass"])
def test_statistics_that_are_meant_stay(kind, convert):
    inputs = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(8, 3, name="conv")(inputs)
    norm = DoubledNorm(name="norm") if kind == "subclass" else layers.BatchNormalization(name="norm")
    x = norm(x, training=True) if kind == "training" else norm(x)
    x = layers.Conv2D(4, 3, name="next")(layers.ReLU(name="relu")(x))
    model = keras.Model(inputs, x)
    shake(model)
    x = pictures()
    before = keras.ops.convert_to_numpy(model(x))
    assert_close(convert(model)(x), before, 1e-5)


def test_a_subclass_with_a_call_of_its_own_is_another_layer():
    inputs = keras.Input((8, 8, 8), name="image")
    x = DoubledGroupConv(2, 3, name="conv")(inputs)
    model = keras.Model(inputs, zoo.layers.GBatchNormalization(name="norm")(x))
    shake(model)
    x = RNG.normal(size=(2, 8, 8, 8)).astype("float32")
    folded = fold(model)
    assert type(folded.get_layer("conv")) is DoubledGroupConv
    assert_close(outputs(folded, x), outputs(model, x), 1e-5)

    class Shifted(keras.Model):
        def call(self, inputs, training=None, mask=None):
            return super().call(inputs) + 1.0

    inputs = keras.Input((8, 8, 3), name="image")
    with pytest.raises(ValueError, match="functional Keras model; got Shifted"):
        fold(Shifted(inputs, layers.Conv2D(2, 3, name="conv")(inputs)))


def test_flags_penalties_and_names_stay():
    inputs = keras.Input((8, 8, 3), name="image")
    rules = {"kernel_regularizer": "l2", "bias_regularizer": "l1", "kernel_constraint": "max_norm"}
    x = layers.Conv2D(8, 3, **rules, name="conv")(inputs)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm", gamma_regularizer="l1")(x))
    x = layers.Conv2D(8, 3, name="frozen")(x)
    x = Pair(5, name="pair")(layers.GlobalAveragePooling2D(name="pool")(x))
    model = keras.Model(inputs, layers.Dense(3, **rules, name="head")(x), name="network")
    shake(model)
    model.get_layer("frozen").trainable = False
    model.get_layer("pair").two.trainable = False
    model.get_layer("head").bias.trainable = False
    x = pictures()
    for convert in CONVERSIONS:
        new = convert(model)
        assert new.name == "network" and [tensor.name for tensor in new.inputs] == ["image"]
        assert_close(outputs(new, x), outputs(model, x), 1e-5)
        assert not new.get_layer("frozen").trainable and new.get_layer("conv").trainable
        assert [new.get_layer("pair").one.trainable, new.get_layer("pair").two.trainable] == [True, False]
        assert [new.get_layer("head").kernel.trainable, new.get_layer("head").bias.trainable] == [True, False]
        for name in ("conv", "head"):
            found = {key: getattr(new.get_layer(name), key) for key in rules}
            assert all(found.values()), (convert, name, found)
    model.trainable = False
    model.get_layer("head").trainable = True
    new = rebuild(model)
    assert not new.trainable and new.get_layer("head").trainable and not new.get_layer("conv").trainable


def test_a_scale_with_a_penalty_stays_a_scale():
    inputs = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(8, 3, name="conv")(inputs)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm", gamma_regularizer="l1")(x))
    model = keras.Model(inputs, layers.Conv2D(4, 3, name="next")(x))
    assert to_synaptic(model).get_layer("norm").gamma_regularizer is not None


def test_double_precision_stays_double():
    model = image_model((None, None), dtype="float64")
    x = pictures("float64")
    before = keras.ops.convert_to_numpy(model(x))
    if keras.backend.backend() == "jax" and before.dtype != np.float64:
        pytest.skip("JAX computes in double precision only where that is switched on")
    for convert in CONVERSIONS:
        new = convert(model)
        assert {weight.dtype for weight in new.weights} == {"float64"}
        assert_close(new(x), before, 1e-6 if keras.backend.backend() == "torch" else 1e-13)  # its Dense is not exact


def test_precision_of_single_layers_stays():
    """A norm in another precision than its convolution is no part of it; a dropout that casts does not go."""
    inputs = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(8, 3, dtype="mixed_bfloat16", name="conv")(inputs)
    x = layers.BatchNormalization(dtype="float32", name="norm")(x)
    x = layers.Dropout(0.5, dtype="mixed_bfloat16", name="drop")(x)
    model = keras.Model(inputs, layers.Conv2D(4, 3, dtype="float32", name="last")(x))
    shake(model)
    x = pictures()
    for convert in (fold, compress):
        new = convert(model)
        policies = {layer.name: layer.dtype_policy.name for layer in new.layers}
        assert policies == {layer.name: layer.dtype_policy.name for layer in model.layers}
        assert_close(outputs(new, x), outputs(model, x), 1e-6)


def test_masks_shared_layers_lambdas_and_several_outputs_stay():
    inputs = keras.Input((5,), dtype="int32", name="words")
    x = layers.Embedding(7, 4, mask_zero=True, name="table")(inputs)
    shared = layers.Dense(4, activation=lambda x: 2 * x, name="shared")
    x = shared(shared(x))
    y = layers.GRU(3, name="gru")(x)
    z = layers.LSTM(3, name="lstm")(x, mask=keras.ops.not_equal(inputs, 1))
    factor = 3.0
    y = layers.Lambda(lambda x: factor * x, output_shape=(3,), name="lambda")(y)
    attention = layers.MultiHeadAttention(2, 3, name="attention")(x, value=x, use_causal_mask=True)
    model = keras.Model({"words": inputs}, {"one": y, "two": [z, attention]}, name="network")
    new = rebuild(model)
    data = {"words": np.array([[1, 2, 3, 0, 0], [4, 1, 6, 2, 0]])}
    old_values, new_values = model(data), new(data)
    assert set(new_values) == {"one", "two"}
    pairs = zip(keras.tree.flatten(old_values), keras.tree.flatten(new_values), strict=True)
    assert all(np.array_equal(*map(keras.ops.convert_to_numpy, pair)) for pair in pairs)
    assert [v.path for v in new.weights] == [v.path for v in model.weights]
    assert not {id(variable) for variable in new.variables} & {id(variable) for variable in model.variables}


def test_a_layer_that_its_configuration_does_not_rebuild_is_named():
    class Closed(layers.Layer):
        def __init__(self, thing):
            super().__init__(name="closed")
            self.thing = thing

        def call(self, inputs):
            return inputs

        def get_config(self):
            return {}

    inputs = keras.Input((4,), name="x")
    model = keras.Model(inputs, Closed(object())(inputs))
    with pytest.raises(
        ValueError, match="(?s)'closed' .Closed. cannot be made anew from its configuration.*get_config"
    ):
        rebuild(model)
