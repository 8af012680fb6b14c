from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from zoo.serving import codec
from zoo.serving.errors import RequestError
from zoo.serving.runners import Signature, TensorSpec


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
        (ONE, {"instances": [[10**400, 0]]}, "expected numbers of type float32"),
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
    assert json.loads(codec.render(one, True)) == {"predictions": [[1.5, 2], [3, 4]]}
    assert json.loads(codec.render(one, False)) == {"outputs": [[1.5, 2], [3, 4]]}
    two = {"y": np.array([1, 2]), "raw_bytes": np.array([b"\xff", b"a"], object), "name": np.array(["é", b"n"], object)}
    row = {"y": 1, "raw_bytes": b64(b"\xff"), "name": "é"}
    assert json.loads(codec.render(two, True))["predictions"][0] == row
    assert json.loads(codec.render(two, False))["outputs"]["name"] == ["é", "n"]


def test_rows_need_a_common_axis():
    with pytest.raises(RequestError, match="no common batch axis"):
        codec.render({"a": np.zeros(2), "b": np.zeros(3)}, True)
