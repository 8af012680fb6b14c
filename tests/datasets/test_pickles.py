"""Pickles of other people's data: nothing in them runs, and none makes the reader take more memory than it is long."""

import pickle
import resource
import sys

import numpy as np
import pytest

from zoo.datasets.pickles import read_pickle

pytestmark = pytest.mark.once


def read(content):
    return read_pickle(content, "a.pkl", "dictionary")


@pytest.mark.parametrize("protocol", range(5))  # the files that there are have 2 or less
def test_the_protocols_of_such_files(protocol):
    value = {"data": np.arange(600, dtype="uint8").reshape(2, 300), "labels": list(range(300)), "names": [["a"], ["b"]]}
    found = read(pickle.dumps(value, protocol))
    assert found["labels"] == value["labels"] and found["names"] == value["names"]
    np.testing.assert_array_equal(found["data"], value["data"])


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02]r\x00\x00\x00\x7f.",  # a list that is said to be value number 2,130,706,432
        b"(lp2000000000\n.",
        b"\x80\x05\x96\x00\x00\x00\xff\x00\x00\x00\x00.",  # an array of 4 GB, of which nothing follows
    ],
    ids=["binary", "text", "size"],
)
@pytest.mark.skipif(sys.platform == "win32", reason="reads the memory of the process by resource")
def test_numbers_beyond_the_file_take_no_memory(content):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match="a.pkl is not a readable dictionary"):
        read(content)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB
