"""Every public layer through the whole Keras contract, and its errors."""

import keras
import numpy as np
import pytest

from tests.layers.basis import AppliedBasis
from tests.layers.equivariant import normal
from zoo import layers
from zoo.layers import (
    BlockMaxPooling2D,
    E4Conv2D,
    GBatchNormalization,
    GConv2D,
    GDropout,
    GraphAverage,
    GraphConvolution,
    GraphDivergence,
    GraphGradient,
    GroupPooling,
    LiftingConv2D,
    LogPolarConv2D,
    NodeMask,
    NodePooling,
    PDEGCNBlock,
    Resize,
    SharedBasisConv2D,
    SharedFilterBasis,
    SynapticConv2D,
)
from zoo.losses import Orthogonality
from zoo.testing import assert_close, check_layer

OPEN = (None, None, None, 8)
# Two graphs of five nodes: one directed with a loop, one in pairs with padding.
EDGES = np.array(
    [[[0, 1], [2, 1], [3, 3], [1, 4], [1, 0], [4, 2]], [[0, 1], [1, 0], [3, 2], [2, 3], [-1, -1], [-1, -1]]], "int32"
)
NODES = {"input_shape": (2, 5, 6), "dynamic_shape": (None, None, 6), "other_inputs": [EDGES]}
CASES = {
    "LiftingConv2D": dict(
        layer_class=LiftingConv2D,
        init_kwargs={"filters": 3, "kernel_size": 3, "group": "p4m", "use_bias": True, "kernel_regularizer": "l2"},
        input_shape=(2, 6, 7, 2),
        expected_output_shape=(2, 6, 7, 24),
        expected_weights=9 * 2 * 3 + 3,
        dynamic_shape=(None, None, None, 2),
    ),
    "GConv2D": dict(
        layer_class=GConv2D,
        init_kwargs={"filters": 3, "kernel_size": 3, "strides": 2, "padding": "valid"},
        input_shape=(2, 7, 9, 8),
        expected_output_shape=(2, 3, 4, 12),
        expected_weights=9 * 4 * 2 * 3,
        dynamic_shape=OPEN,
    ),
    "E4Conv2D": dict(
        layer_class=E4Conv2D,
        init_kwargs={"filters": 4, "kernel_size": 3, "slices": 2, "reduction": 2},
        input_shape=(2, 6, 5, 16),
        expected_output_shape=(2, 6, 5, 16),
        expected_weights=4 * 4 * 4 + 4 * 4 * 2 + 2 * 2 + 3 * 9 * 2,
        dynamic_shape=(None, None, None, 16),
    ),
    "GBatchNormalization": dict(
        layer_class=GBatchNormalization,
        init_kwargs={"group": "p4", "momentum": 0.8},
        input_shape=(4, 5, 6, 8),
        expected_output_shape=(4, 5, 6, 8),
        expected_weights=4,
        expected_non_trainable=4,
        dynamic_shape=OPEN,
    ),
    "GroupPooling": dict(
        layer_class=GroupPooling,
        init_kwargs={"group": "p4", "mode": "mean"},
        input_shape=(2, 5, 6, 8),
        expected_output_shape=(2, 5, 6, 2),
        expected_weights=0,
        dynamic_shape=OPEN,
    ),
    "Resize": dict(
        layer_class=Resize,
        init_kwargs={"height": 4, "width": 9},
        input_shape=(2, 5, 6, 3),
        expected_output_shape=(2, 4, 9, 3),
        expected_weights=0,
        dynamic_shape=(None, None, None, 3),
    ),
    "GDropout": dict(
        layer_class=GDropout,
        init_kwargs={"rate": 0.0, "group": "p4", "spatial": True, "seed": 1},
        input_shape=(2, 5, 6, 8),
        expected_output_shape=(2, 5, 6, 8),
        expected_weights=0,
        dynamic_shape=OPEN,
    ),
    "BlockMaxPooling2D": dict(
        layer_class=BlockMaxPooling2D,
        init_kwargs={"pool_size": 2},
        input_shape=(2, 6, 8, 8),
        expected_output_shape=(2, 3, 4, 8),
        expected_weights=0,
        dynamic_shape=OPEN,
    ),
    "GraphGradient": dict(
        layer_class=GraphGradient,
        init_kwargs={"normalization": "gcn"},
        expected_output_shape=(2, 6, 6),
        expected_weights=0,
        **NODES,
    ),
    "GraphDivergence": dict(
        layer_class=GraphDivergence,
        init_kwargs={"normalization": "gcn"},
        input_shape=(2, 6, 3),
        dynamic_shape=(None, None, 3),
        other_inputs=[EDGES, np.zeros((2, 5, 4), "float32")],
        expected_output_shape=(2, 5, 3),
        expected_weights=0,
    ),
    "GraphAverage": dict(
        layer_class=GraphAverage,
        init_kwargs={"to": "nodes", "mode": "max"},
        input_shape=(2, 6, 3),
        dynamic_shape=(None, None, 3),
        other_inputs=[EDGES, np.zeros((2, 5, 4), "float32")],
        expected_output_shape=(2, 5, 3),
        expected_weights=0,
    ),
    "GraphConvolution": dict(
        layer_class=GraphConvolution,
        init_kwargs={"units": 4},
        expected_output_shape=(2, 5, 4),
        expected_weights=6 * 4 + 4,
        **NODES,
    ),
    "NodeMask": dict(layer_class=NodeMask, init_kwargs={}, expected_output_shape=(2, 5), expected_weights=0, **NODES),
    "NodePooling": dict(
        layer_class=NodePooling,
        init_kwargs={"mode": "mean"},
        input_shape=(2, 5, 6),
        expected_output_shape=(2, 6),
        expected_weights=0,
        dynamic_shape=(None, None, 6),
    ),
    "LogPolarConv2D": dict(
        layer_class=LogPolarConv2D,
        init_kwargs={
            "filters": 3,
            "kernel_size": 7,
            "center_bias": True,
            "rotation": 0.2,
            "implementation": "shift",
            "kernel_regularizer": "l2",
        },
        input_shape=(2, 8, 9, 2),
        expected_output_shape=(2, 8, 9, 3),
        expected_weights=13 * 2 * 3 + 2 * 3,
        dynamic_shape=(None, None, None, 2),
    ),
    "PDEGCNBlock": dict(
        layer_class=PDEGCNBlock,
        init_kwargs={"depth": 2, "kind": "mixed", "share_alpha": False, "concatenate": True, "step_size": 0.5},
        expected_output_shape=(2, 5, 12),
        expected_weights=2 * 6 * 6 + 2,
        **NODES,
    ),
    "SharedBasisConv2D": dict(  # how it takes a basis: tests/layers/test_shared_basis.py
        layer_class=SharedBasisConv2D,
        init_kwargs={"filters": 5, "unique": 4, "groups": 2, "orthogonality": Orthogonality(0.1)},
        input_shape=(2, 5, 6, 6),
        expected_output_shape=(2, 5, 6, 5),
        expected_weights=9 * 3 * 4 + 2 * 4 + 4 * 5,
        expected_non_trainable=2 * 4,
        dynamic_shape=(None, None, None, 6),
    ),
    "SharedFilterBasis": dict(
        layer_class=AppliedBasis,
        init_kwargs={"filters": 4, "groups": 2, "kernel_regularizer": Orthogonality(0.1)},
        input_shape=(2, 5, 6, 6),
        expected_output_shape=(2, 5, 6, 4),
        expected_weights=9 * 3 * 4,
        dynamic_shape=(None, None, None, 6),
    ),
    "SynapticConv2D": dict(
        layer_class=SynapticConv2D,
        init_kwargs={"filters": 5, "kernel_size": 3, "padding": "same", "strides": 2, "strength_regularizer": "l1"},
        input_shape=(2, 6, 7, 4),
        expected_output_shape=(2, 3, 4, 5),
        expected_weights=9 * 4 * 5 + 4 * 5 + 5,
        expected_non_trainable=4 * 5,
        dynamic_shape=(None, None, None, 4),
    ),
}


def test_every_layer_has_a_case():
    missing = sorted(set(layers.__all__) ^ set(CASES))
    assert not missing, f"a case in CASES, and a name in zoo/layers/__init__.py, for each of {missing}"


@pytest.mark.parametrize("name", CASES)
def test_contract(name):
    check_layer(**CASES[name])


@pytest.mark.parametrize("pool_size", [2, 3])
def test_block_pooling_equals_keras(pool_size):
    x = normal(2, 12, 18, 5)
    expected = keras.layers.MaxPooling2D(pool_size, data_format="channels_last")(x)
    assert_close(BlockMaxPooling2D(pool_size)(x), keras.ops.convert_to_numpy(expected), 0.0)


def test_e4_equals_its_definition():
    """The layer against loops over samples, positions, elements and channels, straight from its docstring."""
    layer = E4Conv2D(4, 3, slices=2, reduction=2, group="p4m")
    x = normal(1, 3, 4, 2 * 8)
    layer.build(x.shape)
    assert_close(layer(x), naive_e4(layer, x), 2e-6)


def naive_e4(layer, x):
    group, k, slices = layer.group, layer.kernel_size, layer.slices
    weights = {w.path.rsplit("/", 1)[-1]: keras.ops.convert_to_numpy(w).astype("float64") for w in layer.weights}
    batch, height, width, _ = x.shape
    f = x.reshape(batch, height, width, -1, group.order).astype("float64")

    def mix(kernel):  # out[o, j] = sum_{i, h} w[P_j[h], i, o] f[i, h]
        columns = [np.einsum("bxyih,hio->bxyo", f, kernel[0, 0][group.relative[j]]) for j in range(group.order)]
        return np.stack(columns, axis=-1)

    value, a = mix(weights["value_kernel"]), mix(weights["generator_kernel"])
    mean, variance = a.mean((1, 2, 4), keepdims=True), a.var((1, 2, 4), keepdims=True)
    a = np.maximum((a - mean) / np.sqrt(variance + layer.epsilon), 0)  # gamma = 1, beta = 0 in a fresh layer
    out = np.zeros((batch, height, width, layer.filters, group.order))
    padded = np.pad(value, ((0, 0), (k // 2, k // 2), (k // 2, k // 2), (0, 0), (0, 0)))
    for g in range(group.order):
        for r in range(height):
            for c in range(width):
                kernel = np.einsum("uvcs,c->uvs", weights["head_kernel"], a[0, r, c, :, g]) + weights["head_bias"]
                kernel = group.transform(kernel, g)
                for o in range(layer.filters):
                    patch = padded[0, r : r + k, c : c + k, o, g]
                    out[0, r, c, o, g] = (kernel[:, :, o // (layer.filters // slices)] * patch).sum()
    return out.reshape(batch, height, width, -1)


def later(layer, *inputs):
    """The layer after it was called with other inputs that fit: it is built, and its `build` checks nothing more."""
    layer(*inputs)
    return layer


X, FLOWS = normal(2, 5, 3), normal(2, 6, 3)
MAPS = normal(2, 8, 8, 3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: GConv2D(4, 2), "odd positive integer.*got 2"),
        (lambda: GConv2D(0, 3), "Expected `filters` to be a positive integer; got 0"),
        (lambda: GConv2D(4, 3, group="p6"), "one of.*'p6'"),
        (lambda: LiftingConv2D(4, 3, padding="full"), '"same", "valid"; got .full'),
        (lambda: E4Conv2D(16, slices=3), "filters=16, slices=3"),
        (lambda: E4Conv2D(4, reduction=9).build((None, 8, 8, 32)), "of at most its 8 input fields; got 9"),
        (lambda: GConv2D(4).build((None, 8, 8, 6)), "multiple of 4.*got 6"),
        (lambda: GConv2D(4).build((None, 8, 16)), "4-D channels-last"),
        (lambda: LiftingConv2D(4).build((None, 8, 8, None)), "known number of channels"),
        (lambda: GBatchNormalization(momentum=2), "momentum"),
        (lambda: GroupPooling(mode="min"), "max.*min"),
        (lambda: GDropout(1.0), r"\[0, 1\)"),
        (lambda: BlockMaxPooling2D(0), "pool_size"),
        (lambda: GraphGradient("sym"), '"gcn", None; got .sym'),
        (lambda: GraphGradient().build((None, 5), (None, 6, 2)), "nodes of shape .batch, number, channels"),
        (
            lambda: GraphGradient(name="a")(normal(1, 2, 3), np.zeros((1, 4, 2))),
            "'a' expects edges of integer node numbers",
        ),
        (lambda: GraphDivergence().build((1, 6, 3), (1, 2, 6), (1, 5, 3)), r"\(batch, edges, 2\); got \(1, 2, 6\)"),
        (lambda: GraphGradient()(X[0], EDGES[0]), r"edges of shape .* got \(6, 2\). For one graph pass edges\[None\]"),
        (lambda: GraphGradient()(X[0], EDGES), r"nodes of shape .* got \(5, 3\). For one graph pass nodes\[None\]"),
        (lambda: later(GraphGradient(), X, EDGES)(X[0], EDGES), r"nodes of shape .* got \(5, 3\)"),
        (lambda: GraphGradient()(X[:1], EDGES), r"one list of edges for each graph.*\(1, 5, 3\).*\(2, 6, 2\)"),
        (lambda: GraphGradient()(X, EDGES, edge_weight=np.ones((2, 4))), r"edge_weight of shape.*got \(2, 4\)"),
        (lambda: GraphGradient()(X, EDGES, edge_weight=np.ones(6)), r"edge_weight of shape.*got \(6,\)"),
        (lambda: GraphDivergence()(normal(2, 4, 3), EDGES, X), r"one row for each of the edges.*got \(2, 4, 3\)"),
        (lambda: later(GraphDivergence(), FLOWS, EDGES, X)(FLOWS[:1], EDGES, X), r"flows of shape.*got \(1, 6, 3\)"),
        (lambda: GraphDivergence()(FLOWS, EDGES, X[0]), r"nodes of shape .* got \(5, 3\)"),
        (lambda: GraphDivergence()(FLOWS, EDGES, X, edge_weight=np.ones((2, 5))), "edge_weight of shape"),
        (lambda: GraphAverage("nodes")(normal(2, 4, 3), EDGES, X), "one row for each of the edges"),
        (lambda: GraphAverage()(X[:1], EDGES), "one list of edges for each graph"),
        (lambda: GraphConvolution(2)(X[:1], EDGES), "one list of edges for each graph"),
        (lambda: PDEGCNBlock(2)(X[:1], EDGES), "one list of edges for each graph"),
        (lambda: later(PDEGCNBlock(1, paired=False), X, EDGES)(normal(2, 5, 4), EDGES), "expected axis -1 .* value 3"),
        (lambda: GraphAverage("faces"), '"edges", "nodes"; got .faces'),
        (lambda: GraphAverage("edges", mode="max"), "got .max. with to=.edges"),
        (lambda: GraphAverage("nodes")(normal(2, 6, 3), EDGES), "expects `nodes`"),
        (lambda: GraphConvolution(0), "`units` to be a positive integer; got 0"),
        (lambda: LogPolarConv2D(4, 6), "odd positive integer.*got 6"),
        (lambda: LogPolarConv2D(4, (9, 4)), "odd positive integer.*got 4"),
        (lambda: LogPolarConv2D(4, 9, padding="valid").build((1, 8, 12, 3)), r"as large as.*\(1, 8, 12"),
        (lambda: LogPolarConv2D(4, 9, angles=5), "`angles` to be even.*got 5"),
        (lambda: LogPolarConv2D(4, 9, growth=1.0), "`growth` to be a number above 1, for rings"),
        (lambda: LogPolarConv2D(4, 9, growth=float("nan")), "`growth` to be a number above 1.*got nan"),
        (lambda: LogPolarConv2D(4, 9, growth="2"), "`growth` to be a number above 1.*got '2'"),
        (lambda: LogPolarConv2D(4, 9, rotation=float("nan")), "`rotation` to be a number, in radians; got nan"),
        (lambda: LogPolarConv2D(4, (5, 5, 5)), r"`kernel_size` to be a positive integer or \(height, width\)"),
        (lambda: LogPolarConv2D(4, "5"), "`kernel_size` to be.*got '5'"),
        (lambda: later(LogPolarConv2D(4, 5), MAPS)(MAPS[..., :2]), "expected axis -1 .* value 3"),
        (lambda: LogPolarConv2D(4, 9, ratio=-1.0), "`ratio` to be a number above 0, or None"),
        (lambda: LogPolarConv2D(4, 9, pooling="median"), 'one of "mean", "sum", "max"; got .median'),
        (lambda: LogPolarConv2D(4, 9, padding="full"), '"same", "valid"; got .full'),
        (lambda: LogPolarConv2D(4, 9, implementation="fast"), 'one of "auto", "dense", "shift"; got .fast'),
        (
            lambda: LogPolarConv2D(4, 9, pooling="max", implementation="dense"),
            'for maxima, which are no convolution; got "dense"',
        ),
        (lambda: LogPolarConv2D(4, 9, center=False, center_bias=True), "`center=True` with `center_bias`"),
        (lambda: LogPolarConv2D(4, 9).build((None, 8, 8)), "4-D channels-last"),
        (lambda: LogPolarConv2D(4, 9, name="a").form, "'a' chooses when it is built"),
        (lambda: LogPolarConv2D(4, 1, 1, 4, center=False, center_in_region=False), "besides its middle; got 1x1"),
        (lambda: PDEGCNBlock(0), "`depth` to be a positive integer; got 0"),
        (lambda: PDEGCNBlock(2, "parabolic"), '"diffusive", "hyperbolic", "mixed"; got .parabolic'),
        (lambda: PDEGCNBlock(2, step_size=0.0), "`step_size` to be a number above 0; got 0.0"),
        (lambda: PDEGCNBlock(2, activation="gelu"), '"relu", "tanh"; got .gelu'),
        (lambda: PDEGCNBlock(2, edge_dropout=1.0), r"`edge_dropout` to be a number in \[0, 1\); got 1.0"),
        (lambda: PDEGCNBlock(2, double=True), 'activation="tanh" with `double`'),
        (lambda: SharedFilterBasis(6, groups=4), "filters=6, groups=4"),
        (lambda: SharedFilterBasis(6, groups=3).build((None, 8, 8, 16)), "3 groups for 16 channels"),
        (lambda: SharedFilterBasis(6, bases=0), "`bases` to be a positive integer; got 0"),
        (lambda: SharedBasisConv2D(8, strides=2), "stride 1, .*got strides=2"),
        (lambda: SharedBasisConv2D(8, unique=3, groups=2), "unique=3, groups=2"),
        (lambda: SharedBasisConv2D(8, groups=0), "`groups` to be a positive integer; got 0"),
        (lambda: SharedBasisConv2D(8, unique=0).build((1, 8, 8, 4)), "got no basis and unique=0"),
        (lambda: SharedBasisConv2D(8, groups=3, unique=3).build((1, 8, 8, 16)), "3 groups for 16 channels"),
        (
            lambda: SharedBasisConv2D(8).build((1, 8, 8, 32), (3, 3, 16, 8)),
            r"3, 3, 32, filters.*got .3, 3, 16, 8",
        ),
        (
            lambda: SharedBasisConv2D(8).build((1, 8, 8, 16), (1, 1, 16, 8)),
            r"3, 3, 16, filters.*got .1, 1, 16, 8",
        ),
        (lambda: SharedBasisConv2D(8, basis_groups=4).build((1, 8, 8, 16), (3, 3, 4, 6)), "4 groups; got .3, 3, 4, 6"),
        (lambda: later(SharedBasisConv2D(8), MAPS)(MAPS[..., :2]), "expected axis -1 .* value 3"),
        (lambda: SharedBasisConv2D(8, orthogonality="l2"), "Orthogonality.*got 'l2'"),
        (lambda: SharedBasisConv2D(8, orthogonality=10.0), r"as in Orthogonality\(10.0\), or None; got 10.0"),
        (lambda: SharedBasisConv2D(8, name="a").build([(1, 8, 8, 4), (3, 3, 4, 8)]), r"'a' .*: layer\(x, basis\)"),
        (lambda: SharedBasisConv2D(8).build((1, 8, 8, 4), ((3, 3, 4, 8), (3, 3, 4, 8))), "takes one set.*got 2"),
        (
            lambda: SharedBasisConv2D(8, unique=4, groups=4, basis_groups=2, orthogonality=Orthogonality()).build(
                (1, 8, 8, 16), (3, 3, 8, 6)
            ),
            "same groups; got groups=4, basis_groups=2",
        ),
    ],
)
def test_errors_say_what_was_expected(make, words):
    with pytest.raises(ValueError, match=words):
        make()
