from __future__ import annotations

import base64
import json

import ml_dtypes
import numpy as np
import pytest

from zoo.serving import answers, codec
from zoo.serving.errors import RequestError
from zoo.serving.runners import Facts, Signature, TensorSpec

pytestmark = pytest.mark.once


def spec(dtype, *shape):
    return TensorSpec(np.dtype(dtype), (None, *shape))


ONE = Signature({"x": spec("float32", 2)}, {"y": spec("float32", 3)})
TWO = Signature({"a": spec("int32"), "b": spec(object)}, {"y": spec("float32"), "name": spec(object)})
WHOLE = Signature({"x": spec("uint8", 2)}, {"y": spec("float32")})


def b64(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode()}


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [[1, 2], [3, 4.5]]},
        {"instances": [{"x": [1, 2]}, {"x": [3, 4.5]}]},
        {"inputs": [[1, 2], [3, 4.5]]},
        {"inputs": {"x": [[1, 2], [3, 4.5]]}},
    ],
)
def test_one_input_in_every_form(body):
    arrays, by_row = codec.parse_inputs(body, ONE, 10)
    assert by_row == ("instances" in body) and arrays["x"].dtype == np.float32
    np.testing.assert_array_equal(arrays["x"], [[1, 2], [3, 4.5]])


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [{"a": 1, "b": b64(b"\xff")}, {"a": 2, "b": "é"}]},
        {"inputs": {"a": [1, 2], "b": [b64(b"\xff"), "é"]}},
    ],
)
def test_several_inputs_with_strings_and_bytes(body):
    arrays, _ = codec.parse_inputs(body, TWO, 10)
    assert arrays["a"].dtype == np.int32 and arrays["a"].tolist() == [1, 2]
    assert arrays["b"].tolist() == [b"\xff", "é".encode()]


@pytest.mark.parametrize(
    ("signature", "body", "message"),
    [
        (ONE, {}, "expected one of the keys 'instances' .* missing both"),
        (ONE, {"instances": [], "inputs": []}, "got both"),
        (ONE, {"instances": []}, "must be a list with at least one entry"),
        (ONE, {"instances": {"x": 1}}, "must be a list"),
        (ONE, {"instances": [[1, 2, 3]]}, r"expected shape \[-1, 2\]; got \[1, 3\]"),
        (ONE, {"instances": [[1, 2], [1]]}, "lists of unequal length"),
        (ONE, {"instances": [["1", "2"]]}, "expected numbers of type float32; got text"),
        (ONE, {"instances": [[True, False]]}, "got booleans"),
        (ONE, {"instances": [[None, 1]]}, "got other values"),
        (ONE, {"instances": [[1e39, 0]]}, "out of range for type float32"),
        (ONE, {"instances": [[10**400, 0]]}, "out of range for type float32"),
        (ONE, {"instances": [b64(b"ab")]}, "expected numbers of type float32"),
        (ONE, {"instances": [{"z": [1, 2]}]}, "expected: x; got: z"),
        (ONE, {"instances": [{"x": [1, 2]}, [1, 2]]}, "instance 1 does not name the same inputs"),
        (ONE, {"inputs": {"x": [[1, 2]], "z": 1}}, "expected: x; got: x, z"),
        (ONE, {"inputs": {"x": []}}, r"got \[0\]"),
        (ONE, {"instances": [[1, 2]] * 11}, "expected 1 to 10 rows in a request; got 11"),
        (TWO, {"instances": [1, 2]}, "several inputs, name them: a, b"),
        (TWO, {"inputs": {"a": [1, 2], "b": ["x"]}}, r"same number of rows; got \[1, 2\]"),
        (TWO, {"inputs": {"a": [1.5], "b": ["x"]}}, "got fractions"),
        (TWO, {"inputs": {"a": [2**31], "b": ["x"]}}, "out of range for type int32"),
        (TWO, {"inputs": {"a": [1], "b": [1]}}, "expected strings .* got a number"),
        (TWO, {"inputs": {"a": [1], "b": [{"b64": "?"}]}}, "unable to base64 decode"),
        (TWO, {"inputs": {"a": [1], "b": [["x"], "y"]}}, "unequal length"),
        (WHOLE, {"inputs": [[256, 0]]}, "out of range for type uint8"),
        (WHOLE, {"inputs": [[-1, 0]]}, "out of range for type uint8"),
    ],
)
def test_bad_values_are_the_callers_fault(signature, body, message):
    with pytest.raises(RequestError, match=message) as caught:
        codec.parse_inputs(json.loads(json.dumps(body)), signature, 10)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"[1]", b"3", b"null", b"[" * 100_000, b'{"instances": [' + b"[" * 100_000, b"1" * 10_000],
)
def test_what_is_no_json_object(body):
    with pytest.raises(RequestError, match="JSON Parse error") as caught:
        codec.parse_body(body)
    assert caught.value.status == 400 and len(caught.value.message) < 1100


def test_deep_lists_of_numbers():
    value = json.loads("[" * 200 + "1" + "]" * 200)
    with pytest.raises(RequestError):
        codec.parse_inputs({"inputs": value}, ONE, 10)
    with pytest.raises(RequestError):
        codec.parse_inputs({"inputs": {"a": [1], "b": value}}, TWO, 10)


def test_infinite_values_of_the_client_are_kept():
    arrays, _ = codec.parse_inputs(codec.parse_body(b'{"instances": [[Infinity, NaN]]}'), ONE, 10)
    assert arrays["x"][0, 0] == np.inf and np.isnan(arrays["x"][0, 1])


def test_the_answer_has_the_form_of_the_request():
    one = {"y": np.array([[1.5, 2], [3, 4]], np.float32)}
    assert json.loads(answers.render(one, 2)) == {"predictions": [[1.5, 2], [3, 4]]}
    assert json.loads(answers.render(one, None)) == {"outputs": [[1.5, 2], [3, 4]]}
    two = {"y": np.array([1, 2]), "raw_bytes": np.array([b"\xff", b"a"], object), "name": np.array(["é", b"n"], object)}
    row = {"y": 1, "raw_bytes": b64(b"\xff"), "name": "é"}
    assert json.loads(answers.render(two, 2))["predictions"][0] == row
    assert json.loads(answers.render(two, None))["outputs"]["name"] == ["é", "n"]


@pytest.mark.parametrize(
    "other", [np.zeros(3), np.float32(0.5), np.zeros(()), np.zeros((1, 2))], ids=["longer", "number", "scalar", "one"]
)
def test_rows_need_a_common_axis(other):
    with pytest.raises(RequestError, match="no common batch axis: ask with 'inputs'"):
        answers.render({"a": np.zeros(2), "b": other}, 2)
    with pytest.raises(RequestError, match="no common batch axis"):
        answers.render({"b": other}, 2)
    columns = json.loads(answers.render({"a": np.zeros(2), "b": other}, None))["outputs"]
    assert columns == {"a": [0.0, 0.0], "b": np.asarray(other).tolist()}


@pytest.mark.parametrize(
    ("array", "written"),
    [
        (np.array([1.5, -2.5], ml_dtypes.bfloat16), [1.5, -2.5]),
        (np.array([2**64 - 1, 0], np.uint64), [2**64 - 1, 0]),
        (np.array([-(2**63), 1], np.int64), [-(2**63), 1]),
        (np.array([0.1, 65504], np.float16), [0.0999755859375, 65504.0]),
        (np.array([True, False]), [True, False]),
        (np.array(["é", "b"]), ["é", "b"]),
        (np.array([b"\xff", b"b"], object), [b64(b"\xff"), "b"]),
        (np.array(3, np.uint8), 3),
        (np.array(b"x", object), "x"),
    ],
)
def test_every_type_that_json_has_is_written(array, written):
    assert json.loads(answers.render({"y": array}, None)) == {"outputs": written}


def test_what_json_does_not_have_is_refused_by_name():
    with pytest.raises(RequestError, match='output "y" is of type complex64, .* gRPC'):
        answers.render({"y": np.zeros(2, np.complex64)}, 2)
    signature = Signature({"x": spec("complex128")}, {"y": spec("float32")})
    with pytest.raises(RequestError, match='input "x" is of type complex128, .* gRPC'):
        codec.parse_inputs({"inputs": [1, 2]}, signature, 10)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", ml_dtypes.bfloat16])
def test_numbers_that_json_does_not_have(dtype):
    array = np.array([[np.nan, 1], [np.inf, -np.inf]], dtype)
    bare = answers.render({"y": array}, 2)
    assert bare == b'{"predictions": [[NaN, 1.0], [Infinity, -Infinity]]}'
    strict = json.loads(answers.render({"y": array}, 2, strict=True), parse_constant=pytest.fail)
    assert strict == {"predictions": [["NaN", 1.0], ["Infinity", "-Infinity"]]}
    signature = Signature({"x": spec(dtype, 2)}, {"y": spec("float32")})
    for text in (bare, json.dumps(strict).encode()):  # either form can be sent back
        request = codec.parse_body(text.replace(b"predictions", b"instances"))
        read = codec.parse_inputs(request, signature, 10)[0]["x"]
        assert read.dtype == array.dtype
        np.testing.assert_array_equal(read.astype("float64"), array.astype("float64"))


@pytest.mark.parametrize(
    ("dtype", "text", "message"),
    [
        ("float32", "[1e400]", "out of range for type float32"),
        ("float64", "[1e400]", "out of range for type float64"),
        ("float64", "[-1e999, Infinity]", "out of range for type float64"),
        ("float64", "1" + "0" * 400, "out of range for type float64"),
        ("bfloat16", "[1e300]", "out of range for type bfloat16"),
        ("float32", "[1, true]", "got booleans among them"),
        ("float32", '[{"b64": "aGk="}]', 'signature that takes them: "signature_name": "serving_bytes"'),
        ("float32", "[1.5, false]", "got booleans among them"),
        ("int32", "[1, true]", "got booleans among them"),
        ("int64", "[true]", "got booleans"),
        ("bool", "[true, 1]", "expected true or false; got numbers"),
        ("bool", "[0]", "expected true or false; got numbers"),
        ("int64", f"[{2**63}]", "out of range for type int64"),
        ("int64", f"[{-(2**63) - 1}]", "out of range for type int64"),
        ("int64", f"[{2**63}, -1]", "out of range for type int64"),
        ("int64", f"[{10**30}]", "out of range for type int64"),
        ("uint64", f"[{2**64}]", "out of range for type uint64"),
        ("uint64", "[-1]", "out of range for type uint64"),
        ("int32", "[1.0]", "got fractions"),
        ("int32", "[NaN]", "got fractions"),
        ("int32", f"[{10**30}, 1.5]", "expected numbers of type int32"),
        ("float32", '["nan"]', "got text"),
        ("float32", '["1"]', "got text"),
        ("int32", '["NaN"]', "got text"),
        ("float32", "[null]", "got other values"),
        ("float32", '[{"b64": "AA=="}, 1]', "Encoded pictures go to"),
    ],
)
def test_numbers_that_do_not_fit(dtype, text, message):
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    signature = Signature({"x": TensorSpec(np.dtype(kind), None)}, {"y": spec("float32")})
    with pytest.raises(RequestError, match=message) as caught:
        codec.parse_inputs(codec.parse_body(f'{{"inputs": {text}}}'.encode()), signature, 10)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("dtype", "text", "value"),
    [
        ("uint64", f"[{2**64 - 1}, 0]", [2**64 - 1, 0]),
        ("uint64", f"[{2**63}, 1]", [2**63, 1]),
        ("int64", f"[{-(2**63)}, {2**63 - 1}]", [-(2**63), 2**63 - 1]),
        ("float32", f"[{10**30}, 1]", [np.float32(1e30), 1]),
        ("float64", f"[{2**63}, -1]", [2.0**63, -1]),
        ("float64", f"[{2**70}, Infinity]", [2.0**70, np.inf]),
        ("float64", '[1, "NaN", -2.5]', [1, np.nan, -2.5]),
        ("float64", "7", 7.0),
        ("bool", "[true, false]", [True, False]),
        ("float16", "[65504]", [65504]),
    ],
)
def test_numbers_that_fit_are_exact(dtype, text, value):
    signature = Signature({"x": TensorSpec(np.dtype(dtype), None)}, {"y": spec("float32")})
    arrays, _ = codec.parse_inputs(codec.parse_body(f'{{"inputs": {text}}}'.encode()), signature, 10)
    assert arrays["x"].dtype == dtype
    np.testing.assert_array_equal(arrays["x"], np.array(value, dtype))


@pytest.mark.parametrize(
    "text", ['{"inputs": 1, "inputs": 2}', '{"instances": [{"x": 1, "x": 2}]}', '{"inputs": {"a": [1], "a": [1]}}']
)
def test_a_name_that_stands_twice(text):
    with pytest.raises(RequestError, match="the name '.*' stands twice"):
        codec.parse_body(text.encode())


def test_class_names():
    facts = Facts("net", "image-classification", ("a", "b"))
    two = {"logits": np.array([[0, 1.0], [2, 1]]), "probabilities": np.zeros((2, 2))}
    assert json.loads(answers.render(two, 2, facts=facts))["labels"] == ["b", "a"]
    several = Facts("net", "image-labelling", ("a", "b"))
    assert json.loads(answers.render({"logits": np.array([[1, 1.0], [-2, 1]])}, 2, facts=several))["labels"] == [
        ["a", "b"],
        ["b"],
    ]
    yes_or_no = {"logits": np.array([[-1.0], [2]])}
    assert json.loads(answers.render(yes_or_no, 2, facts=facts))["labels"] == ["a", "b"]
    pixels = {"logits": np.array([[[[0, 1.0], [1, 0]]]])}
    segmentation = Facts("net", "semantic-segmentation", ("a", "b"))
    assert json.loads(answers.render(pixels, 1, facts=segmentation))["labels"] == [[["b", "a"]]]
    with pytest.raises(RequestError, match="has no class names"):
        answers.render(two, 2, facts=Facts())
    with pytest.raises(RequestError, match="is not known"):
        answers.render({"y": np.zeros((2, 2))}, 2, facts=facts)
    with pytest.raises(RequestError, match="3 class names for 2 logits"):
        answers.render(two, 2, facts=Facts("net", "image-classification", ("a", "b", "c")))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "must be an object"),
        ({"label": True}, "unknown parameter 'label'"),
        ({"labels": 1}, "must be true or false"),
    ],
)
def test_parameters_that_are_none(given, message):
    with pytest.raises(RequestError, match=message):
        codec.parameters({"parameters": given})
