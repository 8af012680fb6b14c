"""Inputs for the check of an exported file: made up within what the model takes, or the user's own."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.exporting.cases import make_cases, write_cases
from zoo.exporting.interface import interface_of
from zoo.exporting.samples import read_samples, write_samples

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="as in the process that exports"),
]
L = keras.layers


def words(size: int) -> keras.Model:
    tokens = keras.Input((5,), dtype="int32", name="tokens")
    pooled = L.GlobalAveragePooling1D(name="mean")(L.Embedding(size, 4, name="table")(tokens))
    return keras.Model(tokens, L.Dense(2, name="y")(pooled), name="words")


def vectors() -> keras.Model:
    x = keras.Input((4,), name="x")
    return keras.Model(x, L.Dense(2, name="y")(x), name="vectors")


@pytest.mark.parametrize("size", [2, 7, 5000])
def test_integers_in_the_range_of_an_embedding(size):
    cases = make_cases(interface_of(words(size)), None)
    assert [len(inputs["tokens"]) for inputs, _ in cases] == [1, 4]
    assert all(inputs["tokens"].min() >= 0 and 0 < inputs["tokens"].max() < size for inputs, _ in cases)


def test_strings_that_the_tables_know():
    word = keras.Input((3,), dtype="string", name="word")
    model = keras.Model(word, L.StringLookup(vocabulary=["a", "b"], num_oov_indices=0, name="place")(word))
    cases = make_cases(interface_of(model), None)
    assert set(np.unique(cases[1][0]["word"])) == {"a", "b"}
    assert np.array_equal(cases[1][1]["place"], (cases[1][0]["word"] == "b").astype("int64"))


def test_what_made_inputs_cannot_run():
    number, x = keras.Input((1,), dtype="int64", name="n"), keras.Input((4,), name="x")
    known = L.IntegerLookup(vocabulary=[77, 99], num_oov_indices=0, name="lookup")
    for model, reason in (
        (keras.Model(number, known(number)), "IntegerLookup"),
        (keras.Model(x, keras.ops.log(-keras.ops.abs(x))), "no number of log is finite"),
    ):
        with pytest.raises(ValueError, match=f"{reason}.*pass real ones with samples="):
            make_cases(interface_of(model), None)


def test_bfloat16_and_strings_are_stored(tmp_path):
    x = keras.Input((4,), dtype="bfloat16", name="x")
    number = keras.Input((1,), dtype="int64", name="n")
    word = L.StringLookup(vocabulary=["größe", "b"], invert=True, name="word")(number)
    interface = interface_of(keras.Model([x, number], [L.Dense(2, dtype="bfloat16", name="y")(x), word]))
    cases = make_cases(interface, None)
    write_cases(interface, cases, tmp_path / "cases.npz")
    with np.load(tmp_path / "cases.npz") as stored:
        assert np.array_equal(stored["1.out.y"], cases[1][1]["y"].astype("float32"))
        assert {value.decode() for value in stored["1.out.word"].flat} <= {"größe", "b", "[UNK]"}


@pytest.mark.parametrize("form", ["array", "dictionary", "npy", "npz", "path"])
def test_forms_of_samples(form, tmp_path):
    values = np.random.default_rng(0).standard_normal((9, 4))
    np.save(tmp_path / "a.npy", values)
    np.savez(tmp_path / "a.npz", x=values)
    forms = {"npy": str(tmp_path / "a.npy"), "npz": str(tmp_path / "a.npz"), "path": tmp_path / "a.npy"}
    given = {"array": values, "dictionary": {"x": values}, **forms}[form]
    interface = interface_of(vectors())
    found = read_samples(write_samples("m", given, None, tmp_path / "s.npz"), interface)
    assert found["x"].dtype == "float32" and np.array_equal(found["x"], values.astype("float32"))
    assert [len(inputs["x"]) for inputs, _ in make_cases(interface, found)] == [1, 8]
    assert [len(inputs["x"]) for inputs, _ in make_cases(interface, {"x": found["x"][:1]})] == [1]


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        (vectors, np.zeros((3, 5)), r"samples of 'x' of shape \(any, 4\) and type float32; got \(3, 5\) and float64"),
        (vectors, np.full((3, 4), np.nan), "Expected finite samples of 'x'"),
        (vectors, np.full((3, 4), "a"), "type float32; got .* and <U1"),
        (vectors, {"z": np.zeros((3, 4))}, r"samples for the inputs \['x'\]; got \['z'\]"),
        (vectors, np.zeros((0, 4)), "at least 1 samples"),
        (vectors, [[None, 1, 2, 3]], "an array of numbers or strings; got the type object"),
        (lambda: words(7), np.full((3, 5), 0.5), "samples of 'tokens' that int32 can hold"),
    ],
)
def test_samples_that_do_not_fit(model, given, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_samples(write_samples("m", given, None, tmp_path / "s.npz"), interface_of(model()))


def test_a_file_that_holds_no_arrays(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(ValueError, match=r"a.npz is not a readable .npy or .npz file of samples"):
        write_samples("m", tmp_path / "a.npz", None, tmp_path / "s.npz")
    with pytest.raises(FileNotFoundError):
        write_samples("m", "missing.npy", None, tmp_path / "t.npz")
